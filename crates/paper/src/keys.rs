//! The pairs that the broker issues: their form, and what of them is kept.

use paddock_core::entropy::random_text;
use paddock_core::{Entropy, Environment, SecretText};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const KEY_ID_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const DIGITS: &[u8; 10] = b"0123456789";
const ACCOUNT_NUMBER_ALPHABET: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// A pair as it is handed out, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// 26 characters: `PK` (paper) or `AK` (live) and 24 of `A-Z2-7`, the form that Alpaca has used since 2025.
    pub key_id: String,
    /// 44 letters and digits.
    pub secret_key: SecretText,
}

impl KeyPair {
    /// A new pair.
    #[must_use]
    pub fn generate(environment: Environment, entropy: &dyn Entropy) -> Self {
        let prefix = match environment {
            Environment::Paper => "PK",
            Environment::Live => "AK",
        };
        Self {
            key_id: format!("{prefix}{}", random_text(entropy, KEY_ID_ALPHABET, 24)),
            secret_key: SecretText::new(random_text(entropy, SECRET_ALPHABET, 44)),
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
    /// SHA-256 of the secret, 64 lower-case hexadecimal digits. The secret has 262 bits of its own, so that a slow hash
    /// would add nothing.
    pub secret_sha256: String,
}

impl KeptKey {
    /// Whether `secret` is the pair's. Takes as long for a wrong secret as for the right one.
    #[must_use]
    pub fn opens_with(&self, secret: &str) -> bool {
        sha256_hex(secret).as_bytes().ct_eq(self.secret_sha256.as_bytes()).into()
    }
}

fn sha256_hex(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// A new account number: `PA` and 10 letters and digits for paper, 9 digits for live.
#[must_use]
pub fn account_number(environment: Environment, entropy: &dyn Entropy) -> String {
    match environment {
        Environment::Paper => format!("PA{}", random_text(entropy, ACCOUNT_NUMBER_ALPHABET, 10)),
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
    fn pairs_have_the_form_of_2025() {
        for (environment, prefix) in [(Environment::Paper, "PK"), (Environment::Live, "AK")] {
            let pair = KeyPair::generate(environment, &Seeded::new(1));
            assert!(pair.key_id.starts_with(prefix) && pair.key_id.len() == 26, "{}", pair.key_id);
            assert!(pair.key_id.bytes().all(|byte| KEY_ID_ALPHABET.contains(&byte)));
            assert_eq!(pair.secret_key.expose().len(), 44);
        }
    }

    #[test]
    fn a_kept_pair_opens_with_its_secret_only_and_does_not_hold_it() {
        let pair = KeyPair::generate(Environment::Paper, &Seeded::new(1));
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
