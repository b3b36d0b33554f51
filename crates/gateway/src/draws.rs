//! Randomness that is drawn in bulk.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use paddock_core::Entropy;

/// How many bytes are drawn at once.
const DRAWN: usize = 1024;

/// Randomness for identifiers, drawn many at a time: the generator costs the same for one of them as for a hundred. What was drawn stays
/// in memory until it is used, so keys and nonces must not be made of it.
pub(crate) struct Draws {
    source: Arc<dyn Entropy>,
    drawn: Mutex<Vec<u8>>,
}

impl Draws {
    pub(crate) fn new(source: Arc<dyn Entropy>) -> Self {
        Self { source, drawn: Mutex::default() }
    }
}

impl fmt::Debug for Draws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Draws")
    }
}

impl Entropy for Draws {
    fn fill(&self, buffer: &mut [u8]) {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        if drawn.len() < buffer.len() {
            if buffer.len() > DRAWN {
                return self.source.fill(buffer);
            }
            drawn.resize(DRAWN, 0);
            self.source.fill(&mut drawn);
        }
        let rest = drawn.len() - buffer.len();
        buffer.copy_from_slice(drawn.get(rest..).unwrap_or_default());
        drawn.truncate(rest);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    /// Counts up, so that every byte tells when it was drawn.
    #[derive(Debug, Default)]
    struct Counting(AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            for byte in buffer {
                *byte = self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn no_byte_is_given_twice() {
        let draws = Draws::new(Arc::new(Counting::default()));
        let mut seen = Vec::new();
        // Less than comes round again.
        for _ in 0..25 {
            let mut ten = [0; 10];
            draws.fill(&mut ten);
            seen.extend(ten);
        }
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }

    #[test]
    fn more_than_is_drawn_at_once_comes_from_the_source() {
        let draws = Draws::new(Arc::new(Counting::default()));
        let mut many = vec![0; DRAWN + 3];
        draws.fill(&mut many);
        assert_eq!(many[DRAWN..], [0, 1, 2]);
    }
}
