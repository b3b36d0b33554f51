//! Backup and restore: a logical copy that either database reads, whichever wrote it.
//!
//! The archive is a gzipped tar of `paddock-backup.json` (format and table version), the rows of each table as JSON lines under
//! `tables/NAME/NUMBER.jsonl` in parts of bounded size, and last `manifest.json` with the SHA-256 of every file before it. The same
//! content always gives the same bytes.

mod archive;
mod export;
mod import;
mod tables;

/// What a backup holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackupSummary {
    /// Number of records in the audit chain.
    pub records: u64,
    /// Number of rows in all tables.
    pub rows: u64,
}

impl BackupSummary {
    fn count(&mut self, table: &tables::Table, rows: u64) {
        self.rows += rows;
        if table.name == "audit" {
            self.records += rows;
        }
    }
}
