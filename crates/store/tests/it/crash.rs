//! `kill -9` while orders are being reserved and settled.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use paddock_core::audit::AuditEvent;
use paddock_core::id::RequestId;
use paddock_store::Settlement;
use rust_decimal::Decimal;

use crate::support::*;

on_both!(a_kill_at_any_point_leaves_caps_and_chain_consistent);

const LOCATION: &str = "PADDOCK_TEST_CRASH_LOCATION";

/// Not a test by itself: the process that is killed. It reserves and settles without end, and says what is done.
#[test]
fn victim() {
    let Ok(location) = std::env::var(LOCATION) else { return };
    runtime().block_on(async {
        let store = Database::at_location(location).open().await;
        let user = store.ensure_owner(at(), &ENTROPY).await.unwrap();
        let key = store.key_named(user, "bot").await.unwrap().unwrap();
        let mut out = std::io::stdout();
        for number in 0_u64.. {
            let intent = intent_of_this_process(&key);
            let decision = deciding(&key.scope, &intent, Some(dec("1.01")));
            _ = store.reserve(&intent, decision).await.unwrap().unwrap();
            writeln!(out, "\nreserved {}", intent.request).unwrap();
            let outcome = match number % 4 {
                0 => Settlement::Confirmed { status: Some(200), order_id: Some(format!("order-{number}")) },
                1 => Settlement::Released { status: Some(403) },
                2 => Settlement::Unknown,
                _ => continue,
            };
            store.settle(intent.request, &outcome, at()).await.unwrap();
            writeln!(out, "\nsettled {}", intent.request).unwrap();
        }
    });
}

/// Each process must have requests of its own.
fn intent_of_this_process(key: &paddock_store::AccessKey) -> paddock_store::Intent {
    let mut intent = intent(key);
    let mut bytes = *intent.request.as_uuid().as_bytes();
    bytes[..4].copy_from_slice(&std::process::id().to_be_bytes());
    intent.request = RequestId::from_uuid(uuid::Uuid::from_bytes(bytes));
    intent
}

async fn a_kill_at_any_point_leaves_caps_and_chain_consistent(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    store.close().await;
    for round in 0..8_usize {
        let said = tokio::task::block_in_place(|| run_and_kill(&database, 1 + round * 5));
        let store = database.open().await;
        // PostgreSQL ends what the dead process had asked for; whoever writes next waits for that.
        let event = AuditEvent::BackupWritten { records: 0 };
        store.append_audit(&PERSON, &event, at()).await.unwrap();
        store.verify_audit().await.unwrap();

        let rows = database.texts("SELECT request_id FROM reservations").await;
        let missing: Vec<&String> = said.iter().filter(|request| !rows.contains(request)).collect();
        assert!(missing.is_empty(), "said to be reserved, but is not there: {missing:?}");

        let taken = database.texts("SELECT notional FROM reservations WHERE state <> 'released'").await;
        let sum: Decimal = taken.iter().map(|notional| dec(notional)).sum();
        let usage = store.usage(it.key.id, day()).await.unwrap();
        assert_eq!((usage.notional, usage.orders as usize), (sum, taken.len()));

        let count = |event: &str| format!("SELECT event FROM audit WHERE event_name = '{event}'");
        assert_eq!(database.texts(&count("request_permitted")).await.len(), rows.len());
        let settled = database.texts("SELECT request_id FROM reservations WHERE state <> 'reserved'").await;
        assert_eq!(database.texts(&count("request_answered")).await.len(), settled.len());
        store.close().await;
    }
}

/// Lets a process work until it has said so many lines, and kills it in the midst of what it does next. Returns the requests
/// that it said it had reserved.
fn run_and_kill(database: &Database, lines: usize) -> Vec<String> {
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::victim", "--nocapture", "--test-threads=1"])
        .env(LOCATION, database.location())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(victim.stdout.take().unwrap()).lines().map(Result::unwrap);
    let of_interest = |line: &String| line.starts_with("reserved ") || line.starts_with("settled ");
    let mut said: Vec<String> = output.by_ref().filter(of_interest).take(lines).collect();
    assert_eq!(said.len(), lines, "it ended by itself");
    victim.kill().unwrap();
    victim.wait().unwrap();
    said.extend(output.filter(of_interest));
    said.iter().filter_map(|line| line.strip_prefix("reserved ")).map(str::to_owned).collect()
}
