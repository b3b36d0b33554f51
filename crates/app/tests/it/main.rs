//! The real binary as a black box: what a person types, and what comes of it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests")]

mod audit;
#[path = "../../../web/tests/it/authenticator.rs"]
mod authenticator;
mod backup;
mod bench;
mod brake;
mod canary;
mod caps_kill;
mod crash;
mod demo;
mod entrances;
mod errors;
mod faults;
mod help;
mod import;
mod locked;
mod memory;
mod oauth;
mod paper_serve;
mod people;
mod postgres;
mod promises;
mod rollback;
mod rotation;
mod rotation_kill;
mod rotation_live;
mod rotation_words;
mod scan;
mod server;
