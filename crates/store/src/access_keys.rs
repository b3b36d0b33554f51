//! Access keys, by their hash.

use std::fmt;

use jiff::Timestamp;
use paddock_core::Scope;
use paddock_core::audit::{Actor, ApprovalEnd, AuditEvent};
use paddock_core::id::{AccessKeyId, ConnectionId, UserId};

use crate::approvals::{self, Stopped};
use crate::codec::{hash, instant, maybe_instant, micros, parse};
use crate::connections::{self, NO_CONNECTION};
use crate::db::{Tx, row, sql};
use crate::signing_keys::{self, SealedSigningKey};
use crate::{Store, StoreError, audit};

/// A pair that Paddock issued. Its secret is known to its holder only.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// The row's identifier.
    pub id: AccessKeyId,
    /// The connection that it opens.
    pub connection: ConnectionId,
    /// The name that its owner gave it, unique among the owner's access keys that were not revoked.
    pub name: String,
    /// What programs send as Key ID.
    pub key_id: String,
    /// SHA-256 of what programs send as Secret Key.
    pub secret_hash: [u8; 32],
    /// What it may do.
    pub scope: Scope,
    /// Whether it is frozen: only cancels pass.
    pub frozen: bool,
    /// When it was revoked for good, if it was.
    pub revoked_at: Option<Timestamp>,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it was last used; kept up in batches, so it may lag.
    pub last_used_at: Option<Timestamp>,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey")
            .field("id", &self.id)
            .field("connection", &self.connection)
            .field("name", &self.name)
            .field("key_id", &self.key_id)
            .field("frozen", &self.frozen)
            .field("revoked_at", &self.revoked_at)
            .finish_non_exhaustive()
    }
}

row! {
    struct Columns {
        id: String,
        connection_id: String,
        name: String,
        key_id: String,
        secret_hash: Vec<u8>,
        scope: String,
        frozen: bool,
        revoked_at: Option<i64>,
        created_at: i64,
        last_used_at: Option<i64>,
    }
}

impl Columns {
    fn key(self) -> Result<AccessKey, StoreError> {
        Ok(AccessKey {
            id: parse(&self.id, "access key")?,
            connection: parse(&self.connection_id, "access key")?,
            name: self.name,
            key_id: self.key_id,
            secret_hash: hash(self.secret_hash)?,
            scope: serde_json::from_str(&self.scope).map_err(|_| StoreError::Malformed { what: "scope" })?,
            frozen: self.frozen,
            revoked_at: maybe_instant(self.revoked_at)?,
            created_at: instant(self.created_at)?,
            last_used_at: maybe_instant(self.last_used_at)?,
        })
    }
}

pub(crate) const NO_KEY: StoreError = StoreError::NotFound { what: "access key" };

impl Store {
    /// Keeps a new access key and the record of it.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`]; [`StoreError::NotFound`] when the connection was removed; [`StoreError::NoSigningKey`] when its
    /// requests are to be signed: [`Store::insert_signed_key`] keeps such a key.
    pub async fn insert_key(&self, key: &AccessKey, actor: &Actor, at: Timestamp) -> Result<(), StoreError> {
        if key.scope.signed.is_some() {
            return Err(StoreError::NoSigningKey);
        }
        let mut tx = self.begin_write().await?;
        insert(&mut tx, key, actor, at).await?;
        tx.commit().await
    }

    /// Keeps a new access key whose requests are signed, its sealed signing key, and the record of it.
    ///
    /// # Errors
    /// Those of [`Store::insert_key`]; [`StoreError::NotFound`] when the data-encryption key is out of use meanwhile.
    pub async fn insert_signed_key(
        &self,
        key: &AccessKey,
        signing: &SealedSigningKey,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        insert(&mut tx, key, actor, at).await?;
        signing_keys::insert(&mut tx, signing).await?;
        tx.commit().await
    }

    /// The access keys of a team, oldest first, the revoked ones included.
    ///
    /// # Errors
    /// When the database fails or a scope cannot be read.
    pub async fn keys(&self, user: UserId) -> Result<Vec<AccessKey>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all Columns:
            "SELECT id, connection_id, name, key_id, secret_hash, scope, frozen, revoked_at, created_at, last_used_at
             FROM access_keys WHERE user_id = $1 ORDER BY created_at, id", user.to_string())?;
        rows.into_iter().map(Columns::key).collect()
    }

    /// The access key, revoked or not.
    ///
    /// # Errors
    /// When the database fails or its scope cannot be read.
    pub async fn key(&self, id: AccessKeyId) -> Result<Option<AccessKey>, StoreError> {
        find(&mut self.begin_read().await?, id).await
    }

    /// The team's access key of that name that was not revoked.
    ///
    /// # Errors
    /// When the database fails or its scope cannot be read.
    pub async fn key_named(&self, user: UserId, name: &str) -> Result<Option<AccessKey>, StoreError> {
        let mut tx = self.begin_read().await?;
        let row = sql!(tx, fetch_optional Columns:
            "SELECT id, connection_id, name, key_id, secret_hash, scope, frozen, revoked_at, created_at, last_used_at
             FROM access_keys WHERE user_id = $1 AND name = $2 AND revoked_at IS NULL", user.to_string(), name)?;
        row.map(Columns::key).transpose()
    }

    /// Puts `new` in the place of the scope `old` of an access key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such key, or it was revoked; [`StoreError::ScopeChanged`] when its scope is another than
    /// `old` by now, so that nothing is decided by what was not seen; [`StoreError::NoSigningKey`] when it differs in whether requests
    /// are signed, which is decided when a key is issued.
    pub async fn set_scope(
        &self,
        id: AccessKeyId,
        old: &Scope,
        new: &Scope,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let key = find(&mut tx, id).await?.filter(|key| key.revoked_at.is_none()).ok_or(NO_KEY)?;
        if key.scope != *old {
            return Err(StoreError::ScopeChanged);
        }
        if old == new {
            return Ok(());
        }
        if old.signed != new.signed {
            return Err(StoreError::NoSigningKey);
        }
        let scope = serde_json::to_string(new).map_err(|_| StoreError::Malformed { what: "scope" })?;
        sql!(tx, execute "UPDATE access_keys SET scope = $1 WHERE id = $2", scope.as_str(), id.to_string())?;
        let event =
            AuditEvent::KeyScopeChanged { key: id, old: Box::new(old.clone()), new: Box::new(new.clone()) };
        audit::append(&mut tx, actor, &event, at).await?;
        tx.commit().await
    }

    /// Revokes the access key for good.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none, or it was revoked.
    pub async fn revoke_key(&self, id: AccessKeyId, actor: &Actor, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        revoke(&mut tx, id, actor, at).await?;
        tx.commit().await
    }

    /// Notes when access keys were last used. An instant before the one that is known, or a key that is not known, is passed over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn touch_keys(&self, used: &[(AccessKeyId, Timestamp)]) -> Result<(), StoreError> {
        if used.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin_write().await?;
        for (id, at) in used {
            sql!(tx, execute
                "UPDATE access_keys SET last_used_at = $1 WHERE id = $2 AND (last_used_at IS NULL OR last_used_at < $1)",
                micros(*at), id.to_string())?;
        }
        tx.commit().await
    }
}

async fn insert(tx: &mut Tx, key: &AccessKey, actor: &Actor, at: Timestamp) -> Result<(), StoreError> {
    let scope = serde_json::to_string(&key.scope).map_err(|_| StoreError::Malformed { what: "scope" })?;
    let connection = connections::not_removed(tx, key.connection).await?.ok_or(NO_CONNECTION)?;
    let user = connection.user.to_string();
    let (same_name,) = sql!(tx, fetch_one (i64,):
            "SELECT COUNT(*) FROM access_keys WHERE user_id = $1 AND name = $2 AND revoked_at IS NULL",
            user.as_str(), key.name.as_str())?;
    if same_name > 0 {
        return Err(StoreError::NameTaken { name: key.name.clone() });
    }
    sql!(tx, execute
            "INSERT INTO access_keys (id, user_id, connection_id, name, key_id, secret_hash, scope, frozen, created_at,
                                      revoked_at, last_used_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            key.id.to_string(), user.as_str(), key.connection.to_string(), key.name.as_str(), key.key_id.as_str(),
            key.secret_hash.as_slice(), scope.as_str(), key.frozen, micros(key.created_at), key.revoked_at.map(micros),
            key.last_used_at.map(micros))?;
    let event = AuditEvent::KeyCreated {
        key: key.id,
        name: key.name.clone(),
        connection: key.connection,
        scope: Box::new(key.scope.clone()),
    };
    audit::append(tx, actor, &event, at).await?;
    Ok(())
}

pub(crate) async fn all(tx: &mut Tx) -> Result<Vec<AccessKey>, StoreError> {
    let rows = sql!(tx, fetch_all Columns:
        "SELECT id, connection_id, name, key_id, secret_hash, scope, frozen, revoked_at, created_at, last_used_at
         FROM access_keys ORDER BY created_at, id")?;
    rows.into_iter().map(Columns::key).collect()
}

pub(crate) async fn find(tx: &mut Tx, id: AccessKeyId) -> Result<Option<AccessKey>, StoreError> {
    let row = sql!(tx, fetch_optional Columns:
        "SELECT id, connection_id, name, key_id, secret_hash, scope, frozen, revoked_at, created_at, last_used_at
         FROM access_keys WHERE id = $1", id.to_string())?;
    row.map(Columns::key).transpose()
}

pub(crate) async fn revoke(
    tx: &mut Tx,
    id: AccessKeyId,
    actor: &Actor,
    at: Timestamp,
) -> Result<(), StoreError> {
    let found = sql!(tx, execute "UPDATE access_keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL",
        micros(at), id.to_string())?;
    if found == 0 {
        return Err(NO_KEY);
    }
    signing_keys::erase(tx, id).await?;
    approvals::void(tx, Stopped::Key(id), ApprovalEnd::Revoked, actor, at).await?;
    audit::append(tx, actor, &AuditEvent::KeyRevoked { key: id }, at).await?;
    Ok(())
}
