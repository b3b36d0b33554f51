//! The exclusive use of a data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};

/// Held while this process uses the data directory. The operating system lets go of it when the process ends, however it
/// ends, so that nothing stale can be left behind.
#[derive(Debug)]
pub(crate) struct DirLock(
    #[expect(dead_code, reason = "the lock is held for as long as the file is open")] File,
);

/// Somebody else holds the lock.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The holder's process id, where it could be read.
    process: Option<u32>,
}

impl DirLock {
    /// Takes the lock if it is free.
    pub(crate) fn try_take(dir: &DataDir) -> Outcome<Result<Self, Held>> {
        let path = dir.lock_file();
        let cannot = |error: std::io::Error| Failure::new(format!("cannot lock {}: {error}", path.display()));
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {
                let mut note = || -> std::io::Result<()> {
                    file.set_len(0)?;
                    file.rewind()?;
                    write!(file, "{}", std::process::id())
                };
                note().map_err(cannot)?;
                Ok(Ok(Self(file)))
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // The number is for the message only; the lock itself does not depend on it.
                _ = file.read_to_string(&mut text);
                Ok(Err(Held { process: text.trim().parse().ok() }))
            }
            Err(TryLockError::Error(error)) => Err(cannot(error)),
        }
    }

    /// Takes the lock, waiting for a command that holds it for a moment.
    pub(crate) async fn take(dir: &DataDir, patience: Duration) -> Outcome<Self> {
        // The lock has no event to await, so it is asked for again and again.
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        let tries = patience.as_millis() / 50;
        for _ in 0..tries {
            ticks.tick().await;
            if let Ok(lock) = Self::try_take(dir)? {
                return Ok(lock);
            }
        }
        Self::try_take(dir)?.map_err(|held| held.failure(dir))
    }
}

impl Held {
    /// The failure to report when waiting did not help.
    pub(crate) fn failure(&self, dir: &DataDir) -> Failure {
        let holder = self.process.map_or_else(String::new, |process| format!(" (process {process})"));
        Failure::new(format!("another Paddock{holder} is using {}", dir.path().display()))
            .hint("stop it first, or name another directory with `--data-dir`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn two_holders_are_refused_and_a_dropped_lock_is_free() {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::named_or_default(Some(temp.path()), "").unwrap();
        let first = DirLock::take(&dir, Duration::ZERO).await.unwrap();
        let refused = DirLock::take(&dir, Duration::ZERO).await.unwrap_err();
        assert!(refused.message().contains(&std::process::id().to_string()), "{refused}");
        drop(first);
        DirLock::take(&dir, Duration::ZERO).await.unwrap();
    }
}
