//! The broker's time, moved and paced from outside.

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Answer, Desk, OPEN, answer};

async fn clock(desk: &Desk, act: &str, body: Value) -> Answer {
    answer(desk.admin("POST", &format!("/clock/{act}")).body(body.to_string())).await
}

#[rstest]
#[case("next_open", "2026-06-25T13:30:00Z")]
#[case("next_close", "2026-06-24T20:00:00Z")]
#[case("2026-06-24T14:00:00.5Z", "2026-06-24T14:00:00.5Z")]
#[case("2026-07-04T12:00:00+02:00", "2026-07-04T10:00:00Z")]
#[tokio::test]
async fn time_jumps_and_goes_on_from_there(#[case] to: &str, #[case] expected: &str) {
    let desk = Desk::at(OPEN).await;
    let jumped = clock(&desk, "jump", json!({ "to": to })).await;
    assert_eq!((jumped.status, &jumped.body["timestamp"]), (200, &json!(expected)));
    desk.advance(1);
    let now: jiff::Timestamp = expected.parse().unwrap();
    assert_eq!(desk.server.broker.now(), now + jiff::SignedDuration::from_secs(1));
}

#[tokio::test]
async fn what_was_due_has_happened_after_a_jump() {
    let desk = Desk::at("2026-06-24T12:00:00Z").await;
    let id = desk
        .place(json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}))
        .await;
    let status = || async { desk.get(&format!("/v2/orders/{id}")).await.body["status"].clone() };
    assert_eq!(status().await, "accepted");
    clock(&desk, "jump", json!({"to": "next_open"})).await;
    assert_eq!(status().await, "filled");
    assert_eq!(desk.get("/v2/clock").await.body["is_open"], true);
}

#[tokio::test]
async fn time_stands_still_runs_fast_and_is_real_again() {
    let desk = Desk::at(OPEN).await;
    let timestamp = || async { answer(desk.admin("GET", "/clock")).await.body["timestamp"].clone() };
    assert_eq!(clock(&desk, "rate", json!({"rate": 0})).await.body["mode"], "stepped");
    desk.advance(100);
    assert_eq!(timestamp().await, "2026-06-24T14:00:00Z");
    let fast = clock(&desk, "rate", json!({"rate": 60})).await.body;
    assert_eq!((&fast["mode"], &fast["rate"]), (&json!({"accelerated": 60}), &json!(60)));
    desk.advance(10);
    assert_eq!(timestamp().await, "2026-06-24T14:10:00Z");
    assert_eq!(clock(&desk, "rate", json!({"rate": 1})).await.body["mode"], "real");
    desk.advance(10);
    assert_eq!(timestamp().await, "2026-06-24T14:10:10Z");
    // A step is possible at any pace.
    assert_eq!(
        clock(&desk, "step", json!({"seconds": 0.5})).await.body["timestamp"],
        "2026-06-24T14:10:10.5Z"
    );
}
