//! Streams: one socket to the broker for each account and stream, for as many programs as come.
//!
//! A program's side is a session ([`data_session`], [`trade_session`]); the broker's side is a hub ([`data_hub`], [`trade_hub`]),
//! which [`hubs`] keeps. Sessions look again at who they serve whenever keys or freezes change ([`standing`]). Nothing of what
//! the broker says about credentials passes: hubs forward messages of kinds that they know, and say errors in words of their own.

mod data_hub;
mod data_session;
mod data_wire;
mod dial;
mod event_hub;
pub(crate) mod event_session;
mod fan_out;
mod farewell;
mod feed;
mod hubs;
mod order_ends;
mod standing;
mod trade_hub;
mod trade_session;

use std::sync::Arc;

use http::header::{SEC_WEBSOCKET_VERSION, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use paddock_alpaca::endpoints::AlpacaHost;
use paddock_alpaca::socket::{Accepted, NoHandshake, Socket};
use paddock_alpaca::stream::{Feed, Format, MAX_MESSAGE, TRADE_EVENTS_PATH, TRADE_UPDATES_PATH};
use paddock_core::{Environment, PermissionClass};

use crate::answer::{AnswerBody, Fault, full};
use crate::authenticate::{Grant, Unauthenticated, authenticate};
use crate::door::{Arrival, open_credential};
use crate::entrance::Reached;
use crate::lane::Lane;
use crate::requests::RequestLine;
use crate::shape::check_stream_head;
use crate::signature::SignedHead;
use crate::stop::Stop;

pub(crate) use dial::Dialer;
pub(crate) use hubs::Hubs;
pub(crate) use order_ends::{Confirmed, announcer, settle_ended};

/// A program's socket.
type ClientSocket = Socket<TokioIo<Upgraded>>;

/// One of the streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    TradeUpdates,
    /// Trade updates as server-sent events.
    TradeEvents,
    Data(Feed),
}

impl Stream {
    /// The stream that a request wants to open.
    pub(crate) fn asked_for(parts: &Parts) -> Option<Self> {
        let upgrade = parts.headers.get(UPGRADE)?.as_bytes();
        if !upgrade.eq_ignore_ascii_case(b"websocket") || parts.uri.authority().is_some() {
            return None;
        }
        match parts.uri.path() {
            // Clients differ in the slash.
            TRADE_UPDATES_PATH | "/stream/" => Some(Self::TradeUpdates),
            path => Feed::at(path).map(Self::Data),
        }
    }

    /// What it is called where operations are, and the class that allows it.
    pub(crate) const fn operation(self) -> (&'static str, PermissionClass) {
        match self {
            Self::TradeUpdates => ("streamTradeUpdates", PermissionClass::AccountRead),
            Self::TradeEvents => ("subscribeToTradesSSE", PermissionClass::AccountRead),
            Self::Data(_) => ("streamMarketData", PermissionClass::Data),
        }
    }

    /// Whether a limit of a scope says what of it a program gets.
    fn is_of(self, limit: &str) -> bool {
        match self {
            Self::TradeUpdates | Self::TradeEvents => limit == "only_own_orders",
            Self::Data(_) => limit == "data_symbols",
        }
    }

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::TradeUpdates => TRADE_UPDATES_PATH,
            Self::TradeEvents => TRADE_EVENTS_PATH,
            Self::Data(feed) => feed.path(),
        }
    }

    /// The host of Alpaca's that has it.
    const fn host(self, environment: Environment) -> AlpacaHost {
        match self {
            Self::TradeUpdates | Self::TradeEvents => AlpacaHost::Trading(environment),
            Self::Data(_) => AlpacaHost::Stream,
        }
    }
}

/// What a program's handshake leaves for its session.
struct Opening {
    lane: Arc<Lane>,
    arrival: Arrival,
    reached: Reached,
    stream: Stream,
    format: Format,
    /// Who asked, if the handshake's headers said so.
    from_headers: Option<Result<Grant, Unauthenticated>>,
}

/// Answers the handshake; the stream goes on after that.
pub(crate) fn open(
    lane: &Arc<Lane>,
    arrival: Arrival,
    reached: &Reached,
    stream: Stream,
    mut parts: Parts,
    line: &mut RequestLine,
) -> Result<Response<AnswerBody>, Stop> {
    let (operation, _) = stream.operation();
    (line.operation, line.path) = (Some(operation), stream.path().to_owned());
    check_stream_head(&parts)?;
    reached.check_host(&parts.headers)?;
    lane.shared.opener.check().map_err(|_| Fault::vault_locked())?;
    let directory = lane.shared.directory.load();
    let from_headers = match SignedHead::of(&parts.headers)? {
        Some(head) => Some(Ok(head.verify(&lane.shared, &directory, &parts, b"")?.0)),
        None => match authenticate(&directory, &parts.headers) {
            Err(Unauthenticated::Missing) => None,
            Err(Unauthenticated::MustSign) => return Err(Fault::signature_required().into()),
            outcome => Some(outcome),
        },
    };
    if let Some(Ok(grant)) = &from_headers {
        open_credential(&lane.shared, grant)?;
    }
    let accepted = match Accepted::answer(&parts.method, &parts.headers) {
        Ok(accepted) => accepted,
        Err(refused) => return Ok(no_handshake(refused)),
    };
    let upgrade = parts.extensions.remove::<OnUpgrade>().ok_or_else(Fault::upgrade)?;
    let opening = Opening {
        lane: Arc::clone(lane),
        arrival,
        reached: reached.clone(),
        stream,
        format: Format::asked_for(&parts.headers),
        from_headers,
    };
    lane.streams.spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let socket = Socket::new(TokioIo::new(upgraded), MAX_MESSAGE, accepted.compression);
        match stream {
            Stream::TradeUpdates | Stream::TradeEvents => trade_session::serve(opening, socket).await,
            Stream::Data(feed) => data_session::serve(opening, feed, socket).await,
        }
    });
    let mut response = Response::new(full(bytes::Bytes::new()));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *response.headers_mut() = accepted.headers;
    Ok(response)
}

fn no_handshake(refused: NoHandshake) -> Response<AnswerBody> {
    let mut response = Response::new(full(refused.to_string().into_bytes().into()));
    *response.status_mut() = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::BAD_REQUEST);
    if response.status() == StatusCode::UPGRADE_REQUIRED {
        response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    }
    response
}
