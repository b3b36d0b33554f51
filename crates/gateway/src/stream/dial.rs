//! The broker's side of a stream: a WebSocket to the host that the configuration names, on which the real credential is said once.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use paddock_alpaca::Credential;
use paddock_alpaca::endpoints::BaseUrl;
use paddock_alpaca::stream::{Format, messagepack};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tower::ServiceExt as _;

use crate::GatewayError;
use crate::directory::ConnectionEntry;
use crate::scrub::Scrubber;
use crate::shared::Shared;
use crate::upstream::connector;

/// How long the broker may take for each step until a stream runs.
pub(super) const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a hub that nobody listens to keeps its place at the broker.
pub(super) const LINGER: Duration = Duration::from_secs(10);
/// How often the broker is asked whether it is there, and how many times in vain.
pub(super) const PING: Duration = Duration::from_secs(15);
const SILENT_PINGS: u32 = 3;
/// So much earlier begins what programs are told to be missing.
const MARGIN: Duration = Duration::from_secs(5);
/// The first and the longest pause before the broker is tried again.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(250);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The largest message that is taken from the broker.
const MAX_MESSAGE: usize = 16 << 20;

/// The way to the broker's sockets.
#[derive(Clone, Debug)]
pub(crate) struct Dialer(HttpsConnector<HttpConnector>);

/// Why there is no stream from the broker.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoStream {
    #[error("the connection was removed")]
    Gone,
    #[error("the credential does not open")]
    Sealed,
    #[error("alpaca cannot be reached: {0}")]
    Unreachable(String),
    #[error("alpaca refuses the credential")]
    Refused,
    #[error("alpaca answers with error {0}")]
    Error(u64),
    #[error("alpaca does not answer as it should")]
    Unexpected,
    #[error("alpaca takes too long")]
    Timeout,
}

/// A socket to the broker. Whichever form it speaks there, on this side it is JSON.
pub(super) struct Wire {
    format: Format,
    socket: WebSocketStream<TokioIo<MaybeHttpsStream<TokioIo<TcpStream>>>>,
    /// When anything was heard last, if only a pong.
    heard: Instant,
    /// Whatever the broker said before this was read.
    whole_until: Instant,
    /// The last ping that has no answer, and when it was sent.
    pinged: Option<(Bytes, Instant)>,
    /// Tells an answer from that to an earlier ping.
    pings: u64,
    /// Looks for the credential that was said on it.
    scrubber: Option<Scrubber<'static>>,
}

impl Dialer {
    pub(crate) fn new() -> Result<Self, GatewayError> {
        connector().map(Self)
    }

    /// Opens the socket at `path` of the broker's host, which speaks in that form.
    pub(super) async fn open(&self, base: &BaseUrl, path: &str, format: Format) -> Result<Wire, NoStream> {
        let unreachable = |error: &dyn std::fmt::Display| NoStream::Unreachable(error.to_string());
        let (scheme, rest) = base.as_str().split_once("://").ok_or(NoStream::Unexpected)?;
        let (dialled, spoken) = match scheme {
            "https" | "wss" => ("https", "wss"),
            _ => ("http", "ws"),
        };
        let uri = format!("{dialled}://{rest}{path}").parse().map_err(|_| NoStream::Unexpected)?;
        let io = self.0.clone().oneshot(uri).await.map_err(|error| unreachable(&error))?;
        let config = WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE));
        let mut request =
            format!("{spoken}://{rest}{path}").into_client_request().map_err(|_| NoStream::Unexpected)?;
        if format == Format::MessagePack {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/msgpack"));
        }
        let handshake = tokio_tungstenite::client_async_with_config(request, TokioIo::new(io), Some(config));
        match tokio::time::timeout(STEP_TIMEOUT, handshake).await {
            Ok(Ok((socket, _))) => {
                let now = Instant::now();
                Ok(Wire {
                    format,
                    socket,
                    heard: now,
                    whole_until: now,
                    pinged: None,
                    pings: 0,
                    scrubber: None,
                })
            }
            Ok(Err(error)) => Err(unreachable(&error)),
            Err(_) => Err(NoStream::Timeout),
        }
    }
}

impl Wire {
    /// The next message of the broker's with content, without the credential; `None` when the socket has ended.
    pub(super) async fn next(&mut self) -> Option<Message> {
        loop {
            let message = self.socket.next().await?.ok()?;
            self.heard = Instant::now();
            return match message {
                Message::Close(_) => None,
                // What was said before the answer to a ping has come before it.
                Message::Pong(answered) => {
                    if let Some((_, sent)) = self.pinged.take_if(|(ping, _)| *ping == answered) {
                        self.whole_until = sent;
                    }
                    continue;
                }
                // Pongs are sent by themselves.
                Message::Ping(_) | Message::Frame(_) => continue,
                Message::Text(text) => {
                    let text = self.without_credential(text.into())?;
                    text.try_into().ok().map(Message::Text)
                }
                Message::Binary(bytes) => {
                    let bytes = self.without_credential(bytes)?;
                    match self.format {
                        Format::Json => Some(Message::Binary(bytes)),
                        // A frame that cannot be read ends the socket, so that programs are told of a gap.
                        Format::MessagePack => {
                            messagepack::read(&bytes).map(|value| Message::text(value.to_string()))
                        }
                    }
                }
            };
        }
    }

    /// A socket on which the credential cannot be looked for is over.
    fn without_credential(&mut self, bytes: Bytes) -> Option<Bytes> {
        match &mut self.scrubber {
            Some(scrubber) => scrubber.whole(bytes).ok(),
            None => Some(bytes),
        }
    }

    pub(super) async fn send(&mut self, value: &Value) -> Result<(), NoStream> {
        let message = match self.format {
            Format::Json => Message::text(value.to_string()),
            Format::MessagePack => {
                let mut out = Vec::new();
                messagepack::write(value, &mut out);
                Message::binary(out)
            }
        };
        let sent = tokio::time::timeout(STEP_TIMEOUT, self.socket.send(message)).await;
        sent.map_err(|_| NoStream::Timeout)?.map_err(|error| NoStream::Unreachable(error.to_string()))
    }

    /// Since when something may be missing if the connection is lost at `now`. What was read last says little: on a machine that is behind it was
    /// sent long before, with more after it that was never read. But what the broker said before it answered a ping was read before the
    /// answer, so that nothing is missing of before that ping was sent, give or take what waited at the broker and the clocks' difference.
    pub(super) fn whole_until(&self, now: Timestamp) -> Timestamp {
        now.checked_sub(self.whole_until.elapsed().saturating_add(MARGIN)).unwrap_or(now)
    }

    /// Asks the broker whether it is there, or tells that it has not answered for too long.
    pub(super) async fn ping(&mut self) -> Result<(), NoStream> {
        if self.heard.elapsed() > PING * SILENT_PINGS {
            return Err(NoStream::Timeout);
        }
        self.pings = self.pings.wrapping_add(1);
        let ping = Bytes::copy_from_slice(&self.pings.to_be_bytes());
        self.pinged = Some((ping.clone(), Instant::now()));
        let sent = tokio::time::timeout(STEP_TIMEOUT, self.socket.send(Message::Ping(ping))).await;
        sent.map_err(|_| NoStream::Timeout)?.map_err(|error| NoStream::Unreachable(error.to_string()))
    }

    /// Says the connection's credential, in the form that `wrap` gives to the key and the secret.
    pub(super) async fn authenticate(
        &mut self,
        entry: &Arc<ConnectionEntry>,
        shared: &Arc<Shared>,
        wrap: impl Fn(&str, &str) -> Value,
    ) -> Result<(), NoStream> {
        let credential = entry.open(&shared.opener).map_err(|_| NoStream::Sealed)?;
        self.scrubber = Some(Scrubber::sealed(&credential, entry, shared));
        let message = match &credential {
            Credential::KeyPair { key_id, secret_key } => wrap(key_id.expose(), secret_key.expose()),
            Credential::OauthToken(token) => wrap("oauth", token.expose()),
        };
        self.send(&message).await
    }
}

#[cfg(test)]
mod tests {
    use paddock_alpaca::endpoints::{EndpointOverrides, Endpoints};
    use tokio::net::TcpListener;

    use super::*;

    /// Sends a message at once, and another one after whatever it hears.
    async fn talk(listener: TcpListener) {
        let (socket, _) = listener.accept().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(socket).await.unwrap();
        socket.send(Message::text("first")).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {
            socket.send(Message::text("next")).await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_was_read_is_whole_until_the_last_ping_that_was_answered() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = Some(format!("ws://{}", listener.local_addr().unwrap()));
        tokio::spawn(talk(listener));
        let endpoints = Endpoints::new(&EndpointOverrides { stream, ..Default::default() }).unwrap();
        let mut wire =
            Dialer::new().unwrap().open(endpoints.stream(), "/stream", Format::Json).await.unwrap();
        let opened = Instant::now();
        assert!(wire.next().await.is_some());
        assert!(wire.whole_until <= opened, "a message says nothing of those after it");

        let asked = Instant::now();
        wire.ping().await.unwrap();
        assert!(wire.next().await.is_some());
        // The answer may come after what was said at the same time, and is there when something else is asked.
        wire.send(&Value::Null).await.unwrap();
        assert!(wire.next().await.is_some());
        assert!(wire.whole_until >= asked);
        let now: Timestamp = "2026-11-20T15:00:00Z".parse().unwrap();
        assert!(wire.whole_until(now) + MARGIN <= now);
    }
}
