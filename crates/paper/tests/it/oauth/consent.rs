//! What a person is asked, and who cannot answer for them.

use rstest::rstest;

use super::{BACK, EVERYTHING, answered, asked, authorize, grants, register, register_at, said};
use crate::browser::Browser;
use crate::harness::{Desk, OPEN};

#[tokio::test]
async fn who_says_no_grants_nothing() {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let choice = [("paper_account", desk.account.account_number.as_str()), ("decision", "deny")];
    let page = answered(&desk, &asked(&app, "trading"), &choice).await;
    assert_eq!(said(&page).get("error"), Some("access_denied"));
    assert_eq!((said(&page).get("state"), said(&page).get("code")), (Some("a b&c=\"<d>"), None));
    assert!(grants(&desk).await.is_empty());
}

#[rstest]
#[case::unknown_client("client_id", "00000000000000000000000000000000")]
#[case::no_client("client_id", "")]
#[case::other_host("redirect_uri", "https://evil.example/callback")]
#[case::other_port("redirect_uri", "http://127.0.0.1:8766/callback?from=alpaca")]
#[case::longer_path("redirect_uri", "http://127.0.0.1:8765/callback/../evil?from=alpaca")]
#[case::without_query("redirect_uri", "http://127.0.0.1:8765/callback")]
#[case::other_case("redirect_uri", "http://127.0.0.1:8765/Callback?from=alpaca")]
#[case::with_user("redirect_uri", "http://127.0.0.1:8765@evil.example/callback?from=alpaca")]
#[case::script("redirect_uri", "javascript:alert(1)")]
#[case::nothing("redirect_uri", "")]
#[tokio::test]
async fn nobody_is_sent_where_no_program_is_registered(#[case] name: &str, #[case] value: &str) {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let mut asked = asked(&app, "trading");
    asked.iter_mut().find(|(known, _)| *known == name).unwrap().1 = value;
    let browser = Browser::new(&desk);
    for page in [
        browser.get(&authorize(&asked)).await,
        browser.post("/oauth/authorize", &[&asked[..], &[("decision", "deny")]].concat()).await,
    ] {
        assert_eq!((page.status, page.headers.contains_key("location")), (400, false), "{page:?}");
    }
}

#[rstest]
#[case("response_type", "token", "unsupported_response_type")]
#[case("scope", "trading everything", "invalid_scope")]
#[case("env", "both", "invalid_request")]
#[tokio::test]
async fn a_registered_program_is_told_what_was_wrong(
    #[case] name: &str,
    #[case] value: &str,
    #[case] error: &str,
) {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let mut asked = asked(&app, "trading");
    asked.retain(|(known, _)| *known != name);
    asked.push((name, value));
    let page = Browser::new(&desk).get(&authorize(&asked)).await;
    assert_eq!(said(&page).get("error"), Some(error));
    assert_eq!(said(&page).get("state"), Some("a b&c=\"<d>"));
}

#[tokio::test]
async fn a_parameter_that_comes_twice_is_refused_here() {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let twice = authorize(&asked(&app, "trading")) + "&scope=data";
    let page = Browser::new(&desk).get(&twice).await;
    assert_eq!((page.status, page.headers.contains_key("location")), (400, false));
}

#[tokio::test]
async fn the_answer_must_be_to_what_was_shown() {
    let desk = Desk::at(OPEN).await;
    let (app, other) = (register(&desk).await, register(&desk).await);
    let browser = Browser::new(&desk);
    let shown = asked(&app, "data");
    let page = browser.get(&authorize(&shown)).await;
    let choice = [
        ("token", page.field("token")),
        ("paper_account", desk.account.account_number.as_str()),
        ("decision", "allow"),
    ];
    // More scopes, another program, another state, a parameter more or less: none was shown.
    let mut changed: Vec<Vec<(&str, &str)>> = vec![asked(&app, EVERYTHING), asked(&other, "data")];
    changed.push([&shown[..], &[("env", "paper")]].concat());
    changed.push(shown.iter().copied().filter(|(name, _)| *name != "state").collect());
    for asked in changed {
        let page = browser.post("/oauth/authorize", &[&asked[..], &choice].concat()).await;
        assert_eq!((page.status, page.headers.contains_key("location")), (403, false), "{asked:?}");
    }
    // A token of the dashboard's forms is no consent.
    let home = browser.get("/dashboard").await;
    let choice = [("token", home.field("token")), choice[1], choice[2]];
    assert_eq!(browser.post("/oauth/authorize", &[&shown[..], &choice].concat()).await.status, 403);
}

#[rstest]
#[case::other_site(&[("Origin", "https://evil.example")])]
#[case::hidden(&[("Origin", "null")])]
#[case::other_port(&[("Origin", "http://127.0.0.1:1")])]
#[case::cross_site(&[("Sec-Fetch-Site", "cross-site")])]
#[case::same_site(&[("Sec-Fetch-Site", "same-site")])]
#[case::rebound(&[("Host", "evil.example"), ("Origin", "http://evil.example")])]
#[tokio::test]
async fn no_other_site_can_consent(#[case] headers: &[(&str, &str)]) {
    let desk = Desk::at(OPEN).await;
    let app = register(&desk).await;
    let browser = Browser::new(&desk);
    let shown = asked(&app, EVERYTHING);
    let page = browser.get(&authorize(&shown)).await;
    let choice = [
        ("token", page.field("token")),
        ("paper_account", desk.account.account_number.as_str()),
        ("decision", "allow"),
    ];
    let page = browser.post_with("/oauth/authorize", &[&shown[..], &choice].concat(), headers).await;
    assert_eq!((page.status, page.headers.contains_key("location")), (403, false), "{page:?}");
}

#[tokio::test]
async fn the_consent_page_cannot_be_framed_or_scripted_and_its_form_leads_to_the_program_only() {
    let desk = Desk::at(OPEN).await;
    let app = register_at(&desk, "<script>alert('x')</script>\"><img src=x>", BACK).await;
    let browser = Browser::new(&desk);
    let page = browser.get(&authorize(&asked(&app, "trading"))).await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "form-action 'self' http://127.0.0.1:8765;",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("script") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(
        (&page.headers["x-frame-options"], &page.headers["cache-control"]),
        (&"DENY".parse().unwrap(), &"no-store".parse().unwrap())
    );
    assert_eq!(page.headers["cross-origin-opener-policy"], "unsafe-none");
    assert!(!page.text.contains("<script") && !page.text.contains("<img src=x"), "{}", page.text);
    assert!(!page.text.contains("c=\"<d>"), "{}", page.text);
    let rebound = browser.get_with(&authorize(&asked(&app, "trading")), &[("Host", "evil.example")]).await;
    assert_eq!(rebound.status, 403);
}
