//! A program at a data stream.

use std::sync::Arc;

use paddock_alpaca::socket::{Message, Prepared};
use paddock_alpaca::stream::format::read;
use paddock_alpaca::stream::request::parse;
use paddock_alpaca::stream::{Channel, Feed, Format, Lists, Request, Selection, StreamError};
use serde_json::{Value, json};

use super::data_hub::{DataHub, Member};
use super::fan_out::message;
use super::farewell::{Ending, PATIENCE, Pulse, close, heard, send};
use super::standing::{Denied, Standing};
use super::{ClientSocket, Opening};
use crate::authenticate::{Unauthenticated, recognise};

/// How many pieces leave at once.
const TOGETHER: usize = 64;

/// Serves one program until either side ends it.
pub(super) async fn serve(opening: Opening, feed: Feed, mut socket: ClientSocket) {
    let format = opening.format;
    let ending = match run(&opening, feed, &mut socket).await {
        Ok(never) => match never {},
        Err(ending) => ending,
    };
    // A program that loses its right hears it in Alpaca's words first.
    let words = match &ending {
        Ending::Denied(Denied::TooMany(_)) => StreamError::CONNECTION_LIMIT,
        _ => StreamError::AUTH_FAILED,
    };
    let last_words = Some(message(&error(words), format));
    close(socket, ending, last_words).await;
}

/// What a program hears that sends the secret of an access key for signed requests. Alpaca's number, and our words.
const MUST_SIGN: StreamError =
    StreamError(402, "this access key takes signed handshakes only: sign the request that opens the stream");

/// It goes on until it ends.
enum Never {}

struct Session<'a> {
    feed: Feed,
    format: Format,
    socket: &'a mut ClientSocket,
}

async fn run(opening: &Opening, feed: Feed, socket: &mut ClientSocket) -> Result<Never, Ending> {
    let mut session = Session { feed, format: opening.format, socket };
    session.say(&success("connected")).await?;
    if feed.is_of_options() && opening.format == Format::Json {
        return Err(session.conduct(StreamError::MESSAGEPACK_ONLY));
    }
    let closing = opening.lane.closing.clone();
    let mut standing = tokio::select! {
        () = closing.cancelled() => return Err(Ending::Closing),
        admitted = tokio::time::timeout(PATIENCE, session.admitted(opening)) => match admitted {
            Ok(standing) => standing?,
            Err(_) => return Err(session.conduct(StreamError::AUTH_TIMEOUT)),
        },
    };
    let connection = standing.grant().entry().connection.connection.id;
    let mut member = loop {
        let hub: DataHub =
            opening.lane.shared.hubs.data(&opening.lane.shared, &opening.lane.main, connection, feed);
        if let Ok(member) = hub.join(opening.format).await {
            break member;
        }
    };
    session.say(&success("authenticated")).await?;
    let mut pulse = Pulse::new();
    let mut waiting: Vec<Arc<Prepared>> = Vec::new();
    loop {
        tokio::select! {
            () = closing.cancelled() => return Err(Ending::Closing),
            denied = standing.lost() => return Err(Ending::Denied(denied)),
            there = pulse.beat() => {
                if !there {
                    return Err(Ending::Gone);
                }
                send(session.socket, &Message::Ping(bytes::Bytes::new())).await?;
            }
            frame = member.frames.recv() => match frame {
                Some(prepared) => {
                    // What has come meanwhile leaves with it.
                    waiting.push(prepared);
                    while waiting.len() < TOGETHER
                        && let Ok(prepared) = member.frames.try_recv()
                    {
                        waiting.push(prepared);
                    }
                    let sent = tokio::time::timeout(PATIENCE, session.socket.send_all_prepared(&waiting)).await;
                    waiting.clear();
                    match sent {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => return Err(Ending::Gone),
                        Err(_) => return Err(too_slow(opening, &session)),
                    }
                }
                None => return Err(too_slow(opening, &session)),
            },
            received = session.socket.recv() => {
                let received = heard(received)?;
                pulse.heard();
                session.answer(&received, &standing, &member).await?;
            }
        }
    }
}

fn too_slow(opening: &Opening, session: &Session<'_>) -> Ending {
    opening.lane.shared.metrics.streams.slow();
    session.conduct(StreamError::SLOW_CLIENT)
}

impl Session<'_> {
    /// Waits for good credentials: those of the handshake, or the first message with any.
    async fn admitted(&mut self, opening: &Opening) -> Result<Standing, Ending> {
        if let Some(Ok(grant)) = &opening.from_headers {
            return Standing::admit(opening, grant.clone()).await.map_err(Ending::Denied);
        }
        if opening.from_headers.is_some() {
            self.say(&error(StreamError::AUTH_FAILED)).await?;
        }
        loop {
            let received = heard(self.socket.recv().await)?;
            match self.read(&received) {
                None => {}
                Some(Ok(Request::Authenticate { key, secret })) => {
                    let directory = opening.lane.shared.directory.load_full();
                    match recognise(&directory, &key, &secret) {
                        Ok(grant) => {
                            return Standing::admit(opening, grant).await.map_err(Ending::Denied);
                        }
                        Err(Unauthenticated::MustSign) => self.say(&error(MUST_SIGN)).await?,
                        Err(_) => self.say(&error(StreamError::AUTH_FAILED)).await?,
                    }
                }
                Some(Ok(Request::Subscribe(_) | Request::Unsubscribe(_))) => {
                    self.say(&error(StreamError::NOT_AUTHENTICATED)).await?;
                }
                Some(Err(fault)) => self.say(&error(fault)).await?,
            }
        }
    }

    async fn answer(
        &mut self,
        received: &Message,
        standing: &Standing,
        member: &Member,
    ) -> Result<(), Ending> {
        let outcome = match self.read(received) {
            None => return Ok(()),
            Some(Ok(Request::Authenticate { .. })) => Err(StreamError::ALREADY_AUTHENTICATED),
            Some(Ok(Request::Subscribe(lists))) => match check_symbols(standing, &lists) {
                Ok(()) => member.change(true, lists).await,
                Err(fault) => Err(fault),
            },
            Some(Ok(Request::Unsubscribe(lists))) => member.change(false, lists).await,
            Some(Err(fault)) => Err(fault),
        };
        match outcome {
            Ok(selection) => self.say(&subscription(self.feed, &selection)).await,
            Err(fault) => self.say(&error(fault)).await,
        }
    }

    /// What the program asks for; `None` for what asks for nothing, as a ping does.
    fn read(&self, received: &Message) -> Option<Result<Request, StreamError>> {
        match read(received, self.format) {
            Some(Value::Null) => None,
            Some(value) => Some(parse(&value, self.feed)),
            None => Some(Err(StreamError::INVALID_SYNTAX)),
        }
    }

    async fn say(&mut self, value: &Value) -> Result<(), Ending> {
        send(self.socket, &message(value, self.format)).await
    }

    fn conduct(&self, fault: StreamError) -> Ending {
        Ending::Conduct(Some(message(&error(fault), self.format)))
    }
}

/// Only symbols that the scope allows; all of them is more than any list.
fn check_symbols(standing: &Standing, lists: &Lists) -> Result<(), StreamError> {
    let scope = &standing.grant().entry().key.scope;
    let good = |symbol: &String| scope.lets_read_data_of(symbol);
    let is_allowed = lists.iter().all(|(_, symbols): &(Channel, Vec<String>)| symbols.iter().all(good));
    if is_allowed { Ok(()) } else { Err(StreamError::INSUFFICIENT_SUBSCRIPTION) }
}

fn success(words: &str) -> Value {
    json!([{"T": "success", "msg": words}])
}

fn error(StreamError(code, words): StreamError) -> Value {
    json!([{"T": "error", "code": code, "msg": words}])
}

fn subscription(feed: Feed, selection: &Arc<Selection>) -> Value {
    let mut acknowledgement = serde_json::Map::new();
    acknowledgement.insert("T".to_owned(), "subscription".into());
    for (name, symbols) in selection.lists(feed) {
        acknowledgement.insert(name.to_owned(), symbols.into());
    }
    json!([acknowledgement])
}
