//! The vault from outside: status, rotation, backup, and that nothing shows a secret.

use std::path::Path;

use paddock_store::{Store, Target};
use serde_json::json;

use crate::harness::{LIVE, PAPER, Paddock};

#[tokio::test]
async fn rotations_leave_every_connection_working() {
    let paddock = Paddock::start().await;
    // The key that signs the audit is sealed from the start.
    assert_eq!(paddock.get("/api/v1/vault").await.json["deks"][0]["seals"], 1);
    paddock.connect_paper().await;
    paddock.connect("real", "live", &LIVE).await.expect(201);
    let before = paddock.get("/api/v1/vault").await.json;
    assert_eq!(before["deks"][0]["seals"], 5);
    assert_eq!(before["locked"], false);
    for what in ["kek", "dek"] {
        paddock.post("/api/v1/vault/rotate", &json!({ "what": what })).await.expect(200);
        for name in ["my-paper", "real"] {
            let reply = paddock.post(&format!("/api/v1/connections/{name}/check"), &json!({})).await;
            assert_eq!(reply.json["healthy"], true, "{what}: {reply:?}");
        }
    }
    let after = paddock.get("/api/v1/vault").await.json;
    assert_ne!(after["kek"], before["kek"]);
    assert_ne!(after["deks"][0]["id"], before["deks"][0]["id"]);
    assert!(paddock.get("/api/v1/audit/verify").await.json["valid"].as_bool().unwrap());
}

#[tokio::test]
async fn a_backup_is_a_whole_archive() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let reply = paddock.post("/api/v1/backup", &json!({})).await;
    reply.expect(200);
    assert_eq!(reply.headers["content-type"], "application/gzip");
    assert_eq!(reply.headers["content-length"], reply.bytes.len().to_string());
    let other = Store::open(&Target::Sqlite(paddock.dir.path().join("restored.db"))).await.unwrap();
    let archive = std::io::Cursor::new(reply.bytes);
    let summary = other.import(archive).await.unwrap();
    assert!(summary.records >= 2);
    assert_eq!(other.snapshot().await.unwrap().connections.len(), 1);
    let left_behind = std::fs::read_dir(paddock.dir.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".backup"))
        .count();
    assert_eq!(left_behind, 0);
    let last = paddock.get("/api/v1/audit?limit=1").await;
    assert_eq!(last.json["items"][0]["event"]["event"], "backup_written");
}

#[tokio::test]
async fn no_answer_and_no_file_shows_a_secret() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.connect("real", "live", &LIVE).await.expect(201);
    let (_, access_secret) = paddock.issue_key("reader", &json!({ "preset": "read-only" })).await;
    let mut seen = Vec::new();
    for path in [
        "/api/v1/status",
        "/api/v1/connections",
        "/api/v1/keys",
        "/api/v1/keys/reader",
        "/api/v1/audit",
        "/api/v1/audit/verify",
        "/api/v1/audit/export",
        "/api/v1/vault",
        "/api/v1/requests",
    ] {
        seen.push((path.to_owned(), paddock.get(path).await.expect(200).bytes.clone()));
    }
    seen.push(("/".to_owned(), paddock.visit("/").await.bytes));
    seen.push(("debug".to_owned(), format!("{:?}", paddock.state).into_bytes()));
    files_under(paddock.dir.path(), &mut seen);
    assert!(seen.iter().any(|(name, _)| name.ends_with("paddock.db")));
    for (name, content) in seen {
        for secret in [PAPER.1, LIVE.1, PAPER.0, LIVE.0, access_secret.as_str()] {
            let found = content.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a secret shows in {name}");
        }
    }
}

fn files_under(dir: &Path, seen: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            seen.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}
