//! Requests and audit records as people look for them.

use std::collections::BTreeMap;

use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::decide::ReasonCode;
use paddock_core::id::UserId;
use paddock_store::{
    AccessKey, Activity, ActivityDecision, ActivityQuery, Consent, RecordQuery, Sender, Settlement,
    StepState, Store,
};

use crate::support::*;

on_both!(
    a_request_is_followed_from_its_permit_to_its_answer,
    refusals_keep_their_reason_and_numbers,
    a_held_request_keeps_its_place,
    every_filter_finds_what_it_names,
    pages_lead_through_all_of_it_once,
    nothing_is_shown_to_another_user,
    what_was_removed_from_the_audit_is_gone_here_too,
);

async fn index(store: &Store) {
    while store.index_activity().await.unwrap() > 0 {}
}

async fn listed(store: &Store, query: ActivityQuery) -> Vec<Activity> {
    index(store).await;
    store.activity(&query).await.unwrap()
}

fn refusal(key: &AccessKey, symbol: &str, reason: ReasonCode) -> (Actor, AuditEvent) {
    let event = AuditEvent::RequestRefused {
        request: request_id(),
        operation: "postOrder".to_owned(),
        target: "POST /v2/orders".to_owned(),
        reason,
        message: format!("this access key may not trade {symbol}"),
        numbers: BTreeMap::from([("symbol".to_owned(), symbol.to_owned())]),
        connection: Some(key.connection),
        summary: Some(format!("buy 1 {symbol} market")),
        network: Some("192.0.2.7".parse().unwrap()),
    };
    (Actor::AccessKey { id: key.id, name: key.name.clone() }, event)
}

async fn refuse(store: &Store, key: &AccessKey, symbol: &str, reason: ReasonCode, micros: i64) {
    let (actor, event) = refusal(key, symbol, reason);
    store.append_audit(&actor, &event, later(micros)).await.unwrap();
}

async fn a_request_is_followed_from_its_permit_to_its_answer(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let intent = reserve(&store, &it.key, "5").await;
    let sent = listed(&store, ActivityQuery::of(it.user)).await;
    assert_eq!((sent[0].decision, sent[0].state), (ActivityDecision::Permitted, Some(StepState::Sent)));
    assert_eq!((sent[0].sender, sent[0].who.as_str()), (Sender::AccessKey, it.key.name.as_str()));
    assert_eq!(
        (sent[0].connection, sent[0].client_order_id.clone()),
        (Some(it.connection.id), intent.client_order_id.clone())
    );
    store.settle(intent.request, &Settlement::Unknown, later(8)).await.unwrap();
    assert_eq!(listed(&store, ActivityQuery::of(it.user)).await[0].state, Some(StepState::Unknown));
    let confirmed = Settlement::Confirmed { status: Some(200), order_id: Some("order-1".to_owned()) };
    store.settle(intent.request, &confirmed, later(9)).await.unwrap();
    let done = listed(&store, ActivityQuery::of(it.user)).await;
    assert_eq!(done.len(), 1, "one request, however many records");
    assert_eq!((done[0].state, done[0].status), (Some(StepState::Done), Some(200)));
    assert_eq!((done[0].order_id.as_deref(), done[0].answered_at), (Some("order-1"), Some(later(9))));
    let about = store.records_about(it.user, intent.request).await.unwrap();
    let names: Vec<_> = about.iter().map(|record| record.event().unwrap().name()).collect();
    assert_eq!(names, ["request_permitted", "request_answered", "request_answered"]);
}

async fn refusals_keep_their_reason_and_numbers(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    refuse(&store, &it.key, "TSLA", ReasonCode::SymbolNotAllowed, 1).await;
    let found = listed(&store, ActivityQuery::of(it.user)).await;
    assert_eq!(found[0].decision, ActivityDecision::Refused);
    assert_eq!(found[0].reason.as_deref(), Some("symbol_not_allowed"));
    assert_eq!(found[0].numbers["symbol"], "TSLA");
    assert_eq!(found[0].network, Some("192.0.2.7".parse().unwrap()));
    assert_eq!((found[0].state, found[0].summary.as_deref()), (None, Some("buy 1 TSLA market")));
}

async fn a_held_request_keeps_its_place(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let (first, second) = (new_approval(&it.key, 1), new_approval(&it.key, 2));
    let key = Actor::AccessKey { id: it.key.id, name: it.key.name.clone() };
    for held in [&first, &second] {
        store.hold(held.clone(), &key, 20).await.unwrap();
    }
    let held = listed(
        &store,
        ActivityQuery { decision: Some(ActivityDecision::Held), ..ActivityQuery::of(it.user) },
    )
    .await;
    assert_eq!(held.len(), 2);
    let no =
        Consent { id: first.id, actor: PERSON, by: None, reason: Some("too late".to_owned()), at: later(3) };
    store.deny(no).await.unwrap();
    let yes = Consent { id: second.id, actor: PERSON, by: None, reason: None, at: later(3) };
    let intent = paddock_store::Intent { request: second.request, ..intent(&it.key) };
    let decide = deciding(&it.key.scope, &intent, Some(dec("5")));
    store.approve(yes, intent, decide).await.unwrap();
    let now = listed(&store, ActivityQuery::of(it.user)).await;
    let of = |request| now.iter().find(|one| one.request == request).unwrap();
    assert_eq!(of(first.request).reason.as_deref(), Some("approval_denied"));
    assert_eq!(of(first.request).message.as_deref(), Some("too late"));
    let sent = of(second.request);
    assert_eq!((sent.decision, sent.reason.as_deref()), (ActivityDecision::Permitted, None));
    assert_eq!((sent.who.as_str(), now.len()), (it.key.name.as_str(), 2));
}

async fn every_filter_finds_what_it_names(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let intent = reserve(&store, &it.key, "5").await;
    let confirmed = Settlement::Confirmed { status: Some(200), order_id: Some("order-1".to_owned()) };
    store.settle(intent.request, &confirmed, later(9)).await.unwrap();
    refuse(&store, &it.key, "TSLA", ReasonCode::SymbolNotAllowed, 20).await;
    refuse(&store, &it.key, "BTC/USD", ReasonCode::Frozen, 30).await;
    let all = || ActivityQuery::of(it.user);
    let text = |text: &str| Some(text.to_owned());
    for (query, expected) in [
        (all(), 3),
        (ActivityQuery { who: text(&it.key.name), sender: Some(Sender::AccessKey), ..all() }, 3),
        (ActivityQuery { who: text("somebody"), ..all() }, 0),
        (ActivityQuery { connection: Some(it.connection.id), ..all() }, 3),
        (ActivityQuery { decision: Some(ActivityDecision::Refused), ..all() }, 2),
        (ActivityQuery { reason: text("frozen"), ..all() }, 1),
        (ActivityQuery { operation: text("postOrder"), ..all() }, 3),
        (ActivityQuery { symbol: text("TSLA"), ..all() }, 1),
        (ActivityQuery { symbol: text("btcusd"), ..all() }, 1),
        (ActivityQuery { symbol: text("BTC/USD"), reason: text("frozen"), ..all() }, 1),
        (ActivityQuery { symbol: text("BTC/USD"), reason: text("symbol_not_allowed"), ..all() }, 0),
        (ActivityQuery { order: text("order-1"), ..all() }, 1),
        (ActivityQuery { order: intent.client_order_id.clone(), ..all() }, 1),
        (ActivityQuery { order: text(&intent.request.to_string()), ..all() }, 1),
        (ActivityQuery { order: text("order-1"), symbol: text("TSLA"), ..all() }, 0),
        (ActivityQuery { from: Some(later(20)), ..all() }, 2),
        (ActivityQuery { to: Some(later(30)), from: Some(later(20)), ..all() }, 1),
    ] {
        assert_eq!(listed(&store, query.clone()).await.len(), expected, "{query:?}");
    }
    let records = |event: Option<&str>, actor: Option<&str>| RecordQuery {
        user: it.user,
        event: event.map(str::to_owned),
        actor: actor.map(str::to_owned),
        from: None,
        to: None,
        before: None,
        after: None,
        limit: 100,
    };
    let count = async |query| store.records_of(&query).await.unwrap().len();
    assert_eq!(count(records(Some("request_refused"), None)).await, 2);
    assert_eq!(count(records(None, Some(&it.key.name))).await, 4);
    assert_eq!(count(records(None, None)).await as u64, store.audit_head().await.unwrap().0);
}

async fn pages_lead_through_all_of_it_once(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    // Several at the same instant, as a burst brings them.
    for number in 0..23 {
        refuse(&store, &it.key, "TSLA", ReasonCode::SymbolNotAllowed, number / 5).await;
    }
    for symbol in [None, Some("TSLA".to_owned())] {
        let mut seen = Vec::new();
        let mut query = ActivityQuery { symbol, limit: 4, ..ActivityQuery::of(it.user) };
        loop {
            let page = listed(&store, query.clone()).await;
            let Some(last) = page.last() else { break };
            query.before = Some(last.cursor());
            seen.extend(page.into_iter().map(|one| (one.at, one.seq)));
        }
        assert_eq!(seen.len(), 23);
        assert!(seen.is_sorted_by(|a, b| a > b), "the newest first, each once");
    }
}

async fn nothing_is_shown_to_another_user(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let intent = reserve(&store, &it.key, "5").await;
    let stranger = UserId::generate(at(), &ENTROPY);
    assert_eq!(listed(&store, ActivityQuery::of(stranger)).await, []);
    assert_eq!(store.activity_of(stranger, intent.request).await.unwrap(), None);
    assert_eq!(store.records_about(stranger, intent.request).await.unwrap(), []);
    assert!(store.activity_of(it.user, intent.request).await.unwrap().is_some());
}

async fn what_was_removed_from_the_audit_is_gone_here_too(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    crate::retention::make_key(&store, it.dek).await;
    refuse(&store, &it.key, "TSLA", ReasonCode::SymbolNotAllowed, 1).await;
    let signed = crate::retention::checkpoint(&store).await;
    refuse(&store, &it.key, "MSFT", ReasonCode::SymbolNotAllowed, 2).await;
    index(&store).await;
    store.prune_audit(&signed, &PERSON, at()).await.unwrap();
    let left = listed(&store, ActivityQuery::of(it.user)).await;
    assert_eq!(left.iter().map(|one| one.numbers["symbol"].as_str()).collect::<Vec<_>>(), ["MSFT"]);
    let gone = ActivityQuery { symbol: Some("TSLA".to_owned()), ..ActivityQuery::of(it.user) };
    assert_eq!(listed(&store, gone).await, []);
}
