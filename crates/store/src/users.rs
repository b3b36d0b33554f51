//! Teams: what connections, access keys and data-encryption keys belong to. The table is older than persons and is named `users`.

use jiff::Timestamp;
use paddock_core::Entropy;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::UserId;

use crate::codec::{instant, micros, parse};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError, audit};

/// A team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Its identifier.
    pub id: UserId,
    /// Its name.
    pub name: String,
    /// When it was founded.
    pub created_at: Timestamp,
}

row! {
    struct Columns { id: String, name: String, created_at: i64 }
}

impl Columns {
    fn team(self) -> Result<Team, StoreError> {
        Ok(Team { id: parse(&self.id, "team")?, name: self.name, created_at: instant(self.created_at)? })
    }
}

impl Store {
    /// The first team, which runs this Paddock. It is made (and [`AuditEvent::Initialised`] recorded) when the database is new.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ensure_owner(&self, at: Timestamp, entropy: &dyn Entropy) -> Result<UserId, StoreError> {
        // Made before the first await, since a borrowed `dyn Entropy` is better not held across one.
        let new = UserId::generate(at, entropy);
        let mut tx = self.begin_write().await?;
        if let Some(known) = first(&mut tx).await? {
            return Ok(known);
        }
        sql!(tx, execute "INSERT INTO users (id, created_at) VALUES ($1, $2)", new.to_string(), micros(at))?;
        audit::append(&mut tx, &Actor::System, &AuditEvent::Initialised { user: new }, at).await?;
        tx.commit().await?;
        Ok(new)
    }

    /// The team of that identifier.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn team(&self, id: UserId) -> Result<Option<Team>, StoreError> {
        let mut tx = self.begin_read().await?;
        let row = sql!(tx, fetch_optional Columns:
            "SELECT id, name, created_at FROM users WHERE id = $1", id.to_string())?;
        row.map(Columns::team).transpose()
    }

    /// All teams, the first one first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn teams(&self) -> Result<Vec<Team>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows =
            sql!(tx, fetch_all Columns: "SELECT id, name, created_at FROM users ORDER BY created_at, id")?;
        rows.into_iter().map(Columns::team).collect()
    }
}

/// The team that runs this Paddock.
pub(crate) async fn first(tx: &mut Tx) -> Result<Option<UserId>, StoreError> {
    let row = sql!(tx, fetch_optional (String,): "SELECT id FROM users ORDER BY created_at, id LIMIT 1")?;
    row.map(|(id,)| parse(&id, "team")).transpose()
}

/// Founds a team, with the record of it.
pub(crate) async fn found(
    tx: &mut Tx,
    id: UserId,
    name: &str,
    actor: &Actor,
    at: Timestamp,
) -> Result<(), StoreError> {
    sql!(tx, execute "INSERT INTO users (id, created_at, name) VALUES ($1, $2, $3)",
        id.to_string(), micros(at), name)?;
    audit::append(tx, actor, &AuditEvent::TeamFounded { team: id, name: name.to_owned() }, at).await?;
    Ok(())
}
