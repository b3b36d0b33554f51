//! Opening, and what is said when it does not work.

use paddock_core::SecretText;
use paddock_store::{Store, StoreError, Target};

use crate::support::*;

on_both!(
    the_owner_is_made_once,
    it_opens_from_two_places_at_once,
    a_closed_store_says_so,
    another_versions_tables_are_refused
);

async fn the_owner_is_made_once(database: Database) {
    let store = database.open().await;
    let owner = store.ensure_owner(at(), &ENTROPY).await.unwrap();
    assert_eq!(store.ensure_owner(later(1), &ENTROPY).await.unwrap(), owner);
    store.close().await;
    let store = database.open().await;
    assert_eq!(store.ensure_owner(later(2), &ENTROPY).await.unwrap(), owner);
    assert_eq!(store.audit_head().await.unwrap().0, 1);
}

async fn it_opens_from_two_places_at_once(database: Database) {
    let (one, two) = tokio::join!(Store::open(&database.target), Store::open(&database.target));
    let (one, two) = (one.unwrap(), two.unwrap());
    let owner = one.ensure_owner(at(), &ENTROPY).await.unwrap();
    assert_eq!(two.ensure_owner(at(), &ENTROPY).await.unwrap(), owner);
    // Both append to one chain, in turns.
    for _ in 0..10 {
        let event = paddock_core::audit::AuditEvent::BackupWritten { records: 0 };
        let (a, b) =
            tokio::join!(one.append_audit(&PERSON, &event, at()), two.append_audit(&PERSON, &event, at()));
        a.unwrap();
        b.unwrap();
    }
    assert_eq!(one.verify_audit().await.unwrap().count, 21);
}

/// Every one of them wants to switch a new file to a write-ahead log, which only one can.
#[test]
fn a_new_file_opens_from_many_places_at_once() {
    let open = |target: &Target| {
        runtime().block_on(async { Store::open(target).await.unwrap().close().await });
    };
    for _ in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        let target = Target::Sqlite(directory.path().join("paddock.db"));
        let start = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    open(&target);
                });
            }
        });
    }
}

async fn a_closed_store_says_so(database: Database) {
    let store = database.open().await;
    store.close().await;
    assert!(matches!(store.everything_frozen().await, Err(StoreError::Closed)));
}

async fn another_versions_tables_are_refused(database: Database) {
    database.open().await.close().await;
    database.tamper("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1").await;
    let error = Store::open(&database.target).await.unwrap_err();
    assert!(matches!(error, StoreError::OtherVersion { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let database = Database::in_directory(directory.path());
    runtime().block_on(async {
        let store = database.open().await;
        store.ensure_owner(at(), &ENTROPY).await.unwrap();
        let mut files = 0;
        for entry in std::fs::read_dir(directory.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
            files += 1;
        }
        assert!(files >= 2, "the file and its write-ahead log");
        store.close().await;
    });
}

#[test]
fn what_cannot_be_opened_is_named_without_its_password() {
    let directory = tempfile::tempdir().unwrap();
    let missing = Target::Sqlite(directory.path().join("missing/paddock.db"));
    let no_database = directory.path().join("notes.txt");
    std::fs::write(&no_database, "not a database, but long enough to look like a header ".repeat(4)).unwrap();
    let address = |text: &str| Target::Postgres(SecretText::new(text.to_owned()));
    let cases = [
        (missing, "directory"),
        (Target::Sqlite(no_database), "restore a backup"),
        (address("postgres//paddock:canary@nowhere"), "postgres://"),
        (address("postgres://paddock:canary@127.0.0.1:1/paddock"), "cannot be reached"),
    ];
    runtime().block_on(async {
        for (target, expected) in cases {
            let error = Store::open(&target).await.unwrap_err();
            let shown = format!("{error} {error:?} {target:?}");
            assert!(error.to_string().contains(expected), "{shown}");
            assert!(!shown.contains("canary"), "{shown}");
        }
    });
}
