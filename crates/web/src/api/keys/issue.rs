//! The texts of a new access key.

use paddock_core::entropy::random_text;
use paddock_core::{Entropy, SecretText};
use sha2::{Digest, Sha256};

/// What a Key ID of ours begins with. Alpaca's begin with `PK`, `AK` or `CK`, so that neither a person nor a scanner for
/// leaked secrets mistakes one for the other.
pub(crate) const KEY_ID_PREFIX: &str = "PDK";

/// What a secret of ours begins with. The underscore occurs in none of Alpaca's.
pub(crate) const SECRET_PREFIX: &str = "pdks_";

/// Letters and digits that are not mistaken for one another: base 32, RFC 4648.
const KEY_ID_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// 26 characters in all, as long as Alpaca's own.
const KEY_ID_LETTERS: usize = 23;

/// The fewest characters that hold 256 bits.
const SECRET_LETTERS: usize = 43;

/// A new access key's texts. The secret is told once; only its hash is kept.
pub(crate) struct Issued {
    pub(crate) key_id: String,
    pub(crate) secret_key: SecretText,
    pub(crate) secret_hash: [u8; 32],
}

/// Makes the texts of a new access key.
pub(crate) fn issue(entropy: &dyn Entropy) -> Issued {
    let key_id = format!("{KEY_ID_PREFIX}{}", random_text(entropy, KEY_ID_ALPHABET, KEY_ID_LETTERS));
    let letters = SecretText::new(random_text(entropy, SECRET_ALPHABET, SECRET_LETTERS));
    let mut secret = String::with_capacity(SECRET_PREFIX.len() + SECRET_LETTERS);
    secret.push_str(SECRET_PREFIX);
    secret.push_str(letters.expose());
    let secret_key = SecretText::new(secret);
    // A fast hash is enough: 256 random bits cannot be guessed, whatever a guess costs.
    let secret_hash = Sha256::digest(secret_key.expose().as_bytes()).into();
    Issued { key_id, secret_key, secret_hash }
}

#[cfg(test)]
mod tests {
    use paddock_core::paste::{Shape, shape};
    use paddock_vault::OsEntropy;

    use super::*;

    #[test]
    fn no_scanner_takes_it_for_a_key_of_alpacas() {
        let issued = issue(&OsEntropy);
        assert_eq!(issued.key_id.len(), 26);
        // The pattern that scanners use for Alpaca's Key IDs is PK, AK or CK and 18 or 24 more.
        for prefix in ["PK", "AK", "CK"] {
            assert!(!issued.key_id.starts_with(prefix));
        }
        assert_eq!(issued.secret_key.expose().len(), 48);
        assert_eq!(shape(&issued.secret_key), Shape::Other);
    }

    #[test]
    fn every_key_is_another() {
        let (one, other) = (issue(&OsEntropy), issue(&OsEntropy));
        assert_ne!(one.key_id, other.key_id);
        assert!(one.secret_key != other.secret_key);
        assert_ne!(one.secret_hash, other.secret_hash);
    }
}
