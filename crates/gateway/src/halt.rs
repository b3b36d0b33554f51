//! Stopping: freezes from every source, the last look before a request is sent, what a freeze does about open orders and positions,
//! and the dead-man switch.

pub(crate) mod deadman;
mod emergency;
mod own;
mod sending;
pub(crate) mod wind_down;

pub(crate) use emergency::Emergency;
pub(crate) use sending::Sending;
pub(crate) use wind_down::WindDowns;
