//! A request that is sent twice with one key is done once.

use http::header;
use serde_json::{Value, json};

use crate::harness::{PAPER, Paddock};

fn freeze() -> Value {
    json!({ "reason": "a test" })
}

async fn changes(paddock: &Paddock, event: &str) -> usize {
    let reply = paddock.get(&format!("/api/v1/audit?event={event}&limit=100")).await;
    reply.json["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_and_is_done_once() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let body = json!({ "name": "reader", "connection": "my-paper", "preset": "read-only", "note": 1 });
    let path = "/api/v1/connections/my-paper/freeze";
    let first = paddock.post_keyed(path, &freeze(), "k-1").await;
    first.expect(200);
    assert!(!first.headers.contains_key("idempotency-replayed"));
    paddock.post("/api/v1/connections/my-paper/unfreeze", &json!({})).await.expect(200);
    let again = paddock.post_keyed(path, &freeze(), "k-1").await;
    again.expect(200);
    assert_eq!(again.bytes, first.bytes);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.headers[header::CONTENT_TYPE], first.headers[header::CONTENT_TYPE]);
    assert_eq!(changes(&paddock, "frozen").await, 1, "it was done once");
    let listed = paddock.get("/api/v1/connections").await;
    assert!(listed.text().contains("\"frozen\":false"), "and not again");

    // What was wrong is told again as well, with the same status.
    let wrong = paddock.post_keyed("/api/v1/keys", &body, "k-2").await;
    wrong.expect_problem(422, "unknown_field");
    let again = paddock.post_keyed("/api/v1/keys", &body, "k-2").await;
    again.expect_problem(422, "unknown_field");
    assert_eq!(again.bytes, wrong.bytes);
}

#[tokio::test]
async fn another_request_with_the_key_is_refused() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.post_keyed("/api/v1/freeze", &freeze(), "k").await.expect(200);
    let other_body = paddock.post_keyed("/api/v1/freeze", &json!({}), "k").await;
    other_body.expect_problem(422, "key_of_another_request");
    let other_path = paddock.post_keyed("/api/v1/unfreeze", &freeze(), "k").await;
    other_path.expect_problem(422, "key_of_another_request");
    assert_eq!(changes(&paddock, "unfrozen").await, 0);
}

#[tokio::test]
async fn an_answer_with_a_secret_is_not_kept() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let body = json!({ "name": "bot", "connection": "my-paper", "preset": "read-only" });
    let first = paddock.post_keyed("/api/v1/keys", &body, "k").await;
    first.expect(201);
    let secret = first.json["secret_key"].as_str().unwrap().to_owned();
    let again = paddock.post_keyed("/api/v1/keys", &body, "k").await;
    again.expect_problem(409, "answer_not_kept");
    assert_eq!(again.json["extra"]["answered"], 201);
    assert_eq!(changes(&paddock, "key_created").await, 1);
    let files = std::fs::read_dir(paddock.dir.path()).unwrap();
    for file in files.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let content = std::fs::read(&file).unwrap();
        for canary in [secret.as_str(), PAPER.1] {
            let found = content.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "a secret is in {}", file.display());
        }
    }
}

#[tokio::test]
async fn of_many_at_once_one_is_done() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let body = json!({ "name": "bot", "connection": "my-paper", "preset": "read-only" });
    let all = (0..8).map(|_| paddock.post_keyed("/api/v1/keys", &body, "k"));
    let replies = futures_util::future::join_all(all).await;
    let made = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(made, 1, "{replies:?}");
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        assert!(
            ["under_way", "answer_not_kept"].contains(&reply.json["code"].as_str().unwrap()),
            "{reply:?}"
        );
    }
    assert_eq!(changes(&paddock, "key_created").await, 1);
}

#[tokio::test]
async fn what_a_dead_process_left_is_told_as_unknown() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let body = json!({ "what": "dek" });
    paddock.leave_unfinished("/api/v1/vault/rotate", &body, "k").await;
    let reply = paddock.post_keyed("/api/v1/vault/rotate", &body, "k").await;
    reply.expect_problem(409, "request_unfinished");
    assert_eq!(changes(&paddock, "dek_rotated").await, 0);
    paddock.post_keyed("/api/v1/vault/rotate", &body, "k-2").await.expect(200);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_and_other_methods_take_none() {
    let paddock = Paddock::start().await;
    let too_long = "k".repeat(256);
    for key in ["", "with space", too_long.as_str()] {
        let reply = paddock.post_keyed("/api/v1/freeze", &freeze(), key).await;
        reply.expect_problem(400, "bad_idempotency_key");
    }
    paddock.keyed("GET", "/api/v1/status", &json!(null), "k").await.expect(200);
    paddock.keyed("GET", "/api/v1/status", &json!(null), "k").await.expect(200);
}
