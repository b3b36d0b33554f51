//! `GET /`: what is connected, who may do what, and what is going on.

use askama::Template;
use axum::response::Response;
use jiff::Timestamp;
use paddock_core::SecretText;
use paddock_core::rotation::{Nearness, days_left, due_words};
use paddock_gateway::Counters;
use paddock_store::{AuditQuery, Connection};

use super::answer::page;
use super::chain::{ELSEWHERE, Verdict};
use super::connections::{self, Card};
use super::keys::meters::{self, Meter};
use super::records::RecordCells;
use super::rows::RequestCells;
use super::shell::{Section, Shell};
use super::text::{Moment, grouped};
use crate::api::connections::Facts;
use crate::api::keys::{self, KeyView};
use crate::api::rotations::{RotationView, list as rotations};
use crate::desk::Desk;
use crate::problem::Problem;

/// How many requests are shown; `live.js` keeps as many.
const REQUESTS: usize = 30;

/// How many audit records are shown.
const RECORDS: u32 = 6;

#[derive(Debug, Template)]
#[template(path = "overview/home.html")]
struct Home {
    shell: Shell,
    gateway_url: String,
    vault_locked: bool,
    /// The rotations that wait for a person.
    rotations: Vec<Waiting>,
    /// The pairs that are due, or soon will be.
    due: Vec<DuePair>,
    connections: Vec<Card>,
    keys: Vec<KeyCard>,
    requests: Vec<RequestCells>,
    totals: Vec<Total>,
    chain: ChainCard,
    records: Vec<RecordCells>,
}

/// A rotation that waits for a person.
#[derive(Debug)]
struct Waiting {
    id: String,
    connection: String,
    message: String,
}

/// A pair that is due, or soon will be.
#[derive(Debug)]
struct DuePair {
    connection: String,
    /// `is due in 7 days`.
    words: String,
}

#[derive(Debug)]
struct Total {
    label: &'static str,
    /// The class that gives its colour.
    kind: &'static str,
    count: String,
}

#[derive(Debug)]
struct KeyCard {
    name: String,
    key_id: String,
    connection: String,
    environment: &'static str,
    sentence: String,
    /// What keeps it from being used, if anything.
    stopped: Option<&'static str>,
    last_used: Option<Moment>,
    meters: Vec<Meter>,
}

#[derive(Debug)]
struct ChainCard {
    /// How many records it has, and its head: for the team that runs this Paddock, since it is of all teams.
    size: Option<(String, String)>,
    /// `whole`, `broken` or `unknown`.
    state: &'static str,
    checked: Option<Moment>,
    checked_records: String,
    fault: Option<String>,
}

/// The page. Where nothing is connected the first steps stand in its place.
pub(super) async fn show(desk: Desk) -> Result<Response, Problem> {
    let rows = desk.store.connections(desk.user).await?;
    if rows.is_empty() {
        return super::welcome::show(desk).await;
    }
    page(&gather(&desk, rows).await?)
}

async fn gather(desk: &Desk, rows: Vec<Connection>) -> Result<Home, Problem> {
    let now = desk.now();
    let (records, head) = desk.store.audit_head().await?;
    let verdict = super::chain::known(&desk.shared(), records).await;
    let everything_frozen = crate::api::freeze::everything_frozen(desk).await?;
    let facts = Facts::load(desk).await?;
    let mut usable = desk.store.keys(desk.user).await?;
    usable.retain(|key| key.revoked_at.is_none());
    let connections = connections::cards(rows, &facts, &usable, now);
    let keys = keys::views(desk, usable).await?;
    let latest = AuditQuery { limit: RECORDS, team: Some(desk.user), ..AuditQuery::default() };
    let latest = desk.store.audit_page(&latest).await?;
    let names = desk.store.names(desk.user).await?;
    let open = rotations::all(desk).await?;
    let open: Vec<_> = open.into_iter().filter(|one| !one.over && !one.rehearsal).collect();
    let is_open = |name: &str| open.iter().any(|one| one.connection == name);
    let due = facts.dues.iter().filter(|due| !is_open(&due.name)).filter_map(|due| {
        let words = match Nearness::of(due.due_at, due.days, now)? {
            Nearness::Overdue => format!("was due on {}", due.due_at.strftime("%-d %b %Y")),
            Nearness::Fortnight | Nearness::Week | Nearness::Day => {
                format!("is due {}", due_words(days_left(due.due_at, now)))
            }
        };
        Some(DuePair { connection: due.name.clone(), words })
    });
    let waiting = |one: &RotationView| {
        let ask = one.asks.first()?;
        let (id, connection) = (one.id.to_string(), one.connection.clone());
        Some(Waiting { id, connection, message: ask.message.clone() })
    };
    Ok(Home {
        rotations: open.iter().filter_map(waiting).collect(),
        due: due.collect(),
        shell: Shell::load(desk, Section::Overview, "Overview").await?,
        gateway_url: desk.gateway_url.clone(),
        vault_locked: desk.sealer.fingerprint(&SecretText::new(String::new())).is_err(),
        keys: keys.iter().map(|key| key_card(key, &connections, everything_frozen, now)).collect(),
        connections,
        requests: desk
            .control
            .recent_of(desk.user, REQUESTS)
            .into_iter()
            .map(|line| RequestCells::new(line, now))
            .collect(),
        totals: totals(desk.control.counters_of(desk.user)),
        chain: chain_card(verdict, desk.runs_this().then(|| (grouped(records), head.to_string())), now),
        records: latest.iter().map(|record| RecordCells::new(record, &names, now)).collect(),
    })
}

fn totals(counters: Counters) -> Vec<Total> {
    let total = |label, kind, count| Total { label, kind, count: grouped(count) };
    vec![
        total("requests", "all", counters.requests),
        total("permitted", "permitted", counters.permitted),
        total("refused", "refused", counters.refused),
        total("no valid key", "unauthenticated", counters.unauthenticated),
        total("failed", "failed", counters.failed),
    ]
}

fn key_card(key: &KeyView, connections: &[Card], everything_frozen: bool, now: Timestamp) -> KeyCard {
    let connection_frozen = connections.iter().any(|card| card.name == key.connection && card.frozen);
    let expired = key.scope.expires_at.is_some_and(|expiry| expiry <= now);
    let stopped = match (expired, key.frozen, connection_frozen, everything_frozen) {
        (true, ..) => Some("expired"),
        (_, true, ..) | (.., true) => Some("frozen"),
        (_, _, true, _) => Some("frozen with its connection"),
        _ => None,
    };
    KeyCard {
        name: key.name.clone(),
        key_id: key.key_id.clone(),
        connection: key.connection.clone(),
        environment: key.environment.as_str(),
        sentence: key.scope_sentence.clone(),
        stopped,
        last_used: key.last_used_at.map(|at| Moment::ago(at, now)),
        meters: meters::of(&key.scope, key.usage.orders, key.usage.notional),
    }
}

fn counted(records: u64) -> String {
    if records == 1 { "1 record".to_owned() } else { format!("{} records", grouped(records)) }
}

fn chain_card(verdict: Option<Verdict>, size: Option<(String, String)>, now: Timestamp) -> ChainCard {
    let checked = verdict.as_ref().map(|verdict| Moment::ago(verdict.at, now));
    let (state, checked_records, fault) = match verdict.map(|verdict| verdict.outcome) {
        Some(Ok(_)) if size.is_none() => ("whole", String::new(), None),
        Some(Err(_)) if size.is_none() => ("broken", String::new(), Some(ELSEWHERE.to_owned())),
        Some(Ok(chain)) => ("whole", counted(chain.count), None),
        Some(Err(fault)) => ("broken", String::new(), Some(fault)),
        None => ("unknown", String::new(), None),
    };
    ChainCard { size, state, checked, checked_records, fault }
}
