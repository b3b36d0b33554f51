//! Server-sent events, of the API and of the page.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::harness::Paddock;

/// Reads one event after the other.
pub(crate) struct Listener {
    response: Response,
    text: String,
}

impl Listener {
    pub(crate) fn new(response: Response) -> Self {
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next event's name and data; nothing at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<(String, String)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| -> Vec<String> {
                    let lines = event.lines().filter_map(|line| line.strip_prefix(name));
                    lines.map(|value| value.strip_prefix(' ').unwrap_or(value).to_owned()).collect()
                };
                let found = (field("event:").join(""), field("data:").join("\n"));
                self.text = rest.to_owned();
                if !found.0.is_empty() {
                    return Some(found);
                }
                continue;
            }
            let frame = tokio::time::timeout(Duration::from_secs(20), self.response.body_mut().frame());
            let frame = frame.await.unwrap()?;
            self.text.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
        }
    }
}

#[tokio::test]
async fn requests_and_changes_are_told_as_they_happen() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let key = paddock.issue_key("reader", &json!({ "preset": "read-only" })).await;
    let mut listener = Listener::new(paddock.open("/api/v1/events").await);

    assert_eq!(paddock.through_gateway("/v2/account", &key).await, 200);
    let (event, data) = listener.next().await.unwrap();
    let line: Value = serde_json::from_str(&data).unwrap();
    assert_eq!(event, "request");
    assert_eq!(line["decision"], "permitted");
    assert_eq!(line["key_name"], "reader");
    assert_eq!(paddock.get("/api/v1/requests?limit=1").await.json["items"][0], line);

    paddock.post("/api/v1/freeze", &json!({})).await.expect(200);
    let (event, data) = listener.next().await.unwrap();
    let (head, _) = paddock.state.store.audit_head().await.unwrap();
    assert_eq!((event.as_str(), data), ("state", json!({ "event": "frozen", "seq": head }).to_string()));

    paddock.close();
    assert_eq!(listener.next().await, None, "a shutdown ends the stream");
}

#[tokio::test]
async fn who_comes_back_hears_what_changed_meanwhile() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let (heard, _) = paddock.state.store.audit_head().await.unwrap();
    for path in ["freeze", "unfreeze"] {
        paddock.post(&format!("/api/v1/{path}"), &json!({})).await.expect(200);
    }
    let since = |id: String| {
        let request = Request::builder().uri("/api/v1/events").header("Last-Event-ID", id);
        paddock.api.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let mut listener = Listener::new(since(heard.to_string()).await.unwrap());
    for (number, event) in [(1, "frozen"), (2, "unfrozen")] {
        let expected = json!({ "event": event, "seq": heard + number }).to_string();
        assert_eq!(listener.next().await.unwrap(), ("state".to_owned(), expected));
    }
    // What is no position of this chain begins now.
    for id in ["x".to_owned(), "-1".to_owned(), u64::MAX.to_string()] {
        let mut listener = Listener::new(since(id).await.unwrap());
        paddock.post("/api/v1/check-in", &json!({})).await.expect(200);
        paddock.post("/api/v1/freeze", &json!({})).await.expect(200);
        let (_, data) = listener.next().await.unwrap();
        let head = paddock.state.store.audit_head().await.unwrap().0;
        assert!(serde_json::from_str::<Value>(&data).unwrap()["seq"].as_u64().unwrap() >= head - 1);
        paddock.post("/api/v1/unfreeze", &json!({})).await.expect(200);
    }
}

#[tokio::test]
async fn the_page_gets_rows_as_it_would_show_them() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let key = paddock.issue_key("reader", &json!({ "preset": "read-only" })).await;
    let owner = paddock.owner().await;
    let request = owner.request("GET", "/events").body(axum::body::Body::empty()).unwrap();
    let mut listener = Listener::new(owner.send(request).await);
    assert_eq!(paddock.through_gateway("/v2/positions/%3Cscript%3E", &key).await, 400);
    let (event, row) = listener.next().await.unwrap();
    assert_eq!(event, "request");
    assert!(row.starts_with("<tr ") && row.trim_end().ends_with("</tr>"), "{row}");
    assert!(!row.contains("<script"), "what a program sends is text, not markup: {row}");
    let page = paddock.visit("/").await;
    assert!(page.text().contains(row.trim()), "the page shows the same row");
    paddock.post("/api/v1/keys/reader/revoke", &json!({})).await.expect(200);
    assert_eq!(listener.next().await.unwrap(), ("state".to_owned(), "key_revoked".to_owned()));
}

/// Reads the account as a program does, from an address of this machine.
async fn read_account_from(paddock: &Paddock, address: &str, key: &(String, String)) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let gateway = paddock.gateway_url.strip_prefix("http://").unwrap();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
    let mut socket = socket.connect(gateway.parse().unwrap()).await.unwrap();
    let request = format!(
        "GET /v2/account HTTP/1.1\r\nHost: {gateway}\r\nAPCA-API-KEY-ID: {}\r\nAPCA-API-SECRET-KEY: {}\r\nConnection: close\r\n\r\n",
        key.0, key.1
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// A key that is used from a network for the first time: whoever watches hears of it, and it is in the audit.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn unusual_use_is_told() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let key = paddock.issue_key("reader", &json!({ "preset": "read-only" })).await;
    read_account_from(&paddock, "127.0.0.1", &key).await;
    paddock.get("/api/v1/keys/reader/usage").await.expect(200);
    let mut listener = Listener::new(paddock.open("/api/v1/events").await);
    read_account_from(&paddock, "127.7.0.1", &key).await;
    assert_eq!(listener.next().await.unwrap().0, "request");
    // Uses are written when somebody looks at them, and every quarter of a minute.
    paddock.get("/api/v1/keys/reader/usage").await.expect(200);
    let (event, data) = listener.next().await.unwrap();
    let data: Value = serde_json::from_str(&data).unwrap();
    assert_eq!((event.as_str(), &data["event"]), ("state", &json!("unusual_use")));
    let audit = paddock.get("/api/v1/audit?event=unusual_use").await;
    let record = &audit.json["items"][0]["event"];
    assert_eq!(
        (&record["what"], &record["detail"]),
        (&json!("new_network"), &json!("127.7.0.0/24")),
        "{audit:?}"
    );
}
