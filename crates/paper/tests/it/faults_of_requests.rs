//! What a client sees of requests that go wrong, and what the broker's book says afterwards.

use std::time::{Duration, Instant};

use paddock_core::Environment;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Answer, Desk, OPEN, answer};

fn buy(client_order_id: &str) -> Value {
    json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day",
        "client_order_id": client_order_id})
}

async fn is_in_the_book(desk: &Desk, client_order_id: &str) -> bool {
    let target = format!("/v2/orders:by_client_order_id?client_order_id={client_order_id}");
    desk.get(&target).await.status == 200
}

/// All that comes on a connection before it ends.
async fn raw_order(desk: &Desk, client_order_id: &str) -> String {
    let body = buy(client_order_id).to_string();
    let mut socket = TcpStream::connect(desk.server.paper_address).await.unwrap();
    let request = format!(
        "POST /v2/orders HTTP/1.1\r\nhost: localhost\r\napca-api-key-id: {}\r\napca-api-secret-key: {}\r\n\
         content-length: {}\r\n\r\n{body}",
        desk.account.key_id,
        desk.account.secret_key.expose(),
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    // A reset counts as an end.
    let _ = socket.read_to_end(&mut received).await;
    String::from_utf8(received).unwrap()
}

#[rstest]
#[case(500, "before", false)]
#[case(502, "before", false)]
#[case(500, "after", true)]
#[case(502, "after", true)]
#[case(503, "after", true)]
#[case(504, "after", true)]
#[tokio::test]
async fn an_order_may_fail_before_or_after_it_was_taken(
    #[case] status: u16,
    #[case] when: &str,
    #[case] taken: bool,
) {
    let desk = Desk::at(OPEN).await;
    let rule =
        json!({"fault": "error", "status": status, "when": when, "operations": ["postOrder"], "count": 1});
    let id = desk.fault(rule).await;
    let failed = desk.post("/v2/orders", buy("one")).await;
    assert_eq!(failed.status, status);
    match &failed.body {
        Value::String(page) => assert!(page.contains(&format!("<title>{status} ")), "{page}"),
        json => assert_eq!(json["code"], 50_010_000),
    }
    assert_eq!(is_in_the_book(&desk, "one").await, taken);
    assert_eq!(desk.get("/v2/positions/AAPL").await.status, if taken { 200 } else { 404 });
    assert_eq!(desk.fired(id).await, 1);
    // It is over, and the client's second attempt shows what became of the first one.
    let again = desk.post("/v2/orders", buy("one")).await;
    assert_eq!(again.status, if taken { 422 } else { 200 }, "{again:?}");
}

#[rstest]
#[case(json!({}), true, None)]
#[case(json!({"rate_limit_headers": false}), false, None)]
#[case(json!({"retry_after": 7}), true, Some("7"))]
#[case(json!({"rate_limit_headers": false, "retry_after": 0}), false, Some("0"))]
#[tokio::test]
async fn too_many_requests_come_with_and_without_headers(
    #[case] more: Value,
    #[case] limits: bool,
    #[case] retry_after: Option<&str>,
) {
    let desk = Desk::at(OPEN).await;
    let mut rule = json!({"fault": "error", "status": 429});
    rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    desk.fault(rule).await;
    let response = desk.request("GET", "/v2/account").send().await.unwrap();
    assert_eq!(response.status(), 429);
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let reset = (desk.server.broker.now().as_second() / 60 + 1) * 60;
    let expected = limits.then(|| ["200".to_owned(), "0".to_owned(), reset.to_string()]);
    let names = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
    assert_eq!(names.map(header), expected.map_or([None, None, None], |values| values.map(Some)));
    assert_eq!(header("retry-after").as_deref(), retry_after);
    assert_eq!(header("x-request-id").map(|id| id.len()), Some(32));
    let body: Value = response.json().await.unwrap();
    assert_eq!(body, json!({"code": 42_910_000, "message": "rate limit exceeded"}));
}

#[rstest]
#[case("before", "nothing", false)]
#[case("after", "nothing", true)]
#[case("before", "headers", false)]
#[case("after", "headers", true)]
#[tokio::test]
async fn a_reply_is_dropped_before_any_byte_or_after_the_headers(
    #[case] when: &str,
    #[case] reply: &str,
    #[case] taken: bool,
) {
    let desk = Desk::at(OPEN).await;
    let rule = json!({"fault": "drop", "when": when, "reply": reply, "operations": ["postOrder"]});
    desk.fault(rule).await;
    let received = raw_order(&desk, "one").await;
    match reply {
        "nothing" => assert_eq!(received, ""),
        _ => assert!(received.starts_with("HTTP/1.1 ") && received.ends_with("\r\n\r\n"), "{received:?}"),
    }
    assert_eq!(is_in_the_book(&desk, "one").await, taken);
    // A client library sees an error of the connection and no answer.
    let lost = desk.request("POST", "/v2/orders").body(buy("two").to_string()).send().await;
    match lost {
        Err(_) => assert_eq!(reply, "nothing"),
        Ok(response) => assert!(response.bytes().await.is_err()),
    }
    assert_eq!(is_in_the_book(&desk, "two").await, taken);
}

#[rstest]
#[case("before", false)]
#[case("after", true)]
#[tokio::test]
async fn a_request_that_hangs_is_let_go_when_its_rule_is_removed(#[case] when: &str, #[case] taken: bool) {
    let desk = Desk::at(OPEN).await;
    let id = desk.fault(json!({"fault": "hang", "when": when, "operations": ["postOrder"]})).await;
    let impatient = desk.request("POST", "/v2/orders").body(buy("one").to_string()).send();
    let gives_up = async {
        while desk.fired(id).await < 1 {}
        while is_in_the_book(&desk, "one").await != taken {}
    };
    tokio::select! {
        answered = impatient => panic!("it did not hang: {answered:?}"),
        () = gives_up => {}
    }

    let waiting = desk.request("POST", "/v2/orders").body(buy("two").to_string()).send();
    let removal = async {
        while desk.fired(id).await < 2 {}
        answer(desk.admin("DELETE", &format!("/faults/{id}"))).await
    };
    let (hung, removed) = tokio::join!(waiting, removal);
    assert!(hung.is_err() && removed.status == 204, "{hung:?}");
    for name in ["one", "two"] {
        assert_eq!(is_in_the_book(&desk, name).await, taken, "{name}");
    }
    assert_eq!(desk.post("/v2/orders", buy("three")).await.status, 200);
}

#[tokio::test]
async fn an_answer_takes_as_long_as_was_asked_for() {
    let desk = Desk::at(OPEN).await;
    let rule =
        json!({"fault": "latency", "milliseconds": 150, "jitter_milliseconds": 50, "path": "/v2/account"});
    desk.fault(rule).await;
    let began = Instant::now();
    assert_eq!(desk.get("/v2/account").await.status, 200);
    assert!(began.elapsed() >= Duration::from_millis(150), "{:?}", began.elapsed());
}

#[tokio::test]
async fn faults_strike_whom_they_name() {
    let desk = Desk::at(OPEN).await;
    let other = desk.server.broker.create_account(Environment::Paper, 5000.into()).await.unwrap();
    let status_of_other = || async {
        let request =
            desk.bare("GET", "/v2/account").basic_auth(&other.key_id, Some(other.secret_key.expose()));
        answer(request).await.status
    };
    desk.fault(json!({"fault": "error", "status": 503, "account": other.account_id})).await;
    assert_eq!((desk.get("/v2/account").await.status, status_of_other().await), (200, 503));
    answer(desk.admin("DELETE", "/faults")).await;
    desk.fault(json!({"fault": "error", "status": 500, "key_id": desk.account.key_id})).await;
    assert_eq!((desk.get("/v2/account").await.status, status_of_other().await), (500, 200));
    // The dashboard and the admin interface never fail.
    answer(desk.admin("DELETE", "/faults")).await;
    desk.fault(json!({"fault": "error", "status": 500})).await;
    assert_eq!(answer(desk.bare("GET", "/dashboard/v1/clock")).await.status, 200);
    assert_eq!(answer(desk.admin("GET", "/clock")).await.status, 200);
    assert_eq!(desk.get("/v2/nothing").await.status, 500);
}

#[tokio::test]
async fn the_same_seed_and_requests_have_the_same_faults() {
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let desk = Desk::at(OPEN).await;
        let rule = json!({"fault": "error", "status": 503, "when": "after", "operations": ["postOrder"],
            "probability": 0.4, "seed": seed});
        desk.fault(rule).await;
        desk.fault(
            json!({"fault": "drop", "when": "after", "operations": ["getAccount"], "probability": 0.5}),
        )
        .await;
        let mut seen = Vec::new();
        for number in 0..12 {
            seen.push(desk.post("/v2/orders", buy(&number.to_string())).await.status);
            let answered = desk.request("GET", "/v2/account").send().await;
            seen.push(answered.map_or(0, |response| response.status().as_u16()));
        }
        runs.push((seen, desk.get("/v2/positions/AAPL").await.body["qty"].clone()));
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0].0, runs[2].0);
    for status in [0, 200, 503] {
        assert!(runs[0].0.contains(&status), "{runs:?}");
    }
    // Whatever the client was told, every order was taken.
    assert_eq!(runs[0].1, "12");
}

#[tokio::test]
async fn a_key_dies_between_two_requests() {
    let desk = Desk::at(OPEN).await;
    desk.fault(json!({"fault": "key_death", "operations": ["postOrder"], "skip": 1, "count": 1})).await;
    assert_eq!(desk.post("/v2/orders", buy("one")).await.status, 200);
    let dead = desk.post("/v2/orders", buy("two")).await;
    assert_eq!(dead, Answer { status: 401, body: json!({"message": "unauthorized."}) });
    assert_eq!(desk.get("/v2/account").await.status, 401);
    let again = desk.server.broker.regenerate_key(desk.account.account_id).await.unwrap();
    let request =
        desk.bare("GET", "/v2/orders?status=all").basic_auth(&again.key_id, Some(again.secret_key.expose()));
    assert_eq!(answer(request).await.body.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn quotes_stand_still_while_the_market_goes_on() {
    let desk = Desk::at(OPEN).await;
    let latest = || async { desk.get("/v2/stocks/AAPL/quotes/latest").await.body["quote"].clone() };
    let before = latest().await;
    let id = desk.fault(json!({"fault": "stale"})).await;
    desk.advance(3600);
    assert_eq!(latest().await, before);
    let bars = desk.get("/v2/stocks/AAPL/bars?timeframe=1Min").await.body["bars"].clone();
    assert_eq!(bars.as_array().unwrap().len(), 30, "from 9:30 to 10:00");
    // The order is filled at the ask that nobody sees.
    let order = desk.place(buy("one")).await;
    let price = desk.get(&format!("/v2/orders/{order}")).await.body["filled_avg_price"].clone();
    assert_ne!(price.as_str().unwrap(), before["ap"].to_string());
    answer(desk.admin("DELETE", &format!("/faults/{id}"))).await;
    let after = latest().await;
    assert_ne!(after, before);
    assert_eq!(price.as_str().unwrap(), after["ap"].to_string());
}
