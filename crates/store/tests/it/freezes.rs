//! Freezes: what passes, who and why; what is left to do; and signs of life.

use paddock_core::audit::WindDown;
use paddock_core::decide::Passing;
use paddock_store::{
    AuditFault, AuditQuery, CHECK_IN, Freezing, Phase, Step, StepAct, StepState, Subject, WindDownRow,
};

use crate::support::*;

on_both!(
    a_freeze_keeps_what_passes_and_who_and_why,
    what_is_so_already_is_not_recorded_again,
    a_freeze_that_was_loosened_by_hand_shows,
    a_wind_down_is_one_nodes_until_its_lease_is_over,
    the_wider_wind_down_takes_over,
    unfreezing_ends_what_is_left_to_do,
    the_dead_mans_switch_fires_once,
);

fn freezing(subject: Subject, passing: &str) -> Freezing {
    let reason = Some("it buys without end".to_owned());
    Freezing { passing: passing.parse().unwrap(), reason, ..Freezing::of(subject) }
}

fn to_do(subject: Subject, kind: WindDown) -> Freezing {
    Freezing { wind_down: Some(kind), ..Freezing::of(subject) }
}

async fn a_freeze_keeps_what_passes_and_who_and_why(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let subjects = [Subject::Key(it.key.id), Subject::Connection(it.connection.id), Subject::Everything];
    for subject in subjects {
        assert!(store.freeze(&freezing(subject, "reads,cancels"), &PERSON, at()).await.unwrap());
    }
    store.close().await;
    let store = database.open().await;
    let rows = store.freezes().await.unwrap();
    assert_eq!(rows.len(), 3);
    for row in &rows {
        assert!(subjects.contains(&row.subject));
        assert_eq!((row.passing.to_string().as_str(), row.at, &row.actor), ("reads,cancels", at(), &PERSON));
        assert_eq!(row.reason.as_deref(), Some("it buys without end"));
    }
    assert_eq!(store.snapshot().await.unwrap().freezes, rows);
    for subject in subjects {
        assert!(store.unfreeze(subject, &PERSON, later(1)).await.unwrap());
    }
    assert_eq!(store.freezes().await.unwrap(), []);
    store.verify_audit().await.unwrap();
}

async fn what_is_so_already_is_not_recorded_again(database: Database) {
    let store = database.open().await;
    furnish(&store, trader()).await;
    let freeze = freezing(Subject::Everything, "cancels");
    assert!(store.freeze(&freeze, &PERSON, at()).await.unwrap());
    let (records, _) = store.audit_head().await.unwrap();
    assert!(!store.freeze(&freeze, &PERSON, at()).await.unwrap());
    assert_eq!(store.audit_head().await.unwrap().0, records);
    // What passes can be changed without a moment in which all passes.
    assert!(store.freeze(&freezing(Subject::Everything, "nothing"), &PERSON, at()).await.unwrap());
    assert_eq!(store.freezes().await.unwrap()[0].passing, Passing::NOTHING);
    assert_eq!(store.audit_head().await.unwrap().0, records + 1);
}

async fn a_freeze_that_was_loosened_by_hand_shows(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    store.freeze(&freezing(Subject::Key(it.key.id), "cancels"), &PERSON, at()).await.unwrap();
    store.freeze(&freezing(Subject::Everything, "nothing"), &PERSON, at()).await.unwrap();
    store.verify_audit().await.unwrap();
    database.tamper("UPDATE freezes SET passes = 'cancels,closes' WHERE subject = 'everything'").await;
    assert!(matches!(store.verify_audit().await, Err(AuditFault::Everything)));
    database.tamper("UPDATE freezes SET passes = 'nothing' WHERE subject = 'everything'").await;
    database.tamper(&format!("DELETE FROM freezes WHERE subject = '{}'", it.key.id)).await;
    assert!(matches!(store.verify_audit().await, Err(AuditFault::AccessKey { .. })));
}

async fn a_wind_down_is_one_nodes_until_its_lease_is_over(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let freeze = to_do(Subject::Everything, WindDown::Flatten);
    store.freeze(&freeze, &PERSON, at()).await.unwrap();
    let open = store.open_wind_downs().await.unwrap();
    let [row] = open.as_slice() else { panic!("{open:?}") };
    assert_eq!((row.connection, row.kind, row.phase), (it.connection.id, WindDown::Flatten, Phase::Cancel));
    assert!(store.claim_wind_down(row, "one", at(), later(10)).await.unwrap().is_some());
    assert!(store.claim_wind_down(row, "one", later(1), later(11)).await.unwrap().is_some());
    // A process that has the database to itself takes over from the one that died.
    let alone = matches!(database.target, paddock_store::Target::Sqlite(_));
    assert_eq!(store.claim_wind_down(row, "two", later(2), later(12)).await.unwrap().is_some(), alone);
    assert!(store.claim_wind_down(row, "two", later(20), later(30)).await.unwrap().is_some());
    // A node lets go of its own only, and then it is free at once.
    store.let_go_of_wind_downs("one").await.unwrap();
    assert_eq!(store.claim_wind_down(row, "one", later(20), later(30)).await.unwrap().is_some(), alone);
    store.let_go_of_wind_downs("two").await.unwrap();
    assert!(store.claim_wind_down(row, "one", later(20), later(30)).await.unwrap().is_some());

    let step = step(row);
    assert!(store.begin_step(row, &step, &permitted_step(&step)).await.unwrap());
    let done = Step { state: StepState::Done, status: Some(204), ..step };
    store.settle_step(&done, later(21)).await.unwrap();
    store.note_wind_down(row, Phase::Close, Some("all orders are canceled")).await.unwrap();
    store.close().await;
    let store = database.open().await;
    let found = store.wind_downs(it.user, 10).await.unwrap();
    assert_eq!((found[0].0.phase, found[0].1.as_slice()), (Phase::Close, [done].as_slice()));
    store.end_wind_down(row, "done", later(22)).await.unwrap();
    assert_eq!(store.open_wind_downs().await.unwrap(), []);
    assert_eq!(store.claim_wind_down(row, "two", later(23), later(33)).await.unwrap(), None);
    let query = AuditQuery { event: Some("wind_down_ended".to_owned()), ..AuditQuery::default() };
    assert!(store.audit_page(&query).await.unwrap()[0].event.contains("\"canceled\":1"));
}

fn step(row: &WindDownRow) -> Step {
    Step {
        request: request_id(),
        act: StepAct::Cancel,
        target: format!("order of {}", row.connection),
        state: StepState::Sent,
        status: None,
        detail: None,
        order_id: None,
        at: later(20),
    }
}

fn permitted_step(step: &Step) -> paddock_core::audit::AuditEvent {
    paddock_core::audit::AuditEvent::RequestPermitted {
        request: step.request,
        connection: paddock_core::id::ConnectionId::generate(at(), &ENTROPY),
        operation: "deleteOrderByOrderID".to_owned(),
        target: "DELETE /v2/orders/x".to_owned(),
        body_digest: None,
        summary: None,
        orders: 0,
        notional: dec("0"),
        network: None,
    }
}

async fn the_wider_wind_down_takes_over(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let kinds = async || -> Vec<(Subject, WindDown)> {
        store.open_wind_downs().await.unwrap().into_iter().map(|row| (row.subject, row.kind)).collect()
    };
    let (key, connection) = (Subject::Key(it.key.id), Subject::Connection(it.connection.id));
    let steps = [
        (to_do(key, WindDown::CancelAll), (key, WindDown::CancelAll)),
        (to_do(connection, WindDown::CancelAll), (connection, WindDown::CancelAll)),
        // The connection's cancels all orders already.
        (to_do(key, WindDown::CancelAll), (connection, WindDown::CancelAll)),
        (to_do(Subject::Everything, WindDown::Flatten), (Subject::Everything, WindDown::Flatten)),
        // To cancel all now would cancel the closes.
        (to_do(connection, WindDown::CancelAll), (Subject::Everything, WindDown::Flatten)),
    ];
    for (freeze, expected) in steps {
        store.freeze(&freeze, &PERSON, at()).await.unwrap();
        assert_eq!(kinds().await, [expected], "{freeze:?}");
    }
}

async fn unfreezing_ends_what_is_left_to_do(database: Database) {
    let store = database.open().await;
    furnish(&store, trader()).await;
    store.freeze(&to_do(Subject::Everything, WindDown::CancelAll), &PERSON, at()).await.unwrap();
    let row = store.open_wind_downs().await.unwrap().remove(0);
    store.unfreeze(Subject::Everything, &PERSON, later(1)).await.unwrap();
    assert_eq!(store.open_wind_downs().await.unwrap(), []);
    // A step that was about to be sent is not.
    let step = step(&row);
    assert!(!store.begin_step(&row, &step, &permitted_step(&step)).await.unwrap());
}

async fn the_dead_mans_switch_fires_once(database: Database) {
    let store = database.open().await;
    furnish(&store, trader()).await;
    let sign = store.await_sign(CHECK_IN, at()).await.unwrap();
    assert_eq!((sign.last_at, sign.armed), (at(), true));
    assert_eq!(store.await_sign(CHECK_IN, later(5)).await.unwrap().last_at, at());
    let fired =
        Freezing { tripped_by: Some(CHECK_IN.to_owned()), ..freezing(Subject::Everything, "cancels") };
    assert!(store.freeze(&fired, &PERSON, later(6)).await.unwrap());
    assert!(!store.freeze(&fired, &PERSON, later(7)).await.unwrap());
    assert!(!store.signs().await.unwrap()[0].armed);
    // A person who unfreezes is alive.
    store.unfreeze(Subject::Everything, &PERSON, later(8)).await.unwrap();
    let sign = store.await_sign(CHECK_IN, later(9)).await.unwrap();
    assert_eq!((sign.last_at, sign.armed), (later(8), true));
    // It loosens nothing.
    store.freeze(&freezing(Subject::Everything, "nothing"), &PERSON, later(10)).await.unwrap();
    store.freeze(&fired, &PERSON, later(11)).await.unwrap();
    assert_eq!(store.freezes().await.unwrap()[0].passing, Passing::NOTHING);
    store.check_in(&PERSON, later(12)).await.unwrap();
    assert!(store.signs().await.unwrap()[0].armed);
    assert!(store.everything_frozen().await.unwrap());
}
