//! The last requests through the gateway, and what happens from now on.

pub(crate) mod events;
pub(crate) mod list;
