//! What programs meet while a connection's pair is replaced.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use paddock_alpaca::close_position::ClosePart;
use paddock_core::audit::Actor;
use paddock_core::id::{ConsumerId, RotationId};
use paddock_core::rotation::{Authority, By, Cause, Event, NewRotation, Plan, Rotation, step};
use paddock_core::{Clock as _, Environment, Role, Scope, SecretText};
use paddock_gateway::{ApprovalOutcome, HandAct, HandOrder, HandOutcome};
use paddock_store::{
    AuditQuery, ConsumerRow, PairChange, PairOf, RotationRow, SealedPair, SealedSecret, Transition,
};
use paddock_vault::{Binding, Field, OsEntropy, Sealed, WrappedDek};
use rstest::rstest;
use serde_json::json;

use crate::approvals::{approve, held, shares, watched};
use crate::broker::{Got, Reply, json as answer, order, well_behaved};
use crate::own_orders::only_own;
use crate::rig::{REAL_ID, Rig, trader};

pub const NEW_ID: &str = "PKNEWNEWNEWNEWNEWNEWNEWNEW";
const NEW_SECRET: &str = "freshFRESHfreshFRESHfreshFRESHfreshFRESH7777";

fn an_order() -> serde_json::Value {
    json!({"symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "limit_price": "100", "time_in_force": "day"})
}

/// A rotation that was opened because the pair is dead: it holds back new orders.
async fn open(rig: &Rig) -> RotationRow {
    let row = opened(rig).await;
    rig.control.reload().await.unwrap();
    row
}

/// The same, of which the gateway has not been told.
pub async fn opened(rig: &Rig) -> RotationRow {
    let connection = rig.store.connection(rig.connection).await.unwrap().unwrap();
    let now = rig.clock.now();
    let new = NewRotation {
        id: RotationId::generate(now, &OsEntropy),
        team: rig.user,
        connection: rig.connection,
        connection_name: connection.name,
        environment: Environment::Paper,
        account_id: connection.account_id,
        account_number: connection.account_number,
        cause: Cause::PairRefused,
        rehearsal: false,
        plan: Plan::of(Environment::Paper),
        consumers: Vec::new(),
    };
    let forced = Rotation::forced(new, Actor::System, now);
    rig.store.open_rotation(&forced, None, &Actor::System, now).await.unwrap()
}

async fn happens(rig: &Rig, row: RotationRow, event: Event, pairs: PairChange<'_>) -> RotationRow {
    let (after, _) = step(&row.rotation, event.clone(), rig.clock.now()).unwrap();
    let transition = Transition {
        before: &row,
        after: &after,
        step: event.name(),
        consumer: None,
        detail: None,
        pairs,
        actor: &Actor::System,
        node: None,
        at: rig.clock.now(),
    };
    rig.store.step_rotation(&transition).await.unwrap()
}

/// The rest of it: the new pair is in the vault, and new orders pass again.
pub async fn finish(rig: &Rig, mut row: RotationRow) {
    let by = By { actor: Actor::Operator, authority: Authority { role: Role::Owner, stepped_up: true } };
    let credential = rig.next_credential(NEW_ID, NEW_SECRET).await;
    let retiring = SealedPair {
        rotation: row.rotation.id,
        what: PairOf::Retiring,
        number: 0,
        version: 1,
        dek: credential.dek,
        key_id: b"sealed".to_vec(),
        secret_key: b"sealed".to_vec(),
        key_id_fingerprint: vec![1; 32],
        secret_fingerprint: vec![2; 32],
        at: rig.clock.now(),
    };
    let opens = Event::CandidateOpens {
        account_id: row.rotation.account_id.clone(),
        account_number: row.rotation.account_number.clone(),
        other_host: "refused".to_owned(),
    };
    for event in [Event::PauseConfirmed, Event::Pasted(by), opens] {
        row = happens(rig, row, event, PairChange::Keep).await;
    }
    let commit = PairChange::Commit { credential: &credential, retiring: &retiring };
    row = happens(rig, row, Event::Committed(Some(2)), commit).await;
    happens(rig, row, Event::Swapped, PairChange::Keep).await;
    rig.control.reload().await.unwrap();
}

#[tokio::test]
async fn new_orders_wait_and_go_with_the_new_pair_while_cancels_and_reads_pass() {
    let rig = Arc::new(Rig::start().await);
    let pair = rig.key(trader()).await;
    let row = open(&rig).await;
    let waiting = tokio::spawn({
        let (rig, pair) = (Arc::clone(&rig), pair.clone());
        async move { rig.order(&pair, an_order()).await }
    });
    let cancel = rig.send("DELETE", "/v2/orders/44444444-4444-4444-8444-444444444444", &pair, None).await;
    assert_eq!(cancel.0, 204);
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 200);
    assert!(rig.broker.changes().iter().all(|got| got.method == "DELETE"));
    finish(&rig, row).await;
    assert_eq!(waiting.await.unwrap().0, 200);
    let orders: Vec<_> = rig.broker.changes().into_iter().filter(|got| got.method == "POST").collect();
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].headers["apca-api-key-id"], NEW_ID);
}

/// A rotation begins while the broker is asked for the quote that a market order is decided by, and ends after the order was reserved. Gives the
/// orders that the broker got.
async fn rotate_while_it_is_decided<T: Send + 'static>(
    rig: Arc<Rig>,
    deciding: impl Future<Output = T> + Send + 'static,
) -> (T, Vec<Got>) {
    let (asked, mut is_asked) = tokio::sync::mpsc::unbounded_channel();
    let (answers, may_answer) = std::sync::mpsc::channel::<()>();
    let may_answer = Mutex::new(may_answer);
    rig.broker.script(move |got| {
        if got.target.contains("/quotes/latest") {
            asked.send(()).unwrap();
            tokio::task::block_in_place(|| may_answer.lock().unwrap().recv().unwrap());
        }
        well_behaved(got)
    });
    let deciding = tokio::spawn(deciding);
    is_asked.recv().await.unwrap();
    let row = open(&rig).await;
    answers.send(()).unwrap();
    while rig.store.open_reservations().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(rig.broker.changes().is_empty());
    finish(&rig, row).await;
    (deciding.await.unwrap(), rig.broker.changes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_order_that_is_being_decided_when_a_rotation_begins_waits_too_and_goes_with_the_new_pair() {
    let rig = Arc::new(Rig::start().await);
    let pair = rig.key(Scope { max_daily_notional: Some(1000.into()), ..trader() }).await;
    let deciding = {
        let rig = Arc::clone(&rig);
        async move { rig.order(&pair, shares("1")).await }
    };
    let ((status, body), orders) = rotate_while_it_is_decided(rig, deciding).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].headers["apca-api-key-id"], NEW_ID);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_approved_order_waits_as_well_and_is_sent_once() {
    let rig = Arc::new(Rig::start().await);
    let pair = rig.key(watched(|_| {})).await;
    let id = held(&rig, &pair, shares("6")).await;
    // The quote by which it was held is too old by now.
    rig.clock.advance(Duration::from_secs(60));
    let deciding = {
        let rig = Arc::clone(&rig);
        async move { approve(&rig, id).await }
    };
    let (outcome, orders) = rotate_while_it_is_decided(rig, deciding).await;
    assert!(matches!(outcome, ApprovalOutcome::Sent), "{outcome:?}");
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].headers["apca-api-key-id"], NEW_ID);
}

#[tokio::test]
async fn an_order_that_waits_too_long_is_refused_clearly_and_was_not_sent() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    open(&rig).await;
    let order = an_order().to_string();
    let (status, headers, body) = rig.send_for_head("POST", "/v2/orders", &pair, Some(&order)).await;
    assert_eq!((status, headers["retry-after"].to_str().unwrap()), (503, "5"));
    assert_eq!(body["reason"], "rotation_in_progress", "{body}");
    assert!(rig.broker.changes().is_empty());
}

#[tokio::test]
async fn a_read_that_meets_the_dead_pair_is_asked_again_with_the_new_one() {
    let rig = Arc::new(Rig::start().await);
    let pair = rig.key(trader()).await;
    rig.broker.script(|got| {
        if got.headers["apca-api-key-id"] == REAL_ID {
            return answer(401, &json!({"code": 40_110_000, "message": "request is not authorized"}));
        }
        well_behaved(got)
    });
    let row = open(&rig).await;
    let waiting = tokio::spawn({
        let (rig, pair) = (Arc::clone(&rig), pair.clone());
        async move { rig.send("GET", "/v2/positions", &pair, None).await }
    });
    // It has met the dead pair before the new one comes.
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    while rig.broker.got().is_empty() {
        looks.tick().await;
    }
    finish(&rig, row).await;
    assert_eq!(waiting.await.unwrap().0, 200);
    let asked: Vec<_> = rig.broker.got().iter().map(|got| got.headers["apca-api-key-id"].clone()).collect();
    assert_eq!(asked, [REAL_ID, NEW_ID]);
}

/// A broker that refuses the pair of before, and knows one order.
fn after_the_click(got: &Got) -> Reply {
    if got.headers["apca-api-key-id"] == REAL_ID {
        return answer(401, &json!({"code": 40_110_000, "message": "request is not authorized"}));
    }
    with_one_order(got)
}

fn with_one_order(got: &Got) -> Reply {
    match (got.method.as_str(), got.target.split('?').next()) {
        ("GET", Some("/v2/orders")) => answer(200, &json!([order("1", "100")])),
        _ => well_behaved(got),
    }
}

const ORDER: &str = "/v2/orders/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

#[rstest]
#[case::a_cancel(trader(), "DELETE", ORDER, 204)]
#[case::a_cancel_of_all(trader(), "DELETE", "/v2/orders", 207)]
#[case::a_cancel_of_ones_own(only_own(), "DELETE", ORDER, 204)]
#[case::a_cancel_of_all_ones_own(only_own(), "DELETE", "/v2/orders", 207)]
#[case::a_look_at_ones_own(only_own(), "GET", ORDER, 200)]
#[case::a_list_of_ones_own(only_own(), "GET", "/v2/orders", 200)]
#[tokio::test]
async fn what_meets_the_dead_pair_goes_once_more_with_the_new_one(
    #[case] scope: Scope,
    #[case] method: &'static str,
    #[case] path: &'static str,
    #[case] expected: u16,
) {
    let rig = Arc::new(Rig::start().await);
    rig.broker.script(with_one_order);
    let pair = rig.key(scope).await;
    assert_eq!(rig.order(&pair, an_order()).await.0, 200);
    let row = open(&rig).await;
    rig.broker.script(after_the_click);
    let before = rig.broker.got().len();
    let asking = tokio::spawn({
        let (rig, pair) = (Arc::clone(&rig), pair.clone());
        async move { rig.send(method, path, &pair, None).await }
    });
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    while rig.broker.got().len() == before {
        looks.tick().await;
    }
    finish(&rig, row).await;
    let (status, body) = asking.await.unwrap();
    assert_eq!(status, expected, "{body}");
    if method == "DELETE" && path == "/v2/orders" && body != json!([]) {
        assert_eq!(body[0]["status"], 200, "{body}");
    }
    let asked = rig.broker.got().split_off(before);
    let with = |key: &str| asked.iter().filter(|got| got.headers["apca-api-key-id"] == key).count();
    assert_eq!((with(REAL_ID), with(NEW_ID) > 0), (1, true), "each pair is asked with once: {asked:?}");
    let changes: Vec<_> = asked.iter().filter(|got| got.method != "GET").collect();
    assert!(changes.iter().all(|got| got.method == method), "{changes:?}");
    // It is one request in the record, however often it was asked.
    let query = AuditQuery { limit: 1000, ..AuditQuery::default() };
    let records = rig.store.audit_page(&query).await.unwrap();
    let named = |name: &str| records.iter().filter(|one| one.event().unwrap().name() == name).count();
    let permitted = if method == "DELETE" { 2 } else { 1 };
    assert_eq!((named("request_permitted"), named("request_answered")), (permitted, permitted));
    rig.store.verify_audit().await.unwrap();
}

#[tokio::test]
async fn what_a_person_cancels_meanwhile_goes_with_the_new_pair_and_a_close_does_not_wait() {
    let rig = Arc::new(Rig::start().await);
    let row = open(&rig).await;
    rig.broker.script(after_the_click);
    let act = |act| HandOrder {
        connection: rig.connection,
        act,
        actor: Actor::Operator,
        network: None,
        once: None,
    };
    let close = act(HandAct::Close { symbol: "AAPL".to_owned(), part: ClosePart::All });
    let refused = rig.control.act_by_hand(close).await.unwrap();
    assert!(matches!(refused, HandOutcome::NotSent(_)), "{refused:?}");
    let canceling = tokio::spawn({
        let (rig, order) = (Arc::clone(&rig), act(HandAct::CancelAll));
        async move { rig.control.act_by_hand(order).await.unwrap() }
    });
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    while rig.broker.changes().is_empty() {
        looks.tick().await;
    }
    finish(&rig, row).await;
    let canceled = canceling.await.unwrap();
    let HandOutcome::Done(done) = canceled else { panic!("{canceled:?}") };
    assert_eq!(rig.store.by_hand(done.request).await.unwrap().unwrap().status, Some(207));
    let with: Vec<_> =
        rig.broker.changes().iter().map(|got| got.headers["apca-api-key-id"].clone()).collect();
    assert_eq!(with, [REAL_ID, NEW_ID]);
}

#[tokio::test]
async fn a_cancel_that_waits_in_vain_is_told_so_and_leaves_nothing_open() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    open(&rig).await;
    rig.broker.script(after_the_click);
    let (status, body) = rig.send("DELETE", ORDER, &pair, None).await;
    assert_eq!((status, &body["reason"]), (503, &json!("rotation_in_progress")), "{body}");
    assert_eq!(rig.broker.changes().len(), 1);
    assert!(rig.store.open_reservations().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_dead_pair_without_a_rotation_is_told_at_once_and_to_whoever_listens() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let mut refusals = rig.control.refused_credentials();
    rig.broker.script(|_| answer(401, &json!({"code": 40_110_000, "message": "request is not authorized"})));
    for _ in 0..3 {
        let (status, body) = rig.send("GET", "/v2/account", &pair, None).await;
        assert_eq!((status, body["reason"].as_str()), (503, Some("connection_credential_refused")));
    }
    assert_eq!(refusals.recv().await.unwrap(), rig.connection);
    // Once in a minute, however often it is refused.
    assert!(refusals.try_recv().is_err());
    rig.clock.advance(Duration::from_secs(61));
    rig.send("GET", "/v2/account", &pair, None).await;
    assert_eq!(refusals.recv().await.unwrap(), rig.connection);
}

/// What a rotation needs follows the team's data-encryption key, and opens under the new one.
#[tokio::test]
async fn pairs_of_rotations_and_secrets_of_consumers_are_sealed_anew() {
    let rig = Rig::start().await;
    let now = rig.clock.now();
    let row = open(&rig).await;
    let id = row.rotation.id;
    let dek = rig.store.current_dek(rig.user).await.unwrap().unwrap();
    let wrapped = WrappedDek::from_bytes(&dek.wrapped).unwrap();
    let place = |field, version| Binding { user: rig.user, connection: rig.connection, field, version };
    let seal = |field, text: &str| {
        let secret = SecretText::new(text.to_owned());
        rig.vault.sealer().seal(&wrapped, 9, &place(field, 1), &secret, &OsEntropy).unwrap().to_bytes()
    };
    let consumer = ConsumerRow {
        id: ConsumerId::generate(now, &OsEntropy),
        user: rig.user,
        connection: rig.connection,
        name: "heroku".to_owned(),
        kind: "heroku".to_owned(),
        settings: json!({"kind": "heroku"}),
        secret: None,
        created_at: now,
    };
    let sealed = seal(Field::ConsumerSecret(consumer.id), "token");
    let consumer = ConsumerRow { secret: Some(SealedSecret { version: 1, dek: dek.id, sealed }), ..consumer };
    rig.store.add_consumer(&consumer, &Actor::Operator, now).await.unwrap();
    let candidate = SealedPair {
        rotation: id,
        what: PairOf::Candidate,
        number: 1,
        version: 1,
        dek: dek.id,
        key_id: seal(Field::CandidateKeyId(id), NEW_ID),
        secret_key: seal(Field::CandidateSecretKey(id), NEW_SECRET),
        key_id_fingerprint: vec![1; 32],
        secret_fingerprint: vec![2; 32],
        at: now,
    };
    let by = By { actor: Actor::Operator, authority: Authority { role: Role::Owner, stepped_up: true } };
    happens(&rig, row, Event::Pasted(by), PairChange::Pasted(&candidate)).await;

    assert_eq!(rig.control.rotate_dek(rig.user, &Actor::Operator).await.unwrap().resealed, 3);
    let deks = rig.store.deks().await.unwrap();
    assert_eq!(deks.len(), 1, "the older data-encryption key is gone");
    let fresh = WrappedDek::from_bytes(&deks[0].wrapped).unwrap();
    let opened = |field, sealed: &[u8]| {
        let sealed = Sealed::from_bytes(sealed).unwrap();
        rig.vault.opener().open(&fresh, &place(field, 2), &sealed).unwrap().expose().to_owned()
    };
    let secret = rig.store.consumer(consumer.id).await.unwrap().unwrap().secret.unwrap();
    assert_eq!(opened(Field::ConsumerSecret(consumer.id), &secret.sealed), "token");
    let pair = rig.store.rotation_pair(id, PairOf::Candidate).await.unwrap().unwrap();
    assert_eq!(opened(Field::CandidateKeyId(id), &pair.key_id), NEW_ID);
    assert_eq!(opened(Field::CandidateSecretKey(id), &pair.secret_key), NEW_SECRET);
}
