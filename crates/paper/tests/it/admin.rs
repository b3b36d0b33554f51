//! Who may use the admin interface, and what it makes of bodies.

use paddock_core::SecretText;
use paddock_paper::{PaperBroker, PaperOptions};
use rstest::rstest;
use serde_json::json;

use crate::harness::{Desk, OPEN, answer, options};

#[rstest]
#[case("GET", "/faults")]
#[case("POST", "/faults")]
#[case("DELETE", "/faults")]
#[case("GET", "/faults/1")]
#[case("DELETE", "/faults/1")]
#[case("GET", "/halts")]
#[case("POST", "/halts")]
#[case("DELETE", "/halts")]
#[case("POST", "/halts/resume")]
#[case("GET", "/clock")]
#[case("POST", "/clock/step")]
#[case("POST", "/clock/jump")]
#[case("POST", "/clock/rate")]
#[case("GET", "/accounts")]
#[case("PATCH", "/accounts/x")]
#[case("DELETE", "/accounts/x/keys")]
#[case("GET", "/nothing")]
#[tokio::test]
async fn nothing_is_done_without_the_token(#[case] method: &str, #[case] target: &str) {
    let desk = Desk::at(OPEN).await;
    let path = format!("/admin/v1{target}");
    let token = desk.server.broker.admin_token().expose();
    for (request, expected) in [
        (desk.bare(method, &path), 401),
        (desk.request(method, &path), 401),
        (desk.bare(method, &path).bearer_auth(""), 401),
        (desk.bare(method, &path).bearer_auth(&token[1..]), 401),
        (desk.bare(method, &path).basic_auth("admin", Some(token)), 401),
        (desk.bare(method, &path).bearer_auth(token).bearer_auth(token), 401),
        (desk.bare(method, &path).bearer_auth(token).header("Origin", "http://localhost:7881"), 403),
    ] {
        let refused = answer(request.body(json!({"fault": "key_death"}).to_string())).await;
        assert_eq!(refused.status, expected, "{refused:?}");
        assert!(refused.body["message"].as_str().unwrap().contains("admin"), "{refused:?}");
    }
    assert!(desk.server.broker.listed_faults().is_empty());
}

#[rstest]
#[case::nothing("/faults", "{}", 422, "fault must be one of latency, error")]
#[case::unknown_fault("/faults", r#"{"fault":"gremlins"}"#, 422, "fault must be one of")]
#[case::a_field_of_another_fault(
    "/faults",
    r#"{"fault":"hang","status":500}"#,
    422,
    "unknown field \"status\""
)]
#[case::no_status("/faults", r#"{"fault":"error"}"#, 422, "status must be from 400 to 599")]
#[case::a_status_of_success(
    "/faults",
    r#"{"fault":"error","status":200}"#,
    422,
    "status must be from 400 to 599"
)]
#[case::twice("/faults", r#"{"fault":"hang","fault":"drop"}"#, 400, "occurs twice")]
#[case::a_list("/faults", "[]", 400, "not a JSON object")]
#[case::a_text_for_a_list("/faults", r#"{"fault":"hang","operations":"postOrder"}"#, 422, "must be a list")]
#[case::operation(
    "/faults",
    r#"{"fault":"hang","operations":["order"]}"#,
    422,
    "no operation is called order"
)]
#[case::stream(
    "/faults",
    r#"{"fault":"half_open","streams":["/v9"]}"#,
    422,
    "the streams are /stream, /v2/iex"
)]
#[case::when("/faults", r#"{"fault":"hang","when":"soon"}"#, 422, "when must be before or after")]
#[case::half_a_time("/faults", r#"{"fault":"hang","count":0.5}"#, 422, "count must be a whole number")]
#[case::no_account("/faults", r#"{"fault":"hang","account":"PA1"}"#, 404, "account not found")]
#[case::no_symbols("/halts", "{}", 422, "symbols must be a list")]
#[case::unknown_symbol("/halts", r#"{"symbols":["NOPE"]}"#, 422, "NOPE")]
#[case::past("/clock/jump", r#"{"to":"2026-06-24T13:59:59Z"}"#, 422, "time does not run backwards")]
#[case::no_instant("/clock/jump", r#"{"to":"tomorrow"}"#, 422, "to must be next_open, next_close")]
#[case::far("/clock/jump", r#"{"to":"2126-06-24T13:59:59Z"}"#, 422, "at most")]
#[case::half_a_rate("/clock/rate", r#"{"rate":0.5}"#, 422, "rate must be a whole number")]
#[case::no_rate("/clock/rate", "{}", 422, "rate must be")]
#[tokio::test]
async fn nonsense_is_refused_with_a_reason(
    #[case] target: &str,
    #[case] body: &'static str,
    #[case] status: u16,
    #[case] message: &str,
) {
    let desk = Desk::at(OPEN).await;
    let refused = answer(desk.admin("POST", target).body(body)).await;
    assert_eq!(refused.status, status, "{refused:?}");
    assert!(refused.body["message"].as_str().unwrap().contains(message), "{refused:?}");
    assert!(desk.server.broker.listed_faults().is_empty() && desk.server.broker.market().halted().is_empty());
}

#[tokio::test]
async fn rules_are_listed_shown_and_removed() {
    let desk = Desk::at(OPEN).await;
    let rule = json!({"fault": "error", "status": 503, "when": "after", "operations": ["getAccount"],
        "account": desk.account.account_number, "count": 1, "probability": "1", "retry_after": 2});
    let id = desk.fault(rule).await;
    let other = desk.fault(json!({"fault": "half_open", "for_seconds": 60})).await;
    assert_eq!(desk.get("/v2/account").await.status, 503);
    let listed = answer(desk.admin("GET", "/faults")).await.body;
    let expected = json!({"id": id, "fault": "error", "status": 503, "when": "after", "rate_limit_headers": true,
        "retry_after": 2, "operations": ["getAccount"], "streams": [], "account": desk.account.account_id,
        "key_id": null, "path": null, "skip": 0, "count": 1, "probability": "1", "for_seconds": null, "seed": null,
        "matched": 1, "fired": 1, "over": true});
    assert_eq!(listed["faults"][0], expected);
    assert_eq!((&listed["faults"][1]["id"], &listed["faults"][1]["over"]), (&json!(other), &json!(false)));
    desk.advance(60);
    assert_eq!(answer(desk.admin("GET", &format!("/faults/{other}"))).await.body["over"], true);

    let delete = |id: u64| answer(desk.admin("DELETE", &format!("/faults/{id}")));
    assert_eq!((delete(id).await.status, delete(id).await.status), (204, 404));
    assert_eq!(answer(desk.admin("DELETE", "/faults")).await.status, 204);
    assert_eq!(answer(desk.admin("GET", "/faults")).await.body, json!({"faults": []}));
}

#[tokio::test]
async fn an_account_is_restricted_and_its_key_taken() {
    let desk = Desk::at(OPEN).await;
    let target = format!("/accounts/{}", desk.account.account_number);
    let order = json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"});
    for (standing, message) in [
        (json!({"liquidation_only": true}), "account is restricted to liquidation only"),
        (json!({"trading_blocked": true}), "account is not authorized to trade"),
        (json!({"trading_blocked": false, "status": "INACTIVE"}), "account is not authorized to trade"),
    ] {
        let changed = answer(desk.admin("PATCH", &target).body(standing.to_string())).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        let refused = desk.post("/v2/orders", order.clone()).await;
        assert_eq!((refused.status, &refused.body["message"]), (403, &json!(message)));
    }
    assert_eq!(answer(desk.admin("DELETE", &format!("{target}/keys"))).await.status, 204);
    assert_eq!(desk.get("/v2/account").await.status, 401);
}

#[tokio::test]
async fn a_token_may_be_chosen_if_it_is_long_enough() {
    let chosen = |token: &str| Some(SecretText::new(token.to_owned()));
    let desk =
        Desk::with(OPEN, |options| PaperOptions { admin_token: chosen("correct-horse-battery"), ..options })
            .await;
    let request = desk.bare("GET", "/admin/v1/faults").bearer_auth("correct-horse-battery");
    assert_eq!(answer(request).await.status, 200);

    let refused = PaperBroker::open(PaperOptions { admin_token: chosen("secret"), ..options(&desk.clock) });
    let message = refused.unwrap_err().to_string();
    assert!(message.contains("16 to 256 characters") && !message.contains("secret"), "{message}");
}
