//! What a person cancels and closes by hand goes through the one door, and is sent once.

#![expect(clippy::panic, reason = "a test stops where something is not as it should be")]

use std::time::Duration;

use paddock_alpaca::close_position::ClosePart;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::decide::Passing;
use paddock_core::{Clock as _, ReasonCode};
use paddock_gateway::{EquityPeriod, HandAct, HandDone, HandOrder, HandOutcome, LookFault};
use paddock_store::{ActivityQuery, AuditQuery, Freezing, Sender, StepState, Subject};
use paddock_vault::OsEntropy;
use rstest::rstest;
use rust_decimal::Decimal;
use serde_json::json;
use uuid::Uuid;

use crate::broker::{self, Reply};
use crate::rig::{Pair, Rig, trader};

fn person() -> Actor {
    Actor::Person { id: paddock_core::id::PersonId::from_uuid(Uuid::nil()), name: "anna".to_owned() }
}

fn order(rig: &Rig, act: HandAct, once: Option<&str>) -> HandOrder {
    HandOrder {
        connection: rig.connection,
        act,
        actor: person(),
        network: Some("192.0.2.9".parse().unwrap()),
        once: once.map(str::to_owned),
    }
}

fn close(symbol: &str, part: ClosePart) -> HandAct {
    HandAct::Close { symbol: symbol.to_owned(), part }
}

async fn freeze(rig: &Rig, subject: Subject, passing: &str) {
    let freezing = Freezing { passing: passing.parse().unwrap(), ..Freezing::of(subject) };
    rig.store.freeze(&freezing, &Actor::Operator, rig.clock.now()).await.unwrap();
    rig.control.reload().await.unwrap();
}

#[tokio::test]
async fn a_person_closes_half_then_cancels_at_the_built_in_broker() {
    let (rig, _broker, _) = Rig::at_built_in_broker().await;
    let key = rig.key(trader()).await;
    let buy = json!({"symbol": "AAPL", "qty": "4", "side": "buy", "type": "market", "time_in_force": "day"});
    let (status, placed) = rig.order(&key, buy).await;
    assert_eq!(status, 200, "{placed}");
    wait_until_filled(&rig, &key, placed["id"].as_str().unwrap()).await;
    let held = rig.control.positions(rig.connection).await.unwrap();
    assert_eq!(held[0].qty, Decimal::from(4));

    let half = close("AAPL", ClosePart::Percentage(Decimal::from(50)));
    let HandOutcome::Done(done) = rig.control.act_by_hand(order(&rig, half, None)).await.unwrap() else {
        panic!("it was not done")
    };
    let sold = done.order_id.clone().unwrap();
    wait_until_filled(&rig, &key, &sold).await;
    rig.clock.advance(Duration::from_secs(2));
    assert_eq!(rig.control.positions(rig.connection).await.unwrap()[0].qty, Decimal::from(2));
    let who = rig.store.who_closed(rig.connection, std::slice::from_ref(&sold)).await.unwrap();
    assert_eq!(who[&sold], person());

    let limit = json!({"symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "limit_price": "1",
                       "time_in_force": "gtc"});
    let (_, waiting) = rig.order(&key, limit).await;
    let id: Uuid = waiting["id"].as_str().unwrap().parse().unwrap();
    let canceled = rig.control.act_by_hand(order(&rig, HandAct::Cancel(id), None)).await.unwrap();
    assert!(matches!(canceled, HandOutcome::Done(_)), "{canceled:?}");
    assert_eq!(rig.control.orders(rig.connection, None).await.unwrap().len(), 0);
    rig.clock.advance(Duration::from_secs(1));
    // It is gone, so Alpaca says what it says of an order that has ended.
    let again = rig.control.act_by_hand(order(&rig, HandAct::Cancel(id), None)).await.unwrap();
    assert!(matches!(again, HandOutcome::Alpaca(_)), "{again:?}");

    rig.store.index_activity().await.unwrap();
    let by_anna = ActivityQuery { sender: Some(Sender::Person), ..ActivityQuery::of(rig.user) };
    let found = rig.store.activity(&by_anna).await.unwrap();
    let states: Vec<_> = found.iter().rev().map(|one| one.state.unwrap()).collect();
    assert_eq!(states, [StepState::Done, StepState::Done, StepState::Failed]);
    let sale = found.last().unwrap();
    assert_eq!(sale.summary.as_deref(), Some("sell 2 AAPL market"));
    assert_eq!((sale.who.as_str(), sale.order_id.as_deref()), ("anna", Some(sold.as_str())));
    rig.store.verify_audit().await.unwrap();
}

async fn wait_until_filled(rig: &Rig, key: &Pair, id: &str) {
    for _ in 0..200 {
        if rig.send("GET", &format!("/v2/orders/{id}"), key, None).await.1["status"] == "filled" {
            return;
        }
        rig.clock.advance(Duration::from_millis(100));
    }
    panic!("{id} was not filled");
}

#[rstest]
#[case::cancels_pass_a_freeze("cancels", HandAct::CancelAll, true)]
#[case::closes_do_not("cancels", close("AAPL", ClosePart::All), false)]
#[case::unless_they_shall("cancels,closes", close("AAPL", ClosePart::All), true)]
#[case::nothing_is_nothing("nothing", HandAct::CancelAll, false)]
#[tokio::test]
async fn a_freeze_holds_for_persons_too(
    #[case] passing: &str,
    #[case] act: HandAct,
    #[case] passes: bool,
    #[values(true, false)] everything: bool,
) {
    let rig = Rig::start().await;
    let subject = if everything { Subject::Everything } else { Subject::Connection(rig.connection) };
    freeze(&rig, subject, passing).await;
    let outcome = rig.control.act_by_hand(order(&rig, act, None)).await.unwrap();
    if passes {
        assert!(matches!(outcome, HandOutcome::Done(_)), "{outcome:?}");
        assert_eq!(rig.broker.changes().len(), 1);
        assert_eq!(rig.newest_events(2).await, ["request_permitted", "request_answered"]);
    } else {
        assert!(matches!(&outcome, HandOutcome::Refused(refusal) if refusal.code == ReasonCode::Frozen));
        assert_eq!(rig.broker.changes().len(), 0);
        assert_eq!(rig.newest_events(1).await, ["request_refused"]);
    }
}

#[tokio::test]
async fn a_freeze_in_memory_holds_at_once() {
    let rig = Rig::start().await;
    rig.control.hold(Subject::Connection(rig.connection), Passing::NOTHING);
    let outcome = rig.control.act_by_hand(order(&rig, HandAct::CancelAll, None)).await.unwrap();
    assert!(matches!(outcome, HandOutcome::Refused(_)), "{outcome:?}");
    rig.control.let_go(Subject::Connection(rig.connection));
    let outcome = rig.control.act_by_hand(order(&rig, HandAct::CancelAll, None)).await.unwrap();
    assert!(matches!(outcome, HandOutcome::Done(_)), "{outcome:?}");
}

#[tokio::test]
async fn two_clicks_on_one_form_send_one_close() {
    let rig = Rig::start().await;
    let part = ClosePart::Quantity(Decimal::ONE);
    let click = || rig.control.act_by_hand(order(&rig, close("AAPL", part), Some("form-1")));
    let (first, second) = tokio::join!(click(), click());
    let outcomes = [first.unwrap(), second.unwrap()];
    let done = outcomes.iter().filter(|one| matches!(one, HandOutcome::Done(_))).count();
    let repeated = outcomes.iter().filter(|one| matches!(one, HandOutcome::Repeated(_))).count();
    assert_eq!((done, repeated), (1, 1), "{outcomes:?}");
    // And so does a third that comes when all is over: the page was loaded again.
    let third = click().await.unwrap();
    let HandOutcome::Repeated(known) = third else { panic!("{third:?}") };
    assert_eq!((known.state, known.order_id.is_some()), (StepState::Done, true));
    // The same name for something else is a slip, and a slip sends nothing.
    let other = order(&rig, close("AAPL", ClosePart::All), Some("form-1"));
    assert_eq!(rig.control.act_by_hand(other).await.unwrap(), HandOutcome::NameTaken);
    let changes = rig.broker.changes();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].target, "/v2/positions/AAPL?qty=1");
    assert!(changes[0].headers.contains_key("apca-api-secret-key"));
}

#[tokio::test]
async fn a_lost_answer_is_said_to_be_lost_and_nothing_is_sent_again() {
    let rig = Rig::start().await;
    rig.broker.script(|got| if got.method == "DELETE" { Reply::HangUp } else { broker::well_behaved(got) });
    let part = ClosePart::Quantity(Decimal::ONE);
    let click = |once| rig.control.act_by_hand(order(&rig, close("AAPL", part), once));
    let lost = click(Some("form-1")).await.unwrap();
    let HandOutcome::Unknown(request) = lost else { panic!("{lost:?}") };
    assert_eq!(rig.store.by_hand(request).await.unwrap().unwrap().state, StepState::Unknown);
    assert!(matches!(click(Some("form-1")).await.unwrap(), HandOutcome::Repeated(_)));
    // Another form, another person: the first close can still arrive.
    assert!(matches!(click(Some("form-2")).await.unwrap(), HandOutcome::Busy(_)));
    assert_eq!(rig.broker.changes().len(), 1);
    let query = AuditQuery { limit: 1, ..AuditQuery::default() };
    let record = rig.store.audit_page(&query).await.unwrap().remove(0);
    assert_eq!(
        record.event().unwrap(),
        AuditEvent::RequestAnswered { request, status: None, order_id: None }
    );

    rig.broker.script(broker::well_behaved);
    rig.clock.advance(Duration::from_secs(76));
    let now = click(Some("form-3")).await.unwrap();
    assert!(matches!(now, HandOutcome::Done(HandDone { order_id: Some(_), .. })), "{now:?}");
    rig.store.verify_audit().await.unwrap();
}

#[rstest]
#[case::ended(422, "order is already in \"filled\" state", false)]
#[case::held_by_an_order(403, "insufficient qty available for order", true)]
#[case::gone(404, "position does not exist", true)]
#[tokio::test]
async fn what_alpaca_refuses_is_told_in_its_own_words(
    #[case] status: u16,
    #[case] message: &'static str,
    #[case] closes: bool,
) {
    let rig = Rig::start().await;
    rig.broker.script(move |got| {
        if got.method == "DELETE" {
            broker::json(status, &json!({"code": 40_010_001, "message": message}))
        } else {
            broker::well_behaved(got)
        }
    });
    let act = if closes { close("AAPL", ClosePart::All) } else { HandAct::Cancel(Uuid::nil()) };
    let outcome = rig.control.act_by_hand(order(&rig, act, None)).await.unwrap();
    let HandOutcome::Alpaca(error) = outcome else { panic!("{outcome:?}") };
    assert_eq!((error.status, error.message.as_ref()), (status, message));
}

#[tokio::test]
async fn what_a_dead_process_left_is_told_to_be_lost() {
    let rig = Rig::start().await;
    let left = paddock_store::HandRequest {
        request: paddock_core::id::RequestId::generate(rig.clock.now(), &OsEntropy),
        connection: rig.connection,
        actor: person(),
        operation: "deleteOpenPosition".to_owned(),
        target: "AAPL".to_owned(),
        wanted: "DELETE /v2/positions/AAPL".to_owned(),
        once: None,
        state: StepState::Sent,
        status: None,
        order_id: None,
        detail: None,
        at: rig.clock.now(),
        settled_at: None,
    };
    rig.store.begin_by_hand(&left, &AuditEvent::CheckedIn, None).await.unwrap();
    rig.control.recover().await.unwrap();
    assert_eq!(rig.store.by_hand(left.request).await.unwrap().unwrap().state, StepState::Sent);
    rig.clock.advance(Duration::from_secs(76));
    rig.control.recover().await.unwrap();
    assert_eq!(rig.store.by_hand(left.request).await.unwrap().unwrap().state, StepState::Unknown);
}

#[tokio::test]
async fn looking_asks_alpaca_once_a_second() {
    let rig = Rig::start().await;
    let reads = |rig: &Rig| rig.broker.got().iter().filter(|got| got.target == "/v2/account").count();
    let (one, two) = tokio::join!(rig.control.account(rig.connection), rig.control.account(rig.connection));
    assert_eq!(one.unwrap().equity, two.unwrap().equity);
    assert_eq!(reads(&rig), 1);
    rig.clock.advance(Duration::from_secs(2));
    rig.control.account(rig.connection).await.unwrap();
    assert_eq!(reads(&rig), 2);
    let stranger = paddock_core::id::ConnectionId::generate(rig.clock.now(), &OsEntropy);
    assert_eq!(rig.control.account(stranger).await.unwrap_err(), LookFault::NoSuchConnection);
}

#[tokio::test]
async fn a_curve_is_read_from_the_built_in_broker() {
    let (rig, _broker, _) = Rig::at_built_in_broker().await;
    for period in EquityPeriod::ALL {
        let curve = rig.control.equity(rig.connection, *period).await.unwrap();
        assert_eq!(curve.timestamp.len(), curve.equity.len(), "{period}");
    }
}
