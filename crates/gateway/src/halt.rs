//! Stopping: freezes from every source, the last look before a request is sent, what a freeze does about open orders and positions,
//! the dead-man switch, and what waits while a pair is replaced.

pub(crate) mod deadman;
mod emergency;
mod own;
pub(crate) mod rotation;
mod sending;
pub(crate) mod wind_down;

pub(crate) use emergency::Emergency;
pub use rotation::Unanswered;
pub(crate) use sending::{Sending, Sent};
pub(crate) use wind_down::WindDowns;
