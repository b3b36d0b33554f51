//! Orders that wait for a person: what is held, what a yes sends, and that it is sent once.

use std::time::Duration;

use paddock_core::audit::Actor;
use paddock_core::calendar::trading_date;
use paddock_core::id::ApprovalId;
use paddock_core::{Clock as _, ReasonCode, Scope};
use paddock_gateway::{ApprovalOutcome, Control};
use paddock_store::{ApprovalState, Consent, Target};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::broker::{json as answer, well_behaved};
use crate::rig::{Pair, Rig, second_node, trader};

/// A trader whose orders over $500 wait for a person.
pub fn watched(more: impl FnOnce(&mut Scope)) -> Scope {
    let mut scope = Scope { approval_over: Some(Decimal::from(500)), ..trader() };
    more(&mut scope);
    scope
}

/// A market order of shares at about $100.
pub fn shares(quantity: &str) -> Value {
    json!({"symbol": "AAPL", "qty": quantity, "side": "buy", "type": "market", "time_in_force": "day"})
}

fn consent(rig: &Rig, id: ApprovalId) -> Consent {
    let (by, reason) = (Some("anna".to_owned()), Some("looks right".to_owned()));
    Consent { id, actor: Actor::Operator, by, reason, at: rig.clock.now() }
}

pub async fn approve(rig: &Rig, id: ApprovalId) -> ApprovalOutcome {
    rig.control.approve(consent(rig, id)).await.unwrap()
}

/// Sends an order that must be held.
pub async fn held(rig: &Rig, pair: &Pair, body: Value) -> ApprovalId {
    let (status, told) = rig.order(pair, body).await;
    assert_eq!((status, told["code"].as_u64()), (403, Some(40_390_040)), "{told}");
    assert_eq!(told["reason"], "approval_required");
    told["approval_id"].as_str().unwrap().parse().unwrap()
}

async fn state(rig: &Rig, id: ApprovalId) -> ApprovalState {
    rig.store.approval(id).await.unwrap().unwrap().state_at(rig.clock.now())
}

fn posts(rig: &Rig) -> usize {
    rig.broker.changes().len()
}

async fn orders_charged(rig: &Rig, pair: &Pair) -> u32 {
    rig.store.usage(pair.id, trading_date(rig.clock.now())).await.unwrap().orders
}

/// The one request that waits, as soon as there is one.
async fn waiting(rig: &Rig) -> ApprovalId {
    let mut changes = rig.store.audit_changes();
    loop {
        if let Some(one) =
            rig.store.approvals(rig.user, Some(rig.clock.now()), None, 9).await.unwrap().first()
        {
            return one.held.id;
        }
        changes.changed().await.unwrap();
    }
}

#[tokio::test]
async fn an_order_over_the_threshold_waits_and_is_sent_as_it_was_approved() {
    let rig = Rig::start().await;
    let pair = rig.key(watched(|_| ())).await;
    assert_eq!(rig.order(&pair, shares("5")).await.0, 200, "$500 is not over $500");
    let id = held(&rig, &pair, shares("6")).await;
    assert_eq!((posts(&rig), orders_charged(&rig, &pair).await), (1, 1), "what waits takes nothing");
    assert!(matches!(approve(&rig, id).await, ApprovalOutcome::Sent));
    assert_eq!((posts(&rig), orders_charged(&rig, &pair).await), (2, 2));
    let row = rig.store.approval(id).await.unwrap().unwrap();
    let sent = &rig.broker.changes()[1];
    assert_eq!(sent.body, row.held.body);
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!((body["qty"].as_str(), body["client_order_id"].is_string()), (Some("6"), true));
    assert_eq!((row.state, row.ended_by.as_deref()), (ApprovalState::Approved, Some("anna")));
    assert_eq!((row.answer.unwrap().0, row.outcome.as_deref()), (200, Some("confirmed")));
    assert!(matches!(approve(&rig, id).await, ApprovalOutcome::Ended(ApprovalState::Approved)));
    assert_eq!(posts(&rig), 2);
    rig.store.verify_audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_clicks_send_one_order() {
    let rig = Rig::start().await;
    let pair = rig.key(watched(|_| ())).await;
    let id = held(&rig, &pair, shares("6")).await;
    let clicks = (0..16).map(|_| rig.control.approve(consent(&rig, id)));
    let outcomes = futures_util::future::join_all(clicks).await;
    let sent = outcomes.iter().filter(|one| matches!(one, Ok(ApprovalOutcome::Sent))).count();
    let over = outcomes
        .iter()
        .filter(|one| matches!(one, Ok(ApprovalOutcome::Ended(ApprovalState::Approved))))
        .count();
    assert_eq!((sent, over, posts(&rig), orders_charged(&rig, &pair).await), (1, 15, 1, 1));
}

/// Has orders approved at two gateways at once, several times at each.
pub async fn approved_at_both(rig: &Rig, other: &Control) {
    let pair = rig.key(watched(|_| ())).await;
    other.reload().await.unwrap();
    for round in 1..=10 {
        let id = held(rig, &pair, shares("6")).await;
        let clicks = [&rig.control, other, &rig.control, other].map(|node| node.approve(consent(rig, id)));
        let outcomes = futures_util::future::join_all(clicks).await;
        let is = |one: &Result<_, _>, sent: bool| match one {
            Ok(ApprovalOutcome::Sent) => sent,
            Ok(ApprovalOutcome::Ended(ApprovalState::Approved)) => !sent,
            _ => false,
        };
        let count = |sent| outcomes.iter().filter(|one| is(one, sent)).count();
        assert_eq!((count(true), count(false)), (1, 3), "{outcomes:?}");
        assert_eq!((posts(rig), orders_charged(rig, &pair).await), (round, u32::try_from(round).unwrap()));
    }
    assert!(rig.store.open_reservations().await.unwrap().is_empty());
    rig.store.verify_audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_on_one_file_send_one_order() {
    let rig = Rig::start().await;
    let (other, _) = second_node(&rig, &Target::Sqlite(rig.path("paddock.db"))).await;
    approved_at_both(&rig, &other).await;
}

#[tokio::test]
async fn a_yes_is_to_one_request_and_to_no_other() {
    let rig = Rig::start().await;
    let (pair, other) = (rig.key(watched(|_| ())).await, rig.key(watched(|_| ())).await);
    let id = held(&rig, &pair, shares("6")).await;
    // A program that tries again without a name of its own asks for the same, in whichever spelling.
    assert_eq!(
        held(
            &rig,
            &pair,
            json!({"time_in_force":"day","qty":6,"side":"buy","type":"market","symbol":"AAPL"})
        )
        .await,
        id
    );
    let more = held(&rig, &pair, shares("1000")).await;
    let mut named = shares("6");
    named["client_order_id"] = "mine".into();
    let named = held(&rig, &pair, named).await;
    let others = held(&rig, &other, shares("6")).await;
    let all: std::collections::BTreeSet<_> = [id, more, named, others].into();
    assert_eq!(all.len(), 4);
    assert!(matches!(approve(&rig, id).await, ApprovalOutcome::Sent));
    assert_eq!(posts(&rig), 1);
    for waits in [more, named, others] {
        assert_eq!(state(&rig, waits).await, ApprovalState::Pending);
    }
    // The yes is used up: the same order again is another one.
    assert_ne!(held(&rig, &pair, shares("6")).await, id);
    assert_eq!(posts(&rig), 1);
}

#[tokio::test]
async fn a_no_and_a_late_yes_send_nothing() {
    let rig = Rig::start().await;
    let pair = rig.key(watched(|scope| scope.approval_expiry = Some(60))).await;
    let denied = held(&rig, &pair, shares("6")).await;
    assert_eq!(rig.control.deny(consent(&rig, denied)).await.unwrap(), None);
    assert!(matches!(approve(&rig, denied).await, ApprovalOutcome::Ended(ApprovalState::Denied)));
    let late = held(&rig, &pair, shares("6")).await;
    rig.clock.advance(Duration::from_secs(60));
    assert!(matches!(approve(&rig, late).await, ApprovalOutcome::Ended(ApprovalState::Expired)));
    assert_eq!(rig.control.deny(consent(&rig, late)).await.unwrap(), Some(ApprovalState::Expired));
    assert_eq!(rig.store.expire_approvals(rig.clock.now()).await.unwrap(), 1);
    assert_eq!(posts(&rig), 0);
    rig.store.verify_audit().await.unwrap();
}

#[tokio::test]
async fn a_market_that_has_moved_stops_it() {
    let rig = Rig::start().await;
    let pair = rig.key(watched(|scope| scope.approval_price_band = Some(Decimal::ONE))).await;
    let (within, beyond) = (held(&rig, &pair, shares("6")).await, held(&rig, &pair, shares("7")).await);
    let ask = |price: Decimal| {
        rig.broker.script(move |got| {
            if got.target.contains("/quotes/latest") {
                let quote = json!({"ap": price, "as": 1, "ax": "V", "bp": 90, "bs": 1, "bx": "V", "c": ["R"],
                    "t": "2026-11-20T15:00:00Z", "z": "C"});
                return answer(200, &json!({"quotes": {"AAPL": quote}}));
            }
            well_behaved(got)
        });
    };
    ask(Decimal::from(101));
    assert!(matches!(approve(&rig, within).await, ApprovalOutcome::Sent));
    ask("98.99".parse().unwrap());
    let ApprovalOutcome::Refused(refusal) = approve(&rig, beyond).await else { panic!("it was sent") };
    assert_eq!(refusal.code, ReasonCode::ApprovalPriceMoved);
    assert_eq!(state(&rig, beyond).await, ApprovalState::Refused);
    assert_eq!(posts(&rig), 1);
}

/// Without a price now nothing is decided, and it may be tried again.
#[tokio::test]
async fn without_a_price_it_goes_on_waiting() {
    let rig = Rig::start().await;
    let pair = rig.key(watched(|_| ())).await;
    let id = held(&rig, &pair, shares("6")).await;
    rig.broker.script(|got| {
        if got.target.contains("/quotes/latest") {
            answer(404, &json!({"message": "no"}))
        } else {
            well_behaved(got)
        }
    });
    assert!(matches!(approve(&rig, id).await, ApprovalOutcome::StillPending(_)));
    rig.broker.script(well_behaved);
    assert!(matches!(approve(&rig, id).await, ApprovalOutcome::Sent));
}

#[tokio::test]
async fn everything_is_decided_again_when_it_is_sent() {
    let rig = Rig::start().await;
    let pair = rig.key(watched(|scope| scope.max_daily_notional = Some(Decimal::from(1000)))).await;
    let (first, second) = (held(&rig, &pair, shares("6")).await, held(&rig, &pair, shares("7")).await);
    assert!(matches!(approve(&rig, first).await, ApprovalOutcome::Sent));
    let ApprovalOutcome::Refused(refusal) = approve(&rig, second).await else { panic!("it was sent") };
    assert_eq!(refusal.code, ReasonCode::DailyNotionalExceeded);
    assert_eq!((posts(&rig), orders_charged(&rig, &pair).await), (1, 1));
    // A scope that was narrowed meanwhile.
    let pair = rig.key(watched(|_| ())).await;
    let id = held(&rig, &pair, shares("6")).await;
    let old = rig.store.key(pair.id).await.unwrap().unwrap().scope;
    let new = Scope { max_order_notional: Some(Decimal::from(100)), ..old.clone() };
    rig.store.set_scope(pair.id, &old, &new, &Actor::Operator, rig.clock.now()).await.unwrap();
    rig.control.reload().await.unwrap();
    let ApprovalOutcome::Refused(refusal) = approve(&rig, id).await else { panic!("it was sent") };
    assert_eq!(refusal.code, ReasonCode::OrderNotionalExceeded);
    assert_eq!(posts(&rig), 1);
}

#[tokio::test]
async fn freezing_or_revoking_ends_what_waits_for_good() {
    let rig = Rig::start().await;
    let (one, two) = (rig.key(watched(|_| ())).await, rig.key(watched(|_| ())).await);
    let (frozen, revoked) = (held(&rig, &one, shares("6")).await, held(&rig, &two, shares("6")).await);
    rig.store.set_key_frozen(one.id, true, &Actor::Operator, rig.clock.now()).await.unwrap();
    assert_eq!(state(&rig, revoked).await, ApprovalState::Pending);
    rig.store.set_key_frozen(one.id, false, &Actor::Operator, rig.clock.now()).await.unwrap();
    rig.store.revoke_key(two.id, &Actor::Operator, rig.clock.now()).await.unwrap();
    rig.control.reload().await.unwrap();
    for id in [frozen, revoked] {
        assert!(matches!(approve(&rig, id).await, ApprovalOutcome::Ended(ApprovalState::Void)));
    }
    let id = held(&rig, &one, shares("6")).await;
    rig.store.set_everything_frozen(true, &Actor::Operator, rig.clock.now()).await.unwrap();
    assert_eq!(state(&rig, id).await, ApprovalState::Void);
    assert_eq!(posts(&rig), 0);
    rig.store.verify_audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_waits_gets_the_brokers_answer_or_the_no() {
    let rig = std::sync::Arc::new(Rig::start().await);
    let pair = rig.key(watched(|scope| scope.approval_wait = Some(60))).await;
    let send = || {
        let (rig, pair) = (std::sync::Arc::clone(&rig), pair.clone());
        tokio::spawn(async move { rig.order(&pair, shares("6")).await })
    };
    let program = send();
    let id = waiting(&rig).await;
    // A second program with the same order waits for the same answer, and one order is sent.
    let mut second = send();
    assert!(matches!(approve(&rig, id).await, ApprovalOutcome::Sent));
    let (status, order) = program.await.unwrap();
    assert_eq!((status, order["symbol"].as_str()), (200, Some("AAPL")));
    tokio::select! {
        answer = &mut second => assert_eq!(answer.unwrap().0, 200),
        // It came after the yes, and waits for one of its own.
        _ = waiting(&rig) => second.abort(),
    }
    assert_eq!(posts(&rig), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_waits_hears_a_no_and_one_that_hangs_up_changes_nothing() {
    let rig = std::sync::Arc::new(Rig::start().await);
    let pair = rig.key(watched(|scope| scope.approval_wait = Some(60))).await;
    let send = || {
        let (rig, pair) = (std::sync::Arc::clone(&rig), pair.clone());
        tokio::spawn(async move { rig.order(&pair, shares("6")).await })
    };
    let program = send();
    let id = waiting(&rig).await;
    rig.control.deny(consent(&rig, id)).await.unwrap();
    let (status, told) = program.await.unwrap();
    assert_eq!((status, told["reason"].as_str()), (403, Some("approval_denied")));
    assert!(told["message"].as_str().unwrap().contains("looks right"), "{told}");
    let program = send();
    let id = waiting(&rig).await;
    program.abort();
    assert_eq!(posts(&rig), 0);
    assert!(matches!(approve(&rig, id).await, ApprovalOutcome::Sent));
    assert_eq!(posts(&rig), 1);
}

#[tokio::test]
async fn what_waits_is_bounded() {
    let rig = Rig::start().await;
    let pair = rig.key(watched(|_| ())).await;
    for quantity in 6..26 {
        held(&rig, &pair, shares(&quantity.to_string())).await;
    }
    let (status, told) = rig.order(&pair, shares("26")).await;
    assert_eq!((status, told["reason"].as_str()), (403, Some("too_many_approvals")));
    held(&rig, &rig.key(watched(|_| ())).await, shares("26")).await;
}

#[tokio::test]
async fn replacements_that_add_risk_wait_and_closes_do_not() {
    let rig = Rig::start().await;
    let pair = rig.key(watched(|_| ())).await;
    let path = "/v2/orders/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    assert_eq!(rig.send("PATCH", path, &pair, Some(r#"{"qty":"4"}"#)).await.0, 200);
    let (status, told) = rig.send("PATCH", path, &pair, Some(r#"{"qty":"9"}"#)).await;
    assert_eq!((status, told["reason"].as_str()), (403, Some("approval_required")));
    let id = told["approval_id"].as_str().unwrap().parse().unwrap();
    assert!(matches!(approve(&rig, id).await, ApprovalOutcome::Sent));
    assert_eq!(rig.broker.changes()[1].method, "PATCH");
    // What was approved once needs no second yes when it is lowered.
    assert_eq!(rig.send("PATCH", path, &pair, Some(r#"{"qty":"8"}"#)).await.0, 200);
    let always = rig.key(Scope { approval_over: Some(Decimal::ZERO), ..trader() }).await;
    assert_eq!(rig.send("DELETE", "/v2/positions/AAPL", &always, None).await.0, 200);
    assert_eq!(rig.send("DELETE", "/v2/positions", &always, None).await.0, 207);
    held(&rig, &always, shares("0.01")).await;
}

#[tokio::test]
async fn an_explanation_says_that_it_would_be_held() {
    let rig = Rig::start().await;
    let pair = rig.key(watched(|_| ())).await;
    let body = shares("6").to_string().into();
    let explained = rig.control.explain(pair.id, body, "127.0.0.1".parse().unwrap()).await.unwrap().unwrap();
    let explained = serde_json::to_value(explained).unwrap();
    assert_eq!(explained["reason"], "approval_required");
    assert_eq!(explained["numbers"]["notional"], "600");
    assert!(rig.store.approvals(rig.user, None, None, 9).await.unwrap().is_empty());
}
