//! The audit chain: appending and reading. `verify.rs` checks it.

use jiff::Timestamp;
use paddock_core::audit::{Actor, AuditEvent, AuditRecord, ChainHash};
use paddock_core::id::UserId;
use sqlx::AssertSqlSafe;

use crate::codec::{bigint, hash, instant, micros, number};
use crate::db::{Tx, TxOn, row, sql};
use crate::writer::Work;
use crate::{Store, StoreError, audit_team};

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
    /// Only the records of this team; those of the first team include what is of the whole. All of them when absent.
    pub team: Option<UserId>,
}

impl Default for AuditQuery {
    fn default() -> Self {
        Self { before: None, after: None, limit: 100, event: None, team: None }
    }
}

row! {
    pub(crate) struct AuditRow {
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
    pub(crate) fn record(self) -> Result<AuditRecord, StoreError> {
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
        self.write(Append { actor: actor.clone(), event: event.clone(), at }).await
    }

    /// A part of the chain.
    ///
    /// # Errors
    /// When the database fails or a record cannot be read.
    pub async fn audit_page(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, StoreError> {
        let (after, before) = (query.after.map_or(0, bigint), query.before.map_or(i64::MAX, bigint));
        let (event, limit) = (query.event.as_deref(), i64::from(query.limit.clamp(1, 1001)));
        let mut tx = self.begin_read().await?;
        let order = if query.after.is_some() { "seq" } else { "seq DESC" };
        let first = audit_team::first(&mut tx).await?;
        let team = query.team.filter(|team| Some(*team) != first);
        // Another team's records are few among many: they have an index of their own.
        let of_team = match (query.team, team) {
            (None, _) => "",
            (Some(_), None) => "AND user_id IS NULL",
            (Some(_), Some(_)) => "AND user_id = $5",
        };
        let statement = format!(
            "SELECT seq, at, actor, event_name, event, previous, hash FROM audit
             WHERE seq > $1 AND seq < $2 AND ($3 IS NULL OR event_name = $3) {of_team} ORDER BY {order} LIMIT $4"
        );
        let statement = AssertSqlSafe(statement);
        let rows = match team {
            None => sql!(tx, fetch_all AuditRow: statement, after, before, event, limit)?,
            Some(team) => {
                sql!(tx, fetch_all AuditRow: statement, after, before, event, limit, team.to_string())?
            }
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

struct Append {
    actor: Actor,
    event: AuditEvent,
    at: Timestamp,
}

impl Work for Append {
    type Output = AuditRecord;

    async fn run(&mut self, tx: &mut Tx) -> Result<AuditRecord, StoreError> {
        append(tx, &self.actor, &self.event, self.at).await
    }
}

/// A record that was appended, with the name that its event has in the index.
pub(crate) struct Unwritten {
    record: AuditRecord,
    name: &'static str,
    /// Whose it is, if not the first team's.
    team: Option<String>,
}

/// The end of the chain, as this transaction sees and changes it.
pub(crate) async fn head(tx: &mut Tx) -> Result<(u64, ChainHash), StoreError> {
    if let Some(head) = tx.head {
        return Ok(head);
    }
    let (seq, bytes) = sql!(tx, fetch_one (i64, Vec<u8>): "SELECT seq, hash FROM audit_head")?;
    let head = (number(seq)?, ChainHash::from_bytes(hash(bytes)?));
    tx.head = Some(head);
    Ok(head)
}

/// Waits for whoever writes to be done, and keeps others from it until this transaction ends. For PostgreSQL only: SQLite has
/// one writer at a time by itself.
pub(crate) async fn lock_head(tx: &mut Tx) -> Result<(), StoreError> {
    let (seq, bytes) = sql!(tx, fetch_one (i64, Vec<u8>): "SELECT seq, hash FROM audit_head FOR UPDATE")?;
    tx.head = Some((number(seq)?, ChainHash::from_bytes(hash(bytes)?)));
    Ok(())
}

/// Appends a record in a write transaction; it lasts when that is committed. The rows are written then, all at once.
pub(crate) async fn append(
    tx: &mut Tx,
    actor: &Actor,
    event: &AuditEvent,
    at: Timestamp,
) -> Result<AuditRecord, StoreError> {
    let team = audit_team::team_of(tx, actor, event).await?.map(|team| team.to_string());
    let (last, previous) = head(tx).await?;
    let record = AuditRecord::chain(last + 1, at, actor, event, previous)
        .map_err(|_| StoreError::Failed { code: "audit record".to_owned() })?;
    tx.head = Some((record.seq, record.hash));
    tx.appended = Some(record.seq);
    tx.changes += 1;
    tx.unwritten.push(Unwritten { record: record.clone(), name: event.name(), team });
    Ok(record)
}

/// Rows of one statement. A few fixed numbers, so that the database sees few different statements.
const TOGETHER: [usize; 3] = [32, 8, 1];

/// Writes the records that were appended, and where the chain ends now.
pub(crate) async fn write_appended(tx: &mut Tx) -> Result<(), StoreError> {
    let (Some((seq, hash)), false) = (tx.head, tx.unwritten.is_empty()) else { return Ok(()) };
    let records = std::mem::take(&mut tx.unwritten);
    let mut left = records.as_slice();
    while !left.is_empty() {
        let together = TOGETHER.into_iter().find(|together| *together <= left.len()).unwrap_or(1);
        let (now, later) = left.split_at(together);
        insert(tx, now).await?;
        left = later;
    }
    sql!(tx, execute "UPDATE audit_head SET seq = $1, hash = $2", bigint(seq), hash.as_bytes().as_slice())?;
    Ok(())
}

async fn insert(tx: &mut Tx, records: &[Unwritten]) -> Result<(), StoreError> {
    let rows = rows_of_parameters(records.len(), 8);
    let statement = AssertSqlSafe(format!(
        "INSERT INTO audit (seq, at, actor, event_name, event, previous, hash, user_id) VALUES {rows}"
    ));
    macro_rules! put {
        ($tx:ident) => {{
            let mut query = sqlx::query(statement);
            for Unwritten { record, name, team } in records {
                query = query
                    .bind(bigint(record.seq))
                    .bind(micros(record.at))
                    .bind(record.actor.as_str())
                    .bind(*name)
                    .bind(record.event.as_str())
                    .bind(record.previous.as_bytes().as_slice())
                    .bind(record.hash.as_bytes().as_slice())
                    .bind(team.as_deref());
            }
            query.execute(&mut **$tx).await.map(drop)
        }};
    }
    match &mut tx.on {
        TxOn::Sqlite(tx) => put!(tx)?,
        TxOn::Postgres(tx) => put!(tx)?,
    }
    Ok(())
}

/// `($1, $2), ($3, $4)` for two rows of two columns.
pub(crate) fn rows_of_parameters(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let places: Vec<String> =
            (1..=columns).map(|column| format!("${}", row * columns + column)).collect();
        format!("({})", places.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
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
