//! Second factors, recovery codes, API tokens and keys of requests.

use paddock_core::Entropy as _;
use paddock_core::Role;
use paddock_core::audit::AuditEvent;
use paddock_core::id::{LinkId, PersonId, TokenId, UserId};
use paddock_store::{
    ApiToken, AuditQuery, Begun, FactorRow, KeptAnswer, KeyedRequest, Link, LinkFor, Newcomer, Store,
    StoreError,
};

use crate::support::*;

on_both!(
    a_factor_is_begun_confirmed_and_turned_off,
    a_step_is_used_once_whoever_comes,
    a_recovery_code_is_good_once,
    a_factor_is_sealed_anew_one_version_at_a_time,
    a_token_comes_and_goes,
    a_token_of_a_removed_person_is_not_made,
    a_request_with_a_key_is_begun_once,
    what_was_cut_short_is_unknown,
    an_answer_is_kept_for_a_day,
);

/// A person who joined a team by invitation.
pub async fn person(store: &Store, team: UserId, name: &str) -> PersonId {
    let mut token_hash = [0; 32];
    ENTROPY.fill(&mut token_hash);
    let link = Link {
        id: LinkId::generate(at(), &ENTROPY),
        purpose: LinkFor::Join { team, role: Role::Owner },
        label: name.to_owned(),
        actor: PERSON,
        created_at: at(),
        expires_at: later(1),
    };
    store.insert_link(&link, &token_hash).await.unwrap();
    let newcomer = Newcomer {
        id: PersonId::generate(at(), &ENTROPY),
        team,
        name: name.to_owned(),
        password: "hash of a password".to_owned(),
    };
    store.join(&token_hash, &newcomer, at()).await.unwrap().id
}

pub fn factor(person: PersonId, team: UserId, dek: paddock_core::id::DekId) -> FactorRow {
    FactorRow {
        person,
        user: team,
        version: 1,
        dek,
        sealed: b"sealed factor".to_vec(),
        created_at: at(),
        confirmed_at: None,
        last_step: None,
    }
}

pub fn token(person: PersonId, name: &str, number: u8) -> ApiToken {
    ApiToken {
        id: TokenId::generate(at(), &ENTROPY),
        person,
        name: name.to_owned(),
        secret_hash: [number; 32],
        role: Role::Operator,
        may_without_factor: false,
        networks: Some(vec!["192.0.2.0/24".parse().unwrap()]),
        created_at: at(),
        expires_at: later(1_000_000),
        revoked_at: None,
        last_used_at: None,
        last_used_from: None,
    }
}

/// Something of a person in every table of this part.
pub async fn fill(store: &Store, person: PersonId, team: UserId, dek: paddock_core::id::DekId) {
    let row = factor(person, team, dek);
    store.begin_factor(&row).await.unwrap();
    store.confirm_factor(&row, 7, &[[1; 32], [2; 32]], &PERSON, later(3)).await.unwrap();
    store.use_recovery_code(person, team, &[1; 32], &PERSON, later(3)).await.unwrap();
    store.insert_token(&token(person, "script", 5), team, &PERSON, later(3)).await.unwrap();
    store.begin_keyed(IT, later(3)).await.unwrap();
    store.answer_keyed(IT, &answer()).await.unwrap();
    store.begin_keyed(KeyedRequest { key: "cut", ..IT }, later(3)).await.unwrap();
}

async fn events(store: &Store) -> Vec<AuditEvent> {
    let query = AuditQuery { after: Some(0), ..AuditQuery::default() };
    store.audit_page(&query).await.unwrap().iter().map(|record| record.event().unwrap()).collect()
}

async fn a_factor_is_begun_confirmed_and_turned_off(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let ada = person(&store, it.user, "ada").await;
    let row = factor(ada, it.user, it.dek);
    let other_dek = FactorRow { dek: paddock_core::id::DekId::generate(at(), &ENTROPY), ..row.clone() };
    assert!(matches!(store.begin_factor(&other_dek).await, Err(StoreError::NotFound { .. })));
    store.begin_factor(&row).await.unwrap();
    assert_eq!(store.second_factor(ada).await.unwrap(), Some(row.clone()));
    assert!(!store.use_factor_step(ada, 7).await.unwrap(), "it is not on");

    // Begun again, the first is gone.
    let again = FactorRow { created_at: later(1), ..row.clone() };
    store.begin_factor(&again).await.unwrap();
    let stale = store.confirm_factor(&row, 7, &[[1; 32]], &PERSON, later(2)).await;
    assert!(matches!(stale, Err(StoreError::NotFound { .. })), "{stale:?}");
    store.confirm_factor(&again, 7, &[[1; 32], [2; 32]], &PERSON, later(2)).await.unwrap();
    let on = store.second_factor(ada).await.unwrap().unwrap();
    assert_eq!((on.confirmed_at, on.last_step), (Some(later(2)), Some(7)));
    assert!(matches!(store.begin_factor(&row).await, Err(StoreError::FactorIsOn)));
    let twice = store.confirm_factor(&again, 8, &[], &PERSON, later(3)).await;
    assert!(matches!(twice, Err(StoreError::NotFound { .. })));
    assert_eq!(store.recovery_codes_left(ada).await.unwrap(), 2);

    store.replace_recovery_codes(ada, it.user, &[[3; 32]], &PERSON, later(3)).await.unwrap();
    assert_eq!(store.recovery_codes_left(ada).await.unwrap(), 1);
    store.remove_factor(ada, it.user, &PERSON, later(4)).await.unwrap();
    assert_eq!(store.second_factor(ada).await.unwrap(), None);
    assert_eq!(store.recovery_codes_left(ada).await.unwrap(), 0);
    let none = store.remove_factor(ada, it.user, &PERSON, later(4)).await;
    assert!(matches!(none, Err(StoreError::NotFound { .. })));
    let none = store.replace_recovery_codes(ada, it.user, &[[3; 32]], &PERSON, later(4)).await;
    assert!(matches!(none, Err(StoreError::NotFound { .. })));
    let names: Vec<&str> = events(&store).await.iter().map(AuditEvent::name).collect();
    assert!(names.ends_with(&["second_factor_on", "recovery_codes_made", "second_factor_off"]), "{names:?}");
    store.verify_audit().await.unwrap();
}

async fn a_step_is_used_once_whoever_comes(database: Database) {
    let nodes = [database.open().await, database.open().await];
    let it = furnish(&nodes[0], trader()).await;
    let ada = person(&nodes[0], it.user, "ada").await;
    let row = factor(ada, it.user, it.dek);
    nodes[0].begin_factor(&row).await.unwrap();
    nodes[0].confirm_factor(&row, 7, &[], &PERSON, at()).await.unwrap();
    assert!(!nodes[0].use_factor_step(ada, 7).await.unwrap(), "used to turn it on");
    let (one, other) = tokio::join!(nodes[0].use_factor_step(ada, 8), nodes[1].use_factor_step(ada, 8));
    assert!(one.unwrap() ^ other.unwrap(), "of two with the same code one is first");
    assert!(!nodes[1].use_factor_step(ada, 6).await.unwrap(), "an older one is no better");
    assert!(nodes[1].use_factor_step(ada, 9).await.unwrap());
}

async fn a_recovery_code_is_good_once(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let (ada, bob) = (person(&store, it.user, "ada").await, person(&store, it.user, "bob").await);
    let row = factor(ada, it.user, it.dek);
    store.begin_factor(&row).await.unwrap();
    store.confirm_factor(&row, 7, &[[1; 32], [2; 32]], &PERSON, at()).await.unwrap();
    let try_code =
        async |who, code| store.use_recovery_code(who, it.user, &code, &PERSON, later(1)).await.unwrap();
    assert_eq!(try_code(bob, [1; 32]).await, None, "another's");
    assert_eq!(try_code(ada, [9; 32]).await, None);
    assert_eq!(try_code(ada, [1; 32]).await, Some(1));
    assert_eq!(try_code(ada, [1; 32]).await, None, "a second time");
    assert_eq!(try_code(ada, [2; 32]).await, Some(0));
    let used = |event: &&AuditEvent| matches!(event, AuditEvent::RecoveryCodeUsed { .. });
    assert_eq!(events(&store).await.iter().filter(used).count(), 2);
}

async fn a_factor_is_sealed_anew_one_version_at_a_time(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let ada = person(&store, it.user, "ada").await;
    let old = dek(it.user);
    store.insert_dek(&old).await.unwrap();
    let row = factor(ada, it.user, old.id);
    store.begin_factor(&row).await.unwrap();
    let refused = store.retire_dek(old.id).await;
    assert!(matches!(refused, Err(StoreError::DekInUse { credentials: 1 })), "{refused:?}");
    let anew = FactorRow { version: 2, dek: it.dek, sealed: b"anew".to_vec(), ..row };
    store.replace_sealed_factor(&anew).await.unwrap();
    assert!(matches!(store.replace_sealed_factor(&anew).await, Err(StoreError::NotFound { .. })));
    assert_eq!(store.second_factors(it.user).await.unwrap(), std::slice::from_ref(&anew));
    assert!(!format!("{anew:?}").contains("97, 110"), "its bytes are not printed");
    store.retire_dek(old.id).await.unwrap();
}

async fn a_token_comes_and_goes(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let (ada, bob) = (person(&store, it.user, "ada").await, person(&store, it.user, "bob").await);
    let script = token(ada, "script", 1);
    store.insert_token(&script, it.user, &PERSON, at()).await.unwrap();
    let taken = store.insert_token(&token(ada, "script", 2), it.user, &PERSON, at()).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })), "{taken:?}");
    store.insert_token(&token(bob, "script", 3), it.user, &PERSON, at()).await.unwrap();
    let names = async || -> Vec<_> {
        store.tokens(it.user).await.unwrap().into_iter().map(|token| (token.person, token.name)).collect()
    };
    assert_eq!(names().await.len(), 2);
    assert!(names().await.contains(&(ada, "script".to_owned())));
    store.touch_token(script.id, Some("192.0.2.7"), later(5)).await.unwrap();
    let found = store.token_by_hash(&[1; 32]).await.unwrap().unwrap();
    assert_eq!((found.last_used_at, found.last_used_from.as_deref()), (Some(later(5)), Some("192.0.2.7")));
    let another_team = UserId::generate(at(), &ENTROPY);
    assert_eq!(store.tokens(another_team).await.unwrap(), []);
    let not_theirs = store.revoke_token(script.id, another_team, &PERSON, later(6)).await;
    assert!(matches!(not_theirs, Err(StoreError::NotFound { .. })), "{not_theirs:?}");
    store.revoke_token(script.id, it.user, &PERSON, later(6)).await.unwrap();
    assert_eq!(store.token_by_hash(&[1; 32]).await.unwrap(), None);
    assert_eq!(names().await, [(bob, "script".to_owned())]);
    assert!(matches!(
        store.revoke_token(script.id, it.user, &PERSON, later(6)).await,
        Err(StoreError::NotFound { .. })
    ));
    // Its name is free again, and its hash is not printed.
    store.insert_token(&token(ada, "script", 4), it.user, &PERSON, later(7)).await.unwrap();
    assert!(!format!("{script:?}").contains("1, 1"));
    store.verify_audit().await.unwrap();
}

async fn a_token_of_a_removed_person_is_not_made(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let ada = person(&store, it.user, "ada").await;
    database.try_execute("UPDATE persons SET removed_at = 5").await.unwrap();
    let refused = store.insert_token(&token(ada, "script", 1), it.user, &PERSON, at()).await;
    assert!(matches!(refused, Err(StoreError::NotFound { what: "person" })), "{refused:?}");
}

const IT: KeyedRequest<'static> = KeyedRequest { who: "ada", key: "k", request: &[1; 32], run: "run-1" };

fn answer() -> KeptAnswer {
    KeptAnswer { status: 201, content_type: Some("application/json".to_owned()), body: Some(b"{}".to_vec()) }
}

async fn a_request_with_a_key_is_begun_once(database: Database) {
    let store = database.open().await;
    let begin = async |it| store.begin_keyed(it, at()).await.unwrap();
    assert_eq!(begin(IT).await, Begun::Fresh);
    assert_eq!(begin(IT).await, Begun::UnderWay);
    assert_eq!(begin(KeyedRequest { request: &[2; 32], ..IT }).await, Begun::AnotherRequest);
    assert_eq!(begin(KeyedRequest { who: "bob", request: &[2; 32], ..IT }).await, Begun::Fresh);
    store.answer_keyed(IT, &answer()).await.unwrap();
    assert_eq!(begin(IT).await, Begun::Answered(answer()));
    assert_eq!(begin(KeyedRequest { request: &[2; 32], ..IT }).await, Begun::AnotherRequest);
    // What was answered is not forgotten, and what came to nothing is.
    store.forget_keyed(IT).await.unwrap();
    assert_eq!(begin(IT).await, Begun::Answered(answer()));
    let other = KeyedRequest { key: "other", ..IT };
    assert_eq!(begin(other).await, Begun::Fresh);
    store.forget_keyed(other).await.unwrap();
    assert_eq!(begin(other).await, Begun::Fresh);
}

async fn what_was_cut_short_is_unknown(database: Database) {
    let store = database.open().await;
    assert_eq!(store.begin_keyed(IT, at()).await.unwrap(), Begun::Fresh);
    let next_run = KeyedRequest { run: "run-2", ..IT };
    // Where other nodes may share the database, one of them may still be at it.
    let expected = if database.is_sqlite() { Begun::Unknown } else { Begun::UnderWay };
    assert_eq!(store.begin_keyed(next_run, later(1)).await.unwrap(), expected);
    assert_eq!(store.begin_keyed(next_run, later(601_000_000)).await.unwrap(), Begun::Unknown);
    // The later process cannot answer for the earlier one.
    store.answer_keyed(next_run, &answer()).await.unwrap();
    store.forget_keyed(next_run).await.unwrap();
    assert_eq!(store.begin_keyed(next_run, later(602_000_000)).await.unwrap(), Begun::Unknown);
}

async fn an_answer_is_kept_for_a_day(database: Database) {
    let store = database.open().await;
    assert_eq!(store.begin_keyed(IT, at()).await.unwrap(), Begun::Fresh);
    store.answer_keyed(IT, &answer()).await.unwrap();
    let day = 24 * 3_600_000_000;
    assert_eq!(store.begin_keyed(IT, later(day)).await.unwrap(), Begun::Answered(answer()));
    assert_eq!(store.begin_keyed(IT, later(day + 1)).await.unwrap(), Begun::Fresh);
}
