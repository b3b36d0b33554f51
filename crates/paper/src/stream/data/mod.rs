//! Market data streams.
//!
//! A socket ([`session`]) authenticates, keeps a [`selection::Selection`] and reads the price world from where it stands up to
//! now, in portions that are the same for all sockets ([`portion`]), so that those with the same selection share the encoded
//! frames ([`frames`]).

mod feed;
mod frames;
mod portion;
mod request;
mod selection;
mod session;
mod slots;

pub(crate) use feed::Feed;
pub(super) use frames::Frames;
pub(super) use session::serve;
pub(super) use slots::Slots;
