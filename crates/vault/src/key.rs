//! Key material, and the names of keys.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use aws_lc_rs::aead::LessSafeKey;
use aws_lc_rs::error::Unspecified;
use paddock_core::Entropy;
use zeroize::Zeroizing;

use crate::cipher;

/// Bytes of every key.
pub(crate) const KEY_LEN: usize = 32;

/// A 256-bit key. It stays in one place on the heap, is wiped when dropped, and is never printed.
pub(crate) struct Key {
    bytes: Box<Zeroizing<[u8; KEY_LEN]>>,
    /// The cipher's own form of the key, made at the first use and kept as long as the key. The library wipes it when it is
    /// freed.
    prepared: OnceLock<LessSafeKey>,
}

impl Key {
    /// A new random key.
    pub(crate) fn generate(entropy: &dyn Entropy) -> Self {
        let mut key = Self::zero();
        entropy.fill(&mut key.bytes[..]);
        key
    }

    /// The key with exactly these bytes, or `None` if there are not 32 of them.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Self::zero();
        if bytes.len() != KEY_LEN {
            return None;
        }
        key.bytes.copy_from_slice(bytes);
        Some(key)
    }

    /// The key written as 64 hexadecimal digits.
    pub(crate) fn from_hex(text: &[u8]) -> Option<Self> {
        let mut key = Self::zero();
        hex::decode_to_slice(text, &mut key.bytes[..]).ok()?;
        Some(key)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..]
    }

    /// The key as the cipher wants it; preparing it costs more than opening a credential.
    pub(crate) fn prepared(&self) -> Result<&LessSafeKey, Unspecified> {
        if let Some(prepared) = self.prepared.get() {
            return Ok(prepared);
        }
        let fresh = cipher::prepare(self)?;
        Ok(self.prepared.get_or_init(|| fresh))
    }

    fn zero() -> Self {
        Self { bytes: Box::new(Zeroizing::new([0; KEY_LEN])), prepared: OnceLock::new() }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(redacted)")
    }
}

/// Names a key-encryption key. It is derived from the key, so that a damaged key is noticed, but says nothing about it.
/// Written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KekId([u8; Self::LEN]);

impl KekId {
    pub(crate) const LEN: usize = 16;

    pub(crate) fn of(key: &Key) -> Self {
        let mut id = [0; Self::LEN];
        id.copy_from_slice(&cipher::keyed_hash(key, "paddock key id", b"")[..Self::LEN]);
        Self(id)
    }

    pub(crate) const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Display for KekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KekId({self})")
    }
}

/// The text was not 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of a key-encryption key is 32 hexadecimal digits")]
pub struct KekIdError;

impl FromStr for KekId {
    type Err = KekIdError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut id = [0; Self::LEN];
        hex::decode_to_slice(text, &mut id).map_err(|_| KekIdError)?;
        Ok(Self(id))
    }
}

/// A key together with its name.
#[derive(Debug)]
pub(crate) struct NamedKey {
    pub(crate) id: KekId,
    pub(crate) key: Key,
}

impl NamedKey {
    pub(crate) fn new(key: Key) -> Self {
        Self { id: KekId::of(&key), key }
    }
}
