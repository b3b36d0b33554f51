//! Alpaca's budget of requests is one account's, whoever uses it; and each key's rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::HeaderMap;
use paddock_core::Clock as _;
use paddock_core::audit::Actor;
use paddock_core::calendar::trading_date;
use paddock_gateway::{Limits, Patience};
use paddock_store::Target;
use rstest::rstest;
use serde_json::{Value, json};

use crate::broker::{Got, well_behaved, with_headers};
use crate::rig::{Pair, Rig, limited_node, trader};

/// Nothing takes longer on the slowest machine.
const LONG: Duration = Duration::from_secs(60);
const ORDER: &str = "/v2/orders/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

fn market() -> Value {
    json!({"symbol":"AAPL","notional":"100","side":"buy","type":"market","time_in_force":"day"})
}

/// What Alpaca says of the account's budget; the minute ends half a minute after the rig's clock began.
fn left(remaining: u32) -> [(&'static str, String); 3] {
    let reset = "2026-11-20T15:00:30Z".parse::<jiff::Timestamp>().unwrap().as_second();
    [
        ("x-ratelimit-limit", "200".to_owned()),
        ("x-ratelimit-remaining", remaining.to_string()),
        ("x-ratelimit-reset", reset.to_string()),
    ]
}

/// A broker that says with every answer that so many are left.
fn says(rig: &Rig, remaining: u32) {
    rig.broker.script(move |got| with_headers(well_behaved(got), &left(remaining)));
}

fn told(headers: &HeaderMap, name: &str) -> i64 {
    headers.get(name).unwrap().to_str().unwrap().parse().unwrap()
}

fn waiting(rig: &Rig) -> usize {
    rig.control.budgets().iter().map(|budget| budget.waiting).sum()
}

async fn until_waiting(rig: &Rig, count: usize) {
    let so_many = async {
        while waiting(rig) != count {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(LONG, so_many).await.is_ok();
    assert!(in_time, "{} wait", waiting(rig));
}

/// A gateway whose requests wait until the test lets them go on.
async fn patient(limits: Limits) -> Rig {
    let patience = Patience { cancel: LONG, close: LONG, order: LONG, read: LONG };
    Rig::limited(Limits { patience, ..limits }).await
}

async fn orders_charged(rig: &Rig, pair: &Pair) -> u32 {
    rig.store.usage(pair.id, trading_date(rig.clock.now())).await.unwrap().orders
}

#[tokio::test]
async fn each_key_is_told_its_own_share() {
    let rig = Rig::start().await;
    let (one, other) = (rig.key(trader()).await, rig.key(trader()).await);
    says(&rig, 120);
    let (_, headers, _) = rig.send_for_head("GET", "/v2/account", &one, None).await;
    let names = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
    let reset = "2026-11-20T15:00:30Z".parse::<jiff::Timestamp>().unwrap().as_second();
    assert_eq!(names.map(|name| told(&headers, name)), [200, 120, reset]);
    let (_, headers, _) = rig.send_for_head("GET", "/v2/positions", &other, None).await;
    assert_eq!(names.map(|name| told(&headers, name)), [100, 60, reset]);
    // Refusals tell it too, and of the API that was asked for.
    let settings = "/v2/account/configurations";
    let (status, headers, _) = rig.send_for_head("PATCH", settings, &other, Some("{}")).await;
    assert_eq!((status, told(&headers, "x-ratelimit-remaining")), (403, 60));
    let (_, headers, _) = rig.send_for_head("GET", "/v2/stocks/meta/exchanges", &other, None).await;
    assert_eq!(told(&headers, "x-ratelimit-limit"), 200);
}

#[tokio::test]
async fn a_key_with_a_rate_is_told_no_more_than_that() {
    let rig = Rig::start().await;
    let mut scope = trader();
    scope.max_requests_per_minute = Some(5);
    let pair = rig.key(scope).await;
    let (_, headers, _) = rig.send_for_head("GET", "/v2/account", &pair, None).await;
    assert_eq!(["x-ratelimit-limit", "x-ratelimit-remaining"].map(|name| told(&headers, name)), [5, 4]);
}

#[tokio::test]
async fn a_read_waits_for_the_next_minute() {
    let rig = Arc::new(patient(Limits::default()).await);
    let pair = rig.key(trader()).await;
    says(&rig, 0);
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 200);
    let read = tokio::spawn({
        let (rig, pair) = (Arc::clone(&rig), pair.clone());
        async move { rig.send("GET", "/v2/positions", &pair, None).await.0 }
    });
    until_waiting(&rig, 1).await;
    assert_eq!(rig.broker.got().len(), 1);
    rig.clock.advance(Duration::from_secs(31));
    assert_eq!(read.await.unwrap(), 200);
}

#[tokio::test]
async fn cancels_have_room_when_everything_else_has_to_wait() {
    // All three wait at the same time, and a cancel that had to wait would outlast them.
    let some = Duration::from_secs(8);
    let patience = Patience { cancel: LONG, close: some, order: some, read: some };
    let rig = Rig::limited(Limits { patience, ..Limits::default() }).await;
    let pair = rig.key(trader()).await;
    says(&rig, 5);
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 200);
    let close = rig.send_for_head("DELETE", "/v2/positions/AAPL", &pair, None);
    let read = rig.send_for_head("GET", "/v2/positions", &pair, None);
    let order = market().to_string();
    let order = rig.send_for_head("POST", "/v2/orders", &pair, Some(&order));
    let cancel = async {
        until_waiting(&rig, 3).await;
        assert_eq!(rig.send("DELETE", ORDER, &pair, None).await.0, 204);
        assert_eq!(waiting(&rig), 3, "it had to wait");
    };
    let (close, read, order, ()) = tokio::join!(close, read, order, cancel);
    for (status, headers, body) in [close, read, order] {
        assert_eq!((status, body["reason"].as_str()), (429, Some("budget_exhausted")), "{body}");
        assert_eq!(body["code"], 42_990_002);
        assert!((1..=31).contains(&told(&headers, "retry-after")), "{headers:?}");
        assert!(told(&headers, "x-ratelimit-reset") > 0);
    }
    assert_eq!(rig.broker.changes().len(), 1, "only the cancel went out");
    assert_eq!(orders_charged(&rig, &pair).await, 0);
    assert!(rig.store.open_reservations().await.unwrap().is_empty());
}

#[rstest]
#[case::with_headers(true)]
#[case::without_headers(false)]
#[tokio::test]
async fn a_429_of_alpacas_pauses_the_account(#[case] with_head: bool) {
    let rig = Rig::start().await;
    let (pair, other) = (rig.key(trader()).await, rig.key(trader()).await);
    rig.broker.script(move |got: &Got| {
        let refused =
            crate::broker::json(429, &json!({"code": 42_910_000, "message": "rate limit exceeded"}));
        match got.method.as_str() {
            "POST" if with_head => with_headers(refused, &left(0)),
            "POST" => refused,
            _ => well_behaved(got),
        }
    });
    let (status, headers, body) =
        rig.send_for_head("POST", "/v2/orders", &pair, Some(&market().to_string())).await;
    assert_eq!((status, body["code"].as_i64()), (429, Some(42_910_000)));
    assert_eq!(told(&headers, "retry-after"), if with_head { 30 } else { 1 });
    assert_eq!(told(&headers, "x-ratelimit-remaining"), 0);
    assert_eq!((rig.broker.changes().len(), orders_charged(&rig, &pair).await), (1, 0));
    // Nobody else troubles Alpaca until then, but market data has a budget of its own.
    let (status, _, body) = rig.send_for_head("GET", "/v2/account", &other, None).await;
    assert_eq!((status, body["reason"].as_str()), (429, Some("budget_exhausted")));
    assert_eq!(rig.send("GET", "/v2/stocks/meta/exchanges", &other, None).await.0, 200);
    assert_eq!(rig.broker.got().len(), 2);
    rig.clock.advance(Duration::from_secs(31));
    assert_eq!(rig.send("GET", "/v2/account", &other, None).await.0, 200);
}

#[tokio::test]
async fn a_read_that_alpaca_refused_is_asked_again_and_an_order_is_not() {
    let rig = Arc::new(patient(Limits::default()).await);
    let pair = rig.key(trader()).await;
    let asked = Arc::new(AtomicU32::new(0));
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
    rig.broker.script(move |got| {
        if asked.fetch_add(1, Ordering::SeqCst) > 0 {
            return well_behaved(got);
        }
        heard.send(()).unwrap();
        let refused =
            crate::broker::json(429, &json!({"code": 42_910_000, "message": "rate limit exceeded"}));
        with_headers(refused, &[("retry-after", "1".to_owned())])
    });
    let read = tokio::spawn({
        let (rig, pair) = (Arc::clone(&rig), pair.clone());
        async move { rig.send("GET", "/v2/account", &pair, None).await.0 }
    });
    hears.recv().await.unwrap();
    until_waiting(&rig, 1).await;
    rig.clock.advance(Duration::from_secs(1));
    assert_eq!(read.await.unwrap(), 200);
    assert_eq!(rig.broker.got().len(), 2);
}

#[tokio::test]
async fn a_cancel_is_tried_although_alpaca_paused_the_account() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    rig.broker.script(|got| match got.method.as_str() {
        "GET" => with_headers(crate::broker::json(429, &json!({})), &left(0)),
        _ => with_headers(well_behaved(got), &left(100)),
    });
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 429);
    assert_eq!(rig.send("DELETE", ORDER, &pair, None).await.0, 204);
    // It showed that Alpaca takes requests again.
    assert_eq!(rig.order(&pair, market()).await.0, 200);
}

#[derive(Clone, Copy, Debug)]
enum Meanwhile {
    Frozen,
    Revoked,
}

#[rstest]
#[tokio::test]
async fn what_happens_to_the_key_while_it_waits_holds(
    #[values(Meanwhile::Frozen, Meanwhile::Revoked)] meanwhile: Meanwhile,
    #[values("GET", "POST")] method: &'static str,
) {
    let rig = Arc::new(patient(Limits::default()).await);
    let pair = rig.key(trader()).await;
    says(&rig, 0);
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 200);
    let request = tokio::spawn({
        let (rig, pair) = (Arc::clone(&rig), pair.clone());
        async move {
            match method {
                "POST" => rig.order(&pair, market()).await,
                _ => rig.send("GET", "/v2/positions", &pair, None).await,
            }
        }
    });
    until_waiting(&rig, 1).await;
    let now = rig.clock.now();
    let expected = match meanwhile {
        Meanwhile::Frozen => {
            rig.store.set_key_frozen(pair.id, true, &Actor::Operator, now).await.unwrap();
            (403, "frozen")
        }
        Meanwhile::Revoked => {
            rig.store.revoke_key(pair.id, &Actor::Operator, now).await.unwrap();
            (401, "invalid_credential")
        }
    };
    rig.control.reload().await.unwrap();
    rig.clock.advance(Duration::from_secs(31));
    let (status, body) = request.await.unwrap();
    assert_eq!((status, body["reason"].as_str().unwrap()), expected);
    assert_eq!(rig.broker.got().len(), 1);
    assert_eq!(orders_charged(&rig, &pair).await, 0);
}

#[tokio::test]
async fn an_order_whose_program_has_gone_while_it_waited_is_not_sent() {
    let rig = patient(Limits::default()).await;
    let pair = rig.key(trader()).await;
    says(&rig, 0);
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 200);
    let body = market().to_string();
    let request = format!(
        "POST /v2/orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
        pair.secret,
        body.len()
    );
    let mut socket = tokio::net::TcpStream::connect(rig.address).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut socket, request.as_bytes()).await.unwrap();
    until_waiting(&rig, 1).await;
    drop(socket);
    until_waiting(&rig, 0).await;
    rig.clock.advance(Duration::from_secs(31));
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 200);
    assert!(rig.broker.changes().is_empty());
    assert_eq!(orders_charged(&rig, &pair).await, 0);
}

#[tokio::test]
async fn what_paddock_asks_for_an_order_counts_in_the_budget() {
    let rig = Rig::start().await;
    let mut scope = trader();
    scope.max_order_notional = Some(1000.into());
    let pair = rig.key(scope).await;
    says(&rig, 150);
    let order = json!({"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"});
    assert_eq!(rig.order(&pair, order.clone()).await.0, 200);
    let of = |api: &str| rig.control.budgets().into_iter().find(|budget| budget.api == api).unwrap().left;
    assert_eq!((of("trading"), of("data")), (150, 150));
    says(&rig, 3);
    assert_eq!(rig.order(&pair, order.clone()).await.0, 200);
    // The next one is not decided without its quote, and is not sent.
    let (status, body) = rig.order(&pair, order).await;
    assert_eq!((status, body["reason"].as_str()), (429, Some("budget_exhausted")));
    assert_eq!(rig.broker.changes().len(), 2);
}

#[tokio::test]
async fn the_operators_limit_holds_where_alpaca_allows_more() {
    let rig = Rig::limited(Limits { trading_per_minute: Some(10), ..Limits::default() }).await;
    let pair = rig.key(trader()).await;
    says(&rig, 199);
    let mut passed = 0;
    while rig.send("GET", "/v2/account", &pair, None).await.0 == 200 {
        passed += 1;
    }
    // Half of the minute is over, so some of what is kept for later is free; what is kept for the urgent is not.
    assert_eq!(passed, 6);
    assert_eq!(rig.send("DELETE", ORDER, &pair, None).await.0, 204);
}

/// Two gateways on one account, each with half of what Alpaca allows: none of what they send is refused.
#[tokio::test]
async fn two_gateways_with_half_of_the_budget_each_stay_within_it() {
    const ALLOWED: u32 = 60;
    let half = Limits { trading_per_minute: Some(ALLOWED / 2), ..Limits::default() };
    let rig = Rig::limited(half).await;
    let (other_control, other) = limited_node(&rig, &Target::Sqlite(rig.path("paddock.db")), half).await;
    let pair = rig.key(trader()).await;
    other_control.reload().await.unwrap();
    let (asked, refused) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (counted, told) = (Arc::clone(&asked), Arc::clone(&refused));
    rig.broker.script(move |got| {
        let used = counted.fetch_add(1, Ordering::SeqCst) + 1;
        let headers = left(ALLOWED.saturating_sub(used)).map(|(name, value)| {
            (name, if name == "x-ratelimit-limit" { ALLOWED.to_string() } else { value })
        });
        if used <= ALLOWED {
            return with_headers(well_behaved(got), &headers);
        }
        told.fetch_add(1, Ordering::SeqCst);
        with_headers(crate::broker::json(429, &json!({"code": 42_910_000, "message": "too many"})), &headers)
    });
    let greedy = async |address| {
        let mut cancels = 0;
        loop {
            let (status, _) = rig.send_to(address, "GET", "/v2/account", &pair, None).await;
            if status != 200 {
                break;
            }
        }
        // What is kept for cancels is there at both.
        while cancels < 3 {
            assert_eq!(rig.send_to(address, "DELETE", ORDER, &pair, None).await.0, 204);
            cancels += 1;
        }
    };
    tokio::join!(greedy(rig.address), greedy(other));
    assert_eq!(refused.load(Ordering::SeqCst), 0);
    assert!((ALLOWED / 2..=ALLOWED).contains(&asked.load(Ordering::SeqCst)), "{asked:?}");
}

#[tokio::test]
async fn a_rate_is_refused_with_429_and_one_record() {
    let rig = Rig::start().await;
    let mut scope = trader();
    scope.max_requests_per_minute = Some(3);
    let (pair, other) = (rig.key(scope).await, rig.key(trader()).await);
    for _ in 0..3 {
        assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 200);
    }
    let (_, before) = (0, rig.store.audit_head().await.unwrap().0);
    for path in ["/v2/account", "/v2/account", "/v2/no/such/thing", "/v2/positions"] {
        let (status, headers, body) = rig.send_for_head("GET", path, &pair, None).await;
        assert_eq!((status, body["reason"].as_str()), (429, Some("request_rate_exceeded")));
        assert_eq!((body["code"].as_i64(), told(&headers, "retry-after")), (Some(42_990_001), 61));
    }
    assert_eq!(rig.order(&pair, market()).await.0, 429);
    assert_eq!(rig.store.audit_head().await.unwrap().0, before + 1);
    assert_eq!(rig.broker.got().len(), 3);
    // Cancels are counted by themselves, and other keys are not touched.
    assert_eq!(rig.send("DELETE", ORDER, &pair, None).await.0, 204);
    assert_eq!(rig.send("GET", "/v2/account", &other, None).await.0, 200);
    rig.clock.advance(Duration::from_secs(61));
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 200);
}

#[tokio::test]
async fn cancels_beyond_reason_are_refused_too() {
    let rig = Rig::start().await;
    let mut scope = trader();
    scope.max_requests_per_minute = Some(1);
    let pair = rig.key(scope).await;
    for _ in 0..60 {
        assert_eq!(rig.send("DELETE", ORDER, &pair, None).await.0, 204);
    }
    assert_eq!(rig.send("DELETE", ORDER, &pair, None).await.0, 429);
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 200);
}

#[tokio::test]
async fn requests_at_once_have_a_bound_and_cancels_one_of_their_own() {
    let rig = Arc::new(patient(Limits { requests_at_once: 2, ..Limits::default() }).await);
    let (pair, other) = (rig.key(trader()).await, rig.key(trader()).await);
    says(&rig, 2);
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 200);
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let (rig, pair) = (Arc::clone(&rig), pair.clone());
            tokio::spawn(async move { rig.send("GET", "/v2/account", &pair, None).await.0 })
        })
        .collect();
    until_waiting(&rig, 2).await;
    let (status, headers, body) = rig.send_for_head("GET", "/v2/positions", &pair, None).await;
    assert_eq!((status, body["reason"].as_str()), (429, Some("too_many_at_once")));
    assert_eq!(told(&headers, "retry-after"), 1);
    assert_eq!(rig.send("DELETE", ORDER, &pair, None).await.0, 204);
    rig.clock.advance(Duration::from_secs(31));
    for read in waiting {
        assert_eq!(read.await.unwrap(), 200);
    }
    assert_eq!(rig.send("GET", "/v2/positions", &pair, None).await.0, 200);
    assert_eq!(rig.send("GET", "/v2/positions", &other, None).await.0, 200);
}
