//! Whether Paddock lives, can serve, and what it measures.

use axum::body::Body;
use axum::response::Response;
use http::Request;
use paddock_web::{AllowedHosts, monitoring_router};
use rstest::rstest;
use tower::ServiceExt as _;

use crate::harness::{Paddock, Reply};

async fn ask(router: axum::Router, path: &str, host: &str) -> Response {
    let request = Request::get(path).header("host", host).body(Body::empty()).unwrap();
    router.oneshot(request).await.unwrap()
}

#[rstest]
#[case("/livez", 200)]
#[case("/readyz", 200)]
#[case("/metrics", 404)]
#[tokio::test]
async fn the_pages_listener_says_whether_it_can_serve_and_no_figures(
    #[case] path: &str,
    #[case] status: u16,
) {
    let paddock = Paddock::start().await;
    assert_eq!(ask(paddock.pages.clone(), path, "localhost").await.status(), status);
}

#[rstest]
#[case("/livez")]
#[case("/readyz")]
#[case("/metrics")]
#[tokio::test]
async fn the_monitoring_listener_answers_to_its_own_hosts_only(#[case] path: &str) {
    let paddock = Paddock::start().await;
    let hosts = AllowedHosts::new("10.1.2.3:7885".parse().unwrap(), ["paddock.internal".to_owned()]);
    let router = monitoring_router(paddock.state.clone(), hosts);
    for host in ["localhost", "10.1.2.3:7885", "paddock.internal:7885"] {
        assert_eq!(ask(router.clone(), path, host).await.status(), 200, "{host}");
    }
    assert_eq!(ask(router, path, "evil.example").await.status(), 421);
}

#[tokio::test]
async fn readiness_names_its_parts_and_nothing_else() {
    let paddock = Paddock::start().await;
    let reply = Reply::of(ask(paddock.pages.clone(), "/readyz", "localhost").await).await;
    let parts =
        ["database", "vault", "directory"].map(|name| serde_json::json!({"name": name, "ready": true}));
    assert_eq!(reply.json, serde_json::json!({"ready": true, "parts": parts}));
    assert_eq!(paddock.get("/api/v1/health").await.json, reply.json);
}

#[tokio::test]
async fn figures_are_prometheus_text() {
    let paddock = Paddock::start().await;
    let reply = paddock.get("/api/v1/metrics").await;
    reply.expect(200);
    assert_eq!(reply.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert!(String::from_utf8_lossy(&reply.bytes).contains("# TYPE paddock_requests_total counter"));
}
