//! A sealed secret.

use std::fmt;

use paddock_core::id::DekId;
use uuid::Uuid;

use crate::VaultError;
use crate::cipher::{NONCE_LEN, TAG_LEN};

pub(crate) const WHAT: &str = "secret";
const VERSION: u8 = 1;

/// A secret as the database keeps it: encrypted under a user's data-encryption key, and bound to its place.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    pub(crate) dek: DekId,
    pub(crate) nonce: [u8; NONCE_LEN],
    /// Ends with the 16 bytes of the tag.
    pub(crate) ciphertext: Vec<u8>,
}

impl Sealed {
    /// The data-encryption key that is needed to open it.
    #[must_use]
    pub const fn dek(&self) -> DekId {
        self.dek
    }

    /// The bytes to store: format version, data-encryption key, nonce, ciphertext with tag. 45 more than the secret has.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + 16 + NONCE_LEN + self.ciphertext.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(self.dek.as_uuid().as_bytes());
        bytes.extend_from_slice(&self.nonce);
        bytes.extend_from_slice(&self.ciphertext);
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote. Whether it is genuine shows when it is opened.
    ///
    /// # Errors
    ///
    /// [`VaultError::Malformed`] if it is too short or of another format version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        Self::parse(bytes).ok_or(VaultError::Malformed(WHAT))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (&[VERSION], rest) = bytes.split_first_chunk()? else { return None };
        let (dek, rest) = rest.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        (rest.len() >= TAG_LEN).then(|| Self {
            dek: DekId::from_uuid(Uuid::from_bytes(*dek)),
            nonce: *nonce,
            ciphertext: rest.to_vec(),
        })
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", 1 + 16 + NONCE_LEN + self.ciphertext.len())
    }
}
