//! A page of the chain on its way into the tables. What its records add is gathered and written with a statement for each table, since
//! a statement costs more by being sent than by what it does.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use paddock_core::audit::{Actor, ApprovalEnd, AuditEvent, AuditRecord};
use paddock_core::id::{ConnectionId, RequestId};
use serde_json::{Value, json};

use super::super::{ActivityDecision, Sender, plain_symbol};
use super::whose::Whose;
use crate::StoreError;
use crate::codec::{bigint, micros};
use crate::db::{Tx, rows_of_json, sql, write_rows};
use crate::wind_downs::StepState;

/// What is gathered, each row as the array that its statement reads.
#[derive(Default)]
pub(super) struct Page {
    whose: Whose,
    /// What became of the requests that the page names, as the tables of requests have it, with their client order ids.
    standing: HashMap<String, (StepState, Option<String>)>,
    records: Vec<Value>,
    requests: Vec<Value>,
    /// By request: one statement must not write a row twice.
    rows: BTreeMap<String, Value>,
    symbols: Vec<Value>,
    answers: BTreeMap<String, Answer>,
}

/// What the broker made of a request.
#[derive(Default)]
struct Answer {
    at: Option<Timestamp>,
    status: Option<u16>,
    order_id: Option<String>,
}

impl Page {
    /// Looks up what the records name.
    pub(super) async fn read(tx: &mut Tx, records: &[(AuditRecord, String)]) -> Result<Self, StoreError> {
        let named: BTreeSet<String> = records
            .iter()
            .filter_map(|(record, _)| json(&record.event)["request"].as_str().map(str::to_owned))
            .collect();
        let named = json!(named.into_iter().map(|request| [request]).collect::<Vec<_>>()).to_string();
        let these = format!("(SELECT value ->> 0 FROM {})", rows_of_json(tx));
        let mut page = Self::default();
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT request_id, state, client_order_id FROM reservations WHERE request_id IN {these}
             UNION ALL SELECT request_id, state, NULL FROM hand_requests WHERE request_id IN {these}
             UNION ALL SELECT request_id, state, NULL FROM wind_down_steps WHERE request_id IN {these}"
        ));
        for (request, state, name) in
            sql!(tx, fetch_all (String, String, Option<String>): statement, named.as_str())?
        {
            let state = match state.as_str() {
                "confirmed" | "done" => StepState::Done,
                "released" | "failed" => StepState::Failed,
                "unknown" => StepState::Unknown,
                _ => StepState::Sent,
            };
            page.standing.entry(request).or_insert((state, name));
        }
        let statement = sqlx::AssertSqlSafe(format!(
            "SELECT request_id, user_id FROM activity WHERE request_id IN {these}"
        ));
        for (request, user) in sql!(tx, fetch_all (String, String): statement, named)? {
            page.whose.note_request(request, user);
        }
        Ok(page)
    }

    /// Takes in a record, whose event has that name.
    pub(super) async fn take_in(
        &mut self,
        tx: &mut Tx,
        record: &AuditRecord,
        name: &str,
    ) -> Result<(), StoreError> {
        let user = self.whose.of(tx, &json(&record.event), &json(&record.actor)).await?;
        let actor = record.actor().unwrap_or(Actor::System);
        let seq = bigint(record.seq);
        self.records.push(json!([seq, user, micros(record.at), name, name_of(&actor)]));
        // What a later version wrote and this one does not know is at least in the list of records.
        let Ok(event) = record.event() else { return Ok(()) };
        let Some(request) = request_of(tx, &event).await? else { return Ok(()) };
        self.requests.push(json!([request, seq]));
        match &event {
            AuditEvent::RequestPermitted {
                request, connection, operation, target, summary, network, ..
            } => {
                let row = Row {
                    decision: ActivityDecision::Permitted,
                    connection: Some(*connection),
                    summary: summary.as_deref(),
                    network: network.map(|network| network.to_canonical().to_string()),
                    ..Row::of(*request, record, &user, &actor, operation, target)
                };
                self.insert(tx, &row).await?;
                self.settle(*request, None, None, None);
                Ok(())
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
                self.insert(tx, &row).await
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
                self.insert(tx, &row).await
            }
            AuditEvent::RequestAnswered { request, status, order_id } => {
                self.settle(*request, Some(record.at), *status, order_id.as_deref());
                Ok(())
            }
            AuditEvent::ApprovalDenied { reason, .. } => {
                self.end(tx, &request, "approval_denied", reason.as_deref().unwrap_or("a person said no"))
                    .await
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
                self.end(tx, &request, reason, message.as_deref().unwrap_or(usual)).await
            }
            _ => Ok(()),
        }
    }

    /// Writes a request down. One that was held before keeps its place in the list, and whoever sent it.
    async fn insert(&mut self, tx: &mut Tx, row: &Row<'_>) -> Result<(), StoreError> {
        let (sender, key) = match row.actor {
            Actor::AccessKey { id, .. } => (Sender::AccessKey, Some(id.to_string())),
            Actor::Person { .. } => (Sender::Person, None),
            Actor::Operator => (Sender::Operator, None),
            Actor::System => (Sender::System, None),
        };
        let mut connection = row.connection.map(|connection| connection.to_string());
        if let (None, Some(key)) = (&connection, &key) {
            connection = self.whose.connection_of(tx, key).await?;
        }
        let (request, at) = (row.request.to_string(), micros(row.record.at));
        let state = (row.decision == ActivityDecision::Permitted).then_some(StepState::Sent.as_str());
        if self.rows.contains_key(&request) || self.answers.contains_key(&request) {
            self.flush(tx).await?;
        }
        for symbol in symbols(row) {
            self.symbols.push(json!([symbol, request]));
        }
        self.whose.note_request(request.clone(), row.user.to_owned());
        let values = json!([
            request,
            bigint(row.record.seq),
            at,
            row.user,
            connection,
            key,
            sender.as_str(),
            name_of(row.actor),
            row.operation,
            row.target,
            row.summary,
            row.network,
            row.decision.as_str(),
            row.reason,
            row.message,
            row.numbers.to_string(),
            state,
        ]);
        self.rows.insert(request, values);
        Ok(())
    }

    /// Notes what the broker made of a request.
    fn settle(
        &mut self,
        request: RequestId,
        at: Option<Timestamp>,
        status: Option<u16>,
        order_id: Option<&str>,
    ) {
        let answer = self.answers.entry(request.to_string()).or_default();
        answer.at = at.or(answer.at);
        answer.status = status.or(answer.status);
        if let Some(order_id) = order_id {
            answer.order_id = Some(order_id.to_owned());
        }
    }

    /// A held request ended without being sent.
    async fn end(
        &mut self,
        tx: &mut Tx,
        request: &str,
        reason: &str,
        message: &str,
    ) -> Result<(), StoreError> {
        self.flush(tx).await?;
        sql!(tx, execute
        "UPDATE activity SET decision = 'refused', reason = $1, message = $2 WHERE request_id = $3 AND decision = 'held'",
        reason, message, request)?;
        Ok(())
    }

    /// Writes what was gathered so far.
    pub(super) async fn flush(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        write_rows(
            tx,
            std::mem::take(&mut self.records),
            "INSERT INTO activity_records (seq, user_id, at, event_name, actor)
             SELECT CAST(value ->> 0 AS BIGINT), value ->> 1, CAST(value ->> 2 AS BIGINT), value ->> 3, value ->> 4 FROM {rows}
             WHERE true ON CONFLICT (seq) DO NOTHING",
        )
        .await?;
        write_rows(
            tx,
            std::mem::take(&mut self.requests),
            "INSERT INTO activity_requests (request_id, seq) SELECT value ->> 0, CAST(value ->> 1 AS BIGINT) FROM {rows}
             WHERE true ON CONFLICT (request_id, seq) DO NOTHING",
        )
        .await?;
        write_rows(
            tx,
            std::mem::take(&mut self.rows).into_values().collect(),
            "INSERT INTO activity (request_id, seq, at, user_id, connection_id, access_key_id, actor, who, operation, target, summary,
                                   network, decision, reason, message, numbers, state)
             SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT), value ->> 3, value ->> 4, value ->> 5,
                    value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13,
                    value ->> 14, value ->> 15, value ->> 16 FROM {rows} WHERE true
             ON CONFLICT (request_id) DO UPDATE SET
                 decision = excluded.decision, reason = excluded.reason, message = excluded.message, numbers = excluded.numbers,
                 state = excluded.state, summary = COALESCE(excluded.summary, activity.summary),
                 network = COALESCE(activity.network, excluded.network)",
        )
        .await?;
        write_rows(
            tx,
            std::mem::take(&mut self.symbols),
            "INSERT INTO activity_symbols (user_id, symbol, at, seq, request_id)
             SELECT a.user_id, value ->> 0, a.at, a.seq, a.request_id FROM {rows} JOIN activity a ON a.request_id = value ->> 1
             WHERE true ON CONFLICT DO NOTHING",
        )
        .await?;
        let answers = std::mem::take(&mut self.answers).into_iter().map(|(request, answer)| {
            let (state, name) = self.standing.get(&request).cloned().unwrap_or((StepState::Sent, None));
            json!([request, state.as_str(), answer.at.map(micros), answer.status, answer.order_id, name])
        });
        write_rows(
            tx,
            answers.collect(),
            "UPDATE activity SET state = value ->> 1, answered = COALESCE(CAST(value ->> 2 AS BIGINT), answered),
                                 status = COALESCE(CAST(value ->> 3 AS BIGINT), status),
                                 order_id = COALESCE(value ->> 4, order_id),
                                 client_order_id = COALESCE(value ->> 5, client_order_id)
             FROM {rows} WHERE request_id = value ->> 0 AND decision = 'permitted'",
        )
        .await
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
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
