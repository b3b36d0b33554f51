//! Sessions: the browsers in which persons are signed in, by the hash of what their cookie holds.

use jiff::{SignedDuration, Timestamp};
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{PersonId, SessionId};

use crate::codec::{instant, maybe_instant, micros, parse};
use crate::db::{Tx, row, sql};
use crate::persons::{self, Person};
use crate::{Store, StoreError, audit};

/// A browser in which a person is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its identifier, which opens nothing.
    pub id: SessionId,
    /// Who is signed in.
    pub person: PersonId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last seen, about a minute coarse.
    pub last_seen_at: Timestamp,
    /// When it ends, however much it is used.
    pub expires_at: Timestamp,
    /// The network address from which it was last seen.
    pub network: String,
    /// What the browser called itself when the session began, cut to a readable length.
    pub user_agent: String,
    /// When the person last proved a second factor in it.
    pub factor_at: Option<Timestamp>,
}

impl Session {
    /// How long a session lasts, however much it is used.
    pub const LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

    /// How long a session lasts without being used.
    pub const IDLE: SignedDuration = SignedDuration::from_hours(12);

    /// Whether it is over at that instant.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.expires_at || now.duration_since(self.last_seen_at) >= Self::IDLE
    }
}

row! {
    struct Columns {
        id: String,
        person_id: String,
        created_at: i64,
        last_seen_at: i64,
        expires_at: i64,
        network: String,
        user_agent: String,
        factor_at: Option<i64>,
    }
}

impl Columns {
    fn session(self) -> Result<Session, StoreError> {
        Ok(Session {
            id: parse(&self.id, "session")?,
            person: parse(&self.person_id, "session")?,
            created_at: instant(self.created_at)?,
            last_seen_at: instant(self.last_seen_at)?,
            expires_at: instant(self.expires_at)?,
            network: self.network,
            user_agent: self.user_agent,
            factor_at: maybe_instant(self.factor_at)?,
        })
    }
}

impl Store {
    /// Keeps a new session by the hash of its token, ends the one that the browser had before, and records that the person signed in.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the person was removed meanwhile.
    pub async fn begin_session(
        &self,
        session: &Session,
        token_hash: &[u8; 32],
        replaces: Option<&[u8; 32]>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let (person, _) = persons::find(&mut tx, session.person).await?.ok_or(persons::NO_PERSON)?;
        if let Some(old) = replaces {
            sql!(tx, execute "DELETE FROM sessions WHERE token_hash = $1", old.as_slice())?;
        }
        let at = session.created_at;
        let idle = at.checked_sub(Session::IDLE).unwrap_or(Timestamp::MIN);
        sql!(tx, execute "DELETE FROM sessions WHERE expires_at <= $1 OR last_seen_at <= $2", micros(at), micros(idle))?;
        sql!(tx, execute
            "INSERT INTO sessions (id, token_hash, person_id, created_at, last_seen_at, expires_at, network, user_agent, factor_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            session.id.to_string(), token_hash.as_slice(), session.person.to_string(), micros(session.created_at),
            micros(session.last_seen_at), micros(session.expires_at), session.network.as_str(),
            session.user_agent.as_str(), session.factor_at.map(micros))?;
        let actor = Actor::Person { id: person.id, name: person.name };
        audit::append(&mut tx, &actor, &AuditEvent::SignedIn { network: session.network.clone() }, at)
            .await?;
        tx.commit().await
    }

    /// The session whose token has that hash, and who is signed in in it. Nothing when it is over, or the person was removed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session(
        &self,
        token_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<(Session, Person)>, StoreError> {
        let mut tx = self.begin_read().await?;
        let row = sql!(tx, fetch_optional Columns:
            "SELECT id, person_id, created_at, last_seen_at, expires_at, network, user_agent, factor_at
             FROM sessions WHERE token_hash = $1", token_hash.as_slice())?;
        let Some(session) = row.map(Columns::session).transpose()?.filter(|session| !session.is_over(now))
        else {
            return Ok(None);
        };
        let person = persons::find(&mut tx, session.person).await?;
        Ok(person.map(|(person, _)| (session, person)))
    }

    /// The sessions of a person that are not over, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions(&self, person: PersonId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all Columns:
            "SELECT id, person_id, created_at, last_seen_at, expires_at, network, user_agent, factor_at
             FROM sessions WHERE person_id = $1 ORDER BY created_at DESC, id DESC", person.to_string())?;
        let sessions: Result<Vec<Session>, StoreError> = rows.into_iter().map(Columns::session).collect();
        Ok(sessions?.into_iter().filter(|session| !session.is_over(now)).collect())
    }

    /// Notes that a session is used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn touch_session(&self, id: SessionId, network: &str, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        sql!(tx, execute
            "UPDATE sessions SET last_seen_at = $1, network = $2 WHERE id = $3 AND last_seen_at < $1",
            micros(at), network, id.to_string())?;
        tx.commit().await
    }

    /// Notes that the person has just proved a second factor in a session.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the session has ended.
    pub async fn set_session_factor(&self, id: SessionId, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let found =
            sql!(tx, execute "UPDATE sessions SET factor_at = $1 WHERE id = $2", micros(at), id.to_string())?;
        if found == 0 {
            return Err(StoreError::NotFound { what: "session" });
        }
        tx.commit().await
    }

    /// Ends one session of a person.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the person has no such session.
    pub async fn end_session(
        &self,
        person: PersonId,
        id: SessionId,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let found = sql!(tx, execute "DELETE FROM sessions WHERE id = $1 AND person_id = $2",
            id.to_string(), person.to_string())?;
        if found == 0 {
            return Err(StoreError::NotFound { what: "session" });
        }
        audit::append(&mut tx, actor, &AuditEvent::SignedOut { sessions: 1 }, at).await?;
        tx.commit().await
    }

    /// Ends all sessions of a person but `keep`. Gives how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_sessions(
        &self,
        person: PersonId,
        keep: Option<SessionId>,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<u32, StoreError> {
        let mut tx = self.begin_write().await?;
        let sessions = end_all_of(&mut tx, person, keep).await?;
        if sessions > 0 {
            audit::append(&mut tx, actor, &AuditEvent::SignedOut { sessions }, at).await?;
            tx.commit().await?;
        }
        Ok(sessions)
    }
}

pub(crate) async fn end_all_of(
    tx: &mut Tx,
    person: PersonId,
    keep: Option<SessionId>,
) -> Result<u32, StoreError> {
    let keep = keep.map(|keep| keep.to_string()).unwrap_or_default();
    let ended = sql!(tx, execute "DELETE FROM sessions WHERE person_id = $1 AND id <> $2",
        person.to_string(), keep.as_str())?;
    Ok(u32::try_from(ended).unwrap_or(u32::MAX))
}
