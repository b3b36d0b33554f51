//! What the requests of a transaction add to the tables of caps, written together at its end.
//!
//! A statement costs more by being sent than by what it does, so a hundred orders of a transaction are a handful of statements. What
//! reads one of these tables within a transaction calls [`flush`] first.

use std::collections::BTreeMap;

use paddock_core::id::RequestId;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Intent;
use crate::StoreError;
use crate::codec::{bigint, micros};
use crate::db::{Tx, write_rows};
use crate::placed::PlacedOrder;

/// Rows that are not written yet, each as the array that its statement reads.
#[derive(Default)]
pub(crate) struct Unwritten {
    reservations: Vec<Value>,
    charges: Vec<Value>,
    placed: Vec<Value>,
    /// From where in the audit chain the broker's figures show what became of a request. The first to say so is right.
    seen: BTreeMap<String, u64>,
    /// What is filled of the order of a request; the last to say so is right.
    filled: BTreeMap<String, String>,
}

impl Unwritten {
    fn is_empty(&self) -> bool {
        self.reservations.is_empty()
            && self.charges.is_empty()
            && self.placed.is_empty()
            && self.seen.is_empty()
            && self.filled.is_empty()
    }
}

/// A reservation. `actor` is its JSON.
pub(super) fn reservation(
    tx: &mut Tx,
    intent: &Intent,
    actor: &str,
    orders: u32,
    notional: Decimal,
    total: Decimal,
) {
    tx.changes += 1;
    tx.orders.reservations.push(json!([
        intent.request.to_string(),
        intent.key.to_string(),
        intent.connection.to_string(),
        intent.day.to_string(),
        micros(intent.at),
        actor,
        intent.operation,
        intent.client_order_id,
        orders,
        notional.to_string(),
        total.to_string(),
    ]));
}

/// What has to be known of an order until it has ended.
pub(super) fn charge(tx: &mut Tx, intent: &Intent, worth: Decimal, exposure: Option<Decimal>) {
    let text = |amount: Option<Decimal>| amount.map(|amount| amount.to_string());
    tx.changes += 1;
    tx.orders.charges.push(json!([
        intent.request.to_string(),
        intent.key.to_string(),
        intent.connection.to_string(),
        text(intent.quantity),
        worth.to_string(),
        text(exposure),
        intent.replaces,
    ]));
}

/// An order that is of an access key.
pub(crate) fn placed(tx: &mut Tx, connection: &str, key: &str, order: &PlacedOrder, at: i64) {
    tx.changes += 1;
    tx.orders.placed.push(json!([connection, order.order_id, key, order.client_order_id, at]));
}

/// From here on the broker's figures show what became of a request.
pub(super) fn seen(tx: &mut Tx, request: RequestId, position: u64) {
    tx.changes += 1;
    tx.orders.seen.entry(request.to_string()).or_insert(position);
}

/// So much of the order is filled.
pub(super) fn filled(tx: &mut Tx, request: RequestId, filled: Decimal) {
    tx.changes += 1;
    tx.orders.filled.insert(request.to_string(), filled.to_string());
}

/// Whether an order's row will be another than it is in the database.
pub(super) fn tells_of(tx: &Tx, request: RequestId) -> bool {
    tx.orders.filled.contains_key(&request.to_string())
}

/// Writes what was added so far. It lasts when the transaction is committed.
pub(crate) async fn flush(tx: &mut Tx) -> Result<(), StoreError> {
    if tx.orders.is_empty() {
        return Ok(());
    }
    let Unwritten { reservations, charges, placed, seen, filled } = std::mem::take(&mut tx.orders);
    // An order's charge names its reservation, which therefore is written first.
    write_rows(
        tx,
        reservations,
        "INSERT INTO reservations (request_id, access_key_id, connection_id, day, at, actor, operation, client_order_id, orders,
                                   notional, order_total, state)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, CAST(value ->> 4 AS BIGINT), value ->> 5, value ->> 6,
                value ->> 7, CAST(value ->> 8 AS BIGINT), value ->> 9, value ->> 10, 'reserved' FROM {rows}",
    )
    .await?;
    write_rows(
        tx,
        charges,
        "INSERT INTO order_charges (request_id, access_key_id, connection_id, quantity, worth, exposure, replaces, returned)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, '0' FROM {rows}",
    )
    .await?;
    write_rows(
        tx,
        placed,
        "INSERT INTO placed_orders (connection_id, order_id, access_key_id, client_order_id, at)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, CAST(value ->> 4 AS BIGINT) FROM {rows} WHERE true
         ON CONFLICT (connection_id, order_id) DO NOTHING",
    )
    .await?;
    let seen = seen.into_iter().map(|(request, position)| json!([request, bigint(position)])).collect();
    write_rows(
        tx,
        seen,
        "UPDATE order_charges SET seen_seq = CAST(value ->> 1 AS BIGINT) FROM {rows}
         WHERE request_id = value ->> 0 AND seen_seq IS NULL",
    )
    .await?;
    let filled = filled.into_iter().map(|(request, units)| json!([request, units])).collect();
    write_rows(
        tx,
        filled,
        "UPDATE order_charges SET filled = value ->> 1 FROM {rows} WHERE request_id = value ->> 0",
    )
    .await
}
