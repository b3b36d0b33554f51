//! Which request comes first, how long each waits, and what it leaves for the others.

use std::time::Duration;

use paddock_core::PermissionClass;

/// How urgent a request is. The order is that of urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    /// Cancels an order.
    Cancel,
    /// Closes a position, or finds out what became of an order.
    Close,
    /// Places or replaces an order, or asks for what one is decided by.
    Order,
    /// Everything else.
    Read,
}

impl Priority {
    /// All, the most urgent first.
    pub(crate) const ALL: [Self; 4] = [Self::Cancel, Self::Close, Self::Order, Self::Read];

    pub(crate) const fn of(class: PermissionClass) -> Self {
        match class {
            PermissionClass::Cancel => Self::Cancel,
            PermissionClass::PositionClose => Self::Close,
            PermissionClass::Order => Self::Order,
            PermissionClass::AccountRead
            | PermissionClass::Data
            | PermissionClass::Settings
            | PermissionClass::Watchlist
            | PermissionClass::MoneyOut => Self::Read,
        }
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Cancel => 0,
            Self::Close => 1,
            Self::Order => 2,
            Self::Read => 3,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Close => "close",
            Self::Order => "order",
            Self::Read => "read",
        }
    }

    /// How many requests of a minute's `limit` such a request leaves to the more urgent ones at least: nothing, 5, 10 and 20 %.
    const fn reserve(self, limit: u32) -> u32 {
        let kept = match self {
            Self::Cancel => 0,
            Self::Close => limit.div_ceil(20),
            Self::Order => limit.div_ceil(10),
            Self::Read => limit.div_ceil(5),
        };
        // Of a very small budget something must be left for everybody.
        if kept < limit { kept } else { limit.saturating_sub(1) }
    }

    /// How many such a request leaves when the minute has only begun. From there down to the reserve the rest of the minute is
    /// handed out evenly, so that a key that comes late finds something, whatever another one has asked for before.
    const fn reserve_at_first(self, limit: u32) -> u32 {
        match self {
            Self::Cancel | Self::Close => self.reserve(limit),
            Self::Order => limit / 4,
            Self::Read => limit / 2,
        }
    }

    /// How many must be left after such a request when `ahead` of the minute's 60,000,000 microseconds are still to come.
    pub(super) fn must_leave(self, limit: u32, ahead: u64) -> i64 {
        const MINUTE: u64 = 60_000_000;
        let reserve = self.reserve(limit);
        let spread = u64::from(self.reserve_at_first(limit).saturating_sub(reserve));
        // Rounded up: at the beginning nothing of the spread is free.
        let kept_of_spread = (spread * ahead.min(MINUTE)).div_ceil(MINUTE);
        i64::from(reserve) + i64::try_from(kept_of_spread).unwrap_or(i64::MAX)
    }

    /// Above this nothing has to be computed.
    pub(super) const fn plenty(self, limit: u32) -> i64 {
        let (first, reserve) = (self.reserve_at_first(limit), self.reserve(limit));
        if first > reserve { first as i64 } else { reserve as i64 }
    }
}

/// How long a request of each kind waits for its turn. An order that comes too late may be worse than none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Cancels of orders, which are sent nevertheless when it is over.
    pub cancel: Duration,
    /// Closes of positions, and finding out what became of an order.
    pub close: Duration,
    /// New and changed orders, and what one is decided by.
    pub order: Duration,
    /// Everything else.
    pub read: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let [cancel, close, order, read] = [10, 8, 5, 2].map(Duration::from_secs);
        Self { cancel, close, order, read }
    }
}

impl Patience {
    pub(super) const fn of(self, priority: Priority) -> Duration {
        match priority {
            Priority::Cancel => self.cancel,
            Priority::Close => self.close,
            Priority::Order => self.order,
            Priority::Read => self.read,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Priority::Cancel, 200, 60, 0)]
    #[case(Priority::Close, 200, 60, 10)]
    #[case(Priority::Order, 200, 60, 50)]
    #[case(Priority::Order, 200, 0, 20)]
    #[case(Priority::Read, 200, 60, 100)]
    #[case(Priority::Read, 200, 30, 70)]
    #[case(Priority::Read, 200, 0, 40)]
    #[case(Priority::Read, 1, 60, 0)]
    #[case(Priority::Order, 2, 60, 1)]
    fn what_must_be_left(
        #[case] priority: Priority,
        #[case] limit: u32,
        #[case] seconds_ahead: u64,
        #[case] left: i64,
    ) {
        assert_eq!(priority.must_leave(limit, seconds_ahead * 1_000_000), left);
    }

    #[test]
    fn the_more_urgent_leaves_less_at_any_time() {
        for limit in [1, 2, 3, 5, 10, 199, 200, 10_000] {
            for ahead in (0..=60).map(|second| second * 1_000_000) {
                let left = Priority::ALL.map(|priority| priority.must_leave(limit, ahead));
                assert!(left.is_sorted(), "{limit} {ahead}: {left:?}");
                assert!(left[3] < i64::from(limit), "{limit}: somebody must get something");
                for priority in Priority::ALL {
                    assert!(priority.must_leave(limit, ahead) <= priority.plenty(limit));
                }
            }
        }
    }
}
