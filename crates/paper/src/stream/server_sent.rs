//! `GET /v2/events/trades`: what happens to the orders of an account, as server-sent events.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::Stream;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use jiff::Timestamp;
use paddock_alpaca::AlpacaError;
use tokio::sync::watch;
use tokio::time::{Instant, Interval};
use tokio_util::sync::CancellationToken;

use super::orders::{Listening, Past, Told};
use super::socket::changed;
use crate::PaperBroker;
use crate::access::Access;
use crate::faults::line::{Line, Strike};
use crate::http::Call;

/// How often a quiet stream has a comment, so that nobody in between takes it for dead.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);

/// What a client is told that does not keep up, before its stream ends.
pub(super) const SLOW: &[u8] = b": you are reading too slowly\n\n";

/// Where it is, as rules of faults name it.
pub(crate) const PATH: &str = "/v2/events/trades";

/// Where the stream ends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Until {
    Never,
    At(Timestamp),
    Id(String),
}

/// Answers with past events, if they are asked for, and with all that follow.
pub(crate) fn trades(call: &Call) -> Result<Response, AlpacaError> {
    let (past, until) = range(call)?;
    let streams = call.broker.streams();
    let (earlier, heard) = streams.orders.listen_from(call.account, &past);
    let mut key_changes = streams.key_changes.subscribe();
    // What happened since the request was let in counts too.
    key_changes.mark_changed();
    let mut events = Events {
        broker: call.broker.clone(),
        access: call.access.clone(),
        key_changes,
        earlier: earlier.into(),
        heard,
        until,
        heartbeat: tokio::time::interval_at(Instant::now() + HEARTBEAT, HEARTBEAT),
        time: streams.time.subscribe(),
        closing: call.closing.0.clone(),
        line: Line::new(&call.broker, PATH),
        cut: false,
        began: false,
        over: false,
    };
    let key_id = call.access.as_ref().and_then(Access::key_id);
    events.line.speaks_for(call.account, key_id);
    let chunks = futures_util::stream::unfold(events, |mut events| async {
        let chunk = match events.next().await {
            Some(chunk) => Ok(chunk),
            None if std::mem::take(&mut events.cut) => Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
            None => return None,
        };
        Some((chunk, events))
    });
    Ok(response(chunks))
}

/// The answer that goes on as long as there are pieces of it.
pub(super) fn response(chunks: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Response {
    let mut response = Response::new(Body::from_stream(chunks));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// What is asked for of the past, and where the stream ends.
pub(super) fn range(call: &Call) -> Result<(Past, Until), AlpacaError> {
    let (since, since_id) = (call.instant("since")?, call.text("since_id"));
    let (until, until_id) = (call.instant("until")?, call.text("until_id"));
    let past = match (since, since_id) {
        (Some(_), Some(_)) => return Err(together("since and since_id cannot be used together")),
        (Some(at), None) => Past::Since(at),
        (None, Some(id)) => Past::After(id.to_owned()),
        (None, None) => Past::None,
    };
    let until = match (until, until_id) {
        (Some(_), _) if !matches!(past, Past::Since(_)) => return Err(together("until needs since")),
        (_, Some(_)) if !matches!(past, Past::After(_)) => return Err(together("until_id needs since_id")),
        (Some(at), _) => Until::At(at),
        (None, Some(id)) => Until::Id(id.to_owned()),
        (None, None) => Until::Never,
    };
    Ok((past, until))
}

fn together(message: &'static str) -> AlpacaError {
    AlpacaError::invalid_field(message.to_owned())
}

struct Events {
    broker: PaperBroker,
    /// With what the stream was opened: it ends with that.
    access: Option<Access>,
    key_changes: watch::Receiver<u64>,
    earlier: VecDeque<Arc<Told>>,
    heard: Listening,
    until: Until,
    heartbeat: Interval,
    time: watch::Receiver<Timestamp>,
    closing: CancellationToken,
    line: Line,
    /// Whether a fault has cut it off, so that it does not end as it should.
    cut: bool,
    began: bool,
    /// Whether the last event that is asked for was sent.
    over: bool,
}

impl Events {
    /// The next piece of the stream; `None` at its end.
    async fn next(&mut self) -> Option<Bytes> {
        if !self.began {
            // Who waits for the first byte learns that the stream is open.
            self.began = true;
            return Some(Bytes::from_static(b": connected\n\n"));
        }
        let told = match self.earlier.pop_front() {
            Some(told) => told,
            None => loop {
                // What is past cannot come any more.
                if self.over || matches!(self.until, Until::At(until) if self.broker.now() > until) {
                    return None;
                }
                tokio::select! {
                    () = self.closing.cancelled() => return None,
                    strike = self.line.struck() => match strike {
                        Strike::GoesOn => {}
                        Strike::Mute(rule) => self.line.silence(rule, &self.closing).await,
                        Strike::Cut(_) | Strike::SlowClient => {
                            self.cut = true;
                            return None;
                        }
                    },
                    told = self.heard.recv() => match told {
                        Some(told) => break told,
                        None => {
                            self.over = true;
                            return Some(Bytes::from_static(SLOW));
                        }
                    },
                    () = changed(&mut self.key_changes) => {
                        if self.access.as_ref().is_some_and(|access| !self.broker.is_still_open(access)) {
                            return None;
                        }
                    }
                    _ = self.heartbeat.tick() => return Some(Bytes::from_static(b": heartbeat\n\n")),
                    () = changed(&mut self.time) => {}
                }
            },
        };
        let beyond = match &self.until {
            Until::Never => false,
            Until::At(until) => told.event.at > *until,
            Until::Id(id) => told.id > *id,
        };
        if beyond {
            return None;
        }
        self.over = matches!(&self.until, Until::Id(id) if told.id == *id);
        self.broker.durable(told.entry).await.ok()?;
        Some(format!("data: {}\n\n", told.trade_event(self.broker.market())).into())
    }
}
