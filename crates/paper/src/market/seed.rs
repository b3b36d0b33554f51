//! Where randomness comes from: never from the air, always from the seed and what it is for.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// The generator for one purpose of one symbol at one place in time (a day's number or a block's).
pub(super) fn generator(seed: u64, symbol: &str, purpose: &str, place: i64) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(b"paddock market 1\0");
    hash.update(seed.to_le_bytes());
    hash.update(symbol.as_bytes());
    hash.update(b"\0");
    hash.update(purpose.as_bytes());
    hash.update(b"\0");
    hash.update(place.to_le_bytes());
    ChaCha8Rng::from_seed(hash.finalize().into())
}

/// The standard deviation of [`bell`].
pub(super) const BELL_DEVIATION: i64 = 37_837;

/// A roughly normal number around 0: the sum of four even 16-bit numbers.
pub(super) fn bell(rng: &mut ChaCha8Rng) -> i64 {
    let bits = rng.next_u64();
    let part = |shift: u32| ((bits >> shift) & 0xffff) as i64;
    part(0) + part(16) + part(32) + part(48) - 2 * 0xffff
}

/// An even number in `0..below`, for `below` up to 2^31. The bias, under one part in two billion, does not matter here.
pub(super) fn below(rng: &mut ChaCha8Rng, below: i64) -> i64 {
    ((u64::from(rng.next_u32()) * below as u64) >> 32) as i64
}

/// Splitmix64's finaliser: spreads a drawn seed over the trades of a minute without drawing each of them.
pub(super) fn mix(seed: u64, salt: u64) -> u64 {
    let mut z = seed.wrapping_add(salt.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
