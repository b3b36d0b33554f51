//! Nothing changes at the broker without a durable record, and no refusal goes unrecorded without saying so.

use paddock_store::AuditQuery;

use super::{ORDER, ask, reason};
use crate::rig::{Rig, trader};
use crate::ways::Way;

#[tokio::test]
async fn what_cannot_be_recorded_is_not_forwarded_and_reads_go_on() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    rig.store.close().await;
    for way in Way::ALL {
        for (line, body) in [("POST /v2/orders", ORDER), ("POST /v2/watchlists", r#"{"name":"a"}"#)] {
            let (status, answer) = ask(&rig, way, line, &pair, body).await;
            assert_eq!((status, reason(&answer).as_str()), (503, "audit_unavailable"), "{way:?}: {answer}");
        }
        // What would have been refused still is, for a reason that says what is wrong here.
        let (status, answer) = ask(&rig, way, "GET /v2/perpetuals/leverage", &pair, "").await;
        assert_eq!((status, reason(&answer).as_str()), (503, "audit_unavailable"), "{way:?}: {answer}");
        assert_eq!(ask(&rig, way, "GET /v2/account", &pair, "").await.0, 200, "a read needs no record");
    }
    assert!(rig.broker.changes().is_empty());
}

/// When the broker hears of a change, the record of it can be read already.
#[tokio::test]
async fn the_record_is_there_before_the_broker_hears_of_it() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    for way in Way::ALL {
        assert_eq!(ask(&rig, way, "POST /v2/orders", &pair, ORDER).await.0, 200);
    }
    let records = rig.store.audit_page(&AuditQuery::default()).await.unwrap();
    let permitted = records.iter().filter(|record| record.event.contains("request_permitted")).count();
    assert_eq!((permitted, rig.broker.changes().len()), (3, 3));
}
