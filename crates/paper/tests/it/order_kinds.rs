//! Every kind of order over HTTP: how it is shown, and how it is refused.

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Answer, Desk, OPEN};

fn order(kind: &str, side: &str, more: Value) -> Value {
    let mut body = json!({"symbol": "AAPL", "qty": 2, "side": side, "type": kind, "time_in_force": "gtc"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// A price so many hundredths of the last trade's.
async fn price(desk: &Desk, hundredths: i64) -> String {
    let last = desk.get("/v2/stocks/AAPL/trades/latest").await.body["trade"]["p"].to_string();
    let last: rust_decimal::Decimal = last.parse().unwrap();
    (last * rust_decimal::Decimal::new(hundredths, 2)).round_dp(2).to_string()
}

fn words(answer: &Answer, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| answer.body[*name].as_str().unwrap_or("null").to_owned()).collect()
}

#[tokio::test]
async fn a_stop_shows_its_stop_price_and_can_be_moved() {
    let desk = Desk::at(OPEN).await;
    let (above, below) = (price(&desk, 110).await, price(&desk, 90).await);
    let id = desk.place(order("stop", "buy", json!({"stop_price": above}))).await;
    let shown = desk.get(&format!("/v2/orders/{id}")).await;
    assert_eq!(words(&shown, &["type", "status", "limit_price"]), ["stop", "new", "null"]);
    let refused = desk.post("/v2/orders", order("stop", "buy", json!({"stop_price": below}))).await;
    assert_eq!((refused.status, &refused.body["code"]), (422, &json!(42210000)));
    assert_eq!(refused.body["message"], "stop price must be greater than current price");
    assert!(refused.body["market_price"].is_string() && refused.body["stop_price"].is_string());
    let further = price(&desk, 120).await;
    let moved = desk.patch(&format!("/v2/orders/{id}"), json!({"stop_price": further})).await;
    assert_eq!((moved.status, &moved.body["replaces"]), (200, &json!(id)));
    let shown: f64 = moved.body["stop_price"].as_str().unwrap().parse().unwrap();
    assert!((shown - further.parse::<f64>().unwrap()).abs() < 1e-9);
}

#[tokio::test]
async fn a_trailing_stop_shows_its_mark_and_where_it_stands() {
    let desk = Desk::at(OPEN).await;
    let id = desk.place(order("trailing_stop", "buy", json!({"trail_percent": "30"}))).await;
    let target = format!("/v2/orders/{id}");
    let first = desk.get(&target).await;
    assert_eq!(
        words(&first, &["type", "status", "trail_percent", "trail_price"]),
        ["trailing_stop", "new", "30", "null"]
    );
    let number = |answer: &Answer, name: &str| answer.body[name].as_str().unwrap().parse::<f64>().unwrap();
    desk.advance(3600 * 24 * 5);
    let later = desk.get(&target).await;
    assert!(number(&later, "hwm") < number(&first, "hwm"), "the lowest price of five days is a new mark");
    let expected = number(&later, "hwm") * 1.3;
    assert!((number(&later, "stop_price") - expected).abs() < 0.011, "{later:?}");
    let replaced = desk.patch(&target, json!({"trail": "31"})).await;
    assert_eq!(words(&replaced, &["trail_percent", "hwm"])[0], "31");
    assert_eq!(replaced.body["hwm"], later.body["hwm"]);
}

#[tokio::test]
async fn a_bracket_is_shown_with_its_legs_where_that_is_asked() {
    let desk = Desk::at(OPEN).await;
    let body = |profit: &str, loss: &str| {
        order(
            "market",
            "buy",
            json!({"order_class": "bracket", "take_profit": {"limit_price": profit}, "stop_loss": {"stop_price": loss}}),
        )
    };
    let (profit, loss) = (price(&desk, 150).await, price(&desk, 50).await);
    let placed = desk.post("/v2/orders", body(&profit, &loss)).await;
    assert_eq!((placed.status, &placed.body["order_class"]), (200, &json!("bracket")));
    let legs = placed.body["legs"].as_array().unwrap().clone();
    let kinds: Vec<_> =
        legs.iter().map(|leg| (leg["type"].as_str().unwrap(), leg["status"].as_str().unwrap())).collect();
    assert_eq!(kinds, [("limit", "held"), ("stop", "held")]);
    assert!(
        legs.iter()
            .all(|leg| leg["order_class"] == "bracket" && leg["side"] == "sell" && leg["legs"].is_null())
    );

    let target = format!("/v2/orders/{}", placed.body["id"].as_str().unwrap());
    let flat = desk.get(&target).await.body;
    assert_eq!((&flat["status"], &flat["legs"]), (&json!("filled"), &Value::Null));
    let nested = desk.get(&format!("{target}?nested=true")).await.body;
    assert_eq!((&nested["legs"][0]["status"], &nested["legs"][1]["status"]), (&json!("new"), &json!("held")));

    let count =
        async |query: &str| desk.get(&format!("/v2/orders?{query}")).await.body.as_array().unwrap().len();
    assert_eq!((count("status=all").await, count("status=all&nested=true").await), (3, 1));
    assert_eq!((count("status=open").await, count("status=open&nested=true").await), (2, 2));

    let canceled = desk.delete(&format!("/v2/orders/{}", legs[1]["id"].as_str().unwrap())).await;
    assert_eq!((canceled.status, count("status=open").await), (204, 0));
    let refused = desk.post("/v2/orders", body(&loss, &loss)).await;
    assert_eq!(refused.body["message"], "take_profit.limit_price must be >= base_price + 0.01");
    assert!(refused.body["base_price"].is_string());
}

#[tokio::test]
async fn an_oco_is_its_take_profit_with_the_stop_loss_as_its_leg() {
    let desk = Desk::at(OPEN).await;
    desk.place(order("market", "buy", json!({}))).await;
    let (profit, loss) = (price(&desk, 150).await, price(&desk, 50).await);
    let exits = json!({"order_class": "oco", "take_profit": {"limit_price": profit},
        "stop_loss": {"stop_price": loss, "limit_price": loss}});
    let placed = desk.post("/v2/orders", order("limit", "sell", exits)).await;
    assert_eq!((placed.status, &placed.body["order_class"]), (200, &json!("oco")), "{placed:?}");
    let legs = placed.body["legs"].as_array().unwrap();
    assert_eq!((legs.len(), &legs[0]["type"], &legs[0]["status"]), (1, &json!("stop_limit"), &json!("held")));
    let position = desk.get("/v2/positions/AAPL").await.body;
    assert_eq!(position["qty_available"], "0");
    let all = desk.delete("/v2/orders").await;
    assert_eq!((all.status, all.body.as_array().unwrap().len()), (207, 2));
}

#[rstest]
#[case::ioc("2026-06-24T14:00:00Z", json!({"time_in_force": "ioc", "limit_price": "1"}), "canceled")]
#[case::fok("2026-06-24T14:00:00Z", json!({"time_in_force": "fok", "limit_price": "1"}), "canceled")]
#[case::opg("2026-06-24T13:00:00Z", json!({"time_in_force": "opg", "limit_price": "1"}), "accepted")]
#[case::cls("2026-06-24T14:00:00Z", json!({"time_in_force": "cls", "limit_price": "1"}), "accepted")]
#[tokio::test]
async fn times_in_force(#[case] now: &str, #[case] more: Value, #[case] status: &str) {
    let desk = Desk::at(now).await;
    let id = desk.place(order("limit", "buy", more)).await;
    assert_eq!(desk.get(&format!("/v2/orders/{id}")).await.body["status"], status);
}

#[tokio::test]
async fn an_opening_order_at_noon_is_told_its_hours() {
    let desk = Desk::at(OPEN).await;
    let refused = desk.post("/v2/orders", order("market", "buy", json!({"time_in_force": "opg"}))).await;
    let message = "opg orders must be submitted after 7:00pm and before 9:28am";
    assert_eq!((refused.status, &refused.body), (403, &json!({"code": 40310000, "message": message})));
}
