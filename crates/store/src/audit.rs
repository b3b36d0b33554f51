//! The audit chain: appending and reading. `verify.rs` checks it.

use jiff::Timestamp;
use paddock_core::audit::{Actor, AuditEvent, AuditRecord, ChainHash};

use crate::codec::{bigint, hash, instant, micros, number};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError};

/// Which part of the chain to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only records before this position.
    pub before: Option<u64>,
    /// Only records after this position. They then come oldest first, otherwise newest first.
    pub after: Option<u64>,
    /// At most so many records, from 1 to 1000.
    pub limit: u32,
    /// Only events of this name, for example `request_refused`.
    pub event: Option<String>,
}

impl Default for AuditQuery {
    fn default() -> Self {
        Self { before: None, after: None, limit: 100, event: None }
    }
}

row! {
    struct AuditRow {
        seq: i64,
        at: i64,
        actor: String,
        event_name: String,
        event: String,
        previous: Vec<u8>,
        hash: Vec<u8>,
    }
}

impl AuditRow {
    fn record(self) -> Result<AuditRecord, StoreError> {
        Ok(AuditRecord {
            seq: number(self.seq)?,
            at: instant(self.at)?,
            actor: self.actor,
            event: self.event,
            previous: ChainHash::from_bytes(hash(self.previous)?),
            hash: ChainHash::from_bytes(hash(self.hash)?),
        })
    }
}

impl Store {
    /// Appends one record and makes it durable.
    ///
    /// # Errors
    /// When the database fails; nothing was appended then.
    pub async fn append_audit(
        &self,
        actor: &Actor,
        event: &AuditEvent,
        at: Timestamp,
    ) -> Result<AuditRecord, StoreError> {
        let mut tx = self.begin_write().await?;
        let record = append(&mut tx, actor, event, at).await?;
        tx.commit().await?;
        Ok(record)
    }

    /// A part of the chain.
    ///
    /// # Errors
    /// When the database fails or a record cannot be read.
    pub async fn audit_page(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, StoreError> {
        let (after, before) = (query.after.map_or(0, bigint), query.before.map_or(i64::MAX, bigint));
        let (event, limit) = (query.event.as_deref(), i64::from(query.limit.clamp(1, 1000)));
        let mut tx = self.begin_read().await?;
        let rows = if query.after.is_some() {
            sql!(tx, fetch_all AuditRow:
                "SELECT seq, at, actor, event_name, event, previous, hash FROM audit
                 WHERE seq > $1 AND seq < $2 AND ($3 IS NULL OR event_name = $3) ORDER BY seq LIMIT $4",
                after, before, event, limit)?
        } else {
            sql!(tx, fetch_all AuditRow:
                "SELECT seq, at, actor, event_name, event, previous, hash FROM audit
                 WHERE seq > $1 AND seq < $2 AND ($3 IS NULL OR event_name = $3) ORDER BY seq DESC LIMIT $4",
                after, before, event, limit)?
        };
        rows.into_iter().map(AuditRow::record).collect()
    }

    /// Position and hash of the last record; 0 and [`ChainHash::START`] for an empty chain.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_head(&self) -> Result<(u64, ChainHash), StoreError> {
        head(&mut self.begin_read().await?).await
    }
}

pub(crate) async fn head(tx: &mut Tx) -> Result<(u64, ChainHash), StoreError> {
    let (seq, bytes) = sql!(tx, fetch_one (i64, Vec<u8>): "SELECT seq, hash FROM audit_head")?;
    Ok((number(seq)?, ChainHash::from_bytes(hash(bytes)?)))
}

/// Appends a record in a write transaction; it lasts when that is committed.
pub(crate) async fn append(
    tx: &mut Tx,
    actor: &Actor,
    event: &AuditEvent,
    at: Timestamp,
) -> Result<AuditRecord, StoreError> {
    let (last, previous) = head(tx).await?;
    let record = AuditRecord::chain(last + 1, at, actor, event, previous)
        .map_err(|_| StoreError::Failed { code: "audit record".to_owned() })?;
    let (seq, hash) = (bigint(record.seq), record.hash.as_bytes().as_slice());
    sql!(tx, execute
        "INSERT INTO audit (seq, at, actor, event_name, event, previous, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        seq, micros(record.at), record.actor.as_str(), event.name(), record.event.as_str(),
        record.previous.as_bytes().as_slice(), hash)?;
    sql!(tx, execute "UPDATE audit_head SET seq = $1, hash = $2", seq, hash)?;
    tx.appended = Some(record.seq);
    Ok(record)
}

/// The records after a position, oldest first, each with the name that its event has in the index.
pub(crate) async fn following(
    tx: &mut Tx,
    after: u64,
    limit: u32,
) -> Result<Vec<(AuditRecord, String)>, StoreError> {
    let rows = sql!(tx, fetch_all AuditRow:
        "SELECT seq, at, actor, event_name, event, previous, hash FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2",
        bigint(after), i64::from(limit))?;
    rows.into_iter()
        .map(|mut row| {
            let name = std::mem::take(&mut row.event_name);
            Ok((row.record()?, name))
        })
        .collect()
}
