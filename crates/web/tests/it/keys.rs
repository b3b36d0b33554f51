//! Access keys: issued once, told once, and good for what their scope says.

use paddock_core::Clock as _;
use rstest::rstest;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{LIVE, Paddock};

#[tokio::test]
async fn a_key_is_told_once_and_works() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let body = json!({
        "name": "aapl-bot", "connection": "my-paper", "preset": "trader", "symbols": ["AAPL"], "sides": ["buy"],
        "max_order_notional": "1000", "max_daily_notional": "5000", "max_daily_orders": 50, "expires_in": "30d",
    });
    let reply = paddock.post("/api/v1/keys", &body).await;
    reply.expect(201);
    assert_eq!(reply.headers["cache-control"], "no-store");
    let (key_id, secret) = (
        reply.json["key_id"].as_str().unwrap().to_owned(),
        reply.json["secret_key"].as_str().unwrap().to_owned(),
    );
    let key = &reply.json["key"];
    assert_eq!(key["key_id"], key_id);
    assert_eq!(key["environment"], "paper");
    assert_eq!(key["usage"], json!({ "day": "2026-11-23", "orders": 0, "notional": "0" }));
    let sentence = key["scope_sentence"].as_str().unwrap();
    assert!(sentence.contains("in AAPL only") && sentence.contains("at most $1,000 an order"), "{sentence}");
    assert!(sentence.contains("until 23 December 2026"), "{sentence}");

    assert_eq!(paddock.through_gateway("/v2/account", &(key_id.clone(), secret.clone())).await, 200);
    for path in ["/api/v1/keys", "/api/v1/keys/aapl-bot", &format!("/api/v1/keys/{key_id}"), "/api/v1/audit"]
    {
        let shown = paddock.get(path).await;
        shown.expect(200);
        assert!(!shown.text().contains(&secret), "{path}");
    }
    let kept = paddock.state.store.key_named(paddock.state.user, "aapl-bot").await.unwrap().unwrap();
    assert_eq!(kept.secret_hash, <[u8; 32]>::from(Sha256::digest(secret.as_bytes())));
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_and_frees_its_name() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let key = paddock.issue_key("reader", &json!({ "preset": "read-only" })).await;
    let again = json!({ "name": "reader", "connection": "my-paper", "preset": "read-only" });
    paddock.post("/api/v1/keys", &again).await.expect_problem(409, "name_taken");
    let reply = paddock.post("/api/v1/keys/reader/revoke", &json!({})).await;
    assert!(reply.expect(200).json["revoked_at"].is_string());
    assert_eq!(paddock.through_gateway("/v2/account", &key).await, 401);
    paddock.post("/api/v1/keys/reader/revoke", &json!({})).await.expect_problem(404, "unknown_key");
    paddock.post("/api/v1/keys", &again).await.expect(201);
}

#[rstest]
#[case(json!({ "connection": "my-paper", "preset": "trader" }), 422, "missing_field", "name")]
#[case(json!({ "name": "bot", "preset": "trader" }), 422, "missing_field", "connection")]
#[case(json!({ "name": "bot", "connection": "my-paper" }), 422, "missing_field", "preset")]
#[case(json!({ "name": "a b", "connection": "my-paper", "preset": "trader" }), 422, "invalid_field", "name")]
#[case(json!({ "name": "bot", "connection": "my-paper", "allow": ["postOrderz"] }), 422, "unknown_operation", "allow")]
#[case(json!({ "name": "bot", "connection": "my-paper", "allow": ["money-out"] }), 422, "money_out_by_name_only", "allow")]
#[case(
    json!({ "name": "bot", "connection": "my-paper", "preset": "trader", "max_order_notional": 1.5 }),
    422, "invalid_field", "max_order_notional"
)]
#[tokio::test]
async fn a_bad_request_names_the_field(
    #[case] body: Value,
    #[case] status: u16,
    #[case] code: &str,
    #[case] field: &str,
) {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let reply = paddock.post("/api/v1/keys", &body).await;
    reply.expect_problem(status, code);
    assert_eq!(reply.json["extra"]["field"], field);
    assert_eq!(paddock.get("/api/v1/keys").await.json["items"], json!([]));
}

#[tokio::test]
async fn a_misspelt_limit_is_not_ignored() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let body = json!({ "name": "bot", "connection": "my-paper", "preset": "trader", "max_notional": "5" });
    let reply = paddock.post("/api/v1/keys", &body).await;
    reply.expect_problem(422, "unknown_field");
    assert!(reply.json["next_step"].as_str().unwrap().contains("max_order_notional"));
}

#[tokio::test]
async fn an_unknown_connection_lists_the_known_ones() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let body = json!({ "name": "bot", "connection": "other", "preset": "trader" });
    let reply = paddock.post("/api/v1/keys", &body).await;
    reply.expect_problem(404, "unknown_connection");
    assert!(reply.json["next_step"].as_str().unwrap().contains("my-paper"));
}

#[tokio::test]
async fn an_order_is_explained_and_nothing_comes_of_it() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let scope = json!({ "preset": "trader", "symbols": ["AAPL"], "max_order_notional": "1000" });
    paddock.issue_key("bot", &scope).await;
    let order = |symbol: &str, dollars: &str| {
        json!({"symbol": symbol, "notional": dollars, "side": "buy", "type": "market", "time_in_force": "day"}).to_string()
    };
    let explain =
        async |order: String| paddock.post("/api/v1/keys/bot/explain", &json!({ "order": order })).await;
    let before = paddock.get("/api/v1/audit").await.json;
    let good = explain(order("AAPL", "100")).await;
    let good = &good.expect(200).json;
    assert_eq!((&good["decision"], &good["notional"]), (&json!("permitted"), &json!("100")));
    assert_eq!(good["order"], "buy $100 AAPL market");
    assert!(good["would_send"].as_str().unwrap().contains("client_order_id"));
    let refused = explain(order("MSFT", "100")).await;
    assert_eq!(refused.expect(200).json["reason"], "symbol_not_allowed");
    let dear = explain(order("AAPL", "1000.01")).await;
    assert_eq!(dear.expect(200).json["numbers"]["max_order_notional"], "1000");
    let broken = explain("{\"qty\":".to_owned()).await;
    assert_eq!(broken.expect(200).json["decision"], "failed");
    paddock.post("/api/v1/keys/bot/explain", &json!({})).await.expect_problem(422, "missing_field");
    assert_eq!(paddock.get("/api/v1/audit").await.json, before, "nothing is recorded");
    assert_eq!(paddock.get("/api/v1/keys/bot").await.json["usage"]["orders"], 0);
}

#[tokio::test]
async fn a_change_is_shown_before_it_is_made_and_holds_from_the_next_request_on() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let scope = json!({ "preset": "trader", "symbols": ["AAPL"], "max_order_notional": "1000" });
    let pair = paddock.issue_key("bot", &scope).await;
    let change =
        json!({ "symbols": ["AAPL", "MSFT"], "max_order_notional": null, "allow": ["data", "order"] });
    let compared = paddock.post("/api/v1/keys/bot/diff", &change).await;
    let compared = &compared.expect(200).json;
    let words = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|change| change["words"].as_str().unwrap().to_owned()).collect()
    };
    let allows = ["orders in MSFT", "orders each worth more than $1,000, without a limit"];
    let forbids = ["operations of account-read, cancel, position-close and watchlist"];
    assert_eq!(
        (words(&compared["allows"]), words(&compared["forbids"])),
        (allows.map(str::to_owned).to_vec(), forbids.map(str::to_owned).to_vec())
    );
    assert_eq!(compared["old_sentence"], paddock.get("/api/v1/keys/bot").await.json["scope_sentence"]);
    assert_eq!(paddock.through_gateway("/v2/account", &pair).await, 200, "nothing is changed yet");

    let edited = paddock.patch("/api/v1/keys/bot", &change).await;
    let edited = &edited.expect(200).json;
    assert_eq!(edited["allows"], compared["allows"]);
    assert_eq!(edited["key"]["scope"], compared["new_scope"]);
    assert_eq!(edited["key"]["scope_sentence"], compared["new_sentence"]);
    assert_eq!(paddock.through_gateway("/v2/account", &pair).await, 403);
    let record = &paddock.get("/api/v1/audit?event=key_scope_changed").await.json;
    assert!(record.to_string().contains("max_order_notional"), "{record}");
    let again = paddock.post("/api/v1/keys/bot/diff", &change).await;
    assert_eq!((&again.json["allows"], &again.json["forbids"]), (&json!([]), &json!([])));
    let wrong = paddock.patch("/api/v1/keys/bot", &json!({ "max_notional": "5" })).await;
    wrong.expect_problem(422, "unknown_field");
    paddock.patch("/api/v1/keys/nobody", &json!({})).await.expect_problem(404, "unknown_key");
}

#[tokio::test]
async fn a_scope_is_read_back_before_anything_is_issued() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.connect("real", "live", &LIVE).await.expect(201);
    let describe = async |body: Value| paddock.post("/api/v1/scope/describe", &body).await;
    let scope = json!({ "preset": "trader", "positions": "long_only", "max_daily_notional": "5000", "connection": "my-paper" });
    let paper = describe(scope.clone()).await;
    let paper = &paper.expect(200).json;
    assert!(paper["sentence"].as_str().unwrap().contains("at most $5,000 a day"), "{paper}");
    assert_eq!(paper["at_stake"]["most"], "5000");
    assert_eq!(paper["warnings"], json!([]), "paper loses no money");
    for connection in [json!("real"), json!(null)] {
        let mut scope = scope.clone();
        scope["connection"] = connection;
        let live = describe(scope).await;
        let warnings = live.expect(200).json["warnings"].as_array().unwrap().clone();
        assert!(warnings.iter().any(|warning| warning["limit"] == "symbols"), "{warnings:?}");
    }
    describe(json!({ "preset": "trader", "connection": "nobody" }))
        .await
        .expect_problem(404, "unknown_connection");
    describe(json!({ "preset": "trader", "max_notional": "1" })).await.expect_problem(422, "unknown_field");
    describe(json!({ "preset": "trader", "hours": "never" })).await.expect_problem(422, "invalid_field");
    assert_eq!(paddock.get("/api/v1/keys").await.json["items"], json!([]), "nothing is issued");
}

#[tokio::test]
async fn no_key_is_named_like_the_page_on_which_keys_are_made() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let body = json!({ "name": "new", "connection": "my-paper", "preset": "trader" });
    let reply = paddock.post("/api/v1/keys", &body).await;
    assert_eq!(reply.expect_problem(422, "invalid_field").json["extra"]["field"], "name");
}

/// Both work within the overlap, each with the limits of the first; then the old one ends by itself.
#[tokio::test]
async fn a_key_is_replaced_while_both_work() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let limits = json!({ "preset": "read-only", "expires_in": "30d", "max_requests_per_minute": 50 });
    let old = paddock.issue_key("bot", &limits).await;
    let path = "/api/v1/keys/bot/replace";
    for (body, code) in [
        (json!({ "name": "bot-2" }), "missing_field"),
        (json!({ "name": "bot-2", "overlap": "soon" }), "invalid_field"),
        (json!({ "name": "new", "overlap": "1d" }), "invalid_field"),
    ] {
        paddock.post(path, &body).await.expect_problem(422, code);
    }
    paddock.post(path, &json!({ "name": "bot", "overlap": "1d" })).await.expect_problem(409, "name_taken");
    let kept = paddock.get("/api/v1/keys/bot").await;
    let made = paddock.post(path, &json!({ "name": "bot-2", "overlap": "1d" })).await;
    let text = |name: &str| made.expect(201).json[name].as_str().unwrap().to_owned();
    let new = (text("key_id"), text("secret_key"));
    let ends = |scope: &Value| scope["expires_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let hours = |hours| paddock.clock.now() + jiff::SignedDuration::from_hours(hours);
    let scope = &made.json["key"]["scope"];
    assert_eq!(scope["max_requests_per_minute"], kept.json["scope"]["max_requests_per_minute"]);
    assert_eq!(scope["allow"], kept.json["scope"]["allow"]);
    assert!((ends(scope).duration_since(hours(720))).abs() <= jiff::SignedDuration::from_secs(1), "{scope}");
    let left = paddock.get("/api/v1/keys/bot").await.json["scope"].clone();
    assert!(ends(&left) <= hours(24) && ends(&left) > hours(23), "{left}");
    for key in [&old, &new] {
        assert_eq!(paddock.through_gateway("/v2/account", key).await, 200);
    }
    paddock.clock.advance(std::time::Duration::from_secs(24 * 3600 + 1));
    assert_eq!(paddock.through_gateway("/v2/account", &new).await, 200);
    assert_ne!(paddock.through_gateway("/v2/account", &old).await, 200);

    // On the page the new secret is shown once, and nobody without the role sees the form.
    let page = paddock.page("/keys/bot-2/replace").await;
    assert!(page.expect(200).text().contains("Both work for"), "{page:?}");
    let taken = paddock.submit("/keys/bot-2/replace", &[("name", "bot-2"), ("overlap", "7d")]).await;
    assert!(taken.expect(409).text().contains("name=\"name\" "), "{taken:?}");
    let shown = paddock.submit("/keys/bot-2/replace", &[("name", "bot-3"), ("overlap", "7d")]).await;
    assert!(shown.expect(200).text().contains("pdks_"), "{shown:?}");
}

/// Its secret is kept, as no other's is, so it is kept sealed; and it opens nothing when it is sent.
#[tokio::test]
async fn a_key_for_signed_requests_keeps_its_secret_sealed() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let key = paddock.issue_key("traveller", &json!({ "preset": "read-only", "signed": "required" })).await;
    assert_eq!(paddock.through_gateway("/v2/account", &key).await, 401);
    let snapshot = paddock.state.store.snapshot().await.unwrap();
    let [signing] = snapshot.signing_keys.as_slice() else { panic!("one key is sealed") };
    let secret = key.1.as_bytes();
    assert!(signing.sealed.len() > secret.len());
    assert!(!signing.sealed.windows(8).any(|piece| secret.windows(8).any(|part| part == piece)));
    let shown = paddock.get("/api/v1/keys/traveller").await;
    assert_eq!(shown.json["scope"]["signed"], "required");
    assert!(shown.json["scope_sentence"].as_str().unwrap().ends_with("by signed requests only"));
    // The pair, the signing key, and the key that signs the audit.
    assert_eq!(paddock.get("/api/v1/vault").await.json["deks"][0]["seals"], 4);
    let bad = json!({ "name": "bot", "connection": "my-paper", "preset": "trader", "signed": "maybe" });
    let reply = paddock.post("/api/v1/keys", &bad).await;
    assert_eq!(reply.expect_problem(422, "invalid_field").json["extra"]["field"], "signed");
}
