//! What is done for a rotation, one file for each part of the world.

mod account;
mod candidate;
mod deliver;
mod gateway;
mod ownership;
