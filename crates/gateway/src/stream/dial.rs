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
            Ok(Ok((socket, _))) => Ok(Wire { format, socket, heard: Instant::now(), scrubber: None }),
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
                // Pongs are sent by themselves.
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
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

    /// Since when nothing was heard, at `now`: whatever was said later is lost when the connection is.
    pub(super) fn silent_since(&self, now: Timestamp) -> Timestamp {
        now.checked_sub(self.heard.elapsed()).unwrap_or(now)
    }

    /// Asks the broker whether it is there, or tells that it has not answered for too long.
    pub(super) async fn ping(&mut self) -> Result<(), NoStream> {
        if self.heard.elapsed() > PING * SILENT_PINGS {
            return Err(NoStream::Timeout);
        }
        let sent = tokio::time::timeout(STEP_TIMEOUT, self.socket.send(Message::Ping(Bytes::new()))).await;
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
