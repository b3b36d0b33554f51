//! What persons do by hand: written before it is sent, and once.

use jiff::SignedDuration;
use paddock_core::TradingMode;
use paddock_core::audit::AuditEvent;
use paddock_core::id::ConnectionId;
use paddock_store::{BegunByHand, HandRequest, StepState, Trading, TradingChange};

use crate::support::*;

on_both!(
    what_carries_the_same_name_begins_once,
    a_close_waits_for_the_one_before_it,
    what_is_settled_stays_so,
    trading_is_manual_until_somebody_says_otherwise,
);

const ALONE: Option<SignedDuration> = Some(SignedDuration::from_secs(75));

pub fn close(connection: ConnectionId, symbol: &str, once: Option<&str>) -> HandRequest {
    HandRequest {
        request: request_id(),
        connection,
        actor: PERSON,
        operation: "deleteOpenPosition".to_owned(),
        target: symbol.to_owned(),
        wanted: format!("DELETE /v2/positions/{symbol}"),
        once: once.map(str::to_owned),
        state: StepState::Sent,
        status: None,
        order_id: None,
        detail: None,
        at: later(4),
        settled_at: None,
    }
}

async fn what_carries_the_same_name_begins_once(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let (records, _) = store.audit_head().await.unwrap();
    let first = close(it.connection.id, "AAPL", Some("form-1"));
    let begun = store.begin_by_hand(&first, &AuditEvent::CheckedIn, None).await.unwrap();
    assert_eq!(begun, BegunByHand::Begun);
    let again = close(it.connection.id, "AAPL", Some("form-1"));
    let begun = store.begin_by_hand(&again, &AuditEvent::CheckedIn, None).await.unwrap();
    assert_eq!(begun, BegunByHand::Repeated(Box::new(first)));
    let something_else = close(it.connection.id, "MSFT", Some("form-1"));
    let begun = store.begin_by_hand(&something_else, &AuditEvent::CheckedIn, None).await.unwrap();
    assert_eq!(begun, BegunByHand::NameTaken);
    let other = close(it.connection.id, "AAPL", Some("form-2"));
    assert_eq!(store.begin_by_hand(&other, &AuditEvent::CheckedIn, None).await.unwrap(), BegunByHand::Begun);
    assert_eq!(store.audit_head().await.unwrap().0, records + 2);
}

async fn a_close_waits_for_the_one_before_it(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let begin = async |request: &HandRequest| {
        store.begin_by_hand(request, &AuditEvent::CheckedIn, ALONE).await.unwrap()
    };
    let mut first = close(it.connection.id, "AAPL", None);
    assert_eq!(begin(&first).await, BegunByHand::Begun);
    let second = close(it.connection.id, "AAPL", None);
    assert_eq!(begin(&second).await, BegunByHand::Busy(first.at));
    assert_eq!(begin(&close(it.connection.id, "MSFT", None)).await, BegunByHand::Begun);
    // A lost answer keeps others away, until it can no longer be on its way.
    first.state = StepState::Unknown;
    store.settle_by_hand(&first, later(5)).await.unwrap();
    assert_eq!(begin(&second).await, BegunByHand::Busy(first.at));
    let late = HandRequest { at: later(4 + 76_000_000), ..close(it.connection.id, "AAPL", None) };
    assert_eq!(begin(&late).await, BegunByHand::Begun);
}

async fn what_is_settled_stays_so(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let mut request = close(it.connection.id, "AAPL", None);
    store.begin_by_hand(&request, &AuditEvent::CheckedIn, ALONE).await.unwrap();
    assert_eq!(store.unsettled_by_hand(later(4)).await.unwrap(), []);
    assert_eq!(store.unsettled_by_hand(later(5)).await.unwrap(), [request.clone()]);
    request.state = StepState::Done;
    request.status = Some(200);
    request.order_id = Some("order-1".to_owned());
    store.settle_by_hand(&request, later(6)).await.unwrap();
    let lost = HandRequest { state: StepState::Unknown, ..request.clone() };
    store.settle_by_hand(&lost, later(7)).await.unwrap();
    let read = store.by_hand(request.request).await.unwrap().unwrap();
    assert_eq!((read.state, read.settled_at), (StepState::Done, Some(later(6))));
    let who =
        store.who_closed(it.connection.id, &["order-1".to_owned(), "order-2".to_owned()]).await.unwrap();
    assert_eq!(who.into_iter().collect::<Vec<_>>(), [("order-1".to_owned(), PERSON)]);
    store.verify_audit().await.unwrap();
}

async fn trading_is_manual_until_somebody_says_otherwise(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    assert_eq!(store.trading(it.user).await.unwrap(), Trading::default());
    let (records, _) = store.audit_head().await.unwrap();
    let copilot = TradingChange { mode: Some(TradingMode::Copilot), ..TradingChange::default() };
    let now = store.change_trading(it.user, &copilot, &PERSON, later(1)).await.unwrap();
    assert_eq!((now.mode, now.paused), (TradingMode::Copilot, false));
    let pause =
        TradingChange { paused: Some(true), reason: Some("earnings".to_owned()), ..TradingChange::default() };
    let now = store.change_trading(it.user, &pause, &PERSON, later(2)).await.unwrap();
    assert_eq!((now.mode, now.paused, now.reason.as_deref()), (TradingMode::Copilot, true, Some("earnings")));
    // What is so already is no news.
    assert_eq!(store.change_trading(it.user, &pause, &PERSON, later(3)).await.unwrap(), now);
    assert_eq!(store.trading(it.user).await.unwrap(), now);
    assert_eq!(store.audit_head().await.unwrap().0, records + 2);
}
