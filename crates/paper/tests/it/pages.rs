//! The dashboard's page: what a person can do there, and what no other page can do in their name.

use reqwest::header::CONTENT_TYPE;
use rstest::rstest;
use serde_json::json;

use crate::browser::{Browser, Page};
use crate::harness::{Desk, OPEN, answer};
use crate::socket::Socket;

/// The pair that a page shows.
fn pair(page: &Page) -> (String, String) {
    let shown = |label: &str| page.after(&format!("<dt>{label}</dt><dd><code class=\"pick\">")).to_owned();
    (shown("Key ID"), shown("Secret Key"))
}

async fn status_with(desk: &Desk, (id, secret): &(String, String)) -> u16 {
    answer(desk.bare("GET", "/v2/account").basic_auth(id, Some(secret))).await.status
}

fn path(desk: &Desk, act: &str) -> String {
    format!("/dashboard/accounts/{}{act}", desk.account.account_number)
}

#[tokio::test]
async fn accounts_are_opened_and_their_keys_shown_once() {
    let desk = Desk::at(OPEN).await;
    let browser = Browser::new(&desk);
    let form = [("environment", "paper"), ("cash", "$25,000.50"), ("key_format", "old")];
    let page = browser.act("/dashboard/accounts", &form).await;
    let keys = pair(&page);
    assert_eq!((keys.0.len(), keys.1.len()), (20, 40), "{keys:?}");
    assert!(page.text.contains(&format!("export APCA_API_BASE_URL={}", desk.url(""))), "{}", page.text);
    assert!(page.text.contains("$25,000.50"));
    assert_eq!(status_with(&desk, &keys).await, 200);
    let again = browser.get("/dashboard").await;
    assert!(again.text.contains(&keys.0) && !again.text.contains(&keys.1));

    let page = browser
        .act("/dashboard/accounts", &[("environment", "live"), ("cash", "1"), ("key_format", "new")])
        .await;
    assert!(pair(&page).0.starts_with("AK") && page.text.contains("Live-like accounts"), "{}", page.text);
    // Where the live-like listener is, is not known at this one.
    assert!(!page.text.contains("APCA_API_BASE_URL"));
}

#[tokio::test]
async fn a_notice_is_shown_once() {
    let desk = Desk::at(OPEN).await;
    let browser = Browser::new(&desk);
    let home = browser.get("/dashboard").await;
    let sent = browser.post(&path(&desk, "/keys"), &[("token", home.field("token"))]).await;
    let shown = browser.get(sent.location()).await;
    let keys = pair(&shown);
    assert!(!browser.get(sent.location()).await.text.contains(&keys.1));
    assert_eq!(status_with(&desk, &keys).await, 200);
}

#[tokio::test]
async fn keys_are_regenerated_and_revoked() {
    let desk = Desk::at(OPEN).await;
    let browser = Browser::new(&desk);
    let old = (desk.account.key_id.clone(), desk.account.secret_key.expose().to_owned());
    let page = browser.act(&path(&desk, "/keys"), &[("key_format", "new")]).await;
    let new = pair(&page);
    assert_eq!((status_with(&desk, &old).await, status_with(&desk, &new).await), (401, 200));
    let page = browser.act(&path(&desk, "/keys/revoke"), &[]).await;
    assert!(page.text.contains("has no keys") && page.text.contains("Generate keys"), "{}", page.text);
    assert_eq!(status_with(&desk, &new).await, 401);
}

#[tokio::test]
async fn a_reset_says_that_it_changes_the_keys_before_and_after() {
    let desk = Desk::at(OPEN).await;
    let browser = Browser::new(&desk);
    let old = (desk.account.key_id.clone(), desk.account.secret_key.expose().to_owned());
    assert!(browser.get("/dashboard").await.text.contains("This also changes its keys"));
    let page = browser.act(&path(&desk, "/reset"), &[("cash", "5000"), ("key_format", "new")]).await;
    assert!(page.text.contains("was reset, and its keys have changed"), "{}", page.text);
    assert_eq!((status_with(&desk, &old).await, status_with(&desk, &pair(&page)).await), (401, 200));
}

#[tokio::test]
async fn a_deleted_account_takes_its_keys_and_streams_with_it() {
    let desk = Desk::at(OPEN).await;
    let headers = [
        ("apca-api-key-id", desk.account.key_id.as_str()),
        ("apca-api-secret-key", desk.account.secret_key.expose()),
    ];
    desk.place(json!({"symbol": "AAPL", "qty": 1, "side": "buy", "type": "limit", "limit_price": 1, "time_in_force": "gtc"})).await;
    let mut stream = Socket::open(&desk, "/stream", &headers).await;
    stream.next().await;
    let page = Browser::new(&desk).act(&path(&desk, "/delete"), &[]).await;
    assert!(page.text.contains("is deleted"), "{}", page.text);
    assert_eq!(stream.closed().await.0, 1008);
    assert_eq!(desk.get("/v2/account").await.status, 401);
    // What was scheduled for it is forgotten.
    desk.advance(100 * 24 * 3600);
    let target = format!("/dashboard/v1/accounts/{}", desk.account.account_number);
    assert_eq!(answer(desk.bare("GET", &target)).await.status, 404);
    assert_eq!(answer(desk.bare("DELETE", &target)).await.status, 404);
}

#[tokio::test]
async fn programs_are_registered_changed_and_deleted() {
    let desk = Desk::at(OPEN).await;
    let browser = Browser::new(&desk);
    let form =
        [("name", "<b>Bot</b> & \"co\""), ("redirect_uris", "http://127.0.0.1:1/a  https://app.example/b")];
    let page = browser.act("/dashboard/clients", &form).await;
    assert!(page.text.contains("https://app.example/b") && !page.text.contains("<b>Bot"), "{}", page.text);
    let shown = |page: &Page, label: &str| {
        page.after(&format!("<dt>{label}</dt><dd><code class=\"pick\">")).to_owned()
    };
    let (id, secret) = (shown(&page, "client_id"), shown(&page, "client_secret"));
    assert_eq!((id.len(), secret.len()), (32, 40));
    let page = browser.act(&format!("/dashboard/clients/{id}/secret"), &[]).await;
    assert_ne!(shown(&page, "client_secret"), secret);
    let page = browser.act(&format!("/dashboard/clients/{id}/delete"), &[]).await;
    assert!(page.text.contains("The program is deleted") && !page.text.contains(&id), "{}", page.text);
    let page = browser.act("/dashboard/clients", &[("name", "x"), ("redirect_uris", "ftp://x")]).await;
    assert!(page.text.contains("Nothing was done") && page.text.contains("a redirect URI is https"));
}

#[rstest]
#[case("/dashboard/accounts", &[("environment", "test"), ("cash", "1")], "environment must be paper or live")]
#[case("/dashboard/accounts", &[("environment", "paper"), ("cash", "much")], "cash must be between")]
#[case("/dashboard/accounts", &[("environment", "paper"), ("cash", "-1")], "cash must be between")]
#[case("/dashboard/accounts", &[("environment", "paper"), ("cash", "1"), ("key_format", "x")], "key_format must be")]
#[case("/dashboard/accounts/PA0000000000/reset", &[("cash", "1")], "account not found")]
#[case("/dashboard/grants/00000000-0000-4000-8000-000000000000/revoke", &[], "oauth grant not found")]
#[tokio::test]
async fn nonsense_does_nothing_and_says_why(
    #[case] target: &str,
    #[case] form: &[(&str, &str)],
    #[case] why: &str,
) {
    let desk = Desk::at(OPEN).await;
    let page = Browser::new(&desk).act(target, form).await;
    assert!(page.text.contains("Nothing was done") && page.text.contains(why), "{}", page.text);
}

#[rstest]
#[case::other_site(&[("Origin", "https://evil.example")])]
#[case::hidden(&[("Origin", "null")])]
#[case::other_port(&[("Origin", "http://localhost:1")])]
#[case::cross_site(&[("Sec-Fetch-Site", "cross-site")])]
#[case::rebound(&[("Host", "evil.example"), ("Origin", "http://evil.example"), ("Sec-Fetch-Site", "same-origin")])]
#[tokio::test]
async fn no_other_site_can_send_a_form(#[case] headers: &[(&str, &str)]) {
    let desk = Desk::at(OPEN).await;
    let browser = Browser::new(&desk);
    let home = browser.get("/dashboard").await;
    let form = [("token", home.field("token")), ("key_format", "new")];
    let page = browser.post_with(&path(&desk, "/keys"), &form, headers).await;
    assert_eq!(page.status, 403, "{page:?}");
    assert_eq!(desk.get("/v2/account").await.status, 200);
}

#[rstest]
#[case::none(&[])]
#[case::empty(&[("token", "")])]
#[case::made_up(&[("token", "0000000000000000000000000000000000000000000000000000000000000000")])]
#[tokio::test]
async fn a_form_needs_the_token_of_this_run(#[case] form: &[(&str, &str)]) {
    let desk = Desk::at(OPEN).await;
    let page = Browser::new(&desk).post(&path(&desk, "/delete"), form).await;
    assert!(page.status == 403 && page.text.contains("This form is not valid"), "{page:?}");
    assert_eq!(desk.get("/v2/account").await.status, 200);
}

#[tokio::test]
async fn the_page_is_for_this_machine_and_has_no_scripts() {
    let desk = Desk::at(OPEN).await;
    let browser = Browser::new(&desk);
    let page = browser.get("/dashboard").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.headers[CONTENT_TYPE], "text/html; charset=utf-8");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    for part in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("script") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.headers["x-frame-options"], "DENY");
    assert_eq!(page.headers["cache-control"], "no-store");
    assert!(
        !page.text.contains("<script") && !page.text.contains("<style") && !page.text.contains(" style=")
    );
    for asset in page.text.split('"').filter(|text| text.starts_with("/dashboard/assets/")) {
        let got = browser.get(asset).await;
        assert!(got.status == 200 && got.headers["cache-control"].to_str().unwrap().contains("immutable"));
    }
    for host in ["evil.example", "192.168.1.5:80"] {
        let page = browser.get_with("/dashboard", &[("Host", host)]).await;
        assert!(page.status == 403 && !page.text.contains(&desk.account.account_number), "{page:?}");
    }
    assert_eq!(browser.get("/dashboard/nothing").await.status, 404);
    // The API for programs goes on refusing pages, this one included.
    let origin = desk.url("");
    assert_eq!(browser.get_with("/dashboard/v1/accounts", &[("Origin", &origin)]).await.status, 403);
}
