//! Keys are replaced without losing a secret, wherever the replacement is interrupted.

use std::fs;

use paddock_vault::{
    Binding, Fingerprint, KekStatus, KeyFile, OsEntropy, Sealed, SecretText, Vault, VaultError, WrappedDek,
};

use crate::{Fixture, NOW, connection, secret, user};

/// What a database would hold: wrapped keys, and secrets sealed under them.
struct Database {
    deks: Vec<WrappedDek>,
    secrets: Vec<(Binding, Sealed)>,
}

fn database(vault: &Vault, users: usize) -> Database {
    let sealer = vault.sealer();
    let mut database = Database { deks: Vec::new(), secrets: Vec::new() };
    for index in 0..users {
        let binding = Binding {
            user: user(),
            connection: connection(),
            field: paddock_vault::Field::KeyId,
            version: u32::try_from(index).unwrap(),
        };
        let dek = sealer.new_dek(binding.user, NOW, &OsEntropy).unwrap();
        database.secrets.push((binding, sealer.seal(&dek, 0, &binding, &text(index), &OsEntropy).unwrap()));
        database.deks.push(dek);
    }
    database
}

fn text(index: usize) -> SecretText {
    SecretText::new(format!("secret number {index}"))
}

fn assert_all_open(vault: &Vault, database: &Database) {
    for (index, (binding, sealed)) in database.secrets.iter().enumerate() {
        let dek = database.deks.iter().find(|dek| dek.id() == sealed.dek()).unwrap();
        assert_eq!(vault.opener().open(dek, binding, sealed).unwrap(), text(index));
    }
}

/// Rotates the key-encryption key, as the program does, but gives up after `steps` steps. Tells whether it was done.
fn rotate(vault: &Vault, database: &mut Database, steps: usize) -> bool {
    let rotator = vault.rotator();
    let mut left = steps;
    let mut step = || {
        left = left.checked_sub(1)?;
        Some(())
    };
    let mut run = || {
        step()?;
        let status = rotator.begin(&OsEntropy).unwrap();
        for dek in &mut database.deks {
            if dek.kek() != status.current {
                step()?;
                *dek = rotator.rewrap(dek, &OsEntropy).unwrap();
            }
        }
        step()?;
        rotator.retire_previous(database.deks.iter().map(WrappedDek::kek)).unwrap();
        Some(())
    };
    run().is_some()
}

#[test]
fn a_rotation_interrupted_at_any_step_goes_on_where_it_stopped() {
    const USERS: usize = 3;
    // Begin, one step for each key, retire.
    for steps in 0..=USERS + 2 {
        let fixture = Fixture::new();
        let mut database = database(&fixture.vault, USERS);
        let before = fixture.vault.status().unwrap();
        let old_file = KeyFile::new(fixture.directory.path().join("old.key"));
        fs::copy(fixture.key_file().path(), old_file.path()).unwrap();

        let done = rotate(&fixture.vault, &mut database, steps);
        assert_eq!(done, steps == USERS + 2);
        assert_all_open(&fixture.vault, &database);
        // The process dies. A half-written key file may be left over.
        drop(fixture.vault);
        fs::write(fixture.directory.path().join("paddock.key.new"), "paddock key fi").unwrap();
        let vault = Vault::open(KeyFile::new(fixture.directory.path().join("paddock.key")));
        assert_all_open(&vault, &database);
        let interrupted = vault.status().unwrap();

        if !done {
            assert!(rotate(&vault, &mut database, usize::MAX));
        }
        assert_all_open(&vault, &database);
        let after = vault.status().unwrap();
        assert_ne!(after.current, before.current);
        assert_eq!(after.previous, None);
        if steps > 0 {
            assert_eq!(after.current, interrupted.current, "no further key was made");
        }

        // The old key opens nothing any more.
        let old = Vault::open(old_file);
        for (dek, (binding, sealed)) in database.deks.iter().zip(&database.secrets) {
            let opened = old.opener().open(dek, binding, sealed);
            assert_eq!(opened, Err(VaultError::UnknownKek(after.current)));
        }
    }
}

#[test]
fn a_key_that_is_needed_is_not_dropped() {
    let fixture = Fixture::new();
    let mut database = database(&fixture.vault, 3);
    let rotator = fixture.vault.rotator();
    let status = rotator.begin(&OsEntropy).unwrap();
    database.deks[1] = rotator.rewrap(&database.deks[1], &OsEntropy).unwrap();

    let retired = rotator.retire_previous(database.deks.iter().map(WrappedDek::kek));
    assert_eq!(retired, Err(VaultError::PreviousKekInUse(2)));
    assert_eq!(fixture.vault.status(), Ok(status));
    assert_all_open(&fixture.vault, &database);
    assert_all_open(&Vault::open(fixture.key_file()), &database);
}

#[test]
fn every_capability_sees_a_rotation_at_once() {
    let fixture = Fixture::new();
    let (sealer, opener) = (fixture.vault.sealer(), fixture.vault.opener());
    let fingerprint: Fingerprint = sealer.fingerprint(&secret()).unwrap();
    let KekStatus { current, previous } = fixture.vault.rotator().begin(&OsEntropy).unwrap();
    assert_eq!(previous, Some(fixture.dek.kek()));

    assert_eq!(sealer.new_dek(fixture.binding.user, NOW, &OsEntropy).unwrap().kek(), current);
    let rewrapped = fixture.vault.rotator().rewrap(&fixture.dek, &OsEntropy).unwrap();
    assert_eq!((rewrapped.id(), rewrapped.user()), (fixture.dek.id(), fixture.dek.user()));
    assert_eq!(fixture.vault.rotator().rewrap(&rewrapped, &OsEntropy).unwrap(), rewrapped);
    for dek in [&fixture.dek, &rewrapped] {
        assert_eq!(opener.open(dek, &fixture.binding, &fixture.sealed).unwrap(), secret());
    }
    fixture.vault.rotator().retire_previous([rewrapped.kek()]).unwrap();
    let opened = opener.open(&fixture.dek, &fixture.binding, &fixture.sealed);
    assert_eq!(opened, Err(VaultError::UnknownKek(fixture.dek.kek())));
    assert_eq!(opener.open(&rewrapped, &fixture.binding, &fixture.sealed).unwrap(), secret());
    assert_eq!(sealer.fingerprint(&secret()).unwrap(), fingerprint, "fingerprints survive a rotation");
}

#[test]
fn a_data_encryption_key_is_replaced() {
    let Fixture { vault, dek, binding, sealed, directory: _directory } = Fixture::new();
    let new = vault.sealer().new_dek(binding.user, NOW, &OsEntropy).unwrap();
    let resealed = vault.rotator().reseal(&dek, &new, 0, &binding, &sealed, &OsEntropy).unwrap();
    let next = Binding { version: binding.version + 1, ..binding };
    assert_eq!(vault.opener().open(&new, &next, &resealed).unwrap(), secret());
    assert!(vault.opener().open(&new, &binding, &resealed).is_err(), "the older version must not open");
    assert_eq!(vault.opener().open(&dek, &next, &resealed), Err(VaultError::WrongDek));

    let foreign = vault.sealer().new_dek(user(), NOW, &OsEntropy).unwrap();
    let stolen = vault.rotator().reseal(&dek, &foreign, 0, &binding, &sealed, &OsEntropy);
    assert_eq!(stolen, Err(VaultError::WrongDek));
}
