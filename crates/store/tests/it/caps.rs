//! Reserving and settling.

use std::future::Future;
use std::task::Poll;

use paddock_core::audit::AuditEvent;
use paddock_core::usage::Charge;
use paddock_core::{ReasonCode, Usage};
use paddock_store::{AuditQuery, Settlement, Store, StoreError};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::support::*;

on_both!(
    many_at_once_never_exceed_a_cap,
    two_nodes_never_exceed_a_cap,
    a_refusal_writes_nothing,
    a_crash_between_reserve_and_settle_keeps_what_was_reserved,
    settling_twice_changes_nothing,
    a_release_gives_back_exactly,
    what_is_unknown_can_become_known,
    a_request_that_takes_nothing_is_recorded_all_the_same,
    a_replacement_counts_what_its_order_has_taken,
    days_are_counted_apart,
    a_sum_that_is_not_exact_is_not_made,
    a_caller_that_gives_up_leaves_nothing_half_done,
    any_sequence_keeps_usage_at_the_sum_of_what_was_not_released,
);

fn confirmed(order_id: Option<&str>) -> Settlement {
    Settlement::Confirmed { status: Some(200), order_id: order_id.map(str::to_owned) }
}

const RELEASED: Settlement = Settlement::Released { status: Some(422) };

fn used(orders: u32, notional: &str) -> Usage {
    Usage { orders, notional: dec(notional), ..Usage::none(day()) }
}

async fn race(stores: &[Store], key: &paddock_store::AccessKey, orders: usize) -> usize {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..orders {
        let (store, key) = (stores[number % stores.len()].clone(), key.clone());
        tasks.spawn(async move {
            let intent = intent(&key);
            let decision = deciding(&key.scope, &intent, Some(dec("7.35")));
            match store.reserve(&intent, decision).await.unwrap() {
                Ok(_) => true,
                Err(refusal) => {
                    assert_eq!(refusal.code, ReasonCode::DailyNotionalExceeded);
                    false
                }
            }
        });
    }
    tasks.join_all().await.into_iter().filter(|permitted| *permitted).count()
}

async fn many_at_once_never_exceed_a_cap(database: Database) {
    let store = database.open().await;
    let mut scope = trader();
    scope.max_daily_notional = Some(dec("100"));
    let it = furnish(&store, scope).await;
    // 13 times 7.35 is 95.55, and a fourteenth would exceed 100.
    assert_eq!(race(std::slice::from_ref(&store), &it.key, 64).await, 13);
    assert_eq!(store.usage(it.key.id, day()).await.unwrap(), used(13, "95.55"));
    assert_eq!(store.open_reservations().await.unwrap().len(), 13);
    store.verify_audit().await.unwrap();
}

async fn two_nodes_never_exceed_a_cap(database: Database) {
    let stores = [database.open().await, database.open().await];
    let mut scope = trader();
    scope.max_daily_notional = Some(dec("100"));
    let it = furnish(&stores[0], scope).await;
    assert_eq!(race(&stores, &it.key, 32).await, 13);
    assert_eq!(stores[1].usage(it.key.id, day()).await.unwrap(), used(13, "95.55"));
    stores[1].verify_audit().await.unwrap();
}

async fn a_refusal_writes_nothing(database: Database) {
    let store = database.open().await;
    let mut scope = trader();
    scope.max_daily_orders = Some(1);
    let it = furnish(&store, scope).await;
    reserve(&store, &it.key, "5").await;
    let before = (store.audit_head().await.unwrap(), store.usage(it.key.id, day()).await.unwrap());
    let intent = intent(&it.key);
    let decision = deciding(&it.key.scope, &intent, Some(dec("5")));
    let refusal = store.reserve(&intent, decision).await.unwrap().unwrap_err();
    assert_eq!(refusal.code, ReasonCode::DailyOrdersExceeded);
    assert_eq!((store.audit_head().await.unwrap(), store.usage(it.key.id, day()).await.unwrap()), before);
    assert_eq!(store.open_reservations().await.unwrap().len(), 1);
}

async fn a_crash_between_reserve_and_settle_keeps_what_was_reserved(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let intent = reserve(&store, &it.key, "123.45").await;
    drop(store);
    let store = database.open().await;
    let open = store.open_reservations().await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].request, intent.request);
    assert_eq!((open[0].key, open[0].connection, open[0].at), (intent.key, intent.connection, intent.at));
    assert_eq!((&open[0].operation, &open[0].client_order_id), (&intent.operation, &intent.client_order_id));
    assert_eq!(open[0].charge, Charge { orders: 1, notional: dec("123.45"), ..Charge::default() });
    assert_eq!(store.usage(it.key.id, day()).await.unwrap(), used(1, "123.45"));
    store.verify_audit().await.unwrap();
}

async fn settling_twice_changes_nothing(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    for first in [confirmed(Some("order-1")), RELEASED] {
        let intent = reserve(&store, &it.key, "10").await;
        store.settle(intent.request, &first, at()).await.unwrap();
        let before = (store.audit_head().await.unwrap(), store.usage(it.key.id, day()).await.unwrap());
        for second in [confirmed(Some("order-2")), RELEASED, Settlement::Unknown] {
            store.settle(intent.request, &second, at()).await.unwrap();
        }
        assert_eq!((store.audit_head().await.unwrap(), store.usage(it.key.id, day()).await.unwrap()), before);
    }
    assert_eq!(store.usage(it.key.id, day()).await.unwrap(), used(1, "10"));
    let unheard = store.settle(request_id(), &RELEASED, at()).await;
    assert!(matches!(unheard, Err(StoreError::NotFound { what: "reservation" })));
}

async fn a_release_gives_back_exactly(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    reserve(&store, &it.key, "0.000000001").await;
    let before = store.usage(it.key.id, day()).await.unwrap();
    let intent = reserve(&store, &it.key, "999999999999999.999999999").await;
    store.settle(intent.request, &RELEASED, at()).await.unwrap();
    assert_eq!(store.usage(it.key.id, day()).await.unwrap(), before);
    assert_eq!(store.open_reservations().await.unwrap().len(), 1);
}

async fn what_is_unknown_can_become_known(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let (one, two) = (reserve(&store, &it.key, "1").await, reserve(&store, &it.key, "2").await);
    for intent in [&one, &two] {
        store.settle(intent.request, &Settlement::Unknown, at()).await.unwrap();
        store.settle(intent.request, &Settlement::Unknown, at()).await.unwrap();
    }
    assert_eq!(store.open_reservations().await.unwrap().len(), 2);
    assert_eq!(store.usage(it.key.id, day()).await.unwrap(), used(2, "3"));
    store.settle(one.request, &confirmed(Some("order-1")), at()).await.unwrap();
    store.settle(two.request, &RELEASED, at()).await.unwrap();
    assert_eq!(store.open_reservations().await.unwrap(), []);
    assert_eq!(store.usage(it.key.id, day()).await.unwrap(), used(1, "1"));
    let query = AuditQuery { event: Some("request_answered".to_owned()), ..AuditQuery::default() };
    let answers = store.audit_page(&query).await.unwrap();
    assert_eq!(answers.len(), 4);
    assert_eq!(answers[0].actor().unwrap(), two.actor, "whoever asked is whom the answer is recorded for");
    let answered = AuditEvent::RequestAnswered { request: two.request, status: Some(422), order_id: None };
    assert_eq!(answers[0].event().unwrap(), answered);
}

async fn a_request_that_takes_nothing_is_recorded_all_the_same(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let before = store.audit_head().await.unwrap().0;
    let intent = intent(&it.key);
    _ = store.reserve(&intent, deciding(&it.key.scope, &intent, None)).await.unwrap().unwrap();
    assert_eq!(store.audit_head().await.unwrap().0, before + 1);
    assert_eq!(store.open_reservations().await.unwrap().len(), 1);
    assert_eq!(store.usage(it.key.id, day()).await.unwrap(), Usage::none(day()));
    store.settle(intent.request, &RELEASED, at()).await.unwrap();
    assert_eq!(store.usage(it.key.id, day()).await.unwrap(), Usage::none(day()));
}

async fn a_replacement_counts_what_its_order_has_taken(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let first = reserve(&store, &it.key, "100").await;
    assert_eq!(store.charged_for_order(it.key.id, "order-1").await.unwrap(), Decimal::ZERO);
    store.settle(first.request, &confirmed(Some("order-1")), at()).await.unwrap();
    assert_eq!(store.charged_for_order(it.key.id, "order-1").await.unwrap(), dec("100"));

    let mut replacement = intent(&it.key);
    replacement.already_charged = store.charged_for_order(it.key.id, "order-1").await.unwrap();
    let decision = deciding(&it.key.scope, &replacement, Some(dec("130")));
    _ = store.reserve(&replacement, decision).await.unwrap().unwrap();
    store.settle(replacement.request, &confirmed(Some("order-2")), at()).await.unwrap();
    assert_eq!(store.charged_for_order(it.key.id, "order-2").await.unwrap(), dec("130"));
    assert_eq!(store.usage(it.key.id, day()).await.unwrap(), used(2, "130"));

    let other = access_key(it.connection.id, "other", trader());
    store.insert_key(&other, &PERSON, at()).await.unwrap();
    assert_eq!(store.charged_for_order(other.id, "order-2").await.unwrap(), Decimal::ZERO);
}

async fn days_are_counted_apart(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let today = reserve(&store, &it.key, "10").await;
    let mut tomorrow = intent(&it.key);
    tomorrow.day = day().tomorrow().unwrap();
    let decision = deciding(&it.key.scope, &tomorrow, Some(dec("20")));
    _ = store.reserve(&tomorrow, decision).await.unwrap().unwrap();
    // Settled after midnight, but given back to the day that it was taken from.
    store.settle(today.request, &RELEASED, later(86_400_000_000)).await.unwrap();
    assert_eq!(store.usage(it.key.id, day()).await.unwrap(), used(0, "0"));
    assert_eq!(store.usage(it.key.id, tomorrow.day).await.unwrap().notional, dec("20"));
}

async fn a_sum_that_is_not_exact_is_not_made(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    reserve(&store, &it.key, "10000000000").await;
    let before = store.audit_head().await.unwrap();
    let intent = intent(&it.key);
    let tiny = Decimal::new(1, 28);
    let refused = store.reserve(&intent, deciding(&it.key.scope, &intent, Some(tiny))).await;
    assert!(matches!(refused, Err(StoreError::AmountTooLarge)), "{refused:?}");
    assert_eq!(store.audit_head().await.unwrap(), before);
    // The connection is as good as before.
    reserve(&store, &it.key, "1").await;
}

/// Drives `future` so many times and then drops it, as a server does when its client hangs up.
async fn give_up_after<F: Future>(polls: usize, future: F) {
    let (mut future, mut left) = (Box::pin(future), polls);
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        future.as_mut().poll(context).map(drop)
    })
    .await;
}

async fn a_caller_that_gives_up_leaves_nothing_half_done(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    for polls in 1..40 {
        let intent = intent(&it.key);
        let decision = deciding(&it.key.scope, &intent, Some(dec("1.01")));
        give_up_after(polls, store.reserve(&intent, decision)).await;
        // Whether it was reserved or not, the next one waits until that is settled and finds a sound database.
        let next = reserve(&store, &it.key, "0.01").await;
        give_up_after(polls, store.settle(next.request, &RELEASED, at())).await;
    }
    store.append_audit(&PERSON, &AuditEvent::BackupWritten { records: 0 }, at()).await.unwrap();
    let taken = database.texts("SELECT notional FROM reservations WHERE state <> 'released'").await;
    let sum: Decimal = taken.iter().map(|notional| dec(notional)).sum();
    let usage = store.usage(it.key.id, day()).await.unwrap();
    assert_eq!((usage.notional, usage.orders as usize), (sum, taken.len()));
    store.verify_audit().await.unwrap();
}

#[derive(Clone, Debug)]
enum Step {
    Reserve(Decimal),
    Settle(usize, Settlement),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let amount = (1_i64..1_000_000_000_000, 0_u32..=9).prop_map(|(units, scale)| Decimal::new(units, scale));
    let outcome = prop_oneof![Just(RELEASED), Just(Settlement::Unknown), Just(confirmed(None))];
    let step = prop_oneof![
        amount.prop_map(Step::Reserve),
        (any::<usize>(), outcome).prop_map(|(which, outcome)| Step::Settle(which, outcome)),
    ];
    prop::collection::vec(step, 1..25)
}

async fn any_sequence_keeps_usage_at_the_sum_of_what_was_not_released(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let handle = tokio::runtime::Handle::current();
    let (store, connection) = (&store, it.connection.id);
    tokio::task::block_in_place(|| {
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
            cases: 24,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        runner.run(&steps(), |steps| handle.block_on(check_sequence(store, connection, steps))).unwrap();
    });
    store.verify_audit().await.unwrap();
}

async fn check_sequence(
    store: &Store,
    connection: paddock_core::id::ConnectionId,
    steps: Vec<Step>,
) -> Result<(), TestCaseError> {
    let mut key = access_key(connection, "", trader());
    key.name = format!("bot {}", key.id);
    store.insert_key(&key, &PERSON, at()).await.unwrap();
    // What a person would write down: each order with its amount, and whether it may still change.
    let mut book: Vec<(paddock_core::id::RequestId, Decimal, bool)> = Vec::new();
    for step in steps {
        match step {
            Step::Reserve(amount) => {
                let intent = reserve(store, &key, &amount.to_string()).await;
                book.push((intent.request, amount, true));
            }
            Step::Settle(which, outcome) if !book.is_empty() => {
                let which = which % book.len();
                let (request, amount, changeable) = &mut book[which];
                store.settle(*request, &outcome, at()).await.unwrap();
                if *changeable && outcome == RELEASED {
                    *amount = Decimal::ZERO;
                }
                *changeable &= outcome == Settlement::Unknown;
            }
            Step::Settle(..) => {}
        }
        let usage = store.usage(key.id, day()).await.unwrap();
        let taken: Vec<Decimal> =
            book.iter().map(|(_, amount, _)| *amount).filter(|one| !one.is_zero()).collect();
        prop_assert_eq!(usage.notional, taken.iter().sum::<Decimal>());
        prop_assert_eq!(usage.orders as usize, taken.len());
    }
    Ok(())
}
