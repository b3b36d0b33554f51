//! All that the gateway needs to know to authenticate and decide, read as one state.

use paddock_core::id::ConnectionId;

use crate::access_keys::{self, AccessKey};
use crate::connections::{self, Connection};
use crate::credentials::{self, SealedCredential};
use crate::deks::{self, DekRow};
use crate::freeze::{self, FreezeRow};
use crate::signing_keys::{self, SealedSigningKey};
use crate::{Store, StoreError, rotations};

/// One state of the database, as far as it decides what may be forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The connections that were not removed, each with its newest credential, oldest first.
    pub connections: Vec<(Connection, SealedCredential)>,
    /// The access keys that were not revoked, oldest first.
    pub keys: Vec<AccessKey>,
    /// The signing keys of those access keys that have one.
    pub signing_keys: Vec<SealedSigningKey>,
    /// The data-encryption keys in use, oldest first.
    pub deks: Vec<DekRow>,
    /// Whether everything is frozen.
    pub everything_frozen: bool,
    /// What is frozen, and what passes.
    pub freezes: Vec<FreezeRow>,
    /// The connections whose new orders a rotation holds back.
    pub held_by_rotation: Vec<ConnectionId>,
}

impl Store {
    /// Reads a [`Snapshot`].
    ///
    /// # Errors
    /// When the database fails, or holds what cannot be read: a connection without its credential, for example.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let mut tx = self.begin_read().await?;
        let connections = connections::all_not_removed(&mut tx).await?;
        let credentials = credentials::newest(&mut tx).await?;
        // Both lists have the same order, and a connection has exactly one newest credential.
        if !connections.iter().map(|one| one.id).eq(credentials.iter().map(|one| one.connection)) {
            return Err(StoreError::Malformed { what: "credential" });
        }
        let mut keys = access_keys::all(&mut tx).await?;
        keys.retain(|key| key.revoked_at.is_none());
        Ok(Snapshot {
            connections: connections.into_iter().zip(credentials).collect(),
            keys,
            signing_keys: signing_keys::all(&mut tx).await?,
            deks: deks::in_use(&mut tx).await?,
            everything_frozen: freeze::everything(&mut tx).await?,
            freezes: freeze::all(&mut tx).await?,
            held_by_rotation: rotations::holding(&mut tx).await?,
        })
    }
}
