//! The random texts in cookies and links. The database knows their hashes only.

use paddock_core::{Entropy, SecretText};
use sha2::{Digest, Sha256};

/// Bytes of a token: too many to be guessed.
const BYTES: usize = 32;

/// A new token: 64 hexadecimal digits.
pub(crate) fn make(entropy: &dyn Entropy) -> SecretText {
    let mut bytes = zeroize::Zeroizing::new([0_u8; BYTES]);
    entropy.fill(bytes.as_mut_slice());
    SecretText::new(hex::encode(bytes.as_slice()))
}

/// The hash of what may be a token. A fast hash is enough: 256 random bits cannot be guessed, whatever a guess costs.
pub(crate) fn hash(token: &str) -> Option<[u8; 32]> {
    let is_token = token.len() == 2 * BYTES && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_token.then(|| Sha256::digest(token.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use paddock_vault::OsEntropy;

    use super::*;

    #[test]
    fn tokens_differ_and_nothing_else_has_a_hash() {
        let (one, other) = (make(&OsEntropy), make(&OsEntropy));
        assert_ne!(hash(one.expose()).unwrap(), hash(other.expose()).unwrap());
        for text in ["", "0", &"g".repeat(64), &"0".repeat(65)] {
            assert_eq!(hash(text), None);
        }
    }
}
