//! Pairs that a rotation needs: the one that was pasted, until the vault has it as the connection's credential, and the one that is
//! replaced, until Alpaca refuses it. Sealed by the vault; their bytes mean nothing here.

use std::fmt;

use jiff::Timestamp;
use paddock_core::id::{ConnectionId, DekId, RotationId, UserId};

use crate::codec::{instant, micros, number, parse};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError, deks};

/// What a pair is to its rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairOf {
    /// It was pasted.
    Candidate,
    /// It is replaced. In a rehearsal, it is the present pair that is played with.
    Retiring,
}

impl PairOf {
    /// As it stands in the row.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::Retiring => "retiring",
        }
    }
}

/// A pair of a rotation, sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedPair {
    /// The rotation.
    pub rotation: RotationId,
    /// What it is to it.
    pub what: PairOf,
    /// The how-manieth that was pasted; 0 for the one that is replaced.
    pub number: u32,
    /// Its version, from 1, counted up by one at every sealing.
    pub version: u32,
    /// The data-encryption key that it is sealed under.
    pub dek: DekId,
    /// The sealed Key ID.
    pub key_id: Vec<u8>,
    /// The sealed Secret Key.
    pub secret_key: Vec<u8>,
    /// The vault's keyed hash of the Key ID.
    pub key_id_fingerprint: Vec<u8>,
    /// The vault's keyed hash of the Secret Key.
    pub secret_fingerprint: Vec<u8>,
    /// When it was sealed.
    pub at: Timestamp,
}

impl fmt::Debug for SealedPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedPair({} of rotation {})", self.what.as_str(), self.rotation)
    }
}

row! {
    struct Columns {
        rotation_id: String,
        what: String,
        number: i64,
        version: i64,
        dek_id: String,
        key_id: Vec<u8>,
        secret_key: Vec<u8>,
        key_id_fingerprint: Vec<u8>,
        secret_fingerprint: Vec<u8>,
        at: i64,
    }
}

impl Columns {
    fn pair(self) -> Result<SealedPair, StoreError> {
        Ok(SealedPair {
            rotation: parse(&self.rotation_id, "pair")?,
            what: match self.what.as_str() {
                "candidate" => PairOf::Candidate,
                "retiring" => PairOf::Retiring,
                _ => return Err(StoreError::Malformed { what: "pair" }),
            },
            number: number(self.number)?,
            version: number(self.version)?,
            dek: parse(&self.dek_id, "pair")?,
            key_id: self.key_id,
            secret_key: self.secret_key,
            key_id_fingerprint: self.key_id_fingerprint,
            secret_fingerprint: self.secret_fingerprint,
            at: instant(self.at)?,
        })
    }
}

impl Store {
    /// A pair of a rotation.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotation_pair(
        &self,
        rotation: RotationId,
        what: PairOf,
    ) -> Result<Option<SealedPair>, StoreError> {
        let mut tx = self.begin_read().await?;
        let row = sql!(tx, fetch_optional Columns:
            "SELECT rotation_id, what, number, version, dek_id, key_id, secret_key, key_id_fingerprint, secret_fingerprint, at
             FROM rotation_pairs WHERE rotation_id = $1 AND what = $2", rotation.to_string(), what.as_str())?;
        row.map(Columns::pair).transpose()
    }

    /// All pairs that a team's rotations need, each with the connection that it is sealed for.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotation_pairs(&self, user: UserId) -> Result<Vec<(ConnectionId, SealedPair)>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all (String, String):
            "SELECT id, connection_id FROM rotations WHERE user_id = $1
             AND EXISTS (SELECT 1 FROM rotation_pairs WHERE rotation_id = rotations.id) ORDER BY id", user.to_string())?;
        let mut found = Vec::new();
        for (rotation, connection) in rows {
            let connection: ConnectionId = parse(&connection, "connection")?;
            let pairs = sql!(tx, fetch_all Columns:
                "SELECT rotation_id, what, number, version, dek_id, key_id, secret_key, key_id_fingerprint, secret_fingerprint, at
                 FROM rotation_pairs WHERE rotation_id = $1 ORDER BY what", rotation)?;
            for pair in pairs {
                found.push((connection, pair.pair()?));
            }
        }
        Ok(found)
    }

    /// Puts the next version of the same pair, sealed anew, in the place of the present one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it was erased meanwhile, or the version is not the next one.
    pub async fn replace_sealed_pair(&self, anew: &SealedPair) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        deks::must_be_in_use(&mut tx, anew.dek).await?;
        let replaced = sql!(tx, execute
            "UPDATE rotation_pairs SET dek_id = $1, version = $2, key_id = $3, secret_key = $4
             WHERE rotation_id = $5 AND what = $6 AND number = $7 AND version = $2 - 1",
            anew.dek.to_string(), i64::from(anew.version), anew.key_id.as_slice(), anew.secret_key.as_slice(),
            anew.rotation.to_string(), anew.what.as_str(), i64::from(anew.number))?;
        if replaced == 0 {
            return Err(StoreError::NotFound { what: "pair" });
        }
        tx.commit().await
    }
}

/// Keeps a pair in the place of the one that was there.
pub(crate) async fn put(tx: &mut Tx, pair: &SealedPair) -> Result<(), StoreError> {
    deks::must_be_in_use(tx, pair.dek).await?;
    sql!(tx, execute "DELETE FROM rotation_pairs WHERE rotation_id = $1 AND what = $2",
        pair.rotation.to_string(), pair.what.as_str())?;
    sql!(tx, execute
        "INSERT INTO rotation_pairs (rotation_id, what, number, version, dek_id, key_id, secret_key, key_id_fingerprint,
                                     secret_fingerprint, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        pair.rotation.to_string(), pair.what.as_str(), i64::from(pair.number), i64::from(pair.version),
        pair.dek.to_string(), pair.key_id.as_slice(), pair.secret_key.as_slice(), pair.key_id_fingerprint.as_slice(),
        pair.secret_fingerprint.as_slice(), micros(pair.at))?;
    Ok(())
}

pub(crate) async fn erase(tx: &mut Tx, rotation: RotationId, what: PairOf) -> Result<(), StoreError> {
    sql!(tx, execute "DELETE FROM rotation_pairs WHERE rotation_id = $1 AND what = $2",
        rotation.to_string(), what.as_str())?;
    Ok(())
}

/// Takes all pairs of a removed connection's rotations away.
pub(crate) async fn forget(tx: &mut Tx, connection: ConnectionId) -> Result<(), StoreError> {
    sql!(tx, execute
        "DELETE FROM rotation_pairs WHERE rotation_id IN (SELECT id FROM rotations WHERE connection_id = $1)",
        connection.to_string())?;
    Ok(())
}

/// How many are sealed under a data-encryption key.
pub(crate) async fn count_under(tx: &mut Tx, dek: DekId) -> Result<i64, StoreError> {
    Ok(sql!(tx, fetch_one (i64,): "SELECT COUNT(*) FROM rotation_pairs WHERE dek_id = $1", dek.to_string())?
        .0)
}
