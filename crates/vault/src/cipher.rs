//! AES-256-GCM, HMAC-SHA256 and, for codes of authenticator apps, HMAC-SHA1, each behind one function. Nothing else in this crate calls `aws-lc-rs` for them.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::key::Key;

/// Bytes of a nonce. Nonces are random, so a key may seal at most 2^32 times (NIST SP 800-38D, section 8.3).
pub(crate) const NONCE_LEN: usize = 12;
/// Bytes that the authentication tag adds to a plaintext.
pub(crate) const TAG_LEN: usize = 16;

/// The ciphertext is not what was sealed under that key, nonce and additional data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAuthentic;

/// Encrypts with AES-256-GCM. Yields ciphertext and tag. Fails only for plaintexts of more than 64 GiB.
pub(crate) fn encrypt(
    key: &Key,
    nonce: [u8; NONCE_LEN],
    additional_data: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, NotAuthentic> {
    // Encryption happens in place: with room for the tag, the plaintext is never left behind by a reallocation.
    let mut buffer = Zeroizing::new(Vec::with_capacity(plaintext.len() + TAG_LEN));
    buffer.extend_from_slice(plaintext);
    key.prepared()
        .map_err(|_| NotAuthentic)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(additional_data),
            &mut *buffer,
        )
        .map_err(|_| NotAuthentic)?;
    Ok(std::mem::take(&mut *buffer))
}

/// Decrypts `ciphertext`, which ends with its tag. Fails if the ciphertext, the nonce, the additional data or the key is
/// not the one it was encrypted with.
pub(crate) fn decrypt(
    key: &Key,
    nonce: [u8; NONCE_LEN],
    additional_data: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, NotAuthentic> {
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let length = key
        .prepared()
        .map_err(|_| NotAuthentic)?
        .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(additional_data), &mut buffer)
        .map_err(|_| NotAuthentic)?
        .len();
    buffer.truncate(length);
    Ok(buffer)
}

/// HMAC-SHA256 of `label`, a zero byte and `data`. The label keeps one key's uses apart.
pub(crate) fn keyed_hash(key: &Key, label: &str, data: &[u8]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.bytes()));
    context.update(label.as_bytes());
    context.update(&[0]);
    context.update(data);
    let mut hash = [0; 32];
    hash.copy_from_slice(context.sign().as_ref());
    hash
}

/// HMAC-SHA256 (RFC 2104) under a key of any length: for the signatures that consumers of a pair ask for, such as those of webhooks.
#[must_use]
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut signature = [0; 32];
    signature.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref());
    signature
}

/// Whether `signature` is the HMAC-SHA256 of `message` under a key of any length. Takes as long for a wrong one as for a right one.
pub(crate) fn is_signature(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key), message, signature).is_ok()
}

/// HMAC-SHA1. For codes of authenticator apps only, which know nothing else; what is wrong with SHA-1 does not touch its HMAC.
pub(crate) fn hmac_sha1(key: &[u8], message: &[u8]) -> [u8; 20] {
    let mut hash = [0; 20];
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    hash.copy_from_slice(hmac::sign(&key, message).as_ref());
    hash
}

/// Whether two texts of the same length are the same. Takes as long whether they are or not.
pub(crate) fn is_equal(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// The form in which the cipher wants a key. [`Key::prepared`] keeps it.
pub(crate) fn prepare(key: &Key) -> Result<LessSafeKey, Unspecified> {
    UnboundKey::new(&AES_256_GCM, key.bytes()).map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Vector {
        tc_id: u32,
        comment: String,
        key: String,
        iv: String,
        aad: String,
        msg: String,
        ct: String,
        tag: String,
        result: String,
    }

    /// Project Wycheproof; see the README beside the file.
    const VECTORS: &str = include_str!("../tests/data/wycheproof_aes_256_gcm.json");

    #[test]
    fn wycheproof() {
        let vectors: Vec<Vector> = serde_json::from_str(VECTORS).unwrap();
        assert_eq!(vectors.len(), 66);
        for vector in vectors {
            let bytes = |text: &str| hex::decode(text).unwrap();
            let key = Key::from_hex(vector.key.as_bytes()).unwrap();
            let nonce: [u8; NONCE_LEN] = bytes(&vector.iv).try_into().unwrap();
            let (aad, message) = (bytes(&vector.aad), bytes(&vector.msg));
            let ciphertext = [bytes(&vector.ct), bytes(&vector.tag)].concat();

            let opened = decrypt(&key, nonce, &aad, &ciphertext).map(|plain| plain.to_vec());
            let sealed = encrypt(&key, nonce, &aad, &message).unwrap();
            let name = format!("test {} {}", vector.tc_id, vector.comment);
            match vector.result.as_str() {
                "valid" => {
                    assert_eq!(opened, Ok(message), "{name}");
                    assert_eq!(sealed, ciphertext, "{name}");
                }
                "invalid" => {
                    assert_eq!(opened, Err(NotAuthentic), "{name}");
                    assert_ne!(sealed, ciphertext, "{name}");
                }
                other => panic!("{name}: {other}"),
            }
        }
    }

    /// RFC 4231, test case 1, has no label; so this pins our own framing: label, zero byte, data.
    #[test]
    fn the_label_keeps_uses_of_a_key_apart() {
        let key = Key::from_hex("0b".repeat(32).as_bytes()).unwrap();
        let plain = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[0x0b; 32]), b"label\0data");
        assert_eq!(keyed_hash(&key, "label", b"data")[..], *plain.as_ref());
        assert_ne!(keyed_hash(&key, "labe", b"ldata"), keyed_hash(&key, "label", b"data"));
    }

    /// RFC 4231, test cases 2 and 6: a short key, and one that is longer than a block.
    #[test]
    fn a_signature_is_the_hmac_of_the_rfc() {
        let short = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let message = b"what do ya want for nothing?";
        assert!(is_signature(b"Jefe", message, &hex::decode(short).unwrap()));
        let long = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
        let message = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert!(is_signature(&[0xaa; 131], message, &hex::decode(long).unwrap()));
        for wrong in [&short[..62], "", long] {
            assert!(!is_signature(b"Jefe", b"what do ya want for nothing?", &hex::decode(wrong).unwrap()));
        }
    }

    #[test]
    fn a_ciphertext_shorter_than_its_tag_does_not_open() {
        let key = Key::from_hex("00".repeat(32).as_bytes()).unwrap();
        for length in 0..TAG_LEN {
            assert_eq!(decrypt(&key, [0; NONCE_LEN], b"", &vec![0; length]), Err(NotAuthentic));
        }
    }
}
