//! How often each connection's pair is to be replaced, and when that is due.

use jiff::{SignedDuration, Timestamp};
use paddock_core::Environment;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{ConnectionId, UserId};

use crate::codec::{instant, micros, number, parse};
use crate::connections::{self, NO_CONNECTION};
use crate::db::{row, sql};
use crate::{Store, StoreError, audit};

/// A paper pair is replaced every so many days unless somebody says otherwise.
pub const DEFAULT_DAYS_PAPER: u32 = 180;

/// A live pair is replaced every so many days unless somebody says otherwise.
pub const DEFAULT_DAYS_LIVE: u32 = 90;

/// When a connection's pair is to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationDue {
    /// The connection.
    pub connection: ConnectionId,
    /// Its name.
    pub name: String,
    /// Alpaca's world.
    pub environment: Environment,
    /// Every so many days.
    pub days: u32,
    /// Since when Paddock has the present pair.
    pub since: Timestamp,
    /// When it is due.
    pub due_at: Timestamp,
}

row! {
    struct Columns { id: String, name: String, environment: String, days: Option<i64>, since: i64 }
}

impl Columns {
    fn due(self) -> Result<RotationDue, StoreError> {
        let environment: Environment = parse(&self.environment, "environment")?;
        let usual = match environment {
            Environment::Paper => DEFAULT_DAYS_PAPER,
            Environment::Live => DEFAULT_DAYS_LIVE,
        };
        let days: u32 = self.days.map(number).transpose()?.unwrap_or(usual);
        let since = instant(self.since)?;
        let after = SignedDuration::from_hours(24 * i64::from(days));
        Ok(RotationDue {
            connection: parse(&self.id, "connection")?,
            name: self.name,
            environment,
            days,
            since,
            due_at: since.checked_add(after).unwrap_or(Timestamp::MAX),
        })
    }
}

impl Store {
    /// When each of a team's connections is due, the soonest first. A pair that was only sealed anew is as old as before. A token of OAuth
    /// is never due.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotations_due(&self, user: UserId) -> Result<Vec<RotationDue>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all Columns:
            "SELECT connections.id AS id, connections.name AS name, connections.environment AS environment,
                    rotation_policy.days AS days, MIN(same.created_at) AS since
             FROM connections
             JOIN credentials newest ON newest.connection_id = connections.id
                                    AND newest.version = connections.credential_version
             JOIN credentials same ON same.connection_id = connections.id
                                  AND same.key_id_fingerprint = newest.key_id_fingerprint
                                  AND same.secret_fingerprint = newest.secret_fingerprint
             LEFT JOIN rotation_policy ON rotation_policy.connection_id = connections.id
             WHERE connections.user_id = $1 AND connections.removed_at IS NULL AND newest.kind = 'key_pair'
             GROUP BY connections.id, connections.name, connections.environment, rotation_policy.days", user.to_string())?;
        let mut dues = rows.into_iter().map(Columns::due).collect::<Result<Vec<_>, _>>()?;
        dues.sort_by_key(|one| (one.due_at, one.connection));
        Ok(dues)
    }

    /// Sets how often a connection's pair is to be replaced, in days from 1 to 3650, with the audit record.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the connection was removed.
    pub async fn set_rotation_days(
        &self,
        connection: ConnectionId,
        days: u32,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let days = days.clamp(1, 3650);
        let mut tx = self.begin_write().await?;
        connections::not_removed(&mut tx, connection).await?.ok_or(NO_CONNECTION)?;
        let written =
            serde_json::to_string(actor).map_err(|_| StoreError::Failed { code: "actor".to_owned() })?;
        sql!(tx, execute
            "INSERT INTO rotation_policy (connection_id, days, actor, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (connection_id) DO UPDATE SET days = excluded.days, actor = excluded.actor, at = excluded.at",
            connection.to_string(), i64::from(days), written, micros(at))?;
        let event = AuditEvent::RotationPolicyChanged { connection, days };
        audit::append(&mut tx, actor, &event, at).await?;
        tx.commit().await
    }
}
