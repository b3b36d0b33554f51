//! Codes and tokens: what one is exchanged for the other with.

use paddock_alpaca::path::Query;
use reqwest::header::CONTENT_TYPE;
use rstest::rstest;
use serde_json::json;

use super::{App, BACK, code, exchange, form, grants, refused, register, token, with};
use crate::browser::FORM;
use crate::harness::{Desk, OPEN, answer};

#[tokio::test]
async fn a_code_works_once_and_its_second_use_kills_the_token() {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let code = code(&desk, &app, "data").await;
    let first = exchange(&desk, &app, &code).await;
    let token = first.body["access_token"].as_str().unwrap();
    assert_eq!(with(&desk, token, "GET", "/v2/account").await.status, 200);
    assert_eq!(exchange(&desk, &app, &code).await, refused(400, 40_010_000, "invalid_grant"));
    assert_eq!(with(&desk, token, "GET", "/v2/account").await.status, 401);
}

#[tokio::test]
async fn a_code_is_for_its_own_program_and_address() {
    let desk = Desk::at(OPEN).await;
    let (app, other) = (register(&desk).await, register(&desk).await);
    let stolen = code(&desk, &app, "data").await;
    assert_eq!(exchange(&desk, &other, &stolen).await, refused(400, 40_010_000, "invalid_grant"));
    // Who has lost a code to somebody cannot use it any more.
    assert_eq!(exchange(&desk, &app, &stolen).await.status, 400);

    let code = code(&desk, &app, "data").await;
    let elsewhere = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("client_id", &app.id),
        ("client_secret", &app.secret),
        ("redirect_uri", "https://app.example/cb"),
    ];
    assert_eq!(form(&desk, "/oauth/token", &elsewhere).await.body["message"], "invalid_grant");
    assert!(grants(&desk).await.is_empty());
}

#[rstest]
#[case(599, 200)]
#[case(601, 400)]
#[tokio::test]
async fn a_code_lives_for_ten_minutes(#[case] seconds: u64, #[case] status: u16) {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let code = code(&desk, &app, "data").await;
    desk.advance(seconds);
    assert_eq!(exchange(&desk, &app, &code).await.status, status);
}

#[rstest]
#[case::wrong_secret(&[("client_secret", "0000000000000000000000000000000000000000")], 401, 40_110_000, "invalid_client")]
#[case::no_secret(&[("client_secret", "")], 401, 40_110_000, "invalid_client")]
#[case::unknown_client(&[("client_id", "00000000000000000000000000000000")], 401, 40_110_000, "invalid_client")]
#[case::grant_type(&[("grant_type", "refresh_token")], 400, 40_010_000, "unsupported_grant_type")]
#[case::no_code(&[("code", "")], 400, 40_010_000, "invalid_request")]
#[case::no_uri(&[("redirect_uri", "")], 400, 40_010_000, "invalid_request")]
#[case::unknown_code(&[("code", "0f0e0d0c-0b0a-4009-8807-060504030201")], 400, 40_010_000, "invalid_grant")]
#[tokio::test]
async fn what_is_wrong_with_a_request_for_a_token(
    #[case] changed: &[(&str, &str)],
    #[case] status: u16,
    #[case] number: u32,
    #[case] message: &str,
) {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let code = code(&desk, &app, "data").await;
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("client_id", &app.id),
        ("client_secret", &app.secret),
        ("redirect_uri", BACK),
    ];
    for (name, value) in changed {
        fields.iter_mut().find(|(known, _)| known == name).unwrap().1 = value;
    }
    assert_eq!(form(&desk, "/oauth/token", &fields).await, refused(status, number, message));
    // A wrong secret does not cost the right program its code.
    if status == 401 {
        assert_eq!(exchange(&desk, &app, &code).await.status, 200);
    }
}

#[tokio::test]
async fn the_secret_is_in_the_form_and_the_form_is_a_form() {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let code = code(&desk, &app, "data").await;
    let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", BACK)];
    let request = desk.bare("POST", "/oauth/token").basic_auth(&app.id, Some(&app.secret));
    let request = request.header(CONTENT_TYPE, FORM).body(Query::of(&fields).to_upstream());
    assert_eq!(answer(request).await, refused(401, 40_110_000, "invalid_client"));
    let json = desk.bare("POST", "/oauth/token").json(&json!({"client_id": app.id}));
    assert_eq!(answer(json).await, refused(400, 40_010_000, "invalid_request"));
    // A token is given by POST only.
    assert_eq!(answer(desk.bare("GET", &format!("/oauth/token?code={code}"))).await.status, 405);
}

#[tokio::test]
async fn a_new_secret_kills_the_old_one_and_spares_the_tokens() {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let token = token(&desk, &app, "data").await;
    let code = code(&desk, &app, "data").await;
    let target = format!("/dashboard/v1/oauth/clients/{}/secret", app.id);
    let rotated = answer(desk.bare("POST", &target)).await;
    assert_eq!(rotated.status, 201, "{rotated:?}");
    assert_eq!(exchange(&desk, &app, &code).await.status, 401);
    let app = App { id: app.id, secret: rotated.body["client_secret"].as_str().unwrap().to_owned() };
    assert_eq!(exchange(&desk, &app, &code).await.status, 200);
    assert_eq!(with(&desk, &token, "GET", "/v2/account").await.status, 200);

    let target = format!("/dashboard/v1/oauth/clients/{}", app.id);
    assert_eq!(answer(desk.bare("DELETE", &target)).await.status, 204);
    assert_eq!(with(&desk, &token, "GET", "/v2/account").await.status, 401);
    assert_eq!(answer(desk.bare("DELETE", &target)).await.status, 404);
}

#[tokio::test]
async fn a_deleted_account_cannot_be_granted_any_more() {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let code = code(&desk, &app, "data").await;
    let target = format!("/dashboard/v1/accounts/{}", desk.account.account_number);
    assert_eq!(answer(desk.bare("DELETE", &target)).await.status, 204);
    assert_eq!(exchange(&desk, &app, &code).await, refused(400, 40_010_000, "invalid_grant"));
    assert!(grants(&desk).await.is_empty());
}
