//! Places outside Paddock that hold a copy of a connection's key pair. What Paddock logs in with is sealed by the vault.

use std::fmt;

use jiff::Timestamp;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{ConnectionId, ConsumerId, DekId, UserId};
use serde_json::Value;

use crate::codec::{instant, micros, number, parse};
use crate::connections::{self, NO_CONNECTION};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError, audit, deks};

/// A consumer of a connection's key pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerRow {
    /// Its identifier.
    pub id: ConsumerId,
    /// Whose it is.
    pub user: UserId,
    /// The connection whose pair it holds.
    pub connection: ConnectionId,
    /// The name that its owner gave it, unique among the connection's.
    pub name: String,
    /// What kind of place it is.
    pub kind: String,
    /// Its settings. No secret is among them.
    pub settings: Value,
    /// What Paddock logs in with, if it needs anything.
    pub secret: Option<SealedSecret>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// A secret as the vault sealed it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// Its version, from 1, counted up by one at every sealing.
    pub version: u32,
    /// The data-encryption key that it is sealed under.
    pub dek: DekId,
    /// The sealed bytes.
    pub sealed: Vec<u8>,
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedSecret(version {})", self.version)
    }
}

row! {
    struct Columns {
        id: String,
        user_id: String,
        connection_id: String,
        name: String,
        kind: String,
        settings: String,
        dek_id: Option<String>,
        secret_version: i64,
        sealed: Option<Vec<u8>>,
        created_at: i64,
    }
}

impl Columns {
    fn consumer(self) -> Result<ConsumerRow, StoreError> {
        let secret = match (self.dek_id, self.sealed) {
            (Some(dek), Some(sealed)) => Some(SealedSecret {
                version: number(self.secret_version)?,
                dek: parse(&dek, "consumer")?,
                sealed,
            }),
            _ => None,
        };
        Ok(ConsumerRow {
            id: parse(&self.id, "consumer")?,
            user: parse(&self.user_id, "consumer")?,
            connection: parse(&self.connection_id, "consumer")?,
            name: self.name,
            kind: self.kind,
            settings: serde_json::from_str(&self.settings)
                .map_err(|_| StoreError::Malformed { what: "consumer" })?,
            secret,
            created_at: instant(self.created_at)?,
        })
    }
}

const NO_CONSUMER: StoreError = StoreError::NotFound { what: "consumer" };

impl Store {
    /// Keeps a new consumer, with the audit record.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`]; [`StoreError::NotFound`] when the connection was removed, or the data-encryption key is out of use.
    pub async fn add_consumer(
        &self,
        consumer: &ConsumerRow,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        connections::not_removed(&mut tx, consumer.connection).await?.ok_or(NO_CONNECTION)?;
        check(&mut tx, consumer).await?;
        let (dek, version, sealed) = parts(consumer);
        sql!(tx, execute
            "INSERT INTO consumers (id, user_id, connection_id, name, kind, settings, dek_id, secret_version, sealed, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            consumer.id.to_string(), consumer.user.to_string(), consumer.connection.to_string(), consumer.name.as_str(),
            consumer.kind.as_str(), consumer.settings.to_string(), dek, version, sealed, micros(consumer.created_at))?;
        let event = AuditEvent::ConsumerAdded {
            consumer: consumer.id,
            connection: consumer.connection,
            name: consumer.name.clone(),
            kind: consumer.kind.clone(),
        };
        audit::append(&mut tx, actor, &event, at).await?;
        tx.commit().await
    }

    /// Puts other settings, another name or another secret in the place of the present ones. A secret's version must be the next one; the
    /// same version says that it stays as it is.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it was removed; [`StoreError::NameTaken`]; [`StoreError::VersionConflict`].
    pub async fn change_consumer(
        &self,
        consumer: &ConsumerRow,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let before = find(&mut tx, consumer.id).await?.ok_or(NO_CONSUMER)?;
        check(&mut tx, consumer).await?;
        let secret_changed = before.secret != consumer.secret;
        let was = before.secret.as_ref().map_or(0, |secret| secret.version);
        if let Some(secret) = consumer.secret.as_ref().filter(|_| secret_changed)
            && secret.version != was + 1
        {
            return Err(StoreError::VersionConflict { expected: was + 1, found: secret.version });
        }
        let (dek, _, sealed) = parts(consumer);
        let version = i64::from(consumer.secret.as_ref().map_or(was, |secret| secret.version));
        sql!(tx, execute
            "UPDATE consumers SET name = $1, settings = $2, dek_id = $3, secret_version = $4, sealed = $5 WHERE id = $6",
            consumer.name.as_str(), consumer.settings.to_string(), dek, version, sealed, consumer.id.to_string())?;
        let event = AuditEvent::ConsumerChanged {
            consumer: consumer.id,
            connection: before.connection,
            name: consumer.name.clone(),
            secret_changed,
        };
        audit::append(&mut tx, actor, &event, at).await?;
        tx.commit().await
    }

    /// Removes a consumer and erases its secret. What was written to it stays in the ledger.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none.
    pub async fn remove_consumer(
        &self,
        id: ConsumerId,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let before = find(&mut tx, id).await?.ok_or(NO_CONSUMER)?;
        sql!(tx, execute "UPDATE consumers SET removed_at = $1, dek_id = NULL, sealed = NULL WHERE id = $2",
            micros(at), id.to_string())?;
        let event = AuditEvent::ConsumerRemoved { consumer: id, connection: before.connection };
        audit::append(&mut tx, actor, &event, at).await?;
        tx.commit().await
    }

    /// A team's consumers that were not removed, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn consumers(&self, user: UserId) -> Result<Vec<ConsumerRow>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all Columns:
            "SELECT id, user_id, connection_id, name, kind, settings, dek_id, secret_version, sealed, created_at
             FROM consumers WHERE user_id = $1 AND removed_at IS NULL ORDER BY created_at, id", user.to_string())?;
        rows.into_iter().map(Columns::consumer).collect()
    }

    /// A connection's consumers that were not removed, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn consumers_of(&self, connection: ConnectionId) -> Result<Vec<ConsumerRow>, StoreError> {
        of_connection(&mut self.begin_read().await?, connection).await
    }

    /// A consumer, unless it was removed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn consumer(&self, id: ConsumerId) -> Result<Option<ConsumerRow>, StoreError> {
        find(&mut self.begin_read().await?, id).await
    }

    /// Puts the next version of the same secret, sealed anew, in the place of the present one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the consumer was removed meanwhile, or the version is not the next one.
    pub async fn replace_consumer_secret(
        &self,
        id: ConsumerId,
        anew: &SealedSecret,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        deks::must_be_in_use(&mut tx, anew.dek).await?;
        let replaced = sql!(tx, execute
            "UPDATE consumers SET dek_id = $1, secret_version = $2, sealed = $3
             WHERE id = $4 AND removed_at IS NULL AND sealed IS NOT NULL AND secret_version = $2 - 1",
            anew.dek.to_string(), i64::from(anew.version), anew.sealed.as_slice(), id.to_string())?;
        if replaced == 0 {
            return Err(NO_CONSUMER);
        }
        tx.commit().await
    }
}

fn parts(consumer: &ConsumerRow) -> (Option<String>, i64, Option<&[u8]>) {
    match &consumer.secret {
        Some(secret) => {
            (Some(secret.dek.to_string()), i64::from(secret.version), Some(secret.sealed.as_slice()))
        }
        None => (None, 0, None),
    }
}

async fn check(tx: &mut Tx, consumer: &ConsumerRow) -> Result<(), StoreError> {
    let others = of_connection(tx, consumer.connection).await?;
    if others.iter().any(|other| other.id != consumer.id && other.name == consumer.name) {
        return Err(StoreError::NameTaken { name: consumer.name.clone() });
    }
    match &consumer.secret {
        Some(secret) => deks::must_be_in_use(tx, secret.dek).await,
        None => Ok(()),
    }
}

async fn of_connection(tx: &mut Tx, connection: ConnectionId) -> Result<Vec<ConsumerRow>, StoreError> {
    let rows = sql!(tx, fetch_all Columns:
        "SELECT id, user_id, connection_id, name, kind, settings, dek_id, secret_version, sealed, created_at
         FROM consumers WHERE connection_id = $1 AND removed_at IS NULL ORDER BY created_at, id",
        connection.to_string())?;
    rows.into_iter().map(Columns::consumer).collect()
}

async fn find(tx: &mut Tx, id: ConsumerId) -> Result<Option<ConsumerRow>, StoreError> {
    let row = sql!(tx, fetch_optional Columns:
        "SELECT id, user_id, connection_id, name, kind, settings, dek_id, secret_version, sealed, created_at
         FROM consumers WHERE id = $1 AND removed_at IS NULL", id.to_string())?;
    row.map(Columns::consumer).transpose()
}

/// How many secrets are sealed under a data-encryption key.
pub(crate) async fn count_under(tx: &mut Tx, dek: DekId) -> Result<i64, StoreError> {
    Ok(sql!(tx, fetch_one (i64,): "SELECT COUNT(*) FROM consumers WHERE dek_id = $1", dek.to_string())?.0)
}

/// Takes all consumers of a removed connection away.
pub(crate) async fn forget(tx: &mut Tx, connection: ConnectionId, at: Timestamp) -> Result<(), StoreError> {
    sql!(tx, execute
        "UPDATE consumers SET removed_at = $1, dek_id = NULL, sealed = NULL
         WHERE connection_id = $2 AND removed_at IS NULL", micros(at), connection.to_string())?;
    Ok(())
}
