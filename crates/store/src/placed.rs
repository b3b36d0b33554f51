//! Which access key placed which order at the broker.

use std::collections::HashMap;

use jiff::Timestamp;
use paddock_core::id::{AccessKeyId, ConnectionId, RequestId};

use crate::caps::unwritten;
use crate::codec::{instant, micros, parse};
use crate::db::{Tx, TxOn, row, sql};
use crate::{Store, StoreError};

/// How many orders are looked up by one statement.
const AT_ONCE: usize = 100;

/// An order at the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedOrder {
    /// The broker's id.
    pub order_id: String,
    /// The client's own name for it.
    pub client_order_id: Option<String>,
    /// The broker's id of the order whose place it took. It then is of the same access key, whoever replaced it.
    pub replaces: Option<String>,
}

/// A request that was reserved, and of which it is not known what the broker made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentRequest {
    /// The request.
    pub request: RequestId,
    /// Who sent it.
    pub key: AccessKeyId,
    /// When it came.
    pub at: Timestamp,
    /// The client order id that its order would have.
    pub client_order_id: Option<String>,
    /// Whether it is given up to wait for the broker's answer.
    pub is_unknown: bool,
}

row! {
    struct SentColumns {
        request_id: String,
        access_key_id: String,
        at: i64,
        client_order_id: Option<String>,
        state: String,
    }
}

impl Store {
    /// Notes that an access key has placed orders. What is known already stays as it is: an order is of whom it was first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_placed(
        &self,
        connection: ConnectionId,
        key: AccessKeyId,
        orders: &[PlacedOrder],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        insert(&mut tx, &connection.to_string(), &key.to_string(), orders, at).await?;
        tx.commit().await
    }

    /// Who placed these orders, by the broker's ids; those that nobody placed through Paddock are missing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn who_placed(
        &self,
        connection: ConnectionId,
        order_ids: &[String],
    ) -> Result<HashMap<String, AccessKeyId>, StoreError> {
        let mut owners = HashMap::new();
        if order_ids.is_empty() {
            return Ok(owners);
        }
        let connection = connection.to_string();
        let mut tx = self.begin_read().await?;
        for some in order_ids.chunks(AT_ONCE) {
            for (order_id, key) in select(&mut tx, &connection, some).await? {
                owners.insert(order_id, parse(&key, "placed order")?);
            }
        }
        Ok(owners)
    }

    /// Who placed the order of that client order id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn placed_by_name(
        &self,
        connection: ConnectionId,
        client_order_id: &str,
    ) -> Result<Option<AccessKeyId>, StoreError> {
        let mut tx = self.begin_read().await?;
        let found = sql!(tx, fetch_optional (String,):
            "SELECT access_key_id FROM placed_orders WHERE connection_id = $1 AND client_order_id = $2
             ORDER BY at, order_id LIMIT 1",
            connection.to_string(), client_order_id)?;
        found.map(|(key,)| parse(&key, "placed order")).transpose()
    }

    /// The requests to a connection that are not settled, or settled as unknown, oldest first: the broker may have acted on them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sent(&self, connection: ConnectionId) -> Result<Vec<SentRequest>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all SentColumns:
            "SELECT request_id, access_key_id, at, client_order_id, state FROM reservations
             WHERE state IN ('reserved', 'unknown') AND connection_id = $1 ORDER BY at, request_id",
            connection.to_string())?;
        rows.into_iter()
            .map(|row| {
                Ok(SentRequest {
                    request: parse(&row.request_id, "reservation")?,
                    key: parse(&row.access_key_id, "reservation")?,
                    at: instant(row.at)?,
                    client_order_id: row.client_order_id,
                    is_unknown: row.state == "unknown",
                })
            })
            .collect()
    }
}

/// Writes them down in a write transaction.
pub(crate) async fn insert(
    tx: &mut Tx,
    connection: &str,
    key: &str,
    orders: &[PlacedOrder],
    at: Timestamp,
) -> Result<(), StoreError> {
    for order in orders {
        let inherited = match &order.replaces {
            None => None,
            Some(replaced) => {
                unwritten::flush(tx).await?;
                sql!(tx, fetch_optional (String,):
                    "SELECT access_key_id FROM placed_orders WHERE connection_id = $1 AND order_id = $2",
                    connection, replaced.as_str())?
            }
        };
        let owner = inherited.as_ref().map_or(key, |(owner,)| owner.as_str());
        unwritten::placed(tx, connection, owner, order, micros(at));
    }
    Ok(())
}

/// Of some orders those that are known, with who placed them.
async fn select(tx: &mut Tx, connection: &str, ids: &[String]) -> Result<Vec<(String, String)>, StoreError> {
    let places: Vec<String> = (2..ids.len() + 2).map(|place| format!("${place}")).collect();
    let text = format!(
        "SELECT order_id, access_key_id FROM placed_orders WHERE connection_id = $1 AND order_id IN ({})",
        places.join(", ")
    );
    // As many places as ids; their values are bound.
    let statement = sqlx::AssertSqlSafe(text);
    let rows = match &mut tx.on {
        TxOn::Sqlite(tx) => {
            let query = ids
                .iter()
                .fold(sqlx::query_as(statement).bind(connection), |query, id| query.bind(id.as_str()));
            query.fetch_all(&mut **tx).await
        }
        TxOn::Postgres(tx) => {
            let query = ids
                .iter()
                .fold(sqlx::query_as(statement).bind(connection), |query, id| query.bind(id.as_str()));
            query.fetch_all(&mut **tx).await
        }
    };
    Ok(rows?)
}
