//! Trading halts: what rests, what the streams tell, and what the journal brings back.

use paddock_paper::{EphemeralBroker, PaperOptions};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Answer, Desk, OPEN, answer, options};
use crate::socket::{MSGPACK, Socket};

async fn set(desk: &Desk, target: &str, symbols: Value) -> Answer {
    answer(desk.admin("POST", target).body(json!({ "symbols": symbols }).to_string())).await
}

async fn order(desk: &Desk, symbol: &str, kind: &str, more: Value) -> String {
    let mut body = json!({"symbol": symbol, "qty": 1, "side": "buy", "type": kind, "time_in_force": "day"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    desk.place(body).await
}

async fn shown(desk: &Desk, id: &str) -> Value {
    desk.get(&format!("/v2/orders/{id}")).await.body
}

async fn status(desk: &Desk, id: &str) -> String {
    shown(desk, id).await["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn orders_rest_through_a_halt_and_meet_the_first_trade_after_it() {
    let desk = Desk::at(OPEN).await;
    let resting = order(&desk, "AAPL", "limit", json!({"limit_price": 1})).await;
    desk.advance(1);
    assert_eq!(set(&desk, "/halts", json!(["AAPL"])).await.status, 200);
    let quote = || async { desk.get("/v2/stocks/AAPL/quotes/latest").await.body["quote"].clone() };
    let before = quote().await;

    let market = order(&desk, "AAPL", "market", json!({})).await;
    let limit = order(&desk, "AAPL", "limit", json!({"limit_price": 5000})).await;
    let immediate = order(&desk, "AAPL", "limit", json!({"limit_price": 5000, "time_in_force": "ioc"})).await;
    let elsewhere = order(&desk, "MSFT", "market", json!({})).await;
    desk.advance(600);
    assert_eq!(
        (status(&desk, &market).await, status(&desk, &limit).await),
        ("new".to_owned(), "new".to_owned())
    );
    assert_eq!(status(&desk, &immediate).await, "canceled");
    assert_eq!(status(&desk, &elsewhere).await, "filled");
    assert_eq!(quote().await, before);

    let resumed_at = desk.server.broker.now();
    assert_eq!(set(&desk, "/halts/resume", json!(["AAPL"])).await.body, json!({"halts": []}));
    assert_eq!(status(&desk, &market).await, "new", "there was no trade yet");
    desk.advance(60);
    for id in [&market, &limit] {
        let filled = shown(&desk, id).await;
        assert_eq!(filled["status"], "filled");
        let at: jiff::Timestamp = filled["filled_at"].as_str().unwrap().parse().unwrap();
        assert!(at > resumed_at && at.duration_since(resumed_at).as_secs() < 60, "{filled}");
    }
    assert_eq!(status(&desk, &resting).await, "new");
    // What the tape had in the halt never happened.
    let trades =
        desk.get("/v2/stocks/AAPL/trades?start=2026-06-24T14:00:01Z&end=2026-06-24T14:10:01Z").await.body;
    assert_eq!(trades["trades"].as_array().unwrap().len(), 0, "{trades}");
}

#[tokio::test]
async fn orders_expire_in_a_halt_and_auctions_are_missed() {
    let desk = Desk::at(OPEN).await;
    let close = order(&desk, "AAPL", "market", json!({"time_in_force": "cls"})).await;
    let day = order(&desk, "AAPL", "limit", json!({"limit_price": 1})).await;
    set(&desk, "/halts", json!(["*"])).await;
    let stop = order(&desk, "AAPL", "stop", json!({"stop_price": 2000})).await;
    let coins = order(&desk, "BTC/USD", "market", json!({"time_in_force": "gtc", "qty": 0.01})).await;
    let canceled = order(&desk, "IBM", "market", json!({})).await;
    assert_eq!(desk.delete(&format!("/v2/orders/{canceled}")).await.status, 204);
    desk.advance(7 * 3600);
    assert_eq!(status(&desk, &close).await, "canceled");
    for id in [&day, &stop] {
        assert_eq!(status(&desk, id).await, "expired");
    }
    assert_eq!(status(&desk, &coins).await, "new");
    assert_eq!(answer(desk.admin("DELETE", "/halts")).await.status, 204);
    desk.advance(60);
    assert_eq!(status(&desk, &coins).await, "filled");
}

#[tokio::test]
async fn a_stop_that_the_market_passed_in_a_halt_is_triggered_by_the_first_trade_after_it() {
    let desk = Desk::at(OPEN).await;
    order(&desk, "AAPL", "market", json!({"qty": 3})).await;
    set(&desk, "/halts", json!(["AAPL"])).await;
    let last = desk.get("/v2/stocks/AAPL/trades/latest").await.body["trade"]["p"].as_f64().unwrap();
    let sell =
        |price: f64| json!({"side": "sell", "stop_price": format!("{price:.2}"), "time_in_force": "gtc"});
    let near = order(&desk, "AAPL", "stop", sell(last - 0.01)).await;
    let far = order(&desk, "AAPL", "stop", sell(1.0)).await;
    let trailing = order(
        &desk,
        "AAPL",
        "trailing_stop",
        json!({"side": "sell", "trail_price": "0.01", "time_in_force": "gtc"}),
    )
    .await;
    let mark = shown(&desk, &trailing).await["hwm"].clone();
    desk.advance(3600);
    assert_eq!(
        (status(&desk, &near).await, status(&desk, &trailing).await),
        ("new".to_owned(), "new".to_owned())
    );
    assert_eq!(shown(&desk, &trailing).await["hwm"], mark);
    set(&desk, "/halts/resume", json!(["AAPL"])).await;
    desk.advance(24 * 3600);
    assert_eq!(
        (status(&desk, &trailing).await, status(&desk, &far).await),
        ("filled".to_owned(), "new".to_owned())
    );
}

#[tokio::test]
async fn streams_tell_of_halts() {
    let desk = Desk::at(OPEN).await;
    let mut sockets = Vec::new();
    for (path, headers) in [("/v2/iex", &[][..]), ("/v2/sip", &[MSGPACK][..])] {
        let mut socket = Socket::open(&desk, path, headers).await;
        assert_eq!(socket.next().await[0]["msg"], "connected");
        let auth =
            json!({"action": "auth", "key": desk.account.key_id, "secret": desk.account.secret_key.expose()});
        socket.send(auth).await;
        assert_eq!(socket.next().await[0]["msg"], "authenticated");
        socket.send(json!({"action": "subscribe", "statuses": ["AAPL", "IBM"]})).await;
        assert_eq!(socket.next().await[0]["statuses"], json!(["AAPL", "IBM"]));
        sockets.push(socket);
    }
    let expected = [
        json!([{"T": "s", "S": "AAPL", "sc": "H", "sm": "Trading Halt", "rc": "T1", "rm": "Halt News Pending",
            "t": "2026-06-24T14:00:00Z", "z": "C"}]),
        json!([{"T": "s", "S": "AAPL", "sc": "T", "sm": "Trading Resumption", "rc": "T3",
            "rm": "News and Resumption Times", "t": "2026-06-24T14:01:00Z", "z": "C"}]),
    ];
    set(&desk, "/halts", json!(["AAPL", "MSFT"])).await;
    assert_eq!(sockets[0].next().await, expected[0]);
    desk.advance(60);
    set(&desk, "/halts/resume", json!(["AAPL"])).await;
    assert_eq!(sockets[0].next().await, expected[1]);
    set(&desk, "/halts", json!(["*"])).await;
    let all = sockets[0].next().await;
    assert_eq!(all.as_array().unwrap().len(), 2, "{all}");
    assert_eq!(all[1]["sc"], "2", "IBM is not listed on Nasdaq");
    let Message::Binary(packed) = sockets[1].frame().await else { panic!("no MessagePack") };
    let time = b"\xa1t\xd6\xff\x6a\x3b\xe2\xe0";
    assert!(packed.windows(time.len()).any(|part| part == time), "{packed:?}");
}

#[tokio::test]
async fn a_journal_with_halts_and_jumps_brings_everything_back() {
    let directory = tempfile::tempdir().unwrap();
    let desk = Desk::in_directory(OPEN, directory.path()).await;
    order(&desk, "AAPL", "market", json!({"qty": 5})).await;
    set(&desk, "/halts", json!(["AAPL"])).await;
    order(&desk, "AAPL", "market", json!({"time_in_force": "gtc"})).await;
    let trail = json!({"side": "sell", "trail_percent": 1, "time_in_force": "gtc", "qty": 2});
    order(&desk, "AAPL", "trailing_stop", trail).await;
    answer(desk.admin("POST", "/clock/step").body(r#"{"seconds":1800}"#)).await;
    set(&desk, "/halts/resume", json!(["AAPL"])).await;
    answer(desk.admin("POST", "/clock/rate").body(r#"{"rate":60}"#)).await;
    desk.advance(10);
    answer(desk.admin("POST", "/clock/rate").body(r#"{"rate":0}"#)).await;
    desk.advance(10);
    answer(desk.admin("POST", "/clock/jump").body(r#"{"to":"next_open"}"#)).await;
    set(&desk, "/halts", json!(["MSFT", "BTC/USD"])).await;
    order(&desk, "MSFT", "market", json!({})).await;

    async fn everything(desk: &Desk) -> Vec<Value> {
        let mut shown = vec![answer(desk.admin("GET", "/halts")).await.body];
        for target in ["/v2/account", "/v2/orders?status=all", "/v2/positions", "/v2/account/activities"] {
            shown.push(desk.get(target).await.body);
        }
        shown
    }
    let before = everything(&desk).await;
    assert_eq!(before[0]["halts"].as_array().unwrap().len(), 2);
    assert!(before[2].to_string().contains("filled"));
    let Desk { server, clock, account, http } = desk;
    server.stop().await;
    let again = PaperOptions { data_dir: Some(directory.path().to_owned()), ..options(&clock) };
    let server = EphemeralBroker::start(again).await.unwrap();
    let desk = Desk { server, clock, account, http };
    assert_eq!(everything(&desk).await, before);
}
