//! Connecting by the pages: every step and every error, as a browser without scripts sees it.

use http::header;
use rstest::rstest;
use serde_json::json;

use crate::harness::{LIVE, PAPER, PAPER_TWO, Paddock, Reply};
use crate::second_factor::{set_up, turn_on};
use crate::visitor::Visitor;

/// What the form of a live account has beside the pair, filled in.
pub(crate) async fn signature(paddock: &Paddock) -> Vec<(&'static str, String)> {
    let text = paddock.get("/api/v1/attestation").await;
    let mut fields: Vec<(&'static str, String)> =
        ["real_money", "my_account", "tried_on_paper", "can_stop_it", "no_advice"]
            .map(|code| ("statements", code.to_owned()))
            .to_vec();
    fields.push(("text_sha256", text.json["text_sha256"].as_str().unwrap().to_owned()));
    fields.push(("signed_name", "Ada Lovelace".to_owned()));
    fields
}

async fn connect_live(browser: &Visitor, extra: &[(&'static str, String)]) -> Reply {
    let mut fields = vec![("key_id", LIVE.0), ("secret_key", LIVE.1), ("name", "real")];
    fields.extend(extra.iter().map(|(name, value)| (*name, value.as_str())));
    browser.submit("/connections/new/live", &fields).await
}

/// The owner's browser, with a second factor.
async fn with_second_factor(paddock: &Paddock) -> Visitor {
    let browser = set_up(paddock).await;
    turn_on(paddock, &browser).await;
    browser
}

fn pair<'a>(pair: &(&'a str, &'a str), name: &'a str) -> [(&'static str, &'a str); 3] {
    [("key_id", pair.0), ("secret_key", pair.1), ("name", name)]
}

#[track_caller]
pub(crate) fn shows(reply: &Reply, texts: &[&str]) {
    for text in texts {
        assert!(reply.text().contains(text), "{text} in {}", reply.text());
    }
}

#[tokio::test]
async fn nothing_connected_leads_to_the_choice_of_paper_or_live() {
    let paddock = Paddock::start().await;
    let page = paddock.visit("/connections").await;
    shows(&page, &["No account is connected yet", "href=\"/connections/new\""]);
    let page = paddock.visit("/connections/new").await;
    shows(
        &page,
        &["Simulated money", "<b>Real money.</b>", "/connections/new/paper", "/connections/new/live"],
    );
    let page = paddock.visit("/connections/new/paper").await;
    shows(&page, &["Where the pair is", "name=\"key_id\"", "Validate &amp; save", "value=\"my-paper\""]);
    assert!(!page.text().contains("signed_name"), "paper needs no signature");
    let page = paddock.visit("/connections/new/live").await;
    shows(&page, &["First, a second factor", "href=\"/settings/security\""]);
    assert!(!page.text().contains("name=\"key_id\""));
    let page = with_second_factor(&paddock).await.page("/connections/new/live").await;
    shows(
        &page,
        &[
            "What changes from paper to live",
            "Never enable these",
            "name=\"signed_name\"",
            "SHA-256 of the text",
        ],
    );
    assert_eq!(page.text().matches("name=\"statements\"").count(), 5);
}

#[tokio::test]
async fn a_paper_account_is_connected_and_its_page_says_how_it_is() {
    let paddock = Paddock::start().await;
    let reply = paddock.submit("/connections/new/paper", &pair(&PAPER, "my-paper")).await;
    reply.expect_redirect("/connections/my-paper?done=connected");
    let page = paddock.visit("/connections/my-paper?done=connected").await;
    shows(
        &page,
        &[
            "Alpaca confirmed the pair",
            "PA3XK7Q2M9TD",
            "Simulated money",
            "sealed as version 1",
            "22 May 2027",
            "(every 180 days)",
            "active",
        ],
    );
    assert!(!page.text().contains(PAPER.1) && !page.text().contains(PAPER.0));
    let page = paddock.visit("/connections").await;
    shows(&page, &["my-paper", "Next due", "no access key yet"]);
    let view = paddock.get("/api/v1/connections").await;
    assert_eq!(view.json["items"][0]["next_due_at"], "2027-05-22T15:00:00Z", "{view:?}");
}

#[tokio::test]
async fn what_was_pasted_with_the_keys_is_taken_off_and_said() {
    let paddock = Paddock::start().await;
    let sloppy = format!("  \"{}\" ", PAPER.0);
    let broken = format!("{}\n", PAPER.1);
    let fields = [("key_id", sloppy.as_str()), ("secret_key", broken.as_str()), ("name", "my-paper")];
    let reply = paddock.submit("/connections/new/paper", &fields).await;
    reply.expect(303);
    let to = reply.headers[header::LOCATION].to_str().unwrap().to_owned();
    let page = paddock.visit(&to).await;
    shows(&page, &["Pasted with the Key ID came spaces and quotation marks: taken off."]);
    // Also where that was not the reason.
    let sloppy = format!(" {} ", PAPER_TWO.0);
    let fields = [("key_id", sloppy.as_str()), ("secret_key", PAPER_TWO.1), ("name", "other")];
    let page = paddock.submit("/connections/new/paper", &fields).await;
    page.expect(422);
    shows(&page, &["Pasted with the Key ID came spaces: taken off. That was not what is wrong."]);
}

#[rstest]
#[case(PAPER.1, PAPER.0, "key_id")]
#[case(PAPER.0, PAPER.0, "secret_key")]
#[case(PAPER.1, PAPER.1, "key_id")]
#[case("", PAPER.1, "key_id")]
#[case(PAPER.0, "", "secret_key")]
#[case("hello", PAPER.1, "key_id")]
#[case(PAPER.0, "hello", "secret_key")]
#[case(PAPER.0, "CanaryOldSecretAbcdefghijklmnopqrstuvwxy", "secret_key")]
#[case("PDKAAAABBBBCCCCDDDDEEEE234", PAPER.1, "key_id")]
#[case(PAPER_TWO.0, PAPER_TWO.1, "key_id")]
#[case(LIVE.0, LIVE.1, "key_id")]
#[tokio::test]
async fn what_is_wrong_with_a_pair_stands_at_its_field(
    #[case] key_id: &str,
    #[case] secret_key: &str,
    #[case] field: &str,
) {
    let paddock = Paddock::start().await;
    let page = paddock.submit("/connections/new/paper", &pair(&(key_id, secret_key), "my-own")).await;
    page.expect(422);
    let fault = format!("id=\"f-{field}-fault\"");
    shows(&page, &[&fault, "Next: ", "value=\"my-own\"", "Nothing was changed"]);
    assert_eq!(page.text().matches("class=\"fault\"").count(), 1);
    if !secret_key.is_empty() {
        assert!(!page.text().contains(secret_key), "a secret is never shown again");
    }
}

#[tokio::test]
async fn a_pair_of_the_other_world_may_be_connected_there() {
    let paddock = Paddock::start().await;
    let page = paddock.submit("/connections/new/paper", &pair(&LIVE, "x")).await;
    shows(page.expect(422), &["Connect it as live instead", "href=\"/connections/new/live\""]);
}

#[rstest]
#[case("Bad Name", 422)]
#[case("new", 422)]
#[case("my-paper", 409)]
#[tokio::test]
async fn a_name_that_cannot_be_is_said_at_the_name(#[case] name: &str, #[case] status: u16) {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.alpaca.issue(paddock_core::Environment::Paper, &PAPER_TWO, "PA9", |_| ());
    let page = paddock.submit("/connections/new/paper", &pair(&PAPER_TWO, name)).await;
    shows(page.expect(status), &["id=\"f-name-fault\""]);
}

#[tokio::test]
async fn an_account_that_is_connected_leads_to_its_page() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let page = paddock.submit("/connections/new/paper", &pair(&PAPER, "again")).await;
    shows(page.expect(409), &["href=\"/connections/my-paper\"", "Replace the key pair"]);
}

#[tokio::test]
async fn a_host_that_is_not_well_is_said_above_the_form() {
    let paddock = Paddock::start().await;
    let canned =
        crate::fake_alpaca::Canned { status: 503, content_type: "application/json", body: "{}".to_owned() };
    paddock.alpaca.answer_always(paddock_core::Environment::Paper, Some(canned));
    let page = paddock.submit("/connections/new/paper", &pair(&PAPER, "my-own")).await;
    page.expect(503);
    shows(&page, &["role=\"alert\"", "Next: ", "value=\"my-own\""]);
    assert!(!page.text().contains("class=\"fault\""));
}

#[tokio::test]
async fn a_live_account_needs_each_statement_and_a_name_and_a_copy_is_kept() {
    let paddock = Paddock::start().await;
    let browser = with_second_factor(&paddock).await;
    let all = signature(&paddock).await;
    for without in 0..all.len() {
        let mut some = all.clone();
        let (name, value) = some.remove(without);
        let page = connect_live(&browser, &some).await;
        assert_eq!(page.status, 422, "without {name} {value}");
    }
    let page = connect_live(&browser, &all[1..]).await;
    shows(&page, &["1 of the 5 statements are not ticked", "value=\"Ada Lovelace\""]);
    assert_eq!(page.text().matches(" checked").count(), 4, "what was ticked stays ticked");
    let mut old = all.clone();
    old[5].1 = "0".repeat(64);
    shows(&connect_live(&browser, &old).await, &["The text has changed"]);
    assert_eq!(paddock.alpaca.asked(), 0, "an unsigned pair is not tried");
    assert_eq!(paddock.get("/api/v1/connections").await.json["items"], json!([]));

    connect_live(&browser, &all).await.expect_redirect("/connections/real?done=connected");
    let page = browser.page("/connections/real").await;
    shows(&page, &["Real money", "by Ada Lovelace", "(every 90 days)", "band live"]);
    let copy = browser.page("/connections/real/attestation").await;
    copy.expect(200);
    shows(&copy, &["real money", "Ada Lovelace", "live account 884120953", &all[5].1]);
    let attachment = copy.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert_eq!(attachment, "attachment; filename=\"paddock-attestation-real-2026-11-23.txt\"");
    // The hash is that of the text as it stands above the line.
    let text = copy.text().split("\n----").next().unwrap();
    assert_eq!(hex::encode(<sha2::Sha256 as sha2::Digest>::digest(text)), all[5].1);
    let signed = paddock.get("/api/v1/connections/real/attestation").await;
    assert_eq!(signed.json["signed_name"], "Ada Lovelace");
    let audit = paddock.get("/api/v1/audit?event=live_attested").await;
    assert_eq!(audit.json["items"][0]["event"]["text_sha256"], all[5].1, "{audit:?}");

    // It is kept when the connection is removed, and is still found from the pages.
    let list = paddock.get("/api/v1/connections").await;
    let id = list.json["items"][0]["id"].as_str().unwrap().to_owned();
    paddock.call("DELETE", "/api/v1/connections/real", &json!({})).await.expect(200);
    let kept = format!("/connections/{id}/attestation");
    shows(&browser.page("/connections").await, &["Removed connections (1)", &format!("href=\"{kept}\"")]);
    shows(browser.page(&kept).await.expect(200), &["Ada Lovelace", &all[5].1]);
    let signed = paddock.get(&format!("/api/v1{kept}")).await;
    assert_eq!(signed.json["signed_name"], "Ada Lovelace");
    assert!(paddock.get("/api/v1/audit/verify").await.json["valid"].as_bool().unwrap());
}

#[tokio::test]
async fn a_connection_is_renamed_checked_frozen_and_made_active() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.connect("real", "live", &LIVE).await.expect(201);
    let at = |path: &str| format!("/connections/my-paper/{path}");
    paddock
        .submit(&at("rename"), &[("name", "sandbox")])
        .await
        .expect_redirect("/connections/sandbox?done=renamed");
    shows(&paddock.visit("/connections/sandbox?done=renamed").await, &["has its new name"]);
    paddock.visit("/connections/my-paper").await.expect(404);
    let page = paddock.submit("/connections/sandbox/rename", &[("name", "real")]).await;
    shows(page.expect(409), &["id=\"f-name-fault\"", "value=\"real\""]);
    paddock.post("/api/v1/connections/sandbox/rename", &json!({ "name": "my-paper" })).await.expect(200);
    // What is not there is that first, whatever is sent.
    let gone = paddock.post("/api/v1/connections/sandbox/rename", &json!({ "name": 7 })).await;
    gone.expect_problem(404, "unknown_connection");

    paddock.submit(&at("check"), &[]).await.expect_redirect("/connections/my-paper?done=checked");
    paddock.alpaca.revoke(paddock_core::Environment::Paper, PAPER.0);
    let page = paddock.submit(&at("check"), &[]).await;
    shows(page.expect(200), &["Invalid Alpaca credentials", "Next: "]);

    paddock.submit(&at("freeze"), &[]).await.expect_redirect("/connections/my-paper?done=frozen");
    shows(&paddock.visit("/connections/my-paper").await, &["This connection is frozen", "only cancels pass"]);
    paddock.submit(&at("unfreeze"), &[]).await.expect_redirect("/connections/my-paper?done=unfrozen");
    let other = "/connections/real/activate";
    paddock.submit(other, &[]).await.expect_redirect("/connections/real?done=activated");
    let active = paddock.state.store.connection_named(paddock.state.user, "real").await.unwrap().unwrap();
    assert!(active.active);
}

#[tokio::test]
async fn a_pair_is_replaced_by_one_of_the_same_account_only() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.alpaca.issue(paddock_core::Environment::Paper, &PAPER_TWO, "PA9", |_| ());
    let path = "/connections/my-paper/replace";
    shows(&paddock.visit(path).await, &["another pair of the same account, PA3XK7Q2M9TD"]);
    let two = [("key_id", PAPER_TWO.0), ("secret_key", PAPER_TWO.1)];
    let page = paddock.submit(path, &two).await;
    shows(page.expect(422), &["Another account", "id=\"f-key_id-fault\""]);
    paddock.alpaca.issue(paddock_core::Environment::Paper, &PAPER_TWO, "PA3XK7Q2M9TD", |_| ());
    paddock.submit(path, &two).await.expect_redirect("/connections/my-paper?done=replaced");
    shows(&paddock.visit("/connections/my-paper").await, &["sealed as version 2"]);
    let page = paddock.submit(path, &two).await;
    shows(page.expect(409), &["Same pair"]);
}

#[tokio::test]
async fn a_pair_of_another_connection_replaces_nothing_and_leads_to_its_own_page() {
    let paddock = Paddock::start().await;
    let environment = paddock_core::Environment::Paper;
    let second = ("PKSSSSRRRRSSSSTTTTUUUU2345", "CanaryThirdSecretZyxwvutsrqponmlkjihgfedcba3");
    paddock.connect_paper().await;
    paddock.alpaca.issue(environment, &PAPER_TWO, "PA9", |_| ());
    paddock.alpaca.issue(environment, &second, "PA9", |_| ());
    paddock.connect("other", "paper", &PAPER_TWO).await.expect(201);
    // The pair that the other connection has, and another one of its account.
    for pair in [PAPER_TWO, second] {
        let fields = [("key_id", pair.0), ("secret_key", pair.1)];
        let page = paddock.submit("/connections/my-paper/replace", &fields).await;
        let other = "which is connection <code>other</code>";
        shows(
            page.expect(409),
            &["id=\"f-key_id-fault\"", other, "nothing was stored", "Replace the key pair"],
        );
        for name in ["my-paper", "other"] {
            shows(&paddock.visit(&format!("/connections/{name}")).await, &["sealed as version 1"]);
        }
    }
    let replaced = paddock.get("/api/v1/audit?event=credential_replaced").await;
    assert_eq!(replaced.expect(200).json["items"], json!([]));
    // Where it belongs it is taken.
    let fields = [("key_id", second.0), ("secret_key", second.1)];
    let page = paddock.submit("/connections/other/replace", &fields).await;
    page.expect_redirect("/connections/other?done=replaced");
    shows(&paddock.visit("/connections/other").await, &["sealed as version 2"]);
    shows(&paddock.visit("/connections/my-paper").await, &["sealed as version 1"]);
}

#[tokio::test]
async fn a_connection_is_removed_when_its_name_is_typed() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.issue_key("reader", &json!({ "preset": "read-only" })).await;
    let path = "/connections/my-paper/remove";
    shows(&paddock.visit(path).await, &["is erased here", "<b>reader</b>", "History"]);
    let page = paddock.submit(path, &[("confirm", "my-pape")]).await;
    shows(page.expect(422), &["id=\"f-confirm-fault\""]);
    paddock.submit(path, &[("confirm", "my-paper")]).await.expect_redirect("/connections?done=removed");
    shows(&paddock.visit("/connections?done=removed").await, &["The connection is removed", "No account"]);
    paddock.visit("/connections/my-paper").await.expect(404);
}
