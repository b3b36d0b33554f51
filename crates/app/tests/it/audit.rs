//! The audit as an operator and an auditor have it: exported and verified offline, shortened, and refusing when it cannot be written.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use paddock_alpaca::client::ClientOptions;
use paddock_alpaca::endpoints::EndpointOverrides;
use paddock_alpaca::{AlpacaClient, Endpoints};
use paddock_core::ManualClock;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_gateway::{Gateway, GatewayOptions, Limits};
use paddock_store::{Store, Target};
use paddock_vault::{KeyFile, OsEntropy, Vault};
use serde_json::Value;

use crate::bench::{Bench, Process, http};

const ORDER: &str =
    r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"limit","limit_price":"10","time_in_force":"day"}"#;

fn order(server: &Process, pair: &[(&str, &str)]) -> (u16, Value) {
    let (status, body) = http("POST", &format!("{}/v2/orders", server.address("gateway")), pair, ORDER);
    (status, serde_json::from_str(&body).unwrap_or_default())
}

#[test]
fn an_export_is_verified_without_a_data_directory() {
    let bench = Bench::new();
    bench.connect().ok();
    let (key_id, secret_key) = bench.issue("bot");
    let pair = [("apca-api-key-id", key_id.as_str()), ("apca-api-secret-key", secret_key.as_str())];
    let mut server = bench.serve();
    let public_key = bench.run(&["audit", "key"]).ok().json()["public_key"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        assert_eq!(order(&server, &pair).0, 200);
    }
    let file = bench.path().join("audit.jsonl");
    let name = file.to_str().unwrap();
    bench.run(&["audit", "export", name]).ok();

    // Somewhere else, where there is nothing but the file.
    let elsewhere = tempfile::tempdir().unwrap();
    let verify = |arguments: &[&str]| {
        let mut command = crate::bench::paddock(elsewhere.path());
        command.args(["audit", "verify"]).args(arguments).arg("--json");
        crate::bench::finish(command, "")
    };
    let found = verify(&[name, "--public-key", &public_key]).ok().json();
    assert_eq!((&found["valid"], &found["trusted"]), (&Value::from(true), &Value::from(true)));
    assert_eq!(found["key"], public_key);
    let foreign = "ab".repeat(32);
    assert_eq!(verify(&[name, "--public-key", &foreign]).status, 3);

    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("\\\"AAPL\\\"", "\\\"TSLA\\\"", 1).replacen("bot", "bob", 1))
        .unwrap();
    let refused = verify(&[name]);
    assert_eq!(refused.status, 3);
    assert!(refused.stderr.contains("line "), "{refused:?}");

    // What is counted of the key's use.
    let used = bench.run(&["key", "show", "bot"]).ok().json();
    assert_eq!(used["use"]["days"][0]["orders"], 3, "{used}");
    assert_eq!(used["use"]["address"], "127.0.0.1");
    assert_eq!(server.stop(), 0);

    // A shutdown signs what was not signed yet, and a prune leaves a chain that verifies.
    let kept = bench.path().join("old.jsonl");
    let pruned = bench
        .run(&["audit", "prune", "--before", "2999-01-01", "--export", kept.to_str().unwrap()])
        .ok()
        .json();
    assert!(pruned["removed"].as_u64().unwrap() > 5, "{pruned}");
    verify(&[kept.to_str().unwrap(), "--public-key", &public_key]).ok();
    let rest = bench.run(&["audit", "verify"]).ok().json();
    assert_eq!(rest["removed"], pruned["removed"]);
    assert_eq!(bench.run(&["doctor"]).status, 0);
    let mut server = bench.serve();
    assert_eq!(order(&server, &pair).0, 200);
    assert_eq!(server.stop(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_refuses_clearly_and_room_mends_it() {
    let bench = Bench::new();
    bench.connect().ok();
    let (key_id, secret_key) = bench.issue("bot");
    let pair = [("apca-api-key-id", key_id.as_str()), ("apca-api-secret-key", secret_key.as_str())];
    let mut server = bench.serve_limited();
    assert_eq!(order(&server, &pair).0, 200);
    server.limit_files("0");
    let started = std::time::Instant::now();
    for _ in 0..3 {
        let (status, body) = order(&server, &pair);
        assert_eq!((status, &body["reason"]), (503, &Value::from("audit_unavailable")), "{body}");
        assert!(body["message"].as_str().unwrap().contains("disk"), "{body}");
    }
    assert!(started.elapsed().as_secs() < 60);
    server.limit_files("unlimited");
    assert_eq!(order(&server, &pair).0, 200, "there is room again");
    // What was refused did not reach the broker, and was not charged.
    assert_eq!(bench.run(&["key", "show", "bot"]).ok().json()["usage"]["orders"], 2);
    assert_eq!(bench.run(&["audit", "verify"]).ok().json()["valid"], true);
    assert_eq!(server.stop(), 0);
}

/// A data directory of two years ago, whose records were signed then.
async fn leave_signed_records(directory: &Path) {
    let then: Timestamp = "2024-11-20T15:00:00Z".parse().unwrap();
    let key_file = KeyFile::new(directory.join("vault.key"));
    key_file.create(&OsEntropy).unwrap();
    let store = Store::open(&Target::Sqlite(directory.join("paddock.db"))).await.unwrap();
    let user = store.ensure_owner(then, &OsEntropy).await.unwrap();
    let endpoints = Endpoints::new(&EndpointOverrides::default()).unwrap();
    let gateway = Gateway::start(GatewayOptions {
        store: store.clone(),
        vault: Vault::open(key_file),
        client: AlpacaClient::new(endpoints, &ClientOptions::default()).unwrap(),
        clock: Arc::new(ManualClock::new(then)),
        entropy: Arc::new(OsEntropy),
        user,
        limits: Limits::default(),
    })
    .await
    .unwrap();
    for records in 0..5 {
        let event = AuditEvent::BackupWritten { records };
        store.append_audit(&Actor::Operator, &event, then).await.unwrap();
    }
    assert!(gateway.control().sign_audit().await.unwrap().is_some());
    store.close().await;
}

/// `[audit] keep`: what is older goes by itself, as far as a signature reaches, and what is left verifies.
#[test]
fn old_records_go_by_themselves() {
    let bench = Bench::new();
    std::fs::create_dir(bench.data_dir()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(leave_signed_records(&bench.data_dir()));
    let serve = |keep: &str| {
        std::fs::write(bench.data_dir().join("config.toml"), format!("[audit]\nkeep = \"{keep}\"\n"))
            .unwrap();
        bench.serve()
    };
    let count = || bench.run(&["audit", "verify"]).ok().json();
    assert_eq!(serve("1000d").stop(), 0);
    let before = count();
    assert_eq!((&before["valid"], &before["removed"]), (&Value::from(true), &Value::from(0)), "{before}");
    let mut server = serve("365d");
    // It looks when it has started.
    let removed = bench.wait_for_records(1, &["audit_pruned"]);
    assert_eq!(removed, ["audit_pruned"]);
    assert_eq!(server.stop(), 0);
    let after = count();
    assert_eq!(after["valid"], true, "{after}");
    assert!(after["removed"].as_u64().unwrap() >= 5, "{after}");
    assert_eq!(bench.run(&["doctor"]).status, 0);
}
