//! The store, driven through its public functions. Every test body runs on SQLite and on PostgreSQL; the latter needs
//! `PADDOCK_TEST_POSTGRES_URL`, which `cargo xtask test` sets.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "the lints know tests by their attribute, and most bodies here are functions that two tests call"
)]

#[macro_use]
mod support;
mod access_keys;
mod activity;
mod approvals;
mod audit;
mod backup;
mod by_hand;
mod caps;
mod connections;
mod crash;
mod deks;
mod factors;
mod freezes;
mod key_use;
mod oauth_attempts;
mod open;
mod order_ends;
mod people;
mod placed;
mod retention;
mod rotations;
mod signing_keys;
mod writer;
