//! Writing together: each gets its own result, in a bounded time, whatever happens to the others or to the database.

use std::pin::Pin;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use paddock_core::audit::{AuditEvent, ChainVerifier};
use paddock_core::id::{AccessKeyId, RequestId};
use paddock_core::{Permit, ReasonCode, Refusal, Usage};
use paddock_store::{AuditQuery, Settlement, Store, StoreError};
use rust_decimal::Decimal;

use crate::support::*;

on_both!(
    one_that_fails_spoils_no_other,
    what_waits_together_is_counted_one_after_the_other,
    a_lock_that_is_held_gives_a_refusal_in_time,
    what_comes_too_late_is_released_again,
    a_caller_that_has_gone_is_not_served,
    a_transaction_that_the_database_ends_is_not_the_last,
);

type Asked<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Everything that is asked for here waits for the same lock, and so is written together.
async fn together<T: Send + 'static>(database: &Database, asked: Vec<Asked<T>>) -> Vec<T> {
    let held = database.hold().await;
    let mut tasks: Vec<_> = asked.into_iter().map(tokio::spawn).collect();
    // The first is in the midst of its wait for the lock when the others come.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    drop(held);
    let mut outcomes = Vec::new();
    for task in &mut tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

async fn one_that_fails_spoils_no_other(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let before = store.audit_head().await.unwrap().0;
    let mut asked: Vec<Asked<Result<bool, StoreError>>> = Vec::new();
    for number in 0..30_u32 {
        let (store, key, scope) = (store.clone(), it.key.clone(), it.key.scope.clone());
        asked.push(match number {
            // There is no such reservation, which shows before anything is written.
            3 => Box::pin(async move {
                store.settle(request_id(), &Settlement::Unknown, at()).await.map(|()| true)
            }),
            // There is no such key, which the database finds only when it is written.
            10 | 11 => Box::pin(async move {
                let mut intent = intent(&key);
                intent.key = AccessKeyId::generate(at(), &ENTROPY);
                let decision = deciding(&scope, &intent, Some(dec("1")));
                store.reserve(&intent, decision).await.map(|outcome| outcome.is_ok())
            }),
            20 => Box::pin(async move {
                let event = AuditEvent::BackupWritten { records: 20 };
                store.append_audit(&PERSON, &event, at()).await.map(|_| true)
            }),
            _ => Box::pin(async move {
                let intent = intent(&key);
                let decision = deciding(&scope, &intent, Some(dec("1")));
                store.reserve(&intent, decision).await.map(|outcome| outcome.is_ok())
            }),
        });
    }
    let outcomes = together(&database, asked).await;
    for (number, outcome) in outcomes.iter().enumerate() {
        match number {
            3 => assert!(matches!(outcome, Err(StoreError::NotFound { .. })), "{outcome:?}"),
            10 | 11 => assert!(matches!(outcome, Err(StoreError::Failed { .. })), "{outcome:?}"),
            _ => assert!(matches!(outcome, Ok(true)), "{number}: {outcome:?}"),
        }
    }
    assert_eq!(store.usage(it.key.id, day()).await.unwrap(), used(26, "26"));
    assert_eq!(store.open_reservations().await.unwrap().len(), 26);
    assert_eq!(store.audit_head().await.unwrap().0, before + 27);
    store.verify_audit().await.unwrap();
}

fn used(orders: u32, notional: &str) -> Usage {
    Usage { orders, notional: dec(notional), ..Usage::none(day()) }
}

async fn what_waits_together_is_counted_one_after_the_other(database: Database) {
    let store = database.open().await;
    let mut scope = trader();
    scope.max_daily_orders = Some(7);
    let it = furnish(&store, scope).await;
    let asked = (0..40).map(|_| {
        let (store, key) = (store.clone(), it.key.clone());
        Box::pin(async move {
            let intent = intent(&key);
            let decision = deciding(&key.scope, &intent, Some(dec("1")));
            (intent.request, store.reserve(&intent, decision).await.unwrap())
        }) as Asked<(RequestId, Result<Permit, Refusal>)>
    });
    let outcomes = together(&database, asked.collect()).await;
    let refused: Vec<_> = outcomes.iter().filter_map(|(_, outcome)| outcome.as_ref().err()).collect();
    assert_eq!(refused.len(), 33);
    assert!(refused.iter().all(|refusal| refusal.code == ReasonCode::DailyOrdersExceeded));
    // The chain has exactly those that were permitted, and links.
    let query = AuditQuery { after: Some(0), limit: 1000, ..AuditQuery::default() };
    let (mut chain, mut permitted) = (ChainVerifier::default(), 0);
    for record in store.audit_page(&query).await.unwrap() {
        chain.check(&record).unwrap();
        if let Ok(AuditEvent::RequestPermitted { request, .. }) = record.event() {
            permitted += 1;
            assert!(outcomes.iter().any(|(one, outcome)| *one == request && outcome.is_ok()));
        }
    }
    assert_eq!(permitted, 7);
}

async fn reserve_one(store: &Store, key: &paddock_store::AccessKey) -> Result<(), StoreError> {
    let intent = intent(key);
    let decision = deciding(&key.scope, &intent, Some(dec("1")));
    store.reserve(&intent, decision).await.map(drop)
}

async fn a_lock_that_is_held_gives_a_refusal_in_time(database: Database) {
    let store = database.open().await.with_patience(Duration::from_secs(60));
    let impatient = store.clone().with_patience(Duration::from_millis(100));
    let it = furnish(&store, trader()).await;
    let held = database.hold().await;
    let started = Instant::now();
    for _ in 0..3 {
        let refused = reserve_one(&impatient, &it.key).await;
        assert!(matches!(refused, Err(StoreError::TooSlow)), "{refused:?}");
    }
    assert!(started.elapsed() < Duration::from_secs(20));
    drop(held);
    // It goes on by itself, and what nobody waits for any more was not reserved.
    while reserve_one(&store, &it.key).await.is_err() {}
    store.append_audit(&PERSON, &AuditEvent::BackupWritten { records: 0 }, at()).await.unwrap();
    assert_eq!(store.open_reservations().await.unwrap().len(), 1);
    assert_eq!(store.usage(it.key.id, day()).await.unwrap(), used(1, "1"));
    store.verify_audit().await.unwrap();
}

async fn what_comes_too_late_is_released_again(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let impatient = store.clone().with_patience(Duration::from_millis(50));
    let (go, wait) = mpsc::channel();
    let intent = intent(&it.key);
    let mut decision = deciding(&it.key.scope, &intent, Some(dec("5")));
    // It is decided while its caller gives up.
    let decided_late = Box::new(move |usage: &Usage| {
        tokio::task::block_in_place(|| wait.recv().unwrap());
        decision(usage)
    });
    let refused = impatient.reserve(&intent, decided_late).await;
    assert!(matches!(refused, Err(StoreError::TooSlow)), "{refused:?}");
    go.send(()).unwrap();
    let answered = AuditEvent::RequestAnswered { request: intent.request, status: None, order_id: None };
    let mut changes = store.audit_changes();
    let query = AuditQuery { limit: 1, ..AuditQuery::default() };
    while store.audit_page(&query).await.unwrap()[0].event().unwrap() != answered {
        changes.changed().await.unwrap();
    }
    assert_eq!(store.open_reservations().await.unwrap(), []);
    let usage = store.usage(it.key.id, day()).await.unwrap();
    assert_eq!((usage.orders, usage.notional), (0, Decimal::ZERO));
    store.verify_audit().await.unwrap();
}

async fn a_caller_that_has_gone_is_not_served(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let before = store.audit_head().await.unwrap();
    let held = database.hold().await;
    for _ in 0..5 {
        let (store, key) = (store.clone(), it.key.clone());
        let task = tokio::spawn(async move { reserve_one(&store, &key).await });
        tokio::task::yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }
    drop(held);
    store.append_audit(&PERSON, &AuditEvent::BackupWritten { records: 0 }, at()).await.unwrap();
    assert_eq!(store.audit_head().await.unwrap().0, before.0 + 1);
    assert_eq!(store.open_reservations().await.unwrap(), []);
}

/// A full disk makes SQLite end the whole transaction by itself, of which the driver knows nothing.
async fn a_transaction_that_the_database_ends_is_not_the_last(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let (on, off) = if database.is_sqlite() {
        (
            "CREATE TRIGGER broken BEFORE INSERT ON reservations BEGIN SELECT RAISE(ROLLBACK, 'gone'); END",
            "DROP TRIGGER broken",
        )
    } else {
        (
            "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'gone'; END $$;
             CREATE TRIGGER broken BEFORE INSERT ON reservations FOR EACH ROW EXECUTE FUNCTION broken()",
            "DROP TRIGGER broken ON reservations",
        )
    };
    database.try_execute(on).await.unwrap();
    for _ in 0..3 {
        assert!(matches!(reserve_one(&store, &it.key).await, Err(StoreError::Failed { .. })));
    }
    database.try_execute(off).await.unwrap();
    reserve_one(&store, &it.key).await.unwrap();
    assert_eq!(store.usage(it.key.id, day()).await.unwrap(), used(1, "1"));
    store.verify_audit().await.unwrap();
}
