//! A backup holds everything, without the key file unless that is asked for, and a restore brings it back.

use std::fs;

use crate::bench::{Bench, Process, finish, http};

#[test]
fn what_was_backed_up_trades_after_the_restore() {
    let bench = Bench::new();
    bench.connect().ok();
    let (key_id, secret_key) = bench.issue("bot");
    let file = bench.path().join("paddock.backup");
    let file_text = file.to_str().unwrap();
    let written = bench.run(&["backup", file_text]).ok().json();
    assert_eq!(written["key_file"], serde_json::Value::Null);
    assert!(!bench.path().join("paddock.backup.key").exists());

    let restored = bench.path().join("restored");
    let mut restore = bench.command_in(&restored);
    restore.args(["restore", file_text, "--key-file"]).arg(bench.data_dir().join("vault.key")).arg("--json");
    let done = finish(restore, "").ok().json();
    assert_eq!(done["valid"], true);

    let mut serve = bench.command_in(&restored);
    serve.args(["serve", "--web", "127.0.0.1:0", "--gateway", "127.0.0.1:0"]);
    let mut server = Process::start(serve, &bench.path().join("restored.log"));
    let pair = [("apca-api-key-id", key_id.as_str()), ("apca-api-secret-key", secret_key.as_str())];
    let (status, body) = http("GET", &format!("{}/v2/account", server.address("gateway")), &pair, "");
    assert_eq!(status, 200, "{body}");
    assert_eq!(server.stop(), 0);

    let mut list = bench.command_in(&restored);
    list.args(["audit", "list", "--json"]);
    let records = finish(list, "").ok().json();
    assert_eq!(records[0]["event"]["event"], "backup_restored");
}

#[test]
fn without_the_key_file_nothing_opens_and_it_says_so() {
    let bench = Bench::new();
    bench.connect().ok();
    let file = bench.path().join("paddock.backup");
    bench.run(&["backup", file.to_str().unwrap()]).ok();
    let restored = bench.path().join("restored");
    let mut restore = bench.command_in(&restored);
    restore.arg("restore").arg(&file);
    let done = finish(restore, "").ok();
    assert!(done.stdout.contains("put the key file that belongs to it at"), "{done:?}");
    let mut list = bench.command_in(&restored);
    list.args(["connection", "list"]);
    let done = finish(list, "");
    assert_eq!(done.status, 1);
    assert!(done.stderr.contains("vault.key does not exist"), "{done:?}");
}

#[test]
fn with_key_writes_a_second_file_that_restore_finds() {
    let bench = Bench::new();
    bench.connect().ok();
    let file = bench.path().join("paddock.backup");
    bench.run(&["backup", file.to_str().unwrap(), "--with-key"]).ok();
    let restored = bench.path().join("restored");
    let mut restore = bench.command_in(&restored);
    restore.arg("restore").arg(&file);
    finish(restore, "").ok();
    let mut check = bench.command_in(&restored);
    check.args(["connection", "check"]);
    finish(check, "").ok();
}

#[test]
fn a_damaged_backup_and_a_directory_in_use_are_refused() {
    let bench = Bench::new();
    bench.connect().ok();
    let file = bench.path().join("paddock.backup");
    bench.run(&["backup", file.to_str().unwrap()]).ok();
    let again = bench.run(&["backup", file.to_str().unwrap()]);
    assert_eq!(again.status, 1, "{again:?}");

    let onto_itself = bench.run(&["restore", file.to_str().unwrap()]);
    assert_eq!(onto_itself.status, 1);
    assert!(onto_itself.stderr.contains("is not empty"), "{onto_itself:?}");

    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    let damaged = bench.path().join("damaged.backup");
    fs::write(&damaged, bytes).unwrap();
    let target = bench.path().join("target");
    let mut restore = bench.command_in(&target);
    restore.arg("restore").arg(&damaged);
    let done = finish(restore, "");
    assert_eq!(done.status, 1, "{done:?}");
    assert!(done.stderr.contains("backup"), "{done:?}");
    // Nothing is left, so that the next try into the same directory works.
    let mut restore = bench.command_in(&target);
    restore.arg("restore").arg(&file);
    finish(restore, "").ok();
}
