//! What Alpaca's streams say: which there are, what programs ask of them, and in which forms.
//!
//! [`crate::socket`] is how it is carried.

pub mod feed;
pub mod format;
pub mod messagepack;
pub mod request;
pub mod selection;
pub mod server_sent;
pub mod trading;

pub use feed::{Channel, Feed};
pub use format::{Format, MAX_MESSAGE};
pub use request::{Lists, Request, StreamError};
pub use selection::Selection;

/// The path of trade updates, which clients also write with a slash at the end.
pub const TRADE_UPDATES_PATH: &str = "/stream";

/// The path of trade updates as server-sent events.
pub const TRADE_EVENTS_PATH: &str = "/v2/events/trades";

/// The only stream at [`TRADE_UPDATES_PATH`].
pub const TRADE_UPDATES: &str = "trade_updates";
