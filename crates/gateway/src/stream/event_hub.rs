//! The broker's side of one account's trade events: its trade updates as server-sent events.
//!
//! One request to the broker goes on for as many programs as come. After an interruption the next one asks for what happened since, so
//! that nothing is missing and nothing comes twice.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_ENCODING};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::operation;
use paddock_alpaca::path::{CanonicalPath, Query};
use paddock_alpaca::stream::server_sent::{EventReader, ServerSent};
use paddock_core::id::{AccessKeyId, ConnectionId};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, broadcast, mpsc, watch};
use tokio::time::{Instant, interval};

use super::dial::{FIRST_PAUSE, LINGER, LONGEST_PAUSE, NoStream};
use super::feed::{Feed, State};
use super::trade_hub::UNATTRIBUTED;
use crate::budget::{Asker, Priority};
use crate::own::{Attribution, Unattributed};
use crate::scrub::Scrubber;
use crate::shared::Shared;
use crate::upstream::NoAnswer;

/// How many events may wait for a program before it counts as slow.
const WAITING: usize = 4096;

/// How many programs read of the past at once; each is a request of its own for a while.
const CATCHING_UP: usize = 4;

/// How long the broker may say nothing. It sends comments when there is nothing to tell.
const SILENCE: Duration = Duration::from_secs(90);

/// How far back is asked after an interruption, beyond the last event, and how many events are known again by their ids.
const OVERLAP: SignedDuration = SignedDuration::from_secs(5);
const KNOWN_AGAIN: usize = 10_000;

/// A running hub.
#[derive(Clone, Debug)]
pub(super) struct EventHub {
    pub(super) feed: Feed<Told>,
    /// Whoever reads of the past has one of these.
    pub(super) catching_up: Arc<Semaphore>,
}

/// An event, and whose order it tells of, if that was looked up.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) event: Arc<ServerSent>,
    pub(super) owner: Option<AccessKeyId>,
}

/// Starts a hub on `main`. It ends when nobody has listened for a while.
pub(super) fn start(shared: &Arc<Shared>, main: &Handle, connection: ConnectionId) -> EventHub {
    let (told, _) = broadcast::channel(WAITING);
    let (attributed, _) = broadcast::channel(WAITING);
    let (sender, state) = watch::channel(State::Connecting);
    let (to_attribute, incoming) = mpsc::channel(UNATTRIBUTED);
    let owned = attributed.clone();
    main.spawn(Attribution::new(Arc::clone(shared), connection).run(incoming, move |event, owner| {
        _ = owned.send(Arc::new(Told { event, owner }));
    }));
    let hub = Hub {
        shared: Arc::clone(shared),
        connection,
        told: told.clone(),
        attributed: attributed.clone(),
        to_attribute,
        state: sender,
        known: HashSet::new(),
        oldest_first: VecDeque::new(),
        last: None,
    };
    main.spawn(hub.run());
    EventHub { feed: Feed { told, attributed, state }, catching_up: Arc::new(Semaphore::new(CATCHING_UP)) }
}

struct Hub {
    shared: Arc<Shared>,
    connection: ConnectionId,
    told: broadcast::Sender<Arc<Told>>,
    attributed: broadcast::Sender<Arc<Told>>,
    to_attribute: mpsc::Sender<Unattributed<Arc<ServerSent>>>,
    state: watch::Sender<State>,
    /// The ids of the last events.
    known: HashSet<String>,
    oldest_first: VecDeque<String>,
    /// When the last one happened.
    last: Option<Timestamp>,
}

impl Hub {
    async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        // Since when events are told; none of before are asked for.
        let mut from: Option<Timestamp> = None;
        let mut idle = Instant::now();
        loop {
            let before = |last: Timestamp| last.checked_sub(OVERLAP).unwrap_or(last);
            let since = from.map(|from| self.last.map_or(from, |last| before(last).max(from)));
            match Line::open(&self.shared, self.connection, since, None).await {
                Ok(line) => {
                    pause = FIRST_PAUSE;
                    from.get_or_insert_with(|| self.shared.clock.now());
                    self.state.send_replace(State::Up);
                    if !self.serve(line).await {
                        break;
                    }
                    tracing::warn!("the trade events from alpaca were interrupted");
                    idle = Instant::now();
                }
                Err(error) => tracing::warn!(%error, "there are no trade events from alpaca"),
            }
            self.state.send_replace(State::Down);
            if self.is_heard() {
                idle = Instant::now();
            } else if idle.elapsed() >= LINGER {
                break;
            }
            let mut directory = self.shared.directory_changes.subscribe();
            // A new credential is tried at once.
            let _ = tokio::time::timeout(pause, directory.changed()).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            self.state.send_replace(State::Connecting);
        }
        self.state.send_replace(State::Ended);
    }

    fn is_heard(&self) -> bool {
        self.told.receiver_count() + self.attributed.receiver_count() > 0
    }

    /// Tells what the broker tells. `false` when nobody listens any more, `true` when the connection is lost.
    async fn serve(&mut self, mut line: Line) -> bool {
        let mut directory = self.shared.directory_changes.subscribe();
        let mut ticks = interval(Duration::from_secs(1));
        let mut idle = Instant::now();
        loop {
            tokio::select! {
                events = line.next() => match events {
                    Some(events) => {
                        if !events.into_iter().all(|event| self.tell(event)) {
                            return true;
                        }
                    }
                    None => return true,
                },
                _ = directory.changed() => {
                    let directory = self.shared.directory.load();
                    let current = directory.connection(self.connection).map(|entry| entry.fingerprint());
                    if current != Some(line.fingerprint.as_slice()) {
                        return true;
                    }
                }
                _ = ticks.tick() => {
                    if line.is_silent() {
                        return true;
                    }
                }
            }
            if self.is_heard() {
                idle = Instant::now();
            } else if idle.elapsed() >= LINGER {
                return false;
            }
        }
    }

    /// `false` when too many wait until it is known whose they are: then this one is asked for once more.
    fn tell(&mut self, event: ServerSent) -> bool {
        if self.known.contains(&event.id) {
            return true;
        }
        let event = Arc::new(event);
        if self.is_attributed()
            && self.to_attribute.try_send((event.order.clone(), Arc::clone(&event))).is_err()
        {
            return false;
        }
        self.known.insert(event.id.clone());
        self.oldest_first.push_back(event.id.clone());
        if self.oldest_first.len() > KNOWN_AGAIN
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.last = self.last.max(event.at);
        _ = self.told.send(Arc::new(Told { event, owner: None }));
        true
    }

    /// Whether it matters whose the events are.
    fn is_attributed(&self) -> bool {
        self.attributed.receiver_count() > 0 || self.shared.directory.load().has_own_orders(self.connection)
    }
}

/// A request to the broker that goes on.
pub(super) struct Line {
    body: Incoming,
    scrubber: Scrubber<'static>,
    reader: EventReader,
    fingerprint: Vec<u8>,
    heard: Instant,
}

impl Line {
    /// Asks the broker for events, past ones included if there is a `since`, and only up to `until`, which needs it.
    pub(super) async fn open(
        shared: &Arc<Shared>,
        connection: ConnectionId,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Self, NoStream> {
        let entry = shared.directory.load().connection(connection).cloned().ok_or(NoStream::Gone)?;
        let credential = entry.open(&shared.opener).map_err(|_| NoStream::Sealed)?;
        let operation = operation::by_id("subscribeToTradesSSE").ok_or(NoStream::Unexpected)?;
        let path = CanonicalPath::parse(operation.path).map_err(|_| NoStream::Unexpected)?;
        let stated =
            [("since", since), ("until", until)].map(|(name, at)| at.map(|at| (name, at.to_string())));
        let stated: Vec<(&str, &str)> =
            stated.iter().flatten().map(|(name, at)| (*name, at.as_str())).collect();
        let host = shared.client.endpoints().host_of(operation.api, entry.connection.environment);
        let url = host.target(&path, &Query::of(&stated));
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let budget = Arc::clone(shared.meters.account(connection).budget(operation.api));
        let asker = Asker { key: None, priority: Priority::Read };
        let turn = budget.acquire(&shared.clock, asker, budget.patience(asker.priority)).await;
        let mut ticket = turn
            .map_err(|_| NoStream::Unreachable("the account's budget of requests is used up".to_owned()))?;
        ticket.sent();
        let sent = shared.for_changes.send(&url, Method::GET, Bytes::new(), &headers, &credential).await;
        let response = sent.map_err(|error| match error {
            NoAnswer::Timeout => NoStream::Timeout,
            NoAnswer::NotSent | NoAnswer::Broken => NoStream::Unreachable("the connection failed".to_owned()),
        })?;
        ticket.answered(response.status(), response.headers());
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => {
                shared.refused.note(&entry);
                return Err(NoStream::Refused);
            }
            StatusCode::FORBIDDEN => return Err(NoStream::Refused),
            other => return Err(NoStream::Error(other.as_u16().into())),
        }
        if response.headers().get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
            return Err(NoStream::Unexpected);
        }
        Ok(Self {
            body: response.into_body(),
            scrubber: Scrubber::sealed(&credential, &entry, shared),
            reader: EventReader::default(),
            fingerprint: entry.fingerprint().to_vec(),
            heard: Instant::now(),
        })
    }

    /// Whether nothing was heard for longer than can be.
    pub(super) fn is_silent(&self) -> bool {
        self.heard.elapsed() >= SILENCE
    }

    /// The events of the next piece; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Vec<ServerSent>> {
        loop {
            let frame = self.body.frame().await?.ok()?;
            self.heard = Instant::now();
            let Ok(piece) = frame.into_data() else { continue };
            return self.reader.push(&self.scrubber.push(piece).ok()?).ok();
        }
    }
}
