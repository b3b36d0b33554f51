//! Users. For now there is one, the owner.

use jiff::Timestamp;
use paddock_core::Entropy;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::UserId;

use crate::codec::{micros, parse};
use crate::db::sql;
use crate::{Store, StoreError, audit};

impl Store {
    /// The owner, who is made (and [`AuditEvent::Initialised`] recorded) when the database is new.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ensure_owner(&self, at: Timestamp, entropy: &dyn Entropy) -> Result<UserId, StoreError> {
        // Made before the first await, since a borrowed `dyn Entropy` is better not held across one.
        let new = UserId::generate(at, entropy);
        let mut tx = self.begin_write().await?;
        let known =
            sql!(tx, fetch_optional (String,): "SELECT id FROM users ORDER BY created_at, id LIMIT 1")?;
        if let Some((known,)) = known {
            return parse(&known, "user");
        }
        sql!(tx, execute "INSERT INTO users (id, created_at) VALUES ($1, $2)", new.to_string(), micros(at))?;
        audit::append(&mut tx, &Actor::System, &AuditEvent::Initialised { user: new }, at).await?;
        tx.commit().await?;
        Ok(new)
    }
}
