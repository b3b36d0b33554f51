//! Orders, and everything that is an order in another coat.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::broker::{position, well_behaved};
use crate::rig::{Pair, Rig, trader};
use paddock_core::calendar::trading_date;
use paddock_core::order::Side;
use paddock_core::{Clock as _, Symbol, Usage};

fn market(symbol: &str, quantity: &str) -> Value {
    json!({"symbol": symbol, "qty": quantity, "side": "buy", "type": "market", "time_in_force": "day"})
}

async fn usage(rig: &Rig, pair: &Pair) -> Usage {
    rig.store.usage(pair.id, trading_date(rig.clock.now())).await.unwrap()
}

#[tokio::test]
async fn an_order_within_the_scope_reaches_the_broker_once_and_is_charged() {
    let rig = Rig::start().await;
    let mut scope = trader();
    scope.symbols = Some([Symbol::parse("AAPL").unwrap()].into());
    scope.max_order_notional = Some(Decimal::from(1000));
    let pair = rig.key(scope).await;
    let (status, body) = rig.order(&pair, market("AAPL", "2.5")).await;
    assert_eq!(status, 200, "{body}");
    let changes = rig.broker.changes();
    assert_eq!(changes.len(), 1);
    let sent: Value = serde_json::from_slice(&changes[0].body).unwrap();
    assert_eq!((sent["symbol"].as_str(), sent["qty"].as_str()), (Some("AAPL"), Some("2.5")));
    assert!(sent["client_order_id"].is_string(), "an order without a name gets one: {sent}");
    let used = usage(&rig, &pair).await;
    assert_eq!((used.orders, used.notional), (1, Decimal::from(250)));
}

#[tokio::test]
async fn the_clients_own_order_name_is_kept() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let mut body = market("AAPL", "1");
    body["client_order_id"] = "my-own".into();
    rig.order(&pair, body).await;
    let sent: Value = serde_json::from_slice(&rig.broker.changes()[0].body).unwrap();
    assert_eq!(sent["client_order_id"], "my-own");
}

#[tokio::test]
async fn a_refusal_says_why_with_numbers_and_charges_nothing() {
    let rig = Rig::start().await;
    let mut scope = trader();
    scope.symbols = Some([Symbol::parse("AAPL").unwrap()].into());
    scope.max_order_notional = Some(Decimal::from(1000));
    let pair = rig.key(scope).await;
    let (status, body) = rig.order(&pair, market("MSFT", "1")).await;
    assert_eq!(
        (status, body["code"].as_u64(), body["reason"].as_str()),
        (403, Some(40_390_006), Some("symbol_not_allowed"))
    );
    let (status, body) = rig.order(&pair, market("AAPL", "10.5")).await;
    assert_eq!((status, body["reason"].as_str()), (403, Some("order_notional_exceeded")));
    assert_eq!(
        (body["notional"].as_str(), body["max_order_notional"].as_str()),
        (Some("1050"), Some("1000"))
    );
    assert!(rig.broker.changes().is_empty());
    assert_eq!(usage(&rig, &pair).await.orders, 0);
    assert!(rig.store.verify_audit().await.is_ok());
}

#[tokio::test]
async fn a_replacement_is_decided_as_the_order_that_would_result() {
    let rig = Rig::start().await;
    let mut scope = trader();
    scope.max_order_notional = Some(Decimal::from(1000));
    let pair = rig.key(scope).await;
    let path = "/v2/orders/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    let (status, body) = rig.send("PATCH", path, &pair, Some(r#"{"qty":"11"}"#)).await;
    assert_eq!((status, body["reason"].as_str()), (403, Some("order_notional_exceeded")));
    let (status, body) = rig.send("PATCH", path, &pair, Some(r#"{"limit_price":"400"}"#)).await;
    assert_eq!((status, body["notional"].as_str()), (403, Some("1200")));
    assert!(rig.broker.changes().is_empty());
    assert_eq!(rig.send("PATCH", path, &pair, Some(r#"{"qty":"4"}"#)).await.0, 200);
}

#[tokio::test]
async fn a_replacement_of_the_keys_own_order_is_charged_for_the_difference() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let limit = json!({"symbol":"AAPL","qty":"1","side":"buy","type":"limit","limit_price":"100","time_in_force":"day"});
    rig.order(&pair, limit).await;
    let path = "/v2/orders/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    assert_eq!(rig.send("PATCH", path, &pair, Some(r#"{"qty":"5"}"#)).await.0, 200);
    let used = usage(&rig, &pair).await;
    assert_eq!((used.orders, used.notional), (2, Decimal::from(500)));
}

#[tokio::test]
async fn closing_a_position_is_decided_as_the_sale_that_it_is() {
    let rig = Rig::start().await;
    let mut scope = trader();
    scope.sides = Some([Side::Buy].into());
    let buyer = rig.key(scope).await;
    let (status, body) = rig.send("DELETE", "/v2/positions/AAPL", &buyer, None).await;
    assert_eq!((status, body["reason"].as_str()), (403, Some("side_not_allowed")));

    let mut scope = trader();
    scope.max_order_notional = Some(Decimal::from(300));
    let capped = rig.key(scope).await;
    let (status, body) = rig.send("DELETE", "/v2/positions/AAPL", &capped, None).await;
    assert_eq!((status, body["reason"].as_str()), (403, Some("order_notional_exceeded")));
    assert!(rig.broker.changes().is_empty());
    assert_eq!(rig.send("DELETE", "/v2/positions/AAPL?percentage=50", &capped, None).await.0, 200);
    assert_eq!(usage(&rig, &capped).await.notional, Decimal::new(24_995, 2));
    assert_eq!(rig.broker.changes()[0].target, "/v2/positions/AAPL?percentage=50");
}

#[tokio::test]
async fn closing_everything_is_decided_for_each_position() {
    let rig = Rig::start().await;
    let mut scope = trader();
    scope.symbols = Some([Symbol::parse("AAPL").unwrap()].into());
    let pair = rig.key(scope).await;
    let (status, body) = rig.send("DELETE", "/v2/positions", &pair, None).await;
    assert_eq!((status, body["reason"].as_str()), (403, Some("symbol_not_allowed")));
    assert!(rig.broker.changes().is_empty());
    let all = rig.key(trader()).await;
    assert_eq!(rig.send("DELETE", "/v2/positions", &all, None).await.0, 207);
    assert_eq!(usage(&rig, &all).await.orders, 2);
}

#[tokio::test]
async fn a_crypto_position_is_the_pair_however_it_is_spelled() {
    let rig = Rig::start().await;
    rig.broker.script(|got| match got.target.as_str() {
        "/v2/positions/BTCUSD" => crate::broker::json(200, &position("BTCUSD", "0.5")),
        _ => well_behaved(got),
    });
    let mut scope = trader();
    scope.symbols = Some([Symbol::parse("BTC/USD").unwrap()].into());
    let pair = rig.key(scope).await;
    assert_eq!(rig.send("DELETE", "/v2/positions/BTCUSD", &pair, None).await.0, 200);
    assert_eq!(rig.send("DELETE", "/v2/positions/AAPL", &pair, None).await.0, 403);
}

#[tokio::test]
async fn a_short_position_is_closed_by_a_purchase() {
    let rig = Rig::start().await;
    rig.broker.script(|got| match got.target.as_str() {
        "/v2/positions/AAPL" => crate::broker::json(200, &position("AAPL", "-5")),
        _ => well_behaved(got),
    });
    let mut scope = trader();
    scope.sides = Some([Side::Sell].into());
    let pair = rig.key(scope).await;
    let (status, body) = rig.send("DELETE", "/v2/positions/AAPL", &pair, None).await;
    assert_eq!((status, body["side"].as_str()), (403, Some("buy")));
}

#[tokio::test]
async fn a_read_only_key_reads_and_does_nothing_else() {
    let rig = Rig::start().await;
    let mut scope = paddock_core::Scope::default();
    paddock_core::scope::Preset::ReadOnly.apply(&mut scope);
    let pair = rig.key(scope).await;
    assert_eq!(rig.send("GET", "/v2/orders?status=all&limit=5", &pair, None).await.0, 200);
    assert_eq!(rig.broker.got()[0].target, "/v2/orders?status=all&limit=5");
    for (method, path) in [
        ("DELETE", "/v2/orders"),
        ("DELETE", "/v2/positions"),
        ("DELETE", "/v2/positions/AAPL"),
        ("PATCH", "/v2/account/configurations"),
        ("POST", "/v2/watchlists"),
    ] {
        let (status, body) = rig.send(method, path, &pair, None).await;
        assert_eq!(
            (status, body["reason"].as_str()),
            (403, Some("operation_not_allowed")),
            "{method} {path}"
        );
    }
    assert_eq!(rig.order(&pair, market("AAPL", "1")).await.0, 403);
    assert!(rig.broker.changes().is_empty());
}

#[tokio::test]
async fn a_rejected_order_gives_its_charge_back() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    rig.broker.script(|got| match got.method.as_str() {
        "POST" => {
            crate::broker::json(403, &json!({"code": 40_310_000, "message": "insufficient buying power"}))
        }
        _ => well_behaved(got),
    });
    let (status, body) = rig.order(&pair, market("AAPL", "1")).await;
    assert_eq!((status, body["code"].as_u64()), (403, Some(40_310_000)), "the broker's own error passes");
    assert_eq!(usage(&rig, &pair).await.orders, 0);
}
