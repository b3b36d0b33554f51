//! That a connection's pair is due: told once for each nearness, and to each consumer that takes such messages.

use jiff::Timestamp;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{ConnectionId, ConsumerId};
use paddock_core::rotation::Nearness;

use crate::codec::{instant, micros, number, parse};
use crate::db::{row, sql};
use crate::{Store, StoreError, audit};

/// That a connection's pair is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reminder {
    /// The connection.
    pub connection: ConnectionId,
    /// When its pair is due.
    pub due_at: Timestamp,
    /// How near that is.
    pub nearness: Nearness,
}

/// A consumer that is to be told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it is told.
    pub reminder: Reminder,
    /// The consumer.
    pub consumer: ConsumerId,
    /// How often it was tried.
    pub tries: u32,
}

row! {
    struct Columns { connection_id: String, due_at: i64, nearness: String, consumer_id: String, tries: i64 }
}

impl Columns {
    fn notice(self) -> Result<Notice, StoreError> {
        Ok(Notice {
            reminder: Reminder {
                connection: parse(&self.connection_id, "notice")?,
                due_at: instant(self.due_at)?,
                nearness: self.nearness.parse().map_err(|_| StoreError::Malformed { what: "notice" })?,
            },
            consumer: parse(&self.consumer_id, "notice")?,
            tries: number(self.tries)?,
        })
    }
}

impl Store {
    /// Writes down that a pair is due, with the audit record and a notice for each of these consumers. Gives whether it was not written down
    /// before; otherwise nothing is written.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remind(
        &self,
        reminder: &Reminder,
        consumers: &[ConsumerId],
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let Reminder { connection, due_at, nearness } = *reminder;
        let mut tx = self.begin_write().await?;
        let written = sql!(tx, execute
            "INSERT INTO rotation_reminders (connection_id, due_at, nearness, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (connection_id, due_at, nearness) DO NOTHING",
            connection.to_string(), micros(due_at), nearness.as_str(), micros(at))?;
        if written == 0 {
            return Ok(false);
        }
        for consumer in consumers {
            sql!(tx, execute
                "INSERT INTO rotation_notices (connection_id, due_at, nearness, consumer_id, state, tries, next_at)
                 VALUES ($1, $2, $3, $4, 'due', 0, $5)",
                connection.to_string(), micros(due_at), nearness.as_str(), consumer.to_string(), micros(at))?;
        }
        let event = AuditEvent::RotationDue { connection, due_at, nearness };
        audit::append(&mut tx, &Actor::System, &event, at).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Whether that was written down.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_reminded(&self, reminder: &Reminder) -> Result<bool, StoreError> {
        let Reminder { connection, due_at, nearness } = *reminder;
        let mut tx = self.begin_read().await?;
        let (count,) = sql!(tx, fetch_one (i64,):
            "SELECT COUNT(*) FROM rotation_reminders WHERE connection_id = $1 AND due_at = $2 AND nearness = $3",
            connection.to_string(), micros(due_at), nearness.as_str())?;
        Ok(count > 0)
    }

    /// The notices that are to be tried now, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn notices_due(&self, now: Timestamp) -> Result<Vec<Notice>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all Columns:
            "SELECT connection_id, due_at, nearness, consumer_id, tries FROM rotation_notices
             WHERE state = 'due' AND next_at <= $1 ORDER BY next_at, connection_id, consumer_id, nearness", micros(now))?;
        rows.into_iter().map(Columns::notice).collect()
    }

    /// Takes a notice for one more try, which nobody else makes before `next_at`. `false` when somebody else has it.
    ///
    /// # Errors
    /// When the database fails. Nothing must be sent then.
    pub async fn try_notice(&self, notice: &Notice, next_at: Timestamp) -> Result<bool, StoreError> {
        let Reminder { connection, due_at, nearness } = notice.reminder;
        let mut tx = self.begin_write().await?;
        let taken = sql!(tx, execute
            "UPDATE rotation_notices SET tries = tries + 1, next_at = $1
             WHERE connection_id = $2 AND due_at = $3 AND nearness = $4 AND consumer_id = $5 AND state = 'due' AND tries = $6",
            micros(next_at), connection.to_string(), micros(due_at), nearness.as_str(), notice.consumer.to_string(),
            i64::from(notice.tries))?;
        tx.commit().await?;
        Ok(taken > 0)
    }

    /// Notes that a notice was taken, or why it never will be.
    ///
    /// # Errors
    /// When the database fails; it is tried again then.
    pub async fn end_notice(&self, notice: &Notice, failed: Option<&str>) -> Result<(), StoreError> {
        let Reminder { connection, due_at, nearness } = notice.reminder;
        let state = if failed.is_some() { "failed" } else { "sent" };
        let mut tx = self.begin_write().await?;
        sql!(tx, execute
            "UPDATE rotation_notices SET state = $1, detail = $2
             WHERE connection_id = $3 AND due_at = $4 AND nearness = $5 AND consumer_id = $6",
            state, failed, connection.to_string(), micros(due_at), nearness.as_str(), notice.consumer.to_string())?;
        tx.commit().await
    }
}
