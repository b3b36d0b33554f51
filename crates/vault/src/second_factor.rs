//! The secrets behind the six-digit codes of people's authenticator apps. One is shown when it is made; after that it is used in here
//! and comes out no more.

use std::sync::Arc;

use jiff::Timestamp;
use paddock_core::id::{DekId, PersonId, UserId};
use paddock_core::{Entropy, SecretText};
use zeroize::Zeroizing;

use crate::cipher::{self, NONCE_LEN};
use crate::key::Key;
use crate::vault::Shared;
use crate::{Rotator, SEALS_PER_DEK, Sealed, VaultError, WrappedDek, totp};

const WHAT: &str = "second factor";
const LABEL: &[u8; 25] = b"paddock second factor v1\0";

/// Bytes of a secret, as many as its hash has (RFC 4226, section 4).
const SECRET_LEN: usize = 20;

/// Makes and checks second factors. It opens no credential, and what it makes does not come out again.
#[derive(Clone, Debug)]
pub struct SecondFactor(pub(crate) Arc<Shared>);

/// The one place to which a second factor belongs. Sealed for one place, it is good in no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FactorPlace {
    /// The team under whose data-encryption key it is sealed.
    pub user: UserId,
    /// Whose it is.
    pub person: PersonId,
    /// Counted up by one at every sealing.
    pub version: u32,
}

/// A second factor that was made just now.
#[derive(Debug)]
pub struct NewFactor {
    /// What to store.
    pub sealed: Sealed,
    /// The secret in base 32 (RFC 4648), as authenticator apps take it. Show it once.
    pub shown: SecretText,
}

impl SecondFactor {
    /// Makes a second factor. `seals_so_far` is how often the data-encryption key has sealed before; the caller counts.
    ///
    /// # Errors
    ///
    /// [`VaultError::Locked`]; [`VaultError::SealLimit`]; [`VaultError::WrongDek`] if the key is not the user's;
    /// [`VaultError::UnknownKek`] and [`VaultError::DoesNotOpen`] if it cannot be unwrapped.
    pub fn make(
        &self,
        dek: &WrappedDek,
        seals_so_far: u64,
        place: &FactorPlace,
        entropy: &dyn Entropy,
    ) -> Result<NewFactor, VaultError> {
        let sealing = dek.unwrap_key(&*self.0.keys()?)?;
        let mut secret = Zeroizing::new([0; SECRET_LEN]);
        entropy.fill(&mut secret[..]);
        let sealed = seal(&sealing, dek, seals_so_far, place, &secret[..], entropy)?;
        Ok(NewFactor { sealed, shown: base32(&secret) })
    }

    /// The step of 30 seconds that `typed` is the code of, if it is one of those around `now` and comes after the last that was used.
    /// The caller keeps it as the last, so that no code is good twice.
    ///
    /// # Errors
    ///
    /// [`VaultError::Locked`]; [`VaultError::WrongDek`] if it was sealed under another key; [`VaultError::DoesNotOpen`] if anything
    /// was changed or moved.
    pub fn check(
        &self,
        dek: &WrappedDek,
        place: &FactorPlace,
        sealed: &Sealed,
        typed: &SecretText,
        now: Timestamp,
        last_used: Option<u64>,
    ) -> Result<Option<u64>, VaultError> {
        let secret = open(&dek.unwrap_key(&*self.0.keys()?)?, dek, place, sealed)?;
        Ok(totp::step_of(&secret, typed.expose(), now, last_used))
    }
}

impl Rotator {
    /// Seals the next version of the same second factor under another data-encryption key of the same user. `seals_so_far` counts the
    /// new key's seals.
    ///
    /// # Errors
    ///
    /// Those of [`SecondFactor::check`] for the old key and of [`SecondFactor::make`] for the new.
    pub fn reseal_factor(
        &self,
        old: &WrappedDek,
        new: &WrappedDek,
        seals_so_far: u64,
        place: &FactorPlace,
        sealed: &Sealed,
        entropy: &dyn Entropy,
    ) -> Result<Sealed, VaultError> {
        let keys = self.0.keys()?;
        let secret = open(&old.unwrap_key(&keys)?, old, place, sealed)?;
        let next = FactorPlace { version: place.version.saturating_add(1), ..*place };
        seal(&new.unwrap_key(&keys)?, new, seals_so_far, &next, &secret, entropy)
    }
}

fn seal(
    sealing: &Key,
    dek: &WrappedDek,
    seals_so_far: u64,
    place: &FactorPlace,
    secret: &[u8],
    entropy: &dyn Entropy,
) -> Result<Sealed, VaultError> {
    if place.user != dek.user() {
        return Err(VaultError::WrongDek);
    }
    if seals_so_far >= SEALS_PER_DEK {
        return Err(VaultError::SealLimit);
    }
    let mut nonce = [0; NONCE_LEN];
    entropy.fill(&mut nonce);
    let ciphertext = cipher::encrypt(sealing, nonce, &additional_data(dek.id(), place), secret)
        .map_err(|_| VaultError::SecretTooLong)?;
    Ok(Sealed { dek: dek.id(), nonce, ciphertext })
}

fn open(
    sealing: &Key,
    dek: &WrappedDek,
    place: &FactorPlace,
    sealed: &Sealed,
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    if place.user != dek.user() || sealed.dek != dek.id() {
        return Err(VaultError::WrongDek);
    }
    cipher::decrypt(sealing, sealed.nonce, &additional_data(dek.id(), place), &sealed.ciphertext)
        .ok()
        .filter(|secret| secret.len() == SECRET_LEN)
        .ok_or(VaultError::DoesNotOpen(WHAT))
}

/// Every part has a fixed length, so two different places never look the same; the label keeps it apart from credentials.
fn additional_data(dek: DekId, place: &FactorPlace) -> Vec<u8> {
    [
        &LABEL[..],
        dek.as_uuid().as_bytes(),
        place.user.as_uuid().as_bytes(),
        place.person.as_uuid().as_bytes(),
        &place.version.to_be_bytes(),
    ]
    .concat()
}

/// Base 32 without padding, of which 20 bytes need none: every five bytes are eight letters.
fn base32(bytes: &[u8; SECRET_LEN]) -> SecretText {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::with_capacity(SECRET_LEN / 5 * 8);
    for five in bytes.chunks(5) {
        let number = five.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        for place in (0..8).rev() {
            let letter = usize::try_from(number >> (5 * place) & 31).unwrap_or(0);
            text.push(char::from(LETTERS[letter]));
        }
    }
    SecretText::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238's vectors, as apps take it.
    #[test]
    fn a_secret_is_shown_in_base_32() {
        let shown = base32(b"12345678901234567890");
        assert_eq!(shown.expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(base32(&[0xff; 20]).expose(), "7".repeat(32));
    }
}
