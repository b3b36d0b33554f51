//! Personal API tokens, by their hash.

use std::fmt;

use ipnet::IpNet;
use jiff::Timestamp;
use paddock_core::Role;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{PersonId, TokenId, UserId};

use crate::codec::{hash, instant, maybe_instant, micros, parse};
use crate::db::{Tx, row, sql};
use crate::{Person, Store, StoreError, audit};

/// With what a program acts for a person at the JSON API. Its secret is known to its holder only.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// The row's identifier.
    pub id: TokenId,
    /// For whom it acts.
    pub person: PersonId,
    /// The name that its owner gave it, unique among the owner's tokens that were not revoked.
    pub name: String,
    /// SHA-256 of what programs send.
    pub secret_hash: [u8; 32],
    /// What it may do at most. The person's own role limits it further.
    pub role: Role,
    /// Whether it may do what otherwise needs a fresh second factor.
    pub may_without_factor: bool,
    /// From where it may be used; anywhere when absent.
    pub networks: Option<Vec<IpNet>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
    /// When it was revoked for good, if it was.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used; kept to the minute.
    pub last_used_at: Option<Timestamp>,
    /// From which address it was last used.
    pub last_used_from: Option<String>,
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiToken")
            .field("id", &self.id)
            .field("person", &self.person)
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

row! {
    struct Columns {
        id: String,
        person_id: String,
        name: String,
        secret_hash: Vec<u8>,
        role: String,
        may_without_factor: bool,
        networks: Option<String>,
        created_at: i64,
        expires_at: i64,
        revoked_at: Option<i64>,
        last_used_at: Option<i64>,
        last_used_from: Option<String>,
    }
}

impl Columns {
    fn token(self) -> Result<ApiToken, StoreError> {
        let networks = self.networks.map(|list| serde_json::from_str(&list)).transpose();
        Ok(ApiToken {
            id: parse(&self.id, "API token")?,
            person: parse(&self.person_id, "API token")?,
            name: self.name,
            secret_hash: hash(self.secret_hash)?,
            role: parse(&self.role, "API token")?,
            may_without_factor: self.may_without_factor,
            networks: networks.map_err(|_| StoreError::Malformed { what: "API token" })?,
            created_at: instant(self.created_at)?,
            expires_at: instant(self.expires_at)?,
            revoked_at: maybe_instant(self.revoked_at)?,
            last_used_at: maybe_instant(self.last_used_at)?,
            last_used_from: self.last_used_from,
        })
    }
}

const NO_TOKEN: StoreError = StoreError::NotFound { what: "API token" };

impl Store {
    /// Keeps a new token and the record of it.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`]; [`StoreError::NotFound`] when the person was removed meanwhile.
    pub async fn insert_token(
        &self,
        token: &ApiToken,
        team: UserId,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let networks = token.networks.as_ref().map(serde_json::to_string).transpose();
        let networks = networks.map_err(|_| StoreError::Malformed { what: "API token" })?;
        let mut tx = self.begin_write().await?;
        let (there,) = sql!(tx, fetch_one (i64,):
            "SELECT COUNT(*) FROM persons WHERE id = $1 AND removed_at IS NULL", token.person.to_string())?;
        if there == 0 {
            return Err(StoreError::NotFound { what: "person" });
        }
        let (taken,) = sql!(tx, fetch_one (i64,):
            "SELECT COUNT(*) FROM api_tokens WHERE person_id = $1 AND name = $2 AND revoked_at IS NULL",
            token.person.to_string(), token.name.as_str())?;
        if taken > 0 {
            return Err(StoreError::NameTaken { name: token.name.clone() });
        }
        sql!(tx, execute
            "INSERT INTO api_tokens (id, person_id, name, secret_hash, role, may_without_factor, networks, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            token.id.to_string(), token.person.to_string(), token.name.as_str(), token.secret_hash.as_slice(),
            token.role.as_str(), token.may_without_factor, networks, micros(token.created_at),
            micros(token.expires_at))?;
        let event = AuditEvent::TokenCreated {
            token: token.id,
            name: token.name.clone(),
            person: token.person,
            team,
            role: token.role,
            may_without_factor: token.may_without_factor,
            expires_at: token.expires_at,
        };
        audit::append(&mut tx, actor, &event, at).await?;
        tx.commit().await
    }

    /// The tokens of a team's people that were not revoked, oldest first, the expired ones included.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tokens(&self, team: UserId) -> Result<Vec<ApiToken>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all Columns:
            "SELECT id, person_id, name, secret_hash, role, may_without_factor, networks, created_at, expires_at, revoked_at,
                    last_used_at, last_used_from
             FROM api_tokens
             WHERE revoked_at IS NULL
               AND person_id IN (SELECT persons.id FROM persons WHERE user_id = $1 AND removed_at IS NULL)
             ORDER BY created_at, id", team.to_string())?;
        rows.into_iter().map(Columns::token).collect()
    }

    /// The token with that hash, unless it was revoked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_by_hash(&self, secret_hash: &[u8; 32]) -> Result<Option<ApiToken>, StoreError> {
        let mut tx = self.begin_read().await?;
        let row = sql!(tx, fetch_optional Columns:
            "SELECT id, person_id, name, secret_hash, role, may_without_factor, networks, created_at, expires_at, revoked_at,
                    last_used_at, last_used_from
             FROM api_tokens WHERE secret_hash = $1 AND revoked_at IS NULL", secret_hash.as_slice())?;
        row.map(Columns::token).transpose()
    }

    /// Notes that a token was used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn touch_token(
        &self,
        token: TokenId,
        from: Option<&str>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        sql!(tx, execute "UPDATE api_tokens SET last_used_at = $1, last_used_from = $2 WHERE id = $3",
            micros(at), from, token.to_string())?;
        tx.commit().await
    }

    /// Revokes a token of somebody in a team for good.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it is none of the team's, or was revoked before.
    pub async fn revoke_token(
        &self,
        token: TokenId,
        team: UserId,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let revoked = sql!(tx, execute
            "UPDATE api_tokens SET revoked_at = $1
             WHERE id = $2 AND revoked_at IS NULL AND person_id IN (SELECT persons.id FROM persons WHERE user_id = $3)",
            micros(at), token.to_string(), team.to_string())?;
        if revoked == 0 {
            return Err(NO_TOKEN);
        }
        audit::append(&mut tx, actor, &AuditEvent::TokenRevoked { token, team }, at).await?;
        tx.commit().await
    }
}

/// Revokes whatever opens something for a person for good, each with its record. How many that was.
pub(crate) async fn revoke_all_of(
    tx: &mut Tx,
    person: &Person,
    actor: &Actor,
    at: Timestamp,
) -> Result<usize, StoreError> {
    let tokens = sql!(tx, fetch_all (String,):
        "SELECT id FROM api_tokens WHERE person_id = $1 AND revoked_at IS NULL AND expires_at > $2
         ORDER BY created_at, id", person.id.to_string(), micros(at))?;
    for (id,) in &tokens {
        sql!(tx, execute "UPDATE api_tokens SET revoked_at = $1 WHERE id = $2", micros(at), id.as_str())?;
        let event = AuditEvent::TokenRevoked { token: parse(id, "API token")?, team: person.team };
        audit::append(tx, actor, &event, at).await?;
    }
    Ok(tokens.len())
}
