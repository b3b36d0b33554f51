//! Passwords of people: Argon2id (RFC 9106), kept as the text that other implementations write too
//! (`$argon2id$v=19$m=...,t=...,p=...$salt$hash`), so that its cost may grow without a password being lost.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use paddock_core::{Entropy, SecretText};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::VaultError;

/// What a hash costs whoever makes it: memory and passes over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    kib: u32,
    passes: u32,
}

impl PasswordCost {
    /// 64 MiB and three passes: the second recommendation of RFC 9106, section 4, with one lane. Some 100 ms on a machine of 2024.
    pub const STANDARD: Self = Self { kib: 64 * 1024, passes: 3 };

    /// As good as nothing, for tests only.
    pub const FOR_TESTS: Self = Self { kib: 8, passes: 1 };
}

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// The most bytes of a password: longer ones are refused before they are hashed.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// The hash of a password. It opens nothing, but can be guessed against.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    params: Params,
    salt: [u8; SALT_BYTES],
    hash: [u8; HASH_BYTES],
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(redacted)")
    }
}

const MALFORMED: VaultError = VaultError::Malformed("password hash");

impl PasswordHash {
    /// Hashes a password. It takes long on purpose: call it where waiting harms nobody.
    ///
    /// # Errors
    /// [`VaultError::SecretTooLong`]; [`VaultError::NoMemory`].
    pub fn make(
        password: &SecretText,
        cost: PasswordCost,
        entropy: &dyn Entropy,
    ) -> Result<Self, VaultError> {
        let mut salt = [0; SALT_BYTES];
        entropy.fill(&mut salt);
        let params = Params::new(cost.kib, cost.passes, 1, Some(HASH_BYTES)).map_err(|_| MALFORMED)?;
        let hash = *compute(password, &params, &salt)?;
        Ok(Self { params, salt, hash })
    }

    /// A hash that is nobody's: no password is known that has it, and checking one against it takes as long as with any other. It costs
    /// nothing to make.
    ///
    /// # Errors
    /// [`VaultError::Malformed`] for a cost that cannot be.
    pub fn of_nobody(cost: PasswordCost, entropy: &dyn Entropy) -> Result<Self, VaultError> {
        let (mut salt, mut hash) = ([0; SALT_BYTES], [0; HASH_BYTES]);
        entropy.fill(&mut salt);
        entropy.fill(&mut hash);
        let params = Params::new(cost.kib, cost.passes, 1, Some(HASH_BYTES)).map_err(|_| MALFORMED)?;
        Ok(Self { params, salt, hash })
    }

    /// Whether this is the hash of that password. It takes as long as making it did.
    ///
    /// # Errors
    /// [`VaultError::NoMemory`].
    pub fn is_of(&self, password: &SecretText) -> Result<bool, VaultError> {
        // What is too long was never hashed, but takes the same time.
        let fits = password.expose().len() <= MAX_PASSWORD_BYTES;
        let empty = SecretText::new(String::new());
        let hash = compute(if fits { password } else { &empty }, &self.params, &self.salt)?;
        Ok(fits & bool::from(hash.ct_eq(&self.hash)))
    }

    /// Reads the text that [`PasswordHash::to_text`] wrote.
    ///
    /// # Errors
    /// [`VaultError::Malformed`] for anything else.
    pub fn from_text(text: &str) -> Result<Self, VaultError> {
        let rest = text.strip_prefix("$argon2id$v=19$").ok_or(MALFORMED)?;
        let mut parts = rest.split('$');
        let (Some(costs), Some(salt), Some(hash), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(MALFORMED);
        };
        let mut numbers = costs.split(',').zip(["m=", "t=", "p="]).map(|(cost, name)| {
            cost.strip_prefix(name).and_then(|number| number.parse::<u32>().ok()).ok_or(MALFORMED)
        });
        let mut number = || numbers.next().unwrap_or(Err(MALFORMED));
        let params = Params::new(number()?, number()?, number()?, Some(HASH_BYTES)).map_err(|_| MALFORMED)?;
        let bytes = |text: &str| STANDARD_NO_PAD.decode(text).map_err(|_| MALFORMED);
        Ok(Self {
            params,
            salt: bytes(salt)?.try_into().map_err(|_| MALFORMED)?,
            hash: bytes(hash)?.try_into().map_err(|_| MALFORMED)?,
        })
    }

    /// The hash as text, with what it takes to check a password against it.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!(
            "$argon2id$v=19$m={},t={},p={}${}${}",
            self.params.m_cost(),
            self.params.t_cost(),
            self.params.p_cost(),
            STANDARD_NO_PAD.encode(self.salt),
            STANDARD_NO_PAD.encode(self.hash)
        )
    }
}

fn compute(
    password: &SecretText,
    params: &Params,
    salt: &[u8],
) -> Result<Zeroizing<[u8; HASH_BYTES]>, VaultError> {
    if password.expose().len() > MAX_PASSWORD_BYTES {
        return Err(VaultError::SecretTooLong);
    }
    let mut hash = Zeroizing::new([0; HASH_BYTES]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_into(password.expose().as_bytes(), salt, hash.as_mut_slice())
        .map_err(|_| VaultError::NoMemory)?;
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::OsEntropy;

    fn secret(text: &str) -> SecretText {
        SecretText::new(text.to_owned())
    }

    #[test]
    fn only_the_same_password_fits_and_the_text_keeps_all_it_takes() {
        let made = PasswordHash::make(&secret("correct horse"), PasswordCost::FOR_TESTS, &OsEntropy).unwrap();
        let read = PasswordHash::from_text(&made.to_text()).unwrap();
        assert_eq!(read, made);
        assert!(read.is_of(&secret("correct horse")).unwrap());
        assert!(!read.is_of(&secret("correct horse ")).unwrap());
        assert!(!read.is_of(&secret(&"x".repeat(MAX_PASSWORD_BYTES + 1))).unwrap());
        let again =
            PasswordHash::make(&secret("correct horse"), PasswordCost::FOR_TESTS, &OsEntropy).unwrap();
        assert_ne!(again.to_text(), made.to_text());
    }

    /// The text is what another implementation (Python's argon2-cffi) wrote.
    #[test]
    fn another_implementation_hashes_the_same() {
        let text =
            "$argon2id$v=19$m=64,t=2,p=1$c2l4dGVlbiBieXRlIHNsdA$ZFy3skQPd+dglnIWBj1KkZwRERdqBZCl9ffANevZdko";
        let hash = PasswordHash::from_text(text).unwrap();
        assert!(hash.is_of(&secret("password")).unwrap());
        assert_eq!(hash.to_text(), text);
    }

    #[test]
    fn longer_passwords_are_refused() {
        let long = secret(&"x".repeat(MAX_PASSWORD_BYTES + 1));
        let refused = PasswordHash::make(&long, PasswordCost::FOR_TESTS, &OsEntropy);
        assert_eq!(refused.unwrap_err(), VaultError::SecretTooLong);
    }

    #[rstest]
    #[case("")]
    #[case("$argon2i$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    #[case("$argon2id$v=19$m=8,t=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    #[case("$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    #[case("$argon2id$v=19$m=8,t=0,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    fn other_texts_are_malformed(#[case] text: &str) {
        assert!(PasswordHash::from_text(text).is_err());
    }
}
