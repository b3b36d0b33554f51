//! Connecting an account: what goes wrong is told apart, and nothing is stored before everything is right.

use paddock_core::Environment;
use rstest::rstest;
use serde_json::{Value, json};

use crate::fake_alpaca::{Canned, FakeAlpaca};
use crate::harness::{LIVE, PAPER, PAPER_TWO, Paddock, Reply};

/// Whatever went wrong: nothing was stored, and nothing that was pasted is repeated.
async fn nothing_was_stored(paddock: &Paddock, reply: &Reply) {
    assert_eq!(paddock.get("/api/v1/connections").await.json["items"], json!([]));
    let records = paddock.get("/api/v1/audit").await;
    assert_eq!(records.json["items"].as_array().unwrap().len(), 2, "only the set-up is recorded");
    for secret in [PAPER.1, PAPER_TWO.1, LIVE.1, PAPER.0] {
        assert!(!reply.text().contains(secret), "{reply:?}");
    }
}

#[tokio::test]
async fn a_good_pair_is_connected_and_named() {
    let paddock = Paddock::start().await;
    let reply = paddock.connect("my-paper", "paper", &PAPER).await;
    reply.expect(201);
    let connection = &reply.json["connection"];
    assert_eq!(connection["name"], "my-paper");
    assert_eq!(connection["account_number"], "PA3XK7Q2M9TD");
    assert_eq!(connection["status"], "ACTIVE");
    assert_eq!(connection["active"], true);
    assert_eq!(connection["credential_version"], 1);
    assert_eq!(reply.json["account"], json!({ "cash": "100000", "equity": "100250.5", "currency": "USD" }));
    assert_eq!(reply.json["repairs"], json!([]));
    let live = paddock.connect("real", "live", &LIVE).await;
    assert_eq!(live.expect(201).json["connection"]["active"], false);
    assert!(paddock.get("/api/v1/audit/verify").await.json["valid"].as_bool().unwrap());
}

#[tokio::test]
async fn the_gateway_can_use_what_was_sealed() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let reply = paddock.post("/api/v1/connections/my-paper/check", &json!({})).await;
    assert_eq!(reply.expect(200).json["healthy"], true, "{reply:?}");
    let key = paddock.issue_key("reader", &json!({ "preset": "read-only" })).await;
    assert_eq!(paddock.through_gateway("/v2/account", &key).await, 200);
}

#[tokio::test]
async fn slips_of_the_hand_are_repaired_and_told() {
    let paddock = Paddock::start().await;
    let body = json!({
        "name": "my-paper", "environment": "paper",
        "key_id": format!("  export APCA_API_KEY_ID=\"{}\"\n", PAPER.0),
        "secret_key": format!("{}\u{200b}\r\n", PAPER.1),
    });
    let reply = paddock.post("/api/v1/connections", &body).await;
    reply.expect(201);
    let repairs = reply.json["repairs"].as_array().unwrap();
    assert_eq!(repairs[0]["field"], "key_id");
    assert!(repairs[0]["removed"].as_array().unwrap().len() >= 3, "{reply:?}");
    assert_eq!(repairs[1]["field"], "secret_key");
}

#[rstest]
#[case(PAPER.1, PAPER.0, "fields_swapped", Value::Null)]
#[case(PAPER.0, PAPER.0, "key_id_twice", json!("secret_key"))]
#[case(PAPER.1, PAPER.1, "secret_key_twice", json!("key_id"))]
#[case("", PAPER.1, "credentials_missing", json!("key_id"))]
#[case(PAPER.0, " ", "credentials_missing", json!("secret_key"))]
#[case("hello", PAPER.1, "key_id_malformed", json!("key_id"))]
#[case(PAPER.0, "hello", "secret_key_malformed", json!("secret_key"))]
#[case(PAPER.0, "CanaryOldSecretAbcdefghijklmnopqrstuvwxy", "halves_of_two_pairs", Value::Null)]
#[case("PDKAAAABBBBCCCCDDDDEEEE234", PAPER.1, "paddock_key", Value::Null)]
#[case(PAPER.0, "pdks_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ", "paddock_key", Value::Null)]
#[tokio::test]
async fn what_cannot_be_a_pair_is_not_even_asked_about(
    #[case] key_id: &str,
    #[case] secret_key: &str,
    #[case] code: &str,
    #[case] field: Value,
) {
    let paddock = Paddock::start().await;
    let reply = paddock.connect("my-paper", "paper", &(key_id, secret_key)).await;
    reply.expect_problem(422, code);
    assert_eq!(reply.json["extra"]["field"], field);
    assert_eq!(paddock.alpaca.asked(), 0);
    nothing_was_stored(&paddock, &reply).await;
}

#[rstest]
#[case("paper", &LIVE, "live_key_in_paper", "live")]
#[case("live", &PAPER, "paper_key_in_live", "paper")]
#[tokio::test]
async fn a_pair_of_the_other_world_is_proved_by_asking_both(
    #[case] asked_for: &str,
    #[case] pair: &(&str, &str),
    #[case] code: &str,
    #[case] found: &str,
) {
    let paddock = Paddock::start().await;
    let reply = paddock.connect("mine", asked_for, pair).await;
    reply.expect_problem(422, code);
    assert_eq!(reply.json["title"], "Paper mode mismatch");
    assert_eq!(reply.json["extra"]["found"], found);
    nothing_was_stored(&paddock, &reply).await;
}

#[tokio::test]
async fn the_prefix_proves_nothing() {
    let paddock = Paddock::start().await;
    let odd = ("AKZZZZBBBBCCCCDDDDEEEE2345", PAPER_TWO.1);
    paddock.alpaca.issue(Environment::Paper, &odd, "PA9", |_| ());
    paddock.connect("odd", "paper", &odd).await.expect(201);
}

#[tokio::test]
async fn an_unknown_pair_is_invalid() {
    let paddock = Paddock::start().await;
    let reply = paddock.connect("mine", "paper", &PAPER_TWO).await;
    reply.expect_problem(422, "invalid_credentials");
    assert_eq!(reply.json["title"], "Invalid Alpaca credentials");
    nothing_was_stored(&paddock, &reply).await;
}

#[rstest]
#[case("status", json!("ONBOARDING"), "account_inactive", "Account inactive")]
#[case("status", json!("ACCOUNT_CLOSED"), "account_inactive", "Account inactive")]
#[case("trading_blocked", json!(true), "account_restricted", "Account restricted")]
#[case("account_blocked", json!(true), "account_blocked", "Account blocked")]
#[tokio::test]
async fn an_account_must_be_able_to_trade(
    #[case] field: &str,
    #[case] value: Value,
    #[case] code: &str,
    #[case] title: &str,
) {
    let paddock = Paddock::start().await;
    paddock.alpaca.issue(Environment::Paper, &PAPER_TWO, "PA9", |account| account[field] = value);
    let reply = paddock.connect("mine", "paper", &PAPER_TWO).await;
    reply.expect_problem(422, code);
    assert_eq!(reply.json["title"], title);
    nothing_was_stored(&paddock, &reply).await;
}

#[rstest]
#[case(429, "application/json", r#"{"code":42910000,"message":"rate limit exceeded"}"#, 503, "rate_limited")]
#[case(500, "text/html", "<html>", 503, "server_error")]
#[case(503, "application/json", "{}", 503, "server_error")]
#[case(200, "text/html", "<html>welcome to the hotel's network", 502, "unexpected_answer")]
#[case(302, "text/html", "", 502, "unexpected_answer")]
#[tokio::test]
async fn a_host_that_is_not_well_is_not_the_pairs_fault(
    #[case] status: u16,
    #[case] content_type: &'static str,
    #[case] body: &str,
    #[case] expected: u16,
    #[case] code: &str,
) {
    let paddock = Paddock::start().await;
    let canned = Canned { status, content_type, body: body.to_owned() };
    paddock.alpaca.answer_always(Environment::Paper, Some(canned));
    let reply = paddock.connect("mine", "paper", &PAPER).await;
    reply.expect_problem(expected, code);
    nothing_was_stored(&paddock, &reply).await;
}

#[tokio::test]
async fn a_host_that_is_not_there_is_named() {
    // An address on which nobody listens: it was just given back.
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let alpaca = FakeAlpaca::start().await;
    let endpoints = paddock_alpaca::endpoints::EndpointOverrides {
        paper: Some(format!("http://{gone}")),
        live: Some(alpaca.url(Environment::Live)),
        ..Default::default()
    };
    let paddock = Paddock::start_against(alpaca, &endpoints).await;
    let reply = paddock.connect("mine", "paper", &PAPER).await;
    reply.expect_problem(503, "host_unreachable");
    assert!(reply.json["detail"].as_str().unwrap().contains(&gone.to_string()));
    nothing_was_stored(&paddock, &reply).await;
}

#[tokio::test]
async fn half_of_a_known_pair_says_whose_it_is() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.connect("real", "live", &LIVE).await.expect(201);
    let asked = paddock.alpaca.asked();

    let reply = paddock.connect("again", "paper", &(PAPER.0, PAPER_TWO.1)).await;
    reply.expect_problem(422, "halves_of_two_pairs");
    assert_eq!(reply.json["extra"]["key_id_of"], "my-paper");
    assert!(reply.json["detail"].as_str().unwrap().contains("`my-paper`"));

    let reply = paddock.connect("again", "paper", &(PAPER_TWO.0, LIVE.1)).await;
    reply.expect_problem(422, "halves_of_two_pairs");
    assert_eq!(reply.json["extra"]["secret_key_of"], "real");

    let reply = paddock.connect("again", "paper", &(PAPER.0, LIVE.1)).await;
    reply.expect_problem(422, "halves_of_two_pairs");
    assert_eq!(reply.json["extra"]["key_id_of"], "my-paper");
    assert_eq!(reply.json["extra"]["secret_key_of"], "real");

    assert_eq!(paddock.alpaca.asked(), asked, "a torn pair is not sent anywhere");
}

#[tokio::test]
async fn an_account_is_connected_once_and_its_credential_can_be_replaced() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    // The same pair again.
    let reply = paddock.connect("again", "paper", &PAPER).await;
    reply.expect_problem(409, "already_connected");
    assert_eq!(reply.json["extra"]["connection"], "my-paper");
    // The pair was regenerated at Alpaca: same account, the old pair is dead.
    paddock.alpaca.issue(Environment::Paper, &PAPER_TWO, "PA3XK7Q2M9TD", |_| ());
    paddock.alpaca.revoke(Environment::Paper, PAPER.0);
    let reply = paddock.connect("again", "paper", &PAPER_TWO).await;
    reply.expect_problem(409, "already_connected");
    let mut body =
        json!({ "name": "again", "environment": "paper", "key_id": PAPER_TWO.0, "secret_key": PAPER_TWO.1 });
    body["replace"] = json!(true);
    let reply = paddock.post("/api/v1/connections", &body).await;
    reply.expect(200);
    assert_eq!(reply.json["replaced"], true);
    assert_eq!(reply.json["connection"]["name"], "my-paper", "the connection keeps its name and history");
    assert_eq!(reply.json["connection"]["credential_version"], 2);
    let checked = paddock.post("/api/v1/connections/my-paper/check", &json!({})).await;
    assert_eq!(checked.json["healthy"], true, "the gateway uses the new pair: {checked:?}");
    // Once more with what is there already.
    paddock.post("/api/v1/connections", &body).await.expect_problem(409, "same_pair");
    // A half of the old pair is still known for what it is.
    let reply = paddock.connect("x", "paper", &(PAPER.0, PAPER_TWO.1)).await;
    reply.expect_problem(422, "halves_of_two_pairs");
    assert!(paddock.get("/api/v1/audit/verify").await.json["valid"].as_bool().unwrap());
}

#[tokio::test]
async fn a_name_belongs_to_one_account() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.alpaca.issue(Environment::Paper, &PAPER_TWO, "PA9", |_| ());
    let reply = paddock.connect("my-paper", "paper", &PAPER_TWO).await;
    reply.expect_problem(409, "name_taken");
    assert_eq!(reply.json["extra"]["connection"], "my-paper");
    paddock.connect("second", "paper", &PAPER_TWO).await.expect(201);
}

#[tokio::test]
async fn a_check_tells_what_is_wrong_and_is_no_error() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.alpaca.revoke(Environment::Paper, PAPER.0);
    paddock.clock.advance(std::time::Duration::from_secs(60));
    let reply = paddock.post("/api/v1/connections/my-paper/check", &json!({})).await;
    reply.expect(200);
    assert_eq!(reply.json["healthy"], false);
    assert_eq!(reply.json["problem"]["code"], "invalid_credentials");
    assert_eq!(reply.json["connection"]["name"], "my-paper");

    // It stays until a look finds nothing.
    let fault = |list: &Reply| list.json["items"][0]["fault"].clone();
    let told = fault(&paddock.get("/api/v1/connections").await);
    assert_eq!(told["code"], "invalid_credentials");
    assert_eq!(told["next_step"], reply.json["problem"]["next_step"]);
    assert!(told["next_step"].as_str().unwrap().contains("replace the key pair"), "{told}");
    let page = paddock.visit("/connections/my-paper").await;
    assert!(
        page.text().contains("Invalid Alpaca credentials") && page.text().contains("Last worked"),
        "{}",
        page.text()
    );
    assert!(paddock.visit("/connections").await.text().contains("Invalid Alpaca credentials"));
    paddock.alpaca.issue(Environment::Paper, &PAPER, "PA3XK7Q2M9TD", |_| ());
    paddock.post("/api/v1/connections/my-paper/check", &json!({})).await.expect(200);
    assert!(fault(&paddock.get("/api/v1/connections").await).is_null());
    let page = paddock.visit("/connections/my-paper").await;
    assert!(!page.text().contains("Invalid Alpaca credentials") && !page.text().contains("Last worked"));
}

#[tokio::test]
async fn a_removed_connection_leaves_its_history_and_takes_its_keys_along() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let key = paddock.issue_key("reader", &json!({ "preset": "read-only" })).await;
    let reply = paddock.call("DELETE", "/api/v1/connections/my-paper", &json!({})).await;
    assert_eq!(reply.expect(200).json, json!({ "removed": "my-paper", "revoked_keys": ["reader"] }));
    assert_eq!(paddock.through_gateway("/v2/account", &key).await, 401);
    assert_eq!(paddock.get("/api/v1/connections").await.json["items"], json!([]));
    assert_eq!(paddock.get("/api/v1/keys").await.json["items"], json!([]));
    // What is left of both is found from the pages, and by the API.
    let list = paddock.get("/api/v1/connections?removed=true").await;
    let (id, at) = (list.json["items"][0]["id"].as_str().unwrap(), &list.json["items"][0]["removed_at"]);
    assert!(at.is_string(), "{list:?}");
    let page = paddock.visit("/connections").await;
    assert!(page.text().contains(&format!("href=\"/activity?connection={id}\"")), "{page:?}");
    assert!(!page.text().contains("/attestation"), "nothing was signed for it");
    for place in [format!("/activity?connection={id}"), format!("/activity?show=latest&connection={id}")] {
        let page = paddock.visit(&place).await;
        page.expect(200);
        assert!(
            page.text().contains("my-paper (removed ") && page.text().contains(">reader</option>"),
            "{page:?}"
        );
    }
    paddock.get(&format!("/api/v1/activity?connection={id}")).await.expect(200);
    paddock.get("/api/v1/activity?connection=my-paper").await.expect(200);
    let page = paddock.visit("/keys/reader").await;
    page.expect(200);
    assert!(page.text().contains("<b>Revoked</b>") && page.text().contains("its connection is removed"));
    assert!(!page.text().contains("/keys/reader/revoke"), "there is nothing to revoke");
    assert!(paddock.get("/api/v1/keys/reader").await.json["revoked_at"].is_string());
    paddock.get("/api/v1/keys/reader/usage").await.expect(200);
    paddock.post("/api/v1/keys/reader/freeze", &json!({})).await.expect_problem(404, "unknown_key");
    let revoked = paddock.get("/api/v1/keys?revoked=true").await;
    assert_eq!(revoked.json["items"][0]["name"], "reader");
    // The same account may come back, under the same name.
    paddock.connect_paper().await;
    assert!(paddock.get("/api/v1/audit/verify").await.json["valid"].as_bool().unwrap());
}

/// Halves that were found somewhere are told apart without being kept or shown.
#[tokio::test]
async fn leaked_halves_are_known_by_their_fingerprints() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let body = json!({ "key_ids": ["PKNOTKNOWN", PAPER.0], "secret_keys": [PAPER.1] });
    let reply = paddock.post("/api/v1/leaks/check", &body).await;
    reply.expect(200);
    let known = |half: &str, index: usize| json!({ "half": half, "index": index, "connection": "my-paper", "environment": "paper", "current": true });
    assert_eq!(reply.json["items"], json!([known("key_id", 1), known("secret_key", 0)]));
    let many = vec!["PK"; 501];
    paddock
        .post("/api/v1/leaks/check", &json!({ "key_ids": many }))
        .await
        .expect_problem(422, "invalid_field");
    assert_eq!(paddock.post("/api/v1/leaks/check", &json!({})).await.json["items"], json!([]));
}
