//! How long things take.

use std::sync::atomic::{AtomicU64, Ordering};

/// The upper bounds of the buckets, in microseconds.
pub(crate) const BOUNDS: [u64; 19] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

/// Durations, counted by size.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// One for each bound, and one for what is above all of them.
    counts: [AtomicU64; BOUNDS.len() + 1],
    sum: AtomicU64,
}

/// What a histogram holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// How many were at most as long as each bound.
    pub(crate) up_to: [u64; BOUNDS.len()],
    /// How many there were.
    pub(crate) count: u64,
    /// Microseconds of all together.
    pub(crate) sum: u64,
}

impl Histogram {
    /// Counts one that took so many microseconds.
    pub(crate) fn observe(&self, micros: u64) {
        let bucket = BOUNDS.partition_point(|bound| *bound < micros);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn held(&self) -> Held {
        let mut count = 0;
        let mut up_to = [0; BOUNDS.len()];
        for (at, one) in self.counts.iter().enumerate() {
            count += one.load(Ordering::Relaxed);
            if let Some(place) = up_to.get_mut(at) {
                *place = count;
            }
        }
        Held { up_to, count, sum: self.sum.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_counted_once_in_the_narrowest_bucket() {
        let histogram = Histogram::default();
        for micros in [0, 50, 51, 1_000, 60_000_000, 60_000_001] {
            histogram.observe(micros);
        }
        let held = histogram.held();
        assert_eq!((held.count, held.sum), (6, 120_001_102));
        assert_eq!(&held.up_to[..3], [2, 3, 3]);
        assert_eq!(held.up_to[18], 5);
    }
}
