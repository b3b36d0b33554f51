//! The vault as its users see it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, also in its helpers")]

mod key_file;
mod places;
mod redaction;
mod rotation;
mod second_factor;

use jiff::Timestamp;
use paddock_core::id::{ConnectionId, UserId};
use paddock_vault::{Binding, Field, KeyFile, OsEntropy, Sealed, SecretText, Vault, WrappedDek};
use tempfile::TempDir;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// A vault over a new key file in a directory of its own, one user's data-encryption key, and one secret sealed under it.
struct Fixture {
    directory: TempDir,
    vault: Vault,
    dek: WrappedDek,
    binding: Binding,
    sealed: Sealed,
}

const SECRET: &str = "PKCANARY7Q2ZLNX4WJ3M";

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = KeyFile::new(directory.path().join("paddock.key"));
        file.create(&OsEntropy).unwrap();
        let vault = Vault::open(file);
        let binding = Binding { user: user(), connection: connection(), field: Field::SecretKey, version: 1 };
        let dek = vault.sealer().new_dek(binding.user, NOW, &OsEntropy).unwrap();
        let sealed = vault.sealer().seal(&dek, 0, &binding, &secret(), &OsEntropy).unwrap();
        Self { directory, vault, dek, binding, sealed }
    }

    fn key_file(&self) -> KeyFile {
        KeyFile::new(self.directory.path().join("paddock.key"))
    }
}

fn secret() -> SecretText {
    SecretText::new(SECRET.to_owned())
}

fn user() -> UserId {
    UserId::generate(NOW, &OsEntropy)
}

fn connection() -> ConnectionId {
    ConnectionId::generate(NOW, &OsEntropy)
}
