//! The whole way against the built-in broker: connect, issue a key, trade with it, and see it.

use std::sync::Arc;

use paddock_alpaca::endpoints::EndpointOverrides;
use paddock_core::{Environment, ManualClock};
use paddock_paper::{DEFAULT_CASH, EphemeralBroker, NewAccount, PaperOptions};
use paddock_vault::OsEntropy;
use serde_json::json;

use crate::fake_alpaca::FakeAlpaca;
use crate::harness::Paddock;

pub(crate) async fn broker() -> EphemeralBroker {
    // A Monday, an hour after the opening: the clock of the harness.
    let clock = ManualClock::new("2026-11-23T15:30:00Z".parse().unwrap());
    let mut options = PaperOptions::new(Arc::new(clock), Arc::new(OsEntropy));
    options.hold_open = true;
    EphemeralBroker::start(options).await.unwrap()
}

pub(crate) async fn paddock_before(broker: &EphemeralBroker) -> Paddock {
    let endpoints = EndpointOverrides {
        paper: Some(broker.url(Environment::Paper)),
        live: Some(broker.url(Environment::Live)),
        data: Some(broker.url(Environment::Paper)),
        stream: None,
    };
    Paddock::start_against(FakeAlpaca::start().await, &endpoints).await
}

pub(crate) fn pair(account: &NewAccount) -> (&str, &str) {
    (&account.key_id, account.secret_key.expose())
}

#[tokio::test]
async fn an_order_is_placed_counted_and_shown() {
    let broker = broker().await;
    let paddock = paddock_before(&broker).await;
    let account = broker.broker.create_account(Environment::Paper, DEFAULT_CASH).await.unwrap();
    let reply = paddock.connect("my-paper", "paper", &pair(&account)).await;
    reply.expect(201);
    assert_eq!(reply.json["connection"]["account_number"], account.account_number);
    assert_eq!(reply.json["account"]["cash"], "100000");
    let scope = json!({
        "preset": "trader", "symbols": ["AAPL"], "sides": ["buy"], "max_order_notional": "1000",
        "max_daily_notional": "5000", "max_daily_orders": 10,
    });
    let key = paddock.issue_key("aapl-bot", &scope).await;
    let order = |symbol: &str, quantity: &str| {
        json!({ "symbol": symbol, "qty": quantity, "side": "buy", "type": "market", "time_in_force": "day" })
            .to_string()
    };
    assert_eq!(paddock.send("POST", "/v2/orders", &order("AAPL", "1"), &key).await, 200);
    assert_eq!(paddock.send("POST", "/v2/orders", &order("MSFT", "1"), &key).await, 403);
    assert_eq!(paddock.send("POST", "/v2/orders", &order("AAPL", "500"), &key).await, 403);

    let usage = paddock.get("/api/v1/keys/aapl-bot").await.json["usage"].clone();
    assert_eq!(usage["orders"], 1, "{usage}");
    assert_ne!(usage["notional"], "0");
    let lines = paddock.get("/api/v1/requests").await.json["items"].clone();
    assert_eq!(lines[0]["reason"], "order_notional_exceeded");
    assert_eq!(lines[1]["reason"], "symbol_not_allowed");
    assert_eq!(lines[2]["decision"], "permitted");
    let page = paddock.visit("/").await;
    for text in ["symbol_not_allowed", "order_notional_exceeded", "<b>1</b> of 10", "of $5,000"] {
        assert!(page.text().contains(text), "{text} in {}", page.text());
    }
    let verified = paddock.get("/api/v1/audit/verify").await;
    assert_eq!(verified.json["valid"], true, "{verified:?}");
}

#[tokio::test]
async fn a_pair_of_the_other_world_is_told_apart() {
    let broker = broker().await;
    let paddock = paddock_before(&broker).await;
    let live = broker.broker.create_account(Environment::Live, DEFAULT_CASH).await.unwrap();
    let reply = paddock.connect("mine", "paper", &pair(&live)).await;
    reply.expect_problem(422, "live_key_in_paper");
    paddock.connect("mine", "live", &pair(&live)).await.expect(201);
}

#[tokio::test]
async fn a_regenerated_pair_replaces_the_dead_one() {
    let broker = broker().await;
    let paddock = paddock_before(&broker).await;
    let account = broker.broker.create_account(Environment::Paper, DEFAULT_CASH).await.unwrap();
    paddock.connect("my-paper", "paper", &pair(&account)).await.expect(201);
    let key = paddock.issue_key("reader", &json!({ "preset": "read-only" })).await;
    let fresh = broker.broker.regenerate_key(account.account_id).await.unwrap();
    let checked = paddock.post("/api/v1/connections/my-paper/check", &json!({})).await;
    assert_eq!(checked.json["problem"]["code"], "invalid_credentials", "{checked:?}");
    let (key_id, secret_key) = pair(&fresh);
    let body = json!({
        "name": "my-paper", "environment": "paper", "key_id": key_id, "secret_key": secret_key, "replace": true,
    });
    paddock.post("/api/v1/connections", &body).await.expect(200);
    assert_eq!(paddock.through_gateway("/v2/account", &key).await, 200, "the access key never changed");
}
