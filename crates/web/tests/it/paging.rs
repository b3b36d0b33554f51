//! Lists page by page.

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::Paddock;

/// All items of a list, read so many at a time, and how many pages that took.
async fn read(paddock: &Paddock, path: &str, limit: usize) -> (Vec<Value>, usize) {
    let (mut items, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    let joint = if path.contains('?') { '&' } else { '?' };
    loop {
        let page = paddock.get(&format!("{path}{joint}limit={limit}{cursor}")).await;
        let page = page.expect(200).json.clone();
        let some = page["items"].as_array().unwrap().clone();
        assert!(some.len() <= limit);
        items.extend(some);
        pages += 1;
        match &page["next_cursor"] {
            Value::Null => return (items, pages),
            next => cursor = format!("&cursor={}", next.as_str().unwrap()),
        }
    }
}

/// A connection with five access keys: each was used once, and is frozen.
async fn busy() -> Paddock {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    for name in ["one", "two", "three", "four", "five"] {
        let key = paddock.issue_key(name, &json!({ "preset": "read-only" })).await;
        assert_eq!(paddock.through_gateway("/v2/account", &key).await, 200);
        paddock.post(&format!("/api/v1/keys/{name}/freeze"), &json!({})).await.expect(200);
    }
    paddock
}

#[rstest]
#[case("/api/v1/connections", 1)]
#[case("/api/v1/keys", 5)]
#[case("/api/v1/keys?revoked=true", 5)]
#[case("/api/v1/requests", 5)]
#[case("/api/v1/freezes", 5)]
#[case("/api/v1/audit?event=frozen", 5)]
#[case("/api/v1/audit?event=frozen&after=0", 5)]
#[case("/api/v1/approvals?all=true", 0)]
#[tokio::test]
async fn every_list_is_read_in_pages(#[case] path: &str, #[case] expected: usize) {
    let paddock = busy().await;
    let (whole, pages) = read(&paddock, path, 1000).await;
    assert_eq!((whole.len(), pages), (expected, 1), "{path}");
    for limit in [1, 2] {
        let (items, pages) = read(&paddock, path, limit).await;
        assert_eq!(items, whole, "{path}");
        assert_eq!(pages, expected.div_ceil(limit).max(1), "{path}");
    }
}

#[tokio::test]
async fn what_comes_meanwhile_moves_no_page() {
    let paddock = busy().await;
    let first = paddock.get("/api/v1/audit?limit=2").await.json;
    paddock.post("/api/v1/freeze", &json!({})).await.expect(200);
    let next = first["next_cursor"].as_str().unwrap();
    let second = paddock.get(&format!("/api/v1/audit?limit=2&cursor={next}")).await.json;
    let seq = |page: &Value, item: usize| page["items"][item]["seq"].as_u64().unwrap();
    assert_eq!(seq(&second, 0), seq(&first, 1) - 1);
}

#[tokio::test]
async fn a_cursor_that_was_not_given_out_is_refused() {
    let paddock = busy().await;
    let foreign = paddock.get("/api/v1/keys?limit=1").await.json["next_cursor"].as_str().unwrap().to_owned();
    for path in ["connections", "approvals", "requests", "audit", "freezes"] {
        for cursor in ["", "x", "1", "00000000", &foreign] {
            let reply = paddock.get(&format!("/api/v1/{path}?cursor={cursor}")).await;
            reply.expect_problem(400, "invalid_parameter");
            assert_eq!(reply.json["extra"]["parameter"], "cursor");
        }
    }
}
