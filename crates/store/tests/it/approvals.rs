//! Held requests: one answer each, whoever gives it and however often.

use jiff::Timestamp;
use paddock_core::id::ApprovalId;
use paddock_store::{
    AccessKey, ApprovalState, Approved, Consent, Held, Intent, NewApproval, Store, StoreError,
};

use crate::support::*;

on_both!(
    a_request_is_held_once_and_read_back,
    no_more_than_so_many_wait,
    a_yes_reserves_once_on_however_many_nodes,
    what_is_over_stays_over,
    a_refused_yes_ends_it_and_reserves_nothing,
    a_freeze_ends_what_waits_below_it,
);

fn consent(id: ApprovalId, at: Timestamp) -> Consent {
    Consent { id, actor: PERSON, by: Some("anna".to_owned()), reason: None, at }
}

fn intent_of(key: &AccessKey, held: &NewApproval) -> Intent {
    Intent { request: held.request, ..intent(key) }
}

async fn hold(store: &Store, held: &NewApproval) -> ApprovalId {
    match store.hold(held.clone(), &PERSON, 20).await.unwrap() {
        Held::Waits { id, .. } => id,
        Held::TooMany => panic!("too many wait"),
    }
}

async fn approve(store: &Store, key: &AccessKey, held: &NewApproval, dollars: &str) -> Approved {
    let intent = intent_of(key, held);
    let decide = deciding(&key.scope, &intent, Some(dec(dollars)));
    store.approve(consent(held.id, later(1)), intent, decide).await.unwrap()
}

async fn a_request_is_held_once_and_read_back(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let held = new_approval(&it.key, 1);
    assert_eq!(hold(&store, &held).await, held.id);
    let read = store.approval(held.id).await.unwrap().unwrap();
    assert_eq!((&read.held, read.state, &read.answer), (&held, ApprovalState::Pending, &None));
    assert_eq!(hold(&store, &new_approval(&it.key, 1)).await, held.id);
    assert_ne!(hold(&store, &new_approval(&it.key, 2)).await, held.id);
    assert_eq!(store.approvals(it.user, Some(at()), None, 9).await.unwrap().len(), 2);
    assert_eq!(store.approvals(it.user, Some(held.expires_at), None, 9).await.unwrap(), []);
    for waiting in [None, Some(at())] {
        let both = store.approvals(it.user, waiting, None, 9).await.unwrap();
        let first = &both[0].held;
        let place = (first.requested_at, &*first.id.to_string());
        assert_eq!(store.approvals(it.user, waiting, None, 1).await.unwrap(), both[..1]);
        assert_eq!(store.approvals(it.user, waiting, Some(place), 9).await.unwrap(), both[1..]);
    }
    store.verify_audit().await.unwrap();
}

async fn no_more_than_so_many_wait(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    for number in 0..3 {
        hold(&store, &new_approval(&it.key, number)).await;
    }
    assert_eq!(store.hold(new_approval(&it.key, 3), &PERSON, 3).await.unwrap(), Held::TooMany);
    // Those that nobody answered do not count.
    let late = NewApproval { requested_at: later(60_000_000), ..new_approval(&it.key, 3) };
    assert!(matches!(store.hold(late, &PERSON, 3).await.unwrap(), Held::Waits { .. }));
}

async fn a_yes_reserves_once_on_however_many_nodes(database: Database) {
    let nodes = [database.open().await, database.open().await];
    let it = furnish(&nodes[0], trader()).await;
    let held = new_approval(&it.key, 1);
    hold(&nodes[0], &held).await;
    let clicks = (0..8).map(|number| approve(&nodes[number % 2], &it.key, &held, "100"));
    let outcomes = futures_util::future::join_all(clicks).await;
    let permitted = outcomes.iter().filter(|one| matches!(one, Approved::Permitted(_))).count();
    let over = outcomes.iter().filter(|one| matches!(one, Approved::Ended(ApprovalState::Approved))).count();
    assert_eq!((permitted, over), (1, 7));
    assert_eq!(nodes[1].usage(it.key.id, day()).await.unwrap().orders, 1);
    assert_eq!(nodes[1].open_reservations().await.unwrap().len(), 1);
    let read = nodes[1].approval(held.id).await.unwrap().unwrap();
    assert_eq!((read.state, read.outcome.as_deref()), (ApprovalState::Approved, Some("reserved")));
    nodes[0].note_answer(held.id, 200, b"{}").await.unwrap();
    assert_eq!(nodes[1].approval(held.id).await.unwrap().unwrap().answer, Some((200, b"{}".to_vec())));
    nodes[1].verify_audit().await.unwrap();
}

async fn what_is_over_stays_over(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let (denied, late) = (new_approval(&it.key, 1), new_approval(&it.key, 2));
    hold(&store, &denied).await;
    hold(&store, &late).await;
    assert_eq!(store.deny(consent(denied.id, later(1))).await.unwrap(), None);
    let ended = |outcome| matches!(outcome, Approved::Ended(ApprovalState::Denied));
    assert!(ended(approve(&store, &it.key, &denied, "1").await));
    assert_eq!(store.deny(consent(late.id, late.expires_at)).await.unwrap(), Some(ApprovalState::Expired));
    assert_eq!(store.expire_approvals(late.expires_at).await.unwrap(), 1);
    assert_eq!(store.approval(late.id).await.unwrap().unwrap().state, ApprovalState::Expired);
    let nothing = new_approval(&it.key, 3);
    let missing = store.deny(consent(nothing.id, at())).await;
    assert!(matches!(missing, Err(StoreError::NotFound { what: "approval" })), "{missing:?}");
    assert!(store.open_reservations().await.unwrap().is_empty());
    // Another request's reservation does not pass for this one's.
    let held = new_approval(&it.key, 4);
    hold(&store, &held).await;
    let other = intent(&it.key);
    let decide = deciding(&it.key.scope, &other, Some(dec("1")));
    assert!(store.approve(consent(held.id, later(1)), other, decide).await.is_err());
    store.verify_audit().await.unwrap();
}

async fn a_refused_yes_ends_it_and_reserves_nothing(database: Database) {
    let store = database.open().await;
    let mut scope = trader();
    scope.max_order_notional = Some(dec("50"));
    let it = furnish(&store, scope).await;
    let held = new_approval(&it.key, 1);
    hold(&store, &held).await;
    assert!(matches!(approve(&store, &it.key, &held, "51").await, Approved::Refused(_)));
    assert_eq!(store.approval(held.id).await.unwrap().unwrap().state, ApprovalState::Refused);
    assert!(matches!(approve(&store, &it.key, &held, "1").await, Approved::Ended(ApprovalState::Refused)));
    assert!(store.open_reservations().await.unwrap().is_empty());
    assert_eq!(store.usage(it.key.id, day()).await.unwrap().orders, 0);
    store.verify_audit().await.unwrap();
}

async fn a_freeze_ends_what_waits_below_it(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let other = access_key(it.connection.id, "other", trader());
    store.insert_key(&other, &PERSON, at()).await.unwrap();
    let (one, two) = (new_approval(&it.key, 1), new_approval(&other, 1));
    hold(&store, &one).await;
    hold(&store, &two).await;
    let state = async |held: &NewApproval| store.approval(held.id).await.unwrap().unwrap().state;
    store.set_key_frozen(it.key.id, true, &PERSON, later(1)).await.unwrap();
    assert_eq!((state(&one).await, state(&two).await), (ApprovalState::Void, ApprovalState::Pending));
    store.set_connection_frozen(it.connection.id, true, &PERSON, later(2)).await.unwrap();
    assert_eq!(state(&two).await, ApprovalState::Void);
    store.verify_audit().await.unwrap();
}
