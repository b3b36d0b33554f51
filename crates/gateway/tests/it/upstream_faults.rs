//! When the broker misbehaves: nothing is sent twice, and nothing is forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Response;
use http_body_util::Full;
use paddock_core::Clock as _;
use paddock_core::calendar::trading_date;
use serde_json::{Value, json};

use crate::broker::{Reply, order, well_behaved};
use crate::rig::{Pair, Rig, trader};

fn market() -> Value {
    json!({"symbol":"AAPL","notional":"100","side":"buy","type":"market","time_in_force":"day"})
}

async fn orders_charged(rig: &Rig, pair: &Pair) -> u32 {
    rig.store.usage(pair.id, trading_date(rig.clock.now())).await.unwrap().orders
}

fn posts(rig: &Rig) -> usize {
    rig.broker.got().iter().filter(|got| got.method == "POST").count()
}

#[tokio::test]
async fn a_lost_answer_is_found_again_by_name_and_the_order_is_not_sent_twice() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    rig.broker.script(|got| match (got.method.as_str(), got.target.split('?').next()) {
        ("POST", _) => Reply::HangUp,
        ("GET", Some("/v2/orders:by_client_order_id")) => crate::broker::json(200, &order("1", "100")),
        _ => well_behaved(got),
    });
    let (status, body) = rig.order(&pair, market()).await;
    assert_eq!((status, body["id"].as_str()), (200, Some("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee")));
    assert_eq!(posts(&rig), 1);
    assert_eq!(orders_charged(&rig, &pair).await, 1);
    assert!(rig.store.open_reservations().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_order_whose_fate_is_unknown_stays_charged_until_it_is_certain() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    rig.broker.script(|got| if got.method == "POST" { Reply::HangUp } else { well_behaved(got) });
    let (status, body) = rig.order(&pair, market()).await;
    assert_eq!((status, body["reason"].as_str()), (502, Some("upstream_failed")));
    assert_eq!((posts(&rig), orders_charged(&rig, &pair).await), (1, 1));
    // Right away "not found" proves nothing; after a minute it does.
    rig.control.recover().await.unwrap();
    assert_eq!(orders_charged(&rig, &pair).await, 1);
    rig.clock.advance(Duration::from_secs(61));
    rig.control.recover().await.unwrap();
    assert_eq!((posts(&rig), orders_charged(&rig, &pair).await), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_is_answered_while_housekeeping_looks_is_not_asked_for() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let (control, stop) = (rig.control.clone(), Arc::new(AtomicBool::new(false)));
    let stopped = Arc::clone(&stop);
    let looking = tokio::spawn(async move {
        while !stopped.load(Ordering::Acquire) {
            control.recover().await.unwrap();
        }
    });
    for _ in 0..150 {
        assert_eq!(rig.order(&pair, market()).await.0, 200);
    }
    stop.store(true, Ordering::Release);
    looking.await.unwrap();
    // Each would have cost one of the account's requests.
    let asked = rig.broker.got().iter().filter(|got| got.target.contains("by_client_order_id")).count();
    assert_eq!((posts(&rig), asked), (150, 0));
}

#[tokio::test]
async fn a_change_that_has_no_name_is_recorded_as_unknown_once() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    rig.broker.script(|got| if got.method == "DELETE" { Reply::HangUp } else { well_behaved(got) });
    assert_eq!(rig.send("DELETE", "/v2/positions/AAPL", &pair, None).await.0, 502);
    rig.clock.advance(Duration::from_secs(61));
    let before = rig.store.audit_head().await.unwrap();
    assert_eq!(rig.control.recover().await.unwrap(), 0, "there is nothing new to settle");
    assert_eq!(rig.store.audit_head().await.unwrap(), before);
    assert_eq!(orders_charged(&rig, &pair).await, 1, "what cannot be told keeps its charge");
}

#[tokio::test]
async fn a_5xx_after_the_order_was_applied_is_answered_with_the_order() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let applied = Arc::new(AtomicBool::new(false));
    rig.broker.script(move |got| match (got.method.as_str(), got.target.split('?').next()) {
        ("POST", _) => {
            applied.store(true, Ordering::SeqCst);
            crate::broker::json(500, &json!({"message": "internal server error"}))
        }
        ("GET", Some("/v2/orders:by_client_order_id")) if applied.load(Ordering::SeqCst) => {
            crate::broker::json(200, &order("1", "100"))
        }
        _ => well_behaved(got),
    });
    assert_eq!(rig.order(&pair, market()).await.0, 200);
    assert_eq!((posts(&rig), orders_charged(&rig, &pair).await), (1, 1));
}

#[tokio::test]
async fn redirects_are_not_followed_and_not_passed_on() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    rig.broker.script(|_| {
        let response = Response::builder().status(302).header("location", "http://127.0.0.1:1/");
        Reply::Answer(response.body(Full::default()).unwrap())
    });
    let (status, body) = rig.send("GET", "/v2/account", &pair, None).await;
    assert_eq!((status, body["reason"].as_str()), (502, Some("upstream_unsafe")));
    assert_eq!(rig.broker.got().len(), 1);
}

#[tokio::test]
async fn a_program_that_hangs_up_does_not_stop_its_order_half_way() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let body = market().to_string();
    let request = format!(
        "POST /v2/orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
        pair.secret,
        body.len()
    );
    let mut changes = rig.store.audit_changes();
    let mut socket = tokio::net::TcpStream::connect(rig.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut socket, request.as_bytes()).await.unwrap();
    // The reservation is recorded; now the program goes away.
    changes.changed().await.unwrap();
    drop(socket);
    while !rig.store.open_reservations().await.unwrap().is_empty() {
        changes.changed().await.unwrap();
    }
    assert_eq!((posts(&rig), orders_charged(&rig, &pair).await), (1, 1));
}

#[tokio::test]
async fn an_unreachable_broker_is_502_and_gives_the_charge_back() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let gone = crate::rig::unreachable_rig(&rig).await;
    let request = rig
        .http
        .post(format!("http://{gone}/v2/orders"))
        .bearer_auth(&pair.secret)
        .body(market().to_string());
    assert_eq!(request.send().await.unwrap().status(), 502);
    assert_eq!(orders_charged(&rig, &pair).await, 0);
}
