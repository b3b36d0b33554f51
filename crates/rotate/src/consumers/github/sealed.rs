//! libsodium's sealed boxes: only who has the secret half of the key can open one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_box::PublicKey;
use crypto_box::aead::rand_core::{CryptoRng, Error, RngCore};
use paddock_core::Entropy;

/// The value in a box for the key, both in Base64; `None` when that is no key.
pub(super) fn seal(entropy: &dyn Entropy, key: &str, value: &str) -> Option<String> {
    let key: [u8; 32] = STANDARD.decode(key).ok()?.try_into().ok()?;
    let sealed = PublicKey::from(key).seal(&mut Random(entropy), value.as_bytes()).ok()?;
    Some(STANDARD.encode(sealed))
}

/// Our randomness, as this crate's version of the traits wants it.
struct Random<'a>(&'a dyn Entropy);

impl RngCore for Random<'_> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.0.fill(bytes);
        Ok(())
    }
}

impl CryptoRng for Random<'_> {}
