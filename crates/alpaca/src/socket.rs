//! WebSockets as Alpaca speaks them: RFC 6455 with `permessage-deflate` (RFC 7692).
//!
//! From the inside out: [`frame`] is the form of a frame, [`deflate`] the agreement on compression and the compression itself,
//! [`Reader`] makes messages of the bytes that arrive, [`Prepared`] makes bytes of messages that many clients get, and [`Socket`]
//! does both on a connection. [`handshake`] answers the request that opens one. All but [`Socket`] are pure functions of bytes.

pub mod connection;
pub mod deflate;
pub mod frame;
pub mod handshake;
pub mod prepared;
pub mod reader;

use bytes::Bytes;

pub use connection::Socket;
pub use deflate::Agreed;
pub use handshake::{Accepted, NoHandshake};
pub use prepared::Prepared;
pub use reader::Reader;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
    /// Asks whether the other side is there; the answer is a pong with the same bytes, at most 125.
    Ping(Bytes),
    /// The answer to a ping.
    Pong(Bytes),
    /// The last message of a side.
    Close(Option<Close>),
}

/// Why a side ends the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// 1000 to 4999, see RFC 6455, section 7.4.
    pub code: u16,
    /// For people, at most 123 bytes.
    pub reason: String,
}

impl Message {
    /// A text message.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A binary message.
    #[must_use]
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::Binary(bytes.into())
    }
}

/// Which side of a connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Receives masked frames and sends unmasked ones.
    Server,
    /// The other way round.
    Client,
}

/// What the other side did wrong. The connection has to end with [`Fault::code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A rule of the protocol was broken.
    #[error("{0}")]
    Protocol(&'static str),
    /// A text or a close reason is no UTF-8.
    #[error("a text is no UTF-8")]
    NotUtf8,
    /// A compressed message cannot be decompressed.
    #[error("a compressed message is damaged")]
    Damaged,
    /// A message is larger than is accepted, decompressed or not.
    #[error("a message is too large")]
    TooLarge,
}

impl Fault {
    /// The code of the close frame that tells it.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Protocol(_) => 1002,
            Self::NotUtf8 | Self::Damaged => 1007,
            Self::TooLarge => 1009,
        }
    }

    /// The reason in the close frame.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Protocol(reason) => reason,
            Self::NotUtf8 => "a text is no UTF-8",
            Self::Damaged => "a compressed message is damaged",
            Self::TooLarge => "a message is too large",
        }
    }
}
