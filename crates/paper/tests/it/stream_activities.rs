//! `/v2beta1/events/activities`: what clients hear of their money.

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Desk, OPEN};

const EVENTS: &str = "/v2beta1/events/activities";

/// The events in a server-sent stream.
fn sent(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

fn buy(symbol: &str) -> Value {
    json!({"symbol": symbol, "qty": "1", "side": "buy", "type": "market", "time_in_force": "gtc"})
}

#[tokio::test]
async fn activities_are_told_as_they_are_posted() {
    let desk = Desk::at(OPEN).await;
    let order = desk.place(buy("AAPL")).await;
    let mut response = desk.request("GET", &format!("{EVENTS}?since=2026-06-24")).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    while sent(&text).is_empty() {
        text += std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap();
    }
    desk.place(buy("ETH/USD")).await;
    // The fee is posted at midnight in New York.
    desk.advance(14 * 3600 + 60);
    desk.get("/v2/clock").await;
    while sent(&text).len() < 3 {
        text += std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap();
    }
    let events = sent(&text);
    let kinds: Vec<&str> = events.iter().map(|event| event["activity_type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["FILL", "FILL", "CFEE"]);
    assert!(events.iter().map(|event| event["event_id"].as_str().unwrap()).is_sorted());

    let listed = desk.get("/v2/account/activities?direction=asc").await.body;
    for (event, listed) in events.iter().zip(listed.as_array().unwrap()) {
        assert_eq!((&event["price"], &event["qty"]), (&listed["price"], &listed["qty"]));
        assert!(listed["id"].as_str().unwrap().ends_with(event["ref_id"].as_str().unwrap()));
    }
    let fill = &events[0];
    assert_eq!((&fill["settle_date"], &fill["at"]), (&json!("2026-06-25"), &json!(OPEN)));
    let details = &fill["details"];
    assert_eq!(
        (&details["order_id"], &details["symbol"], &details["side"]),
        (&json!(order), &json!("AAPL"), &json!("buy"))
    );
    assert_eq!(
        details["client_order_id"],
        desk.get(&format!("/v2/orders/{order}")).await.body["client_order_id"]
    );
    assert!(fill["net_amount"].as_str().unwrap().starts_with('-'));
    assert_eq!(
        (&events[2]["settle_date"], &events[2]["details"]["symbol"]),
        (&json!("2026-06-25"), &json!("ETHUSD"))
    );

    let id = |number: usize| events[number]["event_id"].as_str().unwrap();
    for (query, expected) in [
        (format!("since_id={}&until_id={}", id(0), id(1)), &events[1..=1]),
        (format!("since={OPEN}&until={OPEN}"), &events[..2]),
        ("since=2026-06-25&until=2026-06-25T04:00:00Z".to_owned(), &events[2..]),
    ] {
        let between =
            desk.request("GET", &format!("{EVENTS}?{query}")).send().await.unwrap().text().await.unwrap();
        assert_eq!(sent(&between), expected, "{query}");
    }
}

#[rstest]
#[case("since=2026-06-24&since_id=0")]
#[case("until=2026-06-24")]
#[case("until_id=0")]
#[tokio::test]
async fn a_stretch_of_events_is_asked_for_in_one_way(#[case] query: &str) {
    assert_eq!(Desk::at(OPEN).await.get(&format!("{EVENTS}?{query}")).await.status, 422);
}

#[tokio::test]
async fn a_dead_pair_ends_the_stream() {
    let desk = Desk::at(OPEN).await;
    desk.place(buy("AAPL")).await;
    let events = desk.request("GET", EVENTS).send().await.unwrap();
    desk.server.broker.revoke_key(desk.account.account_id).await.unwrap();
    assert_eq!(events.text().await.unwrap(), ": connected\n\n");
}
