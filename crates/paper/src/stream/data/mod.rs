//! Market data streams.
//!
//! A socket ([`session`]) authenticates, keeps a [`Selection`](paddock_alpaca::stream::Selection) and reads the price world from where it stands up to
//! now, in portions that are the same for all sockets ([`portion`]), so that those with the same selection share the encoded
//! frames ([`frames`]).

mod frames;
mod halts;
mod headlines;
mod portion;
mod session;
mod slots;
mod world;

pub(super) use frames::Frames;
pub(super) use halts::HaltTold;
pub(crate) use paddock_alpaca::stream::Feed;
pub(super) use session::serve;
pub(super) use slots::Slots;
pub(super) use world::FEEDS;
