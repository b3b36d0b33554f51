//! The pages about activity, accounts, the audit and settings, as a browser without scripts sees them.

#![expect(clippy::panic, reason = "a test stops where something is not as it should be")]

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use http::header;
use paddock_paper::faults::{Fault, FaultRule, Reply as Cut, When};
use rstest::rstest;
use serde_json::json;

use crate::accounts::Stage;
use crate::harness::{LIVE, Paddock, Reply};

/// The value of a hidden field.
fn hidden(reply: &Reply, name: &str) -> String {
    let text = reply.text();
    let from = text.find(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{name} in {text}"));
    let rest = &text[from..];
    rest.split('"').nth(3).unwrap().to_owned()
}

fn location(reply: &Reply) -> &str {
    reply.headers["location"].to_str().unwrap()
}

#[tokio::test]
async fn an_order_shows_up_with_who_placed_it_and_is_canceled_with_one_click() {
    let stage = Stage::set().await;
    let page = stage.paddock.page("/accounts/my-paper").await;
    page.expect(200);
    for text in ["Simulated money", "Equity", "buy 1 AAPL limit 1", "/keys/bot", "data-chart=\"equity\""] {
        assert!(page.text().contains(text), "{text} in {}", page.text());
    }
    let fields = [("order", &*hidden(&page, "order")), ("once", &*hidden(&page, "once"))];
    let done = stage.paddock.submit("/accounts/my-paper/cancel", &fields).await;
    assert_eq!((done.status.as_u16(), location(&done)), (303, "/accounts/my-paper?done=canceled"));
    // The same form once more: the visitor went back. Nothing is sent again, and it is not an error.
    let again = stage.paddock.submit("/accounts/my-paper/cancel", &fields).await;
    assert_eq!(location(&again), "/accounts/my-paper?done=canceled");
    assert_eq!(stage.open_orders().await.len(), 0);
    let page = stage.paddock.page("/accounts/my-paper?done=canceled").await;
    assert!(page.text().contains("Alpaca has taken the cancel"));
    let curve = stage.paddock.page("/accounts/my-paper/equity.json?period=1M").await;
    assert!(curve.expect(200).json["points"].is_array());
    let first = stage.paddock.page("/accounts").await;
    assert_eq!(location(&first), "/accounts/my-paper");
}

#[tokio::test]
async fn a_part_is_closed_after_a_second_look_and_once() {
    let stage = Stage::set().await;
    stage.cancel_all().await;
    let look = stage.paddock.page("/accounts/my-paper/close?symbol=AAPL").await;
    assert!(look.expect(200).text().contains("asked to sell at the market"), "{look:?}");
    let once = hidden(&look, "once");
    let fields = |how, qty| [("symbol", "AAPL"), ("how", how), ("qty", qty), ("once", &*once)];
    for (how, qty, told) in
        [("part", "", "f-qty-fault"), ("part", "$2", "f-qty-fault"), ("all", "2", "f-qty-fault")]
    {
        let refused = stage.paddock.submit("/accounts/my-paper/close", &fields(how, qty)).await;
        assert!(refused.expect(422).text().contains(told), "{how} {qty}: {refused:?}");
    }
    // As people write it, and more than there is: that is Alpaca's to say.
    let many = [("symbol", "AAPL"), ("how", "part"), ("qty", "1,000"), ("once", "many")];
    let refused = stage.paddock.submit("/accounts/my-paper/close", &many).await;
    assert!(refused.expect(422).text().contains("Alpaca refuses"), "{refused:?}");
    assert_eq!(stage.positions().await[0]["qty"], "4", "nothing was closed");
    let two = fields("part", "2");
    let (first, second) = tokio::join!(
        stage.paddock.submit("/accounts/my-paper/close", &two),
        stage.paddock.submit("/accounts/my-paper/close", &two)
    );
    assert!([&first, &second].iter().any(|reply| reply.status == 303), "{first:?} {second:?}");
    let all = stage.paddock.get("/api/v1/connections/my-paper/orders?status=all").await;
    let sells = all.json["items"].as_array().unwrap().iter().filter(|order| order["side"] == "sell").count();
    assert_eq!(sells, 1);
    let gone = stage.paddock.page("/accounts/my-paper/close?symbol=MSFT").await;
    assert!(gone.expect(200).text().contains("no position in MSFT any more"));
}

/// A broker that does what is asked and says nothing: pressed again, it would be done again.
#[rstest]
#[case("close", "deleteOpenPosition", &[("symbol", "AAPL"), ("how", "part"), ("qty", "1")])]
#[case("cancel", "deleteAllOrders", &[("order", "all")])]
#[tokio::test]
async fn after_a_lost_answer_there_is_no_button_that_would_do_it_again(
    #[case] act: &str,
    #[case] operation: &str,
    #[case] fields: &[(&str, &str)],
) {
    let stage = Stage::set().await;
    if act == "close" {
        stage.cancel_all().await;
    }
    let lost = Fault::Drop { when: When::After, reply: Cut::Nothing };
    stage.broker.broker.add_fault(FaultRule::new(lost).operation(operation)).unwrap();
    let path = format!("/accounts/my-paper/{act}");
    let no_form = |reply: &Reply, told: &str| {
        assert!(reply.text().contains(told), "{told} in {}", reply.text());
        assert!(!reply.text().contains("name=\"once\""), "{}", reply.text());
        assert!(reply.text().contains("Look at the account"), "{}", reply.text());
    };
    let sent = [fields, &[("once", "first")]].concat();
    let first = stage.paddock.submit(&path, &sent).await;
    no_form(first.expect(502), "It is not sent again");
    // The page was loaded again, which sends its form once more.
    let again = stage.paddock.submit(&path, &sent).await;
    no_form(again.expect(502), "It is not sent again");
    if act == "close" {
        // Another tab.
        let other = stage.paddock.submit(&path, &[fields, &[("once", "second")]].concat()).await;
        no_form(other.expect(409), "A close is under way");
    }
}

#[tokio::test]
async fn the_audit_says_from_where_a_person_did_it() {
    let stage = Stage::set().await;
    stage.cancel_all().await;
    let from: SocketAddr = "192.0.2.7:9".parse().unwrap();
    let owner = stage.paddock.owner().await;
    let mut request = owner
        .request("POST", "/accounts/my-paper/close")
        .header(header::ORIGIN, "http://localhost:7878")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from("symbol=AAPL&how=all&once=a"))
        .unwrap();
    request.extensions_mut().insert(ConnectInfo(from));
    let done = Reply::of(owner.send(request).await).await;
    assert_eq!(location(&done), "/accounts/my-paper?done=closed");
    let records = stage.paddock.get("/api/v1/audit?event=request_permitted").await;
    let mut items = records.json["items"].as_array().unwrap().iter();
    let close = items.find(|record| record["event"]["operation"] == "deleteOpenPosition").unwrap();
    assert_eq!(close["event"]["network"], "192.0.2.7", "{records:?}");
    let story = stage.paddock.page("/activity?person=ada").await;
    assert!(story.text().contains("192.0.2.7"), "{}", story.text());
}

#[tokio::test]
async fn a_freeze_is_told_where_a_close_is_tried() {
    let stage = Stage::set().await;
    stage.paddock.post("/api/v1/connections/my-paper/freeze", &json!({})).await.expect(200);
    let look = stage.paddock.page("/accounts/my-paper/close?symbol=AAPL").await;
    let once = hidden(&look, "once");
    let fields = [("symbol", "AAPL"), ("how", "all"), ("once", &*once)];
    let refused = stage.paddock.submit("/accounts/my-paper/close", &fields).await;
    assert!(refused.expect(409).text().contains("This connection is frozen"), "{refused:?}");
    let all = stage.paddock.page("/accounts/my-paper/cancel?order=all").await;
    let fields = [("order", "all"), ("once", &*hidden(&all, "once"))];
    let done = stage.paddock.submit("/accounts/my-paper/cancel", &fields).await;
    assert_eq!(location(&done), "/accounts/my-paper?done=canceled-all");
}

#[tokio::test]
async fn real_money_asks_for_the_name_and_an_account_that_does_not_answer_says_so() {
    let paddock = Paddock::start().await;
    paddock.connect("my-live", "live", &LIVE).await.expect(201);
    let page = paddock.page("/accounts/my-live").await;
    assert!(page.expect(200).text().contains("Real money"), "{page:?}");
    // This Alpaca has no orders or positions to tell: each part says so in its own place.
    assert!(page.text().contains("$100,250.50") && page.text().contains("Next: "), "{}", page.text());
    let fields = [("order", "00000000-0000-0000-0000-000000000001"), ("once", "a")];
    let refused = paddock.submit("/accounts/my-live/cancel", &fields).await;
    refused.expect(422);
    assert_eq!(paddock.get("/api/v1/activity").await.json["items"], json!([]), "nothing was tried");
    paddock.page("/accounts/nobody").await.expect(404);
}

#[rstest]
#[case("/activity", &["buy 4 AAPL market", "/keys/bot", "my-paper", "permitted", "Export as CSV"])]
#[case("/activity?key=bot&symbol=AAPL", &["Remove this filter", "/activity?symbol=AAPL", "key=bot&#38;symbol=AAPL&#38;format=csv"])]
#[case("/activity?reason=frozen", &["Nothing fits"])]
#[case("/activity?show=latest", &["gone with the next start", "POST /v2/orders"])]
#[case("/activity?order=nothing", &["Nothing fits"])]
#[case("/audit", &["Verify now", "The chain is whole", "issued the access key bot", "for ever"])]
#[case("/audit?event=key_created", &["issued the access key bot", "Clear"])]
#[case("/settings", &["Nothing trades by itself yet", "Manual", "Download a backup", "Public key", "--tls 0.0.0.0:7883"])]
#[tokio::test]
async fn each_page_shows_what_it_is_for(#[case] path: &str, #[case] expected: &[&str]) {
    let stage = Stage::set().await;
    // A visit waits only briefly for the check of the chain, so the check is done before.
    stage.paddock.get("/api/v1/audit/verify").await.expect(200);
    let page = stage.paddock.page(path).await;
    page.expect(200);
    for text in expected {
        assert!(page.text().contains(text), "{text} in {}", page.text());
    }
    assert!(!page.text().contains("style=") && !page.text().contains("onclick"), "nothing inline");
}

#[rstest]
#[case("/activity?key=bot&person=ada&symbol=AAPL", &["id=\"f-person-fault\"", "value=\"ada\"", "value=\"AAPL\"", "Nothing was looked for"])]
#[case("/activity?from=soon", &["id=\"f-from-fault\"", "value=\"soon\"", "Nothing was looked for"])]
#[case("/activity?connection=gone&symbol=AAPL", &["value=\"AAPL\"", "Nothing was looked for"])]
#[case("/audit?to=soon&actor=ada", &["id=\"f-to-fault\"", "value=\"ada\"", "Nothing was looked for"])]
#[tokio::test]
async fn a_filter_that_is_wrong_leaves_the_others_in_the_form(#[case] path: &str, #[case] expected: &[&str]) {
    let stage = Stage::set().await;
    let page = stage.paddock.page(path).await;
    assert!(page.status.is_client_error(), "{page:?}");
    for text in expected {
        assert!(page.text().contains(text), "{text} in {}", page.text());
    }
    assert!(!page.text().contains("buy 4 AAPL market"), "nothing is listed");
}

#[tokio::test]
async fn the_latest_have_no_days() {
    let stage = Stage::set().await;
    let list = stage.paddock.page("/activity?symbol=AAPL&from=2026-11-20").await;
    assert!(list.text().contains("/activity?symbol=AAPL&#38;show=latest"), "{}", list.text());
    let latest = stage.paddock.page("/activity?show=latest&from=2026-11-20").await;
    assert!(!latest.expect(200).text().contains("Remove this filter"));
}

#[tokio::test]
async fn a_story_has_its_records_and_a_list_has_pages() {
    let stage = Stage::set().await;
    let list = stage.paddock.page("/activity?limit=1").await;
    assert!(list.expect(200).text().contains("Older"), "{list:?}");
    let items = stage.paddock.get("/api/v1/activity").await;
    let id = items.json["items"][1]["request"].as_str().unwrap();
    let story = stage.paddock.page(&format!("/activity/{id}")).await;
    for text in [
        "buy 4 AAPL market",
        "permitted: buy 4 AAPL market",
        "the broker answered 200",
        "The order now",
        "filled",
    ] {
        assert!(story.expect(200).text().contains(text), "{text} in {}", story.text());
    }
    stage.paddock.page("/activity/00000000-0000-0000-0000-000000000001").await.expect(404);
}

#[tokio::test]
async fn the_chain_is_verified_by_a_button_and_exported() {
    let stage = Stage::set().await;
    let done = stage.paddock.submit("/audit/verify", &[]).await;
    assert_eq!(location(&done), "/audit?done=checked");
    let page = stage.paddock.page("/audit?done=checked").await;
    assert!(page.text().contains("read and checked just now"));
    let export = stage.paddock.page("/audit/export").await;
    assert!(export.expect(200).text().lines().count() > 3);
}

#[tokio::test]
async fn settings_change_what_they_say() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    for (path, fields, code) in [
        ("/settings/trading/mode", vec![("mode", "copilot"), ("reason", "let us see")], "mode"),
        ("/settings/trading/pause", vec![], "paused"),
        ("/settings/vault/rotate", vec![("what", "kek")], "kek"),
        ("/settings/vault/rotate", vec![("what", "dek")], "dek"),
        ("/settings/audit-key/rotate", vec![], "audit-key"),
    ] {
        let done = paddock.submit(path, &fields).await;
        assert_eq!((done.status.as_u16(), location(&done)), (303, &*format!("/settings?done={code}")));
    }
    let page = paddock.page("/settings?done=paused").await;
    assert!(
        page.text().contains("Resume trading") && page.text().contains("value=\"copilot\" checked"),
        "{page:?}"
    );
    let refused = paddock.submit("/settings/trading/mode", &[("mode", "yolo")]).await;
    assert!(refused.expect(422).text().contains("role=\"alert\""));
    let backup = paddock.submit("/settings/backup", &[]).await;
    assert_eq!(backup.expect(200).headers["content-type"], "application/gzip");
    paddock.page("/settings/ca.pem").await.expect(404);
    std::fs::write(
        paddock.dir.path().join("ca.pem"),
        "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\nsecret",
    )
    .unwrap();
    let pem = paddock.page("/settings/ca.pem").await;
    assert!(!pem.expect(200).text().contains("secret"));
    assert!(paddock.page("/settings").await.text().contains("BA:78:16:BF"));
    let verified = paddock.get("/api/v1/audit/verify").await;
    assert_eq!(verified.json["valid"], true, "{verified:?}");
}
