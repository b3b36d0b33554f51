//! The vault: which keys there are, and replacing them.

pub(crate) mod rotate;
pub(crate) mod show;
