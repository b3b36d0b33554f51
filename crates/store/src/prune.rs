//! Removing the oldest part of the audit chain.
//!
//! The chain then begins at a signed checkpoint, which proves what was before to whoever kept an export of it. What the removed records
//! say about connections, access keys and freezes is kept, so that the tables can still be compared with it.

use jiff::Timestamp;
use paddock_core::audit::{Actor, AuditEvent, ChainVerifier};
use paddock_core::audit_file::Position;
use paddock_core::checkpoint::Checkpoint;
use sha2::{Digest as _, Sha256};

use crate::codec::bigint;
use crate::db::sql;
use crate::verify::Said;
use crate::{AuditFault, Store, StoreError, activity, audit, checkpoints};

/// Records that are removed in one transaction, so that orders need not wait for long.
const AT_ONCE: i64 = 2000;

impl Store {
    /// Removes the records up to a checkpoint, and the checkpoints before it. The part is checked first, and its removal recorded. Gives
    /// how many records were removed. After an interruption, calling it again, or [`Store::finish_pruning`], goes on.
    ///
    /// Whether the signature is good is for the caller to say.
    ///
    /// # Errors
    /// [`AuditFault`] when the part is not whole: nothing was removed then.
    pub async fn prune_audit(
        &self,
        through: &Checkpoint,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<u64, AuditFault> {
        let mut tx = self.begin_read().await?;
        let (start, kept) = checkpoints::start(&mut tx).await?;
        if through.seq <= start.seq {
            return Ok(self.finish_pruning().await?);
        }
        let mut said = Said::read(&kept)?;
        let mut chain = ChainVerifier::after(start.seq, start.hash);
        while chain.last() < through.seq {
            let page = audit::following(&mut tx, chain.last(), 1000).await?;
            if page.is_empty() {
                return Err(AuditFault::Cut { expected: through.seq, found: chain.last() });
            }
            for (record, name) in page.iter().take_while(|(record, _)| record.seq <= through.seq) {
                chain.check(record)?;
                said.hear(record, name)?;
            }
        }
        if chain.head() != through.hash {
            return Err(AuditFault::Checkpoint { seq: through.seq });
        }
        drop(tx);
        self.move_start(start, through, &said.write()?, actor, at).await?;
        Ok(self.finish_pruning().await?)
    }

    async fn move_start(
        &self,
        from: Position,
        through: &Checkpoint,
        kept: &str,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        if checkpoints::start(&mut tx).await?.0 != from {
            return Err(StoreError::Busy);
        }
        sql!(tx, execute "UPDATE audit_start SET seq = $1, hash = $2, kept = $3",
            bigint(through.seq), through.hash.as_bytes().as_slice(), kept)?;
        let event = AuditEvent::AuditPruned {
            through: through.seq,
            hash: through.hash,
            kept_digest: hex::encode(Sha256::digest(kept)),
        };
        audit::append(&mut tx, actor, &event, at).await?;
        tx.commit().await
    }

    /// Removes what is before the start of the chain. Gives how many records that were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finish_pruning(&self) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let mut tx = self.begin_write().await?;
            let start = bigint(checkpoints::start(&mut tx).await?.0.seq);
            let (oldest,) = sql!(tx, fetch_one (Option<i64>,): "SELECT MIN(seq) FROM audit")?;
            let Some(oldest) = oldest.filter(|oldest| *oldest <= start) else {
                sql!(tx, execute "DELETE FROM audit_checkpoints WHERE seq < $1", start)?;
                tx.commit().await?;
                return Ok(removed);
            };
            let until = start.min(oldest.saturating_add(AT_ONCE - 1));
            removed += sql!(tx, execute "DELETE FROM audit WHERE seq <= $1", until)?;
            activity::forget(&mut tx, until).await?;
            tx.commit().await?;
        }
    }
}
