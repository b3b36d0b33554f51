//! The pages of approvals: what waits, the answer to exactly what was shown, and what became of it.

use http::header;
use paddock_core::Environment;
use paddock_paper::faults::{Fault, FaultRule, Reply, When};
use rstest::rstest;
use serde_json::json;

use crate::approvals::{ask, with_a_key_that_asks, with_a_key_that_asks_at};
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
        "It was decided once more and sent, once, and Alpaca has taken it.",
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

#[tokio::test]
async fn real_money_is_asked_for_once_more() {
    let (_broker, paddock, key) = with_a_key_that_asks_at(Environment::Live).await;
    let held = ask(&paddock, &key, "1").await;
    let (path, hash) =
        (format!("/approvals/{}", held["id"].as_str().unwrap()), held["request_hash"].as_str().unwrap());
    let api = format!("/api/v1{path}");
    let yes = [("answer", "approve"), ("request_hash", hash), ("reason", "looks <right>")];
    let asks = paddock.submit(&path, &yes).await;
    for text in ["Approve for real money?", "Buy 1 AAPL market", "Real money.", "looks &#60;right&#62;", hash]
    {
        assert!(asks.expect(200).text().contains(text), "{text} in {}", asks.text());
    }
    assert_eq!(paddock.get(&api).await.json["state"], "pending", "nothing was sent yet");
    // What is asked is still about what was shown, and a note that is too long is said where it was typed.
    let other = "00".repeat(32);
    paddock.submit(&path, &[("answer", "approve"), ("request_hash", &other)]).await.expect(409);
    let long = "x".repeat(501);
    let wrong = [("answer", "approve"), ("request_hash", hash), ("reason", &*long)];
    paddock.submit(&path, &wrong).await.expect(422);
    assert_eq!(paddock.get(&api).await.json["state"], "pending");

    let sure = [yes[0], yes[1], yes[2], ("sure", "yes")];
    paddock.submit(&path, &sure).await.expect_redirect("/approvals?done=approved");
    let sent = paddock.get(&api).await.json;
    assert_eq!((&sent["state"], &sent["reason"]), (&json!("approved"), &json!("looks <right>")));
    // What is over is not asked about.
    paddock.submit(&path, &yes).await.expect(409);
}

#[tokio::test]
async fn a_no_to_real_money_takes_one_press() {
    let (_broker, paddock, key) = with_a_key_that_asks_at(Environment::Live).await;
    let held = ask(&paddock, &key, "1").await;
    let path = format!("/approvals/{}", held["id"].as_str().unwrap());
    let no = [("answer", "deny"), ("request_hash", held["request_hash"].as_str().unwrap())];
    paddock.submit(&path, &no).await.expect_redirect("/approvals?done=denied");
}

#[tokio::test]
async fn the_first_button_of_an_answer_is_dead_so_that_enter_in_the_note_answers_nothing() {
    let (_broker, paddock, key) = with_a_key_that_asks().await;
    ask(&paddock, &key, "1").await;
    let page = paddock.visit("/approvals").await;
    let form = page.text().split("class=\"answer\"").nth(1).unwrap();
    let first = form.find("<button").unwrap();
    assert!(form[first..].starts_with("<button disabled hidden>"), "{form}");
}

const fn error(status: u16) -> Fault {
    Fault::Error { status, when: When::Before, rate_limit_headers: true, retry_after: None }
}

#[rstest]
#[case(error(403), "refused-by-alpaca", &["and Alpaca refuses it", "No order came of it: the answer was 403"])]
// The answer is lost, and the order is not to be found: it may be on its way still.
#[case(
    Fault::Drop { when: When::Before, reply: Reply::Nothing },
    "fate-unknown",
    &["whether Alpaca has it is being found out, and it is not sent again", "being found out"]
)]
#[case(error(401), "not-placed", &["Approved, but there is no order", "No order came of it; what it took"])]
#[tokio::test]
async fn what_became_of_a_yes_is_said_as_it_is(
    #[case] fault: Fault,
    #[case] code: &str,
    #[case] says: &[&str],
) {
    let (broker, paddock, key) = with_a_key_that_asks().await;
    let held = ask(&paddock, &key, "1").await;
    let path = format!("/approvals/{}", held["id"].as_str().unwrap());
    broker.broker.add_fault(FaultRule::new(fault).operation("postOrder")).unwrap();
    let yes = [("answer", "approve"), ("request_hash", held["request_hash"].as_str().unwrap())];
    let told = format!("{path}?done={code}");
    paddock.submit(&path, &yes).await.expect_redirect(&told);
    let page = paddock.visit(&told).await;
    for text in says {
        assert!(page.expect(200).text().contains(text), "{text} in {}", page.text());
    }
}

#[tokio::test]
async fn an_order_that_is_found_after_its_answer_was_lost_was_taken() {
    let (broker, paddock, key) = with_a_key_that_asks().await;
    let held = ask(&paddock, &key, "1").await;
    let lost = Fault::Drop { when: When::After, reply: Reply::Nothing };
    broker.broker.add_fault(FaultRule::new(lost).operation("postOrder")).unwrap();
    let yes = [("answer", "approve"), ("request_hash", held["request_hash"].as_str().unwrap())];
    let path = format!("/approvals/{}", held["id"].as_str().unwrap());
    paddock.submit(&path, &yes).await.expect_redirect("/approvals?done=approved");
}
