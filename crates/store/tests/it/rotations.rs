//! Rotations, their pairs, consumers and what was written to them.

use std::collections::BTreeSet;
use std::time::Duration;

use paddock_core::audit::Actor;
use paddock_core::id::{ConsumerId, DekId, RotationId};
use paddock_core::rotation::{
    Authority, By, Cause, Event, Nearness, NewRotation, Plan, Rotation, RotationConsumer, RotationState,
    TradingHold, step,
};
use paddock_core::{Environment, Role};
use paddock_store::{
    AuditQuery, ConsumerRow, Delivery, DeliveryOutcome, Intent, PairChange, PairOf, Reminder, RotationRow,
    SealedPair, SealedSecret, Store, StoreError, Transition,
};
use rust_decimal::Decimal;
use serde_json::json;

use crate::support::{
    Database, ENTROPY, Furnished, PERSON, at, credential, deciding, dek, furnish, intent, later, trader,
};

fn consumer(here: &Furnished, name: &str) -> ConsumerRow {
    ConsumerRow {
        id: ConsumerId::generate(at(), &ENTROPY),
        user: here.user,
        connection: here.connection.id,
        name: name.to_owned(),
        kind: "dotenv".to_owned(),
        settings: json!({"path": "/srv/bot/.env"}),
        secret: Some(SealedSecret { version: 1, dek: here.dek, sealed: b"sealed token".to_vec() }),
        created_at: at(),
    }
}

fn new(here: &Furnished) -> NewRotation {
    NewRotation {
        id: RotationId::generate(at(), &ENTROPY),
        team: here.user,
        connection: here.connection.id,
        connection_name: here.connection.name.clone(),
        environment: Environment::Paper,
        account_id: here.connection.account_id.clone(),
        account_number: here.connection.account_number.clone(),
        cause: Cause::ByHand,
        rehearsal: false,
        plan: Plan::of(Environment::Paper),
        consumers: Vec::<RotationConsumer>::new(),
    }
}

fn forced(here: &Furnished) -> Rotation {
    Rotation::forced(new(here), Actor::System, at())
}

fn pair(rotation: RotationId, what: PairOf, dek: DekId) -> SealedPair {
    SealedPair {
        rotation,
        what,
        number: 1,
        version: 1,
        dek,
        key_id: b"sealed candidate id".to_vec(),
        secret_key: b"sealed candidate secret".to_vec(),
        key_id_fingerprint: vec![1; 32],
        secret_fingerprint: vec![2; 32],
        at: at(),
    }
}

fn by() -> By {
    By { actor: PERSON, authority: Authority { role: Role::Owner, stepped_up: true } }
}

fn after(row: &RotationRow, event: Event) -> Rotation {
    step(&row.rotation, event, at()).unwrap().0
}

fn plain<'a>(
    before: &'a RotationRow,
    after: &'a Rotation,
    step: &'a str,
    node: Option<&'a str>,
) -> Transition<'a> {
    Transition {
        before,
        after,
        step,
        consumer: None,
        detail: None,
        pairs: PairChange::Keep,
        actor: &PERSON,
        node,
        at: at(),
    }
}

/// Takes a forced rotation to the state in which its pasted pair is verified.
async fn verified(store: &Store, here: &Furnished) -> RotationRow {
    let row = store.open_rotation(&forced(here), None, &Actor::System, at()).await.unwrap();
    let paused = after(&row, Event::PauseConfirmed);
    let row = store.step_rotation(&plain(&row, &paused, "pause_confirmed", None)).await.unwrap();
    let pasted = after(&row, Event::Pasted(by()));
    let candidate = pair(row.rotation.id, PairOf::Candidate, here.dek);
    let pairs = PairChange::Pasted(&candidate);
    let row =
        store.step_rotation(&Transition { pairs, ..plain(&row, &pasted, "pasted", None) }).await.unwrap();
    let opens = Event::CandidateOpens {
        account_id: here.connection.account_id.clone(),
        account_number: here.connection.account_number.clone(),
        other_host: "refused".to_owned(),
    };
    let verified = after(&row, opens);
    store.step_rotation(&plain(&row, &verified, "candidate_opens", None)).await.unwrap()
}

fn delivery(row: &RotationRow, consumer: &ConsumerRow) -> Delivery {
    Delivery {
        rotation: row.rotation.id,
        consumer: consumer.id,
        attempt: 0,
        token: "token".to_owned(),
        settings: consumer.settings.to_string(),
        key_id_fingerprint: vec![1; 32],
        secret_fingerprint: vec![2; 32],
        seen_version: Some("7".to_owned()),
        outcome: DeliveryOutcome::Begun,
        version: None,
        detail: None,
        begun_at: at(),
        ended_at: None,
    }
}

/// Puts something into each of the tables.
pub async fn fill(store: &Store, here: &Furnished) {
    let row = verified(store, here).await;
    let consumer = consumer(here, "env");
    store.add_consumer(&consumer, &PERSON, at()).await.unwrap();
    store.begin_delivery(&delivery(&row, &consumer)).await.unwrap();
    store.set_rotation_days(here.connection.id, 30, &PERSON, at()).await.unwrap();
    let reminder = Reminder { connection: here.connection.id, due_at: at(), nearness: Nearness::Overdue };
    assert!(store.remind(&reminder, &[consumer.id], at()).await.unwrap());
    assert!(!store.remind(&reminder, &[consumer.id], at()).await.unwrap());
    // Only one of two processes that saw it has it.
    let seen = store.notices_due(at()).await.unwrap().remove(0);
    let again = at() + Duration::from_secs(600);
    let taken =
        [store.try_notice(&seen, again).await.unwrap(), store.try_notice(&seen, again).await.unwrap()];
    assert_eq!(taken, [true, false]);
    store.end_notice(&seen, Some("nobody listens")).await.unwrap();
    assert!(store.notices_due(again).await.unwrap().is_empty());
}

on_both!(
    one_rotation_of_a_connection_is_open,
    a_transition_names_the_state_that_was_seen,
    whoever_has_lost_the_lease_writes_nothing,
    a_rotation_that_was_let_go_of_is_free_at_once,
    a_commit_is_all_or_nothing,
    what_is_sealed_keeps_its_key,
    a_hold_on_trading_is_part_of_the_snapshot,
    whoever_has_not_heard_of_a_rotation_reserves_no_new_order,
    consumers_are_kept_changed_and_removed,
    the_ledger_tells_what_is_ours,
    due_dates_follow_the_pair_and_the_policy,
    a_removed_connection_leaves_nothing_sealed,
);

async fn one_rotation_of_a_connection_is_open(database: Database) {
    let store = database.open().await;
    let here = furnish(&store, trader()).await;
    let row = store.open_rotation(&forced(&here), None, &PERSON, at()).await.unwrap();
    let second = store.open_rotation(&forced(&here), None, &PERSON, at()).await;
    assert!(matches!(second, Err(StoreError::RotationIsOpen)));
    let rehearsal = Rotation::planned(NewRotation { rehearsal: true, ..new(&here) }, PERSON, at());
    store.open_rotation(&rehearsal, None, &PERSON, at()).await.unwrap();
    assert_eq!(store.open_rotations().await.unwrap().len(), 2);
    assert_eq!(store.rotation(row.rotation.id).await.unwrap(), Some(row.clone()));
    let aborted = step(&rehearsal, Event::Abort { by: by(), why: "no".to_owned() }, at()).unwrap().0;
    let rehearsal = store.rotation(rehearsal.id).await.unwrap().unwrap();
    store.step_rotation(&plain(&rehearsal, &aborted, "abort", None)).await.unwrap();
    assert_eq!(store.open_rotations().await.unwrap(), [row]);
    assert_eq!(store.rotations(here.user, 10).await.unwrap().len(), 2);
}

async fn a_transition_names_the_state_that_was_seen(database: Database) {
    let store = database.open().await;
    let here = furnish(&store, trader()).await;
    let row = store.open_rotation(&forced(&here), None, &Actor::System, at()).await.unwrap();
    let paused = after(&row, Event::PauseConfirmed);
    let kept = store.step_rotation(&plain(&row, &paused, "pause_confirmed", None)).await.unwrap();
    assert_eq!((kept.version, kept.rotation.trading), (2, TradingHold::Paused));
    let again = store.step_rotation(&plain(&row, &paused, "pause_confirmed", None)).await;
    assert!(matches!(again, Err(StoreError::RotationMoved)));
    let events = store.rotation_events(row.rotation.id).await.unwrap();
    let steps: Vec<_> = events.iter().map(|event| (event.version, event.step.as_str())).collect();
    assert_eq!(steps, [(1, "opened"), (2, "pause_confirmed")]);
    let query = AuditQuery { event: Some("rotation_stepped".to_owned()), ..AuditQuery::default() };
    assert_eq!(store.audit_page(&query).await.unwrap().len(), 1);
}

async fn whoever_has_lost_the_lease_writes_nothing(database: Database) {
    let store = database.open().await;
    let here = furnish(&store, trader()).await;
    let row = store.open_rotation(&forced(&here), None, &Actor::System, at()).await.unwrap();
    let id = row.rotation.id;
    assert_eq!(store.claim_rotation(id, "one", at(), later(10)).await.unwrap(), Some(row.clone()));
    let early = store.claim_rotation(id, "two", later(5), later(20)).await.unwrap();
    assert_eq!(early.is_some(), database.is_sqlite());
    assert!(store.claim_rotation(id, "two", later(11), later(20)).await.unwrap().is_some());
    let paused = after(&row, Event::PauseConfirmed);
    let late = store.step_rotation(&plain(&row, &paused, "pause_confirmed", Some("one"))).await;
    assert!(matches!(late, Err(StoreError::RotationMoved)));
    store.step_rotation(&plain(&row, &paused, "pause_confirmed", Some("two"))).await.unwrap();
}

async fn a_rotation_that_was_let_go_of_is_free_at_once(database: Database) {
    let store = database.open().await;
    let here = furnish(&store, trader()).await;
    let row = store.open_rotation(&forced(&here), None, &Actor::System, at()).await.unwrap();
    let id = row.rotation.id;
    store.claim_rotation(id, "one", at(), later(10)).await.unwrap();
    // What is not one's own is not let go of.
    store.let_go_of_rotation(id, "two").await.unwrap();
    assert_eq!(
        store.claim_rotation(id, "two", later(1), later(11)).await.unwrap().is_some(),
        database.is_sqlite()
    );
    store.claim_rotation(id, "one", later(1), later(11)).await.unwrap();
    store.let_go_of_rotation(id, "one").await.unwrap();
    let paused = after(&row, Event::PauseConfirmed);
    let late = store.step_rotation(&plain(&row, &paused, "pause_confirmed", Some("one"))).await;
    assert!(matches!(late, Err(StoreError::RotationMoved)));
    assert!(store.claim_rotation(id, "two", later(1), later(11)).await.unwrap().is_some());
}

async fn a_commit_is_all_or_nothing(database: Database) {
    let store = database.open().await;
    let here = furnish(&store, trader()).await;
    let row = verified(&store, &here).await;
    let id = row.rotation.id;
    assert_eq!(row.rotation.state, RotationState::Verified);
    let retiring = SealedPair { number: 0, ..pair(id, PairOf::Retiring, here.dek) };
    let committed = after(&row, Event::Committed(Some(2)));
    let commit = |credential| Transition {
        pairs: PairChange::Commit { credential, retiring: &retiring },
        ..plain(&row, &committed, "committed", None)
    };
    let wrong = credential(here.connection.id, 3, here.dek, "wrong");
    let refused = store.step_rotation(&commit(&wrong)).await;
    assert!(matches!(refused, Err(StoreError::VersionConflict { expected: 2, found: 3 })));
    assert_eq!(store.rotation(id).await.unwrap().as_ref(), Some(&row));
    assert!(store.rotation_pair(id, PairOf::Candidate).await.unwrap().is_some());

    let next = credential(here.connection.id, 2, here.dek, "next");
    store.step_rotation(&commit(&next)).await.unwrap();
    assert_eq!(store.credential(here.connection.id).await.unwrap(), Some(next));
    assert_eq!(store.rotation_pair(id, PairOf::Candidate).await.unwrap(), None);
    assert_eq!(store.rotation_pair(id, PairOf::Retiring).await.unwrap(), Some(retiring.clone()));
    store.verify_audit().await.unwrap();

    for event in [Event::Swapped, Event::OldPairDead(401), Event::ResumeConfirmed] {
        let row = store.rotation(id).await.unwrap().unwrap();
        let (name, next) = (event.name(), after(&row, event));
        store.step_rotation(&plain(&row, &next, name, None)).await.unwrap();
    }
    let closed = store.rotation(id).await.unwrap().unwrap();
    assert_eq!(closed.rotation.state, RotationState::Closed);
    assert_eq!(store.rotation_pair(id, PairOf::Retiring).await.unwrap(), None);
    let query = AuditQuery { event: Some("rotation_completed".to_owned()), ..AuditQuery::default() };
    assert_eq!(store.audit_page(&query).await.unwrap().len(), 1);
}

async fn what_is_sealed_keeps_its_key(database: Database) {
    let store = database.open().await;
    let here = furnish(&store, trader()).await;
    let row = verified(&store, &here).await;
    store.add_consumer(&consumer(&here, "env"), &PERSON, at()).await.unwrap();
    let fresh = dek(here.user);
    store.insert_dek(&fresh).await.unwrap();
    let next = credential(here.connection.id, 2, fresh.id, "next");
    let event = paddock_core::audit::AuditEvent::CredentialResealed {
        connection: here.connection.id,
        version: 2,
        sealed_digest: next.digest(),
    };
    store.replace_credential(here.connection.id, &next, &event, &PERSON, at()).await.unwrap();
    let in_use = |left| matches!(left, Err(StoreError::DekInUse { credentials: 1.. }));
    assert!(in_use(store.retire_dek(here.dek).await));
    let consumer = store.consumers(here.user).await.unwrap().remove(0);
    let secret = SealedSecret { version: 2, dek: fresh.id, sealed: b"anew".to_vec() };
    store.replace_consumer_secret(consumer.id, &secret).await.unwrap();
    assert!(in_use(store.retire_dek(here.dek).await));
    let pairs = store.rotation_pairs(here.user).await.unwrap();
    let (connection, pair) = &pairs[0];
    assert_eq!((*connection, pair.rotation), (here.connection.id, row.rotation.id));
    let anew = SealedPair { version: 2, dek: fresh.id, ..pair.clone() };
    store.replace_sealed_pair(&anew).await.unwrap();
    assert!(store.replace_sealed_pair(&anew).await.is_err());
    store.retire_dek(here.dek).await.unwrap();
    // What would be sealed under it now could never be opened.
    let late = SealedSecret { version: 3, dek: here.dek, sealed: b"late".to_vec() };
    assert!(store.replace_consumer_secret(consumer.id, &late).await.is_err());
}

async fn a_hold_on_trading_is_part_of_the_snapshot(database: Database) {
    let store = database.open().await;
    let here = furnish(&store, trader()).await;
    assert!(store.snapshot().await.unwrap().held_by_rotation.is_empty());
    let rehearsal = Rotation::forced(NewRotation { rehearsal: true, ..new(&here) }, PERSON, at());
    store.open_rotation(&rehearsal, None, &PERSON, at()).await.unwrap();
    assert!(store.snapshot().await.unwrap().held_by_rotation.is_empty());
    store.open_rotation(&forced(&here), None, &PERSON, at()).await.unwrap();
    assert_eq!(store.snapshot().await.unwrap().held_by_rotation, [here.connection.id]);
}

/// Whether a new order that would go with this version of the credential is reserved.
async fn reserves(store: &Store, here: &Furnished, pair: Option<u32>) -> bool {
    let intent = Intent { pair, ..intent(&here.key) };
    let decision = deciding(&here.key.scope, &intent, Some(Decimal::ONE));
    match store.reserve(&intent, decision).await {
        Ok(decided) => decided.map(drop).is_ok(),
        Err(StoreError::RotationUnheard) => false,
        Err(error) => panic!("{error}"),
    }
}

async fn whoever_has_not_heard_of_a_rotation_reserves_no_new_order(database: Database) {
    let store = database.open().await;
    let here = furnish(&store, trader()).await;
    assert!(reserves(&store, &here, Some(1)).await);
    let row = verified(&store, &here).await;
    // SQLite has one process only, which hears of it by itself.
    assert_eq!(reserves(&store, &here, Some(1)).await, database.is_sqlite());
    assert!(reserves(&store, &here, None).await);
    let committed = after(&row, Event::Committed(Some(2)));
    let retiring = pair(row.rotation.id, PairOf::Retiring, here.dek);
    let credential = credential(here.connection.id, 2, here.dek, "new");
    let pairs = PairChange::Commit { credential: &credential, retiring: &retiring };
    let transition = Transition { pairs, ..plain(&row, &committed, "committed", None) };
    let row = store.step_rotation(&transition).await.unwrap();
    assert_eq!(reserves(&store, &here, Some(2)).await, database.is_sqlite());
    let swapped = after(&row, Event::Swapped);
    let row = store.step_rotation(&plain(&row, &swapped, "swapped", None)).await.unwrap();
    let resumed = after(&row, Event::ResumeConfirmed);
    store.step_rotation(&plain(&row, &resumed, "resume_confirmed", None)).await.unwrap();
    assert!(reserves(&store, &here, Some(2)).await);
    assert_eq!(reserves(&store, &here, Some(1)).await, database.is_sqlite());
    assert!(reserves(&store, &here, None).await);
}

async fn consumers_are_kept_changed_and_removed(database: Database) {
    let store = database.open().await;
    let here = furnish(&store, trader()).await;
    let kept = consumer(&here, "env");
    store.add_consumer(&kept, &PERSON, at()).await.unwrap();
    let twin = store.add_consumer(&consumer(&here, "env"), &PERSON, at()).await;
    assert!(matches!(twin, Err(StoreError::NameTaken { .. })));
    assert_eq!(store.consumers_of(here.connection.id).await.unwrap(), std::slice::from_ref(&kept));
    let renamed = ConsumerRow { name: "prod".to_owned(), ..kept.clone() };
    store.change_consumer(&renamed, &PERSON, at()).await.unwrap();
    let secret = SealedSecret { version: 3, dek: here.dek, sealed: b"other".to_vec() };
    let skipped = ConsumerRow { secret: Some(secret.clone()), ..renamed.clone() };
    assert!(store.change_consumer(&skipped, &PERSON, at()).await.is_err());
    let other = ConsumerRow { secret: Some(SealedSecret { version: 2, ..secret }), ..renamed };
    store.change_consumer(&other, &PERSON, at()).await.unwrap();
    assert_eq!(store.consumer(kept.id).await.unwrap(), Some(other));
    store.remove_consumer(kept.id, &PERSON, at()).await.unwrap();
    assert_eq!(store.consumer(kept.id).await.unwrap(), None);
    assert!(database.texts("SELECT id FROM consumers WHERE sealed IS NOT NULL").await.is_empty());
    store.add_consumer(&consumer(&here, "prod"), &PERSON, at()).await.unwrap();
}

async fn the_ledger_tells_what_is_ours(database: Database) {
    let store = database.open().await;
    let here = furnish(&store, trader()).await;
    let consumer = consumer(&here, "env");
    store.add_consumer(&consumer, &PERSON, at()).await.unwrap();
    let row = store.open_rotation(&forced(&here), None, &PERSON, at()).await.unwrap();
    let mut delivery = delivery(&row, &consumer);
    let wrote = async || store.ownership(consumer.id).await.unwrap().wrote_key_id(&[1; 32]);
    assert!(!wrote().await);
    delivery.attempt = store.begin_delivery(&delivery).await.unwrap();
    // It may have been written before the process died.
    assert!(wrote().await);
    delivery.outcome = DeliveryOutcome::Failed;
    store.end_delivery(&delivery, at()).await.unwrap();
    assert!(!wrote().await);
    delivery.attempt = store.begin_delivery(&delivery).await.unwrap();
    delivery.outcome = DeliveryOutcome::Written;
    delivery.version = Some("8".to_owned());
    store.end_delivery(&delivery, later(1)).await.unwrap();
    assert!(wrote().await);
    let attempts = store.deliveries(row.rotation.id).await.unwrap();
    assert_eq!(
        attempts.iter().map(|one| (one.attempt, one.outcome)).collect::<Vec<_>>(),
        [(1, DeliveryOutcome::Failed), (2, DeliveryOutcome::Written)]
    );
    assert_eq!(attempts[1].version.as_deref(), Some("8"));
}

async fn due_dates_follow_the_pair_and_the_policy(database: Database) {
    let store = database.open().await;
    let here = furnish(&store, trader()).await;
    let day = Duration::from_secs(24 * 3600);
    let due = async || store.rotations_due(here.user).await.unwrap().remove(0);
    assert_eq!((due().await.days, due().await.due_at), (180, at() + 180 * day));
    store.set_rotation_days(here.connection.id, 30, &PERSON, at()).await.unwrap();
    store.set_rotation_days(here.connection.id, 60, &PERSON, at()).await.unwrap();
    assert_eq!(due().await.due_at, at() + 60 * day);
    // Sealed anew, it is the same pair.
    let same =
        paddock_store::SealedCredential { version: 2, created_at: at() + day, ..here.credential.clone() };
    let event = paddock_core::audit::AuditEvent::CredentialResealed {
        connection: here.connection.id,
        version: 2,
        sealed_digest: same.digest(),
    };
    store.replace_credential(here.connection.id, &same, &event, &PERSON, at()).await.unwrap();
    assert_eq!(due().await.since, at());
}

async fn a_removed_connection_leaves_nothing_sealed(database: Database) {
    let store = database.open().await;
    let here = furnish(&store, trader()).await;
    verified(&store, &here).await;
    store.add_consumer(&consumer(&here, "env"), &PERSON, at()).await.unwrap();
    store.remove_connection(here.connection.id, &PERSON, at()).await.unwrap();
    assert!(store.open_rotations().await.unwrap().is_empty());
    assert!(store.consumers(here.user).await.unwrap().is_empty());
    let left: BTreeSet<String> =
        database.texts("SELECT rotation_id FROM rotation_pairs").await.into_iter().collect();
    assert!(left.is_empty());
}
