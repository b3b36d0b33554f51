//! A key file is trusted only if nobody else could have read or replaced it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use paddock_vault::{KeyFile, KeyFileError, OsEntropy, Vault, VaultError};
use rstest::rstest;

use crate::{Fixture, NOW, secret, user};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn locked(vault: &Vault) -> KeyFileError {
    match vault.status() {
        Err(VaultError::Locked(reason)) => reason,
        other => panic!("the vault is not locked: {other:?}"),
    }
}

#[test]
fn it_is_made_for_its_owner_only_and_never_overwritten() {
    let fixture = Fixture::new();
    let path = fixture.key_file().path().to_owned();
    let content = fs::read(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fixture.key_file().create(&OsEntropy), Err(KeyFileError::Exists(path.clone())));
    assert_eq!(fs::read(&path).unwrap(), content);

    fixture.vault.rotator().begin(&OsEntropy).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let names: Vec<_> =
        fs::read_dir(fixture.directory.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["paddock.key"], "no copy of a key is left over");
}

#[test]
fn a_missing_file_locks_the_vault_until_it_is_back() {
    let Fixture { directory, vault, dek, binding, sealed } = Fixture::new();
    drop(vault);
    let (path, away) = (directory.path().join("paddock.key"), directory.path().join("away"));
    fs::rename(&path, &away).unwrap();

    let vault = Vault::open(KeyFile::new(&path));
    let error = VaultError::Locked(KeyFileError::Missing(path.clone()));
    assert_eq!(vault.status(), Err(error.clone()));
    assert_eq!(vault.opener().open(&dek, &binding, &sealed), Err(error.clone()));
    assert_eq!(vault.sealer().seal(&dek, 0, &binding, &secret(), &OsEntropy), Err(error.clone()));
    assert_eq!(vault.sealer().new_dek(user(), NOW, &OsEntropy), Err(error.clone()));
    assert_eq!(vault.sealer().fingerprint(&secret()), Err(error.clone()));
    assert_eq!(vault.rotator().begin(&OsEntropy), Err(error.clone()));
    assert_eq!(vault.rotator().rewrap(&dek, &OsEntropy), Err(error.clone()));
    assert_eq!(vault.rotator().retire_previous([]), Err(error));
    assert!(vault.unlock().is_err());
    assert!(!path.exists(), "nothing makes a new key by itself");

    fs::rename(&away, &path).unwrap();
    vault.unlock().unwrap();
    assert_eq!(vault.opener().open(&dek, &binding, &sealed).unwrap(), secret());

    // Keys in memory outlive the file, but nothing is rotated without it.
    fs::remove_file(&path).unwrap();
    assert!(vault.unlock().is_err());
    assert_eq!(vault.opener().open(&dek, &binding, &sealed).unwrap(), secret());
    assert_eq!(vault.rotator().begin(&OsEntropy), Err(VaultError::Locked(KeyFileError::Missing(path))));
}

#[test]
fn another_databases_key_file_opens_nothing() {
    let (ours, theirs) = (Fixture::new(), Fixture::new());
    let opened = theirs.vault.opener().open(&ours.dek, &ours.binding, &ours.sealed);
    assert_eq!(opened, Err(VaultError::UnknownKek(ours.dek.kek())));
}

#[rstest]
#[case(0o640)]
#[case(0o604)]
#[case(0o660)]
#[case(0o602)]
#[case(0o610)]
#[case(0o777)]
fn a_file_open_to_others_is_refused(#[case] mode: u32) {
    let fixture = Fixture::new();
    let path = fixture.key_file().path().to_owned();
    set_mode(&path, mode);
    let error = locked(&Vault::open(fixture.key_file()));
    assert_eq!(error, KeyFileError::TooOpen { path: path.clone(), mode });
    assert_eq!(
        error.to_string(),
        format!("the key file {} is open to other users (mode {mode:04o})", path.display())
    );
    assert_eq!(error.hint(), format!("run `chmod 600 {}`", path.display()));
    set_mode(&path, 0o400);
    assert!(Vault::open(fixture.key_file()).status().is_ok());
}

#[test]
fn a_link_a_directory_and_a_pipe_are_refused() {
    let fixture = Fixture::new();
    let link = fixture.directory.path().join("link");
    symlink(fixture.key_file().path(), &link).unwrap();
    assert_eq!(locked(&Vault::open(KeyFile::new(&link))), KeyFileError::Symlink(link.clone()));
    // Nor is a key file made where a link points.
    let dangling = fixture.directory.path().join("dangling");
    symlink(fixture.directory.path().join("nowhere"), &dangling).unwrap();
    assert_eq!(KeyFile::new(&dangling).create(&OsEntropy), Err(KeyFileError::Exists(dangling)));

    let directory = fixture.directory.path().to_owned();
    assert_eq!(locked(&Vault::open(KeyFile::new(&directory))), KeyFileError::NotAFile(directory));
    let device = Path::new("/dev/null").to_owned();
    assert_eq!(locked(&Vault::open(KeyFile::new(&device))), KeyFileError::NotAFile(device));
}

#[test]
fn a_damaged_file_is_refused_with_its_line() {
    let fixture = Fixture::new();
    let path = fixture.key_file().path().to_owned();
    let text = fs::read_to_string(&path).unwrap();
    let cut = text[..text.len() - 10].to_owned();
    for (content, line) in [(cut.into_bytes(), 4), (vec![], 1), (vec![0xff; 9], 1), (vec![b'a'; 20_000], 1)] {
        fs::write(&path, content).unwrap();
        match locked(&Vault::open(fixture.key_file())) {
            KeyFileError::Malformed { line: found, .. } => assert_eq!(found, line),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_key_file_that_cannot_be_written_leaves_everything_as_it_was() {
    let fixture = Fixture::new();
    let before = fixture.vault.status().unwrap();
    // A directory in the way of the staged file fails for every user, unlike a read-only directory.
    fs::create_dir(fixture.directory.path().join("paddock.key.new")).unwrap();
    let begun = fixture.vault.rotator().begin(&OsEntropy);
    assert!(matches!(begun, Err(VaultError::Locked(KeyFileError::Io { act: "write", .. }))), "{begun:?}");
    assert_eq!(fixture.vault.status(), Ok(before));
    assert_eq!(Vault::open(fixture.key_file()).status(), Ok(before));
    let nowhere = KeyFile::new(fixture.directory.path().join("no/such/directory/paddock.key"));
    assert!(matches!(nowhere.create(&OsEntropy), Err(KeyFileError::Io { act: "write", .. })));
}
