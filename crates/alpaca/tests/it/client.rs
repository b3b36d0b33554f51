use paddock_alpaca::client::ClientOptions;
use paddock_alpaca::order_body::parse_order;
use paddock_alpaca::{AlpacaError, ClientError};
use paddock_core::{Environment, Symbol};
use rstest::rstest;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;
use wiremock::matchers::{body_json, header, method, path, query_param};
use wiremock::{Mock, ResponseTemplate};

use crate::{Hosts, KEY_ID, SECRET_KEY, credential};

const ORDER_ID: &str = "38e482f3-79a8-4f75-a057-f07a1ec6a397";

#[tokio::test]
async fn a_request_carries_the_pair_and_who_asks() {
    let hosts = Hosts::start().await;
    Mock::given(method("GET"))
        .and(path("/v2/account"))
        .and(header("APCA-API-KEY-ID", KEY_ID))
        .and(header("APCA-API-SECRET-KEY", SECRET_KEY))
        .and(header("User-Agent", concat!("paddock/", env!("CARGO_PKG_VERSION"))))
        .respond_with(ResponseTemplate::new(200).set_body_json(
            json!({"id": ORDER_ID, "account_number": "PA1", "status": "ACTIVE", "cash": "100000"}),
        ))
        .expect(1)
        .mount(&hosts.paper)
        .await;
    let client = hosts.client();
    let account = client.with_credential(Environment::Paper, &credential()).unwrap().account().await.unwrap();
    assert_eq!((account.account_number.as_str(), account.is_active()), ("PA1", true));
}

#[tokio::test]
async fn an_order_is_sent_once_and_exactly() {
    let hosts = Hosts::start().await;
    let sent = json!({"qty": "0.123456789", "side": "buy", "symbol": "BTC/USD", "time_in_force": "gtc", "type": "market"});
    Mock::given(method("POST"))
        .and(path("/v2/orders"))
        .and(body_json(&sent))
        .respond_with(ResponseTemplate::new(500))
        .expect(1)
        .mount(&hosts.live)
        .await;
    let client = hosts.client();
    let order = parse_order(
        br#"{"symbol":"BTCUSD","qty":0.123456789,"side":"buy","type":"market","time_in_force":"gtc"}"#,
    );
    let account = client.with_credential(Environment::Live, &credential()).unwrap();
    assert_eq!(account.place_order(&order.unwrap()).await, Err(ClientError::Server { status: 500 }));
}

#[tokio::test]
async fn an_order_is_found_by_the_clients_own_id() {
    let hosts = Hosts::start().await;
    Mock::given(path("/v2/orders:by_client_order_id"))
        .and(query_param("client_order_id", "mine & yours"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"id": ORDER_ID, "status": "filled"})))
        .mount(&hosts.paper)
        .await;
    let client = hosts.client();
    let account = client.with_credential(Environment::Paper, &credential()).unwrap();
    let order = account.order_by_client_order_id("mine & yours").await.unwrap();
    assert_eq!(order.id.to_string(), ORDER_ID);
}

#[rstest]
#[case("AAPL", "/v2/stocks/quotes/latest", "AAPL")]
#[case("BTCUSD", "/v1beta3/crypto/us/latest/quotes", "BTC/USD")]
#[case("AAPL261218C00150000", "/v1beta1/options/quotes/latest", "AAPL261218C00150000")]
#[tokio::test]
async fn each_asset_class_has_its_quotes(#[case] symbol: &str, #[case] at: &str, #[case] asked: &str) {
    let hosts = Hosts::start().await;
    let quote = json!({"t": "2026-06-24T13:30:00Z", "ap": 150.25, "as": 1, "bp": 0, "bs": 0, "c": "x"});
    Mock::given(path(at))
        .and(query_param("symbols", asked))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"quotes": {asked: quote}})))
        .mount(&hosts.paper)
        .await;
    let client = hosts.client();
    let account = client.with_credential(Environment::Paper, &credential()).unwrap();
    let quote = account.latest_quote(&Symbol::parse(symbol).unwrap()).await.unwrap().unwrap();
    assert_eq!((quote.ask.unwrap().to_string().as_str(), quote.bid), ("150.25", None));
}

#[tokio::test]
async fn a_pair_in_a_path_is_encoded() {
    let hosts = Hosts::start().await;
    Mock::given(path("/v2/positions/BTC%2FUSD"))
        .respond_with(
            ResponseTemplate::new(404)
                .set_body_json(json!({"code": 40_410_000, "message": "position does not exist"})),
        )
        .expect(1)
        .mount(&hosts.paper)
        .await;
    let client = hosts.client();
    let account = client.with_credential(Environment::Paper, &credential()).unwrap();
    assert_eq!(account.position("BTC/USD").await, Err(ClientError::Api(AlpacaError::position_not_found())));
}

#[rstest]
#[case(
    ResponseTemplate::new(429).insert_header("Retry-After", "7"),
    ClientError::RateLimited { retry_after: Some(Duration::from_secs(7)) }
)]
#[case(ResponseTemplate::new(429), ClientError::RateLimited { retry_after: None })]
#[case(ResponseTemplate::new(503), ClientError::Server { status: 503 })]
#[case(
    ResponseTemplate::new(403).set_body_json(json!({"code": 40_310_000, "message": "account is not authorized to trade"})),
    ClientError::Api(AlpacaError::account_not_authorized())
)]
#[case(ResponseTemplate::new(200).set_body_string("<html>"), ClientError::Unreadable)]
#[case(ResponseTemplate::new(403).set_body_string("<html>"), ClientError::Unreadable)]
#[case(ResponseTemplate::new(404).set_body_string("no such page"), ClientError::Unreadable)]
#[tokio::test]
async fn answers_are_told_apart(#[case] answer: ResponseTemplate, #[case] expected: ClientError) {
    let hosts = Hosts::start().await;
    Mock::given(method("GET")).respond_with(answer).mount(&hosts.paper).await;
    let client = hosts.client();
    let account = client.with_credential(Environment::Paper, &credential()).unwrap();
    assert_eq!(account.positions().await, Err(expected));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let hosts = Hosts::start().await;
    let elsewhere =
        ResponseTemplate::new(307).insert_header("Location", format!("{}/v2/account", hosts.live.uri()));
    Mock::given(method("GET")).respond_with(elsewhere).mount(&hosts.paper).await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(200)).expect(0).mount(&hosts.live).await;
    let client = hosts.client();
    let account = client.with_credential(Environment::Paper, &credential()).unwrap();
    assert_eq!(account.account().await, Err(ClientError::Unreadable));
}

#[tokio::test]
async fn no_answer_and_nobody_there_are_different() {
    let hosts = Hosts::start().await;
    let late = ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
    Mock::given(method("DELETE")).respond_with(late).mount(&hosts.paper).await;
    let client = hosts.impatient_client();
    let account = client.with_credential(Environment::Paper, &credential()).unwrap();
    assert_eq!(account.cancel_order(Uuid::nil()).await, Err(ClientError::Timeout));

    let client = crate::client(&crate::nobody(), &hosts.live.uri(), &ClientOptions::default());
    let account = client.with_credential(Environment::Paper, &credential()).unwrap();
    assert_eq!(account.cancel_order(Uuid::nil()).await, Err(ClientError::Unreachable));
}

#[tokio::test]
async fn nothing_that_is_printed_has_the_secret() {
    let hosts = Hosts::start().await;
    let client = hosts.client();
    let account = client.with_credential(Environment::Paper, &credential()).unwrap();
    let error = account.account().await.unwrap_err();
    let shown = format!("{client:?} {account:?} {error:?} {error}");
    assert!(!shown.contains("CANARY"), "{shown}");
}
