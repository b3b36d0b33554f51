//! Data-encryption keys.

use paddock_store::StoreError;

use crate::support::*;

on_both!(
    the_newest_key_is_current_and_the_old_one_retires_when_nothing_needs_it,
    seals_are_counted_before_they_are_made
);

async fn the_newest_key_is_current_and_the_old_one_retires_when_nothing_needs_it(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let mut new = dek(it.user);
    new.created_at = later(1);
    store.insert_dek(&new).await.unwrap();
    assert_eq!(store.current_dek(it.user).await.unwrap().as_ref(), Some(&new));
    assert_eq!(store.deks().await.unwrap().len(), 2);
    let refused = store.retire_dek(it.dek).await;
    assert!(matches!(refused, Err(StoreError::DekInUse { credentials: 1 })), "{refused:?}");

    let resealed = credential(it.connection.id, 2, new.id, "resealed");
    let event = paddock_core::audit::AuditEvent::CredentialResealed {
        connection: it.connection.id,
        version: 2,
        sealed_digest: resealed.digest(),
    };
    store.replace_credential(it.connection.id, &resealed, &event, &PERSON, at()).await.unwrap();
    store.retire_dek(it.dek).await.unwrap();
    store.retire_dek(it.dek).await.unwrap();
    assert_eq!(store.deks().await.unwrap(), [new]);
    assert!(matches!(store.replace_wrapped(it.dek, b"x").await, Err(StoreError::NotFound { .. })));
    assert!(matches!(store.count_seals(it.dek, 1).await, Err(StoreError::NotFound { .. })));
}

async fn seals_are_counted_before_they_are_made(database: Database) {
    let store = database.open().await;
    let user = store.ensure_owner(at(), &ENTROPY).await.unwrap();
    assert_eq!(store.current_dek(user).await.unwrap(), None);
    let dek = dek(user);
    store.insert_dek(&dek).await.unwrap();
    assert_eq!(store.count_seals(dek.id, 2).await.unwrap(), 0);
    assert_eq!(store.count_seals(dek.id, 3).await.unwrap(), 2);
    store.replace_wrapped(dek.id, b"wrapped anew").await.unwrap();
    let now = store.current_dek(user).await.unwrap().unwrap();
    assert_eq!((now.seals, now.wrapped.as_slice()), (5, b"wrapped anew".as_slice()));
}
