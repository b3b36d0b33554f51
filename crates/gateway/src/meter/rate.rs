//! So many requests in any minute, exactly: what was counted in the last 60 seconds is remembered second by second.

use jiff::Timestamp;

/// The seconds that are remembered: the present one and the 60 before it, so that whatever came in the last 60 seconds is among them.
const SECONDS: i64 = 61;

/// The count of the last minute.
#[derive(Debug)]
pub(super) struct Rate {
    counts: [u32; SECONDS as usize],
    total: u32,
    /// The newest second that was counted in.
    newest: i64,
}

/// Too many came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany {
    /// After so many seconds one may come again.
    pub(super) retry_after: u64,
}

impl Default for Rate {
    fn default() -> Self {
        Self { counts: [0; SECONDS as usize], total: 0, newest: 0 }
    }
}

impl Rate {
    /// Counts one, unless `most` came in the last 60 seconds already.
    pub(super) fn take(&mut self, most: u32, now: Timestamp) -> Result<(), TooMany> {
        let now = self.go_to(now.as_second());
        if self.total >= most {
            return Err(TooMany { retry_after: self.free_after(most, now) });
        }
        if let Some(count) = self.counts.get_mut(slot(now)) {
            *count += 1;
            self.total += 1;
        }
        Ok(())
    }

    /// How many of `most` may come now.
    pub(super) fn left(&mut self, most: u32, now: Timestamp) -> u32 {
        self.go_to(now.as_second());
        most.saturating_sub(self.total)
    }

    /// Forgets what is older than a minute. A clock that is set back does not make anything younger.
    fn go_to(&mut self, second: i64) -> i64 {
        let passed = second.saturating_sub(self.newest);
        for gone in 1..=passed.min(SECONDS) {
            if let Some(count) = self.counts.get_mut(slot(self.newest + gone)) {
                self.total -= std::mem::take(count);
            }
        }
        self.newest = self.newest.max(second);
        self.newest
    }

    /// The seconds until so many are forgotten that one may come again.
    fn free_after(&self, most: u32, now: i64) -> u64 {
        let mut total = self.total;
        for age in (0..SECONDS).rev() {
            total -= self.counts.get(slot(now - age)).copied().unwrap_or(0);
            if total < most {
                return (SECONDS - age).unsigned_abs();
            }
        }
        SECONDS.unsigned_abs()
    }
}

fn slot(second: i64) -> usize {
    usize::try_from(second.rem_euclid(SECONDS)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_795_186_800_000 + millis).unwrap()
    }

    #[test]
    fn the_next_one_passes_when_the_first_is_a_minute_old() {
        let mut rate = Rate::default();
        for millis in [0, 500, 30_000] {
            rate.take(3, at(millis)).unwrap();
        }
        assert_eq!(rate.take(3, at(30_000)), Err(TooMany { retry_after: 31 }));
        assert_eq!(rate.take(3, at(60_000)), Err(TooMany { retry_after: 1 }));
        assert_eq!(rate.left(3, at(61_000)), 2);
        rate.take(3, at(61_000)).unwrap();
        rate.take(3, at(61_000)).unwrap();
        assert_eq!(rate.take(3, at(61_000)), Err(TooMany { retry_after: 30 }));
        assert_eq!(rate.left(3, at(1_000_000)), 3);
    }

    #[test]
    fn a_scope_that_became_narrower_holds_at_once() {
        let mut rate = Rate::default();
        for _ in 0..10 {
            rate.take(10, at(0)).unwrap();
        }
        assert_eq!(rate.take(2, at(1_000)), Err(TooMany { retry_after: 60 }));
    }

    #[test]
    fn a_clock_that_is_set_back_gives_nothing_back() {
        let mut rate = Rate::default();
        rate.take(1, at(100_000)).unwrap();
        assert!(rate.take(1, at(0)).is_err());
        assert!(rate.take(1, at(161_000)).is_ok());
    }

    proptest! {
        #[test]
        fn never_more_than_so_many_in_any_minute(
            most in 1_u32..20,
            pauses in prop::collection::vec(0_i64..20_000, 1..200),
        ) {
            let mut rate = Rate::default();
            let (mut millis, mut taken) = (0, Vec::new());
            for pause in pauses {
                millis += pause;
                match rate.take(most, at(millis)) {
                    Ok(()) => taken.push(millis),
                    Err(TooMany { retry_after }) => {
                        prop_assert!((1..=61).contains(&retry_after));
                        let then = millis + i64::try_from(retry_after).unwrap() * 1000;
                        let mut later = Rate { counts: rate.counts, ..rate };
                        prop_assert!(later.left(most, at(then)) > 0);
                    }
                }
            }
            for first in &taken {
                let within = taken.iter().filter(|at| (*first..first + 60_000).contains(*at)).count();
                prop_assert!(within <= most as usize, "{within} from {first}");
            }
        }
    }
}
