//! Backup and restore.

use std::future::Future;
use std::io::Cursor;

use paddock_core::audit::{AuditEvent, WindDown};
use paddock_store::{
    Attestation, BackupSummary, ConnectionFault, Freezing, Look, PlacedOrder, Settlement, Step, StepAct,
    StepState, Store, StoreError, Subject, TradingChange,
};

use crate::support::*;

on_both!(
    a_restored_database_equals_its_original,
    a_backup_goes_to_the_other_database_and_back,
    a_damaged_archive_is_refused_with_nothing_written,
    only_an_empty_database_is_restored_into,
    a_backup_is_of_one_instant,
    the_list_of_tables_is_that_of_the_database,
);

/// Something in every table, and nulls where there may be some.
async fn fill(store: &Store) {
    let mut scope = trader();
    scope.max_daily_notional = Some(dec("5000.10"));
    let it = furnish(store, scope).await;
    let (second, sealed) = connection(it.user, it.dek, "second \"\n{}", "account-2");
    let attestation = Attestation {
        text: "I state \"this\"\n".to_owned(),
        text_sha256: "ab".repeat(32),
        signed_name: "Ada Lovelace".to_owned(),
    };
    store.add_attested_connection(&second, &sealed, Some(&attestation), &PERSON, later(1)).await.unwrap();
    store.remove_connection(second.id, &PERSON, later(2)).await.unwrap();
    let (third, _) = connection(it.user, it.dek, "third", "account-3");
    let sealed = token(third.id, 1, it.dek, "account-3");
    store.add_connection(&third, &sealed, &PERSON, later(2)).await.unwrap();
    let fault = ConnectionFault {
        code: "timeout".to_owned(),
        title: "No answer in time".to_owned(),
        detail: "paper-api.alpaca.markets did not answer in time".to_owned(),
        next_step: "try again in a minute".to_owned(),
        at: later(2),
    };
    let look = Look { status: None, fault: Some(fault) };
    store.note_look(third.id, sealed.secret.fingerprint(), look, later(2)).await.unwrap();
    let retired = dek(it.user);
    store.insert_dek(&retired).await.unwrap();
    store.retire_dek(retired.id).await.unwrap();
    let placed = PlacedOrder { order_id: "order-0".to_owned(), client_order_id: None, replaces: None };
    store.record_placed(it.connection.id, it.key.id, &[placed], later(2)).await.unwrap();
    for (dollars, outcome) in [
        ("1.10", Some(Settlement::Confirmed { status: Some(200), order_id: Some("order-1".to_owned()) })),
        ("2.20", Some(Settlement::Released { status: Some(422) })),
        ("3.30", Some(Settlement::Unknown)),
        ("4.40", None),
    ] {
        let intent = reserve(store, &it.key, dollars).await;
        if let Some(outcome) = outcome {
            store.settle(intent.request, &outcome, later(3)).await.unwrap();
        }
    }
    store.stop_for_loss(it.key.id, day(), dec("250"), later(3)).await.unwrap();
    let mut scope = trader();
    scope.signed = Some(paddock_core::scope::Signed::Required);
    let signed = access_key(it.connection.id, "traveller", scope);
    let signing = signing_key(&signed, it.dek);
    store.insert_signed_key(&signed, &signing, &PERSON, later(3)).await.unwrap();
    let held = new_approval(&it.key, 9);
    store.hold(held, &PERSON, 20).await.unwrap();
    assert!(store.use_signature(&[5; 32], signed.id, later(3)).await.unwrap());
    let freezing = Freezing { wind_down: Some(WindDown::Flatten), ..Freezing::of(Subject::Everything) };
    store.freeze(&freezing, &PERSON, later(4)).await.unwrap();
    let wind_down = store.open_wind_downs().await.unwrap().remove(0);
    let step = Step {
        request: request_id(),
        act: StepAct::Close,
        target: "AAPL".to_owned(),
        state: StepState::Sent,
        status: None,
        detail: None,
        order_id: None,
        at: later(4),
    };
    store.begin_step(&wind_down, &step, &AuditEvent::CheckedIn).await.unwrap();
    store.check_in(&PERSON, later(4)).await.unwrap();
    let mut by_hand = crate::by_hand::close(it.connection.id, "AAPL", Some("once"));
    store.begin_by_hand(&by_hand, &AuditEvent::CheckedIn, None).await.unwrap();
    (by_hand.state, by_hand.status) = (StepState::Done, Some(200));
    store.settle_by_hand(&by_hand, later(4)).await.unwrap();
    let paused = TradingChange { paused: Some(true), ..TradingChange::default() };
    store.change_trading(it.user, &paused, &PERSON, later(4)).await.unwrap();
    assert_eq!(store.index_activity().await.unwrap(), 0);
    store.touch_keys(&[(it.key.id, later(5))]).await.unwrap();
    crate::rotations::fill(store, &it).await;
    crate::people::fill(store, it.user).await;
    let grace = crate::factors::person(store, it.user, "grace-of-factors").await;
    crate::factors::fill(store, grace, it.user, it.dek).await;
    crate::retention::make_key(store, it.dek).await;
    crate::retention::checkpoint(store).await;
    store.write_key_use(&[crate::key_use::some_use(it.key.id, day(), 5, "192.0.2.1")]).await.unwrap();
}

async fn exported(store: &Store) -> (Vec<u8>, BackupSummary) {
    let mut archive = Vec::new();
    let summary = can_be_spawned(store.export(&mut archive)).await.unwrap();
    (archive, summary)
}

/// A server can only do what may move between threads.
fn can_be_spawned<F: Future + Send>(future: F) -> F {
    future
}

/// Everything that the store can say about its content.
async fn content(store: &Store) -> String {
    let owner = store.ensure_owner(at(), &ENTROPY).await.unwrap();
    let keys = store.keys(owner).await.unwrap();
    let mut text = format!(
        "{owner} {:?} {:?}",
        store.snapshot().await.unwrap(),
        store.open_reservations().await.unwrap()
    );
    for key in &keys {
        text.push_str(&format!(
            "{key:?} {:?} {:?}",
            key.secret_hash,
            store.usage(key.id, day()).await.unwrap()
        ));
        text.push_str(&store.charged_for_order(key.id, "order-1").await.unwrap().to_string());
        text.push_str(&format!(
            "{} {:?}",
            store.worst_loss(key.id, day()).await.unwrap(),
            store.working_charges(key.connection).await.unwrap()
        ));
    }
    text.push_str(&format!(
        "{:?} {:?}",
        store.wind_downs(owner, 9).await.unwrap(),
        store.signs().await.unwrap()
    ));
    text + &format!("{:?}", store.verify_audit().await.unwrap())
}

async fn a_restored_database_equals_its_original(database: Database) {
    let original = database.open().await;
    fill(&original).await;
    let (archive, summary) = exported(&original).await;
    assert_eq!(summary.records, original.audit_head().await.unwrap().0);
    let directory = tempfile::tempdir().unwrap();
    let copy = Database::in_directory(directory.path()).open().await;
    assert_eq!(can_be_spawned(copy.import(Cursor::new(archive.clone()))).await.unwrap(), summary);
    assert_eq!(content(&copy).await, content(&original).await);
    assert_eq!(exported(&copy).await.0, archive, "not a byte differs");
    assert_eq!(*copy.audit_changes().borrow(), summary.records);
    // It goes on where the original stood.
    copy.set_everything_frozen(false, &PERSON, later(9)).await.unwrap();
    assert_eq!(
        copy.verify_audit().await.unwrap().count,
        summary.records + 3,
        "unfrozen, and nothing left to do on either account"
    );
}

async fn a_backup_goes_to_the_other_database_and_back(database: Database) {
    let directory = tempfile::tempdir().unwrap();
    let original = Database::in_directory(directory.path()).open().await;
    fill(&original).await;
    let (archive, _) = exported(&original).await;
    let other = database.open().await;
    other.import(Cursor::new(archive.clone())).await.unwrap();
    assert_eq!(content(&other).await, content(&original).await);
    let (back, _) = exported(&other).await;
    let directory = tempfile::tempdir().unwrap();
    let again = Database::in_directory(directory.path()).open().await;
    again.import(Cursor::new(back)).await.unwrap();
    assert_eq!(exported(&again).await.0, archive, "not a byte differs");
}

async fn a_damaged_archive_is_refused_with_nothing_written(database: Database) {
    let directory = tempfile::tempdir().unwrap();
    let original = Database::in_directory(directory.path()).open().await;
    fill(&original).await;
    let (archive, _) = exported(&original).await;
    let store = database.open().await;
    let (empty, _) = exported(&store).await;
    let mut damaged: Vec<(String, Vec<u8>)> = vec![
        ("nothing".to_owned(), Vec::new()),
        ("no archive".to_owned(), b"this is a letter, not an archive".repeat(9)),
        ("followed by more".to_owned(), [archive.as_slice(), archive.as_slice()].concat()),
    ];
    for part in 1..=12 {
        let end = archive.len() * part / 13;
        damaged.push((format!("cut at {end}"), archive[..end].to_vec()));
        let mut flipped = archive.clone();
        flipped[end] ^= 0x10;
        damaged.push((format!("bit flipped at {end}"), flipped));
    }
    for length in [1, 8] {
        damaged.push((format!("cut by {length}"), archive[..archive.len() - length].to_vec()));
    }
    for (what, archive) in damaged {
        let length = archive.len();
        match store.import(Cursor::new(archive)).await {
            Err(StoreError::DamagedBackup { .. }) => {}
            other => panic!("{what}, {length} bytes: {other:?}"),
        }
        assert_eq!(exported(&store).await.0, empty, "{what}: something was written");
    }
    store.import(Cursor::new(archive)).await.unwrap();
}

async fn only_an_empty_database_is_restored_into(database: Database) {
    let store = database.open().await;
    fill(&store).await;
    let (archive, _) = exported(&store).await;
    let refused = store.import(Cursor::new(archive.clone())).await;
    assert!(matches!(refused, Err(StoreError::NotEmpty)), "{refused:?}");
    assert_eq!(exported(&store).await.0, archive);
}

async fn a_backup_is_of_one_instant(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let writer = {
        let (store, key) = (store.clone(), it.key.clone());
        tokio::spawn(async move {
            for _ in 0..40 {
                reserve(&store, &key, "1.01").await;
            }
        })
    };
    let mut archives = Vec::new();
    while !writer.is_finished() {
        archives.push(exported(&store).await.0);
    }
    writer.await.unwrap();
    assert!(!archives.is_empty());
    for archive in archives.into_iter().rev().take(3) {
        let directory = tempfile::tempdir().unwrap();
        let copy = Database::in_directory(directory.path()).open().await;
        copy.import(Cursor::new(archive)).await.unwrap();
        let open = copy.open_reservations().await.unwrap();
        let sum: rust_decimal::Decimal = open.iter().map(|one| one.charge.notional).sum();
        assert_eq!(copy.usage(it.key.id, day()).await.unwrap().notional, sum);
        copy.verify_audit().await.unwrap();
    }
}

async fn the_list_of_tables_is_that_of_the_database(database: Database) {
    let store = database.open().await;
    fill(&store).await;
    let (archive, _) = exported(&store).await;
    let mut listed = Vec::new();
    for entry in tar::Archive::new(flate2::read::GzDecoder::new(archive.as_slice())).entries().unwrap() {
        let entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let Some(table) = path.strip_prefix("tables/").and_then(|rest| rest.split('/').next()) else {
            continue;
        };
        let table = table.to_owned();
        let line = std::io::BufRead::lines(std::io::BufReader::new(entry)).next().unwrap().unwrap();
        let row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&line).unwrap();
        listed.extend(row.keys().map(|column| format!("{table}.{column}")));
    }
    listed.sort();
    let query = if database.location().starts_with("postgres") {
        "SELECT table_name || '.' || column_name FROM information_schema.columns
         WHERE table_schema = current_schema() AND table_name <> '_sqlx_migrations' AND table_name NOT LIKE 'activity%'"
    } else {
        "SELECT tables.name || '.' || columns.name FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
         WHERE tables.type = 'table' AND tables.name NOT IN ('_sqlx_migrations', 'sqlite_sequence') AND tables.name NOT LIKE 'activity%'"
    };
    // What is made of the audit chain is made again after a restore.
    let mut there = database.texts(query).await;
    there.sort();
    assert_eq!(listed, there);
}
