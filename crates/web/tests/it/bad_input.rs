//! Every endpoint, called wrongly: always a problem with a next step, never a failure of the server.

use axum::body::Body;
use serde_json::{Value, json};

use crate::harness::Paddock;

/// Every endpoint that changes something, with a name put in where it takes one.
const CHANGES: [(&str, &str); 18] = [
    ("POST", "/api/v1/connections"),
    ("DELETE", "/api/v1/connections/my-paper"),
    ("POST", "/api/v1/connections/my-paper/check"),
    ("POST", "/api/v1/connections/my-paper/activate"),
    ("POST", "/api/v1/connections/my-paper/freeze"),
    ("POST", "/api/v1/connections/my-paper/unfreeze"),
    ("POST", "/api/v1/keys"),
    ("POST", "/api/v1/keys/reader/freeze"),
    ("POST", "/api/v1/keys/reader/unfreeze"),
    ("POST", "/api/v1/keys/reader/revoke"),
    ("POST", "/api/v1/freeze"),
    ("POST", "/api/v1/unfreeze"),
    ("POST", "/api/v1/vault/rotate"),
    ("POST", "/api/v1/backup"),
    ("POST", "/api/v1/connections/nobody/freeze"),
    ("DELETE", "/api/v1/connections/nobody"),
    ("POST", "/api/v1/keys/nobody/freeze"),
    ("POST", "/api/v1/keys/nobody/revoke"),
];

const READS: [&str; 5] =
    ["/api/v1/keys", "/api/v1/audit", "/api/v1/audit/export", "/api/v1/requests", "/api/v1/events"];

#[tokio::test]
async fn a_body_that_is_not_understood_changes_nothing() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.issue_key("reader", &json!({ "preset": "read-only" })).await;
    // How much of the chain is signed by now is not what this is about.
    let chain =
        |verified: Value| (verified["records"].clone(), verified["head"].clone(), verified["valid"].clone());
    let before = chain(paddock.get("/api/v1/audit/verify").await.json);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(500), "]".repeat(500));
    let bodies: [Vec<u8>; 9] = [
        b"{".to_vec(),
        b"[]".to_vec(),
        b"\"CanarySecret\"".to_vec(),
        b"\xff\xfe".to_vec(),
        b"{\"CanarySecret\":1}".to_vec(),
        b"{\"name\":{\"CanarySecret\":[]},\"what\":1,\"with_key\":\"CanarySecret\"}".to_vec(),
        b"{\"a\":1,\"a\":2}".to_vec(),
        deep.into_bytes(),
        vec![b' '; 200_000],
    ];
    for (method, path) in CHANGES {
        for body in &bodies {
            let reply = paddock.call_with(method, path, Body::from(body.clone())).await;
            assert!(reply.status.is_client_error(), "{method} {path}: {reply:?}");
            assert!(
                reply.json["code"].is_string() && reply.json["next_step"].is_string(),
                "{method} {path}: {reply:?}"
            );
            assert!(!reply.text().contains("CanarySecret\""), "{method} {path}: {reply:?}");
        }
    }
    assert_eq!(chain(paddock.get("/api/v1/audit/verify").await.json), before);
}

#[tokio::test]
async fn names_that_are_not_there_are_told_with_those_that_are() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.issue_key("reader", &json!({ "preset": "read-only" })).await;
    for path in ["check", "activate", "freeze", "unfreeze"] {
        for name in ["nobody", "%2e%2e", "a%2Fb", "%00", "%F0%9F%92%A9", &"x".repeat(5000)] {
            let reply = paddock.post(&format!("/api/v1/connections/{name}/{path}"), &json!({})).await;
            reply.expect_problem(404, "unknown_connection");
            assert_eq!(reply.json["extra"]["connections"], json!(["my-paper"]));
        }
    }
    for path in ["/api/v1/keys/nobody", "/api/v1/keys/%20"] {
        let reply = paddock.get(path).await;
        reply.expect_problem(404, "unknown_key");
        assert_eq!(reply.json["extra"]["keys"], json!(["reader"]));
    }
    // Not even text.
    let reply = paddock.post("/api/v1/keys/%ff/freeze", &json!({})).await;
    reply.expect_problem(400, "malformed_path");
}

#[tokio::test]
async fn queries_that_are_not_understood_are_refused() {
    let paddock = Paddock::start().await;
    for path in READS {
        for query in ["nonsense=1", "limit=x&limit=y", "%ff=%ff&a"] {
            let reply = paddock.get(&format!("{path}?{query}")).await;
            assert_eq!(reply.status, 400, "{path}?{query}: {reply:?}");
            assert!(reply.json["next_step"].is_string());
        }
    }
    for query in ["limit=0", "limit=1001", "before=-1", "after=x", "limit=99999999999999999999"] {
        paddock.get(&format!("/api/v1/audit?{query}")).await.expect_problem(400, "invalid_parameter");
    }
    paddock.get("/api/v1/audit?event=no_such_event").await.expect(200);
    paddock.get("/api/v1/audit?before=9223372036854775807").await.expect(200);
    paddock.get("/api/v1/audit?after=9223372036854775807").await.expect(200);
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let paddock = Paddock::start().await;
    for path in ["/", "/api/v2/status", "/api/v1/", "/api/v1/nothing"] {
        paddock.get(path).await.expect_problem(404, "unknown_route");
    }
    for (method, path) in [("PUT", "/api/v1/status"), ("POST", "/api/v1/audit"), ("GET", "/api/v1/freeze")] {
        paddock.call_with(method, path, Body::empty()).await.expect_problem(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn the_environment_is_exactly_one_of_two_words() {
    let paddock = Paddock::start().await;
    for environment in ["Paper", "LIVE", "TRUE", "", "paper ", "sandbox"] {
        let reply = paddock.connect("mine", environment, &crate::harness::PAPER).await;
        reply.expect_problem(422, "invalid_field");
        assert_eq!(reply.json["extra"]["allowed"], json!(["paper", "live"]));
    }
    let pasted = paddock.connect("mine", crate::harness::PAPER.1, &crate::harness::PAPER).await;
    assert!(!pasted.text().contains(crate::harness::PAPER.1));
}
