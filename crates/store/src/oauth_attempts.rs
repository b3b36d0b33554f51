//! Attempts to connect an account by OAuth: between the moment in which a browser leaves for Alpaca and the one in which it comes back.

use jiff::{SignedDuration, Timestamp};
use paddock_core::id::{ConnectionId, OauthAttemptId, SessionId, UserId};
use paddock_core::{Environment, SecretText};

use crate::attestations::Attestation;
use crate::codec::{instant, maybe_instant, micros, parse};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError};

/// The most attempts that one session can have open. Whoever begins one more gives up the oldest.
const MOST_OF_A_SESSION: usize = 5;

/// An attempt to connect an account by OAuth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthAttempt {
    /// Its identifier, which opens nothing and may stand in an address.
    pub id: OauthAttemptId,
    /// The session that began it, and in which alone it can be ended.
    pub session: SessionId,
    /// Whose connection it will be.
    pub user: UserId,
    /// The environment that was chosen.
    pub environment: Environment,
    /// The connection whose credential is to be replaced; a new connection is made when absent.
    pub connection: Option<ConnectionId>,
    /// The name of the connection.
    pub name: String,
    /// What was signed, for a new live connection.
    pub attestation: Option<Attestation>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// Why nothing came of it, as whoever ended it wrote it down.
    pub problem: Option<String>,
}

impl OauthAttempt {
    /// How long Alpaca may take to send the browser back: as long as its codes are good.
    pub const LIFETIME: SignedDuration = SignedDuration::from_mins(10);
}

/// Why an attempt cannot be ended.
#[derive(Debug, thiserror::Error)]
pub enum UnfitAttempt {
    /// This session has begun no attempt with that state: another one has, or nobody.
    #[error("this browser has begun no such attempt")]
    Unknown,
    /// It was ended before.
    #[error("the attempt was ended before")]
    Used(Box<OauthAttempt>),
    /// It took too long.
    #[error("the attempt took too long")]
    Expired(Box<OauthAttempt>),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

row! {
    struct Columns {
        id: String,
        state_hash: Vec<u8>,
        session_id: String,
        user_id: String,
        environment: String,
        connection_id: Option<String>,
        name: String,
        text: Option<String>,
        text_sha256: Option<String>,
        signed_name: Option<String>,
        created_at: i64,
        expires_at: i64,
        used_at: Option<i64>,
        problem: Option<String>,
    }
}

impl Columns {
    fn attempt(self) -> Result<OauthAttempt, StoreError> {
        let attestation = match (self.text, self.text_sha256, self.signed_name) {
            (Some(text), Some(text_sha256), Some(signed_name)) => {
                Some(Attestation { text, text_sha256, signed_name })
            }
            _ => None,
        };
        Ok(OauthAttempt {
            id: parse(&self.id, "oauth attempt")?,
            session: parse(&self.session_id, "oauth attempt")?,
            user: parse(&self.user_id, "oauth attempt")?,
            environment: parse(&self.environment, "environment")?,
            connection: self.connection_id.map(|id| parse(&id, "connection")).transpose()?,
            name: self.name,
            attestation,
            created_at: instant(self.created_at)?,
            problem: self.problem,
        })
    }
}

impl Store {
    /// Keeps an attempt by the hash of its state until it is ended or has taken too long.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_oauth(&self, attempt: &OauthAttempt, state_hash: &[u8; 32]) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let at = attempt.created_at;
        let expires = at.checked_add(OauthAttempt::LIFETIME).unwrap_or(at);
        // One that has just expired is kept as long again, so that whoever comes back late can be told.
        let forgotten = at.checked_sub(OauthAttempt::LIFETIME).unwrap_or(at);
        sql!(tx, execute "DELETE FROM oauth_attempts WHERE expires_at <= $1", micros(forgotten))?;
        let session = attempt.session.to_string();
        let known = sql!(tx, fetch_all (String,):
            "SELECT id FROM oauth_attempts WHERE session_id = $1 ORDER BY created_at DESC, id DESC", session.as_str())?;
        for (id,) in known.into_iter().skip(MOST_OF_A_SESSION - 1) {
            sql!(tx, execute "DELETE FROM oauth_attempts WHERE id = $1", id)?;
        }
        let signed = attempt.attestation.as_ref();
        sql!(tx, execute
            "INSERT INTO oauth_attempts (id, state_hash, session_id, user_id, environment, connection_id, name, text, text_sha256,
                                         signed_name, created_at, expires_at, used_at, problem)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, NULL, NULL)",
            attempt.id.to_string(), state_hash.as_slice(), session.as_str(), attempt.user.to_string(),
            attempt.environment.as_str(), attempt.connection.map(|id| id.to_string()), attempt.name.as_str(),
            signed.map(|signed| signed.text.as_str()), signed.map(|signed| signed.text_sha256.as_str()),
            signed.map(|signed| signed.signed_name.as_str()), micros(at), micros(expires))?;
        tx.commit().await
    }

    /// Ends the attempt of this session whose state has that hash. It works once, whatever comes of it.
    ///
    /// # Errors
    /// [`UnfitAttempt`].
    pub async fn end_oauth(
        &self,
        session: SessionId,
        state_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<OauthAttempt, UnfitAttempt> {
        let mut tx = self.begin_write().await?;
        let expected = comparable(state_hash);
        // Of this session's own, and compared here: how long that takes says nothing about the states of others.
        let of_session = all_of(&mut tx, session).await?;
        let found = of_session.into_iter().find(|row| comparable(&row.state_hash) == expected);
        let Some(row) = found else { return Err(UnfitAttempt::Unknown) };
        let (used, expires) = (maybe_instant(row.used_at)?, instant(row.expires_at)?);
        let attempt = row.attempt()?;
        if used.is_some() {
            return Err(UnfitAttempt::Used(Box::new(attempt)));
        }
        sql!(tx, execute "UPDATE oauth_attempts SET used_at = $1 WHERE id = $2", micros(now), attempt.id.to_string())?;
        tx.commit().await?;
        if expires <= now {
            return Err(UnfitAttempt::Expired(Box::new(attempt)));
        }
        Ok(attempt)
    }

    /// Writes down why nothing came of an attempt, for the page that is shown next.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_oauth_problem(&self, id: OauthAttemptId, problem: &str) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        sql!(tx, execute "UPDATE oauth_attempts SET problem = $1 WHERE id = $2", problem, id.to_string())?;
        tx.commit().await
    }

    /// An attempt of this session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn oauth_attempt(
        &self,
        session: SessionId,
        id: OauthAttemptId,
    ) -> Result<Option<OauthAttempt>, StoreError> {
        let id = id.to_string();
        let mut of_session = all_of(&mut self.begin_read().await?, session).await?.into_iter();
        of_session.find(|row| row.id == id).map(Columns::attempt).transpose()
    }
}

async fn all_of(tx: &mut Tx, session: SessionId) -> Result<Vec<Columns>, StoreError> {
    sql!(tx, fetch_all Columns:
        "SELECT id, state_hash, session_id, user_id, environment, connection_id, name, text, text_sha256, signed_name,
                created_at, expires_at, used_at, problem
         FROM oauth_attempts WHERE session_id = $1", session.to_string())
}

/// A hash that is compared in constant time.
fn comparable(hash: &[u8]) -> SecretText {
    SecretText::new(hex::encode(hash))
}
