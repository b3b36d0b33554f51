//! Freezing the real binary: by command, by file, by signal, by the dead-man switch, and dying in the middle of what a freeze does.

use std::process::Command;

use serde_json::{Value, json};

use crate::bench::{Bench, Deadline, Process, http};

const BUY: &str = r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}"#;

/// Places an order and gives the status.
fn buy(server: &Process, pair: &(String, String)) -> u16 {
    let headers = [("apca-api-key-id", pair.0.as_str()), ("apca-api-secret-key", pair.1.as_str())];
    http("POST", &format!("{}/v2/orders", server.address("gateway")), &headers, BUY).0
}

/// Orders until it is answered as it should; each attempt takes longer than the file is looked for.
fn until(server: &Process, pair: &(String, String), expected: u16) {
    let deadline = Deadline::start();
    while buy(server, pair) != expected {
        assert!(!deadline.is_over(), "no order was ever answered {expected}");
    }
}

fn frozen(bench: &Bench) -> Value {
    bench.run(&["freeze", "--show"]).ok().json()
}

#[test]
fn the_file_freezes_for_as_long_as_it_is_there_and_then_a_person_unfreezes() {
    let bench = Bench::new();
    bench.connect().ok();
    let pair = bench.issue("bot");
    let mut server = bench.serve();
    assert_eq!(buy(&server, &pair), 200);
    let file = bench.data_dir().join("FREEZE");
    std::fs::write(&file, "").unwrap();
    until(&server, &pair, 403);
    let refused = bench.run(&["unfreeze"]);
    assert_eq!(refused.status, 1, "{refused:?}");
    assert!(refused.stderr.contains("FREEZE is there"), "{refused:?}");
    // It outlasts a kill, and is there before the first request.
    server.kill();
    let mut server = bench.serve();
    assert_eq!(buy(&server, &pair), 403);
    assert_eq!(server.stop(), 0);
    // Without a server it is said just so.
    assert!(bench.run(&["unfreeze"]).stderr.contains("FREEZE is there"));
    std::fs::remove_file(&file).unwrap();
    let mut server = bench.serve();
    assert_eq!(buy(&server, &pair), 403);
    let freeze = &frozen(&bench)["items"][0];
    assert_eq!(freeze["reason"], "by the file FREEZE in the data directory");
    bench.run(&["unfreeze"]).ok();
    until(&server, &pair, 200);
    assert_eq!(server.stop(), 0);
}

/// The database takes nothing more, and the brake holds all the same: at once, without a word of the database's. When there is room
/// again, it is stored by itself.
#[cfg(target_os = "linux")]
#[test]
fn the_file_freezes_although_the_database_cannot_be_written() {
    let bench = Bench::new();
    bench.connect().ok();
    let pair = bench.issue("bot");
    let mut server = bench.serve_limited();
    assert_eq!(buy(&server, &pair), 200);
    let at_broker = || {
        let real =
            [("apca-api-key-id", bench.key_id.as_str()), ("apca-api-secret-key", bench.secret_key.as_str())];
        let (status, body) = http("GET", &format!("{}/v2/orders?status=all", bench.broker_url()), &real, "");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<Vec<Value>>(&body).unwrap().len()
    };
    assert_eq!(at_broker(), 1);
    server.limit_files("0");
    let file = bench.data_dir().join("FREEZE");
    std::fs::write(&file, "").unwrap();
    let held = (0..2000).any(|_| frozen(&bench)["frozen_in_memory"] == true);
    assert!(held, "it never held");
    assert_eq!(frozen(&bench)["items"], json!([]), "it cannot be stored");
    // That it is refused cannot be recorded either, and may be what is said.
    let headers = [("apca-api-key-id", pair.0.as_str()), ("apca-api-secret-key", pair.1.as_str())];
    let started = std::time::Instant::now();
    for _ in 0..2 {
        let (status, body) = http("POST", &format!("{}/v2/orders", server.address("gateway")), &headers, BUY);
        assert!(matches!(status, 403 | 503), "{status} {body}");
    }
    assert!(started.elapsed().as_secs() < 15);
    assert_eq!(at_broker(), 1, "nothing was sent");
    server.limit_files("unlimited");
    while frozen(&bench)["items"].as_array().unwrap().is_empty() {}
    assert_eq!(buy(&server, &pair), 403);
    // It outlasts the file and the process.
    std::fs::remove_file(&file).unwrap();
    server.kill();
    let mut server = bench.serve();
    assert_eq!(buy(&server, &pair), 403);
    bench.run(&["unfreeze"]).ok();
    assert_eq!(buy(&server, &pair), 200);
    assert_eq!(bench.run(&["audit", "verify"]).ok().json()["valid"], true);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_signal_freezes_and_that_outlasts_a_kill() {
    let bench = Bench::new();
    bench.connect().ok();
    let pair = bench.issue("bot");
    let mut server = bench.serve();
    assert_eq!(buy(&server, &pair), 200);
    let sent = Command::new("kill").args(["-USR1", &server.id().to_string()]).status().unwrap();
    assert!(sent.success());
    until(&server, &pair, 403);
    while frozen(&bench)["items"].as_array().unwrap().is_empty() {}
    server.kill();
    let mut server = bench.serve();
    assert_eq!(buy(&server, &pair), 403);
    bench.run(&["unfreeze"]).ok();
    assert_eq!(buy(&server, &pair), 200);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_heartbeat_that_is_not_there_freezes() {
    let bench = Bench::new();
    bench.connect().ok();
    let pair = bench.issue("bot");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = format!(
        "[deadman]\nallow = [\"cancels\", \"closes\"]\n\
         [[deadman.heartbeats]]\nname = \"cron\"\nurl = \"http://{nobody}/live\"\nevery = \"1s\"\nmisses = 2\n"
    );
    std::fs::write(bench.data_dir().join("config.toml"), text).unwrap();
    let mut server = bench.serve();
    until(&server, &pair, 403);
    let shown = frozen(&bench);
    let freeze = &shown["items"][0];
    assert_eq!(freeze["passes"], json!(["cancels", "closes"]));
    assert!(freeze["reason"].as_str().unwrap().starts_with("heartbeat cron failed 2 times"), "{freeze}");
    assert_eq!(freeze["by"]["kind"], "system");
    bench.run(&["check-in"]).ok();
    assert_eq!(buy(&server, &pair), 403);
    bench.run(&["unfreeze"]).ok();
    assert_eq!(buy(&server, &pair), 200);
    assert_eq!(server.stop(), 0);
}

/// `freeze --cancel-all`, killed at a point of its way, is finished by the next start.
fn killed_at(point: &str) {
    let bench = Bench::new();
    bench.connect().ok();
    let pair = bench.issue("bot");
    let real =
        [("apca-api-key-id", bench.key_id.as_str()), ("apca-api-secret-key", bench.secret_key.as_str())];
    let open = || -> usize {
        let url = format!("{}/v2/orders?status=open", bench.broker_url());
        let (status, body) = http("GET", &url, &real, "");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<Vec<Value>>(&body).unwrap().len()
    };
    let mut command = bench.command();
    command
        .args(["serve", "--web", "127.0.0.1:0", "--gateway", "127.0.0.1:0"])
        .env("PADDOCK_CRASH_AT", point);
    let mut dying = Process::start(command, &bench.path().join("dying.log"));
    let headers = [("apca-api-key-id", pair.0.as_str()), ("apca-api-secret-key", pair.1.as_str())];
    let order =
        r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"limit","limit_price":"1","time_in_force":"gtc"}"#;
    for _ in 0..3 {
        assert_eq!(http("POST", &format!("{}/v2/orders", dying.address("gateway")), &headers, order).0, 200);
    }
    assert_eq!(open(), 3);
    assert_ne!(bench.run(&["freeze", "--cancel-all"]).status, 0, "{point}: the server should have died");
    dying.wait();

    let mut server = bench.serve();
    assert_eq!(buy(&server, &pair), 403, "{point}: still frozen");
    let shown = bench.until(&["freeze", "--show"], |shown| !shown["wind_downs"][0]["ended_at"].is_null());
    assert_eq!(open(), 0, "{point}: {shown}");
    let wind_down = &shown["wind_downs"][0];
    assert_eq!(wind_down["note"], "all orders are canceled", "{point}: {shown}");
    for order in wind_down["orders"].as_array().unwrap() {
        assert_eq!(order["state"], "done", "{point}: {shown}");
    }
    assert_eq!(bench.run(&["audit", "verify"]).ok().json()["valid"], true, "{point}");
    assert_eq!(server.stop(), 0);
}

#[test]
fn killed_before_the_cancel_was_sent() {
    killed_at("step_recorded");
}

#[test]
fn killed_before_the_brokers_answer_was_written() {
    killed_at("step_sent");
}

#[test]
fn flatten_answers_with_what_became_of_each() {
    let bench = Bench::new();
    bench.connect().ok();
    let pair = bench.issue("bot");
    let mut server = bench.serve();
    assert_eq!(buy(&server, &pair), 200);
    let refused = bench.run(&["key", "freeze", "bot", "--flatten"]);
    assert!(refused.stderr.contains("freeze the connection"), "{refused:?}");
    assert_eq!(buy(&server, &pair), 200, "what was refused has frozen nothing");
    let flattened = ["connection", "freeze", "main", "--flatten", "--reason", "enough for today"];
    let done = bench.run(&flattened).ok().json();
    assert_eq!(done["in_flight"], json!([]));
    let position = &done["wind_downs"][0]["positions"][0];
    assert_eq!(
        (&position["symbol"], &position["status"], &position["state"]),
        (&json!("AAPL"), &json!(200), &json!("done"))
    );
    assert_eq!(frozen(&bench)["items"][0]["reason"], "enough for today");
    assert_eq!(server.stop(), 0);
}
