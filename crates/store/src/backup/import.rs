//! Restoring a backup.

use std::io::Read;

use sqlx::AssertSqlSafe;
use tokio::sync::mpsc;

use crate::backup::BackupSummary;
use crate::backup::archive::{damaged, read_archive};
use crate::backup::tables::{Cell, TABLES, Table};
use crate::db::{Tx, TxOn, sql};
use crate::{Store, StoreError, audit};

/// Parts that are unpacked ahead of the database.
const AHEAD: usize = 2;

impl Store {
    /// Puts the content of a backup into this database, which must be new. All of it is there when this returns, or none: the archive is
    /// checked to its last byte before anything is committed. Whether the audit chain in it is sound is for [`Store::verify_audit`] to say,
    /// and the audit record of the restore is the caller's.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`], [`StoreError::DamagedBackup`], [`StoreError::BackupOfOtherVersion`],
    /// [`StoreError::BackupFile`]; otherwise when the database fails.
    pub async fn import<R: Read + Send + 'static>(&self, reader: R) -> Result<BackupSummary, StoreError> {
        let mut tx = self.begin_write().await?;
        check_empty(&mut tx).await?;
        let (sender, mut parts) = mpsc::channel(AHEAD);
        // Unpacking is blocking work; it stops at its next part when this side has given up.
        let unpacking = tokio::task::spawn_blocking(move || {
            read_archive(reader, |table, part| {
                sender.blocking_send((table, part)).map_err(|_| StoreError::Closed)
            })
        });
        let mut summary = BackupSummary::default();
        let mut refused = None;
        while let Some((table, part)) = parts.recv().await {
            if let Err(error) = insert_part(&mut tx, table, &part, &mut summary).await {
                refused = Some(error);
                break;
            }
        }
        drop(parts);
        let unpacked = unpacking.await.map_err(|_| StoreError::Closed)?;
        // A part that does not fit its table is why unpacking was stopped, not the other way round.
        refused.map_or(unpacked, Err)?;
        // Not the one that stood here before.
        tx.head = None;
        let (newest, _) = audit::head(&mut tx).await?;
        tx.appended = Some(newest);
        tx.commit().await?;
        Ok(summary)
    }
}

async fn check_empty(tx: &mut Tx) -> Result<(), StoreError> {
    for table in TABLES.iter().filter(|table| !table.seeded) {
        let count = AssertSqlSafe(format!("SELECT COUNT(*) FROM {}", table.name));
        let (rows,) = sql!(tx, fetch_one (i64,): count)?;
        if rows > 0 {
            return Err(StoreError::NotEmpty);
        }
    }
    Ok(())
}

async fn insert_part(
    tx: &mut Tx,
    table: &Table,
    part: &[u8],
    summary: &mut BackupSummary,
) -> Result<(), StoreError> {
    for line in part.split_inclusive(|byte| *byte == b'\n') {
        let cells = table.read_line(line).ok_or_else(|| damaged(&format!("a row of {}", table.name)))?;
        insert_row(tx, table, cells).await?;
        summary.count(table, 1);
    }
    Ok(())
}

async fn insert_row(tx: &mut Tx, table: &Table, cells: Vec<Cell>) -> Result<(), StoreError> {
    let insert = AssertSqlSafe(table.insert());
    macro_rules! put {
        ($tx:ident) => {{
            let mut statement = sqlx::query(insert);
            for cell in cells {
                statement = match cell {
                    Cell::Text(value) => statement.bind(value),
                    Cell::Int(value) => statement.bind(value),
                    Cell::Bool(value) => statement.bind(value),
                    Cell::Bytes(value) => statement.bind(value),
                };
            }
            statement.execute(&mut **$tx).await.map(drop)
        }};
    }
    let done = match &mut tx.on {
        TxOn::Sqlite(tx) => put!(tx),
        TxOn::Postgres(tx) => put!(tx),
    };
    match done {
        Ok(()) => Ok(()),
        // A row that breaks a rule of its table was not written by an export.
        Err(sqlx::Error::Database(error)) if !matches!(error.kind(), sqlx::error::ErrorKind::Other) => {
            Err(damaged(&format!("a row of {}", table.name)))
        }
        Err(error) => Err(error.into()),
    }
}
