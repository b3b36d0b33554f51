//! What the latest look at a connection found: that its account answers, or what is wrong.

use std::collections::BTreeMap;

use jiff::Timestamp;
use paddock_core::id::{ConnectionId, UserId};

use crate::codec::{instant, micros, parse};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError};

/// What is wrong with a connection, in words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionFault {
    /// Its stable name, for programs.
    pub code: String,
    /// The heading.
    pub title: String,
    /// What is wrong; lower case, no full stop.
    pub detail: String,
    /// What to do now; lower case, no full stop.
    pub next_step: String,
    /// When it was found.
    pub at: Timestamp,
}

/// What a look at a connection found.
#[derive(Clone, Debug)]
pub struct Look<'a> {
    /// The account's status as Alpaca gave it, if it gave one.
    pub status: Option<&'a str>,
    /// What is wrong, if something is.
    pub fault: Option<ConnectionFault>,
}

row! {
    struct Columns {
        connection_id: String,
        code: String,
        title: String,
        detail: String,
        next_step: String,
        at: i64,
    }
}

impl Store {
    /// Keeps what a look with the connection's credential found, until the next one. A look with a credential that has been replaced
    /// meanwhile, or at a connection that was removed, says nothing about what is there now, and nothing is kept. `credential` is the
    /// fingerprint of the one that was used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_look(
        &self,
        connection: ConnectionId,
        credential: &[u8],
        look: Look<'_>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let same = sql!(tx, fetch_optional (String,):
            "SELECT connections.id FROM connections
             JOIN credentials ON connection_id = connections.id AND version = credential_version
             WHERE connections.id = $1 AND removed_at IS NULL AND secret_fingerprint = $2",
            connection.to_string(), credential)?;
        if same.is_none() {
            return Ok(());
        }
        if let Some(status) = look.status {
            sql!(tx, execute "UPDATE connections SET status = $1, checked_at = $2 WHERE id = $3",
                status, micros(at), connection.to_string())?;
        }
        forget(&mut tx, connection).await?;
        if let Some(fault) = look.fault {
            sql!(tx, execute
                "INSERT INTO connection_faults (connection_id, code, title, detail, next_step, at)
                 VALUES ($1, $2, $3, $4, $5, $6)",
                connection.to_string(), fault.code.as_str(), fault.title.as_str(), fault.detail.as_str(),
                fault.next_step.as_str(), micros(fault.at))?;
        }
        tx.commit().await
    }

    /// What the latest look found wrong with a user's connections.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn connection_faults(
        &self,
        user: UserId,
    ) -> Result<BTreeMap<ConnectionId, ConnectionFault>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all Columns:
            "SELECT connection_id, code, title, detail, next_step, at FROM connection_faults
             JOIN connections ON connections.id = connection_id
             WHERE user_id = $1 AND removed_at IS NULL", user.to_string())?;
        let fault = |row: Columns| {
            let fault = ConnectionFault {
                code: row.code,
                title: row.title,
                detail: row.detail,
                next_step: row.next_step,
                at: instant(row.at)?,
            };
            Ok((parse(&row.connection_id, "connection")?, fault))
        };
        rows.into_iter().map(fault).collect()
    }
}

/// Another credential has taken the place of the one that something was wrong with, or the connection is gone.
pub(crate) async fn forget(tx: &mut Tx, connection: ConnectionId) -> Result<(), StoreError> {
    sql!(tx, execute "DELETE FROM connection_faults WHERE connection_id = $1", connection.to_string())?;
    Ok(())
}
