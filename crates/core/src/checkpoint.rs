//! Signed checkpoints of the audit chain.
//!
//! The chain shows that nothing in it was changed, to whoever knows its last hash. A checkpoint is that hash with a signature, so
//! that whoever knows the public key can tell as well, and need not have looked before.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::audit::ChainHash;

macro_rules! bytes {
    ($(#[$doc:meta])* $name:ident, $len:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; Self::LEN]);

        impl $name {
            /// Its length in bytes.
            pub const LEN: usize = $len;

            /// Wraps bytes that were read back.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = NotHex;

            fn from_str(text: &str) -> Result<Self, NotHex> {
                let mut bytes = [0; Self::LEN];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| NotHex { what: $what, digits: 2 * Self::LEN })?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// The text is not so many hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {digits} hexadecimal digits")]
pub struct NotHex {
    what: &'static str,
    digits: usize,
}

bytes! {
    /// An Ed25519 public key. Written as 64 hexadecimal digits.
    PublicKey, 32, "a public key"
}
bytes! {
    /// An Ed25519 signature. Written as 128 hexadecimal digits.
    Signature, 64, "a signature"
}

/// A signed position of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The position.
    pub seq: u64,
    /// The hash of the record there.
    pub hash: ChainHash,
    /// When it was signed; resolution one microsecond.
    pub at: Timestamp,
    /// Whose signature it is.
    pub key: PublicKey,
    /// The signature over [`Checkpoint::message`].
    pub signature: Signature,
}

impl Checkpoint {
    /// What is signed: a label, the position, the hash, and the time in microseconds; numbers big-endian in eight bytes.
    #[must_use]
    pub fn message(seq: u64, hash: ChainHash, at: Timestamp) -> Vec<u8> {
        let label = b"paddock audit checkpoint v1\0";
        [&label[..], &seq.to_be_bytes(), hash.as_bytes(), &at.as_microsecond().to_be_bytes()].concat()
    }

    /// Whether the signature is good, by a function that checks Ed25519.
    #[must_use]
    pub fn is_signed(&self, verify: VerifySignature) -> bool {
        verify(&self.key, &Self::message(self.seq, self.hash, self.at), &self.signature)
    }
}

/// Checks an Ed25519 signature of a message. Passed in, since nothing here does cryptography with keys.
pub type VerifySignature = fn(&PublicKey, &[u8], &Signature) -> bool;

/// A public key with which checkpoints are signed, and the signature of the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningKey {
    /// The key.
    pub public_key: PublicKey,
    /// When it was made; resolution one microsecond.
    pub at: Timestamp,
    /// The key before it; absent for the first.
    pub endorsed_by: Option<PublicKey>,
    /// That key's signature over [`SigningKey::message`].
    pub endorsement: Option<Signature>,
}

impl SigningKey {
    /// What the key before it signs: a label, the old key, the new key, and the time in microseconds.
    #[must_use]
    pub fn message(old: PublicKey, new: PublicKey, at: Timestamp) -> Vec<u8> {
        let label = b"paddock audit key v1\0";
        [&label[..], old.as_bytes(), new.as_bytes(), &at.as_microsecond().to_be_bytes()].concat()
    }

    /// Whether it follows from `before`, the key that was used until then.
    #[must_use]
    pub fn follows(&self, before: PublicKey, verify: VerifySignature) -> bool {
        self.endorsed_by == Some(before)
            && self.endorsement.is_some_and(|signature| {
                verify(&before, &Self::message(before, self.public_key, self.at), &signature)
            })
    }
}
