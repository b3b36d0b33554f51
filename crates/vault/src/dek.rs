//! A user's data-encryption key, wrapped.

use std::fmt;

use jiff::Timestamp;
use paddock_core::Entropy;
use paddock_core::id::{DekId, UserId};
use uuid::Uuid;

use crate::cipher::{self, NONCE_LEN, TAG_LEN};
use crate::key::{KEY_LEN, Key};
use crate::key_set::KeySet;
use crate::{KekId, VaultError};

/// How often one data-encryption key may seal. Nonces are random and 96 bits long; beyond this the chance that one
/// repeats, which would break the encryption, is no longer negligible (NIST SP 800-38D, section 8.3).
pub const SEALS_PER_DEK: u64 = 1 << 32;

const WHAT: &str = "data-encryption key";
const VERSION: u8 = 1;
const LABEL: &[u8; 15] = b"paddock dek v1\0";
const LEN: usize = 1 + 16 + 16 + KekId::LEN + NONCE_LEN + KEY_LEN + TAG_LEN;

/// A data-encryption key as the database keeps it: encrypted under a key-encryption key, and bound to its own id, its
/// user and that key.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedDek {
    id: DekId,
    user: UserId,
    kek: KekId,
    nonce: [u8; NONCE_LEN],
    ciphertext: [u8; KEY_LEN + TAG_LEN],
}

impl WrappedDek {
    /// Its name.
    #[must_use]
    pub const fn id(&self) -> DekId {
        self.id
    }

    /// Whose it is.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// The key-encryption key under which it is wrapped.
    #[must_use]
    pub const fn kek(&self) -> KekId {
        self.kek
    }

    /// 109 bytes to store: format version, id, user, key-encryption key, nonce, ciphertext with tag.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LEN);
        bytes.push(VERSION);
        bytes.extend_from_slice(self.id.as_uuid().as_bytes());
        bytes.extend_from_slice(self.user.as_uuid().as_bytes());
        bytes.extend_from_slice(self.kek.as_bytes());
        bytes.extend_from_slice(&self.nonce);
        bytes.extend_from_slice(&self.ciphertext);
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote. Whether it is genuine shows when it is used.
    ///
    /// # Errors
    ///
    /// [`VaultError::Malformed`] for another length or format version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        Self::parse(bytes).ok_or(VaultError::Malformed(WHAT))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (&[VERSION], rest) = bytes.split_first_chunk()? else { return None };
        let (id, rest) = rest.split_first_chunk()?;
        let (user, rest) = rest.split_first_chunk()?;
        let (kek, rest) = rest.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        Some(Self {
            id: DekId::from_uuid(Uuid::from_bytes(*id)),
            user: UserId::from_uuid(Uuid::from_bytes(*user)),
            kek: KekId::from_bytes(*kek),
            nonce: *nonce,
            ciphertext: rest.try_into().ok()?,
        })
    }

    /// A new key for a user, under the current key-encryption key.
    pub(crate) fn generate(
        keys: &KeySet,
        user: UserId,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, VaultError> {
        Self::wrap(keys, DekId::generate(now, entropy), user, &Key::generate(entropy), entropy)
    }

    /// The same key under the current key-encryption key; unchanged if it is that already.
    pub(crate) fn rewrap(&self, keys: &KeySet, entropy: &dyn Entropy) -> Result<Self, VaultError> {
        let key = self.unwrap_key(keys)?;
        if self.kek == keys.current.id {
            Ok(self.clone())
        } else {
            Self::wrap(keys, self.id, self.user, &key, entropy)
        }
    }

    pub(crate) fn unwrap_key(&self, keys: &KeySet) -> Result<Key, VaultError> {
        let kek = keys.kek(self.kek).ok_or(VaultError::UnknownKek(self.kek))?;
        cipher::decrypt(kek, self.nonce, &additional_data(self.id, self.user, self.kek), &self.ciphertext)
            .ok()
            .and_then(|bytes| Key::from_bytes(&bytes))
            .ok_or(VaultError::DoesNotOpen(WHAT))
    }

    fn wrap(
        keys: &KeySet,
        id: DekId,
        user: UserId,
        key: &Key,
        entropy: &dyn Entropy,
    ) -> Result<Self, VaultError> {
        let kek = keys.current.id;
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        let ciphertext =
            cipher::encrypt(&keys.current.key, nonce, &additional_data(id, user, kek), key.bytes())
                .ok()
                .and_then(|bytes| bytes.try_into().ok())
                .ok_or(VaultError::Malformed(WHAT))?;
        Ok(Self { id, user, kek, nonce, ciphertext })
    }
}

impl fmt::Debug for WrappedDek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrappedDek")
            .field("id", &self.id)
            .field("user", &self.user)
            .field("kek", &self.kek)
            .finish_non_exhaustive()
    }
}

/// Every part has a fixed length, so two different wrappings never look the same.
fn additional_data(id: DekId, user: UserId, kek: KekId) -> Vec<u8> {
    [&LABEL[..], id.as_uuid().as_bytes(), user.as_uuid().as_bytes(), kek.as_bytes()].concat()
}
