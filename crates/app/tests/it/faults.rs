//! Faults, halts and time of the paper broker from the command line.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::bench::{Bench, Process, finish, http, paddock};

fn order(bench: &Bench) -> u16 {
    let pair =
        [("apca-api-key-id", bench.key_id.as_str()), ("apca-api-secret-key", bench.secret_key.as_str())];
    let body = r#"{"symbol":"AAPL","qty":1,"side":"buy","type":"market","time_in_force":"day"}"#;
    http("POST", &format!("{}/v2/orders", bench.broker_url()), &pair, body).0
}

#[test]
fn faults_are_added_listed_and_cleared() {
    let bench = Bench::new();
    let directory = bench.path().join("broker");
    let run = |arguments: &[&str]| {
        let mut command = bench.command_in(&directory);
        command.args(["paper", "fault"]).args(arguments).arg("--json");
        finish(command, "")
    };
    let rule = ["add", "error", "--status", "503", "--operation", "postOrder", "--count", "1"];
    let added = run(&rule).ok().json();
    assert_eq!((&added["id"], &added["status"]), (&1.into(), &503.into()));
    assert_eq!((order(&bench), order(&bench)), (503, 200));
    run(&["halt", "AAPL", "BTC/USD"]).ok();
    let listed = run(&["list"]).ok().json();
    assert_eq!((&listed["faults"][0]["fired"], &listed["faults"][0]["over"]), (&1.into(), &true.into()));
    assert_eq!(listed["halts"].as_array().unwrap().len(), 2);
    assert_eq!(run(&["resume"]).ok().json()["halts"], serde_json::json!([]));
    run(&["clear"]).ok();
    assert_eq!(run(&["list"]).ok().json()["faults"], serde_json::json!([]));
    let refused = run(&["add", "gremlins"]);
    assert!(refused.status == 1 && refused.stderr.contains("fault must be one of"), "{refused:?}");

    // Whoever has not the broker's data directory has not the token.
    let stranger = bench.run(&["paper", "fault", "list"]);
    assert!(stranger.status == 1 && stranger.stderr.contains("admin-token-file"), "{stranger:?}");
}

#[test]
fn the_token_is_its_owners_alone_and_gone_with_the_broker() {
    let home = tempfile::tempdir().unwrap();
    let serve = ["paper", "serve", "--listen", "127.0.0.1:0", "--live-listen", "127.0.0.1:0"];
    let mut command = paddock(home.path());
    command.args(serve).args(["--partial-fills", "--rate-limit", "2", "--symbol-limit", "30"]);
    let log = home.path().join("log");
    let mut broker = Process::start(command, &log);
    let file = broker.ready["admin_token_file"].as_str().unwrap().to_owned();
    assert!(
        file.starts_with(home.path().join(".local/state/paddock/admin-token.").to_str().unwrap()),
        "{file}"
    );
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let token = fs::read_to_string(&file).unwrap();
    let url = broker.address("paper");
    let mut command = paddock(home.path());
    command.args(["paper", "fault", "list", "--json", "--url", &url]);
    finish(command, "").ok();
    assert_eq!(broker.stop(), 0);
    assert!(!fs::exists(&file).unwrap());
    assert!(!fs::read_to_string(&log).unwrap().contains(&token) && !broker.printed.contains(&token));

    let mut command = paddock(home.path());
    command.args(serve).env("PADDOCK_PAPER_ADMIN_TOKEN", "correct-horse-battery");
    let broker = Process::start(command, &log);
    assert!(broker.ready["admin_token_file"].is_null());
    let chosen = [("authorization", "Bearer correct-horse-battery")];
    assert_eq!(http("GET", &format!("{}/admin/v1/faults", broker.address("paper")), &chosen, "").0, 200);

    let mut command = paddock(home.path());
    command.args(serve).env("PADDOCK_PAPER_ADMIN_TOKEN", "short");
    let refused = finish(command, "");
    assert!(refused.status == 2 && refused.stderr.contains("16 to 256 characters"), "{refused:?}");
}

#[test]
fn the_clock_is_moved_and_paced() {
    let bench = Bench::new();
    let clock = |arguments: &[&str]| bench.run(&[&["paper", "clock"], arguments].concat()).ok().json();
    assert_eq!(clock(&["rate", "step"])["mode"], "stepped");
    let open = clock(&["show"])["next_open"].clone();
    assert_eq!(clock(&["next-open"])["timestamp"], open);
    let close = clock(&["show"])["next_close"].clone();
    assert_eq!(clock(&["next-close"])["timestamp"], close);
    let stepped = clock(&["step", "90s"])["timestamp"].clone();
    assert_ne!(stepped, close);
    assert_eq!(clock(&["rate", "x60"])["rate"], 60);
    let past = bench.run(&["paper", "clock", "jump", "2020-01-02T14:30:00Z"]);
    assert!(past.status == 1 && past.stderr.contains("time does not run backwards"), "{past:?}");
}
