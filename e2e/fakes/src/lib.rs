//! Fakes of the services that hold copies of a key pair, for tests of `paddock-rotate` and for the services' own clients to judge (`e2e/judges`).
//!
//! A [`Fake`] is a small state machine written from the service's documents. It refuses what the service would refuse, and it is strict where documents
//! are silent: a request that it does not know is refused. [`Running`] serves one over HTTP on this machine, keeps what it heard, and can be told to
//! fail at the n-th request in the ways that networks and services fail ([`Trouble`]).

pub mod aws;
mod aws_signature;
pub mod cloudflare;
pub mod github;
pub mod google;
pub mod heroku;
pub mod infisical;
pub mod kubernetes;
mod message;
mod server;
pub mod slack;
mod trouble;
pub mod vault;
pub mod webhook;

pub use aws_signature::Known;
pub use message::{Heard, Reply};
pub use server::{Running, When};
pub use trouble::Trouble;

/// A service. Its clones are used to answer from the state before the last change.
pub trait Fake: Clone + Send + 'static {
    /// Answers a request, and changes its state as the service would.
    fn answer(&mut self, heard: &Heard) -> Reply;

    /// How the service refuses a login that may not do this.
    fn forbidden(&self) -> Reply;

    /// How the service asks for fewer requests.
    fn limited(&self, seconds: u64) -> Reply {
        Reply::text(429, "slow down").with("retry-after", &seconds.to_string())
    }

    /// Whether a request only reads: it may be answered from the state before the last change.
    #[must_use]
    fn reads(heard: &Heard) -> bool {
        heard.method == http::Method::GET
    }
}
