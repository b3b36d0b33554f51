//! The broker's own time: the base clock as it is, sped up, or moved by hand. How it passes may be changed at any time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use paddock_core::Clock;
use serde::{Deserialize, Serialize};

/// How many times as fast as its base clock the broker's time can pass.
pub const MAX_FACTOR: u32 = 100_000;

/// How the broker's time follows its base clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockMode {
    /// As fast as the base clock.
    #[default]
    Real,
    /// This many times as fast as the base clock; 60 makes an hour a minute.
    Accelerated(u32),
    /// Stands still until it is moved.
    Stepped,
}

/// Time as the broker's clients see it. It never runs backwards.
#[derive(Debug)]
pub struct PaperClock {
    base: Arc<dyn Clock>,
    anchor: Mutex<Anchor>,
}

/// How time passes; two instants that belong together, from which the others follow; and the latest that was shown.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    mode: ClockMode,
    base: Timestamp,
    paper: Timestamp,
    shown: Timestamp,
}

impl PaperClock {
    /// A clock that shows `start` now, or the base clock's present instant.
    #[must_use]
    pub fn new(base: Arc<dyn Clock>, mode: ClockMode, start: Option<Timestamp>) -> Self {
        let now = base.now();
        let paper = start.unwrap_or(now);
        Self { base, anchor: Mutex::new(Anchor { mode, base: now, paper, shown: paper }) }
    }

    /// Jumps forwards to `instant`, if that lies ahead; time then goes on from there. Tells whether it did.
    pub fn not_before(&self, instant: Timestamp) -> bool {
        let base = self.base.now();
        let mut anchor = self.lock();
        let ahead = instant > anchor.reading(base);
        if ahead {
            anchor.set(base, instant);
        }
        ahead
    }

    /// Moves the clock forwards, however time passes, and tells the new instant. Steps back are none.
    pub fn step(&self, by: SignedDuration) -> Timestamp {
        let base = self.base.now();
        let mut anchor = self.lock();
        let now = anchor.reading(base);
        let to = now.saturating_add(by.max(SignedDuration::ZERO)).unwrap_or(now);
        anchor.set(base, to);
        to
    }

    /// How it follows its base clock.
    #[must_use]
    pub fn mode(&self) -> ClockMode {
        self.lock().mode
    }

    /// Follows its base clock in another way from now on, and tells the present instant.
    pub fn set_mode(&self, mode: ClockMode) -> Timestamp {
        let base = self.base.now();
        let mut anchor = self.lock();
        let now = anchor.reading(base);
        anchor.set(base, now);
        anchor.mode = mode;
        now
    }

    fn lock(&self) -> MutexGuard<'_, Anchor> {
        self.anchor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Anchor {
    fn reading(&self, base: Timestamp) -> Timestamp {
        let factor = match self.mode {
            ClockMode::Real => 1,
            ClockMode::Accelerated(factor) => i64::from(factor),
            ClockMode::Stepped => 0,
        };
        // Microseconds are ample for a broker, and keep the product within range for a million years.
        let elapsed = (base.as_microsecond() - self.base.as_microsecond()).saturating_mul(factor);
        let paper = self.paper.saturating_add(SignedDuration::from_micros(elapsed)).unwrap_or(self.paper);
        paper.max(self.shown)
    }

    fn set(&mut self, base: Timestamp, paper: Timestamp) {
        self.base = base;
        self.paper = paper;
        self.shown = paper;
    }
}

impl Clock for PaperClock {
    fn now(&self) -> Timestamp {
        let mut anchor = self.lock();
        let now = anchor.reading(self.base.now());
        anchor.shown = now;
        now
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use paddock_core::ManualClock;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_accelerated_clock_runs_as_many_times_as_fast() {
        let base = Arc::new(ManualClock::new(at("2026-01-05T12:00:00Z")));
        let clock =
            PaperClock::new(base.clone(), ClockMode::Accelerated(60), Some(at("2026-03-02T14:30:00Z")));
        base.advance(Duration::from_secs(60));
        assert_eq!(clock.now(), at("2026-03-02T15:30:00Z"));
    }

    #[test]
    fn a_stepped_clock_moves_by_hand_only() {
        let base = Arc::new(ManualClock::new(at("2026-01-05T12:00:00Z")));
        let clock = PaperClock::new(base.clone(), ClockMode::Stepped, None);
        base.advance(Duration::from_secs(60));
        assert_eq!(clock.now(), at("2026-01-05T12:00:00Z"));
        assert_eq!(clock.step(SignedDuration::from_secs(5)), at("2026-01-05T12:00:05Z"));
        assert_eq!(clock.now(), at("2026-01-05T12:00:05Z"));
    }

    #[test]
    fn time_never_runs_backwards() {
        let base = Arc::new(ManualClock::new(at("2026-01-05T12:00:00Z")));
        let clock = PaperClock::new(base.clone(), ClockMode::Real, None);
        clock.not_before(at("2026-01-05T13:00:00Z"));
        assert_eq!(clock.now(), at("2026-01-05T13:00:00Z"));
        base.set(at("2026-01-05T11:00:00Z"));
        assert_eq!(clock.now(), at("2026-01-05T13:00:00Z"));
        base.set(at("2026-01-05T12:30:00Z"));
        assert_eq!(clock.now(), at("2026-01-05T13:30:00Z"));
    }

    #[test]
    fn a_real_clock_without_a_start_is_its_base() {
        let base = Arc::new(ManualClock::new(at("2026-01-05T12:00:00Z")));
        let clock = PaperClock::new(base.clone(), ClockMode::Real, None);
        base.advance(Duration::from_millis(1500));
        assert_eq!(clock.now(), base.now());
    }

    #[test]
    fn every_clock_can_be_moved_forwards_and_goes_on_from_there() {
        let base = Arc::new(ManualClock::new(at("2026-01-05T12:00:00Z")));
        let clock = PaperClock::new(base.clone(), ClockMode::Real, None);
        assert_eq!(clock.step(SignedDuration::from_hours(1)), at("2026-01-05T13:00:00Z"));
        assert_eq!(clock.step(SignedDuration::from_hours(-2)), at("2026-01-05T13:00:00Z"));
        assert!(!clock.not_before(at("2026-01-05T13:00:00Z")));
        assert!(clock.not_before(at("2026-01-05T14:00:00Z")));
        base.advance(Duration::from_secs(5));
        assert_eq!(clock.now(), at("2026-01-05T14:00:05Z"));
    }

    #[test]
    fn time_goes_on_without_a_jump_when_its_pace_changes() {
        let base = Arc::new(ManualClock::new(at("2026-01-05T12:00:00Z")));
        let clock = PaperClock::new(base.clone(), ClockMode::Accelerated(60), None);
        base.advance(Duration::from_secs(10));
        assert_eq!(clock.set_mode(ClockMode::Stepped), at("2026-01-05T12:10:00Z"));
        base.advance(Duration::from_secs(10));
        assert_eq!(clock.now(), at("2026-01-05T12:10:00Z"));
        assert_eq!(clock.set_mode(ClockMode::Accelerated(2)), at("2026-01-05T12:10:00Z"));
        base.advance(Duration::from_secs(10));
        assert_eq!(clock.now(), at("2026-01-05T12:10:20Z"));
        assert_eq!(clock.mode(), ClockMode::Accelerated(2));
    }
}
