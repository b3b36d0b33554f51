//! The audit as an operator and an auditor have it: exported and verified offline, shortened, and refusing when it cannot be written.

use std::process::Command;

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

/// A file system that takes no more is stood in for by a limit on the size of files, which needs no rights to set and to lift.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_refuses_clearly_and_room_mends_it() {
    let bench = Bench::new();
    bench.connect().ok();
    let (key_id, secret_key) = bench.issue("bot");
    let pair = [("apca-api-key-id", key_id.as_str()), ("apca-api-secret-key", secret_key.as_str())];
    let mut limited = Command::new("sh");
    // The signal that comes with a write beyond the limit would end the process; ignored, the write fails.
    limited.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]).arg(env!("CARGO_BIN_EXE_paddock"));
    let plain = bench.command();
    limited.env_clear().envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited.args(["serve", "--web", "127.0.0.1:0", "--gateway", "127.0.0.1:0"]);
    let mut server = Process::start(limited, &bench.path().join("limited.log"));
    let limit = |size: &str| {
        let done = Command::new("prlimit")
            .args(["--pid", &server.id().to_string(), &format!("--fsize={size}:unlimited")])
            .status()
            .unwrap();
        assert!(done.success());
    };
    assert_eq!(order(&server, &pair).0, 200);
    limit("0");
    let started = std::time::Instant::now();
    for _ in 0..3 {
        let (status, body) = order(&server, &pair);
        assert_eq!((status, &body["reason"]), (503, &Value::from("audit_unavailable")), "{body}");
        assert!(body["message"].as_str().unwrap().contains("disk"), "{body}");
    }
    assert!(started.elapsed().as_secs() < 10);
    limit("unlimited");
    assert_eq!(order(&server, &pair).0, 200, "there is room again");
    // What was refused did not reach the broker, and was not charged.
    assert_eq!(bench.run(&["key", "show", "bot"]).ok().json()["usage"]["orders"], 2);
    assert_eq!(bench.run(&["audit", "verify"]).ok().json()["valid"], true);
    assert_eq!(server.stop(), 0);
}
