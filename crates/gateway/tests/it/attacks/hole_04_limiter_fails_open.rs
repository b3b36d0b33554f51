//! When what counts cannot count, nothing passes that would be counted.

use std::time::{Duration, Instant};

use super::{ORDER, ask, reason};
use crate::rig::{Rig, trader};
use crate::ways::Way;

#[tokio::test]
async fn without_the_database_no_order_passes_and_nobody_waits_long() {
    let rig = Rig::start().await;
    let mut scope = trader();
    scope.max_daily_orders = Some(1000);
    let pair = rig.key(scope).await;
    rig.store.close().await;
    let orders = [
        ("POST /v2/orders", ORDER),
        ("PATCH /v2/orders/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", r#"{"qty":"2"}"#),
        ("DELETE /v2/positions/AAPL", ""),
        ("DELETE /v2/positions", ""),
        ("DELETE /v2/orders", ""),
    ];
    for way in Way::ALL {
        for (line, body) in orders {
            let begun = Instant::now();
            let (status, answer) = ask(&rig, way, line, &pair, body).await;
            assert_eq!(
                (status, reason(&answer).as_str()),
                (503, "audit_unavailable"),
                "{way:?} {line}: {answer}"
            );
            assert!(begun.elapsed() < Duration::from_secs(10), "{line} took {:?}", begun.elapsed());
        }
    }
    assert!(rig.broker.changes().is_empty(), "{:?}", rig.broker.changes());
}
