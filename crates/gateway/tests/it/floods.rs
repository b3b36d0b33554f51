//! A flood of requests beyond a key's rate leaves two records: one when it begins, and one that counts the rest when it is over.

use std::time::Duration;

use paddock_core::Scope;
use paddock_core::audit::AuditEvent;
use paddock_store::AuditQuery;

use crate::rig::{Pair, Rig, trader};

/// The refusals that were recorded of a key, each with the requests before it that have no record of their own.
async fn recorded(rig: &Rig, pair: &Pair) -> Vec<(String, Option<u64>)> {
    let query = AuditQuery { limit: 1000, ..AuditQuery::default() };
    let records = rig.store.audit_page(&query).await.unwrap();
    let mut found = Vec::new();
    for record in records {
        let is_of_key = record.actor.contains(&pair.id.to_string());
        if let Ok(AuditEvent::RequestRefused { operation, numbers, .. }) = record.event()
            && is_of_key
        {
            found.push((operation, numbers.get("unrecorded_before").map(|count| count.parse().unwrap())));
        }
    }
    found
}

fn once_a_minute() -> Scope {
    Scope { max_requests_per_minute: Some(1), ..trader() }
}

async fn flood(rig: &Rig, pair: &Pair, refusals: usize) {
    assert_eq!(rig.send("GET", "/v2/account", pair, None).await.0, 200);
    for _ in 0..refusals {
        assert_eq!(rig.send("GET", "/v2/account", pair, None).await.0, 429);
    }
}

#[tokio::test]
async fn what_is_left_of_a_flood_is_recorded_when_it_is_over() {
    let rig = Rig::start().await;
    let (loud, quiet) = (rig.key(once_a_minute()).await, rig.key(once_a_minute()).await);
    flood(&rig, &loud, 7).await;
    flood(&rig, &quiet, 1).await;
    assert_eq!(recorded(&rig, &loud).await, [("getAccount".to_owned(), None)]);
    rig.clock.advance(Duration::from_secs(61));
    // The house is kept a last time at the end.
    rig.shut_down().await;
    let mut of_loud = recorded(&rig, &loud).await;
    of_loud.sort();
    assert_eq!(of_loud, [("getAccount".to_owned(), None), ("several".to_owned(), Some(6))]);
    assert_eq!(recorded(&rig, &quiet).await, [("getAccount".to_owned(), None)], "nothing is left of it");
    rig.store.verify_audit().await.unwrap();
}

/// The next flood's first record counts what was left of the one before, which is then not counted again.
#[tokio::test]
async fn nothing_is_counted_twice() {
    let rig = Rig::start().await;
    let pair = rig.key(once_a_minute()).await;
    flood(&rig, &pair, 4).await;
    rig.clock.advance(Duration::from_secs(61));
    flood(&rig, &pair, 1).await;
    rig.shut_down().await;
    let counts: u64 = recorded(&rig, &pair).await.iter().filter_map(|(_, count)| *count).sum();
    assert_eq!(counts, 3);
}
