//! Whose an event is that tells of an order.
//!
//! An event may come before the answer to the request that made its order was read. It then is held until the requests that were under way
//! when it came are settled: by then its order is written down, or it is of somebody else. Events of one order keep their order.
//! What comes at once is looked up at once, so that a burst costs few reads of the database.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use paddock_alpaca::wire::OrderIdentity;
use paddock_core::id::{AccessKeyId, ConnectionId, RequestId};
use paddock_store::{PlacedOrder, StoreError};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use uuid::Uuid;

use super::ledger::{Ledger, sender};
use crate::shared::Shared;

/// How often held events are looked at again: nothing tells of what another node settles, or of a database that is back.
const LOOK: Duration = Duration::from_millis(250);

/// How long an event is held at most. Longer than any request can be under way, and until recovery has settled what a crash left.
const LONGEST: Duration = Duration::from_secs(180);

/// How many events are looked up at once.
const AT_ONCE: usize = 256;

/// How many events are held at most; others wait where they come from.
const MOST_HELD: usize = 8192;

/// Finds out whose events are. `T` is the event.
pub(crate) struct Attribution<T> {
    shared: Arc<Shared>,
    connection: ConnectionId,
    held: Vec<Held<T>>,
    settlements: watch::Receiver<u64>,
    ticks: Interval,
}

/// An event of an order that nobody is known to have placed.
struct Held<T> {
    order: OrderIdentity,
    event: T,
    /// The requests that may have made the order; none if it could not be looked up.
    waits_for: Option<Arc<HashSet<RequestId>>>,
    since: Instant,
}

/// An event with the order that it tells of, if it tells of one.
pub(crate) type Unattributed<T> = (Option<OrderIdentity>, T);

/// An event with the access key whose order it tells of.
pub(crate) type Attributed<T> = (T, Option<AccessKeyId>);

impl<T> Attribution<T> {
    pub(crate) fn new(shared: Arc<Shared>, connection: ConnectionId) -> Self {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let settlements = shared.owners.settlements();
        Self { shared, connection, held: Vec::new(), settlements, ticks }
    }

    /// Tells of all events that come whose they are, as soon as that is known, until no more come.
    pub(crate) async fn run(
        mut self,
        mut incoming: mpsc::Receiver<Unattributed<T>>,
        tell: impl Fn(T, Option<AccessKeyId>),
    ) {
        let mut events = Vec::with_capacity(AT_ONCE);
        loop {
            let known = tokio::select! {
                count = incoming.recv_many(&mut events, AT_ONCE), if self.held.len() < MOST_HELD => {
                    if count == 0 {
                        return;
                    }
                    self.take(events.drain(..)).await
                }
                () = self.worth_a_look() => self.look_again().await,
            };
            for (event, owner) in known {
                tell(event, owner);
            }
        }
    }

    /// Takes events, and gives back those of which it is known whose they are, or that they are nobody's.
    pub(crate) async fn take(
        &mut self,
        events: impl IntoIterator<Item = Unattributed<T>>,
    ) -> Vec<Attributed<T>> {
        let (mut known, mut new) = (Vec::new(), Vec::new());
        for (order, event) in events {
            match order {
                None => known.push((event, None)),
                Some(order) => new.push(Held { order, event, waits_for: None, since: Instant::now() }),
            }
        }
        // What comes behind a held event of the same order is held too.
        let held: HashSet<Uuid> = self.held.iter().map(|held| held.order.id).collect();
        let behind = self.sort(new, held, &mut known).await;
        self.held.extend(behind);
        known
    }

    /// Waits until held events should be looked at again; for ever, while none is held.
    pub(crate) async fn worth_a_look(&mut self) {
        if self.held.is_empty() {
            std::future::pending::<()>().await;
        }
        tokio::select! {
            // The sender lives as long as the gateway.
            _ = self.settlements.changed() => {}
            _ = self.ticks.tick() => {}
        }
    }

    /// Looks at the held events again, and gives those of which it is known now.
    pub(crate) async fn look_again(&mut self) -> Vec<Attributed<T>> {
        // What is settled while this looks may be seen or not, so it makes this look once more.
        self.settlements.mark_unchanged();
        let mut known = Vec::new();
        let held = std::mem::take(&mut self.held);
        self.held = self.sort(held, HashSet::new(), &mut known).await;
        known
    }

    /// Puts those into `known` of which it is known whose they are, and gives the others back in their order, with all that come behind
    /// one of the orders `held`.
    async fn sort(
        &self,
        events: Vec<Held<T>>,
        mut held: HashSet<Uuid>,
        known: &mut Vec<Attributed<T>>,
    ) -> Vec<Held<T>> {
        let orders: Vec<&OrderIdentity> =
            events.iter().map(|event| &event.order).filter(|order| !held.contains(&order.id)).collect();
        let found = match self.look(&orders).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "whose events are could not be read; they are held");
                Found::default()
            }
        };
        let mut rest = Vec::new();
        for mut event in events {
            let id = event.order.id;
            let is_late = event.since.elapsed() >= LONGEST;
            if held.contains(&id) {
                rest.push(event);
            } else if let Some(key) = found.owners.get(&id) {
                known.push((event.event, Some(*key)));
            } else if let Some(under_way) = &found.under_way {
                let waits_for = event.waits_for.get_or_insert_with(|| Arc::clone(under_way));
                if waits_for.is_disjoint(under_way) || is_late {
                    known.push((event.event, None));
                } else {
                    held.insert(id);
                    rest.push(event);
                }
            } else if is_late {
                known.push((event.event, None));
            } else {
                held.insert(id);
                rest.push(event);
            }
        }
        rest
    }

    async fn look(&self, orders: &[&OrderIdentity]) -> Result<Found, StoreError> {
        let ledger = Ledger { shared: &self.shared, connection: self.connection };
        let mut owners = ledger.owners(orders.iter().map(|order| order.id).collect()).await?;
        let mut under_way = HashSet::new();
        let unknown: Vec<&OrderIdentity> =
            orders.iter().copied().filter(|order| !owners.contains_key(&order.id)).collect();
        if !unknown.is_empty() {
            // Before it is looked once more: what is settled in between is found by the look.
            let sent = self.shared.store.sent(self.connection).await?;
            let ids = unknown.iter().flat_map(|order| std::iter::once(order.id).chain(order.replaces));
            let known = ledger.owners(ids.collect()).await?;
            for order in unknown {
                let owner = known.get(&order.id).or_else(|| known.get(&order.replaces?));
                let owner = owner.copied().or_else(|| owners.get(&order.replaces?).copied());
                if let Some(owner) = owner {
                    ledger.note(owner, std::slice::from_ref(order)).await?;
                }
                if let Some(owner) = owner.or_else(|| sender(&sent, order)) {
                    owners.insert(order.id, owner);
                }
            }
            under_way = sent.into_iter().filter(|sent| !sent.is_unknown).map(|sent| sent.request).collect();
        }
        for order in orders {
            if let Some(key) = owners.get(&order.id) {
                self.learn(ledger, *key, order).await?;
            }
        }
        Ok(Found { owners, under_way: Some(Arc::new(under_way)) })
    }

    /// The order that took this one's place is of the same key, whoever asked for that.
    async fn learn(
        &self,
        ledger: Ledger<'_>,
        key: AccessKeyId,
        order: &OrderIdentity,
    ) -> Result<(), StoreError> {
        let Some(successor) = order.replaced_by else { return Ok(()) };
        if ledger.owner(successor).await?.is_none() {
            let successor = PlacedOrder {
                order_id: successor.to_string(),
                client_order_id: None,
                replaces: Some(order.id.to_string()),
            };
            let now = self.shared.clock.now();
            self.shared.store.record_placed(self.connection, key, &[successor], now).await?;
        }
        Ok(())
    }
}

/// What was found out about some orders.
#[derive(Default)]
struct Found {
    owners: HashMap<Uuid, AccessKeyId>,
    /// The requests that were under way; none if that could not be read.
    under_way: Option<Arc<HashSet<RequestId>>>,
}
