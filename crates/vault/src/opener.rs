//! The capability to open.

use std::sync::Arc;

use paddock_core::SecretText;
use zeroize::Zeroize as _;

use crate::cipher;
use crate::key::Key;
use crate::sealed::WHAT;
use crate::vault::Shared;
use crate::{Binding, Sealed, VaultError, WrappedDek};

/// Turns sealed secrets back into text. Only what sends requests to the broker gets one.
#[derive(Clone, Debug)]
pub struct Opener(pub(crate) Arc<Shared>);

impl Opener {
    /// Whether anything can be opened at all.
    ///
    /// # Errors
    ///
    /// [`VaultError::Locked`].
    pub fn check(&self) -> Result<(), VaultError> {
        self.0.keys().map(drop)
    }

    /// Opens a secret that was sealed under that key for that place. Keep the text for the length of one use.
    ///
    /// # Errors
    ///
    /// [`VaultError::Locked`]; [`VaultError::WrongDek`] if the key is another user's or another than the secret names;
    /// [`VaultError::UnknownKek`]; [`VaultError::DoesNotOpen`] if anything was changed or moved.
    pub fn open(
        &self,
        dek: &WrappedDek,
        binding: &Binding,
        sealed: &Sealed,
    ) -> Result<SecretText, VaultError> {
        let [secret] = self.open_all(dek, [(binding, sealed)])?;
        Ok(secret)
    }

    /// Whether `signature` is the HMAC-SHA256 of `message` under a sealed key. The key is opened inside and does not come out.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    pub fn is_signature(
        &self,
        dek: &WrappedDek,
        binding: &Binding,
        sealed: &Sealed,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, VaultError> {
        let key = self.open(dek, binding, sealed)?;
        Ok(cipher::is_signature(key.expose().as_bytes(), message, signature))
    }

    /// Opens several secrets that were sealed under one key, such as the two halves of a pair; the key is unwrapped once.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), for the first secret that does not open.
    pub fn open_all<const N: usize>(
        &self,
        dek: &WrappedDek,
        secrets: [(&Binding, &Sealed); N],
    ) -> Result<[SecretText; N], VaultError> {
        let key = dek.unwrap_key(&*self.0.keys()?)?;
        let mut opened = Vec::with_capacity(N);
        for (binding, sealed) in secrets {
            opened.push(open_under(&key, dek, binding, sealed)?);
        }
        opened.try_into().map_err(|_| VaultError::Malformed(WHAT))
    }
}

pub(crate) fn open_under(
    key: &Key,
    dek: &WrappedDek,
    binding: &Binding,
    sealed: &Sealed,
) -> Result<SecretText, VaultError> {
    if binding.user != dek.user() || sealed.dek != dek.id() {
        return Err(VaultError::WrongDek);
    }
    let mut plaintext =
        cipher::decrypt(key, sealed.nonce, &binding.additional_data(dek.id()), &sealed.ciphertext)
            .map_err(|_| VaultError::DoesNotOpen(WHAT))?;
    // The buffer itself becomes the text, so that there is no second copy to wipe.
    match String::from_utf8(std::mem::take(&mut *plaintext)) {
        Ok(text) => Ok(SecretText::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            Err(VaultError::DoesNotOpen(WHAT))
        }
    }
}
