//! The demo's directory: its own, and empty at each start.

use std::fs;
use std::io;

use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::files::{remove_if_there, replace_private};
use crate::lock::DirLock;

/// The file that says that a directory is a demo's.
const MARKER: &str = "demo.marker";

/// What a demo leaves behind.
const FILES: [&str; 11] = [
    "demo.json",
    "paddock.db",
    "paddock.db-wal",
    "paddock.db-shm",
    "paddock.db-journal",
    "vault.key",
    "vault.key.new",
    "paddock.sock",
    "audit.anchor",
    "config.toml",
    "oauth-secret",
];

/// Makes the directory, or clears what the demo before left in it. A directory with a Paddock that is not a demo's is
/// refused.
pub(crate) async fn prepare(dir: &DataDir) -> Outcome<DirLock> {
    let marker = dir.path().join(MARKER);
    if !marker.exists() && (dir.database().exists() || dir.key_file().exists()) {
        return Err(Failure::new(format!("{} holds a Paddock that is not a demo's", dir.path().display()))
            .hint("give the demo another directory with `--data-dir DIR`, and see that PADDOCK_DATA_DIR is not set"));
    }
    dir.create()?;
    let lock = DirLock::try_take(dir)?.map_err(|held| held.failure(dir))?;
    let clear = || -> io::Result<()> {
        for file in FILES {
            remove_if_there(&dir.path().join(file))?;
        }
        match fs::remove_dir_all(dir.paper()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        replace_private(
            &marker,
            b"This directory belongs to `paddock demo`, which clears it at each start.\n",
        )
    };
    clear().map_err(Failure::cannot(format!("clear {}", dir.path().display())))?;
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(temp: &tempfile::TempDir) -> DataDir {
        DataDir::named_or_default(Some(temp.path()), "").unwrap()
    }

    #[tokio::test]
    async fn a_second_demo_starts_from_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let dir = dir(&temp);
        drop(prepare(&dir).await.unwrap());
        fs::write(dir.database(), "old").unwrap();
        drop(prepare(&dir).await.unwrap());
        assert!(!dir.database().exists());
    }

    #[tokio::test]
    async fn a_persons_own_directory_is_not_touched() {
        let temp = tempfile::tempdir().unwrap();
        let dir = dir(&temp);
        fs::write(dir.database(), "mine").unwrap();
        let failure = prepare(&dir).await.unwrap_err();
        assert!(failure.message().contains("not a demo's"), "{failure}");
        assert_eq!(fs::read(dir.database()).unwrap(), b"mine");
    }
}
