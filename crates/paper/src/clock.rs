//! The broker's own time: the base clock as it is, sped up, or moved by hand.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use paddock_core::Clock;
use serde::{Deserialize, Serialize};

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
    mode: ClockMode,
    anchor: Mutex<Anchor>,
}

/// Two instants that belong together, from which the others follow; and the latest that was shown.
#[derive(Clone, Copy, Debug)]
struct Anchor {
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
        Self { base, mode, anchor: Mutex::new(Anchor { base: now, paper, shown: paper }) }
    }

    /// Jumps forwards to `instant`, if that lies ahead; time then goes on from there.
    pub fn not_before(&self, instant: Timestamp) {
        let base = self.base.now();
        let mut anchor = self.lock();
        let now = self.reading(&anchor, base);
        if instant > now {
            *anchor = Anchor { base, paper: instant, shown: instant };
        }
    }

    /// Moves a stepped clock forwards and tells the new instant; `None` if the clock is not a stepped one.
    pub fn step(&self, by: SignedDuration) -> Option<Timestamp> {
        if self.mode != ClockMode::Stepped || by.is_negative() {
            return None;
        }
        let mut anchor = self.lock();
        anchor.paper = anchor.paper.saturating_add(by).unwrap_or(anchor.paper);
        anchor.shown = anchor.paper;
        Some(anchor.paper)
    }

    /// How it follows its base clock.
    #[must_use]
    pub const fn mode(&self) -> ClockMode {
        self.mode
    }

    fn reading(&self, anchor: &Anchor, base: Timestamp) -> Timestamp {
        let factor = match self.mode {
            ClockMode::Real => 1,
            ClockMode::Accelerated(factor) => i64::from(factor),
            ClockMode::Stepped => 0,
        };
        // Microseconds are ample for a broker, and keep the product within range for a million years.
        let elapsed = (base.as_microsecond() - anchor.base.as_microsecond()).saturating_mul(factor);
        let paper = anchor.paper.saturating_add(SignedDuration::from_micros(elapsed)).unwrap_or(anchor.paper);
        paper.max(anchor.shown)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Anchor> {
        self.anchor.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for PaperClock {
    fn now(&self) -> Timestamp {
        let mut anchor = self.lock();
        let now = self.reading(&anchor, self.base.now());
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
        assert_eq!(clock.step(SignedDuration::from_secs(5)), Some(at("2026-01-05T12:00:05Z")));
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
        assert_eq!(clock.step(SignedDuration::from_secs(5)), None);
    }
}
