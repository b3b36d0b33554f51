//! When an order has ended: what it did not fill of its charge is given back.
//!
//! A replacement goes on with the charge of the order that it replaces, so such orders are settled together, when the last of them
//! ends. What cannot be told stays charged. A fill that is told later takes its part again.

use std::collections::HashSet;

use futures_util::future::join_all;
use jiff::Timestamp;
use jiff::civil::Date;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{AccessKeyId, ConnectionId, RequestId};
use paddock_core::usage::{Filled, kept};
use rust_decimal::Decimal;

use super::unwritten;
use super::used::{read_usage, write_usage};
use crate::codec::{decimal, parse};
use crate::db::{Tx, TxOn, row, sql};
use crate::writer::Work;
use crate::{Store, StoreError, audit};

/// No chain of replacements is longer; one that seems to be is not settled.
const LONGEST_CHAIN: usize = 500;

/// An order that has ended, as the broker tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedOrder {
    /// The broker's id of it.
    pub id: String,
    /// What of it is filled, its exits included where they were charged with it.
    pub filled: Filled,
    /// Whether another order has taken its place.
    pub replaced: bool,
}

/// What came of the end of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterEnd {
    /// No order of that id is known to have been charged.
    Unknown,
    /// All of it was settled before, or goes on with a replacement.
    Nothing,
    /// It is settled; so many dollars were given back, or taken again when negative.
    Settled(Decimal),
    /// It cannot be settled before another order or request is: the one that replaces it, or one that it replaced.
    Waits,
}

/// An order that works, or of which it is not known that it has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkingCharge {
    /// The broker's id of the order.
    pub order_id: String,
    /// Whose caps are charged.
    pub key: AccessKeyId,
}

row! {
    struct ChargeColumns {
        request_id: String,
        access_key_id: String,
        order_id: Option<String>,
        day: String,
        notional: String,
        quantity: Option<String>,
        worth: String,
        replaces: Option<String>,
        filled: Option<String>,
        returned: String,
    }
}

/// One order of a chain of replacements.
struct Link {
    request: RequestId,
    key: AccessKeyId,
    order_id: String,
    day: Date,
    charged: Decimal,
    quantity: Option<Decimal>,
    worth: Decimal,
    replaces: Option<String>,
    filled: Option<Decimal>,
    returned: Decimal,
}

impl ChargeColumns {
    fn link(self) -> Result<Link, StoreError> {
        let optional = |text: Option<String>| text.as_deref().map(decimal).transpose();
        Ok(Link {
            request: parse(&self.request_id, "order charge")?,
            key: parse(&self.access_key_id, "order charge")?,
            order_id: self.order_id.unwrap_or_default(),
            day: parse(&self.day, "day")?,
            charged: decimal(&self.notional)?,
            quantity: optional(self.quantity)?,
            worth: decimal(&self.worth)?,
            replaces: self.replaces,
            filled: optional(self.filled)?,
            returned: decimal(&self.returned)?,
        })
    }
}

/// See [`Store::order_ended`].
struct End {
    order: EndedOrder,
    at: Timestamp,
}

impl Work for End {
    type Output = AfterEnd;

    async fn run(&mut self, tx: &mut Tx) -> Result<AfterEnd, StoreError> {
        end(tx, &self.order, self.at).await
    }
}

impl Store {
    /// Settles the charge of an order that has ended: what is not filled is given back on the day that it was taken from, once. Called
    /// again with more filled, it takes that part again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn order_ended(&self, order: &EndedOrder, at: Timestamp) -> Result<AfterEnd, StoreError> {
        let outcome = self.orders_ended(std::slice::from_ref(order), at).await.pop();
        outcome.unwrap_or(Ok(AfterEnd::Unknown))
    }

    /// The same for orders that ended at once, with an outcome for each. They are settled in their order.
    pub async fn orders_ended(
        &self,
        orders: &[EndedOrder],
        at: Timestamp,
    ) -> Vec<Result<AfterEnd, StoreError>> {
        // Most orders of an account may be none of ours, which are not worth a turn of the writer.
        let ours = match self.charged_of(orders).await {
            Ok(ours) => ours,
            Err(error) => return vec![Err(error); orders.len()],
        };
        join_all(orders.iter().map(async |order| {
            if ours.contains(&order.id) {
                self.write(End { order: order.clone(), at }).await
            } else {
                Ok(AfterEnd::Unknown)
            }
        }))
        .await
    }

    /// The ids of those that were charged.
    async fn charged_of(&self, orders: &[EndedOrder]) -> Result<HashSet<String>, StoreError> {
        let ids = serde_json::to_string(&orders.iter().map(|order| order.id.as_str()).collect::<Vec<_>>())
            .map_err(|_| StoreError::Malformed { what: "order id" })?;
        let mut tx = self.begin_read().await?;
        let rows = match &tx.on {
            TxOn::Sqlite(_) => sql!(tx, fetch_all (String,):
                "SELECT order_id FROM reservations
                 WHERE state = 'confirmed' AND order_id IN (SELECT value FROM json_each($1))", ids)?,
            TxOn::Postgres(_) => sql!(tx, fetch_all (String,):
                "SELECT order_id FROM reservations
                 WHERE state = 'confirmed' AND order_id IN (SELECT json_array_elements_text($1::json))", ids)?,
        };
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// The orders of a connection that were charged and are not known to have ended, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn working_charges(&self, connection: ConnectionId) -> Result<Vec<WorkingCharge>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all (String, String):
            "SELECT r.order_id, c.access_key_id FROM order_charges c JOIN reservations r ON r.request_id = c.request_id
             WHERE c.connection_id = $1 AND c.filled IS NULL AND r.state = 'confirmed' AND r.order_id IS NOT NULL
             ORDER BY r.at, c.request_id",
            connection.to_string())?;
        rows.into_iter()
            .map(|(order_id, key)| Ok(WorkingCharge { order_id, key: parse(&key, "order charge")? }))
            .collect()
    }
}

/// The order of that id which was charged to `key`, or to whichever key it was.
async fn charged(tx: &mut Tx, order_id: &str, key: Option<AccessKeyId>) -> Result<Option<Link>, StoreError> {
    let key = key.map(|key| key.to_string());
    let row = sql!(tx, fetch_optional ChargeColumns:
        "SELECT c.request_id, c.access_key_id, r.order_id, r.day, r.notional, c.quantity, c.worth, c.replaces, c.filled, c.returned
         FROM order_charges c JOIN reservations r ON r.request_id = c.request_id
         WHERE r.order_id = $1 AND r.state = 'confirmed' AND ($2 IS NULL OR c.access_key_id = $2)
         ORDER BY c.request_id LIMIT 1",
        order_id, key.as_deref())?;
    row.map(ChargeColumns::link).transpose()
}

async fn end(tx: &mut Tx, order: &EndedOrder, at: Timestamp) -> Result<AfterEnd, StoreError> {
    let Some(mut last) = charged(tx, &order.id, None).await? else { return Ok(AfterEnd::Unknown) };
    if unwritten::tells_of(tx, last.request) {
        unwritten::flush(tx).await?;
        match charged(tx, &order.id, None).await? {
            Some(link) => last = link,
            None => return Ok(AfterEnd::Unknown),
        }
    }
    let key = last.key;
    let mut successor = None;
    if order.replaced {
        // What replaces it may have been reserved in this transaction.
        unwritten::flush(tx).await?;
        match replacement(tx, key, &order.id).await? {
            Some((state, _)) if state != "confirmed" => return Ok(AfterEnd::Waits),
            Some((_, id)) => successor = id,
            None => {}
        }
    }
    let filled = match order.filled {
        Filled::Units(units) => units,
        // All of an order in dollars may be a cent less than was ordered.
        Filled::Dollars { all: true, .. } => last.worth,
        Filled::Dollars { dollars, all: false } => dollars,
    };
    if last.filled.is_some_and(|known| known >= filled) {
        return Ok(AfterEnd::Nothing);
    }
    unwritten::filled(tx, last.request, filled);
    if order.replaced || last.replaces.is_some() {
        // The other orders of its chain are read below, and it among them.
        unwritten::flush(tx).await?;
    }
    last.filled = Some(filled);
    // Its replacements go on with its charge, until the last of them ends.
    let mut steps = 0;
    while let Some(id) = successor.take() {
        let Some(next) = charged(tx, &id, Some(key)).await? else { break };
        steps += 1;
        if next.filled.is_none() || steps > LONGEST_CHAIN {
            return Ok(AfterEnd::Nothing);
        }
        successor = replacement(tx, key, &id).await?.and_then(|(_, id)| id);
        last = next;
    }
    let Some(chain) = chain(tx, last).await? else { return Ok(AfterEnd::Waits) };
    settle(tx, chain, at).await
}

/// Gives back what the orders of a chain, all ended, have not filled of their charge.
async fn settle(tx: &mut Tx, mut chain: Vec<Link>, at: Timestamp) -> Result<AfterEnd, StoreError> {
    let Some(last) = chain.last() else { return Ok(AfterEnd::Nothing) };
    let (request, order_id) = (last.request, last.order_id.clone());
    let filled: Decimal = chain.iter().filter_map(|link| link.filled).sum();
    let total: Decimal = chain.iter().map(|link| link.charged).sum();
    let returned: Decimal = chain.iter().map(|link| link.returned).sum();
    let worths: Vec<_> = chain.iter().map(|link| (link.worth, link.quantity)).collect();
    let change = total - kept(total, &worths, filled) - returned;
    give_back(tx, &mut chain, change).await?;
    if !change.is_zero() {
        let event = AuditEvent::ChargeReturned { request, order_id, notional: change };
        audit::append(tx, &Actor::System, &event, at).await?;
    }
    Ok(AfterEnd::Settled(change))
}

/// State and order id of the request by which the key has replaced an order, or tries to.
async fn replacement(
    tx: &mut Tx,
    key: AccessKeyId,
    order_id: &str,
) -> Result<Option<(String, Option<String>)>, StoreError> {
    // Of several, one at most was confirmed: an order is replaced once.
    sql!(tx, fetch_optional (String, Option<String>):
        "SELECT r.state, r.order_id FROM order_charges c JOIN reservations r ON r.request_id = c.request_id
         WHERE c.replaces = $1 AND c.access_key_id = $2 AND r.state <> 'released' ORDER BY r.state LIMIT 1",
        order_id, key.to_string())
}

/// The orders that an order goes on with, oldest first, itself last. `None` while one of them is not known to have ended.
async fn chain(tx: &mut Tx, last: Link) -> Result<Option<Vec<Link>>, StoreError> {
    let key = last.key;
    let mut chain = vec![last];
    while let Some(before) = chain.last().and_then(|link| link.replaces.clone()) {
        match charged(tx, &before, Some(key)).await? {
            // It was not this key's: only what was charged for the replacement counts.
            None => break,
            Some(link) if link.filled.is_none() || chain.len() >= LONGEST_CHAIN => return Ok(None),
            Some(link) => chain.push(link),
        }
    }
    chain.reverse();
    Ok(Some(chain))
}

/// Gives `change` dollars back, or takes them again when it is negative. What was taken first is given back first, so that today's
/// usage rather stays too large.
async fn give_back(tx: &mut Tx, chain: &mut [Link], change: Decimal) -> Result<(), StoreError> {
    let mut left = change.abs();
    let takes = change.is_sign_negative();
    if takes {
        chain.reverse();
    }
    for link in chain {
        let room = if takes { link.returned } else { link.charged - link.returned };
        let part = left.min(room.max(Decimal::ZERO));
        if part.is_zero() {
            continue;
        }
        left -= part;
        let signed = if takes { -part } else { part };
        link.returned += signed;
        let mut used = read_usage(tx, link.key, link.day).await?;
        used.notional =
            used.notional.checked_sub(signed).ok_or(StoreError::AmountTooLarge)?.max(Decimal::ZERO);
        write_usage(tx, link.key, used);
        sql!(tx, execute
            "UPDATE order_charges SET returned = $1 WHERE request_id = $2",
            link.returned.to_string(), link.request.to_string())?;
    }
    Ok(())
}
