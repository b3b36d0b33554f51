//! `/stream` and `/v2/events/trades`: what clients hear of their orders.

use paddock_core::Environment;
use paddock_paper::DEFAULT_CASH;
use rstest::rstest;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Desk, OPEN};
use crate::socket::{MSGPACK, Socket};

fn authenticate(desk: &Desk) -> Value {
    let (key_id, secret_key) = (&desk.account.key_id, desk.account.secret_key.expose());
    json!({"action": "authenticate", "data": {"key_id": key_id, "secret_key": secret_key}})
}

fn auth(desk: &Desk) -> Value {
    json!({"action": "auth", "key": desk.account.key_id, "secret": desk.account.secret_key.expose()})
}

fn listen() -> Value {
    json!({"action": "listen", "data": {"streams": ["trade_updates"]}})
}

fn authorized() -> Value {
    json!({"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}})
}

fn unauthorized(action: &str) -> Value {
    json!({"stream": "authorization", "data": {"status": "unauthorized", "action": action}})
}

fn listening(streams: &[&str]) -> Value {
    json!({"stream": "listening", "data": {"streams": streams}})
}

fn buy(qty: u32) -> Value {
    json!({"symbol": "AAPL", "qty": qty, "side": "buy", "type": "market", "time_in_force": "day"})
}

/// A socket that hears of the desk's orders.
async fn listener(desk: &Desk) -> Socket {
    let mut socket = Socket::open(desk, "/stream", &[]).await;
    socket.send(authenticate(desk)).await;
    assert_eq!(socket.next().await, authorized());
    socket.send(listen()).await;
    assert_eq!(socket.next().await, listening(&["trade_updates"]));
    socket
}

#[tokio::test]
async fn an_order_is_told_step_by_step_with_all_that_it_is() {
    let desk = Desk::at(OPEN).await;
    desk.place(buy(1)).await;
    let mut socket = listener(&desk).await;
    let id = desk.place(buy(2)).await;
    for (event, status) in [("pending_new", "pending_new"), ("new", "new")] {
        let update = socket.next().await;
        assert_eq!((&update["stream"], &update["data"]["event"]), (&json!("trade_updates"), &json!(event)));
        assert_eq!(update["data"]["order"]["status"], status);
        assert_eq!((update["data"].get("price"), update["data"].get("position_qty")), (None, None));
    }
    let fill = socket.next().await["data"].take();
    let order = desk.get(&format!("/v2/orders/{id}")).await.body;
    assert_eq!((&fill["event"], &fill["order"]), (&json!("fill"), &order));
    assert_eq!((&fill["qty"], &fill["position_qty"]), (&json!("2"), &json!("3")));
    assert_eq!((&fill["price"], &fill["timestamp"]), (&order["filled_avg_price"], &json!(OPEN)));
    let activities = desk.get("/v2/account/activities/FILL").await.body;
    assert!(activities[0]["id"].as_str().unwrap().ends_with(fill["execution_id"].as_str().unwrap()));
}

#[tokio::test]
async fn what_happens_as_time_passes_is_told_without_being_asked() {
    let desk = Desk::at(OPEN).await;
    let mut socket = listener(&desk).await;
    let order = json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "limit", "limit_price": "1", "time_in_force": "day"});
    desk.place(order).await;
    desk.advance(6 * 3600);
    let mut events = Vec::new();
    for _ in 0..3 {
        events.push(socket.next().await["data"]["event"].take());
    }
    assert_eq!(events, ["pending_new", "new", "expired"]);
}

#[tokio::test]
async fn the_exits_of_a_bracket_are_told_as_orders_of_their_own() {
    let desk = Desk::at(OPEN).await;
    let mut socket = listener(&desk).await;
    let mut bracket = buy(1);
    bracket["order_class"] = json!("bracket");
    bracket["take_profit"] = json!({"limit_price": "9000"});
    bracket["stop_loss"] = json!({"stop_price": "1"});
    desk.place(bracket).await;
    let told = |update: &Value| {
        let (event, kind) = (&update["data"]["event"], &update["data"]["order"]["type"]);
        format!("{} {}", event.as_str().unwrap(), kind.as_str().unwrap())
    };
    let mut updates = Vec::new();
    while updates.last().is_none_or(|last| last != "new limit") {
        updates.push(told(&socket.next().await));
    }
    let expected =
        ["held limit", "held stop", "pending_new market", "new market", "fill market", "new limit"]
            .map(str::to_owned);
    let sorted = |mut words: Vec<String>| {
        words.sort();
        words
    };
    assert_eq!(sorted(updates.clone()), sorted(expected.to_vec()), "{updates:?}");
    desk.delete("/v2/orders").await;
    let ends = vec![told(&socket.next().await), told(&socket.next().await)];
    assert_eq!(sorted(ends), ["canceled limit", "canceled stop"]);
}

#[tokio::test]
async fn paper_speaks_in_binary_frames_and_live_in_text() {
    let mut desk = Desk::at(OPEN).await;
    let mut socket = Socket::open(&desk, "/stream", &[]).await;
    socket.send(authenticate(&desk)).await;
    assert_eq!(socket.frame().await, Message::binary(authorized().to_string().into_bytes()));

    desk.account = desk.server.broker.create_account(Environment::Live, DEFAULT_CASH).await.unwrap();
    let mut socket = Socket::open_in(&desk, Environment::Live, "/stream/", &[]).await;
    socket.send(auth(&desk)).await;
    assert_eq!(socket.frame().await, Message::text(authorized().to_string()));
}

#[tokio::test]
async fn message_pack_is_spoken_when_the_handshake_asks_for_it() {
    let desk = Desk::at(OPEN).await;
    let mut socket = Socket::open(&desk, "/stream", &[MSGPACK]).await;
    for (request, answer) in [(auth(&desk), authorized()), (listen(), listening(&["trade_updates"]))] {
        socket.send_raw(Message::binary(rmp_serde::to_vec_named(&request).unwrap())).await;
        let Message::Binary(bytes) = socket.frame().await else { panic!("not binary") };
        assert_eq!(rmp_serde::from_slice::<Value>(&bytes).unwrap(), answer);
    }
    desk.place(buy(1)).await;
    assert_eq!(socket.next().await["data"]["order"]["symbol"], "AAPL");
}

#[tokio::test]
async fn credentials_may_come_in_headers_and_requests_in_binary_frames() {
    let desk = Desk::at(OPEN).await;
    let pair = [
        ("apca-api-key-id", desk.account.key_id.as_str()),
        ("apca-api-secret-key", desk.account.secret_key.expose()),
    ];
    let mut socket = Socket::open(&desk, "/stream", &pair).await;
    assert_eq!(socket.next().await, authorized());
    socket.send_raw(Message::binary(listen().to_string().into_bytes())).await;
    assert_eq!(socket.next().await, listening(&["trade_updates"]));
}

#[tokio::test]
async fn listen_sets_all_streams_anew() {
    let desk = Desk::at(OPEN).await;
    let mut socket = listener(&desk).await;
    socket.send(json!({"action": "listen", "data": {"streams": []}})).await;
    assert_eq!(socket.next().await, listening(&[]));
    desk.place(buy(1)).await;
    socket.send(listen()).await;
    // Nothing is told of the order that came in between, now or later.
    assert_eq!(socket.next().await, listening(&["trade_updates"]));
    let id = desk.place(buy(1)).await;
    assert_eq!(socket.next().await["data"]["order"]["id"], id);
}

#[rstest]
#[case::wrong_secret(json!({"action": "auth", "key": "PK", "secret": "no"}), unauthorized("authenticate"))]
#[case::no_secret(json!({"action": "authenticate"}), unauthorized("authenticate"))]
#[case::oauth(json!({"action": "authenticate", "data": {"oauth_token": "t"}}), unauthorized("authenticate"))]
#[case::listen(listen(), unauthorized("listen"))]
#[case::unknown(json!({"action": "sing"}), json!({"action": "error", "data": {"error_message": "invalid action"}}))]
#[case::list(json!([1]), json!({"action": "error", "data": {"error_message": "invalid action"}}))]
#[tokio::test]
async fn without_a_good_pair_there_is_nothing(#[case] request: Value, #[case] expected: Value) {
    let desk = Desk::at(OPEN).await;
    let mut socket = Socket::open(&desk, "/stream", &[]).await;
    socket.send(request).await;
    assert_eq!(socket.next().await, expected);
    // The next attempt may be a good one.
    socket.send(auth(&desk)).await;
    assert_eq!(socket.next().await, authorized());
}

#[tokio::test]
async fn what_is_no_json_is_an_error() {
    let desk = Desk::at(OPEN).await;
    let mut socket = Socket::open(&desk, "/stream", &[]).await;
    socket.send_raw(Message::text("{")).await;
    assert_eq!(socket.next().await["data"]["error_message"], "invalid syntax");
}

#[tokio::test]
async fn a_pair_opens_its_own_environment_and_its_own_account() {
    let desk = Desk::at(OPEN).await;
    let mut live = Socket::open_in(&desk, Environment::Live, "/stream", &[]).await;
    live.send(auth(&desk)).await;
    assert_eq!(live.next().await, unauthorized("authenticate"));

    let mut desk = desk;
    let mut socket = listener(&desk).await;
    desk.account = desk.server.broker.create_account(Environment::Paper, DEFAULT_CASH).await.unwrap();
    desk.place(buy(1)).await;
    socket.send(listen()).await;
    // The other account's order would have come first.
    assert_eq!(socket.next().await, listening(&["trade_updates"]));
}

#[rstest]
#[case::regenerated("regenerated")]
#[case::revoked("revoked")]
#[case::reset("reset")]
#[tokio::test]
async fn a_dead_pair_closes_its_sockets(#[case] how: &str) {
    let desk = Desk::at(OPEN).await;
    let (broker, account) = (&desk.server.broker, desk.account.account_id);
    let mut socket = listener(&desk).await;
    let events = desk.request("GET", "/v2/events/trades").send().await.unwrap();
    let other = broker.create_account(Environment::Paper, DEFAULT_CASH).await.unwrap();
    broker.revoke_key(other.account_id).await.unwrap();
    match how {
        "regenerated" => drop(broker.regenerate_key(account).await.unwrap()),
        "revoked" => broker.revoke_key(account).await.unwrap(),
        _ => drop(broker.reset_account(account, DEFAULT_CASH).await.unwrap()),
    }
    assert_eq!(socket.closed().await, (1008, "the key is no longer valid".to_owned()));
    assert_eq!(events.text().await.unwrap(), ": connected\n\n");
}

#[tokio::test]
async fn streams_end_when_the_broker_stops() {
    let desk = Desk::at(OPEN).await;
    let mut socket = listener(&desk).await;
    let events = desk.request("GET", "/v2/events/trades").send().await.unwrap();
    desk.server.stop().await;
    assert_eq!(socket.closed().await.0, 1001);
    assert_eq!(events.text().await.unwrap(), ": connected\n\n");
}

/// The events in a server-sent stream that has ended.
fn sent(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

#[tokio::test]
async fn server_sent_events_tell_the_past_and_what_follows() {
    let desk = Desk::at(OPEN).await;
    desk.place(buy(1)).await;
    let mut response = desk.request("GET", "/v2/events/trades?since=2026-06-24").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    while sent(&text).len() < 3 {
        text += std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap();
    }
    desk.place(buy(1)).await;
    while sent(&text).len() < 6 {
        text += std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap();
    }
    let events = sent(&text);
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["pending_new", "new", "fill", "pending_new", "new", "fill"]);
    assert!(events.iter().map(|event| event["event_id"].as_str().unwrap()).is_sorted());
    assert!(events.iter().all(|event| event["account_id"] == desk.account.account_id.to_string()));
    assert_eq!((&events[2]["qty"], &events[5]["position_qty"]), (&json!("1"), &json!("2")));

    let id = |number: usize| events[number]["event_id"].as_str().unwrap();
    desk.place(buy(1)).await;
    let target = format!("/v2/events/trades?since_id={}&until_id={}", id(1), id(3));
    let between = desk.request("GET", &target).send().await.unwrap().text().await.unwrap();
    assert_eq!(sent(&between), events[2..=3]);
}

#[rstest]
#[case("since=2026-06-24&since_id=0")]
#[case("until=2026-06-24")]
#[case("until_id=0")]
#[case("since=yesterday")]
#[tokio::test]
async fn a_stretch_of_events_is_asked_for_in_one_way(#[case] query: &str) {
    let desk = Desk::at(OPEN).await;
    assert_eq!(desk.get(&format!("/v2/events/trades?{query}")).await.status, 422);
}

#[tokio::test]
async fn what_the_journal_brings_back_is_not_told_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut desk = Desk::in_directory(OPEN, directory.path()).await;
    desk.place(buy(1)).await;
    let account = desk.account.clone();
    desk.server.stop().await;

    desk = Desk::in_directory(OPEN, directory.path()).await;
    desk.account = account;
    let mut socket = listener(&desk).await;
    let id = desk.place(buy(2)).await;
    let first = socket.next().await["data"].take();
    assert_eq!((&first["event"], &first["order"]["id"]), (&json!("pending_new"), &json!(id)));
    let target = "/v2/events/trades?since=2026-01-01&until=2026-06-24T14:00:00Z";
    desk.advance(1);
    let past = desk.request("GET", target).send().await.unwrap().text().await.unwrap();
    assert!(sent(&past).iter().all(|event| event["order"]["id"] == id), "{past}");
    assert_eq!(sent(&past).len(), 3);
}
