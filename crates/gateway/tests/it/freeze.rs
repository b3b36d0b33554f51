//! Freezing: what stops, what passes, and from when on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use paddock_core::Clock as _;
use paddock_core::audit::Actor;
use paddock_core::calendar::trading_date;
use paddock_gateway::Limits;
use paddock_store::{Freezing, Subject};
use rstest::rstest;
use serde_json::{Value, json};

use crate::broker;
use crate::rig::{Pair, Rig, trader};

#[derive(Clone, Copy, Debug)]
enum What {
    Key,
    Connection,
    Everything,
}

impl What {
    fn subject(self, rig: &Rig, pair: &Pair) -> Subject {
        match self {
            Self::Key => Subject::Key(pair.id),
            Self::Connection => Subject::Connection(rig.connection),
            Self::Everything => Subject::Everything,
        }
    }
}

async fn freeze(rig: &Rig, subject: Subject, passing: &str) {
    let freezing = Freezing { passing: passing.parse().unwrap(), ..Freezing::of(subject) };
    rig.store.freeze(&freezing, &Actor::Operator, rig.clock.now()).await.unwrap();
    rig.control.reload().await.unwrap();
}

async fn unfreeze(rig: &Rig, subject: Subject) {
    rig.store.unfreeze(subject, &Actor::Operator, rig.clock.now()).await.unwrap();
    rig.control.reload().await.unwrap();
}

/// No account's budget is in the way of programs that order without a pause.
pub fn unpaced() -> Limits {
    Limits { trading_per_minute: Some(1_000_000), ..Limits::default() }
}

fn order(side: &str) -> Value {
    json!({"symbol": "AAPL", "qty": "1", "side": side, "type": "market", "time_in_force": "day"})
}

fn closing() -> Value {
    let mut closing = order("sell");
    closing["position_intent"] = "sell_to_close".into();
    closing
}

/// Sends one request of each kind and gives the names of those that passed.
async fn passing(rig: &Rig, pair: &Pair) -> Vec<&'static str> {
    let one = "/v2/orders/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    let order_text = |body: Value| Some(body.to_string());
    let asked = [
        ("read", "GET", "/v2/account", None),
        ("cancel", "DELETE", one, None),
        ("cancel all", "DELETE", "/v2/orders", None),
        ("buy", "POST", "/v2/orders", order_text(order("buy"))),
        ("sell", "POST", "/v2/orders", order_text(order("sell"))),
        ("closing order", "POST", "/v2/orders", order_text(closing())),
        ("close", "DELETE", "/v2/positions/AAPL", None),
        ("close all", "DELETE", "/v2/positions", None),
    ];
    let mut passed = Vec::new();
    for (name, method, path, body) in asked {
        let before = rig.broker.got().len();
        let (status, answer) = rig.send(method, path, pair, body.as_deref()).await;
        let frozen = answer["reason"] == "frozen";
        assert_eq!(frozen, status == 403, "{name}: {status} {answer}");
        if frozen {
            let sent = rig.broker.got().split_off(before);
            assert!(sent.iter().all(|got| got.method == "GET"), "{name} was refused and yet sent: {sent:?}");
        } else {
            passed.push(name);
        }
    }
    passed
}

#[rstest]
#[case("nothing", &[])]
#[case("cancels", &["cancel", "cancel all"])]
#[case("reads,cancels", &["read", "cancel", "cancel all"])]
#[case("cancels,closes", &["cancel", "cancel all", "closing order", "close", "close all"])]
#[tokio::test]
async fn what_was_chosen_passes_until_it_is_lifted(
    #[case] choice: &str,
    #[case] passes: &[&str],
    #[values(What::Key, What::Connection, What::Everything)] what: What,
) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let subject = what.subject(&rig, &pair);
    freeze(&rig, subject, choice).await;
    assert_eq!(passing(&rig, &pair).await, passes);
    unfreeze(&rig, subject).await;
    assert_eq!(rig.order(&pair, order("buy")).await.0, 200);
}

#[tokio::test]
async fn two_freezes_let_pass_what_both_let_pass() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    freeze(&rig, Subject::Key(pair.id), "cancels,closes").await;
    freeze(&rig, Subject::Everything, "reads,cancels").await;
    assert_eq!(passing(&rig, &pair).await, ["cancel", "cancel all"]);
}

#[tokio::test]
async fn a_freeze_in_memory_needs_no_database_and_survives_a_reload() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    rig.control.freeze_in_memory(true);
    assert_eq!(passing(&rig, &pair).await, ["cancel", "cancel all"]);
    rig.control.reload().await.unwrap();
    assert_eq!(passing(&rig, &pair).await, ["cancel", "cancel all"]);
    rig.control.freeze_in_memory(false);
    assert_eq!(rig.order(&pair, order("buy")).await.0, 200);
}

/// Programs that order without a pause; a freeze comes. When the call has returned, no order reaches the broker any more.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_order_is_sent_once_the_freeze_has_returned(
    #[values(What::Key, What::Connection, What::Everything)] what: What,
) {
    let rig = Arc::new(Rig::limited(unpaced()).await);
    let pair = rig.key(trader()).await;
    let over = Arc::new(AtomicBool::new(false));
    let programs: Vec<_> = (0..16)
        .map(|_| {
            let (rig, pair, over) = (Arc::clone(&rig), pair.clone(), Arc::clone(&over));
            tokio::spawn(async move {
                let mut refused = 0_u32;
                while !over.load(Ordering::SeqCst) || refused == 0 {
                    let (status, body) = rig.order(&pair, order("buy")).await;
                    match (status, body["reason"].as_str()) {
                        (200, _) => assert_eq!(refused, 0, "an order passed after another was refused"),
                        (403, Some("frozen")) => refused += 1,
                        other => panic!("{other:?} {body}"),
                    }
                }
                refused
            })
        })
        .collect();
    while rig.broker.changes().len() < 50 {
        tokio::task::yield_now().await;
    }
    let subject = what.subject(&rig, &pair);
    freeze(&rig, subject, "cancels").await;
    assert_eq!(rig.control.settled(subject).await, []);
    let sent = rig.broker.changes().len();
    // Long enough for each of them to try a few times more.
    for _ in 0..20 {
        assert_eq!(rig.order(&pair, order("buy")).await.0, 403);
    }
    over.store(true, Ordering::SeqCst);
    for program in programs {
        assert!(program.await.unwrap() > 0);
    }
    assert_eq!(rig.broker.changes().len(), sent);
    // What was reserved and then not sent was given back.
    let usage = rig.store.usage(pair.id, trading_date(rig.clock.now())).await.unwrap();
    assert_eq!(usage.orders as usize, sent);
    assert_eq!(rig.store.open_reservations().await.unwrap(), []);
    assert!(rig.store.verify_audit().await.is_ok());
}

/// The freeze comes while the gateway still asks for a quote.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_order_on_its_way_is_stopped() {
    let rig = Arc::new(Rig::start().await);
    let mut scope = trader();
    scope.max_order_notional = Some(1_000.into());
    let pair = rig.key(scope).await;
    let (asked, mut was_asked) = tokio::sync::mpsc::unbounded_channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = std::sync::Mutex::new(may_go_on);
    rig.broker.script(move |got| {
        if got.target.contains("/quotes/") {
            asked.send(()).unwrap();
            tokio::task::block_in_place(|| may_go_on.lock().unwrap().recv().unwrap());
        }
        broker::well_behaved(got)
    });
    let (sending, buyer) = (Arc::clone(&rig), pair.clone());
    let order = tokio::spawn(async move { sending.order(&buyer, order("buy")).await });
    was_asked.recv().await.unwrap();
    freeze(&rig, Subject::Key(pair.id), "cancels").await;
    go_on.send(()).unwrap();
    let (status, body) = order.await.unwrap();
    assert_eq!((status, body["reason"].as_str()), (403, Some("frozen")));
    assert!(rig.broker.changes().is_empty());
}

/// A broker that takes its time: the freeze does not wait for it for ever, and names what it has not answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_the_broker_has_not_answered_is_named() {
    let rig = Arc::new(Rig::start().await);
    let pair = rig.key(trader()).await;
    let (asked, mut was_asked) = tokio::sync::mpsc::unbounded_channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = std::sync::Mutex::new(may_go_on);
    rig.broker.script(move |got| {
        if got.method == "POST" {
            asked.send(()).unwrap();
            tokio::task::block_in_place(|| may_go_on.lock().unwrap().recv().unwrap());
        }
        broker::well_behaved(got)
    });
    let (sending, buyer) = (Arc::clone(&rig), pair.clone());
    let order = tokio::spawn(async move { sending.order(&buyer, order("buy")).await });
    was_asked.recv().await.unwrap();
    let other = rig.key(trader()).await;
    freeze(&rig, Subject::Everything, "cancels").await;
    assert_eq!(rig.control.settled(Subject::Key(other.id)).await, []);
    assert_eq!(rig.control.settled(Subject::Everything).await.len(), 1);
    go_on.send(()).unwrap();
    assert_eq!(order.await.unwrap().0, 200);
    assert_eq!(rig.control.settled(Subject::Everything).await, []);
}
