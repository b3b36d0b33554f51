//! Freezing and unfreezing an access key, a connection, or everything. Setting what is so already records nothing.

use jiff::Timestamp;
use paddock_core::audit::{Actor, ApprovalEnd, AuditEvent, WindDown};
use paddock_core::decide::{Frozen, Passing};
use paddock_core::id::{AccessKeyId, ConnectionId};

use crate::access_keys::{self, NO_KEY};
use crate::approvals;
use crate::codec::{instant, micros, parse};
use crate::connections::{self, NO_CONNECTION};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError, audit, signs, wind_downs};

/// What a freeze is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// One access key.
    Key(AccessKeyId),
    /// One connection, with all its access keys.
    Connection(ConnectionId),
    /// Everything.
    Everything,
}

impl Subject {
    /// The kind of thing.
    #[must_use]
    pub const fn what(self) -> Frozen {
        match self {
            Self::Key(_) => Frozen::Key,
            Self::Connection(_) => Frozen::Connection,
            Self::Everything => Frozen::Everything,
        }
    }

    /// Its identifier; everything has none.
    #[must_use]
    pub fn id(self) -> Option<String> {
        match self {
            Self::Key(id) => Some(id.to_string()),
            Self::Connection(id) => Some(id.to_string()),
            Self::Everything => None,
        }
    }

    /// The subject of that kind and identifier.
    pub(crate) fn of(what: Frozen, id: Option<&str>) -> Option<Self> {
        match what {
            Frozen::Key => id?.parse().ok().map(Self::Key),
            Frozen::Connection => id?.parse().ok().map(Self::Connection),
            Frozen::Everything => Some(Self::Everything),
        }
    }

    /// How it stands in a row.
    pub(crate) fn text(self) -> String {
        self.id().unwrap_or_else(|| "everything".to_owned())
    }
}

/// A freeze that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freezing {
    /// What is frozen.
    pub subject: Subject,
    /// What passes.
    pub passing: Passing,
    /// Why, for people.
    pub reason: Option<String>,
    /// What Paddock is to do about open orders and positions.
    pub wind_down: Option<WindDown>,
    /// The sign of life that did not come, when this is the dead-man switch's doing. It fires once until it is armed again, and takes
    /// nothing back of a freeze that is there.
    pub tripped_by: Option<String>,
}

impl Freezing {
    /// A freeze that lets cancels pass and does nothing more.
    #[must_use]
    pub fn of(subject: Subject) -> Self {
        Self { subject, passing: Passing::default(), reason: None, wind_down: None, tripped_by: None }
    }
}

/// A freeze that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreezeRow {
    /// What is frozen.
    pub subject: Subject,
    /// What passes.
    pub passing: Passing,
    /// Why, in the words of whoever froze it.
    pub reason: Option<String>,
    /// Who froze it.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
}

row! {
    struct Columns {
        subject: String,
        what: String,
        passes: String,
        reason: Option<String>,
        actor: String,
        at: i64,
    }
}

impl Columns {
    fn freeze(self) -> Result<FreezeRow, StoreError> {
        const MALFORMED: StoreError = StoreError::Malformed { what: "freeze" };
        let what = match self.what.as_str() {
            "key" => Frozen::Key,
            "connection" => Frozen::Connection,
            "everything" => Frozen::Everything,
            _ => return Err(MALFORMED),
        };
        Ok(FreezeRow {
            subject: Subject::of(what, Some(&self.subject)).ok_or(MALFORMED)?,
            passing: self.passes.parse().map_err(|_| MALFORMED)?,
            reason: self.reason,
            actor: serde_json::from_str(&self.actor).map_err(|_| MALFORMED)?,
            at: instant(self.at)?,
        })
    }
}

impl Store {
    /// Freezes something, or changes what passes its freeze, and notes down what there is to do about open orders and positions: all in
    /// one transaction with the record of it. Tells whether anything was changed.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such thing, or not any more.
    pub async fn freeze(
        &self,
        freezing: &Freezing,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let subject = freezing.subject;
        let mut tx = self.begin_write().await?;
        if let Some(sign) = &freezing.tripped_by
            && !signs::disarm(&mut tx, sign).await?
        {
            return Ok(false);
        }
        let marked = is_marked(&mut tx, subject).await?;
        let now = find(&mut tx, subject).await?;
        let passing = match (&now, &freezing.tripped_by) {
            (Some(now), Some(_)) => now.passing.and(freezing.passing),
            _ => freezing.passing,
        };
        let is_so = marked && now.is_some_and(|now| now.passing == passing);
        if is_so && freezing.wind_down.is_none() {
            // What is frozen already needs no record, but that the switch fired is kept.
            if freezing.tripped_by.is_some() {
                tx.commit().await?;
            }
            return Ok(false);
        }
        mark(&mut tx, subject, true).await?;
        let who = serde_json::to_string(actor).map_err(|_| StoreError::Malformed { what: "actor" })?;
        let what = match subject.what() {
            Frozen::Key => "key",
            Frozen::Connection => "connection",
            Frozen::Everything => "everything",
        };
        sql!(tx, execute
            "INSERT INTO freezes (subject, what, passes, reason, actor, at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (subject) DO UPDATE SET passes = excluded.passes, reason = excluded.reason, actor = excluded.actor,
                                                 at = excluded.at",
            subject.text(), what, passing.to_string(), freezing.reason.as_deref(), who.as_str(), micros(at))?;
        let event = AuditEvent::Frozen {
            what: subject.what(),
            id: subject.id(),
            passes: passing,
            reason: freezing.reason.clone(),
            wind_down: freezing.wind_down,
        };
        let record = audit::append(&mut tx, actor, &event, at).await?;
        approvals::void(&mut tx, subject.into(), ApprovalEnd::Frozen, actor, at).await?;
        if let Some(kind) = freezing.wind_down {
            wind_downs::begin(&mut tx, record.seq, subject, kind, who.as_str(), at).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Lifts a freeze, and ends what its wind-down has not done. Others that hold for the same thing stay. That a person does this is
    /// a sign of life.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such thing, or not any more.
    pub async fn unfreeze(&self, subject: Subject, actor: &Actor, at: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        if !is_marked(&mut tx, subject).await? {
            return Ok(false);
        }
        mark(&mut tx, subject, false).await?;
        sql!(tx, execute "DELETE FROM freezes WHERE subject = $1", subject.text())?;
        let event = AuditEvent::Unfrozen { what: subject.what(), id: subject.id() };
        audit::append(&mut tx, actor, &event, at).await?;
        wind_downs::end_all_of(&mut tx, subject, actor, at).await?;
        signs::hear(&mut tx, signs::CHECK_IN, at).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Freezes one access key, so that cancels pass, or unfreezes it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none, or it was revoked.
    pub async fn set_key_frozen(
        &self,
        id: AccessKeyId,
        frozen: bool,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.set_frozen(Subject::Key(id), frozen, actor, at).await
    }

    /// Freezes one connection, so that cancels pass, or unfreezes it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none, or it was removed.
    pub async fn set_connection_frozen(
        &self,
        id: ConnectionId,
        frozen: bool,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.set_frozen(Subject::Connection(id), frozen, actor, at).await
    }

    /// Freezes everything, so that cancels pass, or unfreezes it. Access keys and connections that are frozen themselves stay so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_everything_frozen(
        &self,
        frozen: bool,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.set_frozen(Subject::Everything, frozen, actor, at).await
    }

    async fn set_frozen(
        &self,
        subject: Subject,
        frozen: bool,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        if frozen {
            self.freeze(&Freezing::of(subject), actor, at).await.map(drop)
        } else {
            self.unfreeze(subject, actor, at).await.map(drop)
        }
    }

    /// Whether everything is frozen.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn everything_frozen(&self) -> Result<bool, StoreError> {
        everything(&mut self.begin_read().await?).await
    }

    /// The freezes that hold, the oldest first.
    ///
    /// # Errors
    /// When the database fails or a row cannot be read.
    pub async fn freezes(&self) -> Result<Vec<FreezeRow>, StoreError> {
        all(&mut self.begin_read().await?).await
    }
}

async fn is_marked(tx: &mut Tx, subject: Subject) -> Result<bool, StoreError> {
    match subject {
        Subject::Key(id) => {
            let key = access_keys::find(tx, id).await?.filter(|key| key.revoked_at.is_none());
            Ok(key.ok_or(NO_KEY)?.frozen)
        }
        Subject::Connection(id) => Ok(connections::not_removed(tx, id).await?.ok_or(NO_CONNECTION)?.frozen),
        Subject::Everything => everything(tx).await,
    }
}

async fn mark(tx: &mut Tx, subject: Subject, frozen: bool) -> Result<(), StoreError> {
    match subject {
        Subject::Key(id) => {
            sql!(tx, execute "UPDATE access_keys SET frozen = $1 WHERE id = $2", frozen, id.to_string())?;
        }
        Subject::Connection(id) => {
            sql!(tx, execute "UPDATE connections SET frozen = $1 WHERE id = $2", frozen, id.to_string())?;
        }
        Subject::Everything => {
            sql!(tx, execute "UPDATE everything SET frozen = $1", frozen)?;
        }
    }
    Ok(())
}

pub(crate) async fn everything(tx: &mut Tx) -> Result<bool, StoreError> {
    Ok(sql!(tx, fetch_one (bool,): "SELECT frozen FROM everything")?.0)
}

pub(crate) async fn all(tx: &mut Tx) -> Result<Vec<FreezeRow>, StoreError> {
    let rows = sql!(tx, fetch_all Columns:
        "SELECT subject, what, passes, reason, actor, at FROM freezes ORDER BY at, subject")?;
    rows.into_iter().map(Columns::freeze).collect()
}

async fn find(tx: &mut Tx, subject: Subject) -> Result<Option<FreezeRow>, StoreError> {
    let row = sql!(tx, fetch_optional Columns:
        "SELECT subject, what, passes, reason, actor, at FROM freezes WHERE subject = $1", subject.text())?;
    row.map(Columns::freeze).transpose()
}

/// Reads a subject back from a row that does not say of what kind it is.
pub(crate) fn subject_of_row(subject: &str, access_key: Option<&str>) -> Result<Subject, StoreError> {
    match (subject, access_key) {
        ("everything", _) => Ok(Subject::Everything),
        (_, Some(key)) => Ok(Subject::Key(parse(key, "freeze")?)),
        (connection, None) => Ok(Subject::Connection(parse(connection, "freeze")?)),
    }
}
