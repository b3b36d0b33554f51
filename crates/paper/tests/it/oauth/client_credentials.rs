//! Tokens for programs that act for nobody.

use rstest::rstest;
use serde_json::json;

use super::{form, register, with};
use crate::harness::{Desk, OPEN, answer};
use crate::socket::Socket;

#[tokio::test]
async fn client_credentials_open_prices_for_a_quarter_of_an_hour_and_no_account() {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let fields =
        [("grant_type", "client_credentials"), ("client_id", &app.id), ("client_secret", &app.secret)];
    let got = form(&desk, "/v1/oauth2/token", &fields).await;
    let token = got.body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(got.body, json!({"access_token": token, "expires_in": 899, "token_type": "Bearer"}));
    let data = "/v2/stocks/quotes/latest?symbols=AAPL";
    assert_eq!(with(&desk, &token, "GET", data).await.status, 200);
    for target in ["/v2/account", "/v2/clock", "/v2/assets"] {
        assert_eq!(with(&desk, &token, "GET", target).await.status, 401, "{target}");
    }
    let mut stream = Socket::open(&desk, "/v2/iex", &[]).await;
    stream.next().await;
    stream.send(json!({"action": "auth", "key": "access_token", "secret": token})).await;
    assert_eq!(stream.next().await, json!([{"T": "success", "msg": "authenticated"}]));

    desk.advance(900);
    assert_eq!(with(&desk, &token, "GET", data).await.status, 401);
    let target = format!("/dashboard/v1/oauth/clients/{}/secret", app.id);
    assert_eq!(answer(desk.bare("POST", &target)).await.status, 201);
    assert_eq!(stream.closed().await.0, 1008);
}

#[rstest]
#[case(&[("client_id", "{id}"), ("client_secret", "{secret}")], 400, "invalid_request", "grant_type")]
#[case(&[("grant_type", "authorization_code")], 400, "unsupported_grant_type", "grant_type")]
#[case(&[("grant_type", "client_credentials"), ("client_id", "{id}")], 400, "invalid_request", "client_secret")]
#[case(&[("grant_type", "client_credentials"), ("client_id", "{id}"), ("client_secret", "no")], 401, "invalid_client", "client_id")]
#[case(&[("grant_type", "client_credentials"), ("client_id", "{id}"), ("client_secret", "{secret}"), ("scope", "x")], 400, "invalid_scope", "scope")]
#[case(&[("grant_type", "client_credentials"), ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), ("client_assertion", "a.b.c")], 400, "unauthorized_client", "client_assertion_type")]
#[tokio::test]
async fn authx_says_what_is_wrong(
    #[case] fields: &[(&str, &str)],
    #[case] status: u16,
    #[case] error: &str,
    #[case] field: &str,
) {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let filled = |value: &str| value.replace("{id}", &app.id).replace("{secret}", &app.secret);
    let fields: Vec<(&str, String)> = fields.iter().map(|(name, value)| (*name, filled(value))).collect();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let got = form(&desk, "/v1/oauth2/token", &fields).await;
    assert_eq!((got.status, &got.body["error"]), (status, &json!(error)), "{got:?}");
    assert_eq!(got.body["fields"], json!([{"name": field}]), "{got:?}");
}
