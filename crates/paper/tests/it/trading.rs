//! Account, assets, orders, positions, activities: the ways through the trading API.

use paddock_alpaca::wire;
use paddock_paper::PaperOptions;
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Desk, OPEN, answer};

fn market(symbol: &str, qty: Value, side: &str) -> Value {
    let time_in_force = if symbol.contains('/') { "gtc" } else { "day" };
    json!({"symbol": symbol, "qty": qty, "side": side, "type": "market", "time_in_force": time_in_force})
}

fn limit(symbol: &str, qty: u32, side: &str, price: &str) -> Value {
    json!({"symbol": symbol, "qty": qty, "side": side, "type": "limit", "limit_price": price, "time_in_force": "gtc"})
}

#[tokio::test]
async fn a_fresh_account_looks_like_a_real_one() {
    let account = Desk::at(OPEN).await.get("/v2/account").await.body;
    for (name, value) in [
        ("status", "ACTIVE"),
        ("crypto_status", "ACTIVE"),
        ("cash", "100000"),
        ("equity", "100000"),
        ("last_equity", "100000"),
        ("portfolio_value", "100000"),
        ("buying_power", "400000"),
        ("regt_buying_power", "200000"),
        ("non_marginable_buying_power", "100000"),
        ("options_buying_power", "100000"),
        ("multiplier", "4"),
        ("sma", "0"),
        ("balance_asof", "2026-06-23"),
        ("created_at", "2026-06-24T14:00:00Z"),
    ] {
        assert_eq!(account[name], value, "{name}");
    }
    assert_eq!((&account["options_trading_level"], &account["shorting_enabled"]), (&json!(3), &json!(true)));
}

#[tokio::test]
async fn a_market_order_goes_all_the_way() {
    let desk = Desk::at(OPEN).await;
    let placed = desk.post("/v2/orders", market("AAPL", json!("2"), "buy")).await;
    assert_eq!((placed.status, &placed.body["status"]), (200, &json!("pending_new")));
    assert_eq!((&placed.body["filled_qty"], &placed.body["order_class"]), (&json!("0"), &json!("")));
    let order: wire::Order = serde_json::from_value(placed.body).unwrap();

    let filled: wire::Order =
        serde_json::from_value(desk.get(&format!("/v2/orders/{}", order.id)).await.body).unwrap();
    assert_eq!(filled.status, Some(wire::OrderStatus::Filled));
    let price = filled.filled_avg_price.unwrap();

    let position = desk.get("/v2/positions/AAPL").await.body;
    assert_eq!(position["avg_entry_price"], price.to_string());
    assert_eq!((&position["qty"], &position["side"]), (&json!("2"), &json!("long")));
    let by_id = desk.get(&format!("/v2/positions/{}", position["asset_id"].as_str().unwrap())).await.body;
    assert_eq!(by_id, position);

    let account: wire::Account = serde_json::from_value(desk.get("/v2/account").await.body).unwrap();
    assert_eq!(account.cash.unwrap(), wire_decimal("100000") - price - price);

    let activities: Vec<wire::ActivityFill> =
        serde_json::from_value(desk.get("/v2/account/activities/FILL").await.body).unwrap();
    assert_eq!((activities.len(), activities[0].order_id, activities[0].price), (1, order.id, price));
    assert!(activities[0].id.starts_with("20260624100000000::"), "{}", activities[0].id);

    let closed = desk.delete("/v2/positions/AAPL?percentage=50").await;
    assert_eq!(
        (closed.status, &closed.body["qty"], &closed.body["side"]),
        (200, &json!("1"), &json!("sell"))
    );
    let all = desk.delete("/v2/positions").await;
    assert_eq!(
        (all.status, &all.body[0]["status"], &all.body[0]["symbol"]),
        (207, &json!(200), &json!("AAPL"))
    );
    assert_eq!(desk.get("/v2/positions").await.body, json!([]));
    let none = desk.get("/v2/positions/AAPL").await;
    assert_eq!((none.status, &none.body["message"]), (404, &json!("position does not exist")));
}

fn wire_decimal(text: &str) -> rust_decimal::Decimal {
    text.parse().unwrap()
}

#[tokio::test]
async fn crypto_has_a_slash_in_orders_and_none_in_positions() {
    let desk = Desk::at("2026-06-28T03:00:00Z").await;
    let order =
        json!({"symbol": "BTCUSD", "notional": 500, "side": "buy", "type": "market", "time_in_force": "gtc"});
    let placed = desk.post("/v2/orders", order).await;
    assert_eq!((&placed.body["symbol"], &placed.body["asset_class"]), (&json!("BTC/USD"), &json!("crypto")));
    let positions = desk.get("/v2/positions").await.body;
    assert_eq!(positions[0]["symbol"], "BTCUSD");
    for spelling in ["BTCUSD", "BTC%2FUSD"] {
        assert_eq!(desk.get(&format!("/v2/positions/{spelling}")).await.body, positions[0]);
        assert_eq!(desk.get(&format!("/v2/assets/{spelling}")).await.body["symbol"], "BTC/USD");
    }
    assert_eq!(desk.get("/v2/orders?status=all&symbols=BTCUSD").await.body.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn orders_are_listed_by_what_is_asked() {
    let desk = Desk::at(OPEN).await;
    for (second, symbol) in ["AAPL", "MSFT", "AAPL", "IBM"].into_iter().enumerate() {
        desk.place(limit(symbol, 1, "buy", &format!("{}", second + 1))).await;
        desk.advance(1);
    }
    let canceled = desk.get("/v2/orders?symbols=IBM").await.body[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(desk.delete(&format!("/v2/orders/{canceled}")).await.status, 204);
    let prices = async |query: &str| {
        let orders = desk.get(&format!("/v2/orders{query}")).await.body;
        let orders = orders.as_array().unwrap_or_else(|| panic!("{query}: {orders}")).clone();
        orders.iter().map(|order| order["limit_price"].as_str().unwrap().to_owned()).collect::<String>()
    };
    let first = desk.get("/v2/orders?direction=asc").await.body[0]["id"].as_str().unwrap().to_owned();
    for (query, expected) in [
        ("", "321"),
        ("?status=closed", "4"),
        ("?status=all", "4321"),
        ("?status=all&direction=asc", "1234"),
        ("?status=all&limit=2", "43"),
        ("?symbols=AAPL", "31"),
        ("?side=sell", ""),
        ("?asset_class=crypto", ""),
        ("?asset_class=us_equity,crypto", "321"),
        ("?after=2026-06-24T14:00:00Z", "32"),
        ("?until=2026-06-24T10:00:02-04:00", "21"),
        ("?nested=True", "321"),
        (&format!("?after_order_id={first}"), "32"),
        (&format!("?status=all&before_order_id={canceled}"), "321"),
    ] {
        assert_eq!(prices(query).await, expected, "{query}");
    }
    for query in
        ["?status=open,closed", "?limit=501", "?limit=0", "?direction=up", "?after=yesterday", "?side=short"]
    {
        assert_eq!(desk.get(&format!("/v2/orders{query}")).await.status, 422, "{query}");
    }
    let twice = desk.get("/v2/orders?limit=1&limit=2").await;
    assert_eq!(twice.status, 400, "{twice:?}");
}

#[tokio::test]
async fn a_replacement_has_a_new_id_and_a_canceled_order_stays() {
    let desk = Desk::at(OPEN).await;
    let id = desk.place(limit("AAPL", 2, "buy", "100")).await;
    let replaced = desk.patch(&format!("/v2/orders/{id}"), json!({"qty": "3", "limit_price": "101"})).await;
    assert_eq!((replaced.status, &replaced.body["replaces"]), (200, &json!(id)));
    let new = replaced.body["id"].as_str().unwrap();
    let old = desk.get(&format!("/v2/orders/{id}")).await.body;
    assert_eq!((&old["status"], &old["replaced_by"]), (&json!("replaced"), &json!(new)));
    let canceled = desk.delete("/v2/orders").await;
    assert_eq!((canceled.status, canceled.body), (207, json!([{"id": new, "status": 200}])));
    let again = desk.delete(&format!("/v2/orders/{new}")).await;
    assert_eq!(
        (again.status, &again.body["message"]),
        (422, &json!("order is already in \"canceled\" state"))
    );
}

#[tokio::test]
async fn a_client_order_id_finds_its_order_and_is_used_once() {
    let desk = Desk::at(OPEN).await;
    let mut order = limit("AAPL", 1, "buy", "10");
    order["client_order_id"] = json!("mine 1");
    let id = desk.place(order.clone()).await;
    let found = desk.get("/v2/orders:by_client_order_id?client_order_id=mine%201").await;
    assert_eq!(found.body["id"], id);
    let again = desk.post("/v2/orders", order).await;
    let unique = json!({"code": 40010001, "message": "client_order_id must be unique"});
    assert_eq!((again.status, again.body), (422, unique));
    let missing = desk.get("/v2/orders:by_client_order_id?client_order_id=other").await;
    assert_eq!((missing.status, &missing.body["message"]), (404, &json!("order not found for other")));
}

#[rstest]
#[case::twice(
    r#"{"symbol":"AAPL","qty":1,"qty":1000,"side":"buy","type":"market","time_in_force":"day"}"#,
    400
)]
#[case::exponent(r#"{"symbol":"AAPL","qty":1e3,"side":"buy","type":"market","time_in_force":"day"}"#, 422)]
#[case::trailing(r#"{"symbol":"AAPL","qty":1,"side":"buy","type":"market","time_in_force":"day"}{}"#, 400)]
#[case::list("[]", 400)]
#[case::empty("", 400)]
#[case::both(
    r#"{"symbol":"AAPL","qty":1,"notional":1,"side":"buy","type":"market","time_in_force":"day"}"#,
    422
)]
#[case::intent(
    r#"{"symbol":"AAPL","qty":1,"side":"buy","position_intent":"buy_to_close","type":"market","time_in_force":"day"}"#,
    422
)]
#[case::elite(
    r#"{"symbol":"AAPL","qty":1,"side":"buy","advanced_instructions":{"algorithm":"TWAP"},"type":"market","time_in_force":"day"}"#,
    422
)]
#[case::expensive(
    r#"{"symbol":"AAPL","qty":100000,"side":"buy","type":"market","time_in_force":"day"}"#,
    403
)]
#[tokio::test]
async fn orders_that_cannot_be_are_refused(#[case] body: &'static str, #[case] status: u16) {
    let desk = Desk::at(OPEN).await;
    let refused = answer(desk.request("POST", "/v2/orders").body(body)).await;
    assert_eq!(refused.status, status, "{refused:?}");
    assert!(refused.body["code"].is_number() && refused.body["message"].is_string());
    assert_eq!(desk.get("/v2/orders?status=all").await.body, json!([]));
}

#[tokio::test]
async fn compressed_and_huge_bodies_are_refused() {
    let desk = Desk::at(OPEN).await;
    let body = market("AAPL", json!(1), "buy").to_string();
    let gzip = desk.request("POST", "/v2/orders").header("Content-Encoding", "gzip").body(body);
    assert_eq!(answer(gzip).await.status, 400);
    let huge = desk.request("POST", "/v2/orders").body(" ".repeat(10_000_000));
    // The broker answers without reading on, so that the client may see the connection end first.
    if let Ok(response) = huge.send().await {
        assert_eq!(response.status().as_u16(), 413);
    }
    assert_eq!(desk.get("/v2/orders?status=all").await.body, json!([]));
}

#[rstest]
#[case("/v2/orders/nonsense", 422, "order_id is missing")]
#[case(
    "/v2/orders/00000000-0000-4000-8000-000000000000",
    404,
    "order not found for 00000000-0000-4000-8000-000000000000"
)]
#[case("/v2/assets/NOPE", 404, "symbol not found: NOPE")]
#[case(
    "/v2/assets/00000000-0000-4000-8000-000000000000",
    404,
    "asset not found for 00000000-0000-4000-8000-000000000000"
)]
#[case("/v2/nothing", 404, "endpoint not found.")]
#[case("/V2/account", 404, "endpoint not found.")]
#[case("/v2/positions/AAPL", 404, "position does not exist")]
#[tokio::test]
async fn what_is_not_there_is_not_found(#[case] target: &str, #[case] status: u16, #[case] message: &str) {
    let answer = Desk::at(OPEN).await.get(target).await;
    assert_eq!((answer.status, &answer.body["message"]), (status, &json!(message)));
}

#[tokio::test]
async fn queued_orders_wait_and_open_orders_reserve() {
    let desk = Desk::at("2026-06-24T12:00:00Z").await;
    let placed = desk.post("/v2/orders", market("AAPL", json!(10), "buy")).await;
    assert_eq!(placed.body["status"], "accepted");
    let target = format!("/v2/orders/{}", placed.body["id"].as_str().unwrap());
    let refused = desk.patch(&target, json!({"qty": 5})).await;
    assert_eq!(refused.body["message"], "cannot replace order in accepted status");
    let power = desk.get("/v2/account").await.body["buying_power"].as_str().unwrap().to_owned();
    assert!(wire_decimal(&power) < wire_decimal("400000"), "{power}");
    desk.advance(90 * 60);
    let order = desk.get(&target).await.body;
    assert_eq!((&order["status"], &order["filled_at"]), (&json!("filled"), &json!("2026-06-24T13:30:00Z")));
}

#[tokio::test]
async fn the_market_can_be_held_open() {
    let desk =
        Desk::with("2026-06-27T15:00:00Z", |options| PaperOptions { hold_open: true, ..options }).await;
    assert_eq!(desk.get("/v2/clock").await.body["is_open"], true);
    let id = desk.place(market("AAPL", json!(1), "buy")).await;
    assert_eq!(desk.get(&format!("/v2/orders/{id}")).await.body["status"], "filled");
}

#[tokio::test]
async fn the_configuration_is_changed_in_part() {
    let desk = Desk::at(OPEN).await;
    let before = desk.get("/v2/account/configurations").await.body;
    assert_eq!((&before["no_shorting"], &before["max_margin_multiplier"]), (&json!(false), &json!("4")));
    let changed = desk
        .patch("/v2/account/configurations", json!({"no_shorting": true, "max_margin_multiplier": 2}))
        .await;
    assert_eq!((changed.status, &changed.body["max_margin_multiplier"]), (200, &json!("2")));
    assert_eq!(desk.get("/v2/account/configurations").await.body, changed.body);
    assert_eq!(desk.get("/v2/account").await.body["buying_power"], "200000");
    for body in
        [json!({"max_margin_multiplier": "3"}), json!({"trade_confirm_email": "some"}), json!({"pdt": 1})]
    {
        assert_eq!(desk.patch("/v2/account/configurations", body).await.status, 422);
    }
}

#[tokio::test]
async fn assets_are_filtered_and_have_what_models_require() {
    let desk = Desk::at(OPEN).await;
    let assets: Vec<wire::Asset> = serde_json::from_value(desk.get("/v2/assets").await.body).unwrap();
    assert!(assets.len() > 50 && assets.iter().all(|asset| asset.class == "us_equity" && asset.tradable));
    let crypto = desk.get("/v2/assets?asset_class=crypto").await.body;
    let pair = crypto.as_array().unwrap().iter().find(|asset| asset["symbol"] == "ETH/BTC").unwrap().clone();
    assert_eq!((&pair["tradable"], &pair["status"]), (&json!(false), &json!("active")));
    assert_eq!(desk.get("/v2/assets?status=inactive").await.body, json!([]));
    let by_id = desk.get(&format!("/v2/assets/{}", assets[0].id)).await.body;
    assert_eq!(by_id["symbol"], assets[0].symbol.as_str());
}

#[tokio::test]
async fn activities_come_in_pages() {
    let desk = Desk::at(OPEN).await;
    for _ in 0..5 {
        desk.place(market("AAPL", json!(1), "buy")).await;
        desk.advance(61);
    }
    desk.place(json!({"symbol": "BTC/USD", "notional": "100", "side": "buy", "type": "market", "time_in_force": "gtc"})).await;
    desk.advance(24 * 3600);
    let first = desk.get("/v2/account/activities?page_size=4").await.body;
    let ids = |page: &Value| -> Vec<String> {
        page.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((ids(&first).len(), &first[0]["activity_type"]), (4, &json!("CFEE")));
    assert!(first[0]["qty"].as_str().unwrap().starts_with('-'));
    let token = ids(&first)[3].clone();
    let second = desk.get(&format!("/v2/account/activities?page_size=4&page_token={token}")).await.body;
    let mut both = ids(&first);
    both.extend(ids(&second));
    let mut all = ids(&desk.get("/v2/account/activities?direction=asc").await.body);
    all.reverse();
    assert_eq!(both, all);
    for (query, count) in [
        ("?activity_types=FILL", 6),
        ("?category=non_trade_activity", 1),
        ("?date=2026-06-24", 6),
        ("?after=2026-06-24T14:01:00Z&until=2026-06-24T14:03:03Z", 2),
    ] {
        assert_eq!(
            ids(&desk.get(&format!("/v2/account/activities{query}")).await.body).len(),
            count,
            "{query}"
        );
    }
    assert_eq!(
        desk.get("/v2/account/activities?activity_types=FILL&category=trade_activity").await.status,
        422
    );
    assert_eq!(desk.get("/v2/account/activities?page_token=x").await.status, 422);
}

#[tokio::test]
async fn portfolio_history_ends_with_what_the_account_shows() {
    let desk = Desk::at(OPEN).await;
    desk.place(market("AAPL", json!(50), "buy")).await;
    desk.advance(6 * 3600);
    let history: wire::PortfolioHistory =
        serde_json::from_value(desk.get("/v2/account/portfolio/history?period=1D&timeframe=5Min").await.body)
            .unwrap();
    let account: wire::Account = serde_json::from_value(desk.get("/v2/account").await.body).unwrap();
    assert_eq!(history.equity.last().copied().flatten(), account.equity);
    assert_eq!((history.timestamp.len(), history.timeframe.as_str()), (79, "5Min"));
    assert_eq!(
        history.profit_loss.last().copied().flatten(),
        account.equity.map(|equity| equity - history.base_value.unwrap())
    );
    let daily = desk.get("/v2/account/portfolio/history").await.body;
    assert_eq!(daily["timeframe"], "1D");
    for query in [
        "?period=1X",
        "?timeframe=2D",
        "?period=1A&timeframe=1Min",
        "?start=2026-01-01&end=2026-01-02&period=1D",
    ] {
        assert_eq!(desk.get(&format!("/v2/account/portfolio/history{query}")).await.status, 422, "{query}");
    }
}

#[tokio::test]
async fn clock_and_calendar_agree_with_the_exchange() {
    let desk = Desk::at(OPEN).await;
    let clock = desk.get("/v2/clock").await.body;
    assert_eq!(
        clock,
        json!({"timestamp": "2026-06-24T10:00:00-04:00", "is_open": true,
        "next_open": "2026-06-25T09:30:00-04:00", "next_close": "2026-06-24T16:00:00-04:00"})
    );
    let days = desk.get("/v2/calendar?start=2026-11-26&end=2026-11-30").await.body;
    let dates: Vec<&str> = days.as_array().unwrap().iter().map(|day| day["date"].as_str().unwrap()).collect();
    assert_eq!((dates, &days[0]["close"]), (vec!["2026-11-27", "2026-11-30"], &json!("13:00")));
    let v3 = desk.get("/v3/clock?markets=NYSE,XNAS").await.body;
    assert_eq!(
        (&v3["clocks"][1]["market"]["mic"], &v3["clocks"][0]["phase"]),
        (&json!("XNAS"), &json!("core"))
    );
    let v3 = desk.get("/v3/calendar/NYSE?start=2026-11-27&end=2026-11-27").await.body;
    assert_eq!(v3["calendar"][0]["post_end"], "2026-11-27T17:00:00-05:00");
}

#[rstest]
#[case::as_the_market("", "2026-11-27T09:30:00-05:00", "2026-11-27T17:00:00-05:00")]
#[case::in_utc("&timezone=UTC", "2026-11-27T14:30:00Z", "2026-11-27T22:00:00Z")]
#[tokio::test]
async fn a_market_calendar_is_in_the_asked_time_zone(
    #[case] zone: &str,
    #[case] open: &str,
    #[case] end: &str,
) {
    let desk = Desk::at(OPEN).await;
    for market in ["NYSE", "XNYS", "NASDAQ", "XNAS", "IEX", "IEXG", "OTC", "OTCM"] {
        let target = format!("/v3/calendar/{market}?start=2026-11-26&end=2026-11-27{zone}");
        let days = desk.get(&target).await.body;
        let [day] = days["calendar"].as_array().unwrap().as_slice() else { panic!("{days}") };
        assert_eq!((&day["core_start"], &day["post_end"]), (&json!(open), &json!(end)));
        assert_eq!(days["market"]["timezone"], "America/New_York");
    }
}

#[rstest]
#[case(
    "/v3/calendar/LSE",
    "the paper broker does not know the hours of LSE: ask for NYSE, NASDAQ, IEX or OTC"
)]
#[case(
    "/v3/clock?markets=NYSE,OPRA",
    "the paper broker does not know the hours of OPRA: ask for NYSE, NASDAQ, IEX or OTC"
)]
#[case("/v3/clock?markets=NYES", "invalid market: NYES: ask for NYSE, NASDAQ, IEX or OTC")]
#[case("/v3/calendar/NYSE?timezone=Mars", "invalid timezone: Mars")]
#[case("/v3/calendar/NYSE?start=today", "invalid start: today")]
#[case("/v3/clock?time=now", "invalid time: now")]
#[tokio::test]
async fn a_market_or_time_zone_that_is_not_known_is_refused(#[case] target: &str, #[case] message: &str) {
    let desk = Desk::at(OPEN).await;
    let refused = desk.get(target).await;
    assert_eq!((refused.status, &refused.body["message"]), (400, &json!(message)));
}

#[tokio::test]
async fn what_was_received_can_be_asked() {
    let desk = Desk::at(OPEN).await;
    desk.place(limit("AAPL", 1, "buy", "10")).await;
    desk.get("/v2/account?x=1").await;
    let seen = desk.server.broker.requests_seen();
    assert_eq!((seen.len(), seen[0].method.as_str(), seen[0].target.as_str()), (2, "POST", "/v2/orders"));
    assert!(seen[0].body.contains("\"AAPL\"") && seen[1].target == "/v2/account?x=1");
}
