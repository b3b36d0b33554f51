//! Freezing and unfreezing an access key, a connection, or everything. Setting what is so already records nothing.

use jiff::Timestamp;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::decide::Frozen;
use paddock_core::id::{AccessKeyId, ConnectionId};

use crate::access_keys::{self, NO_KEY};
use crate::connections::{self, NO_CONNECTION};
use crate::db::{Tx, sql};
use crate::{Store, StoreError, audit};

impl Store {
    /// Freezes or unfreezes one access key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none, or it was revoked.
    pub async fn set_key_frozen(
        &self,
        id: AccessKeyId,
        frozen: bool,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let key =
            access_keys::find(&mut tx, id).await?.filter(|key| key.revoked_at.is_none()).ok_or(NO_KEY)?;
        if key.frozen == frozen {
            return Ok(());
        }
        sql!(tx, execute "UPDATE access_keys SET frozen = $1 WHERE id = $2", frozen, id.to_string())?;
        let event = event(Frozen::Key, Some(id.to_string()), frozen);
        audit::append(&mut tx, actor, &event, at).await?;
        tx.commit().await
    }

    /// Freezes or unfreezes one connection.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none, or it was removed.
    pub async fn set_connection_frozen(
        &self,
        id: ConnectionId,
        frozen: bool,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let connection = connections::not_removed(&mut tx, id).await?.ok_or(NO_CONNECTION)?;
        if connection.frozen == frozen {
            return Ok(());
        }
        sql!(tx, execute "UPDATE connections SET frozen = $1 WHERE id = $2", frozen, id.to_string())?;
        let event = event(Frozen::Connection, Some(id.to_string()), frozen);
        audit::append(&mut tx, actor, &event, at).await?;
        tx.commit().await
    }

    /// Freezes or unfreezes everything. Access keys and connections that are frozen themselves stay so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_everything_frozen(
        &self,
        frozen: bool,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        if everything(&mut tx).await? == frozen {
            return Ok(());
        }
        sql!(tx, execute "UPDATE everything SET frozen = $1", frozen)?;
        audit::append(&mut tx, actor, &event(Frozen::Everything, None, frozen), at).await?;
        tx.commit().await
    }

    /// Whether everything is frozen.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn everything_frozen(&self) -> Result<bool, StoreError> {
        everything(&mut self.begin_read().await?).await
    }
}

pub(crate) async fn everything(tx: &mut Tx) -> Result<bool, StoreError> {
    Ok(sql!(tx, fetch_one (bool,): "SELECT frozen FROM everything")?.0)
}

const fn event(what: Frozen, id: Option<String>, frozen: bool) -> AuditEvent {
    if frozen { AuditEvent::Frozen { what, id } } else { AuditEvent::Unfrozen { what, id } }
}
