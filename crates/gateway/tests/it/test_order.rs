//! The test order of a rotation goes through the one door, is placed once whatever dies, and on paper only.

use std::sync::{Arc, Mutex};

use paddock_core::Clock as _;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{RequestId, RotationId};
use paddock_core::rotation::Failure;
use paddock_store::{Freezing, HandRequest, StepState, Subject};
use paddock_vault::OsEntropy;
use rstest::rstest;
use serde_json::{Value, json};

use crate::broker::{Got, Reply, json as answer, order, well_behaved};
use crate::rig::{Rig, trader};

fn rotation(rig: &Rig) -> RotationId {
    RotationId::generate(rig.clock.now(), &OsEntropy)
}

async fn placed(rig: &Rig, rotation: RotationId) -> Result<String, Failure> {
    rig.control.test_order(rig.connection, rotation).await
}

/// The bodies of the orders that were sent to the broker.
fn sent(rig: &Rig) -> Vec<Value> {
    let orders = rig.broker.changes().into_iter().filter(|got| got.method == "POST");
    orders.map(|got| serde_json::from_slice(&got.body).unwrap()).collect()
}

/// An order that the scripted broker has: its name, its status, and how much of it is filled.
type Known = (String, &'static str, &'static str);

/// What the scripted broker has: the order, once it is there.
#[derive(Clone, Debug, Default)]
struct Book(Arc<Mutex<Option<Known>>>);

impl Book {
    fn has(&self, name: &str, status: &'static str, filled: &'static str) {
        *self.0.lock().unwrap() = Some((name.to_owned(), status, filled));
    }

    /// A broker in good order with this book. `post` answers an order.
    fn serve(&self, rig: &Rig, post: impl Fn(&str) -> Reply + Send + Sync + 'static) {
        let book = self.clone();
        rig.broker.script(move |got: &Got| {
            let path = got.target.split('?').next().unwrap_or_default();
            match (got.method.as_str(), path) {
                ("POST", "/v2/orders") => {
                    let body: Value = serde_json::from_slice(&got.body).unwrap();
                    let name = body["client_order_id"].as_str().unwrap();
                    let reply = post(name);
                    if matches!(&reply, Reply::Answer(answer) if answer.status().is_success()) {
                        book.has(name, "new", "0");
                    }
                    reply
                }
                ("DELETE", _) => {
                    if let Some(known) = book.0.lock().unwrap().as_mut() {
                        known.1 = "canceled";
                    }
                    well_behaved(got)
                }
                ("GET", path) if path.starts_with("/v2/orders") => match &*book.0.lock().unwrap() {
                    Some((name, status, filled)) if !path.ends_with("name") || got.target.contains(name) => {
                        let mut order = order("1", "49.99");
                        order["client_order_id"] = json!(name);
                        order["status"] = json!(status);
                        order["filled_qty"] = json!(filled);
                        answer(200, &order)
                    }
                    _ => answer(404, &json!({"code": 40_410_000, "message": "order not found"})),
                },
                _ => well_behaved(got),
            }
        });
    }
}

fn taken(_: &str) -> Reply {
    answer(200, &order("1", "49.99"))
}

#[tokio::test]
async fn it_is_placed_seen_and_canceled_at_the_built_in_broker_and_once_for_a_rotation() {
    let (rig, _broker, _) = Rig::at_built_in_broker().await;
    let rotation = rotation(&rig);
    let told = placed(&rig, rotation).await.unwrap();
    assert!(told.starts_with("buy 1 AAPL limit ") && told.ends_with(", seen and canceled"), "{told}");
    let events = ["request_permitted", "request_answered", "request_permitted", "request_answered"];
    assert_eq!(rig.newest_events(4).await, events);
    // Asked for again, it is the same one.
    assert_eq!(placed(&rig, rotation).await.unwrap(), told);
    let key = rig.key(trader()).await;
    let (_, all) = rig.send("GET", "/v2/orders?status=all", &key, None).await;
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((&all[0]["status"], &all[0]["qty"]), (&json!("canceled"), &json!("1")));
    assert_eq!(all[0]["client_order_id"], format!("paddock-rotation-{rotation}"));
    rig.store.verify_audit().await.unwrap();
}

#[tokio::test]
async fn after_a_lost_answer_it_is_looked_for_and_not_sent_again() {
    let (rig, book) = (Rig::start().await, Book::default());
    let rotation = rotation(&rig);
    book.serve(&rig, |_| Reply::HangUp);
    for _ in 0..2 {
        let lost = placed(&rig, rotation).await.unwrap_err();
        assert_eq!((lost.code.as_str(), lost.may_pass), ("test_order_lost", true), "{lost:?}");
    }
    // It has arrived after all.
    book.has(&format!("paddock-rotation-{rotation}"), "new", "0");
    placed(&rig, rotation).await.unwrap();
    let sent = sent(&rig);
    assert_eq!(sent.len(), 1, "{sent:?}");
    let expected = json!({
        "symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "limit_price": "49.99", "time_in_force": "day",
        "client_order_id": format!("paddock-rotation-{rotation}"),
    });
    assert_eq!(sent[0], expected);
}

#[tokio::test]
async fn what_a_dead_process_may_have_sent_is_looked_for() {
    let (rig, book) = (Rig::start().await, Book::default());
    let rotation = rotation(&rig);
    let name = format!("paddock-rotation-{rotation}");
    book.serve(&rig, taken);
    let left = HandRequest {
        request: RequestId::generate(rig.clock.now(), &OsEntropy),
        connection: rig.connection,
        actor: Actor::System,
        operation: "postOrder".to_owned(),
        target: name.clone(),
        wanted: "POST /v2/orders".to_owned(),
        once: Some(name.clone()),
        state: StepState::Sent,
        status: None,
        order_id: None,
        detail: None,
        at: rig.clock.now(),
        settled_at: None,
    };
    rig.store.begin_by_hand(&left, &AuditEvent::CheckedIn, None).await.unwrap();
    assert_eq!(placed(&rig, rotation).await.unwrap_err().code, "test_order_lost");
    book.has(&name, "new", "0");
    placed(&rig, rotation).await.unwrap();
    assert_eq!(sent(&rig), Vec::<Value>::new());
}

#[tokio::test]
async fn one_that_was_refused_for_certain_is_followed_by_another() {
    let (rig, book) = (Rig::start().await, Book::default());
    let rotation = rotation(&rig);
    book.serve(&rig, |_| answer(403, &json!({"code": 40_310_000, "message": "insufficient buying power"})));
    let refused = placed(&rig, rotation).await.unwrap_err();
    assert_eq!((refused.code.as_str(), refused.may_pass), ("test_order_refused", false));
    assert_eq!(refused.message, "insufficient buying power");
    book.serve(&rig, taken);
    placed(&rig, rotation).await.unwrap();
    let names: Vec<Value> = sent(&rig).iter().map(|order| order["client_order_id"].clone()).collect();
    assert_eq!(names, [format!("paddock-rotation-{rotation}"), format!("paddock-rotation-{rotation}-2")]);
}

#[rstest]
#[case::filled("filled", "1", "test_order_filled", false)]
#[case::in_part("canceled", "0.5", "test_order_filled", false)]
#[case::rejected("rejected", "0", "test_order_rejected", false)]
#[tokio::test]
async fn an_order_that_ends_otherwise_is_told(
    #[case] status: &'static str,
    #[case] filled: &'static str,
    #[case] code: &str,
    #[case] may_pass: bool,
) {
    let (rig, book) = (Rig::start().await, Book::default());
    let rotation = rotation(&rig);
    let ends = book.clone();
    book.serve(&rig, move |_| Reply::HangUp);
    _ = placed(&rig, rotation).await;
    ends.has(&format!("paddock-rotation-{rotation}"), status, filled);
    let told = placed(&rig, rotation).await.unwrap_err();
    assert_eq!((told.code.as_str(), told.may_pass), (code, may_pass), "{told:?}");
}

#[tokio::test]
async fn a_freeze_holds_for_it_and_real_money_never_sees_it() {
    let (rig, book) = (Rig::start().await, Book::default());
    book.serve(&rig, taken);
    let rotation = rotation(&rig);
    let freezing = Freezing::of(Subject::Everything);
    rig.store.freeze(&freezing, &Actor::Operator, rig.clock.now()).await.unwrap();
    rig.control.reload().await.unwrap();
    let frozen = placed(&rig, rotation).await.unwrap_err();
    assert_eq!((frozen.code.as_str(), frozen.may_pass), ("frozen", false), "{frozen:?}");
    assert_eq!(rig.newest_events(1).await, ["request_refused"]);
    rig.store.unfreeze(Subject::Everything, &Actor::Operator, rig.clock.now()).await.unwrap();
    rig.control.reload().await.unwrap();

    let live = rig.connect_live().await;
    let refused = rig.control.test_order(live, rotation).await.unwrap_err();
    assert_eq!(refused.code, "not_on_live");
    assert!(rig.broker.changes().is_empty());
    placed(&rig, rotation).await.unwrap();
}
