//! Streams that fall silent, break and stand still.

use rstest::rstest;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Desk, OPEN, answer};
use crate::socket::Socket;

async fn trading(desk: &Desk) -> Socket {
    let mut socket = Socket::open(desk, "/stream", &[]).await;
    let auth =
        json!({"action": "auth", "key": desk.account.key_id, "secret": desk.account.secret_key.expose()});
    socket.send(auth).await;
    assert_eq!(socket.next().await["data"]["status"], "authorized");
    socket.send(json!({"action": "listen", "data": {"streams": ["trade_updates"]}})).await;
    assert_eq!(socket.next().await["stream"], "listening");
    socket
}

async fn data(desk: &Desk, path: &str, subscription: Value) -> Socket {
    let mut socket = Socket::open(desk, path, &[]).await;
    assert_eq!(socket.next().await[0]["msg"], "connected");
    let auth =
        json!({"action": "auth", "key": desk.account.key_id, "secret": desk.account.secret_key.expose()});
    socket.send(auth).await;
    assert_eq!(socket.next().await[0]["msg"], "authenticated");
    let mut request = json!({"action": "subscribe"});
    request.as_object_mut().unwrap().extend(subscription.as_object().unwrap().clone());
    socket.send(request).await;
    assert_eq!(socket.next().await[0]["T"], "subscription");
    socket
}

fn buy() -> Value {
    json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"})
}

#[tokio::test]
async fn a_half_open_stream_says_nothing_and_answers_no_ping() {
    let desk = Desk::at(OPEN).await;
    let mut socket = trading(&desk).await;
    let rule = json!({"fault": "half_open", "streams": ["/stream"], "account": desk.account.account_number});
    let id = desk.fault(rule).await;
    while desk.fired(id).await == 0 {}
    let order = desk.place(buy()).await;
    socket.send_raw(Message::Ping(b"there?".to_vec().into())).await;
    socket.send(json!({"action": "listen", "data": {"streams": []}})).await;
    assert!(socket.is_silent().await);
    assert_eq!(desk.get(&format!("/v2/orders/{order}")).await.body["status"], "filled");
    // The rule lets go, and the connection was there all the time.
    answer(desk.admin("DELETE", &format!("/faults/{id}"))).await;
    let mut events = Vec::new();
    while events.len() < 3 {
        let next = socket.next().await;
        events.push(next["data"]["event"].as_str().unwrap_or("listening").to_owned());
        if events.last().unwrap() == "listening" {
            break;
        }
    }
    assert!(events.iter().any(|event| event == "listening" || event == "fill"), "{events:?}");
}

#[rstest]
#[case("/v2/iex", json!({"trades": ["AAPL"]}))]
#[case("/v1beta3/crypto/us", json!({"quotes": ["BTC/USD"]}))]
#[tokio::test]
async fn a_half_open_data_stream_goes_on_after_the_time_of_its_rule(#[case] path: &str, #[case] what: Value) {
    let desk = Desk::at(OPEN).await;
    let mut socket = data(&desk, path, what).await;
    let id = desk.fault(json!({"fault": "half_open", "streams": [path], "for_seconds": 120})).await;
    while desk.fired(id).await == 0 {}
    desk.advance(60);
    socket.send_raw(Message::Ping(Vec::new().into())).await;
    assert!(socket.is_silent().await);
    desk.advance(60);
    assert_eq!(socket.next().await[0]["T"].as_str().map(str::len), Some(1));
}

#[tokio::test]
async fn a_storm_cuts_all_streams_and_refuses_those_that_come_back() {
    let desk = Desk::at(OPEN).await;
    let mut sockets =
        [trading(&desk).await, trading(&desk).await, data(&desk, "/v2/sip", json!({"bars": ["*"]})).await];
    desk.fault(json!({"fault": "error", "status": 429, "streams": ["*"], "count": 3})).await;
    let storm = desk.fault(json!({"fault": "disconnect"})).await;
    for socket in &mut sockets {
        assert!(socket.is_cut_off().await);
    }
    assert_eq!(desk.fired(storm).await, 3);
    for path in ["/stream", "/v2/sip", "/stream"] {
        assert_eq!(Socket::refused(&desk, path).await, 429);
    }
    // Requests were never concerned, and the fourth stream lives, although the rule that cuts them stands.
    assert_eq!(desk.get("/v2/account").await.status, 200);
    let mut socket = trading(&desk).await;
    desk.place(buy()).await;
    assert_eq!(socket.next().await["data"]["event"], "pending_new");
}

#[tokio::test]
async fn streams_that_come_back_are_cut_off_again_as_often_as_is_said() {
    let desk = Desk::at(OPEN).await;
    let mut first = trading(&desk).await;
    desk.fault(json!({"fault": "disconnect", "reconnects": true, "code": 1011, "count": 3})).await;
    assert_eq!(first.closed().await.0, 1011);
    for _ in 0..2 {
        let mut again = Socket::open(&desk, "/stream", &[]).await;
        assert_eq!(again.closed().await.0, 1011);
    }
    trading(&desk).await;
}

#[tokio::test]
async fn a_client_is_told_that_it_is_slow() {
    let desk = Desk::at(OPEN).await;
    let mut quotes = data(&desk, "/v2/iex", json!({"quotes": ["AAPL"]})).await;
    let mut orders = trading(&desk).await;
    desk.fault(json!({"fault": "slow_client"})).await;
    assert_eq!(quotes.next().await[0], json!({"T": "error", "code": 407, "msg": "slow client"}));
    assert_eq!(quotes.closed().await.0, 1008);
    assert_eq!(orders.next().await["data"]["error_message"], "slow client");
}

#[tokio::test]
async fn a_stream_of_data_stands_still_and_leaves_a_gap() {
    let desk = Desk::at(OPEN).await;
    let mut socket = data(&desk, "/v2/iex", json!({"trades": ["AAPL"], "bars": ["AAPL"]})).await;
    let id = desk.fault(json!({"fault": "stale", "streams": ["/v2/iex"]})).await;
    while desk.fired(id).await == 0 {}
    desk.advance(300);
    assert!(socket.is_silent().await);
    // It still answers.
    socket.send(json!({"action": "subscribe", "bars": ["MSFT"]})).await;
    assert_eq!(socket.next().await[0]["T"], "subscription");
    answer(desk.admin("DELETE", &format!("/faults/{id}"))).await;
    socket.send(json!({"action": "subscribe", "bars": ["IBM"]})).await;
    assert_eq!(socket.next().await[0]["T"], "subscription");
    // What was missed is not told.
    desk.advance(60);
    loop {
        let message = socket.next().await;
        for told in message.as_array().unwrap() {
            assert!(told["T"] == "b" || told["t"].as_str().unwrap() > "2026-06-24T14:05:00", "{told}");
            assert!(told["T"] == "t" || told["t"] == "2026-06-24T14:05:00Z", "{told}");
        }
        if message.as_array().unwrap().iter().any(|told| told["T"] == "b") {
            break;
        }
    }
}

#[tokio::test]
async fn server_sent_events_are_cut_off() {
    let desk = Desk::at(OPEN).await;
    let mut events = desk.request("GET", "/v2/events/trades").send().await.unwrap();
    assert_eq!(events.chunk().await.unwrap().unwrap(), ": connected\n\n");
    desk.fault(json!({"fault": "disconnect", "streams": ["/v2/events/trades"]})).await;
    assert!(events.chunk().await.is_err());
    let refused = desk.admin("POST", "/faults").body(r#"{"fault":"hang","streams":["/v2/events/trades"]}"#);
    assert!(answer(refused).await.body.to_string().contains("subscribeToTradesSSE"));
}
