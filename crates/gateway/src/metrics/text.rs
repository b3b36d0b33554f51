//! Everything that is measured, as one text for Prometheus.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use paddock_alpaca::operation::Api;
use paddock_core::SecretText;
use paddock_core::id::UserId;
use paddock_core::rotation::days_left;
use paddock_store::Subject;

use super::exposition::{Exposition, Kind, Seconds};
use super::process;
use super::requests::class_names;
use crate::budget::{Budget, Priority, view};
use crate::directory::{Directory, KeyEntry};
use crate::shared::Shared;

/// So many access keys have figures of their own. Those of the others are added up under [`OTHERS`], so that whoever reads this is not
/// drowned.
const KEYS: usize = 1000;

/// The name of all other keys, which no key can have.
const OTHERS: &str = "(others)";

/// The text. What the database does not tell in time is left out, and said to be.
pub(crate) async fn text(shared: &Shared) -> String {
    let directory = shared.directory.load_full();
    let mut text = Exposition::default();
    text.family("paddock_info", Kind::Gauge, "The version that runs.");
    text.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    requests(&mut text, shared, &directory);
    budgets(&mut text, shared, &directory);
    streams(&mut text, shared, &directory);
    records(&mut text, shared).await;
    state(&mut text, shared, &directory);
    pairs(&mut text, shared, &directory).await;
    process::write(&mut text);
    text.finish()
}

/// The keys with their names, in order; the second part is all those that have no figures of their own.
fn named(directory: &Directory) -> (Vec<&Arc<KeyEntry>>, Vec<&Arc<KeyEntry>>) {
    let mut keys: Vec<&Arc<KeyEntry>> = directory.keys().collect();
    keys.sort_by(|one, other| one.key.name.cmp(&other.key.name));
    let others = keys.split_off(keys.len().min(KEYS));
    (keys, others)
}

fn requests(text: &mut Exposition, shared: &Shared, directory: &Directory) {
    let (keys, others) = named(directory);
    text.family(
        "paddock_requests_total",
        Kind::Counter,
        "Requests by access key, class of operation and outcome.",
    );
    let mut write = |key: &str, sums: BTreeMap<(&str, &str), u64>| {
        for ((class, outcome), count) in sums {
            text.sample(&[("key", key), ("class", class), ("outcome", outcome)], count);
        }
    };
    let mut without = BTreeMap::new();
    shared.log.metrics.without_key.add_to(&mut without);
    write("", without);
    for entry in keys {
        let mut sums = BTreeMap::new();
        shared.meters.of(entry).outcomes.add_to(&mut sums);
        write(&entry.key.name, sums);
    }
    let mut sums = BTreeMap::new();
    for entry in others {
        shared.meters.of(entry).outcomes.add_to(&mut sums);
    }
    write(OTHERS, sums);
    text.family("paddock_stopped_total", Kind::Counter, "Requests that were refused or failed, by reason.");
    for (reason, count) in shared.log.metrics.reasons() {
        text.sample(&[("reason", &reason)], count);
    }
    text.family(
        "paddock_request_seconds",
        Kind::Histogram,
        "From a request's arrival to the head of its answer, Alpaca's time included.",
    );
    for (class, histogram) in class_names().zip(&shared.log.metrics.whole) {
        let held = histogram.held();
        if held.count > 0 {
            text.histogram(&[("class", class)], &held);
        }
    }
    text.family(
        "paddock_decide_seconds",
        Kind::Histogram,
        "From a request's arrival until it was sent on: facts, waiting, reservation and record included.",
    );
    for (kind, histogram) in
        [("read", &shared.metrics.decide_read), ("change", &shared.metrics.decide_change)]
    {
        text.histogram(&[("kind", kind)], &histogram.held());
    }
}

/// Every budget with the labels that name it.
fn each_budget(shared: &Shared, directory: &Directory, mut what: impl FnMut(&str, &'static str, &Budget)) {
    let mut connections: Vec<_> = directory.connections().collect();
    connections.sort_by(|one, other| one.connection.name.cmp(&other.connection.name));
    for entry in connections {
        let account = shared.meters.account(entry.connection.id);
        for api in [Api::Trading, Api::Data] {
            what(&entry.connection.name, view::name(api), account.budget(api));
        }
    }
}

fn budgets(text: &mut Exposition, shared: &Shared, directory: &Directory) {
    let now = shared.clock.now();
    text.family("paddock_budget_limit", Kind::Gauge, "Requests a minute that an account may make.");
    each_budget(shared, directory, |connection, api, budget| {
        text.sample(&[("connection", connection), ("api", api)], budget.state(now).0);
    });
    text.family("paddock_budget_left", Kind::Gauge, "How many of them are left in this minute.");
    each_budget(shared, directory, |connection, api, budget| {
        text.sample(&[("connection", connection), ("api", api)], budget.state(now).1);
    });
    text.family("paddock_budget_waiting", Kind::Gauge, "Requests that wait for one, by priority.");
    each_budget(shared, directory, |connection, api, budget| {
        for (priority, count) in Priority::ALL.into_iter().zip(budget.waiting()) {
            let labels = [("connection", connection), ("api", api), ("priority", priority.as_str())];
            text.sample(&labels, count);
        }
    });
    text.family(
        "paddock_budget_wait_seconds",
        Kind::Histogram,
        "How long those waited who had to, by priority.",
    );
    each_budget(shared, directory, |connection, api, budget| {
        for (priority, waits) in Priority::ALL.into_iter().zip(&budget.figures.waits) {
            let held = waits.held();
            if held.count > 0 {
                let labels = [("connection", connection), ("api", api), ("priority", priority.as_str())];
                text.histogram(&labels, &held);
            }
        }
    });
    text.family("paddock_budget_refused_total", Kind::Counter, "Requests that waited in vain, by priority.");
    each_budget(shared, directory, |connection, api, budget| {
        for (priority, count) in Priority::ALL.into_iter().zip(&budget.figures.refused) {
            let labels = [("connection", connection), ("api", api), ("priority", priority.as_str())];
            text.sample(&labels, count.load(Ordering::Relaxed));
        }
    });
    text.family("paddock_upstream_answers_total", Kind::Counter, "Alpaca's answers by HTTP status.");
    each_budget(shared, directory, |connection, api, budget| {
        for (status, count) in budget.figures.statuses() {
            let labels = [("connection", connection), ("api", api), ("status", status.as_str())];
            text.sample(&labels, count);
        }
    });
    text.family(
        "paddock_upstream_lost_total",
        Kind::Counter,
        "Requests to Alpaca without an answer: not sent, broken off or timed out.",
    );
    each_budget(shared, directory, |connection, api, budget| {
        let lost = budget.figures.lost.load(Ordering::Relaxed);
        text.sample(&[("connection", connection), ("api", api)], lost);
    });
    text.family(
        "paddock_upstream_seconds",
        Kind::Histogram,
        "From sending a request to the head of Alpaca's answer.",
    );
    each_budget(shared, directory, |connection, api, budget| {
        let held = budget.figures.upstream.held();
        if held.count > 0 {
            text.histogram(&[("connection", connection), ("api", api)], &held);
        }
    });
}

fn streams(text: &mut Exposition, shared: &Shared, directory: &Directory) {
    let streams = &shared.metrics.streams;
    text.family("paddock_streams_open", Kind::Gauge, "Programs at a stream.");
    for ((connection, path), count) in streams.open() {
        // The streams of a connection that was removed have ended, or are about to.
        let Some(entry) = directory.connection(connection) else { continue };
        text.sample(&[("connection", &entry.connection.name), ("stream", path)], count);
    }
    let slow = streams.slow.load(Ordering::Relaxed);
    text.single(
        "paddock_streams_slow_total",
        Kind::Counter,
        "Programs cut off because they did not read.",
        slow,
    );
    let gaps = streams.gaps.load(Ordering::Relaxed);
    text.single("paddock_streams_gaps_total", Kind::Counter, "Interruptions of a stream from Alpaca.", gaps);
}

async fn records(text: &mut Exposition, shared: &Shared) {
    let audit = &shared.metrics.audit;
    text.family("paddock_audit_seconds", Kind::Histogram, "How long it takes to make a record durable.");
    text.histogram(&[], &audit.latency.held());
    let failed = audit.failed.load(Ordering::Relaxed);
    text.single("paddock_audit_failures_total", Kind::Counter, "Records that could not be written.", failed);
    let open = tokio::time::timeout(super::PATIENCE, shared.store.open_reservations()).await;
    let open = open.ok().and_then(Result::ok);
    text.single(
        "paddock_database_answers",
        Kind::Gauge,
        "Whether the database answered just now.",
        u8::from(open.is_some()),
    );
    if let Some(open) = open {
        let unknown = open.iter().filter(|reservation| reservation.known_unknown).count();
        text.family(
            "paddock_reservations",
            Kind::Gauge,
            "Requests that changed something and are not settled: under way, or with an unknown fate.",
        );
        text.sample(&[("state", "reserved")], open.len() - unknown);
        text.sample(&[("state", "unknown")], unknown);
    }
}

/// When the connections' pairs are due.
async fn pairs(text: &mut Exposition, shared: &Shared, directory: &Directory) {
    let users: BTreeSet<UserId> = directory.connections().map(|entry| entry.connection.user).collect();
    let now = shared.clock.now();
    text.family(
        "paddock_pair_due_days",
        Kind::Gauge,
        "Whole days until a connection's key pair is due to be replaced; negative when it was due.",
    );
    for user in users {
        let dues = tokio::time::timeout(super::PATIENCE, shared.store.rotations_due(user)).await;
        for due in dues.ok().and_then(Result::ok).unwrap_or_default() {
            text.sample(&[("connection", &due.name)], days_left(due.due_at, now));
        }
    }
}

fn state(text: &mut Exposition, shared: &Shared, directory: &Directory) {
    text.family(
        "paddock_frozen",
        Kind::Gauge,
        "Whether a freeze holds: of everything, a connection, or a key.",
    );
    text.sample(&[("what", "everything"), ("name", "")], u8::from(directory.is_frozen(Subject::Everything)));
    let mut connections: Vec<_> = directory.connections().map(|entry| &entry.connection).collect();
    connections.sort_by(|one, other| one.name.cmp(&other.name));
    for connection in &connections {
        text.sample(
            &[("what", "connection"), ("name", &connection.name)],
            u8::from(directory.is_frozen(Subject::Connection(connection.id))),
        );
    }
    let (keys, _) = named(directory);
    for entry in &keys {
        text.sample(
            &[("what", "key"), ("name", &entry.key.name)],
            u8::from(directory.is_frozen(Subject::Key(entry.key.id))),
        );
    }
    // Taking a fingerprint needs the keys and nothing else.
    let locked = shared.sealer.fingerprint(&SecretText::new(String::new())).is_err();
    text.single(
        "paddock_vault_locked",
        Kind::Gauge,
        "Whether no credential can be opened.",
        u8::from(locked),
    );
    let stale = shared.directory_is_stale.load(Ordering::Relaxed);
    text.single(
        "paddock_directory_stale",
        Kind::Gauge,
        "Whether the last change of keys and freezes could not be read from the database.",
        u8::from(stale),
    );
    text.family("paddock_key_created_timestamp_seconds", Kind::Gauge, "When an access key was issued.");
    for entry in &keys {
        text.sample(&[("key", &entry.key.name)], entry.key.created_at.as_second());
    }
    text.family(
        "paddock_key_expires_timestamp_seconds",
        Kind::Gauge,
        "When an access key expires, if it does.",
    );
    for entry in &keys {
        if let Some(expiry) = entry.key.scope.expires_at {
            text.sample(&[("key", &entry.key.name)], expiry.as_second());
        }
    }
    text.family(
        "paddock_credential_created_timestamp_seconds",
        Kind::Gauge,
        "When the credential of a connection was stored: the older, the sooner it should be rotated.",
    );
    let mut entries: Vec<_> = directory.connections().collect();
    entries.sort_by(|one, other| one.connection.name.cmp(&other.connection.name));
    for entry in entries {
        text.sample(&[("connection", &entry.connection.name)], entry.stored_at().as_second());
    }
    let uptime = shared.clock.now().duration_since(shared.started_at).as_micros();
    let uptime = Seconds(u64::try_from(uptime).unwrap_or(0));
    text.single("paddock_uptime_seconds", Kind::Gauge, "For how long the gateway has run.", uptime);
}
