//! Writing a backup.

use std::io::Write;

use futures_util::TryStreamExt as _;
use sqlx::AssertSqlSafe;

use crate::backup::BackupSummary;
use crate::backup::archive::ArchiveWriter;
use crate::backup::tables::TABLES;
use crate::db::TxOn;
use crate::{Store, StoreError};

impl Store {
    /// Writes all content, as of one instant, to `writer`, beside whatever is going on. Secrets are in it as sealed as they are in the
    /// database. The audit record of it is the caller's.
    ///
    /// # Errors
    /// When the database fails or the writer does.
    pub async fn export<W: Write + Send>(&self, writer: W) -> Result<BackupSummary, StoreError> {
        let mut archive = ArchiveWriter::new(writer)?;
        let mut summary = BackupSummary::default();
        let mut tx = self.begin_read().await?;
        for table in TABLES {
            // Made of the constants of the list only.
            let select = AssertSqlSafe(table.select());
            macro_rules! copy {
                ($tx:ident) => {{
                    let mut rows = sqlx::query(select).fetch(&mut **$tx);
                    while let Some(row) = rows.try_next().await? {
                        archive.row(table, &table.to_json(&row)?)?;
                        summary.count(table, 1);
                    }
                }};
            }
            match &mut tx.on {
                TxOn::Sqlite(tx) => copy!(tx),
                TxOn::Postgres(tx) => copy!(tx),
            }
            archive.end_table(table)?;
        }
        archive.finish()?;
        Ok(summary)
    }
}
