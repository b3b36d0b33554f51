//! A WebSocket client.

#![expect(clippy::panic, reason = "a test stops where something is not as it should be")]

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use paddock_core::Environment;
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::harness::Desk;

/// No answer takes longer on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub const MSGPACK: (&str, &str) = ("content-type", "application/msgpack");

/// A connected client.
pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    pub async fn open(desk: &Desk, path: &str, headers: &[(&str, &str)]) -> Self {
        Self::open_in(desk, Environment::Paper, path, headers).await
    }

    pub async fn open_in(desk: &Desk, at: Environment, path: &str, headers: &[(&str, &str)]) -> Self {
        let url = desk.server.url(at).replacen("http", "ws", 1) + path;
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        let tcp = TcpSocket::new_v4().unwrap();
        // Little waits in the client's own system, so that one that does not read is soon noticed.
        tcp.set_recv_buffer_size(1 << 16).unwrap();
        let address = match at {
            Environment::Paper => desk.server.paper_address,
            Environment::Live => desk.server.live_address,
        };
        Self(client_async(request, tcp.connect(address).await.unwrap()).await.unwrap().0)
    }

    /// Tries to open a stream, and tells the status with which the handshake was refused.
    pub async fn refused(desk: &Desk, path: &str) -> u16 {
        let url = desk.server.url(Environment::Paper).replacen("http", "ws", 1) + path;
        let tcp = TcpStream::connect(desk.server.paper_address).await.unwrap();
        match client_async(url.into_client_request().unwrap(), tcp).await {
            Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
            other => panic!("{other:?}"),
        }
    }

    /// Whether nothing at all comes for a while, not even a pong.
    pub async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(300), self.0.next()).await.is_err()
    }

    /// Whether the connection ends without a close frame.
    pub async fn is_cut_off(&mut self) -> bool {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next()).await.unwrap() {
                Some(Ok(Message::Close(_))) => return false,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return true,
            }
        }
    }

    /// Sends JSON as text.
    pub async fn send(&mut self, value: Value) {
        self.send_raw(Message::text(value.to_string())).await;
    }

    pub async fn send_raw(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    /// The next frame but pings.
    pub async fn frame(&mut self) -> Message {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next()).await.unwrap().unwrap().unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                frame => return frame,
            }
        }
    }

    /// The next frame, read as JSON or MessagePack.
    pub async fn next(&mut self) -> Value {
        match self.frame().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            Message::Binary(bytes) => serde_json::from_slice(&bytes)
                .or_else(|_| rmp_serde::from_slice(&bytes))
                .unwrap_or_else(|_| panic!("{bytes:?}")),
            other => panic!("{other:?}"),
        }
    }

    /// The next frame, or nothing when the connection ends.
    pub async fn try_next(&mut self) -> Option<Value> {
        match tokio::time::timeout(PATIENCE, self.0.next()).await.unwrap()?.ok()? {
            Message::Text(text) => Some(serde_json::from_str(&text).unwrap()),
            Message::Close(_) => None,
            _ => Some(Value::Null),
        }
    }

    /// The code and reason with which the server closes, whatever comes before.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(Some(frame)) = self.frame().await {
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }
}
