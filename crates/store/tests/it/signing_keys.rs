//! Signing keys, and signatures that are good once.

use paddock_core::scope::Signed;
use paddock_store::{SealedSigningKey, StoreError};

use crate::support::*;

on_both!(
    a_signing_key_comes_and_goes_with_its_access_key,
    it_is_sealed_anew_one_version_at_a_time,
    a_data_encryption_key_waits_for_it,
    a_signature_is_good_once_on_every_node,
);

fn signed() -> paddock_core::Scope {
    let mut scope = trader();
    scope.signed = Some(Signed::Required);
    scope
}

async fn a_signing_key_comes_and_goes_with_its_access_key(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let key = access_key(it.connection.id, "traveller", signed());
    let without = store.insert_key(&key, &PERSON, at()).await;
    assert!(matches!(without, Err(StoreError::NoSigningKey)), "{without:?}");
    let signing = signing_key(&key, it.dek);
    store.insert_signed_key(&key, &signing, &PERSON, at()).await.unwrap();
    assert_eq!(store.snapshot().await.unwrap().signing_keys, std::slice::from_ref(&signing));
    let plain = store.set_scope(key.id, &key.scope, &trader(), &PERSON, at()).await;
    assert!(matches!(plain, Err(StoreError::NoSigningKey)), "{plain:?}");
    assert!(!format!("{signing:?}").contains("115"), "its bytes are not printed");
    store.revoke_key(key.id, &PERSON, later(1)).await.unwrap();
    assert_eq!(store.snapshot().await.unwrap().signing_keys, []);
    store.verify_audit().await.unwrap();
}

async fn it_is_sealed_anew_one_version_at_a_time(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let key = access_key(it.connection.id, "traveller", signed());
    store.insert_signed_key(&key, &signing_key(&key, it.dek), &PERSON, at()).await.unwrap();
    let anew = SealedSigningKey { version: 2, sealed: b"anew".to_vec(), ..signing_key(&key, it.dek) };
    store.replace_signing_key(&anew).await.unwrap();
    let again = store.replace_signing_key(&anew).await;
    assert!(matches!(again, Err(StoreError::NotFound { what: "signing key" })), "{again:?}");
    assert_eq!(store.snapshot().await.unwrap().signing_keys, [anew]);
}

async fn a_data_encryption_key_waits_for_it(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let key = access_key(it.connection.id, "traveller", signed());
    let old = dek(it.user);
    store.insert_dek(&old).await.unwrap();
    store.insert_signed_key(&key, &signing_key(&key, old.id), &PERSON, at()).await.unwrap();
    let refused = store.retire_dek(old.id).await;
    assert!(matches!(refused, Err(StoreError::DekInUse { credentials: 1 })), "{refused:?}");
    let anew = SealedSigningKey { version: 2, ..signing_key(&key, it.dek) };
    store.replace_signing_key(&anew).await.unwrap();
    store.retire_dek(old.id).await.unwrap();
    // Nothing is sealed under a key that is gone.
    let late = access_key(it.connection.id, "late", signed());
    let refused = store.insert_signed_key(&late, &signing_key(&late, old.id), &PERSON, at()).await;
    assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{refused:?}");
    assert_eq!(store.key(late.id).await.unwrap(), None);
}

async fn a_signature_is_good_once_on_every_node(database: Database) {
    let nodes = [database.open().await, database.open().await];
    let it = furnish(&nodes[0], trader()).await;
    assert!(nodes[0].use_signature(&[1; 32], it.key.id, at()).await.unwrap());
    for node in &nodes {
        assert!(!node.use_signature(&[1; 32], it.key.id, later(60_000_000)).await.unwrap());
    }
    assert!(nodes[1].use_signature(&[2; 32], it.key.id, later(60_000_000)).await.unwrap());
}
