//! The consumers against fakes of the services that they write to (`e2e/fakes`).

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the lints know tests by their attribute, and much here is in functions that several tests call"
)]

mod aws;
mod cloudflare;
mod common;
mod github;
mod google;
mod heroku;
mod infisical;
mod kubernetes;
mod machine;
mod notices;
mod skew;
mod vault;
