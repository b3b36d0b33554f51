//! The broker's side of one data stream of one account.
//!
//! The hub has at the broker what its programs want together, literally: symbol by symbol, so that a program that leaves takes
//! nothing from another. A subscription that the broker must hear of is acknowledged when the broker has acknowledged it; only one is
//! under way at a time, so that an error of the broker's goes to who caused it. After an interruption the hub subscribes again to
//! all of it and tells its programs of the gap.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use paddock_alpaca::socket::Prepared;
use paddock_alpaca::stream::{Feed, Format, Lists, Selection, StreamError};
use paddock_core::id::ConnectionId;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_tungstenite::tungstenite::Message;

use super::data_wire::{acknowledged_selection, ask, connect};
use super::dial::{FIRST_PAUSE, LINGER, LONGEST_PAUSE, NoStream, PING, STEP_TIMEOUT, Wire};
use super::fan_out::{Frame, message};
use crate::shared::Shared;

/// How many frames may wait for a program before it counts as slow.
const WAITING: usize = 1024;

/// How many frames that have arrived at once are handed out together, and how many bytes. A frame that is longer goes alone.
const TOGETHER: usize = 128;
const TOGETHER_BYTES: usize = 32 * 1024;

/// A running hub.
#[derive(Clone, Debug)]
pub(super) struct DataHub {
    commands: mpsc::Sender<Command>,
    numbers: Arc<AtomicU64>,
}

/// A program at a hub. It leaves when this is dropped.
#[derive(Debug)]
pub(super) struct Member {
    number: u64,
    commands: mpsc::Sender<Command>,
    /// What it gets; the end means that it was too slow.
    pub(super) frames: mpsc::Receiver<Arc<Prepared>>,
}

#[derive(Debug)]
enum Command {
    Join { number: u64, format: Format, frames: mpsc::Sender<Arc<Prepared>> },
    Change(Change),
}

/// A change of a program's selection.
#[derive(Debug)]
struct Change {
    number: u64,
    adds: bool,
    lists: Lists,
    done: oneshot::Sender<Result<Arc<Selection>, StreamError>>,
}

/// The hub has ended meanwhile; there will be another one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended;

impl DataHub {
    pub(super) fn runs(&self) -> bool {
        !self.commands.is_closed()
    }

    pub(super) async fn join(&self, format: Format) -> Result<Member, Ended> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let (sender, frames) = mpsc::channel(WAITING);
        self.commands.send(Command::Join { number, format, frames: sender }).await.map_err(|_| Ended)?;
        Ok(Member { number, commands: self.commands.clone(), frames })
    }
}

impl Member {
    /// Changes the selection, and returns when the broker has it. What the broker does not answer in time is an error.
    pub(super) async fn change(&self, adds: bool, lists: Lists) -> Result<Arc<Selection>, StreamError> {
        let (done, answer) = oneshot::channel();
        let change = Change { number: self.number, adds, lists, done };
        self.commands.send(Command::Change(change)).await.map_err(|_| StreamError::INTERNAL)?;
        match tokio::time::timeout(STEP_TIMEOUT, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(StreamError::INTERNAL),
        }
    }
}

/// Starts a hub on `main`. It ends when nobody has listened for a while.
pub(super) fn start(shared: &Arc<Shared>, main: &Handle, connection: ConnectionId, feed: Feed) -> DataHub {
    let (sender, commands) = mpsc::channel(64);
    let hub = Hub {
        shared: Arc::clone(shared),
        connection,
        feed,
        commands,
        members: HashMap::new(),
        changes: VecDeque::new(),
        held: Selection::default(),
        under_way: None,
        surplus: false,
    };
    main.spawn(hub.run());
    DataHub { commands: sender, numbers: Arc::default() }
}

struct Hub {
    shared: Arc<Shared>,
    connection: ConnectionId,
    feed: Feed,
    commands: mpsc::Receiver<Command>,
    members: HashMap<u64, Seat>,
    changes: VecDeque<Change>,
    /// What the broker has acknowledged.
    held: Selection,
    under_way: Option<UnderWay>,
    /// Whether the broker may have more than anybody wants: somebody has left or wants less.
    surplus: bool,
}

/// A program's place.
struct Seat {
    format: Format,
    selection: Arc<Selection>,
    frames: mpsc::Sender<Arc<Prepared>>,
}

/// A subscription that the broker was sent and has not acknowledged.
struct UnderWay {
    change: Change,
    asked: Selection,
    deadline: Instant,
}

/// Why a connection to the broker is over.
enum Over {
    /// Nobody listens.
    Idle,
    /// It broke, or the credential changed.
    Lost,
}

/// A message and those that have arrived after it, without waiting for any; and whether the connection goes on.
fn all_that_arrived(wire: &mut Wire, first: Option<Message>) -> (Vec<Message>, bool) {
    let (mut arrived, mut bytes) = (Vec::new(), 0);
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            Some(message @ (Message::Text(_) | Message::Binary(_))) => {
                bytes += message.len();
                arrived.push(message);
            }
            _ => return (arrived, false),
        }
        let is_enough = arrived.len() >= TOGETHER || bytes >= TOGETHER_BYTES;
        next = if is_enough { None } else { wire.next().now_or_never() };
    }
    (arrived, true)
}

/// Whether a message is for programs, and not about the connection itself.
fn is_data(kind: &str) -> bool {
    !matches!(kind, "subscription" | "error")
}

impl Hub {
    async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        let mut gap: Option<Timestamp> = None;
        loop {
            let dialling = connect(Arc::clone(&self.shared), self.connection, self.feed, self.wanted());
            let Some(connected) = self.meanwhile(dialling).await else { return };
            match connected {
                Ok((mut wire, fingerprint, held)) => {
                    (self.held, self.surplus) = (held, true);
                    pause = FIRST_PAUSE;
                    if let Some(since) = gap.take() {
                        self.shared.metrics.streams.gap();
                        self.tell_gap(since);
                    }
                    match self.serve(&mut wire, fingerprint).await {
                        Over::Idle => return,
                        Over::Lost => {
                            tracing::warn!(feed = self.feed.path(), "the stream from alpaca was interrupted");
                            gap = Some(wire.whole_until(self.shared.clock.now()));
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, feed = self.feed.path(), "there is no stream from alpaca");
                    self.fail_changes(&error);
                }
            }
            let mut directory = self.shared.directory_changes.subscribe();
            let waiting = async move {
                // A new credential is tried at once.
                let _ = tokio::time::timeout(pause, directory.changed()).await;
            };
            if self.meanwhile(waiting).await.is_none() {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits for something while programs come and go; `None` when nobody has listened for a while.
    async fn meanwhile<T>(&mut self, what: impl Future<Output = T>) -> Option<T> {
        let mut what = std::pin::pin!(what);
        let mut ticks = interval(Duration::from_secs(1));
        let mut idle = Instant::now();
        loop {
            tokio::select! {
                done = &mut what => return Some(done),
                command = self.commands.recv() => self.take(command?),
                _ = ticks.tick() => self.forget_the_gone(),
            }
            if !self.members.is_empty() {
                idle = Instant::now();
            } else if idle.elapsed() >= LINGER {
                return None;
            }
        }
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Join { number, format, frames } => {
                self.members.insert(number, Seat { format, selection: Arc::default(), frames });
            }
            Command::Change(change) => self.changes.push_back(change),
        }
    }

    /// Whose receiver is gone has left.
    fn forget_the_gone(&mut self) {
        let before = self.members.len();
        self.members.retain(|_, seat| !seat.frames.is_closed());
        self.surplus |= self.members.len() < before;
    }

    /// What all programs want together.
    fn wanted(&self) -> Selection {
        let mut wanted = Selection::default();
        for seat in self.members.values() {
            wanted.merge(&seat.selection);
        }
        wanted
    }

    async fn serve(&mut self, wire: &mut Wire, fingerprint: Vec<u8>) -> Over {
        let mut directory = self.shared.directory_changes.subscribe();
        let mut ticks = interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pings = interval(PING);
        let mut idle = Instant::now();
        loop {
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(command) => self.take(command),
                    None => return Over::Idle,
                },
                first = wire.next() => {
                    let (arrived, goes_on) = all_that_arrived(wire, first);
                    self.hear(&arrived);
                    if !goes_on {
                        return Over::Lost;
                    }
                }
                _ = directory.changed() => {
                    let directory = self.shared.directory.load();
                    let current = directory.connection(self.connection).map(|entry| entry.fingerprint());
                    if current != Some(&fingerprint) {
                        return Over::Lost;
                    }
                }
                _ = ticks.tick() => self.forget_the_gone(),
                _ = pings.tick() => {
                    if wire.ping().await.is_err() {
                        return Over::Lost;
                    }
                }
            }
            if self.under_way.as_ref().is_some_and(|under_way| under_way.deadline <= Instant::now()) {
                self.settle(Err(StreamError::INTERNAL));
            }
            if self.next_change(wire).await.is_err() {
                return Over::Lost;
            }
            if !self.members.is_empty() {
                idle = Instant::now();
            } else if idle.elapsed() >= LINGER {
                return Over::Idle;
            }
        }
    }

    /// Begins what can be begun: changes that the broker need not hear of are done at once, the first other one is sent.
    async fn next_change(&mut self, wire: &mut Wire) -> Result<(), NoStream> {
        while self.under_way.is_none() {
            let Some(change) = self.changes.pop_front() else { break };
            let Some(seat) = self.members.get_mut(&change.number) else { continue };
            let mut selection = Selection::clone(&seat.selection);
            for (channel, symbols) in &change.lists {
                if change.adds {
                    selection.add(*channel, symbols.iter().cloned());
                } else {
                    selection.remove(*channel, symbols);
                }
            }
            if !change.adds {
                self.surplus = true;
                seat.selection = Arc::new(selection);
                let _ = change.done.send(Ok(Arc::clone(&seat.selection)));
                continue;
            }
            let missing = selection.without(&self.held);
            if missing.is_empty() {
                seat.selection = Arc::new(selection);
                let _ = change.done.send(Ok(Arc::clone(&seat.selection)));
            } else {
                wire.send(&ask("subscribe", &missing)).await?;
                let deadline = Instant::now() + STEP_TIMEOUT;
                self.under_way = Some(UnderWay { change, asked: missing, deadline });
            }
        }
        if self.under_way.is_none() && std::mem::take(&mut self.surplus) {
            let needless = self.held.without(&self.wanted());
            if !needless.is_empty() {
                wire.send(&ask("unsubscribe", &needless)).await?;
                self.held = self.held.without(&needless);
            }
        }
        Ok(())
    }

    /// Frames that came together are handed out together, up to the next one that changes who gets what.
    fn hear(&mut self, arrived: &[Message]) {
        let texts = arrived.iter().filter_map(|message| message.to_text().ok());
        let frames: Vec<Frame<'_>> = texts.filter_map(Frame::read).collect();
        let mut data: Vec<&Frame<'_>> = Vec::with_capacity(frames.len());
        for frame in &frames {
            if !frame.items().iter().all(|item| is_data(&item.head.kind)) {
                self.hand_out(&data);
                data.clear();
                self.hear_of_itself(frame);
            }
            data.push(frame);
        }
        self.hand_out(&data);
    }

    /// What the broker says of subscriptions.
    fn hear_of_itself(&mut self, frame: &Frame<'_>) {
        for item in frame.items() {
            match &*item.head.kind {
                "subscription" => self.acknowledged(frame.text()),
                "error" => {
                    let code = item.head.code.unwrap_or_default();
                    tracing::warn!(code, feed = self.feed.path(), "alpaca answered a stream with an error");
                    self.settle(Err(StreamError::of_code(code)));
                }
                _ => {}
            }
        }
    }

    /// The broker says what it has; if that is what was asked for, who asked is told.
    fn acknowledged(&mut self, text: &str) {
        let Some(has) = acknowledged_selection(text) else { return };
        if self.under_way.as_ref().is_some_and(|under_way| under_way.asked.without(&has).is_empty()) {
            self.settle(Ok(()));
        }
    }

    fn settle(&mut self, outcome: Result<(), StreamError>) {
        let Some(UnderWay { change, asked, .. }) = self.under_way.take() else { return };
        let answer = match (outcome, self.members.get_mut(&change.number)) {
            (Err(error), _) => Err(error),
            (Ok(()), None) => {
                self.held.merge(&asked);
                self.surplus = true;
                return;
            }
            (Ok(()), Some(seat)) => {
                self.held.merge(&asked);
                let mut selection = Selection::clone(&seat.selection);
                for (channel, symbols) in &change.lists {
                    selection.add(*channel, symbols.iter().cloned());
                }
                seat.selection = Arc::new(selection);
                Ok(Arc::clone(&seat.selection))
            }
        };
        let _ = change.done.send(answer);
    }

    /// Without the broker nothing can be subscribed to.
    fn fail_changes(&mut self, error: &NoStream) {
        let told = match error {
            // It is the connection's credential that was refused, and a program would take it for its own.
            NoStream::Error(401 | 402 | 404) => StreamError::INTERNAL,
            NoStream::Error(code) => StreamError::of_code(*code),
            _ => StreamError::INTERNAL,
        };
        let under_way = self.under_way.take().map(|under_way| under_way.change);
        for change in under_way.into_iter().chain(self.changes.drain(..)) {
            let _ = change.done.send(Err(told));
        }
    }

    /// Gives each program its part. Programs that want the same share the bytes.
    fn hand_out(&mut self, frames: &[&Frame<'_>]) {
        if frames.is_empty() {
            return;
        }
        let before = self.members.len();
        let mut made: Vec<(Arc<Selection>, Format, Option<Arc<Prepared>>)> = Vec::new();
        self.members.retain(|_, seat| {
            let same = made.iter().position(|(selection, format, _)| {
                *format == seat.format
                    && (Arc::ptr_eq(selection, &seat.selection) || **selection == *seat.selection)
            });
            let prepared = match same {
                Some(place) => made[place].2.clone(),
                None => {
                    let prepared = Frame::all_for_selection(frames, &seat.selection, seat.format);
                    made.push((Arc::clone(&seat.selection), seat.format, prepared.clone()));
                    prepared
                }
            };
            // Whose queue is full is too slow, and learns of it when the queue ends.
            prepared.is_none_or(|prepared| seat.frames.try_send(prepared).is_ok())
        });
        self.surplus |= self.members.len() < before;
    }

    fn tell_gap(&mut self, since: Timestamp) {
        let notice = json!([{"T": "gap", "from": since, "to": self.shared.clock.now()}]);
        self.members.retain(|_, seat| {
            let prepared = Prepared::new([message(&notice, seat.format)]);
            seat.frames.try_send(Arc::new(prepared)).is_ok()
        });
    }
}
