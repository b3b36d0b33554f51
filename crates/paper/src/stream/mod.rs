//! Streams: trade updates by WebSocket and by server-sent events, and market data by WebSocket.
//!
//! [`Streams`] is what all of them share. Trade updates are pushed: who listens has a bounded queue, and is cut off when it
//! overflows. Market data is pulled: the price world can be read at any place at any time, so that every socket makes its own
//! messages from where it stands up to now, and nothing is ever queued for a slow one. Sockets that want the same share the
//! encoded frames.

mod activity_events;
mod data;
mod encode;
mod orders;
mod server_sent;
mod socket;
mod trading;
mod ulid;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{SEC_WEBSOCKET_VERSION, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use paddock_alpaca::socket::{Accepted, Socket};
use paddock_alpaca::stream::MAX_MESSAGE;
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::http::Served;
use crate::market::{Halted, Market};

pub(crate) use activity_events::activities as activities_by_server_sent_events;
use data::Feed;
pub(crate) use orders::Orders;
pub(crate) use server_sent::{PATH as SERVER_SENT_PATH, trades as trades_by_server_sent_events};
pub(crate) use socket::changed;

/// How many beginnings and ends of halts may wait for a socket before it misses some.
const HALTS_WAITING: usize = 1024;

/// How streams are set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamOptions {
    /// How long a data stream waits for credentials; Alpaca waits 10 seconds.
    pub auth_timeout: Duration,
    /// How many symbols may be subscribed to for trades and quotes in one data stream; Alpaca's free plan allows 30. Without
    /// it, any number.
    pub symbol_limit: Option<usize>,
    /// How long a client may keep its stream waiting, since it was last up to date, before it counts as slow and is cut off.
    pub slow_after: Duration,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self {
            auth_timeout: Duration::from_secs(10),
            symbol_limit: None,
            slow_after: Duration::from_secs(10),
        }
    }
}

/// What all streams of a broker share.
#[derive(Debug)]
pub(crate) struct Streams {
    pub options: StreamOptions,
    /// Who listens to orders, and what they could have heard.
    pub orders: Orders,
    /// The broker's time, as often as it passes.
    time: watch::Sender<Timestamp>,
    /// How often pairs of accounts changed.
    key_changes: watch::Sender<u64>,
    slots: data::Slots,
    frames: data::Frames,
    /// Halts that begin and end.
    halts: broadcast::Sender<data::HaltTold>,
    /// The price world of the test stream, made when it is first asked for.
    test_market: OnceLock<Arc<Market>>,
}

impl Streams {
    pub fn new(options: StreamOptions, now: Timestamp) -> Self {
        Self {
            options,
            orders: Orders::default(),
            time: watch::Sender::new(now),
            key_changes: watch::Sender::new(0),
            slots: data::Slots::default(),
            frames: data::Frames::default(),
            halts: broadcast::Sender::new(HALTS_WAITING),
            test_market: OnceLock::new(),
        }
    }

    /// Time has passed.
    pub fn time_is(&self, now: Timestamp) {
        self.time.send_if_modified(|time| {
            let later = now > *time;
            *time = now.max(*time);
            later
        });
    }

    /// An account's pair has changed or is gone: every stream looks whether its own is still good.
    pub fn keys_changed(&self) {
        self.key_changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// The broker's time, as it passes.
    pub fn time(&self) -> watch::Receiver<Timestamp> {
        self.time.subscribe()
    }

    /// Tells what is halted now and was not, and the other way.
    pub fn tell_halts(&self, before: &[Halted], after: &[Halted], at: Timestamp) {
        let is_in = |list: &[Halted], one: &Halted| list.iter().any(|other| other.symbol == one.symbol);
        let ended = before.iter().filter(|one| !is_in(after, one)).map(|one| (one, false));
        let begun = after.iter().filter(|one| !is_in(before, one)).map(|one| (one, true));
        for (one, halted) in ended.chain(begun) {
            // Nobody may be listening.
            let _ = self.halts.send(data::HaltTold { symbol: one.symbol.clone(), halted, at });
        }
    }

    /// The stock market of this price world, but open around the clock.
    fn test_market(&self, market: &Arc<Market>) -> Arc<Market> {
        if market.options().hold_open {
            return Arc::clone(market);
        }
        Arc::clone(self.test_market.get_or_init(|| Arc::new(market.around_the_clock())))
    }
}

/// Ends the streams of a listener, which would otherwise keep it from shutting down.
#[derive(Clone, Debug, Default)]
pub(crate) struct Closing(pub CancellationToken);

/// One of the WebSocket streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Trading,
    Data(Feed),
}

impl Stream {
    /// The stream that a request wants to open. A path may be a stream's and an operation's too.
    pub fn asked_for(parts: &Parts) -> Option<Self> {
        let upgrade = parts.headers.get(UPGRADE)?.as_bytes();
        if !upgrade.eq_ignore_ascii_case(b"websocket") || parts.uri.authority().is_some() {
            return None;
        }
        match parts.uri.path() {
            "/stream" | "/stream/" => Some(Self::Trading),
            path => data::FEEDS.into_iter().find(|feed| feed.path() == path).map(Self::Data),
        }
    }

    /// Where it is.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Trading => "/stream",
            Self::Data(feed) => feed.path(),
        }
    }

    /// Where all of them are.
    pub fn paths() -> impl Iterator<Item = &'static str> {
        [Self::Trading.path()].into_iter().chain(data::FEEDS.into_iter().map(Feed::path))
    }

    /// Answers the handshake; the stream goes on after that.
    pub fn open(self, served: Served, mut parts: Parts) -> Response {
        let accepted = match Accepted::answer(&parts.method, &parts.headers) {
            Ok(accepted) => accepted,
            Err(refused) => {
                let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::BAD_REQUEST);
                let mut response = (status, refused.to_string()).into_response();
                if status == StatusCode::UPGRADE_REQUIRED {
                    response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
                }
                return response;
            }
        };
        // Only a connection of HTTP/1.1 can become a WebSocket.
        let Some(upgrade) = parts.extensions.remove::<OnUpgrade>() else {
            return StatusCode::UPGRADE_REQUIRED.into_response();
        };
        let closing = parts.extensions.get::<Closing>().cloned().unwrap_or_default();
        tokio::spawn(async move {
            let Ok(upgraded) = upgrade.await else { return };
            let socket = Socket::new(TokioIo::new(upgraded), MAX_MESSAGE, accepted.compression);
            match self {
                Self::Trading => trading::serve(served, &parts.headers, closing, socket).await,
                Self::Data(feed) => data::serve(feed, served, &parts.headers, closing, socket).await,
            }
        });
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        *response.headers_mut() = accepted.headers;
        response
    }
}
