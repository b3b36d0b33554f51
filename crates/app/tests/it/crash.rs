//! Killing the server at every point of an order's way. Whatever point that is: the audit chain verifies, the caps count what
//! may have been sent and nothing twice, and the broker has the order once or not at all.
//!
//! The points are those of the gateway's `crash.rs`, which only builds with debug assertions have.

use serde_json::Value;

use crate::bench::{Bench, Process, http};

/// What must be true after the server was killed at a point and started again.
struct After {
    /// Orders that count against the key's daily cap.
    charged: u64,
    /// Orders that the broker has.
    at_broker: usize,
    /// The names of the audit records that the order left, in their order.
    recorded: &'static [&'static str],
}

fn killed_at(point: &str, expected: &After) {
    let bench = Bench::new();
    bench.connect().ok();
    let (key_id, secret_key) = bench.issue("bot");
    let pair = [("apca-api-key-id", key_id.as_str()), ("apca-api-secret-key", secret_key.as_str())];
    let real =
        [("apca-api-key-id", bench.key_id.as_str()), ("apca-api-secret-key", bench.secret_key.as_str())];

    let mut command = bench.command();
    command
        .args(["serve", "--web", "127.0.0.1:0", "--gateway", "127.0.0.1:0"])
        .env("PADDOCK_CRASH_AT", point);
    let mut dying = Process::start(command, &bench.path().join("dying.log"));
    let order = r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}"#;
    let answer =
        crate::bench::try_http("POST", &format!("{}/v2/orders", dying.address("gateway")), &pair, order);
    assert_eq!(answer, None, "{point}: the server should have died before it answered");
    dying.wait();

    let mut server = bench.serve();
    let orders = || -> Vec<Value> {
        let (status, body) = http("GET", &format!("{}/v2/orders?status=all", bench.broker_url()), &real, "");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    };
    assert_eq!(orders().len(), expected.at_broker, "{point}: orders at the broker");
    assert_eq!(bench.run(&["audit", "verify"]).ok().json()["valid"], true, "{point}");
    // An order that the broker has is found again by its name at the start; that leaves the last record.
    let recorded =
        bench.wait_for_records(expected.recorded.len(), &["request_permitted", "request_answered"]);
    assert_eq!(recorded, expected.recorded, "{point}: audit records");
    let key = bench.run(&["key", "show", "bot"]).ok().json();
    assert_eq!(key["usage"]["orders"], expected.charged, "{point}: {key}");
    // Recovery looks, and never sends: the broker's book is what it was.
    assert_eq!(orders().len(), expected.at_broker, "{point}: orders at the broker after recovery");
    assert_eq!(server.stop(), 0);
}

/// An access key all of whose orders wait for a person.
fn key_whose_orders_wait(bench: &Bench) -> (String, String) {
    let created = bench.run(&[
        "key",
        "create",
        "bot",
        "--connection",
        "main",
        "--preset",
        "trader",
        "--approval-over",
        "always",
    ]);
    let created = created.ok().json();
    let text = |field: &str| created[field].as_str().unwrap().to_owned();
    (text("key_id"), text("secret_key"))
}

/// Killing the server while it sends what a person has approved. `used_up` is whether the yes was recorded, so that it counts no more.
fn killed_while_approving(point: &str, used_up: bool, at_broker: usize) {
    let bench = Bench::new();
    bench.connect().ok();
    let (key_id, secret_key) = key_whose_orders_wait(&bench);
    let pair = [("apca-api-key-id", key_id.as_str()), ("apca-api-secret-key", secret_key.as_str())];
    let real =
        [("apca-api-key-id", bench.key_id.as_str()), ("apca-api-secret-key", bench.secret_key.as_str())];
    let mut command = bench.command();
    command.args(["serve", "--web", "127.0.0.1:0", "--gateway", "127.0.0.1:0"]);
    // The point at which an order is held is passed before the others are.
    command.env("PADDOCK_CRASH_AT", point);
    let order =
        r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"limit","limit_price":"1","time_in_force":"gtc"}"#;
    let mut holding = bench.serve();
    let (status, body) = http("POST", &format!("{}/v2/orders", holding.address("gateway")), &pair, order);
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, told["reason"].as_str()), (403, Some("approval_required")), "{body}");
    let id = told["approval_id"].as_str().unwrap();
    assert_eq!(holding.stop(), 0);

    let mut dying = Process::start(command, &bench.path().join("dying.log"));
    assert_ne!(bench.run(&["approval", "approve", id]).status, 0, "{point}: the server should have died");
    dying.wait();

    let mut server = bench.serve();
    let orders = || -> usize {
        let (status, body) = http("GET", &format!("{}/v2/orders?status=all", bench.broker_url()), &real, "");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<Vec<Value>>(&body).unwrap().len()
    };
    assert_eq!(orders(), at_broker, "{point}: orders at the broker");
    let again = bench.run(&["approval", "approve", id]);
    if used_up {
        assert_ne!(again.status, 0, "{point}: {again:?}");
        assert_eq!(orders(), at_broker, "{point}: a second yes sends nothing");
    } else {
        again.ok();
        assert_eq!(orders(), 1, "{point}: what was not recorded may be given again");
    }
    assert_eq!(bench.run(&["approval", "show", id]).ok().json()["state"], "approved", "{point}");
    assert_eq!(bench.run(&["audit", "verify"]).ok().json()["valid"], true, "{point}");
    assert_eq!(server.stop(), 0);
}

#[test]
fn approved_but_not_recorded() {
    killed_while_approving("decided", false, 0);
}

#[test]
fn approved_and_recorded_but_not_sent() {
    killed_while_approving("reserved", true, 0);
}

#[test]
fn approved_and_sent_but_not_confirmed() {
    killed_while_approving("forwarded", true, 1);
}

#[test]
fn approved_and_confirmed_but_not_told() {
    killed_while_approving("settled", true, 1);
}

/// The program was not told, and the order waits all the same: nothing is lost and nothing is sent.
#[test]
fn held_but_not_told() {
    let bench = Bench::new();
    bench.connect().ok();
    let (key_id, secret_key) = key_whose_orders_wait(&bench);
    let pair = [("apca-api-key-id", key_id.as_str()), ("apca-api-secret-key", secret_key.as_str())];
    let mut command = bench.command();
    command
        .args(["serve", "--web", "127.0.0.1:0", "--gateway", "127.0.0.1:0"])
        .env("PADDOCK_CRASH_AT", "held");
    let mut dying = Process::start(command, &bench.path().join("dying.log"));
    let order = r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}"#;
    let url = format!("{}/v2/orders", dying.address("gateway"));
    assert_eq!(crate::bench::try_http("POST", &url, &pair, order), None);
    dying.wait();
    let mut server = bench.serve();
    let listed = bench.run(&["approval", "list"]).ok().json();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["state"]), (1, &serde_json::json!("pending")));
    bench.run(&["approval", "deny", listed[0]["id"].as_str().unwrap()]).ok();
    assert_eq!(server.stop(), 0);
}

#[test]
fn decided_but_not_reserved() {
    killed_at("decided", &After { charged: 0, at_broker: 0, recorded: &[] });
}

#[test]
fn reserved_and_recorded_but_not_sent() {
    // Whether it was sent cannot be told right away, so it counts until it can.
    killed_at("reserved", &After { charged: 1, at_broker: 0, recorded: &["request_permitted"] });
}

#[test]
fn sent_but_not_confirmed() {
    let recorded = &["request_permitted", "request_answered"];
    killed_at("forwarded", &After { charged: 1, at_broker: 1, recorded });
}

#[test]
fn confirmed_but_not_answered() {
    let recorded = &["request_permitted", "request_answered"];
    killed_at("settled", &After { charged: 1, at_broker: 1, recorded });
}
