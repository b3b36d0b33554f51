//! The list of requests: filtered, paged, exported, and the story of one.

use rstest::rstest;
use serde_json::{Value, json};

use crate::accounts::Stage;

/// A stage with a refusal, too.
async fn stage() -> Stage {
    let stage = Stage::set().await;
    let narrow = json!({ "preset": "trader", "symbols": ["MSFT"], "max_order_notional": "1000" });
    let key = stage.paddock.issue_key("msft-bot", &narrow).await;
    let order =
        json!({ "symbol": "TSLA", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day" });
    assert_eq!(stage.paddock.send("POST", "/v2/orders", &order.to_string(), &key).await, 403);
    stage
}

#[rstest]
#[case("", 3)]
#[case("?key=bot", 2)]
#[case("?key=msft-bot", 1)]
#[case("?connection=my-paper&operation=postOrder", 3)]
#[case("?decision=refused", 1)]
#[case("?reason=symbol_not_allowed", 1)]
#[case("?symbol=tsla", 1)]
#[case("?symbol=AAPL", 2)]
#[case("?from=2026-11-23&to=2026-11-23", 3)]
#[case("?to=2026-11-22", 0)]
#[case("?key=bot&decision=&symbol=", 2)]
#[tokio::test]
async fn filters_find_what_they_name(#[case] query: &str, #[case] expected: usize) {
    let stage = stage().await;
    let listed = stage.paddock.get(&format!("/api/v1/activity{query}")).await;
    let items = listed.expect(200).json["items"].as_array().unwrap();
    assert_eq!(items.len(), expected, "{listed:?}");
    let lines = stage.paddock.get(&format!("/api/v1/activity/export{query}")).await;
    assert_eq!(lines.expect(200).text().lines().count(), expected + 1);
}

#[rstest]
#[case("?decision=maybe", "invalid_parameter")]
#[case("?reason=because", "invalid_parameter")]
#[case("?from=yesterday", "invalid_parameter")]
#[case("?cursor=zz", "invalid_parameter")]
#[case("?key=a&person=b", "invalid_parameter")]
#[case("?colour=red", "unknown_parameter")]
#[tokio::test]
async fn what_is_no_filter_is_said_to_be_none(#[case] query: &str, #[case] code: &str) {
    let stage = stage().await;
    stage.paddock.get(&format!("/api/v1/activity{query}")).await.expect_problem(400, code);
}

#[tokio::test]
async fn a_refusal_is_told_with_its_numbers_and_an_order_with_its_story() {
    let stage = stage().await;
    let listed = stage.paddock.get("/api/v1/activity?limit=1").await;
    let refused = &listed.json["items"][0];
    assert_eq!((&refused["decision"], &refused["reason"]), (&json!("refused"), &json!("symbol_not_allowed")));
    assert_eq!((&refused["who"], &refused["summary"]), (&json!("msft-bot"), &json!("buy 1 TSLA market")));
    assert_eq!((&refused["numbers"]["symbol"], &refused["network"]), (&json!("TSLA"), &json!("127.0.0.1")));
    let cursor = listed.json["next_cursor"].as_str().unwrap();
    let rest = stage.paddock.get(&format!("/api/v1/activity?cursor={cursor}")).await;
    assert_eq!((rest.json["items"].as_array().unwrap().len(), &rest.json["next_cursor"]), (2, &Value::Null));

    let waiting = &rest.json["items"][0];
    let story =
        stage.paddock.get(&format!("/api/v1/activity/{}", waiting["request"].as_str().unwrap())).await;
    let story = &story.expect(200).json;
    assert_eq!(story["request"], *waiting);
    assert_eq!((&story["order"]["status"], &story["order"]["id"]), (&json!("new"), &waiting["order_id"]));
    assert_eq!(story["reserved"]["orders"], 1);
    let names: Vec<&str> = story["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["event"]["event"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["request_permitted", "request_answered"]);
    let by_order =
        stage.paddock.get(&format!("/api/v1/activity?order={}", waiting["order_id"].as_str().unwrap())).await;
    assert_eq!(by_order.json["items"][0]["request"], waiting["request"]);
    for unknown in ["00000000-0000-0000-0000-000000000001", "x"] {
        stage
            .paddock
            .get(&format!("/api/v1/activity/{unknown}"))
            .await
            .expect_problem(404, "unknown_request");
    }
}

#[tokio::test]
async fn an_export_is_a_file_of_all_that_fit() {
    let stage = stage().await;
    let csv = stage.paddock.get("/api/v1/activity/export?format=csv").await;
    assert_eq!(csv.headers["content-type"], "text/csv");
    assert!(csv.text().starts_with("at,request,sender,who,"));
    let lines = stage.paddock.get("/api/v1/activity/export?format=jsonl&key=bot").await;
    let first: Value = serde_json::from_str(lines.text().lines().next().unwrap()).unwrap();
    assert_eq!((lines.text().lines().count(), &first["who"]), (2, &json!("bot")));
    stage.paddock.get("/api/v1/activity/export?format=xls").await.expect_problem(400, "invalid_parameter");
}

#[tokio::test]
async fn the_audit_is_filtered_by_who_and_when() {
    let stage = stage().await;
    let count = async |query: &str| {
        let listed = stage.paddock.get(&format!("/api/v1/audit?{query}")).await;
        listed.expect(200).json["items"].as_array().unwrap().len()
    };
    assert_eq!(count("actor=msft-bot").await, 1);
    assert_eq!(count("actor=operator&event=key_created").await, 2);
    assert_eq!(count("to=2026-11-22").await, 0);
    assert_eq!(count("event=request_refused&from=2026-11-23").await, 1);
}
