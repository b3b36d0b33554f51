//! How access keys are used.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use paddock_core::id::AccessKeyId;
use paddock_core::unusual::{Learned, Unusual};
use paddock_store::{DayOfUse, KeyUse};

use crate::support::*;

on_both!(what_is_counted_adds_up_and_is_remembered);

pub fn some_use(key: AccessKeyId, day: jiff::civil::Date, micros: i64, address: &str) -> KeyUse {
    KeyUse {
        key,
        name: "bot".to_owned(),
        days: vec![DayOfUse {
            day,
            requests: 10,
            reads: 5,
            orders: 3,
            failed: 0,
            busiest_minute: 7,
            refused: BTreeMap::from([("daily_orders_exceeded".to_owned(), 2)]),
        }],
        last: Some((later(micros), address.parse().unwrap())),
        agent: "python".to_owned(),
        first_at: Some(later(micros)),
        learned: Learned { networks: vec![format!("{address}/24")], hours: vec![34] },
        unusual: vec![(later(micros), (Unusual::NewNetwork, address.to_owned()))],
    }
}

async fn what_is_counted_adds_up_and_is_remembered(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let yesterday = day().checked_sub(1.day()).unwrap();
    let foreign = AccessKeyId::generate(at(), &ENTROPY);
    let uses = [
        some_use(it.key.id, yesterday, 0, "192.0.2.1"),
        some_use(it.key.id, day(), 5, "192.0.2.1"),
        some_use(foreign, day(), 5, "192.0.2.1"),
    ];
    store.write_key_use(&uses).await.unwrap();
    store.write_key_use(&[some_use(it.key.id, day(), 9, "198.51.100.1")]).await.unwrap();

    let days = store.key_days(it.key.id, yesterday).await.unwrap();
    let counts: Vec<_> =
        days.iter().map(|day| (day.day, day.requests, day.orders, day.busiest_minute)).collect();
    assert_eq!(counts, [(day(), 20, 6, 7), (yesterday, 10, 3, 7)]);
    assert_eq!(days[0].refused["daily_orders_exceeded"], 4);
    assert_eq!(store.key_days(it.key.id, day()).await.unwrap().len(), 1);
    let last = store.last_use(it.key.id).await.unwrap().unwrap();
    assert_eq!((last.first_at, last.at, last.address.as_str()), (at(), later(9), "198.51.100.1"));
    assert_eq!(store.last_use(foreign).await.unwrap(), None);

    let habits = store.habits(day()).await.unwrap();
    let [(key, habits)] = habits.as_slice() else { panic!("{habits:?}") };
    assert_eq!((*key, habits.first_at, habits.days, habits.busiest_minute), (it.key.id, Some(at()), 1, 7));
    assert_eq!(habits.networks.len(), 2);
    assert_eq!(habits.hours.iter().collect::<Vec<_>>(), [&34]);
    assert!(habits.refusals.contains("daily_orders_exceeded"));
    assert_eq!(habits.said[&Unusual::NewNetwork], day());
    assert_eq!(habits.today(), (day(), 7));
}
