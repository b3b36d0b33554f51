//! A proof that is too old costs nothing that was typed: forms are shown again, and say where to confirm.

use std::time::Duration;

use http::header;
use paddock_core::Clock as _;
use serde_json::{Value, json};

use crate::authenticator::code;
use crate::harness::{LIVE, PAPER, Paddock, Reply};
use crate::second_factor::{set_up, turn_on};
use crate::visitor::Visitor;

const SECRET: &str = "HRKU-CanaryConsumerSecret-0123456789";

/// Checks that a form was refused for want of a proof, and has these texts.
#[track_caller]
fn expect_kept(reply: &Reply, texts: &[&str]) {
    let page = reply.expect(403).text();
    assert!(page.contains("href=\"/confirm\" target=\"_blank\""), "{page}");
    assert!(!page.contains("Canary") && !page.contains(LIVE.0) && !page.contains(PAPER.0), "{page}");
    for text in texts {
        assert!(page.contains(text), "{text}: {page}");
    }
}

/// The fields of a form that connects a live account.
async fn live_form(paddock: &Paddock) -> Vec<(&'static str, String)> {
    let text = paddock.get("/api/v1/attestation").await.json;
    let mut fields: Vec<(&str, String)> = vec![
        ("name", "my-savings".to_owned()),
        ("key_id", LIVE.0.to_owned()),
        ("secret_key", LIVE.1.to_owned()),
        ("signed_name", "Ada Lovelace".to_owned()),
        ("text_sha256", text["text_sha256"].as_str().unwrap().to_owned()),
    ];
    for statement in text["statements"].as_array().unwrap() {
        fields.push(("statements", statement["code"].as_str().unwrap().to_owned()));
    }
    fields
}

#[tokio::test]
async fn a_live_account_is_connected_with_what_was_typed_before_the_proof() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    let (secret, _) = turn_on(&paddock, &browser).await;
    let fields = live_form(&paddock).await;
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let asked = paddock.alpaca.asked();
    paddock.clock.advance(Duration::from_secs(360));
    let refused = browser.submit("/connections/new/live", &fields).await;
    expect_kept(
        &refused,
        &["value=\"my-savings\"", "value=\"Ada Lovelace\"", "never sent back. Paste those again"],
    );
    assert_eq!(refused.text().matches(" checked").count(), 5, "{refused:?}");
    assert_eq!(paddock.alpaca.asked(), asked, "the pair went nowhere");
    let right = code(&secret, paddock.clock.now());
    browser.submit("/confirm", &[("code", &right)]).await.expect_redirect("/");
    let done = browser.submit("/connections/new/live", &fields).await;
    done.expect_redirect("/connections/my-savings?done=connected");
    paddock.clock.advance(Duration::from_secs(360));
    let pair = [("key_id", LIVE.0), ("secret_key", LIVE.1)];
    expect_kept(&browser.submit("/connections/my-savings/replace", &pair).await, &["Paste those again"]);
}

#[tokio::test]
async fn consumers_invitations_and_tokens_are_made_with_what_was_typed_before_the_proof() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    paddock.connect_paper().await;
    let consumer =
        json!({ "name": "there", "kind": "heroku", "settings": { "apps": ["one"] }, "secret": SECRET });
    browser.call("POST", "/api/v1/connections/my-paper/consumers", &consumer).await.expect(201);
    paddock.clock.advance(Duration::from_secs(360));
    let consumers = "/connections/my-paper/consumers";
    let page = browser.page(&format!("{consumers}/there")).await;
    assert!(page.expect(200).text().contains("one"));
    let fields =
        [("kind", "heroku"), ("name", "bots"), ("settings.apps", "momentum-workers"), ("secret", SECRET)];
    let kept = ["value=\"bots\"", "momentum-workers", "Paste those again"];
    expect_kept(&browser.submit(&format!("{consumers}/new"), &fields).await, &kept);
    expect_kept(&browser.submit(&format!("{consumers}/there/edit"), &fields[1..]).await, &kept);
    let fields = [("for", "Grace, from the fund"), ("role", "operator"), ("team", "")];
    let kept = ["Grace, from the fund", "value=\"operator\" checked", "nothing that you typed is lost"];
    expect_kept(&browser.submit("/settings/people/invite", &fields).await, &kept);
    let fields = [("name", "monitor"), ("role", "viewer"), ("expires_in", "52w"), ("networks", "10.0.0.1")];
    let kept = ["value=\"monitor\"", "value=\"52w\"", "value=\"10.0.0.1\""];
    expect_kept(&browser.submit("/settings/tokens/new", &fields).await, &kept);
    // Nothing of it was done.
    let names = async |path: &str| browser.call("GET", path, &Value::Null).await.json["items"].clone();
    assert_eq!(names("/api/v1/connections/my-paper/consumers").await[0]["name"], "there");
    assert_eq!(names("/api/v1/connections/my-paper/consumers").await.as_array().map(Vec::len), Some(1));
    assert_eq!((names("/api/v1/invitations").await, names("/api/v1/tokens").await), (json!([]), json!([])));
}

/// Sends a form of a page, and says which.
async fn submit_from(browser: &Visitor, page: &str, path: &str, body: &'static str) -> Reply {
    let request = browser
        .request("POST", path)
        .header(header::ORIGIN, "http://localhost:7878")
        .header(header::REFERER, format!("http://localhost:7878{page}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    Reply::of(browser.send(request.body(body.into()).unwrap()).await).await
}

/// What is one click is not kept: whoever comes back is told that it was not done.
#[tokio::test]
async fn after_a_proof_the_page_says_that_nothing_was_done_yet() {
    let paddock = Paddock::start().await;
    let browser = set_up(&paddock).await;
    paddock.post("/api/v1/freeze", &json!({})).await.expect(200);
    paddock.clock.advance(Duration::from_secs(360));
    let sent = submit_from(&browser, "/freeze?done=frozen", "/unfreeze", "subject=everything").await;
    sent.expect_redirect("/confirm?next=/freeze%3Fdone%3Dconfirmed");
    let request = browser
        .request("GET", "/confirm?next=/freeze%3Fdone%3Dconfirmed")
        .header(header::REFERER, "http://localhost:7878/freeze?done=frozen");
    let asked = Reply::of(browser.send(request.body("".into()).unwrap()).await).await;
    assert!(asked.expect(200).text().contains("Nothing was done yet."), "{asked:?}");
    assert!(asked.text().contains("href=\"/freeze\">Cancel<"), "{asked:?}");
    // So also after a wrong one.
    let fields = [("next", "/freeze?done=confirmed"), ("back", "/freeze"), ("password", "something else")];
    assert!(
        browser.submit("/confirm", &fields).await.expect(422).text().contains("href=\"/freeze\">Cancel<")
    );
    let page = browser.page("/freeze?done=confirmed").await;
    assert!(page.text().contains("Nothing else was done yet"), "{page:?}");
    for elsewhere in ["//evil.example", "https://evil.example/"] {
        let fields = [("back", elsewhere), ("password", "something else")];
        let page = browser.submit("/confirm", &fields).await;
        assert!(page.expect(422).text().contains("href=\"/\">Cancel<"), "{page:?}");
    }
}
