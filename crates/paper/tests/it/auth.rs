//! Who is let in, and how everyone else is told.

use paddock_core::Environment;
use paddock_paper::{DEFAULT_CASH, PaperOptions};
use reqwest::header::CONTENT_TYPE;
use rstest::rstest;
use serde_json::json;

use crate::harness::{Answer, Desk, OPEN, answer};

#[tokio::test]
async fn both_headers_or_basic_open_the_account() {
    let desk = Desk::at(OPEN).await;
    assert_eq!(desk.get("/v2/account").await.status, 200);
    let basic = desk
        .bare("GET", "/v2/account")
        .basic_auth(&desk.account.key_id, Some(desk.account.secret_key.expose()));
    assert_eq!(answer(basic).await.body["account_number"], desk.account.account_number.as_str());
}

#[rstest]
#[case::nothing(&[])]
#[case::half(&[("APCA-API-KEY-ID", "{key}")])]
#[case::wrong_secret(&[("APCA-API-KEY-ID", "{key}"), ("APCA-API-SECRET-KEY", "wrong")])]
#[case::unknown(&[("APCA-API-KEY-ID", "PKAAAAAAAAAAAAAAAAAAAAAAAA"), ("APCA-API-SECRET-KEY", "{secret}")])]
#[case::swapped(&[("APCA-API-KEY-ID", "{secret}"), ("APCA-API-SECRET-KEY", "{key}")])]
#[case::bearer(&[("Authorization", "Bearer {secret}")])]
#[case::basic_that_is_none(&[("Authorization", "Basic !!!")])]
#[case::twice(&[("APCA-API-KEY-ID", "{key}"), ("APCA-API-KEY-ID", "{key}"), ("APCA-API-SECRET-KEY", "{secret}")])]
#[tokio::test]
async fn everyone_else_is_unauthorized(#[case] headers: &[(&str, &str)]) {
    let desk = Desk::at(OPEN).await;
    let with_headers = |mut request: reqwest::RequestBuilder| {
        for (name, value) in headers {
            let value = value
                .replace("{key}", &desk.account.key_id)
                .replace("{secret}", desk.account.secret_key.expose());
            request = request.header(*name, value);
        }
        request
    };
    let challenged = with_headers(desk.bare("GET", "/v2/account")).send().await.unwrap();
    assert_eq!(challenged.headers()["www-authenticate"], "Bearer, Basic realm=\"alpaca.markets\"");
    let refused = answer(with_headers(desk.bare("GET", "/v2/account"))).await;
    assert_eq!(refused, Answer { status: 401, body: json!({"message": "unauthorized."}) });

    // The clock, the calendars and the data host answer with a page.
    for target in ["/v2/clock", "/v2/calendar", "/v3/clock", "/v2/stocks/bars?symbols=AAPL&timeframe=1Day"] {
        let response = with_headers(desk.bare("GET", target)).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()[CONTENT_TYPE]),
            (401, &"text/html".parse().unwrap())
        );
        assert!(response.text().await.unwrap().contains("401 Authorization Required"), "{target}");
    }
}

#[tokio::test]
async fn a_pair_opens_its_own_environment_and_the_data_of_both() {
    let desk = Desk::at(OPEN).await;
    let live = desk.server.broker.create_account(Environment::Live, DEFAULT_CASH).await.unwrap();
    let ask = |environment, account: &paddock_paper::NewAccount, target: &str| {
        desk.http
            .get(format!("{}{target}", desk.server.url(environment)))
            .basic_auth(&account.key_id, Some(account.secret_key.expose()))
    };
    let data = "/v2/stocks/quotes/latest?symbols=AAPL";
    for (environment, pair, target, status) in [
        (Environment::Paper, &desk.account, "/v2/account", 200),
        (Environment::Live, &desk.account, "/v2/account", 401),
        (Environment::Paper, &live, "/v2/account", 401),
        (Environment::Live, &live, "/v2/account", 200),
        (Environment::Live, &desk.account, data, 200),
        (Environment::Paper, &live, data, 200),
    ] {
        assert_eq!(answer(ask(environment, pair, target)).await.status, status, "{environment} {target}");
    }
}

#[tokio::test]
async fn crypto_prices_are_given_to_everyone() {
    let desk = Desk::at(OPEN).await;
    let quote = answer(desk.bare("GET", "/v1beta3/crypto/us/latest/quotes?symbols=BTC/USD")).await;
    assert!(quote.body["quotes"]["BTC/USD"]["ap"].is_number(), "{quote:?}");
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_rate_limit_headers() {
    let desk = Desk::at(OPEN).await;
    for target in ["/v2/account", "/v2/nothing", "/v2/orders/x"] {
        let response = desk.request("GET", target).send().await.unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("x-request-id").len(), 32);
        assert_eq!(
            (header("x-ratelimit-limit"), header("x-ratelimit-remaining")),
            ("200".into(), "199".into())
        );
        assert_eq!(header("x-ratelimit-reset"), "1782309660");
    }
}

#[tokio::test]
async fn the_rate_limit_counts_by_minute_when_it_is_on() {
    let desk = Desk::with(OPEN, |options| PaperOptions { rate_limit: Some(2), ..options }).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(desk.get("/v2/account").await.status);
    }
    desk.advance(60);
    let again = desk.get("/v2/account").await;
    statuses.push(again.status);
    assert_eq!(statuses, [200, 200, 429, 200]);
}
