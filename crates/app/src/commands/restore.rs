//! `paddock restore`: a backup into a new data directory.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use paddock_core::Clock as _;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_store::{AuditFault, Store, VerifiedChain};
use serde_json::json;

use crate::anchor::Anchor;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::context::Context;
use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::files::remove_if_there;
use crate::instance::open_store;
use crate::lock::DirLock;

use super::backup::{copy_key, key_beside};

#[derive(Debug, Args)]
#[command(after_help = "The data directory (--data-dir) must be empty or new.")]
pub(crate) struct RestoreArgs {
    /// The backup
    file: PathBuf,
    /// The vault's key file that belongs to it [default: FILE.key, if it is there]
    #[arg(long, value_name = "PATH")]
    key_file: Option<PathBuf>,
}

pub(crate) async fn run(args: &RestoreArgs, context: &Context) -> Outcome {
    let dir = context.data_dir()?;
    let config = context.config(&dir)?;
    let backup = File::open(&args.file).map_err(|error| {
        Failure::new(format!("cannot read the backup {}: {error}", args.file.display()))
            .hint("see that the path is right")
    })?;
    let beside = key_beside(&args.file);
    let key_file = args.key_file.clone().or_else(|| beside.exists().then_some(beside));
    if !dir.is_empty()? {
        return Err(Failure::new(format!("{} is not empty", dir.path().display()))
            .hint("restore into a new directory with `--data-dir NEW`, and serve that one"));
    }
    dir.create()?;
    let _lock = DirLock::take(&dir, Duration::ZERO).await?;
    if let Some(key_file) = &key_file {
        copy_key(key_file, &dir.key_file())?;
    }
    let restored = restore(backup, &dir, &config).await;
    let (records, verified) = match restored {
        Ok(restored) => restored,
        Err(failure) => {
            clear(&dir);
            return Err(failure);
        }
    };
    let value = json!({
        "data_dir": dir.path(), "records": records, "key_file": key_file, "valid": verified.is_ok(),
    });
    context.output.show(&value, |paint| {
        let mut text =
            format!("{} into {}: {records} audit records\n", paint.good("restored"), dir.path().display());
        text += &match &key_file {
            Some(key_file) => format!("with the key file {}\n", key_file.display()),
            None => format!(
                "put the key file that belongs to it at {} before serving\n",
                dir.key_file().display()
            ),
        };
        text + &format!("next: `paddock serve --data-dir {}`\n", dir.path().display())
    })?;
    verified.map(drop).map_err(|fault| {
        Failure::refused(format!("what was restored does not verify: {fault}"))
            .hint("compare with an older backup before you trust it")
    })
}

/// Number of records in the backup's chain, and whether what was restored is whole.
type Restored = (u64, Result<VerifiedChain, AuditFault>);

async fn restore(backup: File, dir: &DataDir, config: &Config) -> Outcome<Restored> {
    let store = open_store(dir, config).await?;
    let restored = fill(backup, dir, &store).await;
    store.close().await;
    restored
}

async fn fill(backup: File, dir: &DataDir, store: &Store) -> Outcome<Restored> {
    let summary = store.import(backup).await?;
    let verified = store.verify_audit().await;
    let now = SystemClock.now();
    let event = AuditEvent::BackupRestored { records: summary.records };
    store.append_audit(&Actor::Operator, &event, now).await?;
    Anchor::of(dir).write(store, now).await?;
    Ok((summary.records, verified))
}

/// Leaves the directory as empty as it was found, so that the next try is not refused.
fn clear(dir: &DataDir) {
    let database = dir.database();
    let side = |end: &str| {
        let mut name = database.clone().into_os_string();
        name.push(end);
        PathBuf::from(name)
    };
    for path in [side("-wal"), side("-shm"), database.clone(), dir.key_file(), dir.anchor(), dir.lock_file()]
    {
        if let Err(error) = remove_if_there(&path) {
            tracing::warn!(%error, path = %path.display(), "cannot remove what a failed restore left");
        }
    }
}
