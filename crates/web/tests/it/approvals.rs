//! Orders that wait for a person: shown as they would be sent, answered once, and only as they were shown.

use paddock_core::Environment;
use paddock_paper::{DEFAULT_CASH, EphemeralBroker};
use serde_json::{Value, json};

use crate::harness::Paddock;
use crate::paper::{broker, paddock_before, pair};
use crate::visitor::Visitor;

/// A Paddock before a broker, with an access key each of whose orders waits for a person.
pub(crate) async fn with_a_key_that_asks() -> (EphemeralBroker, Paddock, (String, String)) {
    with_a_key_that_asks_at(Environment::Paper).await
}

/// The same for an account of that environment, connected as `my-paper` or `my-live`.
pub(crate) async fn with_a_key_that_asks_at(
    environment: Environment,
) -> (EphemeralBroker, Paddock, (String, String)) {
    let broker = broker().await;
    let paddock = paddock_before(&broker).await;
    let account = broker.broker.create_account(environment, DEFAULT_CASH).await.unwrap();
    let name = format!("my-{environment}");
    paddock.connect(&name, environment.as_str(), &pair(&account)).await.expect(201);
    let scope = json!({ "connection": name, "preset": "trader", "approval_over": "always" });
    let key = paddock.issue_key("asker", &scope).await;
    (broker, paddock, key)
}

/// Has the key ask for an order; the approval.
pub(crate) async fn ask(paddock: &Paddock, key: &(String, String), quantity: &str) -> Value {
    let order =
        json!({ "symbol": "AAPL", "qty": quantity, "side": "buy", "type": "market", "time_in_force": "day" });
    assert_eq!(paddock.send("POST", "/v2/orders", &order.to_string(), key).await, 403);
    paddock.get("/api/v1/approvals").await.json["items"][0].clone()
}

#[tokio::test]
async fn a_yes_is_to_what_was_shown_and_to_nothing_else() {
    let (_broker, paddock, key) = with_a_key_that_asks().await;
    let held = ask(&paddock, &key, "1").await;
    assert_eq!((&held["environment"], &held["key_name"]), (&json!("paper"), &json!("asker")));
    let path = format!("/api/v1/approvals/{}", held["id"].as_str().unwrap());
    for verb in ["approve", "deny"] {
        let other = json!({ "request_hash": "00".repeat(32) });
        paddock.post(&format!("{path}/{verb}"), &other).await.expect_problem(409, "other_request");
    }
    assert_eq!(paddock.get(&path).await.json["state"], "pending", "nothing was changed");
    let seen = json!({ "request_hash": held["request_hash"], "reason": "looks right" });
    let sent = paddock.post(&format!("{path}/approve"), &seen).await;
    assert_eq!(
        (&sent.expect(200).json["state"], &sent.json["outcome"]),
        (&json!("approved"), &json!("sent"))
    );
    paddock.post(&format!("{path}/approve"), &seen).await.expect_problem(409, "approval_over");
    paddock.post(&format!("{path}/deny"), &json!({})).await.expect_problem(409, "approval_over");
    let nobody = "/api/v1/approvals/00000000-0000-7000-8000-000000000000/deny";
    paddock.post(nobody, &json!({})).await.expect_problem(404, "unknown_approval");
}

#[tokio::test]
async fn what_waits_for_one_team_is_not_there_for_another() {
    let (_broker, paddock, key) = with_a_key_that_asks().await;
    let held = ask(&paddock, &key, "1").await;
    let (id, hash) = (held["id"].as_str().unwrap(), held["request_hash"].as_str().unwrap());
    let stranger = Visitor::stranger(&paddock, "eve.stranger").await;
    let path = format!("/api/v1/approvals/{id}");
    stranger.call("GET", &path, &Value::Null).await.expect_problem(404, "unknown_approval");
    for verb in ["approve", "deny"] {
        let seen = json!({ "request_hash": hash });
        let answer = stranger.call("POST", &format!("{path}/{verb}"), &seen).await;
        answer.expect_problem(404, "unknown_approval");
    }
    for answer in ["approve", "deny"] {
        let fields = [("request_hash", hash), ("answer", answer), ("reason", "")];
        stranger.submit(&format!("/approvals/{id}"), &fields).await.expect(404);
    }
    let page = stranger.page(&format!("/approvals/{id}")).await;
    page.expect(404);
    assert!(!page.text().contains("AAPL") && !page.text().contains("asker"), "{}", page.text());
    assert_eq!(stranger.call("GET", "/api/v1/approvals", &Value::Null).await.json["items"], json!([]));
    let waits = paddock.get(&path).await;
    assert_eq!((&waits.json["state"], &waits.json["ended_by"]), (&json!("pending"), &Value::Null));
}
