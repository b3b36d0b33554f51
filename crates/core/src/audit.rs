//! The audit record: what happened, chained so that a change of the past shows.
//!
//! Every record's hash covers the record before it. Whoever holds one hash can tell whether anything up to it was
//! changed, removed or put in.

mod event;

pub use event::{ApprovalEnd, AuditEvent, WindDown};

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::id::{AccessKeyId, PersonId};

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A person at the command line or the admin socket of this machine.
    Operator,
    /// A person who signed in, or who made the API token that was sent.
    Person {
        /// The person.
        id: PersonId,
        /// The name by which they sign in.
        name: String,
    },
    /// A program with an access key.
    AccessKey {
        /// The key.
        id: AccessKeyId,
        /// The name that its owner gave it.
        name: String,
    },
    /// Paddock itself, for example when it recovers after a crash.
    System,
}

/// A SHA-256 hash in the chain.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// What the first record takes for the hash before it.
    pub const START: Self = Self([0; 32]);

    /// Wraps bytes that were read back.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChainHash({self})")
    }
}

impl Serialize for ChainHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ChainHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("a hash is 64 hexadecimal digits"))
    }
}

/// One record of the chain. `actor` and `event` are kept as the exact JSON text that was hashed, so that a record stays
/// verifiable when a later version writes JSON differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Position in the chain, from 1 without gaps.
    pub seq: u64,
    /// When it happened; resolution one microsecond.
    pub at: Timestamp,
    /// JSON of an [`Actor`].
    pub actor: String,
    /// JSON of an [`AuditEvent`].
    pub event: String,
    /// Hash of the record before, or [`ChainHash::START`].
    pub previous: ChainHash,
    /// Hash of this record.
    pub hash: ChainHash,
}

impl AuditRecord {
    /// The record that follows `previous` at position `seq`. `at` is cut to microseconds, since that is how it is kept.
    ///
    /// # Errors
    /// When the actor or the event cannot be written as JSON.
    pub fn chain(
        seq: u64,
        at: Timestamp,
        actor: &Actor,
        event: &AuditEvent,
        previous: ChainHash,
    ) -> Result<Self, serde_json::Error> {
        let at = Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
        let (actor, event) = (serde_json::to_string(actor)?, serde_json::to_string(event)?);
        let hash = record_hash(seq, at, &actor, &event, previous);
        Ok(Self { seq, at, actor, event, previous, hash })
    }

    /// The actor, read back.
    ///
    /// # Errors
    /// When a later version wrote what this one does not know.
    pub fn actor(&self) -> Result<Actor, serde_json::Error> {
        serde_json::from_str(&self.actor)
    }

    /// The event, read back.
    ///
    /// # Errors
    /// When a later version wrote what this one does not know.
    pub fn event(&self) -> Result<AuditEvent, serde_json::Error> {
        serde_json::from_str(&self.event)
    }
}

/// SHA-256 over a label, the fixed-length numbers and the length-prefixed texts: no two records have the same bytes.
fn record_hash(seq: u64, at: Timestamp, actor: &str, event: &str, previous: ChainHash) -> ChainHash {
    let mut hasher = Sha256::new();
    hasher.update(b"paddock audit record v1\0");
    hasher.update(seq.to_be_bytes());
    hasher.update(at.as_microsecond().to_be_bytes());
    for text in [actor, event] {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.update(previous.as_bytes());
    ChainHash(hasher.finalize().into())
}

/// Where and how the chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainBreak {
    /// A record's position is not the one after the record before it.
    #[error("record {found} stands where record {expected} should: records are missing or out of order")]
    Gap {
        /// The position that should come.
        expected: u64,
        /// The position that came.
        found: u64,
    },
    /// A record does not name the hash of the record before it.
    #[error("record {seq} does not follow from the record before it: one of the two was exchanged")]
    NotLinked {
        /// The record.
        seq: u64,
    },
    /// A record's content does not have its hash.
    #[error("record {seq} was changed after it was written")]
    Changed {
        /// The record.
        seq: u64,
    },
}

/// Checks records one after the other, from the first of a chain or of a part of it.
#[derive(Clone, Debug)]
pub struct ChainVerifier {
    first: u64,
    next: u64,
    head: ChainHash,
}

impl Default for ChainVerifier {
    fn default() -> Self {
        Self::after(0, ChainHash::START)
    }
}

impl ChainVerifier {
    /// A verifier of the part that follows the record of that position and hash.
    #[must_use]
    pub const fn after(seq: u64, hash: ChainHash) -> Self {
        let first = seq.saturating_add(1);
        Self { first, next: first, head: hash }
    }

    /// Checks the next record.
    ///
    /// # Errors
    /// [`ChainBreak`] at the first record that does not fit.
    pub fn check(&mut self, record: &AuditRecord) -> Result<(), ChainBreak> {
        if record.seq != self.next {
            return Err(ChainBreak::Gap { expected: self.next, found: record.seq });
        }
        if record.previous != self.head {
            return Err(ChainBreak::NotLinked { seq: record.seq });
        }
        if record_hash(record.seq, record.at, &record.actor, &record.event, record.previous) != record.hash {
            return Err(ChainBreak::Changed { seq: record.seq });
        }
        self.next += 1;
        self.head = record.hash;
        Ok(())
    }

    /// How many records were checked.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.next - self.first
    }

    /// The position of the last record that was checked.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.next - 1
    }

    /// The hash of the last record that was checked.
    #[must_use]
    pub const fn head(&self) -> ChainHash {
        self.head
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn records(count: u64) -> Vec<AuditRecord> {
        let mut previous = ChainHash::START;
        (1..=count)
            .map(|seq| {
                let event = AuditEvent::BackupWritten { records: seq };
                let at = Timestamp::from_second(i64::try_from(seq).unwrap()).unwrap();
                let record = AuditRecord::chain(seq, at, &Actor::System, &event, previous).unwrap();
                previous = record.hash;
                record
            })
            .collect()
    }

    fn verify(records: &[AuditRecord]) -> Result<u64, ChainBreak> {
        let mut verifier = ChainVerifier::default();
        records.iter().try_for_each(|record| verifier.check(record))?;
        Ok(verifier.count())
    }

    #[test]
    fn an_untouched_chain_verifies_and_survives_json() {
        let chain = records(5);
        let json = serde_json::to_string(&chain).unwrap();
        let read: Vec<AuditRecord> = serde_json::from_str(&json).unwrap();
        assert_eq!(verify(&read), Ok(5));
    }

    #[test]
    fn the_name_is_the_tag_of_the_json() {
        let event = AuditEvent::BackupWritten { records: 1 };
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(json["event"], event.name());
    }

    proptest! {
        #[test]
        fn any_single_change_shows(position in 0_usize..6, field in 0..5) {
            let mut chain = records(6);
            let record = &mut chain[position];
            match field {
                0 => record.seq += 1,
                1 => record.at = Timestamp::from_second(1_000_000).unwrap(),
                2 => record.actor.push(' '),
                3 => record.event.push(' '),
                _ => record.hash = ChainHash::from_bytes([7; 32]),
            }
            prop_assert!(verify(&chain).is_err());
        }

        #[test]
        fn a_missing_or_swapped_record_shows(position in 0_usize..5) {
            let mut missing = records(6);
            missing.remove(position);
            prop_assert!(verify(&missing).is_err());
            let mut swapped = records(6);
            swapped.swap(position, position + 1);
            prop_assert!(verify(&swapped).is_err());
        }
    }
}
