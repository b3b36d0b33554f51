//! Signed checkpoints of the audit chain, and the keys that sign them.

use jiff::Timestamp;
use paddock_core::audit::{Actor, AuditEvent, ChainHash};
use paddock_core::audit_file::Position;
use paddock_core::checkpoint::{Checkpoint, PublicKey, Signature, SigningKey};
use paddock_core::id::DekId;

use crate::codec::{bigint, hash, instant, micros, number, parse};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError, audit};

/// A key that signs checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditKey {
    /// The public half, and how it follows from the key before.
    pub key: SigningKey,
    /// The data-encryption key under which the private half is sealed, and the sealed bytes; nothing when another key has taken
    /// its place.
    pub sealed: Option<(DekId, Vec<u8>)>,
}

row! {
    struct KeyColumns {
        public_key: Vec<u8>,
        created_at: i64,
        endorsed_by: Option<Vec<u8>>,
        endorsement: Option<Vec<u8>>,
        dek_id: Option<String>,
        sealed: Option<Vec<u8>>,
    }
}

row! {
    struct CheckpointColumns { seq: i64, hash: Vec<u8>, at: i64, public_key: Vec<u8>, signature: Vec<u8> }
}

const MALFORMED: StoreError = StoreError::Malformed { what: "checkpoint" };

fn public_key(bytes: Vec<u8>) -> Result<PublicKey, StoreError> {
    Ok(PublicKey::from_bytes(hash(bytes)?))
}

fn signature(bytes: Vec<u8>) -> Result<Signature, StoreError> {
    bytes.try_into().map(Signature::from_bytes).map_err(|_| MALFORMED)
}

impl KeyColumns {
    fn key(self) -> Result<AuditKey, StoreError> {
        let key = SigningKey {
            public_key: public_key(self.public_key)?,
            at: instant(self.created_at)?,
            endorsed_by: self.endorsed_by.map(public_key).transpose()?,
            endorsement: self.endorsement.map(signature).transpose()?,
        };
        let sealed = match (self.dek_id, self.sealed) {
            (Some(dek), Some(sealed)) => Some((parse(&dek, "data-encryption key")?, sealed)),
            _ => None,
        };
        Ok(AuditKey { key, sealed })
    }
}

impl CheckpointColumns {
    fn checkpoint(self) -> Result<Checkpoint, StoreError> {
        Ok(Checkpoint {
            seq: number(self.seq)?,
            hash: ChainHash::from_bytes(hash(self.hash)?),
            at: instant(self.at)?,
            key: public_key(self.public_key)?,
            signature: signature(self.signature)?,
        })
    }
}

impl Store {
    /// The keys that sign checkpoints, oldest first. The last one is in use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_keys(&self) -> Result<Vec<AuditKey>, StoreError> {
        keys(&mut self.begin_read().await?).await
    }

    /// Has another key sign from now on, or the first one. The private half of the one before is erased.
    ///
    /// # Errors
    /// [`StoreError::KeyConflict`] when it does not follow from the key that is in use now.
    pub async fn add_audit_key(
        &self,
        key: &AuditKey,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let AuditKey { key, sealed } = key;
        let Some((dek, sealed)) = sealed else { return Err(MALFORMED) };
        let mut tx = self.begin_write().await?;
        let before = keys(&mut tx).await?.last().map(|before| before.key.public_key);
        if key.endorsed_by != before {
            return Err(StoreError::KeyConflict);
        }
        sql!(tx, execute "UPDATE audit_keys SET dek_id = NULL, sealed = NULL")?;
        sql!(tx, execute
            "INSERT INTO audit_keys (public_key, created_at, endorsed_by, endorsement, dek_id, sealed)
             VALUES ($1, $2, $3, $4, $5, $6)",
            key.public_key.as_bytes().as_slice(), micros(key.at),
            key.endorsed_by.as_ref().map(|by| by.as_bytes().as_slice()),
            key.endorsement.as_ref().map(|signature| signature.as_bytes().as_slice()),
            dek.to_string(), sealed.as_slice())?;
        let event = AuditEvent::AuditKeyMade { public_key: key.public_key, endorsed_by: key.endorsed_by };
        audit::append(&mut tx, actor, &event, at).await?;
        tx.commit().await
    }

    /// Keeps the same key's private half, sealed under another data-encryption key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the key is not in use.
    pub async fn reseal_audit_key(
        &self,
        key: PublicKey,
        dek: DekId,
        sealed: &[u8],
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let changed = sql!(tx, execute
            "UPDATE audit_keys SET dek_id = $1, sealed = $2 WHERE public_key = $3 AND sealed IS NOT NULL",
            dek.to_string(), sealed, key.as_bytes().as_slice())?;
        if changed == 0 {
            return Err(StoreError::NotFound { what: "audit key" });
        }
        tx.commit().await
    }

    /// Keeps a checkpoint. One of the same record that is there already stays as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        sql!(tx, execute
            "INSERT INTO audit_checkpoints (seq, hash, at, public_key, signature) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (seq) DO NOTHING",
            bigint(checkpoint.seq), checkpoint.hash.as_bytes().as_slice(), micros(checkpoint.at),
            checkpoint.key.as_bytes().as_slice(), checkpoint.signature.as_bytes().as_slice())?;
        tx.commit().await
    }

    /// The newest checkpoint.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_checkpoint(&self) -> Result<Option<Checkpoint>, StoreError> {
        self.checkpoint_before(u64::MAX).await
    }

    /// The newest checkpoint of a record up to that position.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkpoint_before(&self, seq: u64) -> Result<Option<Checkpoint>, StoreError> {
        let mut tx = self.begin_read().await?;
        let row = sql!(tx, fetch_optional CheckpointColumns:
            "SELECT seq, hash, at, public_key, signature FROM audit_checkpoints WHERE seq <= $1 ORDER BY seq DESC LIMIT 1",
            bigint(seq))?;
        row.map(CheckpointColumns::checkpoint).transpose()
    }

    /// The oldest checkpoint of a record from that position on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkpoint_after(&self, seq: u64) -> Result<Option<Checkpoint>, StoreError> {
        let mut tx = self.begin_read().await?;
        let row = sql!(tx, fetch_optional CheckpointColumns:
            "SELECT seq, hash, at, public_key, signature FROM audit_checkpoints WHERE seq >= $1 ORDER BY seq LIMIT 1",
            bigint(seq))?;
        row.map(CheckpointColumns::checkpoint).transpose()
    }

    /// The newest checkpoint that was signed before that instant.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkpoint_signed_before(&self, at: Timestamp) -> Result<Option<Checkpoint>, StoreError> {
        let mut tx = self.begin_read().await?;
        let row = sql!(tx, fetch_optional CheckpointColumns:
            "SELECT seq, hash, at, public_key, signature FROM audit_checkpoints WHERE at < $1 ORDER BY seq DESC LIMIT 1",
            micros(at))?;
        row.map(CheckpointColumns::checkpoint).transpose()
    }

    /// The checkpoints of the records from one position to another, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkpoints(&self, from: u64, through: u64) -> Result<Vec<Checkpoint>, StoreError> {
        checkpoints(&mut self.begin_read().await?, from, through).await
    }

    /// The last record that was removed by [`Store::prune_audit`]; [`Position::START`] when all are there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_start(&self) -> Result<Position, StoreError> {
        Ok(start(&mut self.begin_read().await?).await?.0)
    }

    /// The first record from that instant on. Records of one second may stand in another order than their times.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn first_record_since(&self, at: Timestamp) -> Result<Option<u64>, StoreError> {
        let mut tx = self.begin_read().await?;
        let (seq,) =
            sql!(tx, fetch_one (Option<i64>,): "SELECT MIN(seq) FROM audit WHERE at >= $1", micros(at))?;
        seq.map(number).transpose()
    }

    /// The last record before that instant.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_record_before(&self, at: Timestamp) -> Result<Option<u64>, StoreError> {
        let mut tx = self.begin_read().await?;
        let (seq,) =
            sql!(tx, fetch_one (Option<i64>,): "SELECT MAX(seq) FROM audit WHERE at < $1", micros(at))?;
        seq.map(number).transpose()
    }
}

pub(crate) async fn keys(tx: &mut Tx) -> Result<Vec<AuditKey>, StoreError> {
    let rows = sql!(tx, fetch_all KeyColumns:
        "SELECT public_key, created_at, endorsed_by, endorsement, dek_id, sealed FROM audit_keys ORDER BY created_at")?;
    let keys: Result<Vec<AuditKey>, StoreError> = rows.into_iter().map(KeyColumns::key).collect();
    let (mut left, mut ordered) = (keys?, Vec::<AuditKey>::new());
    // Each after the one that endorses it: their times alone do not tell when two were made at once.
    while let Some(next) =
        left.iter().position(|key| key.key.endorsed_by == ordered.last().map(|before| before.key.public_key))
    {
        ordered.push(left.remove(next));
    }
    // What follows from nothing does not verify.
    ordered.append(&mut left);
    Ok(ordered)
}

pub(crate) async fn checkpoints(tx: &mut Tx, from: u64, through: u64) -> Result<Vec<Checkpoint>, StoreError> {
    let rows = sql!(tx, fetch_all CheckpointColumns:
        "SELECT seq, hash, at, public_key, signature FROM audit_checkpoints WHERE seq >= $1 AND seq <= $2 ORDER BY seq",
        bigint(from), bigint(through))?;
    rows.into_iter().map(CheckpointColumns::checkpoint).collect()
}

/// Where the chain begins, and the text that says what the removed records say.
pub(crate) async fn start(tx: &mut Tx) -> Result<(Position, String), StoreError> {
    let (seq, bytes, kept) =
        sql!(tx, fetch_one (i64, Vec<u8>, String): "SELECT seq, hash, kept FROM audit_start")?;
    Ok((Position { seq: number(seq)?, hash: ChainHash::from_bytes(hash(bytes)?) }, kept))
}
