//! Reads the audit chain from where it was left, and writes down what people ask of it.
//!
//! Requests do not wait for this: it follows the chain, a page of records at a time, whenever somebody looks and a few times a minute
//! besides. Nothing in these tables decides anything.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use paddock_core::audit::{Actor, ApprovalEnd, AuditEvent, AuditRecord};
use paddock_core::id::{ConnectionId, RequestId};
use serde_json::Value;

use super::{ActivityDecision, Sender, plain_symbol};
use crate::codec::{bigint, micros, number};
use crate::db::{Tx, sql};
use crate::wind_downs::StepState;
use crate::{Store, StoreError, audit, checkpoints};

/// Records of one transaction, so that orders need not wait for long.
const AT_ONCE: u32 = 200;

impl Store {
    /// Takes in the audit records since the last time, at most a page of them. Gives how many are left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn index_activity(&self) -> Result<u64, StoreError> {
        if self.unindexed().await? == 0 {
            return Ok(0);
        }
        let mut tx = self.begin_write().await?;
        let (indexed,) = sql!(tx, fetch_one (i64,): "SELECT seq FROM activity_head")?;
        // What was removed from the chain is not looked for any more.
        let start = checkpoints::start(&mut tx).await?.0.seq;
        let indexed = number::<u64>(indexed)?.max(start);
        let records = audit::following(&mut tx, indexed, AT_ONCE).await?;
        let mut whose = Whose::default();
        let mut last = indexed;
        for (record, name) in &records {
            take_in(&mut tx, &mut whose, record, name).await?;
            last = record.seq;
        }
        sql!(tx, execute "UPDATE activity_head SET seq = $1", bigint(last))?;
        tx.commit().await?;
        self.unindexed().await
    }
}

/// What is found out about whose something is, for as long as a page is read.
#[derive(Default)]
struct Whose {
    first: Option<String>,
    known: HashMap<(&'static str, String), Option<String>>,
}

impl Whose {
    /// The user that an audit record belongs to. What is about this machine, or about nothing that is known, belongs to the first.
    async fn of(&mut self, tx: &mut Tx, event: &Value, actor: &Value) -> Result<String, StoreError> {
        if let Some(user) = event["user"].as_str().or(event["team"].as_str()) {
            return Ok(user.to_owned());
        }
        let frozen = match event["what"].as_str() {
            Some("key") => Some(("key", &event["id"])),
            Some("connection") => Some(("connection", &event["id"])),
            _ => None,
        };
        let named = ["connection", "key", "request", "approval", "person"].map(|name| (name, &event[name]));
        let by_key = (actor["kind"] == "access_key").then_some(("key", &actor["id"]));
        let by_person = (actor["kind"] == "person").then_some(("person", &actor["id"]));
        for (kind, id) in frozen.into_iter().chain(named).chain(by_key).chain(by_person) {
            if let Some(id) = id.as_str()
                && let Some(user) = self.user_of(tx, kind, id).await?
            {
                return Ok(user);
            }
        }
        self.first(tx).await
    }

    async fn user_of(
        &mut self,
        tx: &mut Tx,
        kind: &'static str,
        id: &str,
    ) -> Result<Option<String>, StoreError> {
        if let Some(known) = self.known.get(&(kind, id.to_owned())) {
            return Ok(known.clone());
        }
        let found = match kind {
            "connection" => sql!(tx, fetch_optional (String,):
                "SELECT user_id FROM connections WHERE id = $1", id)?,
            "key" => sql!(tx, fetch_optional (String,):
                "SELECT user_id FROM access_keys WHERE id = $1", id)?,
            "person" => sql!(tx, fetch_optional (String,):
                "SELECT user_id FROM persons WHERE id = $1", id)?,
            "request" => sql!(tx, fetch_optional (String,):
                "SELECT user_id FROM activity WHERE request_id = $1", id)?,
            "approval" => sql!(tx, fetch_optional (String,):
                "SELECT c.user_id FROM approvals a JOIN connections c ON c.id = a.connection_id WHERE a.id = $1", id)?,
            _ => None,
        };
        let found = found.map(|(user,)| user);
        // A request is written down later in the same page.
        if found.is_some() || kind != "request" {
            self.known.insert((kind, id.to_owned()), found.clone());
        }
        Ok(found)
    }

    async fn first(&mut self, tx: &mut Tx) -> Result<String, StoreError> {
        if let Some(first) = &self.first {
            return Ok(first.clone());
        }
        let first =
            sql!(tx, fetch_optional (String,): "SELECT id FROM users ORDER BY created_at, id LIMIT 1")?;
        let first = first.map(|(first,)| first).unwrap_or_default();
        self.first = Some(first.clone());
        Ok(first)
    }
}

async fn take_in(tx: &mut Tx, whose: &mut Whose, record: &AuditRecord, name: &str) -> Result<(), StoreError> {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    let user = whose.of(tx, &read(&record.event), &read(&record.actor)).await?;
    let actor = record.actor().unwrap_or(Actor::System);
    let seq = bigint(record.seq);
    sql!(tx, execute
        "INSERT INTO activity_records (seq, user_id, at, event_name, actor) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (seq) DO NOTHING",
        seq, user.as_str(), micros(record.at), name, name_of(&actor))?;
    // What a later version wrote and this one does not know is at least in the list of records.
    let Ok(event) = record.event() else { return Ok(()) };
    let Some(request) = request_of(tx, &event).await? else { return Ok(()) };
    sql!(tx, execute
        "INSERT INTO activity_requests (request_id, seq) VALUES ($1, $2) ON CONFLICT (request_id, seq) DO NOTHING",
        request.as_str(), seq)?;
    match &event {
        AuditEvent::RequestPermitted { request, connection, operation, target, summary, network, .. } => {
            let row = Row {
                decision: ActivityDecision::Permitted,
                connection: Some(*connection),
                summary: summary.as_deref(),
                network: network.map(|network| network.to_canonical().to_string()),
                ..Row::of(*request, record, &user, &actor, operation, target)
            };
            insert(tx, &row).await?;
            settle(tx, *request, None, None, None).await
        }
        AuditEvent::RequestRefused {
            request,
            operation,
            target,
            reason,
            message,
            numbers,
            connection,
            summary,
            network,
        } => {
            let row = Row {
                decision: ActivityDecision::Refused,
                connection: *connection,
                summary: summary.as_deref(),
                network: network.map(|network| network.to_canonical().to_string()),
                reason: Some(reason.as_str()),
                message: Some(message),
                numbers: serde_json::to_value(numbers).unwrap_or_default(),
                ..Row::of(*request, record, &user, &actor, operation, target)
            };
            insert(tx, &row).await
        }
        AuditEvent::ApprovalRequested { request, connection, operation, target, summary, .. } => {
            let row = Row {
                decision: ActivityDecision::Held,
                connection: Some(*connection),
                summary: Some(summary),
                reason: Some("approval_required"),
                message: Some("it waits for a person"),
                ..Row::of(*request, record, &user, &actor, operation, target)
            };
            insert(tx, &row).await
        }
        AuditEvent::RequestAnswered { request, status, order_id } => {
            settle(tx, *request, Some(record.at), *status, order_id.as_deref()).await
        }
        AuditEvent::ApprovalDenied { reason, .. } => {
            end(tx, &request, "approval_denied", reason.as_deref().unwrap_or("a person said no")).await
        }
        AuditEvent::ApprovalEnded { why, message, .. } => {
            let (reason, usual) = match why {
                ApprovalEnd::Expired => ("approval_expired", "nobody answered in time"),
                ApprovalEnd::Frozen => ("approval_frozen", "it was frozen before anybody answered"),
                ApprovalEnd::Revoked => {
                    ("approval_revoked", "its access key was revoked before anybody answered")
                }
                ApprovalEnd::Refused => {
                    ("approval_refused", "it was approved, and something stood in the way")
                }
            };
            end(tx, &request, reason, message.as_deref().unwrap_or(usual)).await
        }
        _ => Ok(()),
    }
}

/// The request that an event is about.
async fn request_of(tx: &mut Tx, event: &AuditEvent) -> Result<Option<String>, StoreError> {
    let approval = match event {
        AuditEvent::RequestPermitted { request, .. }
        | AuditEvent::RequestAnswered { request, .. }
        | AuditEvent::RequestRefused { request, .. }
        | AuditEvent::ChargeReturned { request, .. }
        | AuditEvent::ApprovalRequested { request, .. }
        | AuditEvent::ApprovalGranted { request, .. } => return Ok(Some(request.to_string())),
        AuditEvent::ApprovalDenied { approval, .. } | AuditEvent::ApprovalEnded { approval, .. } => approval,
        _ => return Ok(None),
    };
    let found = sql!(tx, fetch_optional (String,):
        "SELECT request_id FROM approvals WHERE id = $1", approval.to_string())?;
    Ok(found.map(|(request,)| request))
}

/// By what name whoever caused a record is looked for.
fn name_of(actor: &Actor) -> &str {
    match actor {
        Actor::Operator => "operator",
        Actor::Person { name, .. } | Actor::AccessKey { name, .. } => name,
        Actor::System => "paddock",
    }
}

/// A row as it is first written.
struct Row<'a> {
    request: RequestId,
    record: &'a AuditRecord,
    user: &'a str,
    actor: &'a Actor,
    operation: &'a str,
    target: &'a str,
    connection: Option<ConnectionId>,
    summary: Option<&'a str>,
    network: Option<String>,
    decision: ActivityDecision,
    reason: Option<&'a str>,
    message: Option<&'a str>,
    numbers: Value,
}

impl<'a> Row<'a> {
    fn of(
        request: RequestId,
        record: &'a AuditRecord,
        user: &'a str,
        actor: &'a Actor,
        operation: &'a str,
        target: &'a str,
    ) -> Self {
        Self {
            request,
            record,
            user,
            actor,
            operation,
            target,
            connection: None,
            summary: None,
            network: None,
            decision: ActivityDecision::Refused,
            reason: None,
            message: None,
            numbers: Value::Object(serde_json::Map::new()),
        }
    }
}

/// Writes a request down. One that was held before keeps its place in the list, and whoever sent it.
async fn insert(tx: &mut Tx, row: &Row<'_>) -> Result<(), StoreError> {
    let (sender, key) = match row.actor {
        Actor::AccessKey { id, .. } => (Sender::AccessKey, Some(id.to_string())),
        Actor::Person { .. } => (Sender::Person, None),
        Actor::Operator => (Sender::Operator, None),
        Actor::System => (Sender::System, None),
    };
    let mut connection = row.connection.map(|connection| connection.to_string());
    if let (None, Some(key)) = (&connection, &key) {
        // Older refusals do not say it.
        let of_key = sql!(tx, fetch_optional (String,):
            "SELECT connection_id FROM access_keys WHERE id = $1", key.as_str())?;
        connection = of_key.map(|(connection,)| connection);
    }
    let (request, at) = (row.request.to_string(), micros(row.record.at));
    let state = (row.decision == ActivityDecision::Permitted).then_some(StepState::Sent.as_str());
    sql!(tx, execute
        "INSERT INTO activity (request_id, seq, at, user_id, connection_id, access_key_id, actor, who, operation, target, summary,
                               network, decision, reason, message, numbers, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
         ON CONFLICT (request_id) DO UPDATE SET
             decision = excluded.decision, reason = excluded.reason, message = excluded.message, numbers = excluded.numbers,
             state = excluded.state, summary = COALESCE(excluded.summary, activity.summary),
             network = COALESCE(activity.network, excluded.network)",
        request.as_str(), bigint(row.record.seq), at, row.user, connection.as_deref(), key.as_deref(), sender.as_str(),
        name_of(row.actor), row.operation, row.target, row.summary, row.network.as_deref(), row.decision.as_str(), row.reason,
        row.message, row.numbers.to_string(), state)?;
    for symbol in symbols(row) {
        sql!(tx, execute
            "INSERT INTO activity_symbols (user_id, symbol, at, seq, request_id)
             SELECT user_id, $1, at, seq, request_id FROM activity WHERE request_id = $2 ON CONFLICT DO NOTHING",
            symbol.as_str(), request.as_str())?;
    }
    Ok(())
}

/// The symbols that a request names: in its orders, in its path, or in the numbers of its refusal.
fn symbols(row: &Row<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for order in row.summary.unwrap_or_default().split(", ") {
        let mut words = order.split(' ');
        if let (Some("buy" | "sell"), Some(_), Some(symbol)) = (words.next(), words.next(), words.next()) {
            found.insert(plain_symbol(symbol));
        }
    }
    if let Some(position) = row.target.split("/v2/positions/").nth(1) {
        let named = position.split(['?', '/']).next().unwrap_or_default();
        found.insert(plain_symbol(&named.replace("%2F", "/")));
    }
    if let Some(symbol) = row.numbers["symbol"].as_str() {
        found.insert(plain_symbol(symbol));
    }
    found.remove("");
    found
}

/// Writes down what the broker made of a request, as the tables of requests have it.
async fn settle(
    tx: &mut Tx,
    request: RequestId,
    answered: Option<Timestamp>,
    status: Option<u16>,
    order_id: Option<&str>,
) -> Result<(), StoreError> {
    let id = request.to_string();
    let reserved = sql!(tx, fetch_optional (String, Option<String>):
        "SELECT state, client_order_id FROM reservations WHERE request_id = $1", id.as_str())?;
    let (state, client_order_id) = match reserved {
        Some((state, client_order_id)) => (state, client_order_id),
        None => {
            let other = sql!(tx, fetch_optional (String,):
                "SELECT state FROM hand_requests WHERE request_id = $1
                 UNION ALL SELECT state FROM wind_down_steps WHERE request_id = $1", id.as_str())?;
            (other.map(|(state,)| state).unwrap_or_default(), None)
        }
    };
    let state = match state.as_str() {
        "confirmed" | "done" => StepState::Done,
        "released" | "failed" => StepState::Failed,
        "unknown" => StepState::Unknown,
        _ => StepState::Sent,
    };
    sql!(tx, execute
        "UPDATE activity SET state = $1, answered = COALESCE($2, answered), status = COALESCE($3, status),
                             order_id = COALESCE($4, order_id), client_order_id = COALESCE($5, client_order_id)
         WHERE request_id = $6 AND decision = 'permitted'",
        state.as_str(), answered.map(micros), status.map(i64::from), order_id, client_order_id.as_deref(), id.as_str())?;
    Ok(())
}

/// A held request ended without being sent.
async fn end(tx: &mut Tx, request: &str, reason: &str, message: &str) -> Result<(), StoreError> {
    sql!(tx, execute
        "UPDATE activity SET decision = 'refused', reason = $1, message = $2 WHERE request_id = $3 AND decision = 'held'",
        reason, message, request)?;
    Ok(())
}
