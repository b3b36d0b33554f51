//! What a freeze does about open orders and positions.
//!
//! The work is a row in the database, and each request is a row that is written before it is sent. Nothing else is remembered that
//! matters: every pass asks the broker what is open and goes on from there, so that it can be begun again at any point. A close is
//! `DELETE /v2/positions/…`, whose quantity and side the broker works out at the moment in which it arrives: sent twice, or beside a
//! fill, it never opens a position.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::client::{AccountClient, ClientError};
use paddock_alpaca::close_position::{ClosePart, closing_order};
use paddock_alpaca::wire::order::CanceledOrder;
use paddock_alpaca::wire::{Order, OrderIdentity, OrderStatus, Position};
use paddock_core::audit::WindDown;
use paddock_core::decide::{Act, Opens, OrderFacts};
use paddock_core::id::{ConnectionId, RequestId};
use paddock_core::{AssetClass, calendar};
use paddock_store::{Phase, Step, StepAct, StepState, StoreError, WindDownRow};
use rust_decimal::Decimal;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::own::{self, Reply, Stopped};
use crate::budget::{Asker, Priority};
use crate::directory::ConnectionEntry;
use crate::own::Ledger;
use crate::shared::{GatewayError, Shared};

/// For how long a node has a wind-down to itself after it last said so. Longer than a pass can take.
const LEASE: SignedDuration = SignedDuration::from_mins(3);
/// How long a pass may take to its end when this process is to stop.
const GRACE: Duration = Duration::from_secs(10);
/// What was asked for longer ago than this is not begun again: whoever wanted it has seen to it otherwise.
const STALE: SignedDuration = SignedDuration::from_hours(24);
/// Single cancels of one pass.
const BATCH: usize = 25;
/// How often the broker may refuse one thing before it is left.
const REFUSALS: u32 = 5;
/// The first pause when the broker takes no requests, which doubles up to the last.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];
/// How long to wait for the broker to carry out what it has taken, and how often.
const LOOK: Duration = Duration::from_millis(500);
const LOOKS: u32 = 60;
/// An order that was sent and has no answer can still arrive for so long.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_secs(75);

/// The target of the step that cancels all orders in one request.
pub const ALL_ORDERS: &str = "all open orders";

/// The wind-downs that this process works on.
#[derive(Debug)]
pub(crate) struct WindDowns {
    running: Mutex<HashSet<(u64, ConnectionId)>>,
    ended: watch::Sender<u64>,
    node: OnceLock<String>,
    /// Canceled when this process begins no further pass.
    stop: CancellationToken,
}

impl Default for WindDowns {
    fn default() -> Self {
        Self {
            running: Mutex::default(),
            ended: watch::Sender::new(0),
            node: OnceLock::new(),
            stop: CancellationToken::new(),
        }
    }
}

impl WindDowns {
    /// Waits until nothing is being worked on.
    pub(crate) async fn idle(&self) {
        let mut ended = self.ended.subscribe();
        while !self.lock().is_empty() && ended.changed().await.is_ok() {}
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<(u64, ConnectionId)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes what is being done to its end and leaves the rest to another node, or to the next start. A pass that does not end in time keeps its
/// lease: what it has sent may still have no answer.
pub(crate) async fn let_go(shared: &Shared) -> Result<(), StoreError> {
    let wind_downs = &shared.wind_downs;
    wind_downs.stop.cancel();
    let (Some(node), Ok(())) = (wind_downs.node.get(), timeout(GRACE, wind_downs.idle()).await) else {
        return Ok(());
    };
    shared.store.let_go_of_wind_downs(node).await
}

/// Begins to work on whatever is not over and nobody here works on.
pub(crate) async fn resume(shared: &Arc<Shared>) -> Result<(), GatewayError> {
    if shared.wind_downs.stop.is_cancelled() {
        return Ok(());
    }
    for row in shared.store.open_wind_downs().await? {
        if shared.wind_downs.lock().insert((row.freeze, row.connection)) {
            let running = Running { shared: Arc::clone(shared), of: (row.freeze, row.connection) };
            tokio::spawn(async move { running.run_to_the_end(row).await });
        }
    }
    Ok(())
}

struct Running {
    shared: Arc<Shared>,
    of: (u64, ConnectionId),
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.wind_downs.lock().remove(&self.of);
        self.shared.wind_downs.ended.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// When to look again.
enum Next {
    Now,
    /// The broker is at it.
    Soon,
    /// It takes no requests; why.
    Later(String),
    Ended(String),
}

impl Running {
    async fn run_to_the_end(self, row: WindDownRow) {
        let mut work = Work::new(&self.shared, row);
        let mut changes = self.shared.directory_changes.subscribe();
        let mut pause = PAUSES[0];
        let stop = self.shared.wind_downs.stop.clone();
        while !stop.is_cancelled() {
            let wait = match work.pass().await {
                Ok(Next::Now) => continue,
                Ok(Next::Soon) => {
                    pause = PAUSES[0];
                    LOOK
                }
                Ok(Next::Later(why)) => {
                    tracing::warn!(connection = %work.row.connection, %why, "a wind-down has to wait");
                    _ = self.shared.store.note_wind_down(&work.row, work.row.phase, Some(&why)).await;
                    let wait = pause;
                    pause = (pause * 2).min(PAUSES[1]);
                    wait
                }
                Ok(Next::Ended(outcome)) => match work.end(&outcome).await {
                    Ok(()) => return,
                    Err(_) => PAUSES[1],
                },
                Err(Stopped::Over | Stopped::Store(StoreError::Closed)) => return,
                Err(Stopped::Store(error)) => {
                    tracing::error!(%error, "a wind-down waits for the database");
                    PAUSES[1]
                }
            };
            // Unfreezing ends it, so a change is worth a look.
            tokio::select! {
                _ = timeout(wait, changes.changed()) => {}
                () = stop.cancelled() => {}
            }
        }
    }
}

/// What is remembered from pass to pass.
struct Work<'a> {
    shared: &'a Shared,
    row: WindDownRow,
    /// How often the broker refused each thing.
    refusals: BTreeMap<String, u32>,
    /// All orders are asked for at once first.
    asked_for_all: bool,
    /// How often nothing could be done but wait.
    looks: u32,
}

impl<'a> Work<'a> {
    fn new(shared: &'a Shared, row: WindDownRow) -> Self {
        Self { shared, row, refusals: BTreeMap::new(), asked_for_all: false, looks: 0 }
    }

    async fn pass(&mut self) -> Result<Next, Stopped> {
        let now = self.shared.clock.now();
        let node = self
            .shared
            .wind_downs
            .node
            .get_or_init(|| RequestId::generate(now, &*self.shared.entropy).to_string());
        let until = now + LEASE;
        let claimed = self.shared.store.claim_wind_down(&self.row, node, now, until).await?;
        self.row = claimed.ok_or(Stopped::Over)?;
        if now.duration_since(self.row.started_at) > STALE {
            return Ok(Next::Ended("it was asked for more than a day ago: ask again".to_owned()));
        }
        let Some(entry) = self.shared.directory.load().connection(self.row.connection).cloned() else {
            return Ok(Next::Ended("the connection was removed".to_owned()));
        };
        let credential = match entry.open(&self.shared.opener) {
            Ok(credential) => credential,
            Err(error) => return Ok(Next::Later(error.to_string())),
        };
        let priority = match self.row.phase {
            Phase::Close => Priority::Close,
            Phase::Cancel | Phase::Ended => Priority::Cancel,
        };
        let Ok(asking) = self.shared.asking(&entry, &credential, Asker { key: None, priority }) else {
            return Ok(Next::Later("the stored credential cannot be sent".to_owned()));
        };
        match self.row.phase {
            Phase::Cancel => self.cancel(&entry, &asking).await,
            Phase::Close => self.close(&entry, &asking).await,
            Phase::Ended => Err(Stopped::Over),
        }
    }

    async fn cancel(&mut self, entry: &ConnectionEntry, asking: &AccountClient<'_>) -> Result<Next, Stopped> {
        let open = match asking.open_orders().await {
            Ok(orders) => orders,
            Err(error) => return Ok(Next::Later(why(&error))),
        };
        let is_full = open.len() >= 500;
        let closes = self.shared.store.closing_orders(self.row.connection).await?;
        let own = match self.row.key {
            Some(key) => {
                let ledger = Ledger { shared: self.shared, connection: self.row.connection };
                let mut own = BTreeSet::new();
                for order in &open {
                    if ledger.owner_of(&OrderIdentity::from(order)).await? == Some(key) {
                        own.insert(order.id.to_string());
                    }
                }
                Some(own)
            }
            None => None,
        };
        let is_meant = |order: &&Order| {
            let id = order.id.to_string();
            !closes.contains(&id) && own.as_ref().is_none_or(|own| own.contains(&id))
        };
        let meant: Vec<&Order> = open.iter().filter(is_meant).collect();
        let left: Vec<&Order> =
            meant.iter().copied().filter(|order| !self.is_left(&order.id.to_string())).collect();
        let to_do: Vec<&Order> =
            left.iter().copied().filter(|order| order.status != Some(OrderStatus::PendingCancel)).collect();
        if to_do.is_empty() {
            let waits = !left.is_empty() || is_full || self.has_orders_on_their_way().await?;
            if waits && self.looks < LOOKS {
                self.looks += 1;
                return Ok(Next::Soon);
            }
            return self.canceled(meant.len()).await;
        }
        if self.row.key.is_none() && meant.len() == open.len() && !self.asked_for_all {
            self.asked_for_all = true;
            return self.cancel_all(entry).await;
        }
        for order in to_do.into_iter().take(BATCH) {
            let id = order.id.to_string();
            let mut step = self.step(StepAct::Cancel, id.clone());
            let path = format!("/v2/orders/{id}");
            match own::send(self.shared, entry, &self.row, &mut step, &path, Act::Plain).await? {
                Reply::Done(_) => {}
                Reply::Refused => *self.refusals.entry(id).or_default() += 1,
                Reply::Later(why) => return Ok(Next::Later(why)),
            }
        }
        Ok(Next::Soon)
    }

    /// All orders in one request, and what came of each.
    async fn cancel_all(&self, entry: &ConnectionEntry) -> Result<Next, Stopped> {
        let mut step = self.step(StepAct::Cancel, ALL_ORDERS.to_owned());
        match own::send(self.shared, entry, &self.row, &mut step, "/v2/orders", Act::Plain).await? {
            Reply::Done(body) => {
                let canceled: Vec<CanceledOrder> = serde_json::from_slice(&body).unwrap_or_default();
                let steps: Vec<Step> = canceled
                    .into_iter()
                    .map(|one| Step {
                        state: if one.status < 400 { StepState::Done } else { StepState::Failed },
                        status: Some(one.status),
                        ..self.step(StepAct::Cancel, one.id.to_string())
                    })
                    .collect();
                self.shared.store.add_steps(&self.row, &steps).await?;
                Ok(Next::Soon)
            }
            Reply::Refused => Ok(Next::Now),
            Reply::Later(why) => Ok(Next::Later(why)),
        }
    }

    /// No order is left that could be canceled.
    async fn canceled(&mut self, left: usize) -> Result<Next, Stopped> {
        self.settle(StepAct::Cancel, &BTreeSet::new()).await?;
        let outcome = match left {
            0 => "all orders are canceled".to_owned(),
            left => format!("{left} orders could not be canceled"),
        };
        if self.row.kind == WindDown::CancelAll {
            return Ok(Next::Ended(outcome));
        }
        self.shared.store.note_wind_down(&self.row, Phase::Close, Some(&outcome)).await?;
        self.looks = 0;
        Ok(Next::Now)
    }

    async fn close(&mut self, entry: &ConnectionEntry, asking: &AccountClient<'_>) -> Result<Next, Stopped> {
        let positions = match asking.positions().await {
            Ok(positions) => positions,
            Err(error) => return Ok(Next::Later(why(&error))),
        };
        let mut sent = false;
        // What an order holds already is being closed by it.
        let held = |position: &&Position| position.qty_available.unwrap_or(position.qty).is_zero();
        for position in positions.iter().filter(|position| !held(position)) {
            if self.is_left(&position.symbol) {
                continue;
            }
            sent = true;
            let mut step = self.step(StepAct::Close, position.symbol.clone());
            // Crypto stands here without its slash, so a symbol is one segment.
            let path = format!("/v2/positions/{}", position.symbol);
            match own::send(self.shared, entry, &self.row, &mut step, &path, closing(position)).await? {
                Reply::Done(body) => self.note_close(step, position, &body).await?,
                Reply::Refused => *self.refusals.entry(position.symbol.clone()).or_default() += 1,
                Reply::Later(why) => return Ok(Next::Later(why)),
            }
        }
        if sent {
            return Ok(Next::Soon);
        }
        let (held, left): (Vec<&Position>, Vec<&Position>) =
            positions.iter().partition(|position| held(position));
        let now = self.shared.clock.now();
        let waits = held.iter().any(|position| trades_now(position, now));
        if waits && self.looks < LOOKS {
            self.looks += 1;
            return Ok(Next::Soon);
        }
        self.settle(StepAct::Close, &left.iter().map(|position| position.symbol.clone()).collect()).await?;
        let mut outcome = match (held.len(), left.len()) {
            (0, 0) => "all positions are closed".to_owned(),
            (0, left) => format!("{left} positions could not be closed"),
            (held, 0) => format!("{held} positions are being closed by orders that are still open"),
            (held, left) => format!(
                "{held} positions are being closed by orders that are still open, and {left} could not be closed"
            ),
        };
        if held.iter().any(|position| !trades_now(position, now)) {
            outcome += ": the market is shut, and closes wait for its opening";
        }
        Ok(Next::Ended(outcome))
    }

    /// What the broker took is not always done at once.
    async fn note_close(&self, mut step: Step, position: &Position, body: &[u8]) -> Result<(), StoreError> {
        let order: Option<Order> = serde_json::from_slice(body).ok();
        step.order_id = order.map(|order| order.id.to_string());
        if !trades_now(position, self.shared.clock.now()) {
            step.detail = Some("the market is shut: the order waits for its opening".to_owned());
        }
        self.shared.store.amend_step(&step).await
    }

    /// Steps without an answer are told by what is open now.
    async fn settle(&self, act: StepAct, still_open: &BTreeSet<String>) -> Result<(), StoreError> {
        for mut step in self.shared.store.wind_down_steps(&self.row).await? {
            if step.act != act || !matches!(step.state, StepState::Sent | StepState::Unknown) {
                continue;
            }
            let is_open = still_open.contains(&step.target);
            step.state = if is_open { StepState::Failed } else { StepState::Done };
            step.detail = Some("no answer came; told by what is open now".to_owned());
            self.shared.store.settle_step(&step, self.shared.clock.now()).await?;
        }
        Ok(())
    }

    /// Orders that were sent to this connection and have no answer yet, by any node.
    async fn has_orders_on_their_way(&self) -> Result<bool, StoreError> {
        let now = self.shared.clock.now();
        let open = self.shared.store.open_reservations().await?;
        Ok(open.iter().any(|reservation| {
            reservation.connection == self.row.connection
                && self.row.key.is_none_or(|key| key == reservation.key)
                && reservation.charge.orders > 0
                && now.duration_since(reservation.at) < ON_ITS_WAY
        }))
    }

    async fn end(&self, outcome: &str) -> Result<(), StoreError> {
        self.shared.store.end_wind_down(&self.row, outcome, self.shared.clock.now()).await
    }

    fn is_left(&self, target: &str) -> bool {
        self.refusals.get(target).is_some_and(|count| *count >= REFUSALS)
    }

    fn step(&self, act: StepAct, target: String) -> Step {
        let at = self.shared.clock.now();
        let request = RequestId::generate(at, &*self.shared.entropy);
        Step { request, act, target, state: StepState::Sent, status: None, detail: None, order_id: None, at }
    }
}

/// What closing a position does, for the decision.
fn closing(position: &Position) -> Act {
    match closing_order(position, ClosePart::All) {
        Ok(order) => Act::Orders(vec![OrderFacts {
            order,
            quote: None,
            closes: true,
            already_charged: Decimal::ZERO,
            replaced_quantity: None,
            opens: Opens::Nothing,
        }]),
        Err(_) => Act::Opaque,
    }
}

/// Whether a market order in the position's symbol can fill now.
fn trades_now(position: &Position, now: Timestamp) -> bool {
    let is_crypto = position.parsed_symbol().is_some_and(|symbol| symbol.class() == AssetClass::Crypto);
    is_crypto || calendar::is_open(now)
}

fn why(error: &ClientError) -> String {
    format!("what is open cannot be read from alpaca: {error}")
}
