//! Rotations from plan to report, over a real database, a real vault and the paper broker. Bodies run on SQLite and on PostgreSQL; the latter
//! needs `PADDOCK_TEST_POSTGRES_URL`, which `cargo xtask test` sets.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "the lints know tests by their attribute, and most of this is functions that tests call"
)]

mod consumers;
mod crash;
mod database;
mod flow;
mod kills;
mod lease;
mod place;
mod portal;
mod reminders;
mod world;
