//! The data directory: where it is, who may enter it, and what lies in it.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// A path that holds, or will hold, one Paddock's state. The directory is its owner's alone (0700).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DataDir(PathBuf);

impl DataDir {
    /// The directory that was named, or the user's own: `$XDG_DATA_HOME/NAME`, else `~/.local/share/NAME`.
    pub(crate) fn named_or_default(named: Option<&Path>, name: &str) -> Outcome<Self> {
        if let Some(named) = named.filter(|named| !named.as_os_str().is_empty()) {
            return Ok(Self(named.to_owned()));
        }
        let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base =
            variable("XDG_DATA_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/share")));
        base.map(|base| Self(base.join(name))).ok_or_else(|| {
            Failure::usage("there is no home directory to keep data in")
                .hint("name a data directory with `--data-dir DIR` or PADDOCK_DATA_DIR")
        })
    }

    /// The directory itself.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The SQLite database, unless PostgreSQL is configured.
    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("paddock.db")
    }

    /// The key file of the vault.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.0.join("vault.key")
    }

    /// The secret of the app that is registered at Alpaca, unless the configuration names another file.
    pub(crate) fn oauth_secret(&self) -> PathBuf {
        self.0.join("oauth-secret")
    }

    /// The certificate of the local authority, for clients.
    pub(crate) fn authority(&self) -> PathBuf {
        self.0.join("ca.pem")
    }

    /// The key of the local authority.
    pub(crate) fn authority_key(&self) -> PathBuf {
        self.0.join("ca.key")
    }

    /// The certificate of the authority that takes the present one's place at the next renewal, if one was prepared.
    pub(crate) fn next_authority(&self) -> PathBuf {
        self.0.join("ca-next.pem")
    }

    /// The key of that one.
    pub(crate) fn next_authority_key(&self) -> PathBuf {
        self.0.join("ca-next.key")
    }

    /// The system's authorities and the local one, for clients that take one file for all.
    pub(crate) fn authority_bundle(&self) -> PathBuf {
        self.0.join("ca-bundle.pem")
    }

    /// The admin socket of a running server.
    pub(crate) fn socket(&self) -> PathBuf {
        self.0.join("paddock.sock")
    }

    /// The file that freezes everything for as long as it is there.
    pub(crate) fn freeze_file(&self) -> PathBuf {
        self.0.join("FREEZE")
    }

    /// The configuration file that is read when no other is named. It need not exist.
    pub(crate) fn config(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// The witness of the audit chain, kept outside the database.
    pub(crate) fn anchor(&self) -> PathBuf {
        self.0.join("audit.anchor")
    }

    /// The lock that keeps two processes from using the directory at once.
    pub(crate) fn lock_file(&self) -> PathBuf {
        self.0.join("paddock.lock")
    }

    /// The state of the built-in paper broker.
    pub(crate) fn paper(&self) -> PathBuf {
        self.0.join("paper")
    }

    /// Makes the directory if it is missing, and its owner's alone if it is new or a Paddock's already.
    pub(crate) fn create(&self) -> Outcome {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
            .map_err(|error| self.failure("create", &error))?;
        let metadata = fs::metadata(&self.0).map_err(|error| self.failure("look at", &error))?;
        if metadata.mode() & 0o077 == 0 {
            return Ok(());
        }
        if self.is_empty()? || self.database().exists() {
            return fs::set_permissions(&self.0, fs::Permissions::from_mode(0o700))
                .map_err(|error| self.failure("protect", &error));
        }
        if metadata.mode() & 0o022 != 0 {
            let mode = metadata.mode() & 0o7777;
            let message =
                format!("other users may write to the data directory {} (mode {mode:04o})", self.0.display());
            return Err(Failure::new(message).hint(format!(
                "run `chmod 700 {}`, or name a directory of its own with `--data-dir`",
                self.0.display()
            )));
        }
        Ok(())
    }

    /// Requires that there is a Paddock in the directory; `has_database` says that its database is elsewhere.
    pub(crate) fn require(&self, has_database: bool) -> Outcome {
        if has_database || self.database().exists() {
            return self.create();
        }
        Err(Failure::new(format!("there is no Paddock in {}", self.0.display())).hint(
            "start with `paddock serve` or `paddock connection add`, try `paddock demo`, or name another directory \
             with `--data-dir`",
        ))
    }

    /// Whether nothing is in the directory, or it does not exist.
    pub(crate) fn is_empty(&self) -> Outcome<bool> {
        match fs::read_dir(&self.0) {
            Ok(mut entries) => Ok(entries.next().is_none()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(self.failure("read", &error)),
        }
    }

    fn failure(&self, act: &str, error: &io::Error) -> Failure {
        Failure::new(format!("cannot {act} the data directory {}: {error}", self.0.display()))
            .hint("see that the path is right and that this user owns it, or name another with `--data-dir`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_new_directory_is_its_owners_alone() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir(parent.path().join("a/b"));
        dir.create().unwrap();
        assert_eq!(mode(dir.path()), 0o700);
    }

    #[test]
    fn an_empty_directory_is_closed_and_somebody_elses_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let dir = DataDir(parent.path().to_owned());
        fs::write(parent.path().join("letters.txt"), "").unwrap();
        dir.create().unwrap();
        assert_eq!(mode(dir.path()), 0o755);
        fs::remove_file(parent.path().join("letters.txt")).unwrap();
        dir.create().unwrap();
        assert_eq!(mode(dir.path()), 0o700);
    }

    #[test]
    fn a_directory_that_others_write_to_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("letters.txt"), "").unwrap();
        fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let failure = DataDir(parent.path().to_owned()).create().unwrap_err();
        assert!(failure.message().contains("other users may write"), "{failure}");
    }
}
