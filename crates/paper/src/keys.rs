//! The pairs that the broker issues: their form, and what of them is kept.

use std::str::FromStr;

use paddock_core::entropy::random_text;
use paddock_core::{Entropy, Environment, SecretText};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const KEY_ID_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";
const DIGITS: &[u8; 10] = b"0123456789";
const LETTERS_AND_DIGITS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// What a pair looks like. Both are accepted everywhere, side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyFormat {
    /// As before 2025: a Key ID of 20 characters and a secret of 40.
    Old,
    /// As since 2025: 26 and 44.
    #[default]
    New,
}

impl FromStr for KeyFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "old" => Ok(Self::Old),
            "new" => Ok(Self::New),
            _ => Err("key_format must be old (20 and 40 characters) or new (26 and 44)"),
        }
    }
}

/// A pair as it is handed out, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// `PK` (paper) or `AK` (live), and 24 of `A-Z2-7` in the new form, 18 of `A-Z0-9` in the old one.
    pub key_id: String,
    /// 44 letters and digits, or 40 in the old form.
    pub secret_key: SecretText,
}

impl KeyPair {
    /// A new pair.
    #[must_use]
    pub fn generate(environment: Environment, format: KeyFormat, entropy: &dyn Entropy) -> Self {
        let prefix = match environment {
            Environment::Paper => "PK",
            Environment::Live => "AK",
        };
        let (id, secret) = match format {
            KeyFormat::Old => (random_text(entropy, LETTERS_AND_DIGITS, 18), 40),
            KeyFormat::New => (random_text(entropy, KEY_ID_ALPHABET, 24), 44),
        };
        Self {
            key_id: format!("{prefix}{id}"),
            secret_key: SecretText::new(random_text(entropy, SECRET_ALPHABET, secret)),
        }
    }

    /// What the broker keeps of it.
    #[must_use]
    pub fn kept(&self) -> KeptKey {
        KeptKey { key_id: self.key_id.clone(), secret_sha256: sha256_hex(self.secret_key.expose()) }
    }
}

/// What the broker keeps of a pair: enough to know it again, not enough to use it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptKey {
    /// The Key ID.
    pub key_id: String,
    /// SHA-256 of the secret, 64 lower-case hexadecimal digits. The secret has 238 bits of its own or more, so that a slow
    /// hash would add nothing.
    pub secret_sha256: String,
}

impl KeptKey {
    /// Whether `secret` is the pair's. Takes as long for a wrong secret as for the right one.
    #[must_use]
    pub fn opens_with(&self, secret: &str) -> bool {
        hashes_to(secret, &self.secret_sha256)
    }
}

/// Whether a secret has this SHA-256. Takes as long for a wrong secret as for the right one.
pub(crate) fn hashes_to(secret: &str, sha256: &str) -> bool {
    sha256_hex(secret).as_bytes().ct_eq(sha256.as_bytes()).into()
}

/// A new secret of hexadecimal digits.
pub(crate) fn hex_secret(digits: usize, entropy: &dyn Entropy) -> SecretText {
    SecretText::new(random_text(entropy, HEXADECIMAL, digits))
}

pub(crate) fn sha256_hex(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// A new account number: `PA` and 10 letters and digits for paper, 9 digits for live.
#[must_use]
pub fn account_number(environment: Environment, entropy: &dyn Entropy) -> String {
    match environment {
        Environment::Paper => format!("PA{}", random_text(entropy, LETTERS_AND_DIGITS, 10)),
        Environment::Live => random_text(entropy, DIGITS, 9),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex;

    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Repeatable bytes.
    #[derive(Debug)]
    pub(crate) struct Seeded(Mutex<ChaCha8Rng>);

    impl Seeded {
        pub(crate) fn new(seed: u64) -> Self {
            Self(Mutex::new(ChaCha8Rng::seed_from_u64(seed)))
        }
    }

    impl Entropy for Seeded {
        fn fill(&self, buffer: &mut [u8]) {
            self.0.lock().unwrap().fill_bytes(buffer);
        }
    }

    #[test]
    fn pairs_have_the_form_that_is_asked_for() {
        for (environment, prefix) in [(Environment::Paper, "PK"), (Environment::Live, "AK")] {
            for (format, id, secret) in [(KeyFormat::New, 26, 44), (KeyFormat::Old, 20, 40)] {
                let pair = KeyPair::generate(environment, format, &Seeded::new(1));
                assert!(pair.key_id.starts_with(prefix) && pair.key_id.len() == id, "{}", pair.key_id);
                assert!(pair.key_id.bytes().all(|byte| LETTERS_AND_DIGITS.contains(&byte)));
                assert_eq!(pair.secret_key.expose().len(), secret);
            }
        }
    }

    #[test]
    fn a_kept_pair_opens_with_its_secret_only_and_does_not_hold_it() {
        let pair = KeyPair::generate(Environment::Paper, KeyFormat::New, &Seeded::new(1));
        let kept = pair.kept();
        assert!(kept.opens_with(pair.secret_key.expose()));
        assert!(!kept.opens_with(&pair.secret_key.expose()[1..]) && !kept.opens_with(""));
        assert!(!serde_json::to_string(&kept).unwrap().contains(pair.secret_key.expose()));
        assert!(!format!("{pair:?}").contains(pair.secret_key.expose()));
    }

    #[test]
    fn account_numbers_tell_the_environment() {
        let paper = account_number(Environment::Paper, &Seeded::new(1));
        let live = account_number(Environment::Live, &Seeded::new(1));
        assert!(paper.starts_with("PA") && paper.len() == 12, "{paper}");
        assert!(live.len() == 9 && live.bytes().all(|byte| byte.is_ascii_digit()), "{live}");
    }
}
