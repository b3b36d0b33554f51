//! Recognising a secret without keeping it.

use std::fmt;

/// A keyed hash (HMAC-SHA256) of a secret. Equal secrets of one vault have equal fingerprints, also after its keys were
/// rotated; without the key file a fingerprint says nothing about the secret, not even to someone who guesses.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Wraps a fingerprint that was read back from where it was kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(32 bytes)")
    }
}
