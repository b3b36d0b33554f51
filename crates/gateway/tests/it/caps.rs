//! Caps under load.

use std::sync::Arc;

use paddock_core::Clock as _;
use paddock_core::calendar::trading_date;
use rust_decimal::Decimal;
use serde_json::json;

use crate::rig::{Rig, trader};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_orders_at_once_do_not_overshoot_a_cap_of_ten() {
    let rig = Arc::new(Rig::start().await);
    let mut scope = trader();
    scope.max_daily_notional = Some(Decimal::from(1000));
    let pair = rig.key(scope).await;
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let (rig, pair) = (Arc::clone(&rig), pair.clone());
            tokio::spawn(async move {
                let body = json!({"symbol":"AAPL","notional":"100","side":"buy","type":"market","time_in_force":"day"});
                rig.order(&pair, body).await.0
            })
        })
        .collect();
    let mut permitted = 0;
    for task in tasks {
        match task.await.unwrap() {
            200 => permitted += 1,
            status => assert_eq!(status, 403),
        }
    }
    assert_eq!(permitted, 10);
    assert_eq!(rig.broker.changes().len(), 10);
    let used = rig.store.usage(pair.id, trading_date(rig.clock.now())).await.unwrap();
    assert_eq!((used.orders, used.notional), (10, Decimal::from(1000)));
    assert!(rig.store.verify_audit().await.is_ok());
}

#[tokio::test]
async fn a_new_york_day_begins_with_nothing_used() {
    let rig = Rig::start().await;
    let mut scope = trader();
    scope.max_daily_orders = Some(1);
    let pair = rig.key(scope).await;
    let body = json!({"symbol":"AAPL","notional":"100","side":"buy","type":"market","time_in_force":"day"});
    assert_eq!(rig.order(&pair, body.clone()).await.0, 200);
    let (status, refusal) = rig.order(&pair, body.clone()).await;
    assert_eq!((status, refusal["reason"].as_str()), (403, Some("daily_orders_exceeded")));
    // 04:59 UTC on the next day is still the same day in New York; 05:00 UTC is not.
    rig.clock.set("2026-11-21T04:59:59Z".parse().unwrap());
    assert_eq!(rig.order(&pair, body.clone()).await.0, 403);
    rig.clock.set("2026-11-21T05:00:00Z".parse().unwrap());
    assert_eq!(rig.order(&pair, body).await.0, 200);
}
