//! The API and the pages as a client sees them: both routers over a real SQLite store, a real vault and a running gateway.

#![expect(clippy::unwrap_used, reason = "what cannot go on is a failed test")]

mod access;
mod account_pages;
mod accounts;
mod activity;
mod approval_pages;
mod approvals;
mod audit;
mod authenticator;
mod bad_input;
mod connecting;
mod connection_pages;
mod document;
mod fake_alpaca;
mod freeze_page;
mod harness;
mod health;
mod idempotency;
mod kept_forms;
mod key_pages;
mod keys;
mod oauth;
mod one_of_each;
mod page;
mod paging;
mod paper;
mod people;
mod rotations;
mod second_factor;
mod stopping;
mod streams;
mod tokens;
mod vault;
mod visitor;
