//! `GET /v2beta1/events/activities`: what happens to the money and holdings of an account, as server-sent events.
//!
//! An account keeps all its activities, so that nothing is queued here: a stream looks at those behind the last one that it
//! told, whenever an order has changed or time has passed.

use std::collections::VecDeque;

use axum::body::Bytes;
use axum::response::Response;
use futures_util::StreamExt;
use jiff::Timestamp;
use paddock_alpaca::AlpacaError;
use tokio::sync::watch;
use tokio::time::{Instant, Interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::orders::{Listening, Past};
use super::server_sent::{HEARTBEAT, SLOW, Until, range, response};
use super::socket::changed;
use super::ulid::ulid;
use crate::PaperBroker;
use crate::access::Access;
use crate::broker::Account;
use crate::http::{Call, views};

/// Answers with past activities, if they are asked for, and with all that follow.
pub(crate) async fn activities(call: &Call) -> Result<Response, AlpacaError> {
    let (past, until) = range(call)?;
    let streams = call.broker.streams();
    // Before it is looked what there is, so that nothing happens unheard in between.
    let (heard, time) = (streams.orders.listen(call.account), streams.time.subscribe());
    let mut key_changes = streams.key_changes.subscribe();
    // What happened since the request was let in counts too.
    key_changes.mark_changed();
    let next = call.view(|_, account| Ok(first_of(account, &past))).await?;
    let mut events = Events {
        broker: call.broker.clone(),
        account: call.account,
        access: call.access.clone(),
        key_changes,
        next,
        waiting: VecDeque::new(),
        heard,
        until,
        heartbeat: tokio::time::interval_at(Instant::now() + HEARTBEAT, HEARTBEAT),
        time,
        closing: call.closing.0.clone(),
        began: false,
        over: false,
    };
    events.look().await?;
    let chunks = futures_util::stream::unfold(events, |mut events| async {
        let chunk = events.next().await?;
        Some((chunk, events))
    });
    Ok(response(chunks.map(Ok)))
}

/// The place of the first activity to tell.
fn first_of(account: &Account, past: &Past) -> usize {
    let activities = account.activities.iter().enumerate();
    match past {
        Past::None => account.activities.len(),
        Past::Since(at) => activities.take_while(|(_, activity)| activity.at < *at).count(),
        Past::After(id) => {
            activities.take_while(|(place, activity)| event_id(activity.at, *place) <= *id).count()
        }
    }
}

/// The same for the same activity whenever it is told, and later ones have higher ones.
fn event_id(at: Timestamp, place: usize) -> String {
    ulid(at, u64::try_from(place).unwrap_or(u64::MAX))
}

struct Event {
    id: String,
    at: Timestamp,
    text: String,
}

struct Events {
    broker: PaperBroker,
    account: Uuid,
    /// With what the stream was opened: it ends with that.
    access: Option<Access>,
    key_changes: watch::Receiver<u64>,
    /// The place of the activity that was not looked at yet.
    next: usize,
    waiting: VecDeque<Event>,
    /// Tells that there may be a fill.
    heard: Listening,
    until: Until,
    heartbeat: Interval,
    time: watch::Receiver<Timestamp>,
    closing: CancellationToken,
    began: bool,
    /// Whether the last event that is asked for was sent.
    over: bool,
}

impl Events {
    /// The next piece of the stream; `None` at its end.
    async fn next(&mut self) -> Option<Bytes> {
        if !self.began {
            self.began = true;
            return Some(Bytes::from_static(b": connected\n\n"));
        }
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return self.tell(&event);
            }
            if self.over {
                return None;
            }
            tokio::select! {
                () = self.closing.cancelled() => return None,
                told = self.heard.recv() => {
                    if told.is_none() {
                        self.over = true;
                        return Some(Bytes::from_static(SLOW));
                    }
                    while self.heard.try_recv().is_ok() {}
                }
                () = changed(&mut self.key_changes) => {
                    if self.access.as_ref().is_some_and(|access| !self.broker.is_still_open(access)) {
                        return None;
                    }
                }
                _ = self.heartbeat.tick() => return Some(Bytes::from_static(b": heartbeat\n\n")),
                () = changed(&mut self.time) => {}
            }
            self.look().await.ok()?;
        }
    }

    /// Takes what was not looked at yet, when all that led to it is durable.
    async fn look(&mut self) -> Result<(), AlpacaError> {
        let (id, next) = (self.account, self.next);
        let market = self.broker.market();
        let read = |account: &Account| {
            // An account that was reset begins anew.
            let from = if next > account.activities.len() { 0 } else { next };
            let new = account.activities.iter().enumerate().skip(from);
            let told = new.map(|(place, activity)| {
                let id = event_id(activity.at, place);
                let text = views::activity_event(account, activity, &id, market).to_string();
                Event { id, at: activity.at, text }
            });
            (told.collect::<Vec<_>>(), account.activities.len())
        };
        if let Some((new, next)) = self.broker.view(|broker| broker.account(id).map(read)).await? {
            self.waiting.extend(new);
            self.next = next;
        }
        // What is past cannot come any more.
        self.over |= matches!(self.until, Until::At(until) if self.broker.now() > until);
        Ok(())
    }

    fn tell(&mut self, event: &Event) -> Option<Bytes> {
        let beyond = match &self.until {
            Until::Never => false,
            Until::At(until) => event.at > *until,
            Until::Id(id) => event.id > *id,
        };
        if beyond {
            return None;
        }
        if matches!(&self.until, Until::Id(id) if event.id == *id) {
            self.over = true;
            self.waiting.clear();
        }
        Some(format!("data: {}\n\n", event.text).into())
    }
}
