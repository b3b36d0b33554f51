//! Randomness, passed in wherever it is needed.

/// A source of random bytes. Production code gets the operating system's generator from the vault, tests and
/// the paper broker a seeded one.
pub trait Entropy: Send + Sync + std::fmt::Debug {
    /// Fills `buffer` with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}

/// `length` characters drawn evenly from `alphabet`, which must have between 2 and 256 entries.
#[must_use]
pub fn random_text(entropy: &dyn Entropy, alphabet: &[u8], length: usize) -> String {
    let size = alphabet.len();
    // Bytes at or above the largest multiple of the alphabet's size are thrown away, so that no letter is likelier.
    let limit = 256 - 256 % size;
    let mut text = String::with_capacity(length);
    let mut buffer = [0_u8; 64];
    while text.len() < length {
        entropy.fill(&mut buffer);
        for byte in buffer {
            if usize::from(byte) < limit && text.len() < length {
                text.push(char::from(alphabet[usize::from(byte) % size]));
            }
        }
    }
    text
}
