//! Whose an event is that tells of an order.
//!
//! An event may come before the answer to the request that made its order was read. It then is held until the requests that were under way
//! when it came are settled: by then its order is written down, or it is of somebody else. Events of one order keep their order.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use paddock_alpaca::wire::OrderIdentity;
use paddock_core::id::{AccessKeyId, ConnectionId, RequestId};
use paddock_store::{PlacedOrder, StoreError};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::ledger::Ledger;
use crate::shared::Shared;

/// How often held events are looked at again: nothing tells of what another node settles, or of a database that is back.
const LOOK: Duration = Duration::from_millis(250);

/// How long an event is held at most. Longer than any request can be under way, and until recovery has settled what a crash left.
const LONGEST: Duration = Duration::from_secs(180);

/// Finds out whose events are. `T` is the event.
pub(crate) struct Attribution<T> {
    shared: Arc<Shared>,
    connection: ConnectionId,
    held: VecDeque<Held<T>>,
    settlements: watch::Receiver<u64>,
    ticks: Interval,
}

/// An event of an order that nobody is known to have placed.
struct Held<T> {
    order: OrderIdentity,
    event: T,
    /// The requests that may have made the order; none if it could not be looked up.
    waits_for: Option<HashSet<RequestId>>,
    since: Instant,
}

/// An event with the access key whose order it tells of.
pub(crate) type Attributed<T> = (T, Option<AccessKeyId>);

impl<T> Attribution<T> {
    pub(crate) fn new(shared: Arc<Shared>, connection: ConnectionId) -> Self {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let settlements = shared.owners.settlements();
        Self { shared, connection, held: VecDeque::new(), settlements, ticks }
    }

    /// Takes an event, and gives it back if it is known whose it is, or that it is nobody's.
    pub(crate) async fn take(&mut self, order: Option<OrderIdentity>, event: T) -> Option<Attributed<T>> {
        let Some(order) = order else { return Some((event, None)) };
        let mut waits_for = None;
        // What comes behind a held event of the same order is held too.
        if !self.held.iter().any(|held| held.order.id == order.id) {
            match self.look(&order).await {
                Ok(Found::Owner(key)) => return Some((event, Some(key))),
                Ok(Found::Nobody(under_way)) if under_way.is_empty() => return Some((event, None)),
                Ok(Found::Nobody(under_way)) => waits_for = Some(under_way),
                Err(error) => tracing::warn!(%error, "whose an event is could not be read; it is held"),
            }
        }
        self.held.push_back(Held { order, event, waits_for, since: Instant::now() });
        None
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
        let mut known = Vec::new();
        let mut still: HashSet<uuid::Uuid> = HashSet::new();
        for mut held in std::mem::take(&mut self.held) {
            let found = if still.contains(&held.order.id) { None } else { self.look(&held.order).await.ok() };
            let is_late = held.since.elapsed() >= LONGEST;
            match found {
                Some(Found::Owner(key)) => known.push((held.event, Some(key))),
                Some(Found::Nobody(under_way)) => {
                    let waits_for = held.waits_for.get_or_insert_with(|| under_way.clone());
                    if waits_for.is_disjoint(&under_way) || is_late {
                        known.push((held.event, None));
                        continue;
                    }
                    still.insert(held.order.id);
                    self.held.push_back(held);
                }
                None if is_late => known.push((held.event, None)),
                None => {
                    still.insert(held.order.id);
                    self.held.push_back(held);
                }
            }
        }
        known
    }

    async fn look(&self, order: &OrderIdentity) -> Result<Found, StoreError> {
        let ledger = Ledger { shared: &self.shared, connection: self.connection };
        if let Some(key) = ledger.owner(order.id).await? {
            self.learn(ledger, key, order).await?;
            return Ok(Found::Owner(key));
        }
        // Before it is looked once more: what is settled in between is found by the look.
        let sent = self.shared.store.sent(self.connection).await?;
        if let Some(key) = ledger.owner_of(order).await? {
            self.learn(ledger, key, order).await?;
            return Ok(Found::Owner(key));
        }
        let under_way = sent.into_iter().filter(|sent| !sent.is_unknown).map(|sent| sent.request);
        Ok(Found::Nobody(under_way.collect()))
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

enum Found {
    Owner(AccessKeyId),
    /// With what is under way.
    Nobody(HashSet<RequestId>),
}
