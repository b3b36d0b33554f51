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
