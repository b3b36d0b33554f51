//! The command line's side of the JSON API.
//!
//! A command talks to the running server over its admin socket. When none runs, it opens the data directory itself and
//! asks the same router in this process, so that every command works either way and means the same.

mod client;
mod problem;
mod socket;

pub(crate) use client::{ApiClient, segment};
pub(crate) use socket::{bind, is_served};
