//! Connections and their credentials.

use paddock_core::audit::AuditEvent;
use paddock_core::{CredentialKind, Environment};
use paddock_store::{
    Attestation, ConnectionFault, CredentialFacts, FingerprintMatch, Look, SealedCredential, SealedParts,
    SignedAttestation, StoreError,
};

use crate::support::*;

on_both!(
    the_first_connection_is_active_and_another_can_become_so,
    an_account_is_connected_once_in_an_environment,
    a_name_is_given_once,
    a_credential_is_replaced_version_by_version,
    earlier_pairs_are_recognised_by_either_half,
    removing_takes_the_secret_and_the_keys_and_leaves_the_history,
    a_check_is_noted,
    what_a_look_found_wrong_is_kept_until_one_finds_nothing,
    another_credential_ends_what_was_wrong_and_a_late_look_with_the_old_one_says_nothing,
    a_connection_is_renamed_and_keeps_its_history,
    a_pair_is_as_old_as_its_first_sealing,
    a_token_takes_the_place_of_a_pair_and_goes_as_a_pair_does,
    what_was_signed_is_kept_with_the_connection,
    freezes_are_kept_and_recorded_once,
);

async fn the_first_connection_is_active_and_another_can_become_so(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    assert!(it.connection.active);
    let (second, sealed) = connection(it.user, it.dek, "second", "account-2");
    let second = store.add_connection(&second, &sealed, &PERSON, later(1)).await.unwrap();
    assert!(!second.active);
    assert_eq!(store.connections(it.user).await.unwrap(), [it.connection.clone(), second.clone()]);
    assert_eq!(store.connection_named(it.user, "second").await.unwrap().as_ref(), Some(&second));
    assert_eq!(store.credential(second.id).await.unwrap(), Some(sealed));

    store.activate_connection(second.id, &PERSON, later(2)).await.unwrap();
    let recorded = store.audit_head().await.unwrap();
    store.activate_connection(second.id, &PERSON, later(3)).await.unwrap();
    assert_eq!(store.audit_head().await.unwrap(), recorded, "nothing changed, so nothing is recorded");
    let active: Vec<bool> = store.connections(it.user).await.unwrap().iter().map(|one| one.active).collect();
    assert_eq!(active, [false, true]);
}

async fn an_account_is_connected_once_in_an_environment(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let (mut again, sealed) = connection(it.user, it.dek, "again", "account-1");
    let before = store.audit_head().await.unwrap();
    match store.add_connection(&again, &sealed, &PERSON, at()).await {
        Err(StoreError::AlreadyConnected { connection, name }) => {
            assert_eq!((connection, name.as_str()), (it.connection.id, "main"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(store.audit_head().await.unwrap(), before);
    again.environment = Environment::Live;
    store.add_connection(&again, &sealed, &PERSON, at()).await.unwrap();
}

async fn a_name_is_given_once(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let (same, sealed) = connection(it.user, it.dek, "main", "account-2");
    let taken = store.add_connection(&same, &sealed, &PERSON, at()).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { name }) if name == "main"));
    store.remove_connection(it.connection.id, &PERSON, at()).await.unwrap();
    store.add_connection(&same, &sealed, &PERSON, at()).await.unwrap();
    // The rule holds in the tables, not only in front of them.
    let rows = database.texts("SELECT id FROM connections WHERE removed_at IS NULL").await;
    assert_eq!(rows.len(), 1);
}

async fn a_credential_is_replaced_version_by_version(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let id = it.connection.id;
    let replaced = |version, content: &str| {
        let new = credential(id, version, it.dek, content);
        let event = AuditEvent::CredentialReplaced { connection: id, version, sealed_digest: new.digest() };
        (new, event)
    };
    let (skipping, event) = replaced(3, "new");
    let refused = store.replace_credential(id, &skipping, &event, &PERSON, at()).await;
    assert!(matches!(refused, Err(StoreError::VersionConflict { expected: 2, found: 3 })), "{refused:?}");

    let (second, event) = replaced(2, "new");
    let (_, of_another) = replaced(2, "another");
    let refused = store.replace_credential(id, &second, &of_another, &PERSON, at()).await;
    assert!(matches!(refused, Err(StoreError::WrongWitness)), "{refused:?}");

    store.replace_credential(id, &second, &event, &PERSON, at()).await.unwrap();
    let refused = store.replace_credential(id, &second, &event, &PERSON, at()).await;
    assert!(matches!(refused, Err(StoreError::VersionConflict { expected: 3, found: 2 })), "{refused:?}");
    assert_eq!(store.credential(id).await.unwrap(), Some(second));
    assert_eq!(store.connection(id).await.unwrap().unwrap().credential_version, 2);
    let kept = database
        .texts("SELECT 'old' FROM credentials WHERE version = 1 AND key_id IS NULL AND secret_key IS NULL");
    assert_eq!(kept.await.len(), 1, "the old sealed bytes are erased");
    store.verify_audit().await.unwrap();
}

async fn earlier_pairs_are_recognised_by_either_half(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let id = it.connection.id;
    let old = it.credential;
    let new = credential(id, 2, it.dek, "new");
    let event = AuditEvent::CredentialReplaced { connection: id, version: 2, sealed_digest: new.digest() };
    store.replace_credential(id, &new, &event, &PERSON, at()).await.unwrap();

    let found = store.find_fingerprints(fingerprints(&new).0, fingerprints(&old).1).await.unwrap();
    let of = |version, key_id_matches| FingerprintMatch {
        connection: id,
        version,
        key_id_matches,
        secret_matches: !key_id_matches,
    };
    assert_eq!(found, [of(1, false), of(2, true)]);
    assert_eq!(store.find_fingerprints(b"none", b"such").await.unwrap(), []);
}

async fn removing_takes_the_secret_and_the_keys_and_leaves_the_history(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let id = it.connection.id;
    let order = reserve(&store, &it.key, "10").await;
    store.remove_connection(id, &PERSON, later(5)).await.unwrap();

    assert_eq!(store.connections(it.user).await.unwrap(), []);
    assert_eq!(store.credential(id).await.unwrap(), None);
    let removed = store.connection(id).await.unwrap().unwrap();
    assert_eq!((removed.removed_at, removed.active), (Some(later(5)), false));
    assert_eq!(store.key(it.key.id).await.unwrap().unwrap().revoked_at, Some(later(5)));
    assert_eq!(store.key_named(it.user, "bot").await.unwrap(), None);
    assert_eq!(store.open_reservations().await.unwrap()[0].request, order.request);
    assert_eq!(store.find_fingerprints(fingerprints(&it.credential).0, b"").await.unwrap().len(), 1);
    assert_eq!(database.texts("SELECT 'kept' FROM credentials WHERE secret_key IS NOT NULL").await.len(), 0);
    let removed = store.removed_connections(it.user).await.unwrap();
    assert_eq!(
        removed.iter().map(|one| (one.id, one.removed_at.is_some())).collect::<Vec<_>>(),
        [(id, true)]
    );
    let again = store.remove_connection(id, &PERSON, later(6)).await;
    assert!(matches!(again, Err(StoreError::NotFound { what: "connection" })));
    let snapshot = store.snapshot().await.unwrap();
    assert!(snapshot.connections.is_empty() && snapshot.keys.is_empty());
    store.verify_audit().await.unwrap();

    // The same account can come back, and starts anew.
    let (back, sealed) = connection(it.user, it.dek, "main", "account-1");
    assert!(store.add_connection(&back, &sealed, &PERSON, later(7)).await.unwrap().active);
    store.verify_audit().await.unwrap();
}

async fn a_check_is_noted(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    store.mark_checked(it.connection.id, "ACCOUNT_CLOSED", later(9)).await.unwrap();
    let seen = store.connection(it.connection.id).await.unwrap().unwrap();
    assert_eq!((seen.status.as_str(), seen.checked_at), ("ACCOUNT_CLOSED", later(9)));
}

fn refused(at: jiff::Timestamp) -> ConnectionFault {
    ConnectionFault {
        code: "invalid_credentials".to_owned(),
        title: "Invalid Alpaca credentials".to_owned(),
        detail: "Alpaca accepts this pair neither for paper nor for live".to_owned(),
        next_step: "generate a new pair".to_owned(),
        at,
    }
}

async fn what_a_look_found_wrong_is_kept_until_one_finds_nothing(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let id = it.connection.id;
    let sealed = store.credential(id).await.unwrap().unwrap();
    let fingerprint = sealed.secret.fingerprint();
    let found = Look { status: None, fault: Some(refused(later(5))) };
    store.note_look(id, fingerprint, found, later(5)).await.unwrap();
    let kept = store.connection_faults(it.user).await.unwrap();
    assert_eq!(kept.get(&id), Some(&refused(later(5))));
    assert_eq!(store.connection(id).await.unwrap().unwrap().checked_at, at(), "the account was not seen");

    let inactive = Look { status: Some("ACCOUNT_CLOSED"), fault: Some(refused(later(7))) };
    store.note_look(id, fingerprint, inactive, later(7)).await.unwrap();
    assert_eq!(store.connection_faults(it.user).await.unwrap()[&id].at, later(7));

    // The same pair, sealed anew, is as bad as it was.
    let mut anew = sealed.clone();
    anew.version = 2;
    let event = AuditEvent::CredentialResealed { connection: id, version: 2, sealed_digest: anew.digest() };
    store.replace_credential(id, &anew, &event, &PERSON, later(8)).await.unwrap();
    assert_eq!(store.connection_faults(it.user).await.unwrap().len(), 1);

    let well = Look { status: Some("ACTIVE"), fault: None };
    store.note_look(id, fingerprint, well, later(9)).await.unwrap();
    assert!(store.connection_faults(it.user).await.unwrap().is_empty());
    let seen = store.connection(id).await.unwrap().unwrap();
    assert_eq!((seen.status.as_str(), seen.checked_at), ("ACTIVE", later(9)));
}

async fn another_credential_ends_what_was_wrong_and_a_late_look_with_the_old_one_says_nothing(
    database: Database,
) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let id = it.connection.id;
    let old = store.credential(id).await.unwrap().unwrap();
    let found = || Look { status: None, fault: Some(refused(later(5))) };
    store.note_look(id, old.secret.fingerprint(), found(), later(5)).await.unwrap();
    let new = credential(id, 2, it.dek, "another");
    let event = AuditEvent::CredentialReplaced { connection: id, version: 2, sealed_digest: new.digest() };
    store.replace_credential(id, &new, &event, &PERSON, later(6)).await.unwrap();
    assert!(store.connection_faults(it.user).await.unwrap().is_empty());

    store.note_look(id, old.secret.fingerprint(), found(), later(7)).await.unwrap();
    assert!(store.connection_faults(it.user).await.unwrap().is_empty());

    store.note_look(id, new.secret.fingerprint(), found(), later(8)).await.unwrap();
    store.remove_connection(id, &PERSON, later(9)).await.unwrap();
    store.note_look(id, new.secret.fingerprint(), found(), later(10)).await.unwrap();
    assert!(store.connection_faults(it.user).await.unwrap().is_empty());
}

async fn freezes_are_kept_and_recorded_once(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let before = store.audit_head().await.unwrap().0;
    for _ in 0..2 {
        store.set_connection_frozen(it.connection.id, true, &PERSON, at()).await.unwrap();
        store.set_key_frozen(it.key.id, true, &PERSON, at()).await.unwrap();
        store.set_everything_frozen(true, &PERSON, at()).await.unwrap();
    }
    assert_eq!(store.audit_head().await.unwrap().0, before + 3);
    let snapshot = store.snapshot().await.unwrap();
    assert!(snapshot.connections[0].0.frozen && snapshot.keys[0].frozen && snapshot.everything_frozen);
    store.verify_audit().await.unwrap();

    store.set_connection_frozen(it.connection.id, false, &PERSON, at()).await.unwrap();
    store.set_key_frozen(it.key.id, false, &PERSON, at()).await.unwrap();
    store.set_everything_frozen(false, &PERSON, at()).await.unwrap();
    let snapshot = store.snapshot().await.unwrap();
    assert!(!snapshot.connections[0].0.frozen && !snapshot.keys[0].frozen && !snapshot.everything_frozen);
    assert_eq!(snapshot.connections, [(it.connection, it.credential)]);
    assert_eq!(snapshot.keys, [it.key]);
    assert_eq!(snapshot.deks.len(), 1);
    store.verify_audit().await.unwrap();
}

async fn a_connection_is_renamed_and_keeps_its_history(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let (second, sealed) = connection(it.user, it.dek, "second", "account-2");
    store.add_connection(&second, &sealed, &PERSON, later(1)).await.unwrap();
    store.rename_connection(second.id, "other", &PERSON, later(2)).await.unwrap();
    let renamed = store.connection_named(it.user, "other").await.unwrap().unwrap();
    assert_eq!(renamed.id, second.id);
    let recorded = store.audit_head().await.unwrap();
    store.rename_connection(second.id, "other", &PERSON, later(3)).await.unwrap();
    let taken = store.rename_connection(second.id, "main", &PERSON, later(3)).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { name }) if name == "main"));
    assert_eq!(store.audit_head().await.unwrap(), recorded);
    store.remove_connection(second.id, &PERSON, later(4)).await.unwrap();
    let gone = store.rename_connection(second.id, "third", &PERSON, later(5)).await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
    assert!(store.verify_audit().await.is_ok());
}

async fn a_pair_is_as_old_as_its_first_sealing(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let since = |facts: std::collections::BTreeMap<_, CredentialFacts>| {
        facts.get(&it.connection.id).map(|facts| facts.since)
    };
    assert_eq!(since(store.credential_facts(it.user).await.unwrap()), Some(at()));
    let id = it.connection.id;
    // Sealed anew: the same pair.
    let anew = SealedCredential { version: 2, created_at: later(10), ..it.credential.clone() };
    let event = AuditEvent::CredentialResealed { connection: id, version: 2, sealed_digest: anew.digest() };
    store.replace_credential(id, &anew, &event, &PERSON, later(10)).await.unwrap();
    assert_eq!(since(store.credential_facts(it.user).await.unwrap()), Some(at()));
    // Another pair.
    let other = SealedCredential {
        version: 3,
        created_at: later(20),
        secret: credential(id, 3, it.dek, "another").secret,
        ..anew
    };
    let event = AuditEvent::CredentialReplaced { connection: id, version: 3, sealed_digest: other.digest() };
    store.replace_credential(id, &other, &event, &PERSON, later(20)).await.unwrap();
    assert_eq!(since(store.credential_facts(it.user).await.unwrap()), Some(later(20)));
    store.remove_connection(id, &PERSON, later(30)).await.unwrap();
    assert_eq!(
        since(store.credential_facts(it.user).await.unwrap()),
        Some(later(20)),
        "what it was is history"
    );
}

async fn a_token_takes_the_place_of_a_pair_and_goes_as_a_pair_does(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let id = it.connection.id;
    let replace = async |new: &SealedCredential, at| {
        let (version, sealed_digest) = (new.version, new.digest());
        let event = AuditEvent::CredentialReplaced { connection: id, version, sealed_digest };
        store.replace_credential(id, new, &event, &PERSON, at).await
    };
    let first = SealedCredential { created_at: later(10), ..token(id, 2, it.dek, "one") };
    replace(&first, later(10)).await.unwrap();
    assert_eq!(store.credential(id).await.unwrap(), Some(first.clone()));
    assert_eq!(store.snapshot().await.unwrap().connections[0].1, first);
    let facts = async || store.credential_facts(it.user).await.unwrap().remove(&id).unwrap();
    let scopes = Some("account:write trading data".to_owned());
    let expected = CredentialFacts { kind: CredentialKind::OauthToken, since: later(10), scopes };
    assert_eq!(facts().await, expected);
    // Of the pair its hashes stay, and of no pair is a token ever taken for a half.
    let (of_id, of_secret) = fingerprints(&it.credential);
    assert_eq!(store.find_fingerprints(of_id, of_secret).await.unwrap().len(), 1);
    assert_eq!(store.find_fingerprints(b"", first.secret.fingerprint()).await.unwrap(), []);

    // Sealed anew it is the same token; another one is not.
    let anew = SealedCredential { version: 3, created_at: later(20), ..first.clone() };
    replace(&anew, later(20)).await.unwrap();
    assert_eq!(facts().await, expected);
    let other = SealedCredential { created_at: later(30), ..token(id, 4, it.dek, "two") };
    replace(&other, later(30)).await.unwrap();
    assert_eq!(facts().await.since, later(30));
    let left = database.texts("SELECT 'kept' FROM credentials WHERE oauth_token IS NOT NULL").await;
    assert_eq!(left.len(), 1, "the replaced ones are erased");
    store.verify_audit().await.unwrap();

    // What was exchanged behind the store's back is found: its scopes too, which people are shown.
    database.tamper("UPDATE credentials SET oauth_scopes = 'data' WHERE version = 4").await;
    assert!(store.verify_audit().await.is_err());
    database
        .tamper("UPDATE credentials SET oauth_scopes = 'account:write trading data' WHERE version = 4")
        .await;
    store.verify_audit().await.unwrap();

    let SealedParts::OauthToken { token, .. } = &other.secret else { panic!("{other:?}") };
    assert!(!format!("{other:?}").contains(std::str::from_utf8(token).unwrap()));
    store.remove_connection(id, &PERSON, later(40)).await.unwrap();
    let left = database.texts("SELECT 'kept' FROM credentials WHERE oauth_token IS NOT NULL").await;
    assert_eq!(left.len(), 0);
    assert_eq!(store.credential(id).await.unwrap(), None);
    store.verify_audit().await.unwrap();
}

async fn what_was_signed_is_kept_with_the_connection(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    assert_eq!(store.attestation(it.connection.id).await.unwrap(), None);
    let (mut live, sealed) = connection(it.user, it.dek, "real", "account-2");
    live.environment = Environment::Live;
    let attestation = Attestation {
        text: "I state\nwhat I state\n".to_owned(),
        text_sha256: "ab".repeat(32),
        signed_name: "Ada Lovelace".to_owned(),
    };
    store.add_attested_connection(&live, &sealed, Some(&attestation), &PERSON, later(1)).await.unwrap();
    let signed = store.attestation(live.id).await.unwrap().unwrap();
    assert_eq!(signed, SignedAttestation { attestation, actor: PERSON, at: later(1) });
    assert!(store.verify_audit().await.is_ok());
    // What does not come to be is not signed either.
    let (again, sealed) = connection(it.user, it.dek, "real", "account-3");
    let refused =
        store.add_attested_connection(&again, &sealed, Some(&signed.attestation), &PERSON, later(2)).await;
    assert!(refused.is_err());
    assert_eq!(store.attestation(again.id).await.unwrap(), None);
}
