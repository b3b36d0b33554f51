//! Stopping: freezes from every source, the last look before a request is sent, what a freeze does about open orders and positions,
//! and the dead-man switch.

mod emergency;
mod sending;

pub(crate) use emergency::Emergency;
pub(crate) use sending::Sending;
