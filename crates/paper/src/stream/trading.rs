//! `/stream`: what happens to the orders of an account.

use std::time::Duration;

use axum::body::Bytes;
use http::HeaderMap;
use paddock_alpaca::operation::Api;
use paddock_alpaca::socket::Message;
use serde_json::Value;

use super::encode::Format;
use super::orders::{Listening, Told};
use super::socket::{Farewell, Pulse, WebSocket, changed, close};
use super::{Closing, Stream};
use crate::access::{Access, Credentials};
use crate::faults::line::{Line, Strike};
use crate::http::Served;
use paddock_alpaca::stream::format::read;
use paddock_alpaca::stream::trading::{TradeRequest, authorization, error, listening, message, update};

/// Serves one client until either side ends it.
pub(super) async fn serve(served: Served, headers: &HeaderMap, closing: Closing, socket: WebSocket) {
    let session = Session { format: Format::asked_for(headers), opened: None, heard: None, served };
    session.run(socket, Credentials::of(headers), closing).await;
}

/// One client.
struct Session {
    served: Served,
    format: Format,
    opened: Option<Access>,
    heard: Option<Listening>,
}

impl Session {
    async fn run(mut self, mut socket: WebSocket, shown: Option<Credentials>, closing: Closing) {
        // Credentials in the handshake's headers count as the first message.
        if let Some(credentials) = shown {
            let answer = self.authenticate(&credentials);
            if self.send(&mut socket, &answer).await.is_err() {
                return;
            }
        }
        if let Some(end) = self.serve(&mut socket, closing).await {
            close(socket, end).await;
        }
    }

    /// Serves the client until it is gone (`None`) or must go.
    async fn serve(&mut self, socket: &mut WebSocket, closing: Closing) -> Option<Farewell> {
        let broker = self.served.broker.clone();
        let mut line = Line::new(&broker, Stream::Trading.path());
        let mut key_changes = broker.streams().key_changes.subscribe();
        // What happened since the handshake counts too.
        key_changes.mark_changed();
        let mut pulse = Pulse::new();
        loop {
            if let Some(opened) = &self.opened {
                line.speaks_for(opened.account, opened.key_id());
            }
            let next = tokio::select! {
                biased;
                () = closing.0.cancelled() => return Some(Farewell::GOING_AWAY),
                strike = line.struck() => match strike {
                    Strike::Cut(code) => return code.map(Farewell::code),
                    Strike::SlowClient => return Some(Farewell::because(self.message(&error("slow client")))),
                    Strike::GoesOn => continue,
                    Strike::Mute(rule) => {
                        line.silence(rule, &closing.0).await;
                        // Whoever was not heard may have spoken.
                        pulse.heard();
                        continue;
                    }
                },
                () = changed(&mut key_changes) => {
                    match &self.opened {
                        Some(opened) if !broker.is_still_open(opened) => return Some(Farewell::REVOKED),
                        _ => continue,
                    }
                }
                there = pulse.beat() => {
                    if !there || socket.send(&Message::Ping(Bytes::new())).await.is_err() {
                        return None;
                    }
                    continue;
                }
                told = next_of(self.heard.as_mut()) => Next::Told(told),
                message = socket.recv() => match message? {
                    Ok(message) => Next::Message(message),
                    Err(fault) => return Some(Farewell::fault(fault)),
                },
            };
            let answer = match next {
                Next::Message(message) => {
                    pulse.heard();
                    self.answer(&message)
                }
                Next::Told(Some(told)) => Some(self.tell(&told).await?),
                Next::Told(None) => {
                    return Some(Farewell::because(self.message(&error("slow client"))));
                }
            };
            if let Some(answer) = answer {
                self.send(socket, &answer).await.ok()?;
            }
        }
    }

    /// The update, as soon as what led to it is durable.
    async fn tell(&self, told: &Told) -> Option<Value> {
        let broker = &self.served.broker;
        broker.durable(told.entry).await.ok()?;
        Some(update(&told.trade_update(broker.market())))
    }

    fn answer(&mut self, message: &Message) -> Option<Value> {
        let Some(request) = read(message, self.format) else { return Some(error("invalid syntax")) };
        if request.is_null() {
            return None;
        }
        Some(match TradeRequest::read(&request) {
            Some(TradeRequest::Authenticate { key, secret }) => {
                self.authenticate(&Credentials::in_band(&key, secret.expose()))
            }
            Some(TradeRequest::Listen(_)) if self.opened.is_none() => authorization(false, "listen"),
            Some(TradeRequest::Listen(Some(wanted))) => self.listen(wanted),
            Some(TradeRequest::Listen(None)) => error("invalid streams"),
            None => error("invalid action"),
        })
    }

    /// Hearing of orders is reading the account: every token of OAuth may, whatever its scopes.
    fn authenticate(&mut self, credentials: &Credentials) -> Value {
        let opened = self.served.broker.open_door(credentials, Api::Trading, self.served.environment);
        if self.opened != opened {
            self.heard = None;
        }
        self.opened = opened;
        authorization(self.opened.is_some(), "authenticate")
    }

    /// The streams are a whole new set: what is not in it ends.
    fn listen(&mut self, wanted: bool) -> Value {
        match &self.opened {
            Some(opened) if wanted && self.heard.is_none() => {
                self.heard = Some(self.served.broker.streams().orders.listen(opened.account));
            }
            Some(_) if wanted => {}
            _ => self.heard = None,
        }
        listening(wanted)
    }

    /// Sends an answer. A client that does not take it in time is gone.
    async fn send(&self, socket: &mut WebSocket, answer: &Value) -> Result<(), ()> {
        let message = self.message(answer);
        let patience: Duration = self.served.broker.streams().options.slow_after;
        match tokio::time::timeout(patience, socket.send(&message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(()),
        }
    }

    fn message(&self, answer: &Value) -> Message {
        message(answer, self.format, self.served.environment)
    }
}

enum Next {
    Message(Message),
    /// Nothing: the client was too slow.
    Told(Option<std::sync::Arc<Told>>),
}

/// The next event; never, if nobody listens.
async fn next_of(heard: Option<&mut Listening>) -> Option<std::sync::Arc<Told>> {
    match heard {
        Some(heard) => heard.recv().await,
        None => std::future::pending().await,
    }
}
