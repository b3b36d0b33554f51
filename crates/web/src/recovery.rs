//! Recovery codes: what a person writes down for the day when their phone is gone.

use paddock_core::entropy::random_text;
use paddock_core::id::PersonId;
use paddock_core::{Entropy, SecretText};
use paddock_store::CodeHash;
use sha2::{Digest as _, Sha256};

/// How many a person gets.
pub(crate) const CODES: usize = 10;

/// Letters and digits that are not mistaken for one another: base 32, RFC 4648, in small letters.
const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Letters of a code: 80 random bits, which cannot be guessed from a fast hash.
const LETTERS: usize = 16;

/// A new set of codes as they are shown, in groups of four, once.
pub(crate) fn make(entropy: &dyn Entropy) -> Vec<SecretText> {
    let code = || {
        let letters = SecretText::new(random_text(entropy, ALPHABET, LETTERS));
        let mut shown = String::with_capacity(LETTERS + LETTERS / 4);
        for (place, letter) in letters.expose().chars().enumerate() {
            if place > 0 && place % 4 == 0 {
                shown.push('-');
            }
            shown.push(letter);
        }
        SecretText::new(shown)
    };
    (0..CODES).map(|_| code()).collect()
}

/// The hash of a code however it was typed, if it has the form of one. A code is its person's: the same one of another has another hash.
pub(crate) fn hash(person: PersonId, typed: &SecretText) -> Option<CodeHash> {
    let mut digest = Sha256::new();
    digest.update(b"paddock recovery code\0");
    digest.update(person.as_uuid().as_bytes());
    let mut letters = 0;
    for byte in typed.expose().bytes().filter(|byte| !matches!(byte, b' ' | b'-')) {
        let byte = byte.to_ascii_lowercase();
        if !ALPHABET.contains(&byte) {
            return None;
        }
        digest.update([byte]);
        letters += 1;
    }
    (letters == LETTERS).then(|| digest.finalize().into())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use paddock_vault::OsEntropy;

    use super::*;

    fn person() -> PersonId {
        PersonId::generate(Timestamp::UNIX_EPOCH, &OsEntropy)
    }

    #[test]
    fn a_code_is_known_however_it_is_typed() {
        let codes = make(&OsEntropy);
        assert_eq!(codes.len(), CODES);
        let (one, person) = (&codes[0], person());
        assert_eq!(one.expose().len(), 19);
        let known = hash(person, one).unwrap();
        for typed in [
            one.expose().to_uppercase(),
            one.expose().replace('-', " "),
            one.expose().replace('-', ""),
            format!(" {} ", one.expose()),
        ] {
            assert_eq!(hash(person, &SecretText::new(typed)), Some(known));
        }
        assert_ne!(hash(person, &codes[1]), Some(known));
        assert_ne!(hash(self::person(), one), Some(known), "another person's");
    }

    #[test]
    fn what_is_no_code_has_no_hash() {
        for typed in ["", "123456", "abcd-efgh-ijkl", "abcd-efgh-ijkl-mno1", "abcd-efgh-ijkl-mnopq"] {
            assert_eq!(hash(person(), &SecretText::new(typed.to_owned())), None, "{typed}");
        }
    }
}
