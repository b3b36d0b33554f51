use paddock_alpaca::client::{ClientOptions, Granted};
use paddock_alpaca::connect_fault::ConnectFault;
use paddock_alpaca::oauth::{OauthApp, OauthSettings};
use paddock_core::SecretText;
use rstest::rstest;
use serde_json::{Value, json};
use wiremock::matchers::{body_string, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{client, nobody};

const SECRET: &str = "CANARYAPPSECRETCANARYAPPSECRETCANARY1234";
const CODE: &str = "CANARYCODE 1&2";
const TOKEN: &str = "canaryto-ken0-4000-8000-000000000001";

fn app(tokens: &str) -> OauthApp {
    OauthApp::new(OauthSettings {
        client_id: "client".to_owned(),
        secret: SecretText::new(SECRET.to_owned()),
        redirect_uri: "http://127.0.0.1:7878/oauth/callback".to_owned(),
        consent_url: None,
        token_url: Some(tokens.to_owned()),
    })
    .unwrap()
}

async fn redeem(answer: ResponseTemplate) -> Result<Granted, ConnectFault> {
    let host = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/oauth/token"))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .and(body_string(format!(
            "grant_type=authorization%5Fcode&code=CANARYCODE%201%262&client_id=client&client_secret={SECRET}\
             &redirect_uri=http%3A%2F%2F127%2E0%2E0%2E1%3A7878%2Foauth%2Fcallback"
        )))
        .respond_with(answer)
        .expect(1)
        .mount(&host)
        .await;
    let client = client(&host.uri(), &nobody(), &ClientOptions::default());
    client.redeem(&app(&host.uri()), &SecretText::new(CODE.to_owned())).await
}

fn answer(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

#[rstest]
#[case(json!({"access_token": TOKEN, "token_type": "bearer", "scope": "account:write trading data"}), "account:write trading data")]
#[case(json!({"access_token": TOKEN, "token_type": "Bearer", "scope": "trading"}), "trading")]
#[case(json!({"access_token": TOKEN, "token_type": "bearer", "scope": "trading news"}), "trading")]
#[case(json!({"access_token": TOKEN, "token_type": "bearer"}), "account:write trading data")]
#[tokio::test]
async fn a_good_code_becomes_a_token(#[case] body: Value, #[case] scopes: &str) {
    let granted = redeem(answer(200, &body)).await.unwrap();
    assert_eq!((granted.token.expose(), granted.scopes.to_string().as_str()), (TOKEN, scopes));
    assert!(!format!("{granted:?}").contains("canary"));
}

#[rstest]
#[case::no_trading(answer(200, &json!({"access_token": TOKEN, "token_type": "bearer", "scope": "data"})), "oauth_without_trading")]
#[case::nothing(answer(200, &json!({"access_token": TOKEN, "token_type": "bearer", "scope": ""})), "oauth_without_trading")]
#[case::old_code(answer(400, &json!({"code": 40_010_000, "message": "invalid_grant"})), "oauth_code_refused")]
#[case::as_the_rfc_says(answer(400, &json!({"error": "invalid_grant"})), "oauth_code_refused")]
#[case::old_code_as_401(answer(401, &json!({"error": "invalid_grant"})), "oauth_code_refused")]
#[case::bad_request(answer(422, &json!({"message": "code is invalid"})), "oauth_code_refused")]
#[case::wrong_secret(answer(401, &json!({"code": 40_110_000, "message": "invalid_client"})), "oauth_app_refused")]
#[case::client_as_the_rfc_says(answer(400, &json!({"error": "invalid_client"})), "oauth_app_refused")]
#[case::no_answer_of_alpaca(ResponseTemplate::new(200).set_body_string("<html>hotel wifi</html>"), "unexpected_answer")]
#[case::no_token(answer(200, &json!({"access_token": "", "token_type": "bearer"})), "unexpected_answer")]
#[case::two_lines(answer(200, &json!({"access_token": "canary\r\nX: 1", "token_type": "bearer"})), "unexpected_answer")]
#[case::another_kind(answer(200, &json!({"access_token": TOKEN, "token_type": "mac"})), "unexpected_answer")]
#[case::elsewhere(ResponseTemplate::new(302).insert_header("Location", "http://127.0.0.1/"), "unexpected_answer")]
#[case::too_often(ResponseTemplate::new(429), "rate_limited")]
#[case::broken(ResponseTemplate::new(503), "server_error")]
#[tokio::test]
async fn whatever_else_comes_is_told_and_tells_no_secret(
    #[case] answer: ResponseTemplate,
    #[case] code: &str,
) {
    let fault = redeem(answer).await.unwrap_err();
    assert_eq!(fault.code(), code, "{fault}");
    let said = format!("{fault} {fault:?} {}", fault.next_step()).to_lowercase();
    assert!(!said.contains("canary"), "{said}");
}

#[tokio::test]
async fn a_host_that_is_not_there_is_told() {
    let client = client(&nobody(), &nobody(), &ClientOptions::default());
    let fault = client.redeem(&app(&nobody()), &SecretText::new(CODE.to_owned())).await.unwrap_err();
    assert_eq!(fault.code(), "host_unreachable");
}
