//! A program that listens to trade updates.

use std::sync::Arc;

use paddock_alpaca::socket::Message;
use paddock_alpaca::stream::format::read;
use paddock_alpaca::stream::{Format, TRADE_UPDATES};
use paddock_core::{Environment, SecretText};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::farewell::{Ending, Pulse, close, heard, send};
use super::feed::Audience;
use super::standing::Standing;
use super::trade_hub::Told;
use super::{ClientSocket, Opening};
use crate::answer::Fault;
use crate::authenticate::{Grant, Unauthenticated, recognise};

/// Serves one program until either side ends it.
pub(super) async fn serve(opening: Opening, mut socket: ClientSocket) {
    let mut session = Session { standing: None, told: None, audience: Audience::Account, opening };
    let Err(ending) = session.run(&mut socket).await;
    let last_words = Some(session.message(&authorization("unauthorized", "authenticate")));
    close(socket, ending, last_words).await;
}

struct Session {
    opening: Opening,
    standing: Option<Standing>,
    told: Option<Receiver<Arc<Told>>>,
    audience: Audience,
}

impl Session {
    async fn run(&mut self, socket: &mut ClientSocket) -> Result<std::convert::Infallible, Ending> {
        // Credentials in the handshake's headers count as the first message.
        if let Some(from_headers) = self.opening.from_headers.take() {
            let answer = self.authenticate(from_headers).await;
            send(socket, &self.message(&answer)).await?;
        }
        let closing = self.opening.lane.closing.clone();
        let mut pulse = Pulse::new();
        loop {
            let answer = tokio::select! {
                () = closing.cancelled() => return Err(Ending::Closing),
                denied = lost(self.standing.as_mut()) => return Err(Ending::Denied(denied)),
                there = pulse.beat() => {
                    if !there {
                        return Err(Ending::Gone);
                    }
                    send(socket, &Message::Ping(bytes::Bytes::new())).await?;
                    continue;
                }
                told = next_of(self.told.as_mut()) => match told {
                    Ok(told) => shown(&told, self.audience),
                    Err(RecvError::Lagged(_)) => {
                        self.opening.lane.shared.metrics.streams.slow();
                        return Err(Ending::Conduct(Some(self.message(&error("slow client")))));
                    }
                    // The hub has ended; there is another one when it is listened to again.
                    Err(RecvError::Closed) => {
                        self.told = None;
                        continue;
                    }
                },
                received = socket.recv() => {
                    let received = heard(received)?;
                    pulse.heard();
                    self.answer(&received).await
                }
            };
            if let Some(answer) = answer {
                send(socket, &self.message(&answer)).await?;
            }
        }
    }

    async fn answer(&mut self, received: &Message) -> Option<Value> {
        let Some(request) = read(received, self.opening.format) else { return Some(error("invalid syntax")) };
        if request.is_null() {
            return None;
        }
        let data = &request["data"];
        Some(match request["action"].as_str() {
            Some("authenticate") => {
                let grant = match data["oauth_token"].as_str() {
                    Some(token) => self.grant("oauth", token),
                    None => self.grant(word(&data["key_id"]), word(&data["secret_key"])),
                };
                self.authenticate(grant).await
            }
            Some("auth") => {
                let grant = self.grant(word(&request["key"]), word(&request["secret"]));
                self.authenticate(grant).await
            }
            Some("listen") if self.standing.is_none() => authorization("unauthorized", "listen"),
            Some("listen") => self.listen(&data["streams"]).await,
            _ => error("invalid action"),
        })
    }

    fn grant(&self, key: &str, secret: &str) -> Result<Grant, Unauthenticated> {
        let directory = self.opening.lane.shared.directory.load_full();
        recognise(&directory, key, &SecretText::new(secret.to_owned()))
    }

    /// Another program's key takes the place of the earlier one, and has to listen anew.
    async fn authenticate(&mut self, grant: Result<Grant, Unauthenticated>) -> Value {
        self.told = None;
        self.standing = None;
        let denied = match grant {
            Ok(grant) => match Standing::admit(&self.opening, grant).await {
                Ok(standing) => {
                    self.standing = Some(standing);
                    return authorization("authorized", "authenticate");
                }
                Err(denied) => denied.reason(),
            },
            Err(Unauthenticated::MustSign) => Fault::signature_required().message,
            Err(_) => return authorization("unauthorized", "authenticate"),
        };
        let mut answer = authorization("unauthorized", "authenticate");
        answer["data"]["message"] = denied.into();
        answer
    }

    /// The streams are a whole new set: what is not in it ends.
    async fn listen(&mut self, streams: &Value) -> Value {
        let Some(streams) = streams.as_array() else { return error("invalid streams") };
        let wanted = streams.iter().any(|stream| stream == TRADE_UPDATES);
        if !wanted {
            self.told = None;
        } else if let (Some(standing), None) = (&self.standing, &self.told) {
            let lane = &self.opening.lane;
            let connection = standing.grant().entry().connection.connection.id;
            let hub = lane.shared.hubs.trades(&lane.shared, &lane.main, connection);
            self.audience = Audience::of(&standing.grant().entry().key);
            self.told = hub.listen(self.audience).await;
            if self.told.is_none() {
                return error("internal server error");
            }
        }
        let streams = if wanted { vec![TRADE_UPDATES] } else { Vec::new() };
        json!({"stream": "listening", "data": {"streams": streams}})
    }

    /// Paper accounts get their JSON in binary frames, as at Alpaca; live ones in text frames.
    fn message(&self, value: &Value) -> Message {
        let environment =
            self.standing.as_ref().map(|standing| standing.grant().entry().connection.connection.environment);
        match (self.opening.format, environment) {
            (Format::Json, Some(Environment::Live)) => Message::text(value.to_string()),
            (Format::Json, _) => Message::binary(value.to_string().into_bytes()),
            // A value always has a form in MessagePack.
            (Format::MessagePack, _) => Message::binary(rmp_serde::to_vec_named(value).unwrap_or_default()),
        }
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Why the program loses its right; never, before it has one.
async fn lost(standing: Option<&mut Standing>) -> super::standing::Denied {
    match standing {
        Some(standing) => standing.lost().await,
        None => std::future::pending().await,
    }
}

async fn next_of(told: Option<&mut Receiver<Arc<Told>>>) -> Result<Arc<Told>, RecvError> {
    match told {
        Some(told) => told.recv().await,
        None => std::future::pending().await,
    }
}

/// What a program gets of it; `None` if that is nothing.
fn shown(told: &Told, audience: Audience) -> Option<Value> {
    match told {
        Told::Update(update, owner) => audience.hears_of(*owner).then(|| Value::clone(update)),
        Told::Gap(from, to) => Some(json!({"stream": "gap", "data": {"from": from, "to": to}})),
    }
}

fn authorization(status: &str, action: &str) -> Value {
    json!({"stream": "authorization", "data": {"status": status, "action": action}})
}

fn error(words: &str) -> Value {
    json!({"action": "error", "data": {"error_message": words}})
}
