//! Exchanges in a file: what was asked and answered, and never a secret.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use paddock_paper::{EphemeralBroker, PaperError, PaperOptions};
use serde_json::{Value, json};

use crate::harness::{Desk, OPEN, at, options};

fn lines(file: &Path) -> Vec<Value> {
    fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn exchanges_are_in_the_file_when_the_answer_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("exchanges.jsonl");
    let to = Some(file.clone());
    let desk = Desk::with(OPEN, |options| PaperOptions { record_exchanges: to, ..options }).await;
    let order = json!({"symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "limit_price": "10", "time_in_force": "day"});
    let placed = desk.post("/v2/orders", order.clone()).await;
    let refused = desk.get("/v2/positions/AAPL?x=1").await;
    desk.bare("GET", "/v2/clock").send().await.unwrap();
    desk.bare("POST", "/oauth/token?code=c0de").body("client_secret=c0de").send().await.unwrap();
    let made = desk.post("/dashboard/v1/accounts", json!({})).await.body;

    let told = lines(&file);
    let text = |value: &Value| -> Value { serde_json::from_str(value.as_str().unwrap()).unwrap() };
    assert_eq!(told.len(), 5);
    assert_eq!(told[0]["at"], OPEN);
    assert_eq!(
        (&told[0]["environment"], &told[0]["operation"], &told[0]["method"], &told[0]["target"]),
        (&json!("paper"), &json!("postOrder"), &json!("POST"), &json!("/v2/orders"))
    );
    assert_eq!((&told[0]["status"], text(&told[0]["request"])), (&json!(200), order));
    assert_eq!(text(&told[0]["response"]), placed.body);
    assert_eq!((&told[1]["status"], &told[1]["target"]), (&json!(404), &json!("/v2/positions/AAPL?x=1")));
    assert_eq!((&told[1]["request"], text(&told[1]["response"])), (&json!(""), refused.body));
    assert_eq!(
        (&told[2]["operation"], &told[2]["content_type"]),
        (&json!("LegacyClock"), &json!("text/html"))
    );
    assert_eq!((&told[3]["target"], &told[3]["request"]), (&json!("/oauth/token"), &Value::Null));
    assert_eq!((&told[4]["status"], &told[4]["response"]), (&json!(201), &Value::Null));

    let all = fs::read_to_string(&file).unwrap();
    let secrets = [
        desk.account.key_id.as_str(),
        desk.account.secret_key.expose(),
        made["key_id"].as_str().unwrap(),
        made["secret_key"].as_str().unwrap(),
        "c0de",
    ];
    for secret in secrets {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_stream_of_events_is_recorded_when_it_ends() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("exchanges.jsonl");
    let to = Some(file.clone());
    let desk = Desk::with(OPEN, |options| PaperOptions { record_exchanges: to, ..options }).await;
    desk.place(json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}))
        .await;
    // An event stream ends only when its last instant is past.
    desk.advance(1);
    let target = format!("/v2/events/trades?since={OPEN}&until={OPEN}");
    let events = desk.request("GET", &target).send().await.unwrap().text().await.unwrap();
    assert!(events.contains("\"event\":\"pending_new\""), "{events}");
    assert_eq!(lines(&file).last().unwrap()["response"], events);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let clock = std::sync::Arc::new(paddock_core::ManualClock::new(at(OPEN)));
    let to = Some(directory.path().to_owned());
    let refused = EphemeralBroker::start(PaperOptions { record_exchanges: to, ..options(&clock) }).await;
    let error = refused.err().unwrap();
    assert!(matches!(error, PaperError::Record(_)), "{error}");
    assert!(error.to_string().contains("choose a file that can be written"), "{error}");
}
