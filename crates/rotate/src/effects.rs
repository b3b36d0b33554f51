//! What is done for a rotation, one file for each part of the world.

mod account;
mod candidate;
pub(crate) mod deliver;
mod gateway;
pub(crate) mod ownership;
pub(crate) mod vault;
