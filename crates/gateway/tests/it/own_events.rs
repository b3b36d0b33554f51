//! Trade updates and trade events: each key's own where its scope says so, and one connection to the broker for all.

#![expect(clippy::panic, reason = "a test stops where something is not as it should be")]

use std::time::Duration;

use paddock_core::Clock as _;
use paddock_core::audit::Actor;
use paddock_paper::faults::{Fault, FaultRule, When};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::own_orders::{bracket, market, only_own, place, resting};
use crate::rig::{Pair, Rig, trader};
use crate::streams::{Socket, Stage};

const PATIENCE: Duration = Duration::from_secs(20);

async fn listen(stage: &Stage, pair: &Pair) -> Socket {
    let mut socket = stage.open("/stream", &[]).await;
    socket.say(json!({"action": "auth", "key": pair.key_id, "secret": pair.secret})).await;
    assert_eq!(socket.next().await["data"]["status"], "authorized");
    socket.say(json!({"action": "listen", "data": {"streams": ["trade_updates"]}})).await;
    assert_eq!(socket.next().await["stream"], "listening");
    socket
}

fn order_of(update: &Value) -> &str {
    update["data"]["order"]["id"].as_str().unwrap()
}

/// All updates until one of that order and event; each must be of one of the orders that are its own.
async fn until(socket: &mut Socket, own: &[&str], event: &str) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        let update = socket.next().await;
        assert!(own.contains(&order_of(&update)), "an order of somebody else's: {update}");
        let name = update["data"]["event"].as_str().unwrap().to_owned();
        heard.push(name.clone());
        if order_of(&update) == *own.last().unwrap() && name == event {
            return heard;
        }
    }
}

#[tokio::test]
async fn each_key_hears_of_its_own_orders_only() {
    let stage = Stage::set().await;
    let rig = &stage.rig;
    let (one, other, all) = (rig.key(only_own()).await, rig.key(only_own()).await, rig.key(trader()).await);
    let (mut first, mut second, mut whole) =
        (listen(&stage, &one).await, listen(&stage, &other).await, listen(&stage, &all).await);
    // Filled at once: the updates are there before the answers.
    let a = place(rig, &one, market("AAPL")).await;
    let b = place(rig, &other, market("MSFT")).await;
    let c = place(rig, &one, market("IBM")).await;
    assert!(until(&mut first, &[&a, &c], "fill").await.contains(&"fill".to_owned()));
    assert!(until(&mut second, &[&b], "fill").await.contains(&"fill".to_owned()));
    until(&mut whole, &[&a, &b, &c], "fill").await;
    // A replacement that somebody else makes, and its end.
    let d = place(rig, &other, resting("SPY")).await;
    let body = json!({"limit_price": "2"}).to_string();
    let (_, e) = rig.send("PATCH", &format!("/v2/orders/{d}"), &all, Some(&body)).await;
    let e = e["id"].as_str().unwrap().to_owned();
    assert_eq!(rig.send("DELETE", &format!("/v2/orders/{e}"), &other, None).await.0, 204);
    until(&mut second, &[&d, &e], "canceled").await;
    let f = place(rig, &one, market("AAPL")).await;
    until(&mut first, &[&f], "fill").await;
}

/// The broker has the order and tells of it, and its answer does not come: by its name it is known at once, and its legs, which have none that
/// is known, as soon as the request is settled.
#[tokio::test]
async fn an_update_that_comes_before_the_answer_is_neither_lost_nor_leaked() {
    let stage = Stage::set().await;
    let rig = &stage.rig;
    let (one, other) = (rig.key(only_own()).await, rig.key(only_own()).await);
    let (mut first, mut second) = (listen(&stage, &one).await, listen(&stage, &other).await);
    let hang = FaultRule::new(Fault::Hang { when: When::After }).operation("postOrder").times(1);
    let rule = stage.broker.broker.add_fault(hang).unwrap();
    let mut order = bracket("AAPL");
    order["client_order_id"] = "mine".into();
    let asking = rig.order(&one, order);
    let mut asking = std::pin::pin!(asking);
    let update = tokio::select! {
        answer = &mut asking => panic!("there is no answer yet: {answer:?}"),
        update = first.next() => update,
    };
    assert_eq!(update["data"]["order"]["client_order_id"], "mine");
    let id = order_of(&update).to_owned();
    // The legs change while nobody knows whose they are.
    let (_, nested) = rig
        .send_to(
            stage.broker.paper_address,
            "GET",
            &format!("/v2/orders/{id}?nested=true"),
            &stage.real,
            None,
        )
        .await;
    let leg = nested["legs"][0]["id"].as_str().unwrap().to_owned();
    let canceled = rig
        .send_to(stage.broker.paper_address, "DELETE", &format!("/v2/orders/{id}"), &stage.real, None)
        .await;
    assert_eq!(canceled.0, 204, "{}", canceled.1);
    assert!(stage.broker.broker.remove_fault(rule));
    let (status, answer) = asking.await;
    assert_eq!((status, answer["id"].as_str()), (200, Some(id.as_str())), "{answer}");
    let mut of_leg = Vec::new();
    let mut of_order = Vec::new();
    while !of_leg.contains(&"canceled".to_owned()) || !of_order.contains(&"canceled".to_owned()) {
        let update = first.next().await;
        let event = update["data"]["event"].as_str().unwrap().to_owned();
        if order_of(&update) == id {
            of_order.push(event)
        } else if order_of(&update) == leg {
            of_leg.push(event)
        }
    }
    // The other key has heard nothing until its own order.
    let own = place(rig, &other, market("MSFT")).await;
    until(&mut second, &[&own], "fill").await;
}

/// A program's reading of server-sent events.
struct Events(BufReader<TcpStream>);

impl Events {
    async fn open(rig: &Rig, pair: &Pair, query: &str) -> Self {
        let mut socket = TcpStream::connect(rig.address).await.unwrap();
        let head = format!(
            "GET /v2/events/trades{query} HTTP/1.1\r\nHost: localhost\r\nAPCA-API-KEY-ID: {}\r\nAPCA-API-SECRET-KEY: {}\r\n\r\n",
            pair.key_id, pair.secret
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut events = Self(BufReader::new(socket));
        let status = events.line().await.unwrap();
        assert!(status.starts_with("HTTP/1.1 200"), "{status}");
        while !events.line().await.unwrap().starts_with(": connected") {}
        events
    }

    /// The next line; `None` at the end.
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, self.0.read_line(&mut line)).await.unwrap().unwrap_or(0);
        (read > 0).then_some(line)
    }

    /// The next event, and the comments on the way to it; `None` at the end.
    async fn next(&mut self) -> Option<Value> {
        loop {
            let line = self.line().await?;
            if let Some(data) = line.strip_prefix("data: ") {
                return Some(serde_json::from_str(data).unwrap());
            }
            // The last piece of a chunked body.
            if line == "0\r\n" {
                return None;
            }
        }
    }

    async fn until(&mut self, own: &[&str], event: &str) -> Vec<Value> {
        let mut heard = Vec::new();
        loop {
            let update = self.next().await.unwrap_or_else(|| panic!("it has ended after {heard:?}"));
            let id = update["order"]["id"].as_str().unwrap().to_owned();
            assert!(own.contains(&id.as_str()), "an order of somebody else's: {update}");
            let is_last = id == *own.last().unwrap() && update["event"] == event;
            heard.push(update);
            if is_last {
                return heard;
            }
        }
    }
}

#[tokio::test]
async fn trade_events_share_one_connection_and_each_key_gets_its_own() {
    let stage = Stage::set().await;
    let rig = &stage.rig;
    let (one, other, all) = (rig.key(only_own()).await, rig.key(only_own()).await, rig.key(trader()).await);
    let mut first = Events::open(rig, &one, "").await;
    let mut second = Events::open(rig, &other, "").await;
    let mut whole = Events::open(rig, &all, "").await;
    let mut same = Events::open(rig, &all, "").await;
    let seen = stage.broker.broker.requests_seen();
    let lines = seen.iter().filter(|seen| format!("{seen:?}").contains("/v2/events/trades")).count();
    assert!(lines <= 1, "four programs, one connection: {lines}");
    let a = place(rig, &one, market("AAPL")).await;
    let b = place(rig, &other, market("MSFT")).await;
    first.until(&[&a], "fill").await;
    second.until(&[&b], "fill").await;
    let heard = whole.until(&[&a, &b], "fill").await;
    assert_eq!(same.until(&[&a, &b], "fill").await, heard);
    assert!(heard[0]["account_id"].is_string() && heard[0]["event_id"].is_string(), "as the broker tells it");
}

#[tokio::test]
async fn the_past_comes_first_and_then_the_present_without_a_gap_or_a_repetition() {
    let stage = Stage::set().await;
    let rig = &stage.rig;
    let (one, other) = (rig.key(only_own()).await, rig.key(only_own()).await);
    let a = place(rig, &one, market("AAPL")).await;
    let b = place(rig, &other, market("MSFT")).await;
    stage.pass(60);
    let c = place(rig, &one, market("IBM")).await;
    let mut events = Events::open(rig, &one, "?since=2026-11-20T14:59:00Z").await;
    let past = events.until(&[&a, &c], "fill").await;
    // While the past goes on into the present, and after it has handed over.
    let d = place(rig, &one, market("SPY")).await;
    let still = events.until(&[&d], "fill").await;
    stage.pass(120);
    let e = place(rig, &one, market("AAPL")).await;
    let present = events.until(&[&e], "fill").await;
    let ids = |events: &[Value]| -> Vec<String> {
        events.iter().map(|event| event["event_id"].as_str().unwrap().to_owned()).collect()
    };
    let all = [ids(&past), ids(&still), ids(&present)].concat();
    let mut once = all.clone();
    once.sort();
    once.dedup();
    assert_eq!(once, all, "each once, in their order");

    // From an event on, and up to one.
    let (from, to) = (&all[0], &all[all.len() - 1]);
    let mut range = Events::open(rig, &one, &format!("?since_id={from}&until_id={to}")).await;
    let mut heard = Vec::new();
    while let Some(event) = range.next().await {
        heard.push(event["event_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(heard, all[1..], "without the first, with the last, and then it ends");
    assert!(!b.is_empty());
}

#[rstest]
#[case("?since=soon")]
#[case("?until=2026-11-20T15:00:00Z")]
#[case("?since_id=7")]
#[tokio::test]
async fn a_range_that_is_none_is_refused(#[case] query: &str) {
    let stage = Stage::set().await;
    let pair = stage.rig.key(trader()).await;
    let (status, error) = stage.rig.send("GET", &format!("/v2/events/trades{query}"), &pair, None).await;
    assert_eq!((status, error["code"].as_u64()), (422, Some(40_010_001)), "{error}");
}

#[rstest]
#[case::freeze("frozen")]
#[case::revoke("no longer valid")]
#[case::narrowed("changed")]
#[tokio::test]
async fn trade_events_end_with_the_right_to_them(#[case] what: &str) {
    let stage = Stage::set().await;
    let rig = &stage.rig;
    let (pair, other) = (rig.key(trader()).await, rig.key(trader()).await);
    let mut events = Events::open(rig, &pair, "").await;
    let mut unharmed = Events::open(rig, &other, "").await;
    let (store, now, actor) = (&rig.store, rig.clock.now(), Actor::Operator);
    match what {
        "frozen" => store.set_key_frozen(pair.id, true, &actor, now).await.unwrap(),
        "changed" => store.set_scope(pair.id, &trader(), &only_own(), &actor, now).await.unwrap(),
        _ => store.revoke_key(pair.id, &actor, now).await.unwrap(),
    }
    rig.control.reload().await.unwrap();
    let mut last = String::new();
    while let Some(line) = events.line().await {
        if line == "0\r\n" {
            break;
        }
        if line.starts_with(": ") {
            last = line;
        }
    }
    assert!(last.contains(what), "the reason is said before the end: {last}");
    let a = place(rig, &other, market("AAPL")).await;
    unharmed.until(&[&a], "fill").await;
}

/// The broker ends the old pair's connections. The programs stay, and what happened in between is told when the new pair is known.
#[tokio::test]
async fn a_new_credential_costs_the_programs_no_event() {
    let stage = Stage::set().await;
    let rig = &stage.rig;
    let pair = rig.key(only_own()).await;
    let mut events = Events::open(rig, &pair, "").await;
    let a = place(rig, &pair, resting("AAPL")).await;
    events.until(&[&a], "new").await;
    let renewed = stage.renew().await;
    let canceled =
        rig.send_to(stage.broker.paper_address, "DELETE", &format!("/v2/orders/{a}"), &renewed, None).await;
    assert_eq!(canceled.0, 204, "{}", canceled.1);
    rig.replace_credential(&renewed.key_id, &renewed.secret).await;
    events.until(&[&a], "canceled").await;
}

#[tokio::test]
async fn a_program_that_does_not_read_slows_nobody() {
    let stage = Stage::set().await;
    let rig = &stage.rig;
    let pair = rig.key(trader()).await;
    let silent = Events::open(rig, &pair, "").await;
    let mut quick = Events::open(rig, &pair, "").await;
    for _ in 0..200 {
        let id = place(rig, &pair, resting("AAPL")).await;
        quick.until(&[&id], "new").await;
    }
    drop(silent);
}
