//! Signs of life, for which the dead-man switch waits.

use jiff::Timestamp;
use paddock_core::audit::{Actor, AuditEvent};

use crate::codec::{instant, maybe_instant, micros};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError, audit};

/// The name of the sign that the operator gives.
pub const CHECK_IN: &str = "check-in";

/// What is known of one sign of life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    /// What it is called.
    pub name: String,
    /// When it last came, or since when it is waited for.
    pub last_at: Timestamp,
    /// Whether its absence freezes. It does so once, until it has come again.
    pub armed: bool,
    /// Until when a server that was down while the time ran out waits for it.
    pub grace_until: Option<Timestamp>,
}

row! {
    struct Columns {
        name: String,
        last_at: i64,
        armed: bool,
        grace_until: Option<i64>,
    }
}

impl Columns {
    fn sign(self) -> Result<Sign, StoreError> {
        Ok(Sign {
            name: self.name,
            last_at: instant(self.last_at)?,
            armed: self.armed,
            grace_until: maybe_instant(self.grace_until)?,
        })
    }
}

impl Store {
    /// The signs of life that are or were waited for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn signs(&self) -> Result<Vec<Sign>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all Columns:
            "SELECT name, last_at, armed, grace_until FROM signs_of_life ORDER BY name")?;
        rows.into_iter().map(Columns::sign).collect()
    }

    /// What is known of a sign. One that is new is waited for from `at` on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn await_sign(&self, name: &str, at: Timestamp) -> Result<Sign, StoreError> {
        let mut tx = self.begin_write().await?;
        sql!(tx, execute
            "INSERT INTO signs_of_life (name, last_at, armed) VALUES ($1, $2, TRUE) ON CONFLICT (name) DO NOTHING",
            name, micros(at))?;
        let row = sql!(tx, fetch_one Columns:
            "SELECT name, last_at, armed, grace_until FROM signs_of_life WHERE name = $1", name)?;
        tx.commit().await?;
        row.sign()
    }

    /// Gives a sign that is overdue a grace, unless it was given one since it last came.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn grant_grace(&self, name: &str, until: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        sql!(tx, execute
            "UPDATE signs_of_life SET grace_until = $1 WHERE name = $2 AND grace_until IS NULL", micros(until), name)?;
        tx.commit().await
    }

    /// A sign has come: its absence freezes from now on, if it did not already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hear_sign(&self, name: &str, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        hear(&mut tx, name, at).await?;
        tx.commit().await
    }

    /// The operator gives a sign of life, which is recorded.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn check_in(&self, actor: &Actor, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        hear(&mut tx, CHECK_IN, at).await?;
        audit::append(&mut tx, actor, &AuditEvent::CheckedIn, at).await?;
        tx.commit().await
    }
}

/// An instant before the one that is known is passed over.
pub(crate) async fn hear(tx: &mut Tx, name: &str, at: Timestamp) -> Result<(), StoreError> {
    sql!(tx, execute
        "INSERT INTO signs_of_life (name, last_at, armed) VALUES ($1, $2, TRUE)
         ON CONFLICT (name) DO UPDATE SET last_at = excluded.last_at, armed = TRUE, grace_until = NULL
         WHERE signs_of_life.last_at <= excluded.last_at",
        name, micros(at))?;
    Ok(())
}

/// Tells whether the sign was armed until now.
pub(crate) async fn disarm(tx: &mut Tx, name: &str) -> Result<bool, StoreError> {
    let armed = sql!(tx, execute "UPDATE signs_of_life SET armed = FALSE WHERE name = $1 AND armed", name)?;
    Ok(armed > 0)
}
