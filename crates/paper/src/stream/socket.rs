//! What the sockets of all streams have in common: when they end, and who is gone.

use std::time::Duration;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use paddock_alpaca::socket::{Close, Fault, Message, Socket};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior};

/// How often a quiet client is asked whether it is there.
const PING: Duration = Duration::from_secs(30);
/// How long a client may be silent: Alpaca frees the place of a dead one after about 90 seconds.
const SILENCE: Duration = Duration::from_secs(90);
/// How long the last words to a client may take.
const PARTING: Duration = Duration::from_secs(5);

/// The socket of a client.
pub(super) type WebSocket = Socket<TokioIo<Upgraded>>;

/// How a socket is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Farewell {
    /// What the client is told before.
    last: Option<Message>,
    code: u16,
    reason: &'static str,
}

impl Farewell {
    /// The pair or token that opened it has died.
    pub const REVOKED: Self = Self { last: None, code: 1008, reason: "the key is no longer valid" };
    /// The broker is shutting down.
    pub const GOING_AWAY: Self = Self { last: None, code: 1001, reason: "the broker is shutting down" };

    /// A rule of the protocol was broken.
    pub const fn fault(fault: Fault) -> Self {
        Self { last: None, code: fault.code(), reason: fault.reason() }
    }

    /// A close code that was asked for.
    pub const fn code(code: u16) -> Self {
        Self { last: None, code, reason: "" }
    }

    /// Something about the client's conduct, of which the last message tells.
    pub const fn because(last: Message) -> Self {
        Self { last: Some(last), code: 1008, reason: "" }
    }
}

/// Says farewell and ends a socket. A client that does not read gets nothing of it, after a while.
pub(super) async fn close(mut socket: WebSocket, farewell: Farewell) {
    let close = Close { code: farewell.code, reason: farewell.reason.to_owned() };
    let parting = async {
        if let Some(last) = farewell.last
            && socket.send(&last).await.is_err()
        {
            return;
        }
        if socket.send(&Message::Close(Some(close))).await.is_ok() {
            // Up to the client's own close frame: who reads on until then loses nothing of what was sent before.
            while socket.recv().await.is_some() {}
        }
    };
    // Whoever takes longer is cut off.
    let _ = tokio::time::timeout(PARTING, parting).await;
}

/// Notices who is gone without a word.
pub(super) struct Pulse {
    ticks: Interval,
    heard: Instant,
}

impl Pulse {
    pub fn new() -> Self {
        let mut ticks = tokio::time::interval_at(Instant::now() + PING, PING);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, heard: Instant::now() }
    }

    /// The client has said something, if only a pong.
    pub fn heard(&mut self) {
        self.heard = Instant::now();
    }

    /// Waits until the client should be asked; tells whether it still counts as there.
    pub async fn beat(&mut self) -> bool {
        self.ticks.tick().await;
        self.heard.elapsed() < SILENCE
    }
}

/// Waits until pairs have changed; for ever when that cannot happen any more.
pub(crate) async fn changed<T>(watched: &mut watch::Receiver<T>) {
    if watched.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
