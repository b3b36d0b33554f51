//! Access keys.

use paddock_core::Scope;
use paddock_core::audit::AuditEvent;
use paddock_core::id::UserId;
use paddock_store::{AuditQuery, Names, StoreError};

use crate::support::*;

on_both!(
    a_key_is_read_back_as_it_was_made,
    a_name_is_free_again_after_a_revoke,
    a_scope_is_exchanged_with_a_record_of_both,
    last_use_only_moves_forwards,
    what_is_gone_keeps_its_name_for_the_audit,
    nothing_prints_the_hash
);

async fn a_key_is_read_back_as_it_was_made(database: Database) {
    let store = database.open().await;
    let mut scope = trader();
    scope.max_daily_notional = Some(dec("1000.50"));
    scope.networks = Some(vec!["10.0.0.0/8".parse().unwrap()]);
    let it = furnish(&store, scope).await;
    assert_eq!(store.key(it.key.id).await.unwrap().as_ref(), Some(&it.key));
    assert_eq!(store.key_named(it.user, "bot").await.unwrap().as_ref(), Some(&it.key));
    assert_eq!(store.keys(it.user).await.unwrap(), [it.key]);
}

async fn a_name_is_free_again_after_a_revoke(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let same = access_key(it.connection.id, "bot", trader());
    let taken = store.insert_key(&same, &PERSON, at()).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })));
    store.revoke_key(it.key.id, &PERSON, later(1)).await.unwrap();
    store.insert_key(&same, &PERSON, later(2)).await.unwrap();
    assert_eq!(store.key_named(it.user, "bot").await.unwrap().as_ref(), Some(&same));
    assert_eq!(store.keys(it.user).await.unwrap().len(), 2);
    assert_eq!(store.snapshot().await.unwrap().keys, [same]);
    let again = store.revoke_key(it.key.id, &PERSON, later(3)).await;
    assert!(matches!(again, Err(StoreError::NotFound { what: "access key" })));
    let frozen = store.set_key_frozen(it.key.id, true, &PERSON, later(3)).await;
    assert!(matches!(frozen, Err(StoreError::NotFound { what: "access key" })));
    store.verify_audit().await.unwrap();
}

async fn what_is_gone_keeps_its_name_for_the_audit(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    store.remove_connection(it.connection.id, &PERSON, later(1)).await.unwrap();
    let names = store.names(it.user).await.unwrap();
    assert_eq!(names.of(it.key.id), Some("bot"));
    assert_eq!(names.of(it.connection.id), Some(it.connection.name.as_str()));
    let another_team = UserId::generate(at(), &ENTROPY);
    assert_eq!(store.names(another_team).await.unwrap(), Names::default());
}

async fn a_scope_is_exchanged_with_a_record_of_both(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let narrower = Scope { max_daily_orders: Some(3), ..trader() };
    store.set_scope(it.key.id, &trader(), &narrower, &PERSON, later(1)).await.unwrap();
    assert_eq!(store.key(it.key.id).await.unwrap().unwrap().scope, narrower);
    assert_eq!(store.snapshot().await.unwrap().keys[0].scope, narrower);
    let query = AuditQuery { event: Some("key_scope_changed".to_owned()), ..AuditQuery::default() };
    let records = store.audit_page(&query).await.unwrap();
    let expected = AuditEvent::KeyScopeChanged {
        key: it.key.id,
        old: Box::new(trader()),
        new: Box::new(narrower.clone()),
    };
    assert_eq!(records[0].event().unwrap(), expected);
    // Who has seen another scope decides nothing, and what is the same already is no news.
    let stale = store.set_scope(it.key.id, &trader(), &narrower, &PERSON, later(2)).await;
    assert!(matches!(stale, Err(StoreError::ScopeChanged)));
    store.set_scope(it.key.id, &narrower, &narrower, &PERSON, later(2)).await.unwrap();
    assert_eq!(store.audit_page(&query).await.unwrap().len(), 1);
    store.verify_audit().await.unwrap();
    // A scope that was widened behind the chain's back shows.
    let wide = serde_json::to_string(&trader()).unwrap();
    database.tamper(&format!("UPDATE access_keys SET scope = '{wide}'")).await;
    assert!(store.verify_audit().await.is_err());
    store.revoke_key(it.key.id, &PERSON, later(3)).await.unwrap();
    let gone = store.set_scope(it.key.id, &trader(), &narrower, &PERSON, later(4)).await;
    assert!(matches!(gone, Err(StoreError::NotFound { what: "access key" })));
}

async fn last_use_only_moves_forwards(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    for micros in [5, 3] {
        store.touch_keys(&[(it.key.id, later(micros))]).await.unwrap();
    }
    assert_eq!(store.key(it.key.id).await.unwrap().unwrap().last_used_at, Some(later(5)));
    store.touch_keys(&[]).await.unwrap();
}

async fn nothing_prints_the_hash(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let shown = format!("{:?}", store.snapshot().await.unwrap());
    assert!(shown.contains("bot") && !shown.contains("7, 7, 7") && !shown.contains("sealed"), "{shown}");
    drop(it);
}
