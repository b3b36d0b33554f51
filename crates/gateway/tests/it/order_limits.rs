//! Limits on what orders are and do, as a program meets them.

use jiff::SignedDuration;
use paddock_core::Scope;
use paddock_core::scope::PositionRule;
use rstest::rstest;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::rig::{Rig, trader};

fn limited(limit: impl FnOnce(&mut Scope)) -> Scope {
    let mut scope = trader();
    limit(&mut scope);
    scope
}

fn order(side: &str, more: Value) -> Value {
    let mut body =
        json!({"symbol": "AAPL", "qty": "1", "side": side, "type": "market", "time_in_force": "day"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[rstest]
#[case(PositionRule::LongOnly, "buy", Value::Null)]
#[case(PositionRule::LongOnly, "sell", json!("sell_to_close"))]
#[case(PositionRule::ReduceOnly, "buy", json!("buy_to_close"))]
#[case(PositionRule::ReduceOnly, "sell", json!("sell_to_close"))]
#[tokio::test]
async fn the_broker_is_told_that_an_order_may_only_close(
    #[case] rule: PositionRule,
    #[case] side: &str,
    #[case] intent: Value,
) {
    let rig = Rig::start().await;
    let pair = rig.key(limited(|scope| scope.positions = Some(rule))).await;
    let (status, body) = rig.order(&pair, order(side, json!({}))).await;
    assert_eq!(status, 200, "{body}");
    let sent: Value = serde_json::from_slice(&rig.broker.changes()[0].body).unwrap();
    assert_eq!(sent.get("position_intent").cloned().unwrap_or_default(), intent);
}

#[tokio::test]
async fn a_program_that_says_it_sells_short_is_refused() {
    let rig = Rig::start().await;
    let pair = rig.key(limited(|scope| scope.positions = Some(PositionRule::LongOnly))).await;
    let (status, body) = rig.order(&pair, order("sell", json!({"position_intent": "sell_to_open"}))).await;
    assert_eq!((status, body["reason"].as_str()), (403, Some("position_not_allowed")));
    assert!(rig.broker.changes().is_empty());
}

/// The order that is replaced did not promise to close, so neither would its replacement.
#[tokio::test]
async fn a_replacement_does_not_get_around_the_rule() {
    let rig = Rig::start().await;
    let pair = rig.key(limited(|scope| scope.positions = Some(PositionRule::ReduceOnly))).await;
    let path = "/v2/orders/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    let (status, body) = rig.send("PATCH", path, &pair, Some(r#"{"qty":"5"}"#)).await;
    assert_eq!((status, body["reason"].as_str()), (403, Some("position_not_allowed")));
    let (status, body) = rig.send("DELETE", "/v2/positions/AAPL", &pair, None).await;
    assert_eq!(status, 200, "a close makes it smaller: {body}");
}

#[tokio::test]
async fn a_limit_far_from_the_market_is_refused() {
    let rig = Rig::start().await;
    let pair = rig.key(limited(|scope| scope.max_price_deviation = Some(Decimal::from(5)))).await;
    let limit = |price: &str| order("buy", json!({"type": "limit", "limit_price": price}));
    let (status, body) = rig.order(&pair, limit("106")).await;
    assert_eq!((status, body["reason"].as_str()), (403, Some("price_outside_collar")));
    let (status, body) = rig.order(&pair, limit("105")).await;
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn a_quote_that_stands_still_judges_nothing() {
    let rig = Rig::start().await;
    let pair = rig.key(limited(|scope| scope.max_order_notional = Some(Decimal::from(1000)))).await;
    // The broker's quote is of 15:00, when the test begins.
    rig.clock.set("2026-11-20T15:15:01Z".parse().unwrap());
    let (status, body) = rig.order(&pair, order("buy", json!({}))).await;
    assert_eq!((status, body["reason"].as_str()), (403, Some("quote_stale")));
    assert_eq!(body["quote_age"].as_str(), Some("901"));
    // What an order in dollars is worth needs no quote.
    let dollars =
        json!({"symbol": "AAPL", "notional": "10", "side": "buy", "type": "market", "time_in_force": "day"});
    assert_eq!(rig.order(&pair, dollars).await.0, 200);
}

#[tokio::test]
async fn orders_have_hours_and_cancels_do_not() {
    let rig = Rig::start().await;
    let pair = rig.key(limited(|scope| scope.hours = Some("09:45-10:30".parse().unwrap()))).await;
    assert_eq!(rig.order(&pair, order("buy", json!({}))).await.0, 200);
    rig.clock.set(paddock_core::Clock::now(&*rig.clock) + SignedDuration::from_mins(30));
    let (status, body) = rig.order(&pair, order("buy", json!({}))).await;
    assert_eq!((status, body["reason"].as_str()), (403, Some("outside_hours")));
    let (status, _) = rig.send("DELETE", "/v2/orders", &pair, None).await;
    assert_eq!(status, 207);
}

#[rstest]
#[case("/v2/stocks/bars?symbols=AAPL&timeframe=1Day", true)]
#[case("/v2/stocks/AAPL/quotes/latest", true)]
#[case("/v2/stocks/meta/exchanges", true)]
#[case("/v2/stocks/bars?symbols=AAPL,MSFT&timeframe=1Day", false)]
#[case("/v2/stocks/MSFT/quotes/latest", false)]
#[case("/v2/stocks/AAPL/quotes/latest?symbols=MSFT", false)]
#[case("/v1/corporate-actions?symbols=AAPL", true)]
#[case("/v1/corporate-actions?symbols=AAPL&cusips=594918104", false)]
#[case("/v1/corporate-actions?ids=0f0e0d0c-0000-4000-8000-000000000000", false)]
#[case("/v2/stocks/bars?symbols=&timeframe=1Day", false)]
#[case("/v1beta1/news", false)]
#[case("/v1beta1/screener/stocks/movers", false)]
#[tokio::test]
async fn market_data_of_the_symbols_that_the_scope_names(#[case] path: &str, #[case] good: bool) {
    let rig = Rig::start().await;
    let apple = paddock_core::Symbol::parse("AAPL").unwrap();
    let pair = rig.key(limited(|scope| scope.data_symbols = Some([apple].into()))).await;
    let (status, body) = rig.send("GET", path, &pair, None).await;
    if good {
        assert_ne!(status, 403, "{body}");
    } else {
        assert_eq!((status, body["reason"].as_str()), (403, Some("data_symbol_not_allowed")));
        assert!(rig.broker.got().is_empty());
    }
}
