//! Requests as people look for them: by access key, order, symbol, reason and time. Made from the audit chain by `index.rs`.

mod index;
mod plan;

pub use index::INDEXED_AT_ONCE;

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use paddock_core::audit::AuditRecord;
use paddock_core::id::{AccessKeyId, ConnectionId, RequestId, UserId};
use paddock_core::words;

use crate::audit::AuditRow;
use crate::codec::{bigint, instant, maybe_instant, micros, number, parse};
use crate::db::{Tx, row, sql};
use crate::wind_downs::StepState;
use crate::{Store, StoreError};
use plan::Plan;

words! {
    /// What was decided about a request.
    ActivityDecision {
        /// It was permitted.
        Permitted = "permitted",
        /// It waits for a person.
        Held = "held",
        /// It was refused.
        Refused = "refused",
    }
}

words! {
    /// What kind of thing sent a request.
    Sender {
        /// A program with an access key.
        AccessKey = "access_key",
        /// A person who signed in, or whose API token was sent.
        Person = "person",
        /// A person at the command line of this machine.
        Operator = "operator",
        /// Paddock itself.
        System = "system",
    }
}

/// Which requests to read: those that fit all that is given, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityQuery {
    /// Whose.
    pub user: UserId,
    /// Sent by such a thing.
    pub sender: Option<Sender>,
    /// Sent by the access key, or person, of that name.
    pub who: Option<String>,
    /// For that connection.
    pub connection: Option<ConnectionId>,
    /// Decided so.
    pub decision: Option<ActivityDecision>,
    /// Refused for that reason.
    pub reason: Option<String>,
    /// Of that operation.
    pub operation: Option<String>,
    /// About that symbol, with or without the slash of a pair.
    pub symbol: Option<String>,
    /// With that identifier: of the request, of the order at the broker, or the client order id.
    pub order: Option<String>,
    /// That came then or later.
    pub from: Option<Timestamp>,
    /// That came before.
    pub to: Option<Timestamp>,
    /// Only those after this one in the list.
    pub before: Option<ActivityCursor>,
    /// At most so many, from 1 to 1001.
    pub limit: u32,
}

impl ActivityQuery {
    /// All requests of a user.
    #[must_use]
    pub const fn of(user: UserId) -> Self {
        Self {
            user,
            sender: None,
            who: None,
            connection: None,
            decision: None,
            reason: None,
            operation: None,
            symbol: None,
            order: None,
            from: None,
            to: None,
            before: None,
            limit: 50,
        }
    }
}

/// A place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivityCursor {
    /// When the request at that place came.
    pub at: Timestamp,
    /// Position of the first audit record about it.
    pub seq: u64,
}

impl std::fmt::Display for ActivityCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", micros(self.at), self.seq)
    }
}

impl std::str::FromStr for ActivityCursor {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let malformed = || StoreError::Malformed { what: "cursor" };
        let (at, seq) = text.split_once('.').ok_or_else(malformed)?;
        let at = at.parse().map_err(|_| malformed())?;
        Ok(Self { at: instant(at)?, seq: seq.parse().map_err(|_| malformed())? })
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// The request.
    pub request: RequestId,
    /// Position of the first audit record about it.
    pub seq: u64,
    /// When it came.
    pub at: Timestamp,
    /// Where it went, or would have gone.
    pub connection: Option<ConnectionId>,
    /// The access key that sent it.
    pub key: Option<AccessKeyId>,
    /// What kind of thing sent it.
    pub sender: Sender,
    /// The name of the access key or person.
    pub who: String,
    /// Alpaca's operationId.
    pub operation: String,
    /// Method and path.
    pub target: String,
    /// The order in one line.
    pub summary: Option<String>,
    /// Where it came from.
    pub network: Option<IpAddr>,
    /// What was decided.
    pub decision: ActivityDecision,
    /// Why it was refused or held.
    pub reason: Option<String>,
    /// The sentence that was answered.
    pub message: Option<String>,
    /// The numbers behind it.
    pub numbers: BTreeMap<String, String>,
    /// What the broker made of a permitted one.
    pub state: Option<StepState>,
    /// When the broker's answer had come.
    pub answered_at: Option<Timestamp>,
    /// The HTTP status of the broker's answer.
    pub status: Option<u16>,
    /// The broker's order id.
    pub order_id: Option<String>,
    /// The client order id.
    pub client_order_id: Option<String>,
}

impl Activity {
    /// Its place in the list.
    #[must_use]
    pub const fn cursor(&self) -> ActivityCursor {
        ActivityCursor { at: self.at, seq: self.seq }
    }
}

/// Which audit records to read: those that fit all that is given, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordQuery {
    /// Whose.
    pub user: UserId,
    /// Of that name, for example `request_refused`.
    pub event: Option<String>,
    /// Caused by the access key or person of that name, by `operator` or by `paddock`.
    pub actor: Option<String>,
    /// From then on.
    pub from: Option<Timestamp>,
    /// Before that.
    pub to: Option<Timestamp>,
    /// Before that position.
    pub before: Option<u64>,
    /// After that position; they then come oldest first.
    pub after: Option<u64>,
    /// At most so many, from 1 to 1001.
    pub limit: u32,
}

row! {
    struct Columns {
        request_id: String,
        seq: i64,
        at: i64,
        connection_id: Option<String>,
        access_key_id: Option<String>,
        actor: String,
        who: String,
        operation: String,
        target: String,
        summary: Option<String>,
        network: Option<String>,
        decision: String,
        reason: Option<String>,
        message: Option<String>,
        numbers: String,
        state: Option<String>,
        answered: Option<i64>,
        status: Option<i64>,
        order_id: Option<String>,
        client_order_id: Option<String>,
    }
}

/// The columns of [`Columns`], of the table `a`.
const COLUMNS: &str = "a.request_id, a.seq, a.at, a.connection_id, a.access_key_id, a.actor, a.who, a.operation, a.target, \
                       a.summary, a.network, a.decision, a.reason, a.message, a.numbers, a.state, a.answered, a.status, \
                       a.order_id, a.client_order_id";

impl Columns {
    fn activity(self) -> Result<Activity, StoreError> {
        let what = "activity";
        let maybe = |text: Option<String>| text.map(|text| parse(&text, what)).transpose();
        Ok(Activity {
            request: parse(&self.request_id, what)?,
            seq: number(self.seq)?,
            at: instant(self.at)?,
            connection: maybe(self.connection_id)?,
            key: self.access_key_id.map(|text| parse(&text, what)).transpose()?,
            sender: parse(&self.actor, what)?,
            who: self.who,
            operation: self.operation,
            target: self.target,
            summary: self.summary,
            network: self.network.map(|text| parse(&text, what)).transpose()?,
            decision: parse(&self.decision, what)?,
            reason: self.reason,
            message: self.message,
            numbers: serde_json::from_str(&self.numbers).map_err(|_| StoreError::Malformed { what })?,
            state: self.state.map(|text| parse(&text, what)).transpose()?,
            answered_at: maybe_instant(self.answered)?,
            status: self.status.map(number).transpose()?,
            order_id: self.order_id,
            client_order_id: self.client_order_id,
        })
    }
}

impl Store {
    /// Requests that came through the gateway and changed something, or would have, or were refused. Call
    /// [`Store::index_activity`] before, to see those of the last moments.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn activity(&self, query: &ActivityQuery) -> Result<Vec<Activity>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows: Vec<Columns> = Plan::of_activity(query).fetch(&mut tx).await?;
        rows.into_iter().map(Columns::activity).collect()
    }

    /// One request of a user's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn activity_of(
        &self,
        user: UserId,
        request: RequestId,
    ) -> Result<Option<Activity>, StoreError> {
        let query = ActivityQuery { order: Some(request.to_string()), ..ActivityQuery::of(user) };
        let found = self.activity(&query).await?;
        Ok(found.into_iter().find(|one| one.request == request))
    }

    /// The audit records of a user.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn records_of(&self, query: &RecordQuery) -> Result<Vec<AuditRecord>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows: Vec<AuditRow> = Plan::of_records(query).fetch(&mut tx).await?;
        rows.into_iter().map(AuditRow::record).collect()
    }

    /// The audit records that name a request, oldest first; a request has few.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn records_about(
        &self,
        user: UserId,
        request: RequestId,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all AuditRow:
            "SELECT a.seq, a.at, a.actor, a.event_name, a.event, a.previous, a.hash
             FROM activity_requests q CROSS JOIN audit a CROSS JOIN activity_records r
             WHERE q.request_id = $1 AND a.seq = q.seq AND r.seq = q.seq AND r.user_id = $2 ORDER BY a.seq",
            request.to_string(), user.to_string())?;
        rows.into_iter().map(AuditRow::record).collect()
    }

    /// How many audit records are not indexed yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn unindexed(&self) -> Result<u64, StoreError> {
        let mut tx = self.begin_read().await?;
        let (indexed,) = sql!(tx, fetch_one (i64,): "SELECT seq FROM activity_head")?;
        let (last,) = sql!(tx, fetch_one (i64,): "SELECT seq FROM audit_head")?;
        number(last.saturating_sub(indexed).max(0))
    }
}

/// Removes what is made of audit records that are removed, up to that position.
pub(crate) async fn forget(tx: &mut Tx, until: i64) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM activity_symbols WHERE request_id IN (SELECT request_id FROM activity WHERE seq <= $1)",
        "DELETE FROM activity WHERE seq <= $1",
        "DELETE FROM activity_requests WHERE seq <= $1",
        "DELETE FROM activity_records WHERE seq <= $1",
    ] {
        sql!(tx, execute statement, until)?;
    }
    Ok(())
}

/// A symbol as it is looked for: without the slash of a pair, in capitals.
pub(crate) fn plain_symbol(text: &str) -> String {
    text.trim().chars().filter(|letter| *letter != '/').collect::<String>().to_ascii_uppercase()
}

/// A bound that keeps a limit within what one statement may read.
pub(crate) fn bounded(limit: u32) -> i64 {
    bigint(u64::from(limit.clamp(1, 1001)))
}

#[cfg(test)]
mod tests;
