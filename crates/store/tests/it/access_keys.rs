//! Access keys.

use paddock_store::StoreError;

use crate::support::*;

on_both!(
    a_key_is_read_back_as_it_was_made,
    a_name_is_free_again_after_a_revoke,
    last_use_only_moves_forwards,
    nothing_prints_the_hash
);

async fn a_key_is_read_back_as_it_was_made(database: Database) {
    let store = database.open().await;
    let mut scope = trader();
    scope.max_daily_notional = Some(dec("1000.50"));
    scope.networks = Some(vec!["10.0.0.0/8".parse().unwrap()]);
    let it = furnish(&store, scope).await;
    assert_eq!(store.key(it.key.id).await.unwrap().as_ref(), Some(&it.key));
    assert_eq!(store.key_named("bot").await.unwrap().as_ref(), Some(&it.key));
    assert_eq!(store.keys().await.unwrap(), [it.key]);
}

async fn a_name_is_free_again_after_a_revoke(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let same = access_key(it.connection.id, "bot", trader());
    let taken = store.insert_key(&same, &PERSON, at()).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })));
    store.revoke_key(it.key.id, &PERSON, later(1)).await.unwrap();
    store.insert_key(&same, &PERSON, later(2)).await.unwrap();
    assert_eq!(store.key_named("bot").await.unwrap().as_ref(), Some(&same));
    assert_eq!(store.keys().await.unwrap().len(), 2);
    assert_eq!(store.snapshot().await.unwrap().keys, [same]);
    let again = store.revoke_key(it.key.id, &PERSON, later(3)).await;
    assert!(matches!(again, Err(StoreError::NotFound { what: "access key" })));
    let frozen = store.set_key_frozen(it.key.id, true, &PERSON, later(3)).await;
    assert!(matches!(frozen, Err(StoreError::NotFound { what: "access key" })));
    store.verify_audit().await.unwrap();
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
