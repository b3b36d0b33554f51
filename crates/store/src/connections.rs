//! Connections: one Alpaca account in one environment each.

use std::collections::BTreeMap;

use jiff::Timestamp;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{AccessKeyId, ConnectionId, UserId};
use paddock_core::{CredentialKind, Environment};

use crate::attestations::{self, Attestation};
use crate::codec::{instant, maybe_instant, micros, number, parse};
use crate::credentials::{self, SealedCredential};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError, access_keys, audit, connection_faults, rotations};

/// One Alpaca account in one environment that a user has connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its identifier.
    pub id: ConnectionId,
    /// Whose it is.
    pub user: UserId,
    /// The name that its owner gave it, unique among the owner's connections.
    pub name: String,
    /// Alpaca's world.
    pub environment: Environment,
    /// Alpaca's identifier of the account, a UUID.
    pub account_id: String,
    /// Alpaca's account number, for people.
    pub account_number: String,
    /// The account's status as Alpaca gave it when it was last seen, for example `ACTIVE`.
    pub status: String,
    /// Whether the engine routes new trades to it. One connection of a user is active at most.
    pub active: bool,
    /// Whether it is frozen: only cancels pass.
    pub frozen: bool,
    /// When it was connected.
    pub created_at: Timestamp,
    /// When the account was last seen.
    pub checked_at: Timestamp,
    /// The version of the newest credential, from 1.
    pub credential_version: u32,
    /// When it was removed, if it was. Its history stays.
    pub removed_at: Option<Timestamp>,
}

row! {
    struct Columns {
        id: String,
        user_id: String,
        name: String,
        environment: String,
        account_id: String,
        account_number: String,
        status: String,
        active: bool,
        frozen: bool,
        created_at: i64,
        checked_at: i64,
        credential_version: i64,
        removed_at: Option<i64>,
    }
}

impl Columns {
    fn connection(self) -> Result<Connection, StoreError> {
        Ok(Connection {
            id: parse(&self.id, "connection")?,
            user: parse(&self.user_id, "connection")?,
            name: self.name,
            environment: parse(&self.environment, "environment")?,
            account_id: self.account_id,
            account_number: self.account_number,
            status: self.status,
            active: self.active,
            frozen: self.frozen,
            created_at: instant(self.created_at)?,
            checked_at: instant(self.checked_at)?,
            credential_version: number(self.credential_version)?,
            removed_at: maybe_instant(self.removed_at)?,
        })
    }
}

/// What is known of the credential of a connection without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialFacts {
    /// Whether it is a pair or a token.
    pub kind: CredentialKind,
    /// Since when the connection has it. That it was sealed anew changes nothing about that.
    pub since: Timestamp,
    /// What was granted with a token, as Alpaca writes scopes.
    pub scopes: Option<String>,
}

pub(crate) const NO_CONNECTION: StoreError = StoreError::NotFound { what: "connection" };

impl Store {
    /// Keeps a new connection, its first credential and the record of both, all or nothing, and returns it as it was kept:
    /// it is active when the user has no other active one, whatever `connection.active` says.
    ///
    /// # Errors
    /// [`StoreError::AlreadyConnected`] when the account is connected in this environment, [`StoreError::ConnectedElsewhere`] when another
    /// team has it; [`StoreError::NameTaken`].
    pub async fn add_connection(
        &self,
        connection: &Connection,
        credential: &SealedCredential,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<Connection, StoreError> {
        self.add_attested_connection(connection, credential, None, actor, at).await
    }

    /// The same, with what was signed for it.
    ///
    /// # Errors
    /// Those of [`Store::add_connection`].
    pub async fn add_attested_connection(
        &self,
        connection: &Connection,
        credential: &SealedCredential,
        attestation: Option<&Attestation>,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<Connection, StoreError> {
        let mut tx = self.begin_write().await?;
        let others = all_not_removed(&mut tx).await?;
        let same_account = |other: &&Connection| {
            other.account_id == connection.account_id && other.environment == connection.environment
        };
        if let Some(other) = others.iter().find(same_account) {
            // What another team has, and how it calls it, is its own.
            if other.user != connection.user {
                return Err(StoreError::ConnectedElsewhere);
            }
            return Err(StoreError::AlreadyConnected { connection: other.id, name: other.name.clone() });
        }
        let mut of_user = others.iter().filter(|other| other.user == connection.user);
        if of_user.clone().any(|other| other.name == connection.name) {
            return Err(StoreError::NameTaken { name: connection.name.clone() });
        }
        let active = !of_user.any(|other| other.active);
        let kept = Connection { active, credential_version: credential.version, ..connection.clone() };
        insert(&mut tx, &kept).await?;
        credentials::insert(&mut tx, credential).await?;
        let event = AuditEvent::ConnectionAdded {
            connection: kept.id,
            name: kept.name.clone(),
            environment: kept.environment,
            account_number: kept.account_number.clone(),
            version: credential.version,
            sealed_digest: credential.digest(),
        };
        audit::append(&mut tx, actor, &event, at).await?;
        if let Some(attestation) = attestation {
            attestations::keep(&mut tx, kept.id, attestation, actor, at).await?;
        }
        tx.commit().await?;
        Ok(kept)
    }

    /// The connections of a user that were not removed, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn connections(&self, user: UserId) -> Result<Vec<Connection>, StoreError> {
        let mut all = all_not_removed(&mut self.begin_read().await?).await?;
        all.retain(|connection| connection.user == user);
        Ok(all)
    }

    /// The connections of a user that were removed, those that were removed last first. Their history stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn removed_connections(&self, user: UserId) -> Result<Vec<Connection>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all Columns:
            "SELECT id, user_id, name, environment, account_id, account_number, status, active, frozen, created_at,
                    checked_at, credential_version, removed_at
             FROM connections WHERE user_id = $1 AND removed_at IS NOT NULL ORDER BY removed_at DESC, id DESC",
            user.to_string())?;
        rows.into_iter().map(Columns::connection).collect()
    }

    /// The connection, removed or not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn connection(&self, id: ConnectionId) -> Result<Option<Connection>, StoreError> {
        find(&mut self.begin_read().await?, id).await
    }

    /// The user's connection of that name that was not removed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn connection_named(&self, user: UserId, name: &str) -> Result<Option<Connection>, StoreError> {
        Ok(self.connections(user).await?.into_iter().find(|connection| connection.name == name))
    }

    /// What credential each of a user's connections has, or had until it was removed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn credential_facts(
        &self,
        user: UserId,
    ) -> Result<BTreeMap<ConnectionId, CredentialFacts>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all (String, String, Option<String>, i64):
            "SELECT connections.id, newest.kind, newest.oauth_scopes, MIN(of_secret.created_at) FROM connections
             JOIN credentials AS newest
               ON newest.connection_id = connections.id AND newest.version = connections.credential_version
             JOIN credentials AS of_secret
               ON of_secret.connection_id = connections.id AND of_secret.kind = newest.kind
              AND of_secret.key_id_fingerprint = newest.key_id_fingerprint
              AND (newest.kind = 'key_pair' OR of_secret.secret_fingerprint = newest.secret_fingerprint)
             WHERE connections.user_id = $1
             GROUP BY connections.id, newest.kind, newest.oauth_scopes", user.to_string())?;
        let facts = |(id, kind, scopes, since): (String, String, Option<String>, i64)| {
            let kind = parse(&kind, "credential")?;
            Ok((parse(&id, "connection")?, CredentialFacts { kind, since: instant(since)?, scopes }))
        };
        rows.into_iter().map(facts).collect()
    }

    /// Gives a connection another name. Its present name again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`] by another connection of the same user; [`StoreError::NotFound`] when there is none, or it was
    /// removed.
    pub async fn rename_connection(
        &self,
        id: ConnectionId,
        name: &str,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let connection = not_removed(&mut tx, id).await?.ok_or(NO_CONNECTION)?;
        if connection.name == name {
            return Ok(());
        }
        let others = all_not_removed(&mut tx).await?;
        if others.iter().any(|other| other.user == connection.user && other.name == name) {
            return Err(StoreError::NameTaken { name: name.to_owned() });
        }
        sql!(tx, execute "UPDATE connections SET name = $1 WHERE id = $2", name, id.to_string())?;
        let event =
            AuditEvent::ConnectionRenamed { connection: id, old: connection.name, new: name.to_owned() };
        audit::append(&mut tx, actor, &event, at).await?;
        tx.commit().await
    }

    /// Makes the connection its user's active one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none, or it was removed.
    pub async fn activate_connection(
        &self,
        id: ConnectionId,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let connection = not_removed(&mut tx, id).await?.ok_or(NO_CONNECTION)?;
        if connection.active {
            return Ok(());
        }
        sql!(tx, execute "UPDATE connections SET active = FALSE WHERE user_id = $1 AND active",
            connection.user.to_string())?;
        sql!(tx, execute "UPDATE connections SET active = TRUE WHERE id = $1", id.to_string())?;
        audit::append(&mut tx, actor, &AuditEvent::ConnectionActivated { connection: id }, at).await?;
        tx.commit().await
    }

    /// Removes the connection: revokes its access keys and erases its sealed credential. Its history stays, and no other
    /// connection becomes active.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none, or it was removed.
    pub async fn remove_connection(
        &self,
        id: ConnectionId,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        not_removed(&mut tx, id).await?.ok_or(NO_CONNECTION)?;
        let keys = sql!(tx, fetch_all (String,):
            "SELECT id FROM access_keys WHERE connection_id = $1 AND revoked_at IS NULL ORDER BY created_at, id",
            id.to_string())?;
        for (key,) in keys {
            let key: AccessKeyId = parse(&key, "access key")?;
            access_keys::revoke(&mut tx, key, actor, at).await?;
        }
        credentials::erase(&mut tx, id).await?;
        rotations::forget(&mut tx, id, at).await?;
        connection_faults::forget(&mut tx, id).await?;
        sql!(tx, execute "UPDATE connections SET removed_at = $1, active = FALSE WHERE id = $2",
            micros(at), id.to_string())?;
        audit::append(&mut tx, actor, &AuditEvent::ConnectionRemoved { connection: id }, at).await?;
        tx.commit().await
    }

    /// Notes what the account's status was when it was just seen.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such connection, or it was removed.
    pub async fn mark_checked(
        &self,
        id: ConnectionId,
        status: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let found = sql!(tx, execute
            "UPDATE connections SET status = $1, checked_at = $2 WHERE id = $3 AND removed_at IS NULL",
            status, micros(at), id.to_string())?;
        if found == 0 {
            return Err(NO_CONNECTION);
        }
        tx.commit().await
    }
}

pub(crate) async fn all_not_removed(tx: &mut Tx) -> Result<Vec<Connection>, StoreError> {
    let rows = sql!(tx, fetch_all Columns:
        "SELECT id, user_id, name, environment, account_id, account_number, status, active, frozen, created_at,
                checked_at, credential_version, removed_at
         FROM connections WHERE removed_at IS NULL ORDER BY created_at, id")?;
    rows.into_iter().map(Columns::connection).collect()
}

async fn find(tx: &mut Tx, id: ConnectionId) -> Result<Option<Connection>, StoreError> {
    let row = sql!(tx, fetch_optional Columns:
        "SELECT id, user_id, name, environment, account_id, account_number, status, active, frozen, created_at,
                checked_at, credential_version, removed_at
         FROM connections WHERE id = $1", id.to_string())?;
    row.map(Columns::connection).transpose()
}

pub(crate) async fn not_removed(tx: &mut Tx, id: ConnectionId) -> Result<Option<Connection>, StoreError> {
    Ok(find(tx, id).await?.filter(|connection| connection.removed_at.is_none()))
}

async fn insert(tx: &mut Tx, connection: &Connection) -> Result<(), StoreError> {
    sql!(tx, execute
        "INSERT INTO connections (id, user_id, name, environment, account_id, account_number, status, active, frozen,
                                  created_at, checked_at, credential_version, removed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        connection.id.to_string(), connection.user.to_string(), connection.name.as_str(),
        connection.environment.as_str(), connection.account_id.as_str(), connection.account_number.as_str(),
        connection.status.as_str(), connection.active, connection.frozen, micros(connection.created_at),
        micros(connection.checked_at), i64::from(connection.credential_version), connection.removed_at.map(micros))?;
    Ok(())
}
