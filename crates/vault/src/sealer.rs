//! The capability to seal.

use std::sync::Arc;

use jiff::Timestamp;
use paddock_core::id::UserId;
use paddock_core::{Entropy, SecretText};

use crate::cipher::{self, NONCE_LEN};
use crate::key::Key;
use crate::vault::Shared;
use crate::{Binding, Fingerprint, SEALS_PER_DEK, Sealed, VaultError, WrappedDek};

/// The most bytes that a secret may have: many times any credential, and little enough to keep in memory.
pub const MAX_SECRET_BYTES: usize = 16 * 1024;

/// Makes data-encryption keys, seals secrets and takes their fingerprints. It has no way to open anything, so it may be
/// given to the pages that take secrets in.
#[derive(Clone, Debug)]
pub struct Sealer(pub(crate) Arc<Shared>);

impl Sealer {
    /// Makes a data-encryption key for a user. Store it before anything that is sealed under it.
    ///
    /// # Errors
    ///
    /// [`VaultError::Locked`].
    pub fn new_dek(
        &self,
        user: UserId,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<WrappedDek, VaultError> {
        WrappedDek::generate(&*self.0.keys()?, user, now, entropy)
    }

    /// Seals a secret for one place. `seals_so_far` is how often the key has sealed before; the caller counts.
    ///
    /// # Errors
    ///
    /// [`VaultError::Locked`]; [`VaultError::SealLimit`] from [`SEALS_PER_DEK`] on; [`VaultError::SecretTooLong`];
    /// [`VaultError::WrongDek`] if the key is not the user's; [`VaultError::UnknownKek`] and [`VaultError::DoesNotOpen`] if
    /// the key cannot be unwrapped.
    pub fn seal(
        &self,
        dek: &WrappedDek,
        seals_so_far: u64,
        binding: &Binding,
        secret: &SecretText,
        entropy: &dyn Entropy,
    ) -> Result<Sealed, VaultError> {
        let key = dek.unwrap_key(&*self.0.keys()?)?;
        seal_under(&key, dek, seals_so_far, binding, secret, entropy)
    }

    /// The fingerprint of a secret, whatever field it was entered in.
    ///
    /// # Errors
    ///
    /// [`VaultError::Locked`].
    pub fn fingerprint(&self, secret: &SecretText) -> Result<Fingerprint, VaultError> {
        let keys = self.0.keys()?;
        let hash =
            cipher::keyed_hash(&keys.fingerprint.key, "paddock fingerprint", secret.expose().as_bytes());
        Ok(Fingerprint::from_bytes(hash))
    }

    /// A keyed hash (HMAC-SHA256) of a message, for one purpose: what it marks, nobody else can mark, and what is behind it nobody can
    /// find by guessing. It stays the same after the keys were rotated.
    ///
    /// # Errors
    ///
    /// [`VaultError::Locked`].
    pub fn mark(&self, purpose: Purpose, message: &[u8]) -> Result<[u8; 32], VaultError> {
        Ok(cipher::keyed_hash(&self.0.keys()?.fingerprint.key, purpose.label(), message))
    }
}

/// What a mark is for. A mark for one purpose is none for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A request, as it is known again when it comes a second time.
    Request,
    /// What a browser keeps between the two steps of signing in.
    SignInStep,
}

impl Purpose {
    const fn label(self) -> &'static str {
        match self {
            Self::Request => "paddock request",
            Self::SignInStep => "paddock sign-in step",
        }
    }
}

pub(crate) fn seal_under(
    key: &Key,
    dek: &WrappedDek,
    seals_so_far: u64,
    binding: &Binding,
    secret: &SecretText,
    entropy: &dyn Entropy,
) -> Result<Sealed, VaultError> {
    if binding.user != dek.user() {
        return Err(VaultError::WrongDek);
    }
    if seals_so_far >= SEALS_PER_DEK {
        return Err(VaultError::SealLimit);
    }
    let plaintext = secret.expose().as_bytes();
    if plaintext.len() > MAX_SECRET_BYTES {
        return Err(VaultError::SecretTooLong);
    }
    let mut nonce = [0; NONCE_LEN];
    entropy.fill(&mut nonce);
    let ciphertext = cipher::encrypt(key, nonce, &binding.additional_data(dek.id()), plaintext)
        .map_err(|_| VaultError::SecretTooLong)?;
    Ok(Sealed { dek: dek.id(), nonce, ciphertext })
}
