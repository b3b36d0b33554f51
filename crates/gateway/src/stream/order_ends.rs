//! Orders of capped keys, until they end: what they did not fill of their charge is given back.
//!
//! One task for each connection with such orders hears the account's trade updates. What happened before it heard, at the start and in
//! gaps, it reads by REST: the open orders at once, and of ours those that are not among them, a few at a time.

mod ended;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use paddock_alpaca::client::ClientError;
use paddock_alpaca::wire::Order;
use paddock_core::id::ConnectionId;
use paddock_store::{AfterEnd, EndedOrder, StoreError};
use tokio::runtime::Handle;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver};
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::feed::Audience;
use super::trade_hub::Told;
use crate::budget::{Asker, Priority};
use crate::shared::Shared;
use ended::{Ending, ending};

/// How often what could not be done is tried again, and how long a task outlives its last order.
const PAUSE: Duration = Duration::from_secs(15);

/// How many orders are asked for one by one before the next pause.
const AT_ONCE: usize = 20;

/// How many updates are looked at together.
const TOGETHER: usize = 64;

/// How many ends are kept of orders that nobody has said yet are ours.
const EARLY: usize = 1024;

/// An order of a capped key was confirmed.
#[derive(Clone, Debug)]
pub(crate) struct Confirmed {
    pub(crate) connection: ConnectionId,
    pub(crate) order_id: String,
}

/// Who waits to hear of [`Confirmed`] orders may miss some: they are read then.
pub(crate) fn announcer() -> broadcast::Sender<Confirmed> {
    broadcast::Sender::new(256)
}

/// Follows the orders of all connections until the shutdown.
pub(crate) async fn settle_ended(shared: Arc<Shared>, shutdown: CancellationToken) {
    let mut confirmed = shared.confirmed.subscribe();
    let mut followers: HashMap<ConnectionId, JoinHandle<()>> = HashMap::new();
    let mut ticks = ticks();
    loop {
        let connections = tokio::select! {
            () = shutdown.cancelled() => break,
            _ = ticks.tick() => shared.directory.load().with_daily_notional(),
            news = confirmed.recv() => match news {
                Ok(order) => [order.connection].into(),
                Err(RecvError::Lagged(_)) => shared.directory.load().with_daily_notional(),
                Err(RecvError::Closed) => break,
            },
        };
        for connection in connections {
            if followers.get(&connection).is_some_and(|task| !task.is_finished()) {
                continue;
            }
            match working(&shared, connection).await {
                Ok(orders) if orders.is_empty() => {}
                Ok(_) => {
                    let follower = Follower::new(&shared, connection);
                    followers.insert(connection, tokio::spawn(follower.run(shutdown.clone())));
                }
                Err(error) => tracing::warn!(%error, "orders under way could not be read"),
            }
        }
    }
    for task in followers.into_values() {
        _ = task.await;
    }
}

fn ticks() -> Interval {
    let mut ticks = interval(PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// The orders of a connection that may still give something back to a cap.
async fn working(shared: &Shared, connection: ConnectionId) -> Result<Vec<String>, StoreError> {
    let mut orders = shared.store.working_charges(connection).await?;
    let directory = shared.directory.load();
    orders.retain(|order| {
        directory.key(order.key).is_some_and(|entry| entry.key.scope.max_daily_notional.is_some())
    });
    Ok(orders.into_iter().map(|order| order.order_id).collect())
}

/// Follows the orders of one connection.
struct Follower {
    shared: Arc<Shared>,
    connection: ConnectionId,
    confirmed: Receiver<Confirmed>,
    /// Orders that ended before they were known to be ours, the oldest first.
    early: VecDeque<EndedOrder>,
    /// Orders whose end waits for a replacement that is on its way.
    waiting: Vec<EndedOrder>,
    /// Orders of which the broker says that it has none. They stay charged.
    lost: HashSet<String>,
    /// Whether something is to be read by REST.
    behind: bool,
}

impl Follower {
    fn new(shared: &Arc<Shared>, connection: ConnectionId) -> Self {
        Self {
            confirmed: shared.confirmed.subscribe(),
            shared: Arc::clone(shared),
            connection,
            early: VecDeque::new(),
            waiting: Vec::new(),
            lost: HashSet::new(),
            behind: true,
        }
    }

    async fn run(mut self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.follow() => {}
        }
    }

    /// Ends when there is nothing left to follow.
    async fn follow(&mut self) {
        let mut ticks = ticks();
        loop {
            let hub = self.shared.hubs.trades(&self.shared, &Handle::current(), self.connection);
            let mut told = hub.listen(Audience::Account).await;
            // What happened before it was heard.
            self.behind = true;
            self.catch_up().await;
            loop {
                tokio::select! {
                    news = next(told.as_mut()) => {
                        let Ok(news) = news else { break };
                        let mut all = vec![news];
                        // What came meanwhile is settled together.
                        while all.len() < TOGETHER
                            && let Some(Ok(more)) = told.as_mut().map(Receiver::try_recv)
                        {
                            all.push(more);
                        }
                        self.hear(all).await;
                    }
                    order = self.confirmed.recv() => self.claim(order).await,
                    _ = ticks.tick() => {
                        self.catch_up().await;
                        if self.is_done().await {
                            return;
                        }
                        if told.is_none() {
                            break;
                        }
                    }
                }
            }
        }
    }

    /// Whether no order is left of which anything may be told.
    async fn is_done(&self) -> bool {
        working(&self.shared, self.connection)
            .await
            .is_ok_and(|orders| orders.iter().all(|id| self.lost.contains(id)))
    }

    async fn hear(&mut self, all: Vec<Arc<Told>>) {
        let mut ended = Vec::new();
        let mut looks = false;
        for news in all {
            match &*news {
                Told::Update(update, _) => {
                    let order = serde_json::from_value::<Order>(update["data"]["order"].clone());
                    match order.as_ref().map(ending) {
                        Ok(Ending::Ended(order)) => ended.push(order),
                        // Its exits have to be looked at.
                        Ok(Ending::Unsaid) => (self.behind, looks) = (true, true),
                        Ok(Ending::Works) => {}
                        Err(_) => self.behind = true,
                    }
                }
                Told::Gap(..) => (self.behind, looks) = (true, true),
            }
        }
        self.end(ended).await;
        if looks {
            self.catch_up().await;
        }
    }

    /// An order was confirmed: it may have ended already, and what waited for it may go on.
    async fn claim(&mut self, news: Result<Confirmed, RecvError>) {
        match news {
            Ok(order) if order.connection != self.connection => return,
            Ok(order) => {
                let known = self.early.iter().position(|early| early.id == order.order_id);
                if let Some(early) = known.and_then(|place| self.early.remove(place)) {
                    self.end(vec![early]).await;
                }
            }
            Err(_) => self.behind = true,
        }
        self.try_again().await;
    }

    async fn try_again(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        self.end(waiting).await;
    }

    async fn end(&mut self, orders: Vec<EndedOrder>) {
        let (store, now) = (&self.shared.store, self.shared.clock.now());
        let settled = store.orders_ended(&orders, now).await;
        for (order, outcome) in orders.into_iter().zip(settled) {
            match outcome {
                Ok(AfterEnd::Settled(_) | AfterEnd::Nothing) => {}
                Ok(AfterEnd::Waits) => self.waiting.push(order),
                Ok(AfterEnd::Unknown) => {
                    if self.early.len() >= EARLY {
                        self.early.pop_front();
                    }
                    self.early.push_back(order);
                }
                Err(error) => {
                    tracing::warn!(%error, "the end of an order could not be settled; it is tried again");
                    self.behind = true;
                }
            }
        }
    }

    /// Reads by REST what was not heard.
    async fn catch_up(&mut self) {
        self.try_again().await;
        if !self.behind {
            return;
        }
        match self.read().await {
            Ok(all) => self.behind = !all,
            Err(error) => tracing::warn!(error, "orders under way could not be read; it is tried again"),
        }
    }

    /// Asks the broker for orders that may have ended; whether all were.
    async fn read(&mut self) -> Result<bool, String> {
        let ours = working(&self.shared, self.connection).await.map_err(|error| error.to_string())?;
        if ours.is_empty() {
            return Ok(true);
        }
        let shared = Arc::clone(&self.shared);
        let entry = shared.directory.load().connection(self.connection).cloned();
        let entry = entry.ok_or("the connection was removed")?;
        let credential = entry.open(&shared.opener).map_err(|error| error.to_string())?;
        let asker = Asker { key: None, priority: Priority::Read };
        let asking = shared.asking(&entry, &credential, asker).map_err(|error| error.to_string())?;
        let open = asking.open_orders().await.map_err(|error| error.to_string())?;
        let open: HashSet<String> = open.iter().map(|order| order.id.to_string()).collect();
        let mut rest =
            ours.into_iter().filter(|id| !open.contains(id) && !self.lost.contains(id)).collect::<Vec<_>>();
        let all = rest.len() <= AT_ONCE;
        rest.truncate(AT_ONCE);
        let mut works = false;
        for id in rest {
            let order = match Uuid::parse_str(&id) {
                Ok(uuid) => asking.order(uuid).await,
                Err(_) => Err(ClientError::Unreadable),
            };
            match order.as_ref().map(ending) {
                Ok(Ending::Ended(order)) => self.end(vec![order]).await,
                Ok(Ending::Works | Ending::Unsaid) => works = true,
                Err(ClientError::Api(error)) if error.status == 404 => {
                    tracing::warn!(order = id, "the broker has no such order any more; it stays charged");
                    self.lost.insert(id);
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(all && !works)
    }
}

async fn next(told: Option<&mut Receiver<Arc<Told>>>) -> Result<Arc<Told>, RecvError> {
    match told {
        Some(told) => told.recv().await,
        None => std::future::pending().await,
    }
}
