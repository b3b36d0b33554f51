use std::time::Duration;

use paddock_alpaca::client::ClientOptions;
use paddock_alpaca::connect_fault::OtherHost;
use paddock_alpaca::error::UNAUTHORIZED_HTML;
use paddock_alpaca::probe::{ProbeResult, probe_own_host};
use paddock_alpaca::{ConnectFault, probe};
use paddock_core::Environment;
use rstest::rstest;
use serde_json::json;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{Hosts, client, credential, nobody};

fn account(number: &str, status: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(
        json!({"id": "7e1d0bff-1d8f-4a4a-8a39-4d3a4a1c8d9e", "account_number": number, "status": status}),
    )
}

fn unauthorized() -> ResponseTemplate {
    ResponseTemplate::new(401).set_body_json(json!({"message": "unauthorized."}))
}

/// What a proxy or a captive portal answers.
fn page(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .set_body_raw("<html><title>Access denied by policy</title></html>", "text/html")
}

async fn answer(host: &MockServer, answer: ResponseTemplate) {
    Mock::given(method("GET")).and(path("/v2/account")).respond_with(answer).mount(host).await;
}

fn code(result: &ProbeResult) -> &'static str {
    match result {
        Ok(_) => "connected",
        Err(fault) => fault.code(),
    }
}

#[rstest]
#[case(account("PA1", "ACTIVE"), unauthorized(), "connected")]
#[case(account("PA1", "ACTIVE"), ResponseTemplate::new(503), "connected")]
#[case(unauthorized(), account("123456789", "ACTIVE"), "live_key_in_paper")]
#[case(unauthorized(), unauthorized(), "invalid_credentials")]
#[case(ResponseTemplate::new(401).set_body_raw(UNAUTHORIZED_HTML, "text/html"), unauthorized(), "unexpected_answer")]
#[case(page(403), page(403), "unexpected_answer")]
#[case(page(401), unauthorized(), "unexpected_answer")]
#[case(ResponseTemplate::new(403), unauthorized(), "unexpected_answer")]
#[case(ResponseTemplate::new(403).set_body_json(json!({"error": "blocked by policy"})), unauthorized(), "unexpected_answer")]
#[case(ResponseTemplate::new(403).set_body_json(json!({"message": "forbidden."})), unauthorized(), "invalid_credentials")]
#[case(account("PA1", "ONBOARDING"), unauthorized(), "account_inactive")]
#[case(ResponseTemplate::new(429).insert_header("Retry-After", "3"), unauthorized(), "rate_limited")]
#[case(ResponseTemplate::new(502), unauthorized(), "server_error")]
#[case(ResponseTemplate::new(200).set_body_string("<html>hotel wifi</html>"), unauthorized(), "unexpected_answer")]
#[case(ResponseTemplate::new(302).insert_header("Location", "http://127.0.0.1/login"), unauthorized(), "unexpected_answer")]
#[tokio::test]
async fn a_paper_connection(
    #[case] paper: ResponseTemplate,
    #[case] live: ResponseTemplate,
    #[case] expected: &str,
) {
    let hosts = Hosts::start().await;
    answer(&hosts.paper, paper).await;
    answer(&hosts.live, live).await;
    let result = probe(&hosts.client(), &credential(), Environment::Paper).await;
    assert_eq!(code(&result), expected);
}

/// A pair is dead when both hosts say so, and not when something on the way does.
#[tokio::test]
async fn a_page_of_the_other_host_is_no_refusal() {
    let hosts = Hosts::start().await;
    answer(&hosts.paper, unauthorized()).await;
    answer(&hosts.live, page(403)).await;
    let environment = Environment::Paper;
    let result = probe(&hosts.client(), &credential(), environment).await;
    assert_eq!(result, Err(ConnectFault::InvalidCredentials { environment, other: OtherHost::NotHeard }));
}

#[tokio::test]
async fn a_paper_key_in_a_live_connection_names_its_account() {
    let hosts = Hosts::start().await;
    answer(&hosts.paper, account("PA3ABCDEFGHI", "ACTIVE")).await;
    answer(&hosts.live, unauthorized()).await;
    let result = probe(&hosts.client(), &credential(), Environment::Live).await;
    let account_number = "PA3ABCDEFGHI".to_owned();
    assert_eq!(result, Err(ConnectFault::WrongEnvironment { expected: Environment::Live, account_number }));
}

#[rstest]
#[case(account("PA1", "ACTIVE"), "connected")]
#[case(account("PA1", "ONBOARDING"), "account_inactive")]
#[case(unauthorized(), "invalid_credentials")]
#[case(ResponseTemplate::new(502), "server_error")]
#[tokio::test]
async fn a_pair_that_belongs_to_one_host_is_sent_to_no_other(
    #[case] paper: ResponseTemplate,
    #[case] expected: &str,
) {
    let hosts = Hosts::start().await;
    answer(&hosts.paper, paper).await;
    answer(&hosts.live, unauthorized()).await;
    let result = probe_own_host(&hosts.client(), &credential(), Environment::Paper, None).await;
    assert_eq!(code(&result), expected);
    assert_eq!(hosts.paper.received_requests().await.unwrap().len(), 1);
    assert!(hosts.live.received_requests().await.unwrap().is_empty());
}

#[rstest]
#[case("trading_blocked", "account_restricted")]
#[case("account_blocked", "account_blocked")]
#[tokio::test]
async fn a_blocked_account(#[case] flag: &str, #[case] expected: &str) {
    let hosts = Hosts::start().await;
    let body = json!({"id": "7e1d0bff-1d8f-4a4a-8a39-4d3a4a1c8d9e", "account_number": "PA1", "status": "ACTIVE", flag: true});
    answer(&hosts.paper, ResponseTemplate::new(200).set_body_json(body)).await;
    answer(&hosts.live, unauthorized()).await;
    let result = probe(&hosts.client(), &credential(), Environment::Paper).await;
    assert_eq!(code(&result), expected);
}

#[tokio::test]
async fn nobody_at_the_expected_host() {
    let hosts = Hosts::start().await;
    answer(&hosts.live, unauthorized()).await;
    let client = client(&nobody(), &hosts.live.uri(), &ClientOptions::default());
    let result = probe(&client, &credential(), Environment::Paper).await;
    assert!(matches!(result, Err(ConnectFault::Unreachable { host }) if host.starts_with("127.0.0.1:")));
}

#[tokio::test]
async fn nobody_at_the_other_host_is_no_matter() {
    let hosts = Hosts::start().await;
    answer(&hosts.paper, account("PA1", "ACTIVE")).await;
    let client = client(&hosts.paper.uri(), &nobody(), &ClientOptions::default());
    assert_eq!(code(&probe(&client, &credential(), Environment::Paper).await), "connected");
}

#[tokio::test]
async fn a_host_that_does_not_answer() {
    let hosts = Hosts::start().await;
    answer(&hosts.paper, account("PA1", "ACTIVE").set_delay(Duration::from_secs(60))).await;
    answer(&hosts.live, unauthorized()).await;
    let result = probe(&hosts.impatient_client(), &credential(), Environment::Paper).await;
    assert_eq!(code(&result), "timeout");
}
