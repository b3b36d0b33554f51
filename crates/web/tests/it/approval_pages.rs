//! The pages of approvals: what waits, the answer to exactly what was shown, and what became of it.

use http::header;
use serde_json::json;

use crate::approvals::{ask, with_a_key_that_asks};
use crate::harness::Paddock;

#[tokio::test]
async fn where_nobody_is_asked_the_page_says_how_that_begins() {
    let paddock = Paddock::start().await;
    let page = paddock.visit("/approvals").await;
    assert!(page.expect(200).text().contains("No access key asks people yet"));
    assert!(page.text().contains("Nothing waits") && page.text().contains("None yet."));
}

#[tokio::test]
async fn what_waits_is_told_in_full_and_answered_once() {
    let (_broker, paddock, key) = with_a_key_that_asks().await;
    let held = ask(&paddock, &key, "1").await;
    let (id, hash) = (held["id"].as_str().unwrap(), held["request_hash"].as_str().unwrap());
    let page = paddock.visit("/approvals").await;
    let (path, worth) = (format!("/approvals/{id}"), "sent between $");
    for text in
        ["Buy 1 AAPL market", "Simulated money", "asker", "127.0.0.1", worth, hash, &path, "in 15 min"]
    {
        assert!(page.expect(200).text().contains(text), "{text} in {}", page.text());
    }
    let detail = paddock.visit(&path).await;
    for text in [hash, "POST /v2/orders", "client_order_id", "Body, as it would be sent"] {
        assert!(detail.expect(200).text().contains(text), "{text}");
    }
    // Of something else than was shown, and without saying of what: nothing changes.
    let other = "00".repeat(32);
    let wrong = paddock.submit(&path, &[("answer", "approve"), ("request_hash", &other)]).await;
    assert!(
        wrong.expect(409).text().contains("nothing was changed")
            || wrong.text().contains("Nothing was changed")
    );
    paddock.submit(&path, &[("answer", "approve")]).await.expect(422);
    paddock.submit(&path, &[("answer", "maybe"), ("request_hash", hash)]).await.expect(422);
    assert_eq!(paddock.get(&format!("/api/v1/approvals/{id}")).await.json["state"], "pending");

    let yes = [("answer", "approve"), ("request_hash", hash), ("reason", "looks right")];
    paddock.submit(&path, &yes).await.expect_redirect("/approvals?done=approved");
    let list = paddock.visit("/approvals?done=approved").await;
    for text in [
        "It was decided once more and sent, once.",
        "Nothing waits",
        "Approved",
        "the broker took it",
        "looks right",
    ] {
        assert!(list.expect(200).text().contains(text), "{text} in {}", list.text());
    }
    // The page was left open in another tab.
    let late = paddock.submit(&path, &yes).await;
    assert!(late.expect(409).text().contains("was approved already, and is sent once only"));
    assert!(!late.text().contains("value=\"approve\""), "there is nothing left to answer");
    assert_eq!(late.headers[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn a_no_is_kept_with_its_note() {
    let (_broker, paddock, key) = with_a_key_that_asks().await;
    let held = ask(&paddock, &key, "2").await;
    let (path, hash) =
        (format!("/approvals/{}", held["id"].as_str().unwrap()), held["request_hash"].as_str().unwrap());
    let long = "x".repeat(501);
    let wrong = paddock.submit(&path, &[("answer", "deny"), ("request_hash", hash), ("reason", &long)]).await;
    wrong.expect(422);
    let no = [("answer", "deny"), ("request_hash", hash), ("reason", "too much")];
    paddock.submit(&path, &no).await.expect_redirect("/approvals?done=denied");
    let detail = paddock.visit(&path).await;
    for text in ["Denied", "Not sent", "too much"] {
        assert!(detail.expect(200).text().contains(text), "{text}");
    }
    let usage = paddock.get("/api/v1/keys/asker").await.json["usage"].clone();
    assert_eq!(usage["orders"], json!(0));
    paddock.visit("/approvals/00000000-0000-7000-8000-000000000000").await.expect(404);
    paddock.visit("/approvals/what").await.expect(404);
}
