//! The audit chain: what happened, in order.

pub(crate) mod export;
pub(crate) mod key;
pub(crate) mod list;
pub(crate) mod prune;
pub(crate) mod verify;
pub(crate) mod when;
