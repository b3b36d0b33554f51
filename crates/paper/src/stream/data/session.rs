//! One client of a data stream.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use paddock_alpaca::operation::Api;
use paddock_alpaca::socket::{Fault, Message, Prepared};
use paddock_core::Environment;
use tokio::time::Instant;
use tokio::time::error::Elapsed;

use super::frames::Key;
use super::portion::{self, wrapped};
use super::slots::Slot;
use crate::PaperBroker;
use crate::access::{Access, Credentials};
use crate::faults::line::{Line, Strike};
use crate::http::Served;
use crate::market::Market;
use crate::stream::Closing;
use crate::stream::encode::{Format, Value, array, write_map};
use crate::stream::socket::{Farewell, Pulse, WebSocket, changed, close};
use paddock_alpaca::stream::Feed;
use paddock_alpaca::stream::format::read;
use paddock_alpaca::stream::request::parse;
use paddock_alpaca::stream::{Lists, Request, Selection, StreamError};

/// Serves one client until either side ends it.
pub(in crate::stream) async fn serve(
    feed: Feed,
    served: Served,
    headers: &HeaderMap,
    closing: Closing,
    socket: WebSocket,
) {
    let format = Format::asked_for(headers);
    let mut client = Client {
        broker: served.broker,
        environment: served.environment,
        feed,
        format,
        socket,
        blocked: Duration::ZERO,
    };
    if let Err(Some(end)) = client.run(Credentials::of(headers), closing).await {
        close(client.socket, end).await;
    }
}

/// Why a client is no longer served: `None` if it is gone, else what it is told.
type Ended = Option<Farewell>;

struct Client {
    broker: PaperBroker,
    /// The listener's, to which the account of a token for two belongs.
    environment: Environment,
    feed: Feed,
    format: Format,
    socket: WebSocket,
    /// How long it has kept its stream waiting since it was last up to date.
    blocked: Duration,
}

/// What an authenticated client has.
struct Subscribed {
    opened: Access,
    _slot: Slot,
    selection: Arc<Selection>,
    /// Up to when the client has been told.
    told: Timestamp,
}

impl Client {
    async fn run(&mut self, shown: Option<Credentials>, closing: Closing) -> Result<(), Ended> {
        let mut line = Line::new(&self.broker, self.feed.path());
        self.success("connected").await?;
        let patience = self.broker.streams().options.auth_timeout;
        let authenticated = loop {
            tokio::select! {
                biased;
                () = closing.0.cancelled() => return Err(Some(Farewell::GOING_AWAY)),
                strike = line.struck() => self.suffer(strike, &line, &closing).await?,
                opened = tokio::time::timeout(patience, self.authenticated(shown.clone())) => break opened,
            }
        };
        let opened = match authenticated {
            Ok(opened) => opened?,
            Err(_) => return Err(self.refusal(StreamError::AUTH_TIMEOUT)),
        };
        let Some(slot) = self.broker.streams().slots.take(self.feed, opened.account) else {
            return Err(self.refusal(StreamError::CONNECTION_LIMIT));
        };
        self.success("authenticated").await?;
        let told = self.now();
        line.speaks_for(opened.account, opened.key_id());
        let subscribed = Subscribed { opened, _slot: slot, selection: Arc::default(), told };
        self.serve(subscribed, line, closing).await
    }

    /// What a fault does to the stream.
    async fn suffer(&mut self, strike: Strike, line: &Line, closing: &Closing) -> Result<(), Ended> {
        match strike {
            Strike::Cut(code) => Err(code.map(Farewell::code)),
            Strike::SlowClient => Err(self.refusal(StreamError::SLOW_CLIENT)),
            Strike::GoesOn => Ok(()),
            Strike::Mute(rule) => {
                line.silence(rule, &closing.0).await;
                Ok(())
            }
        }
    }

    /// Waits for good credentials: those of the handshake's headers, if there are any, or a message.
    async fn authenticated(&mut self, shown: Option<Credentials>) -> Result<Access, Ended> {
        let mut offered = shown;
        loop {
            if let Some(credentials) = offered.take() {
                match self.broker.open_door(&credentials, Api::Data, self.environment) {
                    Some(access) if access.may_read_data() => return Ok(access),
                    Some(_) => self.error(StreamError::INSUFFICIENT_SCOPE).await?,
                    None => self.error(StreamError::AUTH_FAILED).await?,
                }
            }
            let message = heard(self.socket.recv().await)?;
            match self.read(&message) {
                None => {}
                Some(Ok(Request::Authenticate { key, secret })) => {
                    offered = Some(Credentials::in_band(&key, secret.expose()));
                }
                Some(Ok(Request::Subscribe(_) | Request::Unsubscribe(_))) => {
                    self.error(StreamError::NOT_AUTHENTICATED).await?;
                }
                Some(Err(error)) => self.error(error).await?,
            }
        }
    }

    async fn serve(
        &mut self,
        mut subscribed: Subscribed,
        mut line: Line,
        closing: Closing,
    ) -> Result<(), Ended> {
        let broker = self.broker.clone();
        let streams = broker.streams();
        let market = match self.feed {
            Feed::Test => streams.test_market(broker.market()),
            _ => Arc::clone(broker.market()),
        };
        let (mut time, mut key_changes) = (streams.time.subscribe(), streams.key_changes.subscribe());
        // What happened since the door was opened counts too.
        key_changes.mark_changed();
        let mut halts = streams.halts.subscribe();
        let mut pulse = Pulse::new();
        loop {
            let (now, goes_on) = line.sees(*time.borrow_and_update());
            if goes_on {
                subscribed.told = subscribed.told.max(now);
            }
            let behind = subscribed.told < now && !subscribed.selection.is_empty();
            tokio::select! {
                biased;
                () = closing.0.cancelled() => return Err(Some(Farewell::GOING_AWAY)),
                strike = line.struck() => {
                    self.suffer(strike, &line, &closing).await?;
                    // Whoever was not heard may have spoken.
                    pulse.heard();
                }
                () = changed(&mut key_changes) => {
                    if !broker.is_still_open(&subscribed.opened) {
                        return Err(Some(Farewell::REVOKED));
                    }
                }
                there = pulse.beat() => {
                    if !there {
                        return Err(None);
                    }
                    self.send(&Message::Ping(Bytes::new())).await?;
                }
                message = self.socket.recv() => {
                    pulse.heard();
                    self.answer(&heard(message)?, &mut subscribed).await?;
                }
                // Who missed some has been too slow to care.
                Ok(told) = halts.recv() => {
                    if let Some(message) = told.message(&market, self.feed, &subscribed.selection, self.format) {
                        self.send(&message).await?;
                    }
                }
                () = std::future::ready(()), if behind => self.tell(&market, &mut subscribed, now).await?,
                () = changed(&mut time) => {}
            }
        }
    }

    /// Tells the next portion of what happened up to `now`.
    async fn tell(&mut self, market: &Market, to: &mut Subscribed, now: Timestamp) -> Result<(), Ended> {
        let end = portion::end_of(to.told, now);
        let key = Key {
            from: to.told,
            to: end,
            feed: self.feed,
            format: self.format,
            selection: Arc::clone(&to.selection),
        };
        let delay = self.feed.delay();
        let earlier = |at: Timestamp| at.saturating_sub(delay).unwrap_or(at);
        let make = || {
            let (from, to) = (earlier(key.from), earlier(key.to));
            portion::frames(market, key.feed, &key.selection, key.format, from, to)
        };
        let broker = self.broker.clone();
        let told = broker.streams().frames.get(&key, make);
        if !told.is_empty() {
            self.send_all(&told).await?;
        }
        to.told = end;
        if end == now {
            self.blocked = Duration::ZERO;
        }
        // Others have their turn, however far this one is behind.
        tokio::task::yield_now().await;
        Ok(())
    }

    async fn answer(&mut self, message: &Message, to: &mut Subscribed) -> Result<(), Ended> {
        match self.read(message) {
            None => Ok(()),
            Some(Ok(Request::Authenticate { .. })) => self.error(StreamError::ALREADY_AUTHENTICATED).await,
            Some(Ok(Request::Subscribe(lists))) => {
                let mut selection = Selection::clone(&to.selection);
                lists.into_iter().for_each(|(channel, symbols)| selection.add(channel, symbols));
                if self.broker.streams().options.symbol_limit.is_some_and(|limit| selection.exceeds(limit)) {
                    return self.error(StreamError::SYMBOL_LIMIT).await;
                }
                self.select(selection, to).await
            }
            Some(Ok(Request::Unsubscribe(lists))) => {
                let selection = without(&to.selection, &lists);
                self.select(selection, to).await
            }
            Some(Err(error)) => self.error(error).await,
        }
    }

    /// Changes the selection and acknowledges the whole of it. What happened while nothing was selected is not told.
    async fn select(&mut self, selection: Selection, to: &mut Subscribed) -> Result<(), Ended> {
        if to.selection.is_empty() {
            to.told = to.told.max(self.now());
        }
        to.selection = Arc::new(selection);
        let lists = to.selection.lists(self.feed);
        let mut fields = vec![("T", Value::Text("subscription"))];
        fields.extend(lists.iter().map(|(name, symbols)| (*name, Value::Texts(symbols))));
        self.control(&fields).await
    }

    fn read(&self, message: &Message) -> Option<Result<Request, StreamError>> {
        match read(message, self.format) {
            None => Some(Err(StreamError::INVALID_SYNTAX)),
            Some(value) if value.is_null() => None,
            Some(value) => Some(parse(&value, self.feed)),
        }
    }

    fn now(&self) -> Timestamp {
        self.broker.now()
    }

    async fn success(&mut self, what: &str) -> Result<(), Ended> {
        self.control(&[("T", Value::Text("success")), ("msg", Value::Text(what))]).await
    }

    async fn error(&mut self, error: StreamError) -> Result<(), Ended> {
        self.send(&error_message(self.format, error)).await
    }

    /// An error that ends the connection.
    fn refusal(&self, error: StreamError) -> Ended {
        Some(Farewell::because(error_message(self.format, error)))
    }

    async fn control(&mut self, fields: &[(&str, Value<'_>)]) -> Result<(), Ended> {
        self.send(&control_message(self.format, fields)).await
    }

    async fn send(&mut self, message: &Message) -> Result<(), Ended> {
        let (patience, began) = (self.patience(), Instant::now());
        let sent = tokio::time::timeout(patience, self.socket.send(message)).await;
        self.sent(sent, began)
    }

    async fn send_all(&mut self, messages: &Prepared) -> Result<(), Ended> {
        let (patience, began) = (self.patience(), Instant::now());
        let sent = tokio::time::timeout(patience, self.socket.send_prepared(messages)).await;
        self.sent(sent, began)
    }

    fn patience(&self) -> Duration {
        self.broker.streams().options.slow_after.saturating_sub(self.blocked)
    }

    /// A client that has kept its stream waiting for too long is cut off, and told that it is slow if it can be told anything.
    fn sent(&mut self, sent: Result<std::io::Result<()>, Elapsed>, began: Instant) -> Result<(), Ended> {
        self.blocked += began.elapsed();
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(None),
            Err(_) => Err(self.refusal(StreamError::SLOW_CLIENT)),
        }
    }
}

/// What a client has said, or why there is nothing more to hear.
fn heard(message: Option<Result<Message, Fault>>) -> Result<Message, Ended> {
    message.ok_or(None)?.map_err(|fault| Some(Farewell::fault(fault)))
}

/// Control messages are arrays of one.
fn control_message(format: Format, fields: &[(&str, Value<'_>)]) -> Message {
    let mut message = Vec::new();
    write_map(format, fields, &mut message);
    wrapped(format, array(format, 1, std::iter::once(&message[..])))
}

fn error_message(format: Format, StreamError(code, message): StreamError) -> Message {
    let fields = [("T", Value::Text("error")), ("code", Value::Count(code)), ("msg", Value::Text(message))];
    control_message(format, &fields)
}

fn without(selection: &Selection, lists: &Lists) -> Selection {
    let mut selection = selection.clone();
    lists.iter().for_each(|(channel, symbols)| selection.remove(*channel, symbols));
    selection
}
