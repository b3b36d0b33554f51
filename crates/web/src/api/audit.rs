//! The audit chain: what happened, in order.

pub(crate) mod export;
pub(crate) mod list;
pub(crate) mod verify;
