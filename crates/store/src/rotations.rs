//! Rotations of key pairs: one row for the state, one for each transition. A transition, its audit record and what becomes of the pairs
//! are one transaction.

use jiff::Timestamp;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{ConnectionId, ConsumerId, RotationId, UserId};
use paddock_core::rotation::{Rotation, RotationState};

use crate::codec::{bigint, instant, micros, number, parse};
use crate::connections::{self, NO_CONNECTION};
use crate::credentials::SealedCredential;
use crate::db::{Tx, TxOn, row, sql};
use crate::rotation_pairs::{self, PairOf, SealedPair};
use crate::{Store, StoreError, audit, consumers, credentials};

/// A rotation as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationRow {
    /// Its state.
    pub rotation: Rotation,
    /// How many transitions it has had, from 1 when it was opened.
    pub version: u64,
}

/// One transition of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationEvent {
    /// The rotation's version from then on.
    pub version: u64,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What happened, by name.
    pub step: String,
    /// Where the rotation was.
    pub before: RotationState,
    /// Where it was from then on.
    pub after: RotationState,
    /// The consumer that it was about.
    pub consumer: Option<ConsumerId>,
    /// What there is to say about it.
    pub detail: Option<String>,
}

/// A transition that is to be kept.
#[derive(Debug)]
pub struct Transition<'a> {
    /// The rotation as it was seen.
    pub before: &'a RotationRow,
    /// As it is from now on.
    pub after: &'a Rotation,
    /// What happened, by name.
    pub step: &'a str,
    /// The consumer that it is about.
    pub consumer: Option<ConsumerId>,
    /// What there is to say about it. No secret.
    pub detail: Option<String>,
    /// What becomes of the pairs.
    pub pairs: PairChange<'a>,
    /// Who did it.
    pub actor: &'a Actor,
    /// The process that runs the rotation and must still have it; none for a person's word.
    pub node: Option<&'a str>,
    /// When.
    pub at: Timestamp,
}

/// What becomes of a rotation's pairs in a transition. When it ends the rotation, all of them are erased.
#[derive(Debug)]
pub enum PairChange<'a> {
    /// Nothing.
    Keep,
    /// One was pasted.
    Pasted(&'a SealedPair),
    /// The pasted one becomes the connection's credential, and the one before is kept until Alpaca refuses it.
    Commit {
        /// The new credential.
        credential: &'a SealedCredential,
        /// The pair that it replaces.
        retiring: &'a SealedPair,
    },
}

row! {
    struct Columns { version: i64, body: String }
}

impl Columns {
    fn rotation(self) -> Result<RotationRow, StoreError> {
        let rotation =
            serde_json::from_str(&self.body).map_err(|_| StoreError::Malformed { what: "rotation" })?;
        Ok(RotationRow { rotation, version: number(self.version)? })
    }
}

row! {
    struct EventColumns {
        version: i64,
        at: i64,
        actor: String,
        step: String,
        state_before: String,
        state_after: String,
        consumer_id: Option<String>,
        detail: Option<String>,
    }
}

impl EventColumns {
    fn event(self) -> Result<RotationEvent, StoreError> {
        Ok(RotationEvent {
            version: number(self.version)?,
            at: instant(self.at)?,
            actor: serde_json::from_str(&self.actor).map_err(|_| StoreError::Malformed { what: "actor" })?,
            step: self.step,
            before: word(&self.state_before)?,
            after: word(&self.state_after)?,
            consumer: self.consumer_id.as_deref().map(|id| parse(id, "consumer")).transpose()?,
            detail: self.detail,
        })
    }
}

fn word(text: &str) -> Result<RotationState, StoreError> {
    text.parse().map_err(|_| StoreError::Malformed { what: "rotation" })
}

impl Store {
    /// Keeps a new rotation, with the audit record. `pair` is the pair that a rehearsal takes for the present one.
    ///
    /// # Errors
    /// [`StoreError::RotationIsOpen`] when the connection has one that is not over; [`StoreError::NotFound`] when it was removed.
    pub async fn open_rotation(
        &self,
        rotation: &Rotation,
        pair: Option<&SealedPair>,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<RotationRow, StoreError> {
        let mut tx = self.begin_write().await?;
        connections::not_removed(&mut tx, rotation.connection).await?.ok_or(NO_CONNECTION)?;
        let (open,) = sql!(tx, fetch_one (i64,):
            "SELECT COUNT(*) FROM rotations WHERE connection_id = $1 AND rehearsal = $2 AND open = $3",
            rotation.connection.to_string(), rotation.rehearsal, true)?;
        if open > 0 {
            return Err(StoreError::RotationIsOpen);
        }
        sql!(tx, execute
            "INSERT INTO rotations (id, user_id, connection_id, version, state, rehearsal, open, holds_trading, body, created_at,
                                    updated_at)
             VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $9, $9)",
            rotation.id.to_string(), rotation.team.to_string(), rotation.connection.to_string(),
            rotation.state.as_str(), rotation.rehearsal, !rotation.is_over(), holds(rotation), body(rotation)?,
            micros(at))?;
        if let Some(pair) = pair {
            rotation_pairs::put(&mut tx, pair).await?;
        }
        let event = AuditEvent::RotationOpened {
            rotation: rotation.id,
            connection: rotation.connection,
            cause: rotation.cause,
            state: rotation.state,
            rehearsal: rotation.rehearsal,
            ticket: rotation.plan.ticket.clone(),
        };
        note(
            &mut tx,
            rotation.id,
            1,
            &RotationEvent {
                version: 1,
                at,
                actor: actor.clone(),
                step: "opened".to_owned(),
                before: rotation.state,
                after: rotation.state,
                consumer: None,
                detail: Some(rotation.cause.to_string()),
            },
        )
        .await?;
        audit::append(&mut tx, actor, &event, at).await?;
        tx.commit().await?;
        Ok(RotationRow { rotation: rotation.clone(), version: 1 })
    }

    /// A rotation.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotation(&self, id: RotationId) -> Result<Option<RotationRow>, StoreError> {
        find(&mut self.begin_read().await?, id).await
    }

    /// A team's newest rotations, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotations(&self, user: UserId, limit: u32) -> Result<Vec<RotationRow>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all Columns:
            "SELECT version, body FROM rotations WHERE user_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2",
            user.to_string(), i64::from(limit))?;
        rows.into_iter().map(Columns::rotation).collect()
    }

    /// All rotations that are not over, of all teams, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_rotations(&self) -> Result<Vec<RotationRow>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all Columns:
            "SELECT version, body FROM rotations WHERE open = $1 ORDER BY created_at, id", true)?;
        rows.into_iter().map(Columns::rotation).collect()
    }

    /// The transitions of a rotation, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotation_events(&self, id: RotationId) -> Result<Vec<RotationEvent>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all EventColumns:
            "SELECT version, at, actor, step, state_before, state_after, consumer_id, detail FROM rotation_events
             WHERE rotation_id = $1 ORDER BY version", id.to_string())?;
        rows.into_iter().map(EventColumns::event).collect()
    }

    /// Takes a rotation for a process until an instant, or keeps it, and gives it as it is. Nothing when it is over or another process has
    /// it. SQLite has one process only, so that whoever asks last is the one that is alive.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_rotation(
        &self,
        id: RotationId,
        node: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<RotationRow>, StoreError> {
        let mut tx = self.begin_write().await?;
        let alone = self.is_alone();
        let claimed = sql!(tx, execute
            "UPDATE rotations SET lease_node = $1, lease_until = $2
             WHERE id = $3 AND open = $4
               AND ($5 OR lease_node IS NULL OR lease_node = $1 OR lease_until IS NULL OR lease_until < $6)",
            node, micros(until), id.to_string(), true, alone, micros(now))?;
        if claimed == 0 {
            return Ok(None);
        }
        let row = find(&mut tx, id).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Lets go of a rotation, so that another process need not wait for the lease to lapse. Nothing happens if `node` has it no more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn let_go_of_rotation(&self, id: RotationId, node: &str) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        sql!(tx, execute
            "UPDATE rotations SET lease_node = NULL, lease_until = NULL WHERE id = $1 AND lease_node = $2",
            id.to_string(), node)?;
        tx.commit().await
    }

    /// Keeps a transition: the state, its row, what becomes of the pairs, and the audit records, all or nothing.
    ///
    /// # Errors
    /// [`StoreError::RotationMoved`] when the rotation is another by now than was seen, or `node` has it no more; what
    /// [`Store::replace_credential`] says of a credential.
    pub async fn step_rotation(&self, transition: &Transition<'_>) -> Result<RotationRow, StoreError> {
        let (before, after) = (&transition.before.rotation, transition.after);
        let (seen, version) = (transition.before.version, transition.before.version + 1);
        let mut tx = self.begin_write().await?;
        let changed = sql!(tx, execute
            "UPDATE rotations SET version = $1, state = $2, open = $3, holds_trading = $4, body = $5, updated_at = $6
             WHERE id = $7 AND version = $8 AND open = $9 AND ($10 OR lease_node = $11)",
            bigint(version), after.state.as_str(), !after.is_over(), holds(after), body(after)?, micros(transition.at),
            before.id.to_string(), bigint(seen), true, transition.node.is_none(), transition.node.unwrap_or_default())?;
        if changed == 0 {
            return Err(StoreError::RotationMoved);
        }
        change_pairs(&mut tx, transition).await?;
        note(
            &mut tx,
            after.id,
            version,
            &RotationEvent {
                version,
                at: transition.at,
                actor: transition.actor.clone(),
                step: transition.step.to_owned(),
                before: before.state,
                after: after.state,
                consumer: transition.consumer,
                detail: transition.detail.clone(),
            },
        )
        .await?;
        let event = AuditEvent::RotationStepped {
            rotation: after.id,
            connection: after.connection,
            version,
            step: transition.step.to_owned(),
            state: after.state,
            consumer: transition.consumer,
            detail: transition.detail.clone(),
        };
        audit::append(&mut tx, transition.actor, &event, transition.at).await?;
        if after.state == RotationState::Closed {
            let event = AuditEvent::RotationCompleted {
                rotation: after.id,
                connection: after.connection,
                method: after.cause,
                credential_version: after.committed_version,
                rehearsal: after.rehearsal,
            };
            audit::append(&mut tx, transition.actor, &event, transition.at).await?;
        }
        tx.commit().await?;
        Ok(RotationRow { rotation: after.clone(), version })
    }
}

/// A rehearsal plays with trading and holds nothing back.
fn holds(rotation: &Rotation) -> bool {
    rotation.trading.holds() && !rotation.rehearsal
}

fn body(rotation: &Rotation) -> Result<String, StoreError> {
    serde_json::to_string(rotation).map_err(|_| StoreError::Failed { code: "rotation".to_owned() })
}

async fn change_pairs(tx: &mut Tx, transition: &Transition<'_>) -> Result<(), StoreError> {
    let after = transition.after;
    match &transition.pairs {
        PairChange::Keep => {}
        PairChange::Pasted(pair) => rotation_pairs::put(tx, pair).await?,
        PairChange::Commit { credential, retiring } => {
            let event = AuditEvent::CredentialReplaced {
                connection: after.connection,
                version: credential.version,
                sealed_digest: credential.digest(),
            };
            credentials::replace(tx, after.connection, credential, &event, transition.actor, transition.at)
                .await?;
            rotation_pairs::erase(tx, after.id, PairOf::Candidate).await?;
            rotation_pairs::put(tx, retiring).await?;
        }
    }
    if after.is_over() {
        rotation_pairs::erase(tx, after.id, PairOf::Candidate).await?;
        rotation_pairs::erase(tx, after.id, PairOf::Retiring).await?;
    }
    Ok(())
}

async fn note(tx: &mut Tx, id: RotationId, version: u64, event: &RotationEvent) -> Result<(), StoreError> {
    let actor =
        serde_json::to_string(&event.actor).map_err(|_| StoreError::Failed { code: "actor".to_owned() })?;
    sql!(tx, execute
        "INSERT INTO rotation_events (rotation_id, version, at, actor, step, state_before, state_after, consumer_id, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id.to_string(), bigint(version), micros(event.at), actor, event.step.as_str(), event.before.as_str(),
        event.after.as_str(), event.consumer.map(|id| id.to_string()), event.detail.as_deref())?;
    Ok(())
}

async fn find(tx: &mut Tx, id: RotationId) -> Result<Option<RotationRow>, StoreError> {
    let row = sql!(tx, fetch_optional Columns: "SELECT version, body FROM rotations WHERE id = $1", id.to_string())?;
    row.map(Columns::rotation).transpose()
}

/// Whether a connection has a rotation, and no rehearsal, that was begun and is not over.
pub(crate) async fn is_open(tx: &mut Tx, connection: ConnectionId) -> Result<bool, StoreError> {
    let (open,) = sql!(tx, fetch_one (i64,):
        "SELECT COUNT(*) FROM rotations WHERE connection_id = $1 AND open = $2 AND rehearsal = $3 AND state <> 'planned'",
        connection.to_string(), true, false)?;
    Ok(open > 0)
}

/// The connections whose new orders are held back.
pub(crate) async fn holding(tx: &mut Tx) -> Result<Vec<ConnectionId>, StoreError> {
    let rows = sql!(tx, fetch_all (String,):
        "SELECT connection_id FROM rotations WHERE open = $1 AND holds_trading = $1 ORDER BY connection_id", true)?;
    rows.into_iter().map(|(id,)| parse(&id, "connection")).collect()
}

/// Refuses a new order of a process that has not heard of the hold or of the new pair of another one's rotation. Nothing writes beside this
/// transaction: what is reserved is reserved before the hold, or after its end and with the pair of then. Where no other process can have the
/// database, whoever reserves knows.
pub(crate) async fn has_heard(tx: &mut Tx, connection: ConnectionId, pair: u32) -> Result<(), StoreError> {
    if matches!(tx.on, TxOn::Sqlite(_)) {
        return Ok(());
    }
    let known = tx.passing.iter().find(|(known, _)| *known == connection).map(|(_, version)| *version);
    let passing = match known {
        Some(passing) => passing,
        None => {
            let version = sql!(tx, fetch_optional (i64,):
                "SELECT credential_version FROM connections c WHERE id = $1 AND NOT EXISTS
                     (SELECT 1 FROM rotations r WHERE r.connection_id = c.id AND r.open AND r.holds_trading)",
                connection.to_string())?;
            let passing = version.map(|(version,)| number(version)).transpose()?;
            tx.passing.push((connection, passing));
            passing
        }
    };
    if passing == Some(pair) { Ok(()) } else { Err(StoreError::RotationUnheard) }
}

/// Ends what a removed connection's rotations and consumers have here. Their history stays.
pub(crate) async fn forget(tx: &mut Tx, connection: ConnectionId, at: Timestamp) -> Result<(), StoreError> {
    sql!(tx, execute "UPDATE rotations SET open = $1, holds_trading = $1 WHERE connection_id = $2",
        false, connection.to_string())?;
    rotation_pairs::forget(tx, connection).await?;
    consumers::forget(tx, connection, at).await
}
