//! What freezes have to do about open orders and positions: durable, so that a node that dies leaves it to the next.

use std::collections::BTreeSet;

use jiff::Timestamp;
use paddock_core::audit::{Actor, AuditEvent, WindDown};
use paddock_core::id::{AccessKeyId, ConnectionId, RequestId, UserId};
use paddock_core::words;
use serde::Serialize;

use crate::codec::{bigint, instant, maybe_instant, micros, number, parse};
use crate::connections;
use crate::db::{Tx, row, sql};
use crate::freeze::{Subject, subject_of_row};
use crate::{Store, StoreError, audit};

words! {
    /// How far a wind-down has come.
    Phase {
        /// Open orders are being canceled.
        Cancel = "cancel",
        /// Positions are being closed.
        Close = "close",
        /// It is over.
        Ended = "ended",
    }
}

words! {
    /// What one step does.
    StepAct {
        /// Cancels orders.
        Cancel = "cancel",
        /// Closes a position.
        Close = "close",
    }
}

words! {
    /// What became of one step.
    StepState {
        /// It was recorded, and perhaps sent.
        Sent = "sent",
        /// The broker took it.
        Done = "done",
        /// The broker refused it.
        Failed = "failed",
        /// No answer came.
        Unknown = "unknown",
    }
}

/// What a freeze has to do about one connection's open orders and positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindDownRow {
    /// The position of the freeze's audit record.
    pub freeze: u64,
    /// The connection.
    pub connection: ConnectionId,
    /// What was frozen.
    pub subject: Subject,
    /// The access key whose orders alone are meant, if it is not all of them.
    pub key: Option<AccessKeyId>,
    /// What is to be done.
    pub kind: WindDown,
    /// How far it is.
    pub phase: Phase,
    /// Who wanted it.
    pub actor: Actor,
    /// When.
    pub started_at: Timestamp,
    /// What there is to say about it, one sentence.
    pub note: Option<String>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// One request to the broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The request.
    pub request: RequestId,
    /// What it does.
    pub act: StepAct,
    /// The order's identifier or the position's symbol.
    pub target: String,
    /// What became of it.
    pub state: StepState,
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// What the broker said, or how the close goes on.
    pub detail: Option<String>,
    /// The broker's identifier of the closing order.
    pub order_id: Option<String>,
    /// When it was sent.
    pub at: Timestamp,
}

row! {
    struct Columns {
        freeze_seq: i64,
        connection_id: String,
        subject: String,
        access_key_id: Option<String>,
        kind: String,
        phase: String,
        actor: String,
        started_at: i64,
        note: Option<String>,
        ended_at: Option<i64>,
    }
}

impl Columns {
    fn wind_down(self) -> Result<WindDownRow, StoreError> {
        Ok(WindDownRow {
            freeze: number(self.freeze_seq)?,
            connection: parse(&self.connection_id, "wind-down")?,
            subject: subject_of_row(&self.subject, self.access_key_id.as_deref())?,
            key: self.access_key_id.as_deref().map(|key| parse(key, "wind-down")).transpose()?,
            kind: word(&self.kind)?,
            phase: word(&self.phase)?,
            actor: serde_json::from_str(&self.actor).map_err(|_| StoreError::Malformed { what: "actor" })?,
            started_at: instant(self.started_at)?,
            note: self.note,
            ended_at: maybe_instant(self.ended_at)?,
        })
    }
}

row! {
    struct StepColumns {
        request_id: String,
        act: String,
        target: String,
        state: String,
        status: Option<i64>,
        detail: Option<String>,
        order_id: Option<String>,
        at: i64,
    }
}

impl StepColumns {
    fn step(self) -> Result<Step, StoreError> {
        Ok(Step {
            request: parse(&self.request_id, "wind-down")?,
            act: word(&self.act)?,
            target: self.target,
            state: word(&self.state)?,
            status: self.status.map(number).transpose()?,
            detail: self.detail,
            order_id: self.order_id,
            at: instant(self.at)?,
        })
    }
}

fn word<T: std::str::FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Malformed { what: "wind-down" })
}

impl Store {
    /// The wind-downs that are not over, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_wind_downs(&self) -> Result<Vec<WindDownRow>, StoreError> {
        open(&mut self.begin_read().await?).await
    }

    /// A team's newest wind-downs with their steps, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn wind_downs(
        &self,
        user: UserId,
        limit: u32,
    ) -> Result<Vec<(WindDownRow, Vec<Step>)>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all Columns:
            "SELECT freeze_seq, connection_id, subject, access_key_id, kind, phase, actor, started_at, note, ended_at
             FROM wind_downs WHERE connection_id IN (SELECT id FROM connections WHERE user_id = $1)
             ORDER BY freeze_seq DESC, connection_id LIMIT $2", user.to_string(), i64::from(limit))?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let row = row.wind_down()?;
            let steps = steps(&mut tx, &row).await?;
            found.push((row, steps));
        }
        Ok(found)
    }

    /// The steps of a wind-down, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn wind_down_steps(&self, of: &WindDownRow) -> Result<Vec<Step>, StoreError> {
        steps(&mut self.begin_read().await?, of).await
    }

    /// Takes a wind-down for a node until an instant, or keeps it. Gives its present state; nothing when it is over, or another node has
    /// it. SQLite has one process only, so that whoever asks is the one that is alive.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_wind_down(
        &self,
        of: &WindDownRow,
        node: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<WindDownRow>, StoreError> {
        let mut tx = self.begin_write().await?;
        let alone = self.is_alone();
        let claimed = sql!(tx, execute
            "UPDATE wind_downs SET node = $1, lease_until = $2
             WHERE freeze_seq = $3 AND connection_id = $4 AND phase <> 'ended'
               AND ($5 OR node IS NULL OR node = $1 OR lease_until IS NULL OR lease_until < $6)",
            node, micros(until), bigint(of.freeze), of.connection.to_string(), alone, micros(now))?;
        if claimed == 0 {
            return Ok(None);
        }
        let row = sql!(tx, fetch_one Columns:
            "SELECT freeze_seq, connection_id, subject, access_key_id, kind, phase, actor, started_at, note, ended_at
             FROM wind_downs WHERE freeze_seq = $1 AND connection_id = $2", bigint(of.freeze), of.connection.to_string())?;
        tx.commit().await?;
        row.wind_down().map(Some)
    }

    /// Lets go of all wind-downs that a node has, so that another one need not wait for the leases to lapse.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn let_go_of_wind_downs(&self, node: &str) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        sql!(tx, execute "UPDATE wind_downs SET node = NULL, lease_until = NULL WHERE node = $1", node)?;
        tx.commit().await
    }

    /// Notes how far a wind-down is and what there is to say about it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_wind_down(
        &self,
        of: &WindDownRow,
        phase: Phase,
        note: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        sql!(tx, execute
            "UPDATE wind_downs SET phase = $1, note = $2 WHERE freeze_seq = $3 AND connection_id = $4 AND phase <> 'ended'",
            phase.as_str(), note, bigint(of.freeze), of.connection.to_string())?;
        tx.commit().await
    }

    /// Notes a step that is about to be sent, together with the audit record of it. Both are durable when this returns; when the
    /// wind-down is over, nothing is written and the step must not be sent.
    ///
    /// # Errors
    /// When the database fails. The step must not be sent then.
    pub async fn begin_step(
        &self,
        of: &WindDownRow,
        step: &Step,
        event: &AuditEvent,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin_write().await?;
        let (open,) = sql!(tx, fetch_one (i64,):
            "SELECT COUNT(*) FROM wind_downs WHERE freeze_seq = $1 AND connection_id = $2 AND phase <> 'ended'",
            bigint(of.freeze), of.connection.to_string())?;
        if open == 0 {
            return Ok(false);
        }
        insert(&mut tx, of, step).await?;
        audit::append(&mut tx, &Actor::System, event, step.at).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Notes what became of steps, with the audit record of the answer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn settle_step(&self, step: &Step, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        sql!(tx, execute
            "UPDATE wind_down_steps SET state = $1, status = $2, detail = $3, order_id = $4 WHERE request_id = $5",
            step.state.as_str(), step.status.map(i64::from), step.detail.as_deref(), step.order_id.as_deref(),
            step.request.to_string())?;
        let event = AuditEvent::RequestAnswered {
            request: step.request,
            status: step.status,
            order_id: step.order_id.clone(),
        };
        audit::append(&mut tx, &Actor::System, &event, at).await?;
        tx.commit().await
    }

    /// Notes steps that were no requests of their own: what one request did to each of many orders, or what could not be asked for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_steps(&self, of: &WindDownRow, steps: &[Step]) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        for step in steps {
            insert(&mut tx, of, step).await?;
        }
        tx.commit().await
    }

    /// Notes more of what became of a step, without another record of the answer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn amend_step(&self, step: &Step) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        sql!(tx, execute
            "UPDATE wind_down_steps SET detail = $1, order_id = $2 WHERE request_id = $3",
            step.detail.as_deref(), step.order_id.as_deref(), step.request.to_string())?;
        tx.commit().await
    }

    /// The broker's identifiers of the orders by which wind-downs have closed positions of a connection.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn closing_orders(&self, connection: ConnectionId) -> Result<BTreeSet<String>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all (String,):
            "SELECT order_id FROM wind_down_steps WHERE connection_id = $1 AND act = 'close' AND order_id IS NOT NULL",
            connection.to_string())?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Ends a wind-down, with the record of how.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn end_wind_down(
        &self,
        of: &WindDownRow,
        outcome: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        end(&mut tx, of, outcome, &Actor::System, at).await?;
        tx.commit().await
    }
}

async fn insert(tx: &mut Tx, of: &WindDownRow, step: &Step) -> Result<(), StoreError> {
    sql!(tx, execute
        "INSERT INTO wind_down_steps (request_id, freeze_seq, connection_id, act, target, state, status, detail, order_id, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        step.request.to_string(), bigint(of.freeze), of.connection.to_string(), step.act.as_str(), step.target.as_str(),
        step.state.as_str(), step.status.map(i64::from), step.detail.as_deref(), step.order_id.as_deref(), micros(step.at))?;
    Ok(())
}

async fn open(tx: &mut Tx) -> Result<Vec<WindDownRow>, StoreError> {
    let rows = sql!(tx, fetch_all Columns:
        "SELECT freeze_seq, connection_id, subject, access_key_id, kind, phase, actor, started_at, note, ended_at
         FROM wind_downs WHERE phase <> 'ended' ORDER BY started_at, freeze_seq, connection_id")?;
    rows.into_iter().map(Columns::wind_down).collect()
}

async fn steps(tx: &mut Tx, of: &WindDownRow) -> Result<Vec<Step>, StoreError> {
    let rows = sql!(tx, fetch_all StepColumns:
        "SELECT request_id, act, target, state, status, detail, order_id, at FROM wind_down_steps
         WHERE freeze_seq = $1 AND connection_id = $2 ORDER BY at, request_id",
        bigint(of.freeze), of.connection.to_string())?;
    rows.into_iter().map(StepColumns::step).collect()
}

/// Notes down what a freeze has to do. Two at once on one connection would undo each other's work, so the wider takes over.
pub(crate) async fn begin(
    tx: &mut Tx,
    freeze: u64,
    subject: Subject,
    kind: WindDown,
    actor: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut targets: Vec<(ConnectionId, Option<AccessKeyId>)> = Vec::new();
    match subject {
        Subject::Key(key) => {
            if let Some(found) = crate::access_keys::find(tx, key).await? {
                targets.push((found.connection, Some(key)));
            }
        }
        Subject::Connection(connection) => targets.push((connection, None)),
        Subject::Everything => {
            let all = connections::all_not_removed(tx).await?;
            targets.extend(all.into_iter().map(|connection| (connection.id, None)));
        }
    }
    let under_way = open(tx).await?;
    for (connection, key) in targets {
        let mut there = under_way.iter().filter(|row| row.connection == connection);
        let covers = |row: &&WindDownRow| {
            (row.key.is_none() || row.key == key) && (row.kind == WindDown::Flatten || kind == row.kind)
        };
        if there.clone().any(|row| covers(&row)) {
            continue;
        }
        if key.is_none() {
            for row in there.by_ref() {
                end(tx, row, "a wider freeze took over", &Actor::System, at).await?;
            }
        }
        let text = key.map(|key| key.to_string());
        sql!(tx, execute
            "INSERT INTO wind_downs (freeze_seq, connection_id, subject, access_key_id, kind, phase, actor, started_at)
             VALUES ($1, $2, $3, $4, $5, 'cancel', $6, $7)",
            bigint(freeze), connection.to_string(), subject.text(), text.as_deref(), kind.as_str(), actor, micros(at))?;
    }
    Ok(())
}

/// Ends what a freeze that is lifted has not done.
pub(crate) async fn end_all_of(
    tx: &mut Tx,
    subject: Subject,
    actor: &Actor,
    at: Timestamp,
) -> Result<(), StoreError> {
    for row in open(tx).await?.iter().filter(|row| row.subject == subject) {
        end(tx, row, "unfrozen before all was done", actor, at).await?;
    }
    Ok(())
}

async fn end(
    tx: &mut Tx,
    row: &WindDownRow,
    outcome: &str,
    actor: &Actor,
    at: Timestamp,
) -> Result<(), StoreError> {
    let ended = sql!(tx, execute
        "UPDATE wind_downs SET phase = 'ended', note = $1, ended_at = $2, node = NULL, lease_until = NULL
         WHERE freeze_seq = $3 AND connection_id = $4 AND phase <> 'ended'",
        outcome, micros(at), bigint(row.freeze), row.connection.to_string())?;
    if ended == 0 {
        return Ok(());
    }
    let steps = steps(tx, row).await?;
    let count = |act: Option<StepAct>, state: StepState| {
        let those = steps.iter().filter(|step| act.is_none_or(|act| step.act == act) && step.state == state);
        u32::try_from(those.count()).unwrap_or(u32::MAX)
    };
    let event = AuditEvent::WindDownEnded {
        freeze: row.freeze,
        connection: row.connection,
        outcome: outcome.to_owned(),
        canceled: count(Some(StepAct::Cancel), StepState::Done),
        closed: count(Some(StepAct::Close), StepState::Done),
        failed: count(None, StepState::Failed),
    };
    audit::append(tx, actor, &event, at).await?;
    Ok(())
}
