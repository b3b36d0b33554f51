//! The broker's side of one account's trade updates.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use paddock_alpaca::stream::{Format, TRADE_UPDATES, TRADE_UPDATES_PATH, trading};
use paddock_alpaca::wire::identity::order_in_update;
use paddock_core::id::{AccessKeyId, ConnectionId};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{Instant, interval};
use tokio_tungstenite::tungstenite::Message;

use super::dial::{FIRST_PAUSE, LINGER, LONGEST_PAUSE, NoStream, PING, STEP_TIMEOUT, Wire};
use super::feed::{Feed, State};
use crate::own::{Attribution, Unattributed};
use crate::shared::Shared;

/// How many updates may wait for a program before it counts as slow.
const WAITING: usize = 4096;

/// How many updates may wait until it is known whose they are. The channel ends with the hub.
pub(super) const UNATTRIBUTED: usize = 65_536;

/// A running hub.
pub(super) type TradeHub = Feed<Told>;

/// What programs are told.
#[derive(Debug)]
pub(super) enum Told {
    /// A message of the broker's, as it came, and whose order it tells of, if that was looked up.
    Update(Arc<Value>, Option<AccessKeyId>),
    /// Nothing was heard between these instants.
    Gap(Timestamp, Timestamp),
}

/// Starts a hub on `main`. It ends when nobody has listened for a while.
pub(super) fn start(shared: &Arc<Shared>, main: &Handle, connection: ConnectionId) -> TradeHub {
    let (told, _) = broadcast::channel(WAITING);
    let (attributed, _) = broadcast::channel(WAITING);
    let (sender, state) = watch::channel(State::Connecting);
    let (to_attribute, incoming) = mpsc::channel(UNATTRIBUTED);
    let owned = attributed.clone();
    main.spawn(Attribution::new(Arc::clone(shared), connection).run(incoming, move |update, owner| {
        _ = owned.send(Arc::new(Told::Update(update, owner)));
    }));
    let hub = Hub {
        shared: Arc::clone(shared),
        connection,
        told: told.clone(),
        attributed: attributed.clone(),
        to_attribute,
        state: sender,
    };
    main.spawn(hub.run());
    Feed { told, attributed, state }
}

struct Hub {
    shared: Arc<Shared>,
    connection: ConnectionId,
    told: broadcast::Sender<Arc<Told>>,
    attributed: broadcast::Sender<Arc<Told>>,
    to_attribute: mpsc::Sender<Unattributed<Arc<Value>>>,
    state: watch::Sender<State>,
}

impl Hub {
    async fn run(self) {
        let mut pause = FIRST_PAUSE;
        let mut gap: Option<Timestamp> = None;
        let mut idle = Instant::now();
        loop {
            match self.connect().await {
                Ok((mut wire, fingerprint)) => {
                    pause = FIRST_PAUSE;
                    self.state.send_replace(State::Up);
                    if let Some(since) = gap.take() {
                        self.shared.metrics.streams.gap();
                        let gap = Arc::new(Told::Gap(since, self.shared.clock.now()));
                        _ = self.told.send(Arc::clone(&gap));
                        _ = self.attributed.send(gap);
                    }
                    if !self.serve(&mut wire, fingerprint).await {
                        break;
                    }
                    tracing::warn!("the trade updates from alpaca were interrupted");
                    gap = Some(wire.whole_until(self.shared.clock.now()));
                    idle = Instant::now();
                }
                Err(error) => tracing::warn!(%error, "there are no trade updates from alpaca"),
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

    /// Whether it matters whose the updates are.
    fn is_attributed(&self) -> bool {
        self.attributed.receiver_count() > 0 || self.shared.directory.load().has_own_orders(self.connection)
    }

    /// Tells what the broker tells. `false` when nobody listens any more, `true` when the connection is lost.
    async fn serve(&self, wire: &mut Wire, fingerprint: Vec<u8>) -> bool {
        let mut directory = self.shared.directory_changes.subscribe();
        let mut ticks = interval(Duration::from_secs(1));
        let mut pings = interval(PING);
        let mut idle = Instant::now();
        loop {
            tokio::select! {
                message = wire.next() => {
                    let Some(message) = message else { return true };
                    if let Some(update) = read(&message).filter(|update| trading::stream_of(update) == Some(TRADE_UPDATES)) {
                        let update = Arc::new(update);
                        _ = self.told.send(Arc::new(Told::Update(Arc::clone(&update), None)));
                        if self.is_attributed() && self.to_attribute.try_send((order_in_update(&update), update)).is_err() {
                            // Whoever hears only the orders of one key has a gap.
                            return true;
                        }
                    }
                }
                _ = directory.changed() => {
                    let directory = self.shared.directory.load();
                    let current = directory.connection(self.connection).map(|entry| entry.fingerprint());
                    if current != Some(&fingerprint) {
                        return true;
                    }
                }
                _ = ticks.tick() => {}
                _ = pings.tick() => {
                    if wire.ping().await.is_err() {
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

    async fn connect(&self) -> Result<(Wire, Vec<u8>), NoStream> {
        let shared = &self.shared;
        let entry = shared.directory.load().connection(self.connection).cloned().ok_or(NoStream::Gone)?;
        let base = shared.client.endpoints().trading(entry.connection.environment);
        let mut wire = shared.dialer.open(base, TRADE_UPDATES_PATH, Format::Json).await?;
        wire.authenticate(&entry, shared, trading::authenticate).await?;
        if !trading::is_authorized(&expect(&mut wire, "authorization").await?) {
            shared.refused.note(&entry);
            return Err(NoStream::Refused);
        }
        wire.send(&trading::listen()).await?;
        expect(&mut wire, "listening").await?;
        Ok((wire, entry.fingerprint().to_vec()))
    }
}

/// Paper accounts get their JSON in binary frames.
fn read(message: &Message) -> Option<Value> {
    match message {
        Message::Text(text) => serde_json::from_str(text).ok(),
        Message::Binary(bytes) => serde_json::from_slice(bytes).ok(),
        _ => None,
    }
}

async fn expect(wire: &mut Wire, stream: &str) -> Result<Value, NoStream> {
    let waiting = async {
        loop {
            let message = wire.next().await.ok_or(NoStream::Unexpected)?;
            let value = read(&message).ok_or(NoStream::Unexpected)?;
            if trading::stream_of(&value) == Some(stream) {
                return Ok(value);
            }
        }
    };
    tokio::time::timeout(STEP_TIMEOUT, waiting).await.map_err(|_| NoStream::Timeout)?
}
