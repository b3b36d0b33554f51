//! A database that was set back is noticed, and served only when a person says so.

use std::fs;
use std::path::Path;

use crate::bench::{Bench, Done};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in ["paddock.db", "paddock.db-wal", "paddock.db-shm"] {
        _ = fs::remove_file(to.join(name));
        if from.join(name).exists() {
            fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

fn says_rolled_back(done: &Done) {
    assert_eq!(done.status, 3, "{done:?}");
    assert!(done.stderr.contains("the database is older than it was"), "{done:?}");
    assert!(done.stderr.contains("paddock doctor --accept-rollback"), "{done:?}");
}

#[test]
fn a_revocation_cannot_be_undone_by_an_older_database() {
    let bench = Bench::new();
    bench.connect().ok();
    bench.issue("bot");
    let older = bench.path().join("older");
    copy(&bench.data_dir(), &older);
    bench.run(&["key", "revoke", "bot"]).ok();
    copy(&older, &bench.data_dir());

    says_rolled_back(&bench.run(&["key", "list"]));
    says_rolled_back(&bench.run(&["serve", "--gateway", "127.0.0.1:0", "--web", "127.0.0.1:0"]));
    let doctor = bench.run(&["doctor"]);
    assert_eq!(doctor.status, 3, "{doctor:?}");
    let anchor =
        doctor.json().as_array().unwrap().iter().find(|c| c["name"] == "audit anchor").unwrap().clone();
    assert_eq!(anchor["verdict"], "fail");

    bench.run(&["doctor", "--accept-rollback"]).ok();
    assert_eq!(bench.run(&["key", "list"]).ok().json()[0]["revoked_at"], serde_json::Value::Null);
    let records = bench.run(&["audit", "list", "--event", "rollback_accepted"]).ok().json();
    assert_eq!(records.as_array().unwrap().len(), 1);
    assert_eq!(bench.run(&["audit", "verify"]).ok().json()["valid"], true);
}
