//! An account as a person looks at it and acts on it, against the built-in broker.

use std::sync::Arc;

use paddock_alpaca::endpoints::EndpointOverrides;
use paddock_core::{Environment, ManualClock};
use paddock_paper::{DEFAULT_CASH, EphemeralBroker, PaperOptions};
use paddock_vault::OsEntropy;
use rstest::rstest;
use serde_json::{Value, json};

use crate::fake_alpaca::FakeAlpaca;
use crate::harness::Paddock;

/// A Paddock with a paper account that holds 4 AAPL, has an order of `bot` open, and one that was placed behind its back.
pub(crate) struct Stage {
    pub(crate) paddock: Paddock,
    pub(crate) key: (String, String),
    pub(crate) broker: EphemeralBroker,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        // A Monday, an hour after the opening: the clock of the harness.
        let clock = ManualClock::new("2026-11-23T15:30:00Z".parse().unwrap());
        let mut options = PaperOptions::new(Arc::new(clock), Arc::new(OsEntropy));
        options.hold_open = true;
        let broker = EphemeralBroker::start(options).await.unwrap();
        let endpoints = EndpointOverrides {
            paper: Some(broker.url(Environment::Paper)),
            live: Some(broker.url(Environment::Live)),
            data: Some(broker.url(Environment::Paper)),
            stream: None,
        };
        let paddock = Paddock::start_against(FakeAlpaca::start().await, &endpoints).await;
        let account = broker.broker.create_account(Environment::Paper, DEFAULT_CASH).await.unwrap();
        let pair = (account.key_id.as_str(), account.secret_key.expose());
        paddock.connect("my-paper", "paper", &pair).await.expect(201);
        let key = paddock.issue_key("bot", &json!({ "preset": "trader" })).await;
        let stage = Self { paddock, key, broker };
        stage.order("AAPL", "4", None).await;
        stage.order("AAPL", "1", Some("1")).await;
        stage
    }

    pub(crate) async fn order(&self, symbol: &str, qty: &str, limit: Option<&str>) {
        let mut order =
            json!({ "symbol": symbol, "qty": qty, "side": "buy", "type": "market", "time_in_force": "day" });
        if let Some(limit) = limit {
            order["type"] = "limit".into();
            order["limit_price"] = limit.into();
        }
        assert_eq!(self.paddock.send("POST", "/v2/orders", &order.to_string(), &self.key).await, 200);
    }

    /// The broker sells nothing while it is bought at the same time.
    pub(crate) async fn cancel_all(&self) {
        self.paddock.call("DELETE", "/api/v1/connections/my-paper/orders", &json!({})).await.expect(200);
    }

    pub(crate) async fn open_orders(&self) -> Vec<Value> {
        let listed = self.paddock.get("/api/v1/connections/my-paper/orders").await;
        listed.expect(200).json["items"].as_array().unwrap().clone()
    }

    pub(crate) async fn positions(&self) -> Vec<Value> {
        let listed = self.paddock.get("/api/v1/connections/my-paper/positions").await;
        listed.expect(200).json["items"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn an_account_is_shown_with_who_placed_what() {
    let stage = Stage::set().await;
    let account = stage.paddock.get("/api/v1/connections/my-paper/account").await;
    assert_eq!(account.expect(200).json["environment"], "paper");
    assert!(account.json["equity"].as_str().unwrap().parse::<f64>().unwrap() > 99_000.0, "{account:?}");
    assert_eq!(stage.positions().await[0]["qty"], "4");
    let open = stage.open_orders().await;
    assert_eq!((open.len(), &open[0]["placed_by"]), (1, &json!({ "kind": "access_key", "name": "bot" })));
    let one = stage
        .paddock
        .get(&format!("/api/v1/connections/my-paper/orders/{}", open[0]["id"].as_str().unwrap()))
        .await;
    assert_eq!(one.expect(200).json["id"], open[0]["id"]);
    let all = stage.paddock.get("/api/v1/connections/my-paper/orders?status=all&limit=1").await;
    assert_eq!(all.json["items"].as_array().unwrap().len(), 1);
    let cursor = all.json["next_cursor"].as_str().unwrap();
    let next = stage
        .paddock
        .get(&format!("/api/v1/connections/my-paper/orders?status=all&limit=1&cursor={cursor}"))
        .await;
    assert_ne!(next.json["items"][0]["id"], all.json["items"][0]["id"]);
    assert_eq!(next.json["next_cursor"], Value::Null);
    for period in ["1D", "1W", "1M", "3M", "1A"] {
        let curve = stage.paddock.get(&format!("/api/v1/connections/my-paper/equity?period={period}")).await;
        let points = curve.expect(200).json["points"].as_array().unwrap();
        // Alpaca gives zeros from before the account was opened; they are no part of the curve, which ends with now.
        assert!(points.iter().all(|point| point["v"].as_str().unwrap().parse::<f64>().unwrap() > 90_000.0));
        assert!(points.len() == 1 || period == "1D" || period == "1W", "{period}: {points:?}");
    }
}

#[tokio::test]
async fn a_person_cancels_and_closes_and_is_named() {
    let stage = Stage::set().await;
    let (paddock, open) = (&stage.paddock, stage.open_orders().await);
    let order = format!("/api/v1/connections/my-paper/orders/{}", open[0]["id"].as_str().unwrap());
    paddock.call("DELETE", &order, &json!({})).await.expect(200);
    assert_eq!(stage.open_orders().await.len(), 0);
    paddock.call("DELETE", &order, &json!({})).await.expect_problem(422, "alpaca_refused");

    let half =
        paddock.call("DELETE", "/api/v1/connections/my-paper/positions/AAPL?percentage=50", &json!({})).await;
    let sold = half.expect(200).json["order_id"].clone();
    assert!(sold.is_string(), "{half:?}");
    let all = paddock.get("/api/v1/connections/my-paper/orders?status=all").await;
    let sale = all.json["items"].as_array().unwrap().iter().find(|order| order["id"] == sold).unwrap();
    assert_eq!(sale["placed_by"], json!({ "kind": "person", "name": "operator" }));

    stage.order("AAPL", "1", Some("2")).await;
    stage.order("AAPL", "1", Some("3")).await;
    let canceled = paddock.call("DELETE", "/api/v1/connections/my-paper/orders", &json!({})).await;
    assert_eq!((&canceled.expect(200).json["canceled"], &canceled.json["failed"]), (&json!(2), &json!(0)));

    let listed = paddock.get("/api/v1/activity?person=operator").await;
    let operations: Vec<&str> = listed.expect(200).json["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["operation"].as_str().unwrap())
        .collect();
    assert_eq!(
        operations,
        ["deleteAllOrders", "deleteOpenPosition", "deleteOrderByOrderID", "deleteOrderByOrderID"]
    );
    let verified = paddock.get("/api/v1/audit/verify").await;
    assert_eq!(verified.json["valid"], true, "{verified:?}");
}

#[tokio::test]
async fn what_has_the_same_key_is_done_once() {
    let stage = Stage::set().await;
    stage.cancel_all().await;
    let close =
        || stage.paddock.call_as("DELETE", "/api/v1/connections/my-paper/positions/AAPL?qty=1", "once-1");
    let (first, second) = tokio::join!(close(), close());
    let third = close().await;
    let done: Vec<_> =
        [&first, &second, &third].into_iter().filter(|reply| reply.json["repeated"] == false).collect();
    assert_eq!(done.len(), 1, "{first:?} {second:?} {third:?}");
    assert_eq!(third.expect(200).json["repeated"], true);
    let all = stage.paddock.get("/api/v1/connections/my-paper/orders?status=all").await;
    let sells = all.json["items"].as_array().unwrap().iter().filter(|order| order["side"] == "sell").count();
    assert_eq!(sells, 1);
}

#[tokio::test]
async fn a_freeze_lets_cancels_pass_and_no_close() {
    let stage = Stage::set().await;
    let paddock = &stage.paddock;
    paddock.post("/api/v1/connections/my-paper/freeze", &json!({})).await.expect(200);
    let close = paddock.call("DELETE", "/api/v1/connections/my-paper/positions/AAPL", &json!({})).await;
    close.expect_problem(409, "refused");
    assert_eq!(close.json["extra"]["reason"], "frozen");
    let canceled = paddock.call("DELETE", "/api/v1/connections/my-paper/orders", &json!({})).await;
    assert_eq!(canceled.expect(200).json["canceled"], 1);
    assert_eq!(stage.positions().await[0]["qty"], "4");
}

#[rstest]
#[case("GET", "/api/v1/connections/nobody/account", 404, "unknown_connection")]
#[case("GET", "/api/v1/connections/my-paper/orders?status=closed", 400, "invalid_parameter")]
#[case("GET", "/api/v1/connections/my-paper/orders?cursor=00", 400, "invalid_parameter")]
#[case("GET", "/api/v1/connections/my-paper/equity?period=2M", 400, "invalid_parameter")]
#[case("GET", "/api/v1/connections/my-paper/orders/x", 400, "malformed_order_id")]
#[case(
    "GET",
    "/api/v1/connections/my-paper/orders/00000000-0000-0000-0000-000000000001",
    404,
    "not_at_alpaca"
)]
#[case(
    "DELETE",
    "/api/v1/connections/my-paper/orders/00000000-0000-0000-0000-000000000001",
    404,
    "not_at_alpaca"
)]
#[case("DELETE", "/api/v1/connections/nobody/orders", 404, "unknown_connection")]
#[case("DELETE", "/api/v1/connections/my-paper/positions/MSFT", 404, "not_at_alpaca")]
#[case("DELETE", "/api/v1/connections/my-paper/positions/AAPL?qty=-1", 400, "invalid_parameter")]
#[case("DELETE", "/api/v1/connections/my-paper/positions/AAPL?qty=1&percentage=50", 400, "invalid_parameter")]
#[case("DELETE", "/api/v1/connections/my-paper/positions/AAPL?percentage=101", 400, "invalid_parameter")]
#[case("DELETE", "/api/v1/connections/my-paper/positions/..%2Forders", 400, "malformed_symbol")]
#[tokio::test]
async fn what_cannot_be_is_told_with_the_next_step(
    #[case] method: &str,
    #[case] path: &str,
    #[case] status: u16,
    #[case] code: &str,
) {
    let stage = Stage::set().await;
    stage.paddock.call_with(method, path, "").await.expect_problem(status, code);
    assert_eq!(stage.positions().await[0]["qty"], "4");
}

#[tokio::test]
async fn trading_is_changed_and_recorded() {
    let paddock = Paddock::start().await;
    let before = paddock.get("/api/v1/trading").await;
    assert_eq!((&before.expect(200).json["mode"], &before.json["paused"]), (&json!("manual"), &json!(false)));
    assert_eq!(before.json["engine"], false);
    paddock.post("/api/v1/trading/mode", &json!({ "mode": "copilot" })).await.expect(200);
    let paused = paddock.post("/api/v1/trading/pause", &json!({ "reason": "earnings" })).await;
    assert_eq!(paused.expect(200).json["reason"], "earnings");
    paddock
        .post("/api/v1/trading/mode", &json!({ "mode": "yolo" }))
        .await
        .expect_problem(422, "invalid_field");
    paddock
        .post("/api/v1/trading/pause", &json!({ "mode": "manual" }))
        .await
        .expect_problem(422, "unknown_field");
    let now = paddock.post("/api/v1/trading/resume", &json!({})).await;
    assert_eq!((&now.json["mode"], &now.json["paused"]), (&json!("copilot"), &json!(false)));
    let records = paddock.get("/api/v1/audit?event=trading_changed").await;
    assert_eq!(records.json["items"].as_array().unwrap().len(), 3);
}
