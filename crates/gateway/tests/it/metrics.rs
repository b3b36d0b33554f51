//! What is measured, read by a strict reader of Prometheus' text format; and whether the gateway says that it cannot serve.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use paddock_core::audit::Actor;
use paddock_core::calendar::trading_date;
use paddock_core::decide::ReasonCode;
use paddock_core::id::RequestId;
use paddock_core::{Clock as _, Refusal, Usage};
use paddock_gateway::Health;
use paddock_store::{Intent, Store, Target};
use paddock_vault::OsEntropy;
use serde_json::json;

use crate::rig::{REAL_ID, REAL_SECRET, Rig, trader};

/// The samples of a text, by name with labels. Whatever Prometheus would not read, or would read wrongly, fails.
fn parse(text: &str) -> BTreeMap<String, String> {
    let mut families: BTreeMap<String, String> = BTreeMap::new();
    let mut samples = BTreeMap::new();
    let (mut family, mut helped) = (String::new(), String::new());
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!help.trim().is_empty() && !help.contains('\\'), "{line}");
            helped = name.to_owned();
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, helped, "a family has its help before it");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(is_name(name), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert_eq!(families.insert(name.to_owned(), kind.to_owned()), None, "{name} is there twice");
            family = name.to_owned();
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, read_labels(labels)),
            None => (series, Vec::new()),
        };
        let suffixes: &[&str] =
            if families[&family] == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        assert!(suffixes.iter().any(|suffix| format!("{family}{suffix}") == name), "{line} after {family}");
        let names: BTreeSet<&String> = labels.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), labels.len(), "{line}");
        assert!(value.parse::<f64>().unwrap() >= 0.0, "{line}");
        assert_eq!(samples.insert(series.to_owned(), value.to_owned()), None, "{series} is there twice");
    }
    check_buckets(&samples);
    samples
}

fn is_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn read_labels(text: &str) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    let mut rest = text;
    loop {
        let (name, after) = rest.split_once("=\"").unwrap();
        assert!(is_name(name), "{text}");
        let mut value = String::new();
        let mut letters = after.char_indices();
        let end = loop {
            match letters.next().unwrap() {
                (_, '\\') => value.push(letters.next().unwrap().1),
                (at, '"') => break at,
                (_, letter) => value.push(letter),
            }
        };
        labels.push((name.to_owned(), value));
        match &after[end + 1..] {
            "}" => return labels,
            more => rest = more.strip_prefix(',').unwrap(),
        }
    }
}

/// Each bucket holds the one before it, and the last holds everything.
fn check_buckets(samples: &BTreeMap<String, String>) {
    let mut by_series: BTreeMap<String, Vec<(f64, u64)>> = BTreeMap::new();
    for (series, count) in samples.iter().filter(|(series, _)| series.contains("_bucket{")) {
        let (start, bound) = series.split_once("le=\"").unwrap();
        let bound = bound.trim_end_matches("\"}").replace("+Inf", "inf").parse().unwrap();
        by_series.entry(start.to_owned()).or_default().push((bound, count.parse().unwrap()));
    }
    assert!(!by_series.is_empty());
    for (series, mut buckets) in by_series {
        buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
        assert!(buckets.is_sorted_by_key(|(_, count)| *count), "{series}: {buckets:?}");
        let count = series.replace("_bucket{", "_count{").trim_end_matches(',').to_owned() + "}";
        let count = count.replace("{}", "");
        assert_eq!(samples[&count], buckets.last().unwrap().1.to_string(), "{series}");
    }
}

#[tokio::test]
async fn what_happens_is_measured() {
    let rig = Rig::start().await;
    let mut scope = trader();
    scope.max_requests_per_minute = Some(3);
    scope.expires_at = Some("2026-12-01T00:00:00Z".parse().unwrap());
    let pair = rig.key(scope).await;
    let name = rig.store.key(pair.id).await.unwrap().unwrap().name;
    let order = json!({"symbol":"AAPL","notional":"100","side":"buy","type":"market","time_in_force":"day"});
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 200);
    assert_eq!(rig.order(&pair, order).await.0, 200);
    assert_eq!(rig.send("PATCH", "/v2/account/configurations", &pair, Some("{}")).await.0, 403);
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 429);
    let nobody = rig.http.get(format!("http://{}/v2/account", rig.address)).send().await.unwrap();
    assert_eq!(nobody.status(), 401);
    rig.store.set_key_frozen(pair.id, true, &Actor::Operator, rig.clock.now()).await.unwrap();
    rig.control.reload().await.unwrap();
    let text = rig.control.metrics().await;
    for secret in [REAL_ID, REAL_SECRET, &pair.key_id, &pair.secret] {
        assert!(!text.contains(secret));
    }
    let samples = parse(&text);
    let counts = [
        (
            format!("paddock_requests_total{{key=\"{name}\",class=\"account-read\",outcome=\"permitted\"}}"),
            "1",
        ),
        (format!("paddock_requests_total{{key=\"{name}\",class=\"account-read\",outcome=\"refused\"}}"), "1"),
        (format!("paddock_requests_total{{key=\"{name}\",class=\"order\",outcome=\"permitted\"}}"), "1"),
        (format!("paddock_requests_total{{key=\"{name}\",class=\"settings\",outcome=\"refused\"}}"), "1"),
        ("paddock_requests_total{key=\"\",class=\"unknown\",outcome=\"unauthenticated\"}".to_owned(), "1"),
        ("paddock_stopped_total{reason=\"operation_not_allowed\"}".to_owned(), "1"),
        ("paddock_stopped_total{reason=\"request_rate_exceeded\"}".to_owned(), "1"),
        (
            "paddock_upstream_answers_total{connection=\"main\",api=\"trading\",status=\"200\"}".to_owned(),
            "2",
        ),
        ("paddock_upstream_seconds_count{connection=\"main\",api=\"trading\"}".to_owned(), "2"),
        ("paddock_decide_seconds_count{kind=\"change\"}".to_owned(), "1"),
        ("paddock_budget_limit{connection=\"main\",api=\"data\"}".to_owned(), "200"),
        ("paddock_budget_left{connection=\"main\",api=\"trading\"}".to_owned(), "198"),
        ("paddock_reservations{state=\"unknown\"}".to_owned(), "0"),
        ("paddock_frozen{what=\"everything\",name=\"\"}".to_owned(), "0"),
        (format!("paddock_frozen{{what=\"key\",name=\"{name}\"}}"), "1"),
        (format!("paddock_key_expires_timestamp_seconds{{key=\"{name}\"}}"), "1796083200"),
        ("paddock_vault_locked".to_owned(), "0"),
        ("paddock_database_answers".to_owned(), "1"),
    ];
    for (series, value) in counts {
        assert_eq!(samples.get(&series).map(String::as_str), Some(value), "{series} in {text}");
    }
    // One reservation and two refusals were made durable.
    assert!(samples["paddock_audit_seconds_count"].parse::<u64>().unwrap() >= 3);
    if cfg!(target_os = "linux") {
        assert!(samples["process_resident_memory_bytes"].parse::<u64>().unwrap() > 1_000_000);
    }
}

#[tokio::test]
async fn a_name_that_is_no_label_is_escaped() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 200);
    let odd = "GET /\"}\\n HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    rig.raw(odd.as_bytes()).await;
    parse(&rig.control.metrics().await);
}

fn unready(health: &Health) -> Vec<&str> {
    assert_eq!(health.ready, health.parts.iter().all(|part| part.ready));
    health.parts.iter().filter(|part| !part.ready).map(|part| part.name).collect()
}

#[tokio::test]
async fn a_locked_vault_is_not_ready() {
    let rig = Rig::start().await;
    assert!(unready(&rig.control.health().await).is_empty());
    let pair = rig.key(trader()).await;
    let (control, address) = crate::rig::locked_rig(&rig).await;
    let health = control.health().await;
    assert_eq!(unready(&health), ["vault"]);
    assert!(health.parts.iter().any(|part| part.problem.is_some_and(|problem| problem.contains("restart"))));
    let answer = rig.http.get(format!("http://{address}/v2/account")).bearer_auth(&pair.secret).send().await;
    assert_eq!(answer.unwrap().status(), 503);
    assert_eq!(parse(&control.metrics().await)["paddock_vault_locked"], "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_takes_no_write_is_not_ready() {
    let rig = Arc::new(Rig::start().await);
    let pair = rig.key(trader()).await;
    // Another process has the database and does not let go.
    let other = Store::open(&Target::Sqlite(rig.path("paddock.db"))).await.unwrap();
    let (holds, held) = mpsc::channel();
    let (let_go, go) = mpsc::channel::<()>();
    let at = rig.clock.now();
    let intent = Intent {
        request: RequestId::generate(at, &OsEntropy),
        key: pair.id,
        connection: rig.connection,
        day: trading_date(at),
        at,
        actor: Actor::Operator,
        operation: "postOrder".to_owned(),
        pair: None,
        client_order_id: None,
        already_charged: rust_decimal::Decimal::ZERO,
        replaces: None,
        quantity: None,
        figures: None,
    };
    let holding = tokio::spawn(async move {
        let refuse = Box::new(move |_: &Usage| {
            holds.send(()).unwrap();
            go.recv().unwrap();
            Err(Refusal::new(ReasonCode::Frozen, String::new(), &[]))
        });
        other.reserve(&intent, refuse).await
    });
    tokio::task::spawn_blocking(move || held.recv().unwrap()).await.unwrap();
    assert_eq!(unready(&rig.control.health().await), ["database"]);
    let_go.send(()).unwrap();
    assert!(holding.await.unwrap().unwrap().is_err());
    // What was seen holds for a second.
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    while !rig.control.health().await.ready {
        ticks.tick().await;
    }
}
