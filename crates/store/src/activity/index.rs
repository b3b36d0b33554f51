//! Reads the audit chain from where it was left, and writes down what people ask of it.
//!
//! Requests do not wait for this: it follows the chain, a page of records at a time, whenever somebody looks and a few times a minute
//! besides. Nothing in these tables decides anything.

mod page;
mod whose;

use page::Page;

use crate::codec::{bigint, number};
use crate::db::sql;
use crate::{Store, StoreError, audit, checkpoints};

/// Records of the audit that [`Store::index_activity`] takes in at once: one transaction, so that orders need not wait for long.
pub const INDEXED_AT_ONCE: u32 = 200;

impl Store {
    /// Takes in the audit records since the last time, at most [`INDEXED_AT_ONCE`]. Gives how many are left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn index_activity(&self) -> Result<u64, StoreError> {
        if self.unindexed().await? == 0 {
            return Ok(0);
        }
        let mut tx = self.begin_write().await?;
        let (indexed,) = sql!(tx, fetch_one (i64,): "SELECT seq FROM activity_head")?;
        // What was removed from the chain is not looked for any more.
        let start = checkpoints::start(&mut tx).await?.0.seq;
        let indexed = number::<u64>(indexed)?.max(start);
        let records = audit::following(&mut tx, indexed, INDEXED_AT_ONCE).await?;
        let mut page = Page::read(&mut tx, &records).await?;
        let mut last = indexed;
        for (record, name) in &records {
            page.take_in(&mut tx, record, name).await?;
            last = record.seq;
        }
        page.flush(&mut tx).await?;
        sql!(tx, execute "UPDATE activity_head SET seq = $1", bigint(last))?;
        tx.commit().await?;
        self.unindexed().await
    }
}
