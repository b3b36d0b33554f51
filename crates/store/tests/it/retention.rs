//! Checkpoints and the removal of old records, on both databases. Signatures are stood in for: who signs is not the store's matter.

use paddock_core::audit::AuditEvent;
use paddock_core::checkpoint::{Checkpoint, PublicKey, Signature, SigningKey};
use paddock_core::id::DekId;
use paddock_store::{AuditFault, AuditKey, Freezing, Store, Subject};
use sha2::{Digest as _, Sha256};

use crate::support::*;

on_both!(
    a_chain_that_was_shortened_verifies_and_restores,
    only_what_is_before_a_checkpoint_may_be_removed,
    what_is_exchanged_shows,
);

const KEY: PublicKey = PublicKey::from_bytes([1; 32]);

/// A hash in the place of a signature.
fn sign(key: &PublicKey, message: &[u8]) -> Signature {
    let hash: [u8; 32] = Sha256::digest([key.as_bytes(), message].concat()).into();
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&hash);
    Signature::from_bytes(bytes)
}

fn is_signed(key: &PublicKey, message: &[u8], signature: &Signature) -> bool {
    sign(key, message) == *signature
}

async fn with_key(store: &Store) -> Furnished {
    let it = furnish(store, trader()).await;
    make_key(store, it.dek).await;
    it
}

pub async fn make_key(store: &Store, dek: DekId) {
    let key = SigningKey { public_key: KEY, at: at(), endorsed_by: None, endorsement: None };
    let key = AuditKey { key, sealed: Some((dek, vec![1, 2, 3])) };
    store.add_audit_key(&key, &PERSON, at()).await.unwrap();
}

pub async fn checkpoint(store: &Store) -> Checkpoint {
    let (seq, hash) = store.audit_head().await.unwrap();
    let signature = sign(&KEY, &Checkpoint::message(seq, hash, at()));
    let made = Checkpoint { seq, hash, at: at(), key: KEY, signature };
    store.add_checkpoint(&made).await.unwrap();
    made
}

async fn a_chain_that_was_shortened_verifies_and_restores(database: Database) {
    let store = database.open().await;
    let it = with_key(&store).await;
    store.freeze(&Freezing::of(Subject::Key(it.key.id)), &PERSON, at()).await.unwrap();
    let first = checkpoint(&store).await;
    let revoked = access_key(it.connection.id, "short-lived", trader());
    store.insert_key(&revoked, &PERSON, at()).await.unwrap();
    store.revoke_key(revoked.id, &PERSON, at()).await.unwrap();
    let second = checkpoint(&store).await;
    // More than are removed in one transaction, so that going on is tried as well.
    for records in 0..2500 {
        store.append_audit(&PERSON, &AuditEvent::BackupWritten { records }, at()).await.unwrap();
        if records % 500 == 0 {
            assert_eq!(store.verify_signed_audit(is_signed).await.unwrap().signed, second.seq);
        }
    }
    let third = checkpoint(&store).await;

    assert_eq!(store.prune_audit(&first, &PERSON, at()).await.unwrap(), first.seq);
    let chain = store.verify_signed_audit(is_signed).await.unwrap();
    assert_eq!((chain.removed, chain.count, chain.signed), (first.seq, third.seq + 1, third.seq));
    assert_eq!(store.prune_audit(&third, &PERSON, at()).await.unwrap(), third.seq - first.seq);
    // An older checkpoint removes nothing more.
    assert_eq!(store.prune_audit(&second, &PERSON, at()).await.unwrap(), 0);
    let chain = store.verify_signed_audit(is_signed).await.unwrap();
    assert_eq!((chain.removed, chain.count), (third.seq, third.seq + 2));
    assert_eq!(store.audit_start().await.unwrap().hash, third.hash);
    reserve(&store, &it.key, "1").await;

    let mut archive = Vec::new();
    store.export(&mut archive).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let copy = Database::in_directory(directory.path()).open().await;
    copy.import(std::io::Cursor::new(archive)).await.unwrap();
    assert_eq!(
        copy.verify_signed_audit(is_signed).await.unwrap(),
        store.verify_signed_audit(is_signed).await.unwrap()
    );
    assert_eq!(copy.audit_keys().await.unwrap(), store.audit_keys().await.unwrap());
}

async fn only_what_is_before_a_checkpoint_may_be_removed(database: Database) {
    let store = database.open().await;
    with_key(&store).await;
    let signed = checkpoint(&store).await;
    store.append_audit(&PERSON, &AuditEvent::BackupWritten { records: 0 }, at()).await.unwrap();
    for forbidden in [
        "DELETE FROM audit WHERE seq = 1",
        "DELETE FROM audit",
        "UPDATE audit_start SET seq = 1",
        "UPDATE audit_start SET seq = 100",
    ] {
        assert!(database.try_execute(forbidden).await.is_err(), "{forbidden}");
    }
    // A checkpoint that is not of this chain removes nothing.
    let mut foreign = signed;
    foreign.hash = paddock_core::audit::ChainHash::START;
    let fault = store.prune_audit(&foreign, &PERSON, at()).await.unwrap_err();
    assert!(matches!(fault, AuditFault::Checkpoint { .. }), "{fault}");
    assert_eq!(store.verify_signed_audit(is_signed).await.unwrap().removed, 0);
    store.prune_audit(&signed, &PERSON, at()).await.unwrap();
    assert!(database.try_execute("UPDATE audit_start SET seq = 0").await.is_err());
    assert!(database.try_execute("DELETE FROM audit").await.is_err());
}

async fn what_is_exchanged_shows(database: Database) {
    let store = database.open().await;
    with_key(&store).await;
    checkpoint(&store).await;
    let zeros = database.bytes(&"00".repeat(64));
    let other = database.bytes(&"02".repeat(32));
    let cases = [
        (format!("UPDATE audit_checkpoints SET signature = {zeros}"), "checkpoint"),
        ("UPDATE audit_checkpoints SET at = at + 1".to_owned(), "checkpoint"),
        (format!("UPDATE audit_checkpoints SET hash = {other}"), "checkpoint"),
        ("UPDATE audit_checkpoints SET seq = seq + 100".to_owned(), "ends at record"),
    ];
    for (change, said) in cases {
        let before = database.texts("SELECT CAST(seq AS TEXT) FROM audit_checkpoints").await;
        assert_eq!(before.len(), 1);
        database.try_execute(&change).await.unwrap();
        let fault = store.verify_signed_audit(is_signed).await.unwrap_err().to_string();
        assert!(fault.contains(said), "{change}: {fault}");
        database.try_execute("DELETE FROM audit_checkpoints").await.unwrap();
        checkpoint(&store).await;
        store.verify_signed_audit(is_signed).await.unwrap();
    }
    database.try_execute("DELETE FROM audit_checkpoints").await.unwrap();
    database.try_execute(&format!("UPDATE audit_keys SET public_key = {other}")).await.unwrap();
    let fault = store.verify_signed_audit(is_signed).await.unwrap_err();
    assert!(matches!(fault, AuditFault::AuditKeys), "{fault}");
}
