//! What access keys have used of their caps on a day.
//!
//! A transaction in which many orders of a key are charged reads its row once and writes it once, at the end.

use jiff::civil::Date;
use paddock_core::Usage;
use paddock_core::id::AccessKeyId;

use crate::StoreError;
use crate::codec::{decimal, number};
use crate::db::{Tx, sql};

/// A row as a transaction sees it.
pub(crate) struct Used {
    key: AccessKeyId,
    usage: Usage,
    /// Whether it differs from what is in the database.
    is_changed: bool,
}

/// What a key has used on a day, with what this transaction has added.
pub(super) async fn read_usage(tx: &mut Tx, key: AccessKeyId, day: Date) -> Result<Usage, StoreError> {
    if let Some(known) = tx.used.iter().find(|known| known.key == key && known.usage.day == day) {
        return Ok(known.usage);
    }
    let row = sql!(tx, fetch_optional (i64, String):
        "SELECT orders, notional FROM usage WHERE access_key_id = $1 AND day = $2", key.to_string(), day.to_string())?;
    let usage = match row {
        None => Usage::none(day),
        Some((orders, notional)) => {
            Usage { orders: number(orders)?, notional: decimal(&notional)?, ..Usage::none(day) }
        }
    };
    tx.used.push(Used { key, usage, is_changed: false });
    Ok(usage)
}

/// Takes over what a key has used, which was read before; the row is written when the transaction is committed.
pub(super) fn write_usage(tx: &mut Tx, key: AccessKeyId, usage: Usage) {
    tx.changes += 1;
    let usage = Usage { orders: usage.orders, notional: usage.notional, ..Usage::none(usage.day) };
    tx.used.retain(|known| known.key != key || known.usage.day != usage.day);
    tx.used.push(Used { key, usage, is_changed: true });
}

/// Writes the rows that changed.
pub(crate) async fn write_changed(tx: &mut Tx) -> Result<(), StoreError> {
    for Used { key, usage, is_changed } in std::mem::take(&mut tx.used) {
        if !is_changed {
            continue;
        }
        sql!(tx, execute
            "INSERT INTO usage (access_key_id, day, orders, notional) VALUES ($1, $2, $3, $4)
             ON CONFLICT (access_key_id, day) DO UPDATE SET orders = excluded.orders, notional = excluded.notional",
            key.to_string(), usage.day.to_string(), i64::from(usage.orders), usage.notional.to_string())?;
    }
    Ok(())
}
