//! Every operation of Alpaca's table: without a key, with one, and in the documentation.

use paddock_alpaca::operation::{self, Operation};
use serde_json::Value;

use crate::harness::{Desk, OPEN, answer};

/// The path with something in the place of each parameter.
fn target(operation: &Operation) -> String {
    let mut path = operation.path.to_owned();
    for (name, value) in [
        ("{loc}", "us"),
        ("{market}", "NYSE"),
        ("{order_id}", "00000000-0000-4000-8000-000000000000"),
        ("{activity_type}", "FILL"),
    ] {
        path = path.replace(name, value);
    }
    while let (Some(start), Some(end)) = (path.find('{'), path.find('}')) {
        path.replace_range(start..=end, "AAPL");
    }
    path
}

#[tokio::test]
async fn every_operation_wants_a_key_but_those_for_crypto_prices() {
    let desk = Desk::at(OPEN).await;
    for operation in operation::all() {
        let got = answer(desk.bare(operation.method.as_str(), &target(operation))).await;
        let free = operation.path.starts_with("/v1beta3/crypto/");
        assert_eq!(got.status == 401, !free, "{} {got:?}", operation.id);
    }
}

#[tokio::test]
async fn every_operation_is_answered_or_said_not_to_be_offered() {
    let desk = Desk::at(OPEN).await;
    let document = include_str!("../../../../docs/paper-broker.md");
    for operation in operation::all() {
        let row = document
            .lines()
            .find(|line| line.starts_with(&format!("| `{}` ", operation.id)))
            .unwrap_or_else(|| panic!("docs/paper-broker.md has no row for {}", operation.id));
        // A stream would go on for ever: this one ends with what has already been.
        let endless = ["subscribeToTradesSSE", "subscribeToActivitiesSSE"].contains(&operation.id);
        let past = if endless { "?since=2026-01-01&until=2026-01-02" } else { "" };
        let target = target(operation) + past;
        let got = answer(desk.request(operation.method.as_str(), &target)).await;
        let message = got.body["message"].as_str().unwrap_or_default();
        let refused = message.ends_with("is not offered by this paper broker")
            || message.ends_with("is not enabled for this account");
        assert_eq!(refused, row.contains("| not offered: "), "{row}\n{got:?}");
        if refused {
            assert!(row.contains(&got.status.to_string()), "{row}\n{got:?}");
            assert!(matches!(got.body["code"], Value::Number(_)), "{got:?}");
        } else {
            assert!(got.status < 500 && message != "endpoint not found.", "{} {got:?}", operation.id);
        }
    }
}
