//! Watchlists, and what an account has that was not approved for more.

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Answer, Desk, OPEN, answer};

async fn put(desk: &Desk, target: &str, body: Value) -> Answer {
    answer(desk.request("PUT", target).body(body.to_string())).await
}

fn symbols(answer: &Answer) -> Vec<&str> {
    let assets = answer.body["assets"].as_array().unwrap();
    assets.iter().map(|asset| asset["symbol"].as_str().unwrap()).collect()
}

#[rstest]
#[tokio::test]
async fn a_watchlist_lives_by_its_id_or_its_name(#[values(false, true)] by_name: bool) {
    let desk = Desk::at(OPEN).await;
    let made = desk.post("/v2/watchlists", json!({"name": "my list", "symbols": ["MSFT", "AAPL"]})).await;
    assert_eq!((made.status, symbols(&made)), (200, vec!["MSFT", "AAPL"]));
    assert_eq!(made.body["account_id"], desk.account.account_id.to_string());
    let target = match by_name {
        true => "/v2/watchlists:by_name?name=my%20list".to_owned(),
        false => format!("/v2/watchlists/{}", made.body["id"].as_str().unwrap()),
    };
    assert_eq!(desk.get(&target).await.body, made.body);
    desk.advance(60);
    let added = desk.post(&target, json!({"symbol": "BTC/USD"})).await;
    assert_eq!((added.status, symbols(&added)), (200, vec!["MSFT", "AAPL", "BTC/USD"]));
    assert_eq!(
        (&added.body["created_at"], &added.body["updated_at"]),
        (&json!(OPEN), &json!("2026-06-24T14:01:00Z"))
    );
    let other = put(&desk, &target, json!({"symbols": ["IBM"]})).await;
    assert_eq!((other.status, symbols(&other), &other.body["name"]), (200, vec!["IBM"], &json!("my list")));
    let listed = desk.get("/v2/watchlists").await.body;
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["name"]), (1, &json!("my list")));
    assert!(listed[0].get("assets").is_none());
    assert_eq!(desk.delete(&target).await.status, 204);
    let gone = desk.get(&target).await;
    assert_eq!((gone.status, &gone.body["message"]), (404, &json!("watchlist not found")));
}

#[tokio::test]
async fn an_asset_is_taken_off_and_a_list_renamed() {
    let desk = Desk::at(OPEN).await;
    let made = desk.post("/v2/watchlists", json!({"name": "a", "symbols": ["BTC/USD", "AAPL"]})).await;
    let target = format!("/v2/watchlists/{}", made.body["id"].as_str().unwrap());
    for symbol in ["BTC%2FUSD", "AAPL"] {
        assert_eq!(desk.delete(&format!("{target}/{symbol}")).await.status, 200);
    }
    let left = desk.get(&target).await;
    assert!(symbols(&left).is_empty());
    assert_eq!(desk.delete(&format!("{target}/AAPL")).await.status, 404);
    assert_eq!(put(&desk, &target, json!({"name": "b"})).await.body["name"], "b");
    assert_eq!(desk.get("/v2/watchlists:by_name?name=b").await.status, 200);
}

#[rstest]
#[case::same_name(json!({"name": "taken"}), 422, "watchlist name must be unique")]
#[case::no_name(json!({"name": ""}), 422, "watchlist name must have 1 to 64 characters")]
#[case::missing_name(json!({"symbols": []}), 422, "watchlist name must have 1 to 64 characters")]
#[case::unknown_asset(json!({"name": "new", "symbols": ["ZZZZZ"]}), 422, "asset not found: ZZZZZ")]
#[case::twice(json!({"name": "new", "symbols": ["AAPL", "AAPL"]}), 422, "duplicate symbol: AAPL")]
#[case::unknown_field(
    json!({"name": "new", "symbol": "AAPL"}), 422,
    "unknown field \"symbol\""
)]
#[tokio::test]
async fn a_watchlist_is_refused(#[case] body: Value, #[case] status: u16, #[case] message: &str) {
    let desk = Desk::at(OPEN).await;
    desk.post("/v2/watchlists", json!({"name": "taken", "symbols": ["AAPL"]})).await;
    let refused = desk.post("/v2/watchlists", body).await;
    assert_eq!((refused.status, refused.body["message"].as_str().unwrap()), (status, message));
    let twice = desk.post("/v2/watchlists:by_name?name=taken", json!({"symbol": "AAPL"})).await;
    assert_eq!((twice.status, &twice.body["code"]), (422, &json!(40010001)));
    assert_eq!(desk.get("/v2/watchlists").await.body.as_array().unwrap().len(), 1);
}

#[rstest]
#[case("GET", "/v2/wallets", 200, json!([]))]
#[case("GET", "/v2/wallets/transfers", 200, json!([]))]
#[case("GET", "/v2/wallets/whitelists", 200, json!([]))]
#[case("GET", "/v1/locates", 200, json!({"locates": [], "next_page_token": null}))]
#[case("GET", "/v1/locates/quotes?symbols=AAPL", 403, json!({"message": "Forbidden"}))]
#[case("GET", "/v2/tokenization/requests", 403, json!({"code": 40310000, "message": "forbidden"}))]
#[case(
    "POST", "/v2/positions/AAPL261218C00150000/exercise", 403,
    json!({"code": 40310000, "message": "no available position for the specified contract"})
)]
#[case("POST", "/v2/positions/AAPL/exercise", 422, json!({"code": 42210000, "message": "invalid symbol"}))]
#[case(
    "GET", "/v2/corporate_actions/announcements?ca_types=dividend,split&since=2026-01-01&until=2026-03-01", 200,
    json!([])
)]
#[case(
    "GET", "/v2/corporate_actions/announcements?since=2026-01-01&until=2026-03-01", 422,
    json!({"code": 40010001, "message": "ca_types is required"})
)]
#[case(
    "GET", "/v2/corporate_actions/announcements?ca_types=split&since=2026-01-01&until=2026-05-01", 422,
    json!({"code": 40010001, "message": "date range must be at most 90 days"})
)]
#[tokio::test]
async fn an_account_without_further_approvals(
    #[case] method: &str,
    #[case] target: &str,
    #[case] status: u16,
    #[case] body: Value,
) {
    let desk = Desk::at(OPEN).await;
    let got = answer(desk.request(method, target)).await;
    assert_eq!((got.status, got.body), (status, body));
}
