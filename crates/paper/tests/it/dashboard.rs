//! Accounts and pairs, opened and changed over HTTP.

use paddock_paper::{ClockMode, PaperOptions};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Answer, Desk, OPEN, answer};

fn dashboard(desk: &Desk, method: &str, target: &str) -> reqwest::RequestBuilder {
    desk.bare(method, &format!("/dashboard/v1{target}"))
}

async fn account_status(desk: &Desk, key: &Value) -> u16 {
    let (id, secret) = (key["key_id"].as_str().unwrap(), key["secret_key"].as_str().unwrap());
    answer(desk.bare("GET", "/v2/account").basic_auth(id, Some(secret))).await.status
}

#[tokio::test]
async fn an_account_is_opened_listed_and_used() {
    let desk = Desk::at(OPEN).await;
    let request = dashboard(&desk, "POST", "/accounts")
        .body(json!({"environment": "paper", "cash": "2500.50"}).to_string());
    let created = answer(request).await;
    assert_eq!(created.status, 201);
    let (number, key) = (created.body["account_number"].as_str().unwrap(), &created.body);
    assert!(number.starts_with("PA") && key["key_id"].as_str().unwrap().starts_with("PK"));
    assert_eq!(account_status(&desk, key).await, 200);

    let listed = answer(dashboard(&desk, "GET", "/accounts")).await.body.to_string();
    assert!(listed.contains(number) && listed.contains("2500.5"), "{listed}");
    assert!(!listed.contains(key["secret_key"].as_str().unwrap()));
    let shown = answer(dashboard(&desk, "GET", &format!("/accounts/{number}"))).await;
    assert_eq!(shown.body["account_id"], key["account_id"]);
}

#[tokio::test]
async fn a_regenerated_pair_kills_the_old_one_at_once() {
    let desk = Desk::at(OPEN).await;
    let target = format!("/accounts/{}/keys", desk.account.account_number);
    let old = json!({"key_id": desk.account.key_id, "secret_key": desk.account.secret_key.expose()});
    let new = answer(dashboard(&desk, "POST", &target)).await;
    assert_eq!(new.status, 201);
    assert_eq!((account_status(&desk, &old).await, account_status(&desk, &new.body).await), (401, 200));
    let half = json!({"key_id": new.body["key_id"], "secret_key": old["secret_key"]});
    assert_eq!(account_status(&desk, &half).await, 401);

    assert_eq!(answer(dashboard(&desk, "DELETE", &target)).await.status, 204);
    assert_eq!(account_status(&desk, &new.body).await, 401);
}

#[rstest]
#[case("new", 26, 44)]
#[case("old", 20, 40)]
#[tokio::test]
async fn pairs_of_either_form_are_made_and_accepted(
    #[case] format: &str,
    #[case] id: usize,
    #[case] secret: usize,
) {
    let desk = Desk::at(OPEN).await;
    let body = json!({"environment": "paper", "key_format": format}).to_string();
    let created = answer(dashboard(&desk, "POST", "/accounts").body(body)).await.body;
    let account = format!("/accounts/{}", created["account_number"].as_str().unwrap());
    let mut pairs = vec![created];
    for act in ["/keys", "/reset"] {
        let body = json!({"key_format": format}).to_string();
        let request = dashboard(&desk, "POST", &format!("{account}{act}")).body(body);
        pairs.push(answer(request).await.body);
    }
    for pair in &pairs {
        let length = |name: &str| pair[name].as_str().unwrap().len();
        assert_eq!((length("key_id"), length("secret_key")), (id, secret), "{pair}");
    }
    assert_eq!(account_status(&desk, &pairs[1]).await, 401);
    assert_eq!(account_status(&desk, &pairs[2]).await, 200);
}

#[tokio::test]
async fn a_reset_account_has_new_cash_and_a_new_pair() {
    let desk = Desk::at(OPEN).await;
    desk.place(json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}))
        .await;
    let target = format!("/accounts/{}/reset", desk.account.account_id);
    let reset = answer(dashboard(&desk, "POST", &target).body(json!({"cash": 5000}).to_string())).await;
    assert_eq!((reset.status, &reset.body["account_number"]), (200, &json!(desk.account.account_number)));
    assert_eq!(desk.get("/v2/account").await.status, 401);
    let (id, secret) = (reset.body["key_id"].as_str().unwrap(), reset.body["secret_key"].as_str().unwrap());
    let account = answer(desk.bare("GET", "/v2/account").basic_auth(id, Some(secret))).await.body;
    assert_eq!((account["cash"].as_str(), account["equity"].as_str()), (Some("5000"), Some("5000")));
}

#[tokio::test]
async fn an_account_can_be_made_inactive_or_blocked() {
    let desk = Desk::at(OPEN).await;
    let target = format!("/accounts/{}", desk.account.account_number);
    let body = json!({"status": "INACTIVE", "account_blocked": true}).to_string();
    assert_eq!(answer(dashboard(&desk, "PATCH", &target).body(body)).await.status, 200);
    let account = desk.get("/v2/account").await.body;
    assert_eq!((&account["status"], &account["account_blocked"]), (&json!("INACTIVE"), &json!(true)));
    let body = json!({"status": "ACTIVE", "account_blocked": false, "liquidation_only": true}).to_string();
    let restricted = answer(dashboard(&desk, "PATCH", &target).body(body)).await;
    assert_eq!((restricted.status, &restricted.body["liquidation_only"]), (200, &json!(true)));
    let order = json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"});
    let refused = desk.post("/v2/orders", order).await;
    assert_eq!(refused.body["message"], "account is restricted to liquidation only");
    let body = json!({"status": "SLEEPY"}).to_string();
    assert_eq!(answer(dashboard(&desk, "PATCH", &target).body(body)).await.status, 422);
}

#[rstest]
#[case::no_such_account("GET", "/accounts/PA0000000000", "", 404)]
#[case::environment("POST", "/accounts", r#"{"environment":"test"}"#, 422)]
#[case::debt("POST", "/accounts", r#"{"cash":-1}"#, 422)]
#[case::too_much("POST", "/accounts", r#"{"cash":1000000000.01}"#, 422)]
#[case::tenths_of_cents("POST", "/accounts", r#"{"cash":0.001}"#, 422)]
#[case::unknown_field("POST", "/accounts", r#"{"money":1}"#, 422)]
#[case::key_format("POST", "/accounts", r#"{"key_format":"ancient"}"#, 422)]
#[case::no_such_account_to_delete("DELETE", "/accounts/PA0000000000", "", 404)]
#[case::no_such_client("POST", "/oauth/clients/none/secret", "", 404)]
#[case::no_such_grant("DELETE", "/oauth/grants/none", "", 404)]
#[case::no_name("POST", "/oauth/clients", r#"{"redirect_uris":["http://localhost/"]}"#, 422)]
#[case::twice("POST", "/accounts", r#"{"cash":1,"cash":2}"#, 400)]
#[case::no_such_path("GET", "/secrets", "", 404)]
#[case::step_back("POST", "/clock/step", r#"{"seconds":-1}"#, 422)]
#[tokio::test]
async fn nonsense_is_refused(
    #[case] method: &str,
    #[case] target: &str,
    #[case] body: &'static str,
    #[case] status: u16,
) {
    let desk = Desk::at(OPEN).await;
    let refused = answer(dashboard(&desk, method, target).body(body)).await;
    assert_eq!(refused.status, status, "{refused:?}");
    assert!(refused.body["message"].is_string() && refused.body["code"].is_number(), "{refused:?}");
}

#[rstest]
#[case("Origin", "http://localhost:7878")]
#[case("Origin", "null")]
#[case("Host", "evil.example")]
#[case("Host", "192.168.1.5:80")]
#[tokio::test]
async fn web_pages_and_other_hosts_are_refused(#[case] header: &str, #[case] value: &str) {
    let desk = Desk::at(OPEN).await;
    let refused = answer(dashboard(&desk, "GET", "/accounts").header(header, value)).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(!refused.body.to_string().contains(&desk.account.account_number));
}

#[tokio::test]
async fn a_stepped_clock_is_moved_by_hand() {
    let desk = Desk::with(OPEN, |options| PaperOptions { clock_mode: ClockMode::Stepped, ..options }).await;
    let id = desk
        .place(json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "limit", "limit_price": 1, "time_in_force": "day"}))
        .await;
    desk.advance(10 * 3600);
    assert_eq!(desk.get("/v2/clock").await.body["timestamp"], "2026-06-24T10:00:00-04:00");
    let step = dashboard(&desk, "POST", "/clock/step").body(json!({"seconds": 6 * 3600}).to_string());
    let stepped = answer(step).await;
    let shown = json!({"timestamp": "2026-06-24T20:00:00Z", "mode": "stepped", "rate": 0,
        "next_open": "2026-06-25T13:30:00Z", "next_close": "2026-06-25T20:00:00Z"});
    assert_eq!(stepped, Answer { status: 200, body: shown });
    assert_eq!(desk.get(&format!("/v2/orders/{id}")).await.body["status"], "expired");
    assert_eq!(desk.get("/v2/clock").await.body["is_open"], false);
}
