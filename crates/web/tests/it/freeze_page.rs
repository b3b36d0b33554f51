//! The brake, as a browser without scripts uses it.

use paddock_core::{Environment, Role};
use paddock_paper::{DEFAULT_CASH, EphemeralBroker};
use rstest::rstest;
use serde_json::{Value, json};

use crate::connection_pages::signature;
use crate::harness::{LIVE, Paddock, Reply};
use crate::paper::{broker, paddock_before, pair};
use crate::second_factor::turn_on;
use crate::visitor::Visitor;

#[track_caller]
fn shows(reply: &Reply, texts: &[&str]) {
    for text in texts {
        assert!(reply.text().contains(text), "{text} in {}", reply.text());
    }
}

async fn with_a_key() -> (Paddock, (String, String)) {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let key = paddock.issue_key("bot", &json!({ "preset": "trader" })).await;
    (paddock, key)
}

#[tokio::test]
async fn one_press_stops_everything_and_every_page_says_so() {
    let (paddock, key) = with_a_key().await;
    assert_eq!(paddock.through_gateway("/v2/account", &key).await, 200);
    shows(&paddock.visit("/keys-or-anything").await, &["href=\"/freeze\""]);
    paddock.submit("/freeze", &[]).await.expect_redirect("/freeze?done=frozen");
    assert_eq!(paddock.through_gateway("/v2/account", &key).await, 403);
    for page in ["/", "/connections", "/connections/my-paper", "/freeze", "/nowhere"] {
        shows(&paddock.visit(page).await, &["Everything is frozen", "only cancels pass"]);
    }
    let page = paddock.visit("/freeze?done=frozen").await;
    shows(&page, &["Nothing that it stops is sent any more", "action=\"/unfreeze\""]);
    assert!(!page.text().contains("Stop everything now"));
    paddock.submit("/unfreeze", &[("subject", "everything")]).await.expect_redirect("/freeze?done=unfrozen");
    assert_eq!(paddock.through_gateway("/v2/account", &key).await, 200);
}

#[rstest]
#[case("connection:my-paper", "Connection my-paper")]
#[case("key:bot", "Access key bot")]
#[tokio::test]
async fn one_thing_is_frozen_with_what_may_pass(#[case] subject: &str, #[case] said: &str) {
    let (paddock, key) = with_a_key().await;
    let fields = [
        ("chosen", "yes"),
        ("subject", subject),
        ("allow", "reads"),
        ("allow", "cancels"),
        ("then", "nothing"),
        ("reason", "odd <orders>"),
    ];
    paddock.submit("/freeze", &fields).await.expect_redirect("/freeze?done=frozen");
    let page = paddock.visit("/freeze").await;
    shows(&page, &[said, "only reads and cancels pass", "odd &#60;orders&#62;"]);
    assert_eq!(paddock.through_gateway("/v2/account", &key).await, 200, "reads pass");
    let order = r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}"#;
    assert_eq!(paddock.send("POST", "/v2/orders", order, &key).await, 403);
    // No tick at all is not the usual: then nothing passes.
    let fields = [("chosen", "yes"), ("subject", subject), ("then", "nothing")];
    paddock.submit("/freeze", &fields).await.expect(303);
    assert_eq!(paddock.through_gateway("/v2/account", &key).await, 403);
    shows(&paddock.visit("/freeze").await, &["nothing passes"]);
    paddock.submit("/unfreeze", &[("subject", subject)]).await.expect(303);
    assert_eq!(paddock.through_gateway("/v2/account", &key).await, 200);
}

/// A Paddock with a live account, `my-live`, that holds 4 AAPL.
async fn with_real_money() -> (EphemeralBroker, Paddock) {
    let broker = broker().await;
    let paddock = paddock_before(&broker).await;
    let account = broker.broker.create_account(Environment::Live, DEFAULT_CASH).await.unwrap();
    paddock.connect("my-live", "live", &pair(&account)).await.expect(201);
    let key = paddock.issue_key("bot", &json!({ "connection": "my-live", "preset": "trader" })).await;
    let order = r#"{"symbol":"AAPL","qty":"4","side":"buy","type":"market","time_in_force":"day"}"#;
    assert_eq!(paddock.send("POST", "/v2/orders", order, &key).await, 200);
    (broker, paddock)
}

/// The freezes that hold, each with what passes and why, and what was begun about what is open.
async fn frozen(paddock: &Paddock) -> (Value, Value) {
    let listed = paddock.get("/api/v1/freezes").await;
    let items = listed.json["items"].as_array().unwrap().iter();
    let told = items.map(|item| json!([item["what"], item["passes"], item["reason"]])).collect();
    let wound = listed.json["wind_downs"].as_array().unwrap().iter();
    (Value::Array(told), wound.map(|one| one["kind"].clone()).collect())
}

#[rstest]
#[case("connection:my-live", "connection", "my-live", "everything")]
#[case("everything", "everything", "everything", "my-live")]
#[tokio::test]
async fn real_money_is_frozen_at_once_and_closed_when_its_name_is_typed(
    #[case] subject: &str,
    #[case] what: &str,
    #[case] name: &str,
    #[case] other: &str,
) {
    let (_broker, paddock) = with_real_money().await;
    let first = [
        ("chosen", "yes"),
        ("subject", subject),
        ("allow", "reads"),
        ("allow", "cancels"),
        ("then", "flatten"),
        ("reason", "gone <wild>"),
    ];
    let asks = paddock.submit("/freeze", &first).await;
    let carried = [
        "name=\"allow\" value=\"reads\"",
        "name=\"allow\" value=\"cancels\"",
        "name=\"chosen\" value=\"yes\"",
        "value=\"gone &#60;wild&#62;\"",
        "name=\"then\" value=\"flatten\"",
    ];
    shows(asks.expect(200), &["is frozen now", "no position has been closed yet", "4 AAPL, long", "worth $"]);
    shows(&asks, &carried);
    let is_frozen = json!([[what, ["reads", "cancels"], "gone <wild>"]]);
    assert_eq!(
        frozen(&paddock).await,
        (is_frozen.clone(), json!([])),
        "it is frozen, and nothing else was begun"
    );
    // Not the name: Enter in another field, or what was meant is another thing.
    for wrong in ["yes", other] {
        let again = paddock.submit("/freeze", &[&first[..], &[("typed", wrong)]].concat()).await;
        shows(again.expect(422), &["f-typed-fault", "4 AAPL, long", "name=\"allow\" value=\"reads\""]);
    }
    assert_eq!(frozen(&paddock).await, (is_frozen.clone(), json!([])));
    let sure = [&first[..], &[("typed", name)]].concat();
    paddock.submit("/freeze", &sure).await.expect_redirect("/freeze?done=wound-down");
    assert_eq!(frozen(&paddock).await, (is_frozen, json!(["flatten"])));
}

#[tokio::test]
async fn a_plain_freeze_of_real_money_is_one_press_and_closing_on_paper_too() {
    let (_broker, paddock) = with_real_money().await;
    paddock.submit("/freeze", &[]).await.expect_redirect("/freeze?done=frozen");
    assert_eq!(frozen(&paddock).await.1, json!([]));
    let (paddock, _) = with_a_key().await;
    paddock.alpaca.tell_lists(Environment::Paper);
    let fields = [("subject", "connection:my-paper"), ("then", "flatten")];
    paddock.submit("/freeze", &fields).await.expect_redirect("/freeze?done=wound-down");
}

#[tokio::test]
async fn what_is_open_at_real_money_need_not_be_known_for_the_freeze_to_hold() {
    let paddock = Paddock::start().await;
    paddock.connect("my-live", "live", &LIVE).await.expect(201);
    // This Alpaca tells no positions.
    let asks = paddock.submit("/freeze", &[("subject", "connection:my-live"), ("then", "flatten")]).await;
    shows(asks.expect(200), &["is frozen now", "What is open could not be read"]);
    assert_eq!(frozen(&paddock).await, (json!([["connection", ["cancels"], null]]), json!([])));
}

/// A Paddock whose first team has paper only, and where another one's owner, `eve`, connected real money, `hers`.
async fn with_real_money_of_another_team() -> Paddock {
    let (paddock, _) = with_a_key().await;
    let stranger = Visitor::stranger(&paddock, "eve").await;
    turn_on(&paddock, &stranger).await;
    let mut theirs = signature(&paddock).await;
    let pair = [("name", "hers"), ("key_id", LIVE.0), ("secret_key", LIVE.1)];
    theirs.extend(pair.map(|(name, value)| (name, value.to_owned())));
    let theirs: Vec<_> = theirs.iter().map(|(name, value)| (*name, &**value)).collect();
    stranger.submit("/connections/new/live", &theirs).await.expect(303);
    paddock
}

#[tokio::test]
async fn everything_goes_on_with_other_teams_real_money_only_by_a_second_factor() {
    let paddock = with_real_money_of_another_team().await;
    let grace = Visitor::member(&paddock, "grace", Role::Operator).await;
    grace.submit("/freeze", &[]).await.expect_redirect("/freeze?done=frozen");
    let all = [("subject", "everything")];
    grace.submit("/unfreeze", &all).await.expect_redirect("/settings/security?needed=live");
    let refused = grace.call("POST", "/api/v1/unfreeze", &json!({})).await;
    refused.expect_problem(403, "second_factor_needed");
    assert!(!refused.text().contains("hers"), "{refused:?}");
    assert_eq!(frozen(&paddock).await.0, json!([["everything", ["cancels"], null]]));
    turn_on(&paddock, &grace).await;
    grace.submit("/unfreeze", &all).await.expect_redirect("/freeze?done=unfrozen");
    // What a team without real money stops is its own, and goes on by password.
    let other = Visitor::stranger(&paddock, "mallory").await;
    other.submit("/freeze", &[]).await.expect(303);
    other.submit("/unfreeze", &all).await.expect_redirect("/freeze?done=unfrozen");
}

#[tokio::test]
async fn everything_is_of_other_teams_too_and_their_real_money_is_asked_about() {
    let paddock = with_real_money_of_another_team().await;
    let asks = paddock.submit("/freeze", &[("then", "flatten")]).await;
    shows(asks.expect(200), &["accounts of the other teams"]);
    assert!(!asks.text().contains("hers"), "{asks:?}");
    assert_eq!(frozen(&paddock).await.1, json!([]));
}

#[tokio::test]
async fn what_cannot_be_frozen_so_is_said_at_the_form() {
    let (paddock, key) = with_a_key().await;
    let fields = [("chosen", "yes"), ("subject", "key:bot"), ("then", "flatten"), ("reason", "why")];
    let page = paddock.submit("/freeze", &fields).await;
    shows(page.expect(422), &["Positions are the account", "value=\"why\"", "value=\"key:bot\" selected"]);
    paddock.submit("/freeze", &[("subject", "planet:earth")]).await.expect(422);
    paddock.submit("/freeze", &[("subject", "key:nobody")]).await.expect(404);
    paddock.submit("/freeze", &[("chosen", "yes"), ("allow", "everything")]).await.expect(422);
    assert_eq!(paddock.through_gateway("/v2/account", &key).await, 200, "nothing was frozen");
}

#[tokio::test]
async fn the_file_keeps_everything_frozen_and_the_page_says_what_to_do() {
    let (paddock, _) = with_a_key().await;
    paddock.submit("/freeze", &[]).await.expect(303);
    std::fs::write(paddock.dir.path().join("FREEZE"), "").unwrap();
    let page = paddock.submit("/unfreeze", &[("subject", "everything")]).await;
    shows(page.expect(409), &["Frozen by a file", "Remove the file, then unfreeze"]);
}

#[tokio::test]
async fn another_team_stops_what_is_its_own_and_is_not_told_why_all_is_frozen() {
    let (paddock, key) = with_a_key().await;
    let stranger = Visitor::stranger(&paddock, "eve").await;
    let page = stranger.page("/freeze").await;
    assert!(!page.text().contains("my-paper") && !page.text().contains("key:bot"), "{page:?}");
    stranger.submit("/freeze", &[]).await;
    assert_eq!(paddock.through_gateway("/v2/account", &key).await, 200, "nothing of another team is stopped");
    stranger.submit("/freeze", &[("subject", "connection:my-paper")]).await.expect(404);
    stranger.submit("/unfreeze", &[("subject", "connection:my-paper")]).await.expect(404);
    stranger.page("/connections/my-paper").await.expect(404);
    paddock.submit("/freeze", &[("reason", "our own secret")]).await.expect(303);
    let page = stranger.page("/freeze").await;
    shows(&page, &["Everything is frozen"]);
    assert!(!page.text().contains("our own secret") && !page.text().contains("value=\"everything\"><button"));
}
