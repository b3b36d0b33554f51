//! The brake, as a browser without scripts uses it.

use rstest::rstest;
use serde_json::json;

use crate::harness::{Paddock, Reply};
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
