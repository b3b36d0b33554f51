//! Freeze and unfreeze, of a key, a connection and everything, each in effect with the next request.

use rstest::rstest;
use serde_json::json;

use crate::harness::{LIVE, Paddock};

#[rstest]
#[case("/api/v1/keys/reader")]
#[case("/api/v1/connections/my-paper")]
#[case("/api/v1")]
#[tokio::test]
async fn a_freeze_holds_at_once_until_it_is_ended(#[case] what: &str) {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let key = paddock.issue_key("reader", &json!({ "preset": "read-only" })).await;
    assert_eq!(paddock.through_gateway("/v2/account", &key).await, 200);
    for _ in 0..2 {
        // Freezing what is frozen is no error: whoever is in a hurry presses twice.
        paddock.post(&format!("{what}/freeze"), &json!({})).await.expect(200);
        assert_eq!(paddock.through_gateway("/v2/account", &key).await, 403);
    }
    paddock.post(&format!("{what}/unfreeze"), &json!({})).await.expect(200);
    assert_eq!(paddock.through_gateway("/v2/account", &key).await, 200);
    let frozen = paddock.get("/api/v1/audit?event=frozen").await;
    assert_eq!(frozen.json["items"].as_array().unwrap().len(), 1, "{frozen:?}");
    assert_eq!(frozen.json["items"][0]["actor"]["kind"], "operator");
}

#[tokio::test]
async fn what_was_frozen_by_itself_stays_so() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.issue_key("reader", &json!({ "preset": "read-only" })).await;
    paddock.post("/api/v1/keys/reader/freeze", &json!({})).await.expect(200);
    paddock.post("/api/v1/freeze", &json!({})).await.expect(200);
    paddock.post("/api/v1/unfreeze", &json!({})).await.expect(200);
    assert_eq!(paddock.get("/api/v1/keys/reader").await.json["frozen"], true);
}

#[tokio::test]
async fn the_active_connection_changes_hands() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    paddock.connect("real", "live", &LIVE).await.expect(201);
    let reply = paddock.post("/api/v1/connections/real/activate", &json!({})).await;
    assert_eq!(reply.expect(200).json["active"], true);
    let status = paddock.get("/api/v1/status").await;
    assert_eq!(status.json["connections"], json!({ "paper": 1, "live": 1, "frozen": 0, "active": "real" }));
}

#[tokio::test]
async fn whoever_hangs_up_has_frozen_everything_all_the_same() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let key = paddock.issue_key("reader", &json!({ "preset": "read-only" })).await;
    {
        let body = json!({});
        let call = std::pin::pin!(paddock.post("/api/v1/freeze", &body));
        // Begun, and then dropped as when the client is gone.
        assert!(futures_util::poll!(call).is_pending());
    }
    let frozen = async {
        while paddock.through_gateway("/v2/account", &key).await != 403 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), frozen).await.unwrap();
}
