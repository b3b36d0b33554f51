//! Signing keys: with what the requests of an access key are signed. Sealed by the vault; their bytes mean nothing here.

use std::fmt;

use jiff::Timestamp;
use paddock_core::id::{AccessKeyId, DekId};

use crate::codec::{instant, micros, number, parse};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError};

/// The signing key of one access key. What it is sealed of never changes, so an older ciphertext opens to nothing that a newer one does
/// not, and the audit chain need not witness which is the newest.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSigningKey {
    /// The access key whose requests it signs.
    pub key: AccessKeyId,
    /// Its version, from 1, counted up by one at every sealing.
    pub version: u32,
    /// The data-encryption key that it is sealed under.
    pub dek: DekId,
    /// The sealed bytes.
    pub sealed: Vec<u8>,
    /// When it was sealed.
    pub created_at: Timestamp,
}

impl fmt::Debug for SealedSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedSigningKey(access key {}, version {})", self.key, self.version)
    }
}

row! {
    struct Columns { access_key_id: String, dek_id: String, version: i64, sealed: Vec<u8>, created_at: i64 }
}

impl Columns {
    fn signing_key(self) -> Result<SealedSigningKey, StoreError> {
        Ok(SealedSigningKey {
            key: parse(&self.access_key_id, "signing key")?,
            version: number(self.version)?,
            dek: parse(&self.dek_id, "signing key")?,
            sealed: self.sealed,
            created_at: instant(self.created_at)?,
        })
    }
}

impl Store {
    /// Puts the next version of the same signing key, sealed anew, in the place of the present one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the access key was revoked meanwhile, or the version is not the next one.
    pub async fn replace_signing_key(&self, anew: &SealedSigningKey) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let replaced = sql!(tx, execute
            "UPDATE signing_keys SET dek_id = $1, version = $2, sealed = $3, created_at = $4
             WHERE access_key_id = $5 AND version = $2 - 1",
            anew.dek.to_string(), i64::from(anew.version), anew.sealed.as_slice(), micros(anew.created_at),
            anew.key.to_string())?;
        if replaced == 0 {
            return Err(StoreError::NotFound { what: "signing key" });
        }
        tx.commit().await
    }
}

pub(crate) async fn all(tx: &mut Tx) -> Result<Vec<SealedSigningKey>, StoreError> {
    let rows = sql!(tx, fetch_all Columns:
        "SELECT access_key_id, dek_id, version, sealed, created_at FROM signing_keys ORDER BY access_key_id")?;
    rows.into_iter().map(Columns::signing_key).collect()
}

/// Keeps a new one. Its data-encryption key must be in use: under one that was retired it would never open.
pub(crate) async fn insert(tx: &mut Tx, signing: &SealedSigningKey) -> Result<(), StoreError> {
    let (in_use,) = sql!(tx, fetch_one (i64,):
        "SELECT COUNT(*) FROM deks WHERE id = $1 AND wrapped IS NOT NULL", signing.dek.to_string())?;
    if in_use == 0 {
        return Err(StoreError::NotFound { what: "data-encryption key" });
    }
    sql!(tx, execute
        "INSERT INTO signing_keys (access_key_id, dek_id, version, sealed, created_at) VALUES ($1, $2, $3, $4, $5)",
        signing.key.to_string(), signing.dek.to_string(), i64::from(signing.version), signing.sealed.as_slice(),
        micros(signing.created_at))?;
    Ok(())
}

/// Takes it away for good, with its access key.
pub(crate) async fn erase(tx: &mut Tx, key: AccessKeyId) -> Result<(), StoreError> {
    sql!(tx, execute "DELETE FROM signing_keys WHERE access_key_id = $1", key.to_string())?;
    Ok(())
}

/// How many are sealed under a data-encryption key.
pub(crate) async fn count_under(tx: &mut Tx, dek: DekId) -> Result<i64, StoreError> {
    Ok(sql!(tx, fetch_one (i64,): "SELECT COUNT(*) FROM signing_keys WHERE dek_id = $1", dek.to_string())?.0)
}
