//! Randomness from the operating system.

use paddock_core::Entropy;

/// The generator of AWS-LC, seeded by the operating system. The only source that may make keys and nonces outside tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// Fills `buffer` with random bytes.
    ///
    /// # Panics
    ///
    /// When the system cannot give randomness. Carrying on would make keys that can be guessed.
    #[expect(
        clippy::panic,
        reason = "without randomness no key or nonce is safe to use, and no caller can do better"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        if aws_lc_rs::rand::fill(buffer).is_err() {
            panic!("the operating system gave no randomness");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_fills_differ() {
        let (mut one, mut two) = ([0; 32], [0; 32]);
        OsEntropy.fill(&mut one);
        OsEntropy.fill(&mut two);
        assert_ne!(one, two);
    }
}
