//! How many requests are left of a minute's.
//!
//! Every number is an atomic of its own, so that readers on many threads do not wait for one another. A request that is taken at the very
//! moment in which an answer corrects the count may be counted twice or not at all; the next answer sets that right.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use super::head::{Reset, SECOND};
use super::{Head, Priority, Share, USUAL};

/// How long a budget holds, in microseconds, as long as Alpaca has not said when it ends.
const MINUTE: i64 = 60 * SECOND;

/// After how many refusals that do not say how long to wait the pauses grow no more.
const MOST_DOUBLINGS: u32 = 5;

/// Instants that are closer than this mean the same end of a minute: Alpaca tells whole seconds.
const SAME: i64 = 3 * SECOND / 2;

/// The count of one minute after another. Instants are microseconds since 1970.
#[derive(Debug)]
pub(super) struct Count {
    /// The most that the operator lets Paddock use.
    most: Option<u32>,
    /// What holds: the smaller one of what the operator and Alpaca allow.
    limit: AtomicU32,
    left: AtomicI64,
    /// Taken in this minute.
    used: AtomicI64,
    /// Taken and not answered yet.
    in_flight: AtomicI64,
    /// Answered in this minute.
    answered: AtomicU32,
    /// Requests that were sent since the start: each has its number.
    sent: AtomicU64,
    /// The highest number of one that was answered. An answer that comes later to one that was sent before knows less.
    newest: AtomicU64,
    /// Whether Alpaca tells a count that does not go down with what is sent, as the paper broker does without a limit. What is under way
    /// then needs not be taken off what it says is left.
    is_loose: AtomicBool,
    /// When the minute ends.
    reset: AtomicI64,
    /// Until when nothing is sent, because Alpaca has said 429.
    paused_until: AtomicI64,
    /// How often in a row Alpaca has said 429 without saying until when.
    doublings: AtomicU32,
    minute: AtomicU64,
    /// The keys that used it in this minute, and in the one before.
    users: AtomicU32,
    users_before: AtomicU32,
}

impl Count {
    pub(super) fn new(most: Option<u32>) -> Self {
        let limit = most.unwrap_or(USUAL).max(1);
        Self {
            most,
            limit: AtomicU32::new(limit),
            left: AtomicI64::new(limit.into()),
            used: AtomicI64::new(0),
            in_flight: AtomicI64::new(0),
            answered: AtomicU32::new(0),
            sent: AtomicU64::new(0),
            newest: AtomicU64::new(0),
            is_loose: AtomicBool::new(false),
            reset: AtomicI64::new(0),
            paused_until: AtomicI64::new(0),
            doublings: AtomicU32::new(0),
            minute: AtomicU64::new(1),
            users: AtomicU32::new(0),
            users_before: AtomicU32::new(0),
        }
    }

    /// Takes a request, if enough are left for one of that priority.
    pub(super) fn take(&self, priority: Priority, now: Timestamp) -> bool {
        let now = now.as_microsecond();
        if now < self.paused_until.load(Ordering::Acquire) {
            return false;
        }
        self.turn_over(now);
        // First, so that an answer that is read in between rather counts it twice.
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        let left = self.left.fetch_sub(1, Ordering::AcqRel) - 1;
        if left >= priority.plenty(self.limit.load(Ordering::Relaxed))
            || left >= self.must_leave(priority, now)
        {
            self.used.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        self.left.fetch_add(1, Ordering::AcqRel);
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
        false
    }

    /// Takes a request although none is left.
    pub(super) fn take_regardless(&self) {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        self.left.fetch_sub(1, Ordering::AcqRel);
        self.used.fetch_add(1, Ordering::Relaxed);
    }

    /// A request that was taken and not sent.
    pub(super) fn give_back(&self) {
        self.left.fetch_add(1, Ordering::AcqRel);
        self.used.fetch_sub(1, Ordering::Relaxed);
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
    }

    /// The number of a request that is being sent.
    pub(super) fn number(&self) -> u64 {
        self.sent.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A request that was sent, and of which no answer came.
    pub(super) fn unanswered(&self) {
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
    }

    /// The request of that number was answered. `beyond` says that it was sent although none was left.
    pub(super) fn answered(&self, number: u64, head: &Head, beyond: bool, now: Timestamp) {
        let now = now.as_microsecond();
        let in_flight = self.in_flight.fetch_sub(1, Ordering::AcqRel) - 1;
        self.answered.fetch_add(1, Ordering::Relaxed);
        if self.newest.fetch_max(number, Ordering::AcqRel) < number {
            self.learn(head, in_flight);
        }
        if head.limited {
            self.pause(head, now);
        } else {
            self.doublings.store(0, Ordering::Relaxed);
            if beyond {
                // Alpaca takes requests again.
                self.paused_until.store(0, Ordering::Release);
            }
        }
    }

    fn learn(&self, head: &Head, in_flight: i64) {
        match head.reset {
            // Of a minute that is over nothing is learned.
            Reset::Over => return,
            Reset::At(at) => {
                let known = self.reset.load(Ordering::Acquire);
                if at - known > SAME {
                    self.begin(known, at);
                } else if known - at > SAME {
                    self.reset.store(at, Ordering::Release);
                }
            }
            Reset::Unknown => {}
        }
        if let Some(limit) = head.limit {
            let limit = self.most.map_or(limit, |most| limit.min(most)).max(1);
            self.limit.store(limit, Ordering::Relaxed);
        }
        let Some(remaining) = head.remaining else { return };
        let limit = self.limit.load(Ordering::Relaxed);
        let answered = self.answered.load(Ordering::Relaxed);
        let has_plenty = remaining >= head.limit.unwrap_or(limit) / 2;
        if !has_plenty {
            self.is_loose.store(false, Ordering::Relaxed);
        } else if answered >= head.limit.unwrap_or(limit) {
            self.is_loose.store(true, Ordering::Relaxed);
        }
        let under_way = if self.is_loose.load(Ordering::Relaxed) { 0 } else { in_flight };
        let mut left = i64::from(remaining) - under_way;
        if let Some(most) = self.most {
            // What the operator allows is counted here. What Alpaca allows it counts itself, whoever else uses it.
            left = left.min(i64::from(most) - self.used.load(Ordering::Relaxed));
        }
        self.left.store(left, Ordering::Release);
    }

    /// Alpaca has said 429: nothing is sent until it says, or else for a second, two, four, ... up to the end of the minute.
    fn pause(&self, head: &Head, now: i64) {
        let until = match (head.pause, head.reset) {
            (Some(pause), _) => now + pause,
            (None, Reset::At(at)) => at,
            (None, Reset::Unknown | Reset::Over) => {
                let doublings = self.doublings.fetch_add(1, Ordering::Relaxed).min(MOST_DOUBLINGS);
                let until = now + (SECOND << doublings);
                let reset = self.reset.load(Ordering::Acquire);
                if reset > now { until.min(reset) } else { until }
            }
        };
        self.paused_until.fetch_max(until, Ordering::AcqRel);
    }

    /// Begins the next minute if this one is over.
    fn turn_over(&self, now: i64) {
        let reset = self.reset.load(Ordering::Acquire);
        if now >= reset && self.begin(reset, now + MINUTE) {
            let limit = i64::from(self.limit.load(Ordering::Relaxed));
            // What is under way may still be counted in the new minute.
            let under_way = self.in_flight.load(Ordering::Acquire);
            self.left.store(
                if self.is_loose.load(Ordering::Relaxed) { limit } else { limit - under_way },
                Ordering::Release,
            );
        }
    }

    /// Begins a minute that ends at `end`, unless another thread did.
    fn begin(&self, known: i64, end: i64) -> bool {
        let mine = self.reset.compare_exchange(known, end, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if mine {
            self.minute.fetch_add(1, Ordering::AcqRel);
            self.used.store(self.in_flight.load(Ordering::Acquire), Ordering::Relaxed);
            self.answered.store(0, Ordering::Relaxed);
            self.users_before.store(self.users.swap(0, Ordering::AcqRel), Ordering::Relaxed);
        }
        mine
    }

    fn must_leave(&self, priority: Priority, now: i64) -> i64 {
        let limit = self.limit.load(Ordering::Relaxed);
        let ahead = if self.is_loose.load(Ordering::Relaxed) {
            0
        } else {
            self.reset.load(Ordering::Acquire).saturating_sub(now).max(0)
        };
        priority.must_leave(limit, ahead.unsigned_abs())
    }

    /// How long it takes until a request of that priority may be had, if nobody else takes one.
    pub(super) fn wait_for(&self, priority: Priority, now: Timestamp) -> Duration {
        let now = now.as_microsecond();
        let paused = self.paused_until.load(Ordering::Acquire).saturating_sub(now).max(0);
        let to_reset = self.reset.load(Ordering::Acquire).saturating_sub(now).clamp(0, MINUTE);
        let short = self.must_leave(priority, now) - (self.left.load(Ordering::Acquire) - 1);
        let scarce = if short <= 0 {
            0
        } else {
            // What is kept for later shrinks evenly down to the reserve, which stays.
            let limit = self.limit.load(Ordering::Relaxed);
            let shrinks_by =
                priority.must_leave(limit, to_reset.unsigned_abs()) - priority.must_leave(limit, 0);
            if short <= shrinks_by { short * to_reset / shrinks_by } else { to_reset }
        };
        Duration::from_micros(paused.max(scarce).unsigned_abs())
    }

    pub(super) fn note_user(&self, last_minute: &AtomicU64, now: Timestamp) {
        self.turn_over(now.as_microsecond());
        let minute = self.minute.load(Ordering::Relaxed);
        if last_minute.load(Ordering::Relaxed) != minute
            && last_minute.swap(minute, Ordering::Relaxed) != minute
        {
            self.users.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The limit, and what is left.
    pub(super) fn state(&self, now: Timestamp) -> (u32, u32) {
        let now = now.as_microsecond();
        let limit = self.limit.load(Ordering::Relaxed);
        if now < self.paused_until.load(Ordering::Acquire) {
            return (limit, 0);
        }
        if now >= self.reset.load(Ordering::Acquire) {
            return (limit, limit);
        }
        let left = self.left.load(Ordering::Acquire).clamp(0, limit.into());
        (limit, u32::try_from(left).unwrap_or(limit))
    }

    pub(super) fn share(&self, now: Timestamp) -> Share {
        let (limit, left) = self.state(now);
        let users = self.users.load(Ordering::Relaxed).max(self.users_before.load(Ordering::Relaxed)).max(1);
        let now = now.as_microsecond();
        let end = self.reset.load(Ordering::Acquire).max(self.paused_until.load(Ordering::Acquire));
        let end = if end > now { end } else { now + MINUTE };
        let limit = (limit / users).max(1);
        Share {
            limit,
            remaining: (left / users).min(limit),
            reset: end.div_euclid(SECOND) + i64::from(end.rem_euclid(SECOND) > 0),
        }
    }
}

#[cfg(test)]
mod tests;
