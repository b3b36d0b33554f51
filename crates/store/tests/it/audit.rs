//! The chain, and what is noticed when someone changes the database behind it.

use paddock_core::audit::{AuditEvent, ChainBreak, ChainHash};
use paddock_store::{AuditFault, AuditQuery, Settlement};

use crate::support::*;

on_both!(
    the_chain_is_read_in_pages_both_ways,
    a_long_chain_verifies,
    every_way_to_change_the_chain_is_found,
    the_tables_let_nobody_change_the_chain,
    an_exchanged_or_rolled_back_credential_is_found,
    rows_that_were_changed_behind_the_chain_are_found,
    whoever_listens_hears_of_new_records,
);

async fn the_chain_is_read_in_pages_both_ways(database: Database) {
    let store = database.open().await;
    assert_eq!(store.audit_head().await.unwrap(), (0, ChainHash::START));
    assert_eq!(store.verify_audit().await.unwrap().count, 0);
    for records in 1..=10 {
        let event = AuditEvent::BackupWritten { records };
        let record = store.append_audit(&PERSON, &event, later(records.cast_signed())).await.unwrap();
        assert_eq!(store.audit_head().await.unwrap(), (records, record.hash));
    }
    store.append_audit(&PERSON, &AuditEvent::BackupRestored { records: 1 }, at()).await.unwrap();
    let seqs = async |query: AuditQuery| -> Vec<u64> {
        store.audit_page(&query).await.unwrap().into_iter().map(|record| record.seq).collect()
    };
    let query = AuditQuery { limit: 3, ..AuditQuery::default() };
    assert_eq!(seqs(query.clone()).await, [11, 10, 9]);
    assert_eq!(seqs(AuditQuery { before: Some(9), ..query.clone() }).await, [8, 7, 6]);
    assert_eq!(seqs(AuditQuery { after: Some(4), ..query.clone() }).await, [5, 6, 7]);
    assert_eq!(seqs(AuditQuery { after: Some(4), before: Some(6), ..query.clone() }).await, [5]);
    assert_eq!(seqs(AuditQuery { event: Some("backup_restored".to_owned()), ..query }).await, [11]);
    let first = &store.audit_page(&AuditQuery { after: Some(0), ..AuditQuery::default() }).await.unwrap()[0];
    assert_eq!((first.at, first.event().unwrap()), (later(1), AuditEvent::BackupWritten { records: 1 }));
}

async fn a_long_chain_verifies(database: Database) {
    let store = database.open().await;
    furnish(&store, trader()).await;
    // Longer than a page of the verifier. Written as rows of a valid chain, since a commit for each takes long.
    let mut previous = store.audit_head().await.unwrap();
    let mut statements = String::new();
    for records in 0..1100 {
        let event = AuditEvent::BackupWritten { records };
        let record =
            paddock_core::audit::AuditRecord::chain(previous.0 + 1, at(), &PERSON, &event, previous.1)
                .unwrap();
        let blob = |hash: ChainHash| database.bytes(&hash.to_string());
        statements.push_str(&format!(
            "INSERT INTO audit VALUES ({}, {}, '{}', '{}', '{}', {}, {}, NULL);",
            record.seq,
            record.at.as_microsecond(),
            record.actor,
            event.name(),
            record.event,
            blob(record.previous),
            blob(record.hash)
        ));
        previous = (record.seq, record.hash);
        if records == 1099 {
            statements.push_str(&format!(
                "UPDATE audit_head SET seq = {}, hash = {}",
                record.seq,
                blob(record.hash)
            ));
        }
    }
    database.tamper(&statements).await;
    let verified = store.verify_audit().await.unwrap();
    assert_eq!((verified.count, verified.head), previous);
}

/// What `verify_audit` says after `statements`, in words of the fault.
async fn after(database: &Database, statements: &str) -> AuditFault {
    database.tamper(statements).await;
    let store = database.open().await;
    let fault = store.verify_audit().await.unwrap_err();
    store.close().await;
    fault
}

async fn every_way_to_change_the_chain_is_found(database: Database) {
    let store = database.open().await;
    for records in 1..=6 {
        store.append_audit(&PERSON, &AuditEvent::BackupWritten { records }, at()).await.unwrap();
    }
    let zeros = database.bytes(&"00".repeat(32));
    let (changed, gap) = (ChainBreak::Changed { seq: 3 }, ChainBreak::Gap { expected: 3, found: 4 });
    let copy = "DROP TABLE IF EXISTS copy; CREATE TABLE copy AS SELECT * FROM audit;
                DROP TABLE IF EXISTS copy_head; CREATE TABLE copy_head AS SELECT * FROM audit_head;";
    let restore = "DELETE FROM audit; INSERT INTO audit SELECT * FROM copy;
                   DELETE FROM audit_head; INSERT INTO audit_head SELECT * FROM copy_head;";
    database.tamper(copy).await;
    let cases = [
        (
            "UPDATE audit SET event = '{\"event\":\"backup_written\",\"records\":99}' WHERE seq = 3",
            changed.clone(),
        ),
        ("UPDATE audit SET at = at + 1 WHERE seq = 3", changed.clone()),
        ("UPDATE audit SET actor = '{\"kind\":\"system\"}' WHERE seq = 3", changed.clone()),
        ("UPDATE audit SET event_name = 'initialised' WHERE seq = 3", changed),
        (&format!("UPDATE audit SET previous = {zeros} WHERE seq = 3"), ChainBreak::NotLinked { seq: 3 }),
        ("DELETE FROM audit WHERE seq = 3", gap),
    ];
    for (statement, expected) in cases {
        match after(&database, statement).await {
            AuditFault::Chain(found) => assert_eq!(found, expected, "{statement}"),
            other => panic!("{statement}: {other}"),
        }
        database.tamper(restore).await;
    }
    let cut = after(&database, "DELETE FROM audit WHERE seq = 6").await;
    assert!(matches!(cut, AuditFault::Cut { expected: 6, found: 5 }), "{cut}");
    database.tamper(restore).await;
    let cut = after(&database, "DELETE FROM audit").await;
    assert!(matches!(cut, AuditFault::Cut { expected: 6, found: 0 }), "{cut}");
    database.tamper(restore).await;
    assert_eq!(store.verify_audit().await.unwrap().count, 6);
}

async fn the_tables_let_nobody_change_the_chain(database: Database) {
    let store = database.open().await;
    store.append_audit(&PERSON, &AuditEvent::BackupWritten { records: 1 }, at()).await.unwrap();
    for statement in ["UPDATE audit SET at = 0", "DELETE FROM audit"] {
        let outcome = database.try_execute(statement).await;
        assert!(outcome.unwrap_err().to_string().contains("append-only"), "{statement}");
    }
}

async fn an_exchanged_or_rolled_back_credential_is_found(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let id = it.connection.id;
    let (other, sealed) = connection(it.user, it.dek, "other", "account-2");
    store.add_connection(&other, &sealed, &PERSON, at()).await.unwrap();
    database.tamper("CREATE TABLE copy AS SELECT * FROM credentials").await;
    let new = credential(id, 2, it.dek, "new");
    let event = AuditEvent::CredentialReplaced { connection: id, version: 2, sealed_digest: new.digest() };
    store.replace_credential(id, &new, &event, &PERSON, at()).await.unwrap();
    store.verify_audit().await.unwrap();

    let roll_back = format!(
        "UPDATE credentials SET key_id = (SELECT key_id FROM copy WHERE connection_id = '{id}'),
                                secret_key = (SELECT secret_key FROM copy WHERE connection_id = '{id}')
         WHERE connection_id = '{id}' AND version = 2"
    );
    let fault = after(&database, &roll_back).await;
    assert!(
        matches!(fault, AuditFault::Credential { connection, version: 2 } if connection == id),
        "{fault}"
    );

    let whole_row = format!(
        "DELETE FROM credentials WHERE connection_id = '{id}'; INSERT INTO credentials SELECT * FROM copy WHERE
         connection_id = '{id}'; UPDATE connections SET credential_version = 1 WHERE id = '{id}'"
    );
    let fault = after(&database, &whole_row).await;
    assert!(
        matches!(fault, AuditFault::Credential { connection, version: 2 } if connection == id),
        "{fault}"
    );

    let of_another = format!(
        "DELETE FROM credentials WHERE connection_id = '{id}'; INSERT INTO credentials SELECT '{id}', 2, dek_id, key_id,
         secret_key, key_id_fingerprint, secret_fingerprint, created_at, kind, oauth_token, oauth_scopes FROM copy WHERE connection_id = '{}';
         UPDATE connections SET credential_version = 2 WHERE id = '{id}'",
        other.id
    );
    let fault = after(&database, &of_another).await;
    assert!(
        matches!(fault, AuditFault::Credential { connection, version: 2 } if connection == id),
        "{fault}"
    );
}

async fn rows_that_were_changed_behind_the_chain_are_found(database: Database) {
    let store = database.open().await;
    let mut scope = trader();
    scope.max_daily_orders = Some(3);
    let it = furnish(&store, scope).await;
    store.set_everything_frozen(true, &PERSON, at()).await.unwrap();
    store.set_connection_frozen(it.connection.id, true, &PERSON, at()).await.unwrap();
    store.set_key_frozen(it.key.id, true, &PERSON, at()).await.unwrap();
    let revoked = access_key(it.connection.id, "revoked", trader());
    store.insert_key(&revoked, &PERSON, at()).await.unwrap();
    store.revoke_key(revoked.id, &PERSON, at()).await.unwrap();
    store.verify_audit().await.unwrap();

    let unlimited = serde_json::to_string(&trader()).unwrap();
    let limited = serde_json::to_string(&it.key.scope).unwrap();
    let (key, connection) = (it.key.id, it.connection.id);
    let cases = [
        ("UPDATE everything SET frozen = FALSE".to_owned(), "UPDATE everything SET frozen = TRUE".to_owned()),
        (
            "UPDATE connections SET frozen = FALSE".to_owned(),
            "UPDATE connections SET frozen = TRUE".to_owned(),
        ),
        (
            format!("UPDATE access_keys SET frozen = FALSE WHERE id = '{key}'"),
            format!("UPDATE access_keys SET frozen = TRUE WHERE id = '{key}'"),
        ),
        (
            format!("UPDATE access_keys SET scope = '{unlimited}' WHERE id = '{key}'"),
            format!("UPDATE access_keys SET scope = '{limited}' WHERE id = '{key}'"),
        ),
        (
            format!("UPDATE access_keys SET revoked_at = NULL WHERE id = '{}'", revoked.id),
            format!("UPDATE access_keys SET revoked_at = 1 WHERE id = '{}'", revoked.id),
        ),
        (
            format!("UPDATE access_keys SET revoked_at = 1 WHERE id = '{key}'"),
            format!("UPDATE access_keys SET revoked_at = NULL WHERE id = '{key}'"),
        ),
        (
            format!("UPDATE connections SET removed_at = 1 WHERE id = '{connection}'"),
            format!("UPDATE connections SET removed_at = NULL WHERE id = '{connection}'"),
        ),
    ];
    for (change, undo) in cases {
        database.tamper(&change).await;
        let fault = store.verify_audit().await;
        assert!(fault.is_err(), "{change}");
        database.tamper(&undo).await;
        store.verify_audit().await.unwrap();
    }
}

async fn whoever_listens_hears_of_new_records(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let mut changes = store.audit_changes();
    let before = *changes.borrow_and_update();
    assert_eq!(before, store.audit_head().await.unwrap().0);
    let intent = reserve(&store, &it.key, "1").await;
    changes.changed().await.unwrap();
    assert_eq!(*changes.borrow_and_update(), before + 1);
    store.settle(intent.request, &Settlement::Unknown, at()).await.unwrap();
    assert!(changes.has_changed().unwrap());
}
