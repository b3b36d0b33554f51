//! The audit chain over the API.

use paddock_core::audit::{AuditRecord, ChainVerifier};
use serde_json::json;

use crate::harness::Paddock;

#[tokio::test]
async fn an_export_verifies_elsewhere() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.post("/api/v1/freeze", &json!({})).await.expect(200);
    let reply = paddock.get("/api/v1/audit/export").await;
    assert_eq!(reply.expect(200).headers["content-type"], "application/x-ndjson");
    let mut verifier = ChainVerifier::default();
    for line in reply.text().lines() {
        verifier.check(&serde_json::from_str::<AuditRecord>(line).unwrap()).unwrap();
    }
    let verified = paddock.get("/api/v1/audit/verify").await.json;
    assert_eq!(verified["valid"], true);
    assert_eq!(verified["records"], verifier.count());
    assert_eq!(verified["head"], verifier.head().to_string());
}

#[tokio::test]
async fn pages_go_both_ways() {
    let paddock = Paddock::start().await;
    for _ in 0..3 {
        paddock.post("/api/v1/freeze", &json!({})).await.expect(200);
        paddock.post("/api/v1/unfreeze", &json!({})).await.expect(200);
    }
    let numbers = |reply: crate::harness::Reply| -> Vec<u64> {
        reply.json["records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| record["seq"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(numbers(paddock.get("/api/v1/audit?limit=2").await), [7, 6]);
    assert_eq!(numbers(paddock.get("/api/v1/audit?limit=2&before=6").await), [5, 4]);
    assert_eq!(numbers(paddock.get("/api/v1/audit?limit=2&after=3").await), [4, 5]);
    assert_eq!(numbers(paddock.get("/api/v1/audit?event=unfrozen").await), [7, 5, 3]);
    let record = &paddock.get("/api/v1/audit?limit=1").await.json["records"][0];
    assert_eq!(record["event"], json!({ "event": "unfrozen", "what": "everything", "id": null }));
}
