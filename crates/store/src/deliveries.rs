//! The ledger of what Paddock has written to consumers: whose value is what, when somebody asks whether it may be overwritten.

use jiff::Timestamp;
use paddock_core::id::{ConsumerId, RotationId};
use paddock_core::words;

use crate::codec::{instant, maybe_instant, micros, number, parse};
use crate::db::{row, sql};
use crate::{Store, StoreError};

words! {
    /// What came of an attempt.
    DeliveryOutcome {
        /// It was begun; nothing is known.
        Begun = "begun",
        /// It was written.
        Written = "written",
        /// It was there already.
        There = "there",
        /// Somebody there must approve it first.
        Pending = "pending",
        /// It was not written.
        Failed = "failed",
        /// It may have been written.
        Unknown = "unknown",
    }
}

/// One attempt to put a pair at a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The rotation.
    pub rotation: RotationId,
    /// The consumer.
    pub consumer: ConsumerId,
    /// The how-manieth attempt in this rotation, from 1.
    pub attempt: u32,
    /// The mark by which the receiver knows it again.
    pub token: String,
    /// The consumer's settings then, as JSON: they have the names that are written to.
    pub settings: String,
    /// The vault's keyed hash of the Key ID.
    pub key_id_fingerprint: Vec<u8>,
    /// The vault's keyed hash of the Secret Key.
    pub secret_fingerprint: Vec<u8>,
    /// The version that was there before.
    pub seen_version: Option<String>,
    /// What came of it.
    pub outcome: DeliveryOutcome,
    /// The version that came of it.
    pub version: Option<String>,
    /// What there is to say about it.
    pub detail: Option<String>,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

/// What of a consumer is Paddock's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ownership {
    /// The attempts by which something was or may have been written, oldest first.
    pub attempts: Vec<Delivery>,
}

impl Ownership {
    /// Whether Paddock has, or may have, written this Key ID.
    #[must_use]
    pub fn wrote_key_id(&self, fingerprint: &[u8]) -> bool {
        self.attempts.iter().any(|attempt| attempt.key_id_fingerprint == fingerprint)
    }

    /// Whether Paddock has, or may have, written this Secret Key.
    #[must_use]
    pub fn wrote_secret(&self, fingerprint: &[u8]) -> bool {
        self.attempts.iter().any(|attempt| attempt.secret_fingerprint == fingerprint)
    }
}

row! {
    struct Columns {
        rotation_id: String,
        consumer_id: String,
        attempt: i64,
        token: String,
        settings: String,
        key_id_fingerprint: Vec<u8>,
        secret_fingerprint: Vec<u8>,
        seen_version: Option<String>,
        outcome: String,
        version: Option<String>,
        detail: Option<String>,
        begun_at: i64,
        ended_at: Option<i64>,
    }
}

impl Columns {
    fn delivery(self) -> Result<Delivery, StoreError> {
        Ok(Delivery {
            rotation: parse(&self.rotation_id, "delivery")?,
            consumer: parse(&self.consumer_id, "delivery")?,
            attempt: number(self.attempt)?,
            token: self.token,
            settings: self.settings,
            key_id_fingerprint: self.key_id_fingerprint,
            secret_fingerprint: self.secret_fingerprint,
            seen_version: self.seen_version,
            outcome: self.outcome.parse().map_err(|_| StoreError::Malformed { what: "delivery" })?,
            version: self.version,
            detail: self.detail,
            begun_at: instant(self.begun_at)?,
            ended_at: maybe_instant(self.ended_at)?,
        })
    }
}

impl Store {
    /// Notes an attempt that is about to be made, as the next of its rotation and consumer, whose number is given. It is durable when this
    /// returns.
    ///
    /// # Errors
    /// When the database fails. Nothing must be sent then.
    pub async fn begin_delivery(&self, delivery: &Delivery) -> Result<u32, StoreError> {
        let mut tx = self.begin_write().await?;
        let (rotation, consumer) = (delivery.rotation.to_string(), delivery.consumer.to_string());
        let (last,) = sql!(tx, fetch_one (i64,):
            "SELECT COALESCE(MAX(attempt), 0) FROM deliveries WHERE rotation_id = $1 AND consumer_id = $2",
            rotation.as_str(), consumer.as_str())?;
        sql!(tx, execute
            "INSERT INTO deliveries (rotation_id, consumer_id, attempt, token, settings, key_id_fingerprint, secret_fingerprint,
                                     seen_version, outcome, begun_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'begun', $9)",
            rotation, consumer, last + 1, delivery.token.as_str(), delivery.settings.as_str(),
            delivery.key_id_fingerprint.as_slice(), delivery.secret_fingerprint.as_slice(),
            delivery.seen_version.as_deref(), micros(delivery.begun_at))?;
        tx.commit().await?;
        number(last + 1)
    }

    /// Notes what came of an attempt.
    ///
    /// # Errors
    /// When the database fails; the attempt then counts as one that may have written.
    pub async fn end_delivery(&self, delivery: &Delivery, at: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        sql!(tx, execute
            "UPDATE deliveries SET outcome = $1, version = $2, detail = $3, ended_at = $4
             WHERE rotation_id = $5 AND consumer_id = $6 AND attempt = $7",
            delivery.outcome.as_str(), delivery.version.as_deref(), delivery.detail.as_deref(), micros(at),
            delivery.rotation.to_string(), delivery.consumer.to_string(), i64::from(delivery.attempt))?;
        tx.commit().await
    }

    /// What of a consumer is Paddock's.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ownership(&self, consumer: ConsumerId) -> Result<Ownership, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all Columns:
            "SELECT rotation_id, consumer_id, attempt, token, settings, key_id_fingerprint, secret_fingerprint, seen_version,
                    outcome, version, detail, begun_at, ended_at
             FROM deliveries WHERE consumer_id = $1 AND outcome <> 'failed' ORDER BY begun_at, rotation_id, attempt",
            consumer.to_string())?;
        Ok(Ownership { attempts: rows.into_iter().map(Columns::delivery).collect::<Result<_, _>>()? })
    }

    /// All attempts of a rotation, by consumer and oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deliveries(&self, rotation: RotationId) -> Result<Vec<Delivery>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all Columns:
            "SELECT rotation_id, consumer_id, attempt, token, settings, key_id_fingerprint, secret_fingerprint, seen_version,
                    outcome, version, detail, begun_at, ended_at
             FROM deliveries WHERE rotation_id = $1 ORDER BY consumer_id, attempt", rotation.to_string())?;
        rows.into_iter().map(Columns::delivery).collect()
    }
}
