//! The first page: what it shows, and to whom.

use http::header;
use rstest::rstest;
use serde_json::json;

use crate::harness::{LIVE, Paddock, Reply};
use crate::visitor::Visitor;

#[tokio::test]
async fn a_newcomer_is_led_step_by_step_and_what_is_done_is_ticked() {
    let paddock = Paddock::start().await;
    assert!(
        paddock.visit("/").await.text().contains("0 of 3 done"),
        "the first steps stand at the first address"
    );
    let step = async |done: usize, texts: &[&str]| {
        let page = paddock.visit("/welcome").await;
        let text = page.text();
        assert!(text.contains(&format!("{done} of 3 done")), "{text}");
        assert_eq!(text.matches("panel done").count(), done);
        for expected in texts {
            assert!(text.contains(expected), "{expected} in {text}");
        }
    };
    // The fake Alpaca is on this machine, as a broker that is built in is.
    let dashboard = format!("{}/dashboard", paddock.alpaca.url(paddock_core::Environment::Paper));
    step(0, &["href=\"/connections/new/paper\"", &dashboard, "panel later"]).await;
    paddock.connect_paper().await;
    step(1, &["href=\"/keys/new?connection=my-paper\""]).await;
    let key = paddock.issue_key("bot", &json!({ "preset": "read-only" })).await;
    let address = format!("export APCA_API_BASE_URL={}", paddock.gateway_url);
    step(2, &["href=\"/keys/bot\"", &address]).await;
    paddock.through_gateway("/v2/account", &key).await;
    step(3, &["That is all it takes", "href=\"/freeze\""]).await;
    paddock.visit("/").await.expect(200);
}

#[tokio::test]
async fn a_broker_on_this_machine_is_told_with_its_dashboards() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let page = paddock.visit("/paper-broker").await;
    for environment in [paddock_core::Environment::Paper, paddock_core::Environment::Live] {
        let dashboard = format!("{}/dashboard", paddock.alpaca.url(environment));
        assert!(page.text().contains(&dashboard), "{page:?}");
    }
    assert!(page.text().contains("href=\"/connections/my-paper\""));
}

#[tokio::test]
async fn what_is_not_there_is_told_on_a_page_with_the_places_to_go() {
    let paddock = Paddock::start().await;
    let page = paddock.visit("/nothing?x=%3Cscript%3E").await;
    page.expect(404);
    for text in ["No such page", "href=\"/keys\"", "href=\"/freeze\"", "Next: Go on from the overview."] {
        assert!(page.text().contains(text), "{text}");
    }
    assert!(page.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/html"));
}

#[tokio::test]
async fn a_used_paddock_shows_who_may_do_what_and_what_happened() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.connect("real", "live", &LIVE).await.expect(201);
    let scope = json!({ "preset": "trader", "symbols": ["AAPL"], "max_daily_orders": 50 });
    let key = paddock.issue_key("aapl-bot", &scope).await;
    paddock.through_gateway("/v2/account", &key).await;
    paddock.through_gateway("/v2/wallets", &key).await;
    paddock.through_gateway("/v2/account", &(key.0.clone(), "wrong".to_owned())).await;
    // A visit waits only briefly for the check of the chain, so the check is done before.
    paddock.get("/api/v1/audit/verify").await.expect(200);
    let page = paddock.visit("/").await;
    let text = page.text();
    for expected in [
        "my-paper",
        "PA3XK7Q2M9TD",
        "Simulated money",
        "884120953",
        "Real money",
        "aapl-bot",
        "in AAPL only",
        "of 50",
        "GET /v2/account",
        "class=\"permitted\"",
        "class=\"refused\"",
        "class=\"unauthenticated\"",
        "Whole",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    paddock.post("/api/v1/freeze", &json!({})).await.expect(200);
    let page = paddock.visit("/").await;
    assert!(page.text().contains("Everything is frozen") && page.text().contains("only cancels pass"));
}

#[tokio::test]
async fn a_changed_chain_is_shown_as_broken() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let row = paddock.state.store.connections(paddock.state.user).await.unwrap().remove(0);
    // An honest record of a freeze that the tables know nothing of.
    let event = paddock_core::audit::AuditEvent::Frozen {
        what: paddock_core::decide::Frozen::Connection,
        id: Some(row.id.to_string()),
        passes: paddock_core::decide::Passing::default(),
        reason: None,
        wind_down: None,
    };
    let actor = paddock_core::audit::Actor::Operator;
    paddock.state.store.append_audit(&actor, &event, row.created_at).await.unwrap();
    let verified = paddock.get("/api/v1/audit/verify").await;
    assert_eq!(verified.json["valid"], false, "{verified:?}");
    assert!(verified.json["fault"].is_string());
    let page = paddock.visit("/").await;
    assert!(page.text().contains("The audit chain does not verify"));
}

#[rstest]
#[case("evil.example")]
#[case("evil.example:7878")]
#[case("127.0.0.1.nip.io")]
#[case("localhost.evil.example")]
#[tokio::test]
async fn a_rebound_name_gets_nothing(#[case] host: &str) {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    for path in ["/", "/events", "/livez", "/assets/app.css", "/nothing"] {
        let reply = Reply::of(paddock.visit_as(host, "GET", path).await).await;
        reply.expect(421);
        assert!(!reply.text().contains("my-paper"));
    }
}

#[tokio::test]
async fn every_answer_is_guarded() {
    let paddock = Paddock::start().await;
    for path in ["/", "/livez", "/nothing"] {
        let reply = paddock.visit(path).await;
        let policy = reply.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"));
        assert_eq!(reply.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(reply.headers[header::REFERRER_POLICY], "same-origin");
        assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store");
    }
}

#[tokio::test]
async fn the_page_needs_nothing_that_its_policy_forbids() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let page = paddock.visit("/").await;
    let text = page.text();
    for forbidden in [" style=", "<style", "onclick", "javascript:", "https://", "//cdn"] {
        assert!(!text.contains(forbidden), "{forbidden}");
    }
    assert_eq!(text.matches("<script").count(), 1);
    let mut assets: Vec<&str> = text.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assets.sort_unstable();
    assets.dedup();
    assert_eq!(assets.len(), 4);
    for asset in assets {
        let reply = paddock.visit(asset).await;
        reply.expect(200);
        assert!(reply.headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        assert!(!reply.bytes.is_empty() && !reply.headers.contains_key(header::CONTENT_ENCODING));
        let request = http::Request::builder()
            .uri(asset)
            .header(header::HOST, "localhost")
            .header(header::ACCEPT_ENCODING, "br;q=1, gzip")
            .body(axum::body::Body::empty())
            .unwrap();
        let packed =
            Reply::of(tower::ServiceExt::oneshot(paddock.pages.clone(), request).await.unwrap()).await;
        assert_eq!(packed.headers[header::CONTENT_ENCODING], "gzip");
        assert!(packed.bytes.len() < reply.bytes.len());
    }
    paddock.visit("/assets/app.css").await.expect(404);
}

#[tokio::test]
async fn nobody_changes_or_sees_anything() {
    let paddock = Paddock::start().await;
    for path in ["/", "/events", "/livez", "/api/v1/freeze", "/api/v1/connections"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let reply = Reply::of(paddock.visit_as("localhost", method, path).await).await;
            assert!(matches!(reply.status.as_u16(), 403 | 404), "{method} {path}: {reply:?}");
        }
    }
    let nobody = Visitor::nobody(&paddock);
    nobody.page("/api/v1/status").await.expect_problem(401, "not_signed_in");
}
