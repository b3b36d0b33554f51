//! Market data streams: what they carry.

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Desk, OPEN, at};
use crate::socket::{MSGPACK, Socket};

pub fn success(what: &str) -> Value {
    json!([{"T": "success", "msg": what}])
}

pub fn auth(desk: &Desk) -> Value {
    json!({"action": "auth", "key": desk.account.key_id, "secret": desk.account.secret_key.expose()})
}

/// A socket that has authenticated.
pub async fn connected(desk: &Desk, path: &str, headers: &[(&str, &str)]) -> Socket {
    let mut socket = Socket::open(desk, path, headers).await;
    assert_eq!(socket.next().await, success("connected"));
    socket.send(auth(desk)).await;
    assert_eq!(socket.next().await, success("authenticated"));
    socket
}

/// A socket that has subscribed.
async fn subscribed(desk: &Desk, path: &str, channels: Value) -> Socket {
    let mut socket = connected(desk, path, &[]).await;
    socket.send(with(json!({"action": "subscribe"}), &channels)).await;
    assert_eq!(socket.next().await[0]["T"], "subscription");
    socket
}

fn with(mut object: Value, fields: &Value) -> Value {
    object.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    object
}

/// The messages up to and with the first of which `is_last` is true.
async fn until(socket: &mut Socket, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut messages = Vec::new();
    loop {
        for message in socket.next().await.as_array().unwrap() {
            let last = is_last(message);
            messages.push(message.clone());
            if last {
                return messages;
            }
        }
    }
}

fn of_kind<'a>(messages: &'a [Value], kind: &str) -> Vec<&'a Value> {
    messages.iter().filter(|message| message["T"] == kind).collect()
}

/// The message without the fields that only the stream has.
fn as_asked(message: &Value) -> Value {
    let mut message = message.clone();
    message.as_object_mut().unwrap().retain(|name, _| name != "T" && name != "S");
    message
}

#[tokio::test]
async fn the_acknowledgement_has_the_whole_set() {
    let desk = Desk::at(OPEN).await;
    let mut socket = connected(&desk, "/v2/iex", &[]).await;
    socket.send(json!({"action": "subscribe", "trades": ["AAPL"], "quotes": [], "bars": ["*"]})).await;
    let acknowledged = json!([{
        "T": "subscription", "trades": ["AAPL"], "quotes": [], "bars": ["*"], "updatedBars": [], "dailyBars": [],
        "statuses": [], "lulds": [], "corrections": ["AAPL"], "cancelErrors": ["AAPL"],
    }]);
    assert_eq!(socket.next().await, acknowledged);
    socket.send(json!({"action": "subscribe", "trades": ["MSFT"], "dailyBars": ["SPY"]})).await;
    let both = socket.next().await[0].take();
    assert_eq!(
        (&both["trades"], &both["cancelErrors"]),
        (&json!(["AAPL", "MSFT"]), &json!(["AAPL", "MSFT"]))
    );
    socket.send(json!({"action": "unsubscribe", "trades": ["AAPL", "MSFT", "IBM"], "bars": ["*"]})).await;
    let left = socket.next().await[0].take();
    assert_eq!(
        (&left["trades"], &left["bars"], &left["dailyBars"]),
        (&json!([]), &json!([]), &json!(["SPY"]))
    );
}

#[rstest]
#[case("/v1beta3/crypto/us", "trades", json!({"trades": ["*"], "quotes": [], "orderbooks": [], "bars": [], "updatedBars": [], "dailyBars": []}))]
#[case("/v1beta1/news", "news", json!({"news": ["*"]}))]
#[tokio::test]
async fn other_feeds_have_other_channels(#[case] path: &str, #[case] channel: &str, #[case] channels: Value) {
    let desk = Desk::at(OPEN).await;
    let mut socket = connected(&desk, path, &[]).await;
    socket.send(json!({"action": "subscribe", channel: ["*"]})).await;
    assert_eq!(socket.next().await, json!([with(json!({"T": "subscription"}), &channels)]));
}

#[tokio::test]
async fn a_minute_is_told_exactly_as_it_can_be_asked_for() {
    let desk = Desk::at(OPEN).await;
    let channels =
        json!({"trades": ["AAPL"], "quotes": ["AAPL"], "bars": ["AAPL", "MSFT"], "dailyBars": ["MSFT"]});
    let mut socket = subscribed(&desk, "/v2/sip", channels).await;
    desk.advance(60);
    let messages = until(&mut socket, |message| message["T"] == "d").await;

    for (kind, data) in [("t", "trades"), ("q", "quotes")] {
        let target = format!("/v2/stocks/AAPL/{data}?start=2026-06-24T14:00:00.000001Z&limit=10000");
        let asked = desk.get(&target).await.body[data].take();
        let told = of_kind(&messages, kind).into_iter().map(as_asked).collect::<Vec<_>>();
        assert!(told.len() > 10);
        assert_eq!(Value::Array(told), asked);
    }
    let bars = of_kind(&messages, "b");
    assert_eq!(bars.iter().map(|bar| &bar["S"]).collect::<Vec<_>>(), ["AAPL", "MSFT"]);
    for bar in bars {
        let target = format!("/v2/stocks/{}/bars/latest", bar["S"].as_str().unwrap());
        assert_eq!(as_asked(bar), desk.get(&target).await.body["bar"]);
    }
    let day = desk.get("/v2/stocks/MSFT/bars?timeframe=1Day&start=2026-06-24").await.body["bars"][0].take();
    assert_eq!(as_asked(of_kind(&messages, "d")[0]), day);
    let times: Vec<&str> =
        messages.iter().filter(|m| m["T"] == "t").map(|m| m["t"].as_str().unwrap()).collect();
    assert!(times.is_sorted());
}

#[rstest]
#[case("us")]
#[case("us-1")]
#[case("eu-1")]
#[tokio::test]
async fn crypto_is_told_as_it_can_be_asked_for(#[case] place: &str) {
    let desk = Desk::at("2026-06-28T03:00:00Z").await;
    let pair = ["BTC/USD"];
    let channels = json!({"trades": pair, "quotes": pair, "orderbooks": pair, "bars": pair});
    let mut socket = subscribed(&desk, &format!("/v1beta3/crypto/{place}"), channels).await;
    desk.advance(60);
    let messages = until(&mut socket, |message| message["T"] == "b").await;
    for (kind, data) in [("t", "trades"), ("q", "quotes")] {
        let target = format!(
            "/v1beta3/crypto/{place}/{data}?symbols=BTC/USD&start=2026-06-28T03:00:00.000001Z&limit=10000"
        );
        let asked = desk.get(&target).await.body[data]["BTC/USD"].take();
        let told: Vec<Value> = of_kind(&messages, kind).into_iter().map(as_asked).collect();
        assert!(!told.is_empty());
        assert_eq!(Value::Array(told), asked);
    }
    let books = desk.get(&format!("/v1beta3/crypto/{place}/latest/orderbooks?symbols=BTC/USD")).await.body;
    let (book, asked) = (of_kind(&messages, "o").pop().unwrap(), &books["orderbooks"]["BTC/USD"]);
    assert_eq!((&book["b"], &book["a"], &book["t"]), (&asked["b"], &asked["a"], &asked["t"]));
    assert_eq!(book["r"], json!(true));
}

#[tokio::test]
async fn a_star_is_every_symbol() {
    let desk = Desk::at(OPEN).await;
    let mut socket = subscribed(&desk, "/v2/iex", json!({"bars": ["*"]})).await;
    desk.advance(60);
    let Value::Array(bars) = socket.next().await else { panic!("not an array") };
    let symbols: BTreeSet<&str> = bars.iter().map(|bar| bar["S"].as_str().unwrap()).collect();
    assert!(symbols.len() > 70 && symbols.contains("AAPL") && !symbols.contains("BTC/USD"), "{symbols:?}");
}

#[tokio::test]
async fn some_bars_come_once_more_half_a_minute_later() {
    let desk = Desk::at(OPEN).await;
    let mut socket = subscribed(&desk, "/v2/iex", json!({"bars": ["*"], "updatedBars": ["*"]})).await;
    desk.advance(90);
    let messages = until(&mut socket, |message| message["T"] == "u" && message["t"] == OPEN).await;
    let updated = messages.last().unwrap();
    let bars = of_kind(&messages, "b");
    let first = bars.iter().find(|bar| bar["S"] == updated["S"]).unwrap();
    assert_eq!(as_asked(updated), as_asked(first));
}

#[tokio::test]
async fn the_delayed_feed_is_a_quarter_of_an_hour_late() {
    let desk = Desk::at(OPEN).await;
    let mut socket = subscribed(&desk, "/v2/delayed_sip", json!({"trades": ["AAPL"]})).await;
    desk.advance(60);
    let first = socket.next().await[0].take();
    let told = at(first["t"].as_str().unwrap());
    assert!((at("2026-06-24T13:45:00Z")..at("2026-06-24T13:46:00Z")).contains(&told), "{told}");
}

#[tokio::test]
async fn the_test_stream_goes_on_around_the_clock() {
    // A Sunday, with the market shut.
    let desk = Desk::at("2026-06-28T03:00:00Z").await;
    let mut shut = subscribed(&desk, "/v2/iex", json!({"trades": ["*"]})).await;
    let all = ["FAKEPACA"];
    let mut socket =
        subscribed(&desk, "/v2/test", json!({"trades": all, "quotes": all, "bars": all, "dailyBars": all}))
            .await;
    desk.advance(60);
    let messages = until(&mut socket, |message| message["T"] == "d").await;
    let kinds: BTreeSet<&str> = messages.iter().map(|message| message["T"].as_str().unwrap()).collect();
    assert_eq!(kinds, BTreeSet::from(["b", "d", "q", "t"]));
    assert!(messages.iter().all(|message| message["S"] == "FAKEPACA"));
    // The stock market had nothing to tell: the first answer is to this.
    shut.send(json!({"action": "unsubscribe", "trades": ["*"]})).await;
    assert_eq!(shut.next().await[0]["T"], "subscription");
}

#[tokio::test]
async fn message_pack_has_its_own_timestamps() {
    let desk = Desk::at(OPEN).await;
    let mut socket = Socket::open(&desk, "/v2/iex", &[MSGPACK]).await;
    assert_eq!(socket.next().await, success("connected"));
    for request in [auth(&desk), json!({"action": "subscribe", "trades": ["AAPL"], "bars": ["AAPL"]})] {
        socket.send_raw(Message::binary(rmp_serde::to_vec_named(&request).unwrap())).await;
        let Message::Binary(_) = socket.frame().await else { panic!("not binary") };
    }
    desk.advance(60);
    let mut bytes = Vec::new();
    // The bar of the minute that began at 14:00 is stamped in four bytes, trades are in eight.
    let stamped = b"\xa1t\xd6\xff\x6a\x3b\xe2\xe0";
    while !contains(&bytes, stamped) {
        let Message::Binary(frame) = socket.frame().await else { panic!("not binary") };
        bytes.extend_from_slice(&frame);
    }
    assert!(contains(&bytes, b"\xa1T\xa1t\xa1S\xa4AAPL\xa1i") && contains(&bytes, b"\xa1t\xd7\xff"));
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn only_what_happens_after_subscribing_is_told() {
    let desk = Desk::at(OPEN).await;
    let mut socket = connected(&desk, "/v2/iex", &[]).await;
    desk.advance(600);
    // Time has passed for the broker when it answers this.
    desk.get("/v2/clock").await;
    socket.send(json!({"action": "subscribe", "trades": ["AAPL"]})).await;
    assert_eq!(socket.next().await[0]["T"], "subscription");
    desk.advance(60);
    let first = socket.next().await[0].take();
    assert!(at(first["t"].as_str().unwrap()) > at("2026-06-24T14:10:00Z"), "{first}");
}

#[tokio::test]
async fn a_jump_in_time_is_told_whole() {
    let desk = Desk::at(OPEN).await;
    let mut socket = subscribed(&desk, "/v2/iex", json!({"bars": ["AAPL"], "trades": ["IBM"]})).await;
    desk.advance(2 * 3600);
    let messages =
        until(&mut socket, |message| message["T"] == "b" && message["t"] == "2026-06-24T15:59:00Z").await;
    let bars = of_kind(&messages, "b");
    assert_eq!((bars.len(), &bars[0]["t"]), (120, &json!("2026-06-24T14:00:00Z")));
    let asked = desk.get("/v2/stocks/IBM/trades?start=2026-06-24T14:00:00.000001Z&limit=10000").await.body;
    assert_eq!(of_kind(&messages, "t").len(), asked["trades"].as_array().unwrap().len());
}
