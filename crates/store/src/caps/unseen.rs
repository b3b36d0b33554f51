//! What requests add to an account's open exposure that the broker's figures may not show yet.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{AccessKeyId, ConnectionId, RequestId};
use rust_decimal::Decimal;

use super::unwritten;
use crate::codec::{bigint, decimal, micros};
use crate::db::{Tx, sql};
use crate::writer::Work;
use crate::{Store, StoreError, audit};

/// The broker's figures by which a request is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Position of the audit chain's head before the broker was asked. What was answered to a request before that, the figures show.
    pub since: u64,
    /// The clients' names of the orders that are among the figures.
    pub named: BTreeSet<String>,
    /// The trading day whose loss counts.
    pub trading_day: Date,
}

/// Adds up what the figures may not show: of requests that are on their way, and of those that were answered since.
pub(super) async fn unseen_exposure(
    tx: &mut Tx,
    connection: ConnectionId,
    figures: &Figures,
) -> Result<Option<Decimal>, StoreError> {
    unwritten::flush(tx).await?;
    let rows = sql!(tx, fetch_all (Option<String>, Option<String>):
        "SELECT c.exposure, r.client_order_id FROM order_charges c JOIN reservations r ON r.request_id = c.request_id
         WHERE c.connection_id = $1 AND (c.seen_seq IS NULL OR c.seen_seq > $2)",
        connection.to_string(), bigint(figures.since))?;
    let mut sum = Decimal::ZERO;
    for (exposure, name) in rows {
        if name.is_some_and(|name| figures.named.contains(&name)) {
            continue;
        }
        let Some(exposure) = exposure else { return Ok(None) };
        match sum.checked_add(decimal(&exposure)?) {
            Some(added) => sum = added,
            None => return Ok(None),
        }
    }
    Ok(Some(sum))
}

/// The largest loss for which a key was stopped on a trading day.
pub(super) async fn worst_loss(tx: &mut Tx, key: AccessKeyId, day: Date) -> Result<Decimal, StoreError> {
    let row = sql!(tx, fetch_optional (String,):
        "SELECT loss FROM loss_stops WHERE access_key_id = $1 AND day = $2", key.to_string(), day.to_string())?;
    row.map_or(Ok(Decimal::ZERO), |(loss,)| decimal(&loss))
}

/// See [`Store::no_longer_on_its_way`].
struct Arrived(RequestId);

impl Work for Arrived {
    type Output = ();

    async fn run(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let (head, _) = audit::head(tx).await?;
        unwritten::seen(tx, self.0, head);
        Ok(())
    }
}

/// See [`Store::stop_for_loss`].
struct Stop {
    key: AccessKeyId,
    day: Date,
    loss: Decimal,
    at: Timestamp,
}

impl Work for Stop {
    type Output = ();

    async fn run(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let Self { key, day, loss, at } = *self;
        let known = worst_loss(tx, key, day).await?;
        if loss <= known {
            return Ok(());
        }
        sql!(tx, execute
            "INSERT INTO loss_stops (access_key_id, day, loss, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (access_key_id, day) DO UPDATE SET loss = excluded.loss, at = excluded.at",
            key.to_string(), day.to_string(), loss.to_string(), micros(at))?;
        // That the key stopped is news; how the loss grew since, the refusals tell.
        if known.is_zero() {
            audit::append(tx, &Actor::System, &AuditEvent::LossReached { key, day, loss }, at).await?;
        }
        Ok(())
    }
}

impl Store {
    /// Notes that a request whose fate is unknown can no longer be on its way: the broker's figures, read from now on, show what it did.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn no_longer_on_its_way(&self, request: RequestId) -> Result<(), StoreError> {
        self.write(Arrived(request)).await
    }

    /// Stops an access key for a trading day, because the account has lost so much. A larger loss takes the place of a smaller one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stop_for_loss(
        &self,
        key: AccessKeyId,
        day: Date,
        loss: Decimal,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(Stop { key, day, loss, at }).await
    }

    /// The largest loss for which an access key was stopped on a trading day, in dollars; zero when it was not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn worst_loss(&self, key: AccessKeyId, day: Date) -> Result<Decimal, StoreError> {
        worst_loss(&mut self.begin_read().await?, key, day).await
    }

    /// What requests on a connection may add to the account's open exposure beyond the figures; `None` when that cannot be told.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unseen_exposure(
        &self,
        connection: ConnectionId,
        figures: &Figures,
    ) -> Result<Option<Decimal>, StoreError> {
        unseen_exposure(&mut self.begin_read().await?, connection, figures).await
    }
}
