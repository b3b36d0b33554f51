//! A program that listens to trade events.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use jiff::SignedDuration;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::stream::server_sent::{Range, ServerSent};
use paddock_core::Permit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, MissedTickBehavior};

use super::event_hub::{EventHub, Line, Told};
use super::farewell::PATIENCE;
use super::feed::Audience;
use super::standing::Standing;
use crate::answer::{AnswerBody, BodyError, Fault, with_request_id};
use crate::door::open_credential;
use crate::lane::Lane;
use crate::own::{Attributed, Attribution};
use crate::read::Reading;
use crate::stop::Stop;

/// How often a quiet stream has a comment, so that nobody in between takes it for dead.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a reading of the past goes on into the present, where the hub has taken over: more than the clocks may differ.
const INTO_THE_PRESENT: SignedDuration = SignedDuration::from_secs(30);

/// How many events may wait in the program's connection.
const IN_FLIGHT: usize = 64;

/// Answers with past events, if they are asked for, and with all that follow.
pub(crate) async fn open(
    lane: &Arc<Lane>,
    _permit: Permit,
    reading: Reading,
) -> Result<Response<AnswerBody>, Stop> {
    let shared = &lane.shared;
    let Reading { arrival, grant, target, entered, .. } = reading;
    let meter = entered.meter();
    let place = meter.open_stream().ok_or_else(|| Fault::too_many_at_once(meter.streams_at_once()))?;
    let range =
        Range::parse(&target.query).map_err(|words| Stop::Alpaca(AlpacaError::invalid_field(words)))?;
    // Nothing is begun that could not go on.
    open_credential(shared, &grant)?;
    let entry = grant.entry();
    let connection = entry.connection.connection.id;
    let audience = Audience::of(&entry.key);
    let hub: EventHub = shared.hubs.events(shared, &lane.main, connection);
    let live = hub.feed.listen(audience).await.ok_or_else(Fault::upstream_unreachable)?;
    let (sender, chunks) = mpsc::channel(IN_FLIGHT);
    let session = Session {
        lane: Arc::clone(lane),
        audience,
        range,
        sender,
        told_before: HashSet::new(),
        attribution: Attribution::new(Arc::clone(shared), connection),
    };
    let standing = Standing::of_events(lane, arrival.network, grant, place);
    lane.streams.spawn(session.serve(standing, hub, live));
    let body = stream::unfold(chunks, |mut chunks: mpsc::Receiver<Bytes>| async {
        let chunk = chunks.recv().await?;
        Some((Ok::<_, BodyError>(Frame::data(chunk)), chunks))
    });
    let mut response = Response::new(BodyExt::boxed_unsync(StreamBody::new(Box::pin(body))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(with_request_id(response, arrival.request))
}

struct Session {
    lane: Arc<Lane>,
    audience: Audience,
    range: Range,
    sender: mpsc::Sender<Bytes>,
    /// What was told of the past, which the hub may tell again.
    told_before: HashSet<String>,
    attribution: Attribution<Arc<ServerSent>>,
}

/// The stream is over.
#[derive(Debug, PartialEq, Eq)]
struct Over;

impl Session {
    async fn serve(mut self, standing: Standing, hub: EventHub, live: Receiver<Arc<Told>>) {
        // Whatever ends it has said what it had to say.
        let Err(Over) = self.run(standing, hub, live).await;
    }

    async fn run(
        &mut self,
        mut standing: Standing,
        hub: EventHub,
        mut live: Receiver<Arc<Told>>,
    ) -> Result<std::convert::Infallible, Over> {
        let closing = self.lane.closing.clone();
        let connection = standing.grant().entry().connection.connection.id;
        // Who waits for the first byte learns that the stream is open.
        self.say(": connected\n\n").await?;
        let mut past = self.past(&hub, connection).await?;
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heartbeat = tokio::time::interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        loop {
            let live_now = past.is_none();
            tokio::select! {
                () = closing.cancelled() => return Err(Over),
                () = self.sender.closed() => return Err(Over),
                denied = standing.lost() => {
                    self.say(&format!(": {}\n\n", denied.reason())).await?;
                    return Err(Over);
                }
                events = next_of(past.as_mut()) => match events {
                    Some(events) => self.hear(events).await?,
                    None => past = None,
                },
                () = self.attribution.worth_a_look() => {
                    let known = self.attribution.look_again().await;
                    self.pass_on(known).await?;
                }
                told = live.recv(), if live_now => match told {
                    Ok(told) if self.told_before.contains(&told.event.id) => {}
                    Ok(told) => self.tell(&told.event, told.owner).await?,
                    Err(RecvError::Lagged(_)) => {
                        self.say(": you are reading too slowly\n\n").await?;
                        return Err(Over);
                    }
                    Err(RecvError::Closed) => return Err(Over),
                },
                _ = heartbeat.tick() => self.say(": heartbeat\n\n").await?,
                _ = ticks.tick() => {
                    // What is past cannot come any more.
                    let now = self.lane.shared.clock.now();
                    if past.as_ref().is_some_and(|(line, _)| line.is_silent()) {
                        return Err(Over);
                    }
                    if live_now && self.range.until.is_some_and(|until| now > until) {
                        return Err(Over);
                    }
                }
            }
        }
    }

    /// The past that is asked for, on a line of its own until the hub tells all.
    async fn past(
        &self,
        hub: &EventHub,
        connection: paddock_core::id::ConnectionId,
    ) -> Result<Option<(Line, OwnedSemaphorePermit)>, Over> {
        let Some(since) = self.range.since else { return Ok(None) };
        let place = Arc::clone(&hub.catching_up).acquire_owned().await.map_err(|_| Over)?;
        let shared = &self.lane.shared;
        let now = shared.clock.now();
        let taken_over = now.checked_add(INTO_THE_PRESENT).unwrap_or(now);
        let until = self.range.until.map_or(taken_over, |until| until.min(taken_over));
        match Line::open(shared, connection, Some(since), Some(until)).await {
            Ok(line) => Ok(Some((line, place))),
            Err(error) => {
                tracing::warn!(%error, "past trade events cannot be had from alpaca");
                self.say(": the past cannot be had from alpaca now, connect again\n\n").await?;
                Err(Over)
            }
        }
    }

    /// Takes events of the past.
    async fn hear(&mut self, events: Vec<ServerSent>) -> Result<(), Over> {
        for event in events {
            if !self.told_before.insert(event.id.clone()) {
                continue;
            }
            let event = Arc::new(event);
            if self.audience == Audience::Account {
                self.tell(&event, None).await?;
            } else {
                let known = self.attribution.take([(event.order.clone(), event)]).await;
                self.pass_on(known).await?;
            }
        }
        Ok(())
    }

    async fn pass_on(&self, known: Vec<Attributed<Arc<ServerSent>>>) -> Result<(), Over> {
        for (event, owner) in known {
            self.tell(&event, owner).await?;
        }
        Ok(())
    }

    /// Tells an event if the program asks for it and may hear of it.
    async fn tell(
        &self,
        event: &ServerSent,
        owner: Option<paddock_core::id::AccessKeyId>,
    ) -> Result<(), Over> {
        let range = &self.range;
        if range.after.as_ref().is_some_and(|after| event.id <= *after) {
            return Ok(());
        }
        let beyond_time = range.until.zip(event.at).is_some_and(|(until, at)| at > until);
        if beyond_time || range.until_id.as_ref().is_some_and(|last| event.id > *last) {
            return Err(Over);
        }
        if self.audience.hears_of(owner) {
            self.say(&event.text).await?;
        }
        if range.until_id.as_ref() == Some(&event.id) { Err(Over) } else { Ok(()) }
    }

    /// Gives the program what it must take in time.
    async fn say(&self, text: &str) -> Result<(), Over> {
        give(&self.sender, text, PATIENCE).await
    }
}

/// Gives a program a piece of its stream, or ends the stream of one that takes nothing for so long.
async fn give(sender: &mpsc::Sender<Bytes>, text: &str, patience: Duration) -> Result<(), Over> {
    let sent = sender.send_timeout(Bytes::copy_from_slice(text.as_bytes()), patience).await;
    sent.map_err(|_| Over)
}

async fn next_of(past: Option<&mut (Line, OwnedSemaphorePermit)>) -> Option<Vec<ServerSent>> {
    match past {
        Some((line, _)) => line.next().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_that_takes_nothing_is_dropped() {
        let (sender, mut chunks) = mpsc::channel(1);
        let moment = Duration::from_millis(20);
        assert_eq!(give(&sender, "one", moment).await, Ok(()));
        assert_eq!(give(&sender, "two", moment).await, Err(Over));
        assert_eq!(chunks.recv().await.as_deref(), Some(&b"one"[..]));
        assert_eq!(give(&sender, "three", moment).await, Ok(()));
        drop(chunks);
        assert_eq!(give(&sender, "four", moment).await, Err(Over));
    }
}
