//! The witness of the audit chain, kept outside the database.
//!
//! Whoever puts an older database in the place of the present one undoes a revocation, a freeze or a used-up cap, and the
//! older chain is as whole as the present one. What was last seen of the chain is therefore also noted in a file of its
//! own, and a database that lacks that record is not served until a person says so.

use std::fs;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use paddock_core::audit::{AuditEvent, ChainHash};
use paddock_store::{AuditQuery, Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::files::replace_private;
use crate::table;

/// What was last seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seen {
    /// Position of the chain's last record.
    pub(crate) seq: u64,
    /// Its hash.
    pub(crate) hash: ChainHash,
    /// When it was noted.
    pub(crate) at: Timestamp,
}

/// What comparing file and database says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// The database holds the record that was last seen.
    Holds,
    /// There is no file to compare with.
    NothingSeen,
    /// The record is missing or another one stands in its place.
    RolledBack(Seen),
}

/// The file.
#[derive(Clone, Debug)]
pub(crate) struct Anchor {
    path: PathBuf,
}

impl Anchor {
    /// The data directory's anchor, which need not exist.
    pub(crate) fn of(dir: &DataDir) -> Self {
        Self { path: dir.anchor() }
    }

    /// What was last seen, if anything.
    pub(crate) fn seen(&self) -> Outcome<Option<Seen>> {
        let hint = || {
            format!(
                "check the audit chain with `paddock audit verify` from a copy, or remove {} if you know why it is damaged",
                self.path.display()
            )
        };
        match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                Err(Failure::new(format!("cannot read {}: {error}", self.path.display())).hint(hint()))
            }
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|_| Failure::new(format!("{} is damaged", self.path.display())).hint(hint())),
        }
    }

    /// Compares what was last seen with the database.
    pub(crate) async fn compare(&self, store: &Store) -> Outcome<Comparison> {
        let Some(seen) = self.seen()? else { return Ok(Comparison::NothingSeen) };
        if seen.seq == 0 {
            return Ok(Comparison::Holds);
        }
        let start = store.audit_start().await.map_err(Failure::from)?;
        if seen.seq <= start.seq {
            // It was removed since, as all up to the start of the chain, which a checkpoint vouches for.
            let holds = seen.seq < start.seq || seen.hash == start.hash;
            return Ok(if holds { Comparison::Holds } else { Comparison::RolledBack(seen) });
        }
        let query = AuditQuery {
            before: Some(seen.seq + 1),
            after: Some(seen.seq - 1),
            limit: 1,
            ..AuditQuery::default()
        };
        let found = store.audit_page(&query).await.map_err(Failure::from)?;
        let holds = found.first().is_some_and(|record| record.hash == seen.hash);
        Ok(if holds { Comparison::Holds } else { Comparison::RolledBack(seen) })
    }

    /// Refuses a database that is older than what was last seen.
    pub(crate) async fn check(&self, store: &Store) -> Outcome {
        match self.compare(store).await? {
            Comparison::Holds => Ok(()),
            Comparison::NothingSeen => {
                let (records, _) = store.audit_head().await.map_err(Failure::from)?;
                if records > 0 {
                    tracing::warn!(path = %self.path.display(), "no anchor to compare the audit chain with: a new one is made");
                }
                Ok(())
            }
            Comparison::RolledBack(seen) => {
                let (records, _) = store.audit_head().await.map_err(Failure::from)?;
                Err(rolled_back(&seen, records))
            }
        }
    }

    /// Notes the chain's head.
    pub(crate) async fn write(&self, store: &Store, at: Timestamp) -> Outcome {
        let (seq, hash) = store.audit_head().await.map_err(Failure::from)?;
        let write = || -> io::Result<()> {
            replace_private(&self.path, &serde_json::to_vec(&Seen { seq, hash, at })?)
        };
        write().map_err(Failure::cannot(format!("write {}", self.path.display())))
    }
}

/// The event that a person's acceptance leaves in the chain.
pub(crate) const fn acceptance(seen: Seen) -> AuditEvent {
    AuditEvent::RollbackAccepted { seen_seq: seen.seq, seen_hash: seen.hash }
}

fn rolled_back(seen: &Seen, records: u64) -> Failure {
    Failure::refused(format!(
        "the database is older than it was, or another one: record {} of the audit chain, seen on {}, is missing or differs \
         (the database has {records} records)",
        seen.seq,
        table::instant(seen.at),
    ))
    .code("rolled_back")
    .hint(
        "put the newest database back; or, if you rolled it back yourself, accept that revocations, freezes and caps since \
         then are undone with `paddock doctor --accept-rollback`",
    )
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::with_next_step(&error.to_string())
    }
}
