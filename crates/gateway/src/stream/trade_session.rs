//! A program that listens to trade updates.

use std::sync::Arc;

use paddock_alpaca::socket::Message;
use paddock_alpaca::stream::format::read;
use paddock_alpaca::stream::trading::{
    TradeRequest, authorization, error, gap, listening, message, unauthorized_because,
};
use paddock_core::Environment;
use serde_json::Value;
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
    let last_words = Some(session.message(&authorization(false, "authenticate")));
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
        Some(match TradeRequest::read(&request) {
            Some(TradeRequest::Authenticate { key, secret }) => {
                let directory = self.opening.lane.shared.directory.load_full();
                self.authenticate(recognise(&directory, &key, &secret)).await
            }
            Some(TradeRequest::Listen(_)) if self.standing.is_none() => authorization(false, "listen"),
            Some(TradeRequest::Listen(Some(wanted))) => self.listen(wanted).await,
            Some(TradeRequest::Listen(None)) => error("invalid streams"),
            None => error("invalid action"),
        })
    }

    /// Another program's key takes the place of the earlier one, and has to listen anew.
    async fn authenticate(&mut self, grant: Result<Grant, Unauthenticated>) -> Value {
        self.told = None;
        self.standing = None;
        let denied = match grant {
            Ok(grant) => match Standing::admit(&self.opening, grant).await {
                Ok(standing) => {
                    self.standing = Some(standing);
                    return authorization(true, "authenticate");
                }
                Err(denied) => denied.reason(),
            },
            Err(Unauthenticated::MustSign) => Fault::signature_required().message,
            Err(_) => return authorization(false, "authenticate"),
        };
        unauthorized_because(&denied)
    }

    /// The streams are a whole new set: what is not in it ends.
    async fn listen(&mut self, wanted: bool) -> Value {
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
        listening(wanted)
    }

    /// Whose account it is not known yet gets frames as of a paper account.
    fn message(&self, value: &Value) -> Message {
        let environment =
            self.standing.as_ref().map(|standing| standing.grant().entry().connection.connection.environment);
        message(value, self.opening.format, environment.unwrap_or(Environment::Paper))
    }
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
        Told::Gap(from, to) => Some(gap(*from, *to)),
    }
}
