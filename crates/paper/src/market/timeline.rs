//! Which stretch of which day plays at an instant.
//!
//! A pass is one reading of one day's tape, forwards or backwards. Crypto days follow on each other without a break.
//! A stock's session is one pass, and then there is nothing until the next one opens; or, when the market is held open,
//! further passes over the same session, backwards and forwards in turn, the last one cut off by the opening.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use paddock_core::calendar::{self, Session};

use super::Market;
use super::day::crypto_index;
use super::tape::MINUTE;

/// One reading of one day's tape. Instants are microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    pub asset: usize,
    /// The number of the day that is read.
    pub index: i64,
    /// 0 is the day itself; odd passes run backwards.
    pub number: i64,
    pub start: i64,
    /// The first instant after it.
    pub end: i64,
    /// How long the whole day is.
    length: i64,
}

impl Pass {
    pub fn backwards(&self) -> bool {
        self.number % 2 == 1
    }

    /// How many minutes the whole day has.
    pub fn day_minutes(&self) -> usize {
        (self.length / MINUTE) as usize
    }

    /// When the day itself began.
    pub fn day_start(&self) -> i64 {
        self.start - self.number * self.length
    }

    /// How many minutes of it are played.
    pub fn played_minutes(&self) -> usize {
        ((self.end - self.start) / MINUTE) as usize
    }

    /// Which minute of the day is played in minute `played` of the pass.
    pub fn minute_played(&self, played: usize) -> usize {
        if self.backwards() { self.day_minutes() - 1 - played } else { played }
    }
}

pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// The first whole microsecond that is not before `at`.
pub(super) fn micros_up(at: Timestamp) -> i64 {
    at.as_microsecond() + i64::from(at.subsec_nanosecond() % 1000 > 0)
}

/// The inverse of [`micros`].
pub(super) fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
}

/// The first instant of a date. Midnight exists on every date in both zones, so the fallback is never taken.
pub(super) fn midnight(date: Date, zone: &TimeZone) -> i64 {
    zone.to_timestamp(date.to_datetime(jiff::civil::Time::midnight())).map_or(i64::MAX, micros)
}

impl Market {
    /// The zone by whose midnights the asset's days are cut: Alpaca stamps stock days at midnight in New York and
    /// crypto days at midnight in Chicago.
    pub(super) fn zone(&self, asset: usize) -> TimeZone {
        if self.listed(asset).is_crypto() { jiff::tz::get!("America/Chicago") } else { calendar::new_york() }
    }

    /// The last pass that starts at or before `at`, or `None` before the asset's first day.
    pub(super) fn pass_at(&self, asset: usize, at: i64) -> Option<Pass> {
        let date = self.zone(asset).to_datetime(instant(at)).date();
        let pass = if self.listed(asset).is_crypto() {
            let pass = self.crypto_pass(asset, date)?;
            match self.days.at_or_before(asset, pass.index)? {
                index if index == pass.index => pass,
                earlier => self.day_pass(asset, earlier)?,
            }
        } else {
            let session = match calendar::session_on(date) {
                Some(session) if micros(session.open) <= at => session,
                _ => calendar::previous_session_before(date),
            };
            let pass = self.session_pass(asset, &session);
            let pass = match self.days.at_or_before(asset, pass.index)? {
                index if index == pass.index => pass,
                earlier => self.day_pass(asset, earlier)?,
            };
            self.held_open(pass, at)
        };
        (pass.start <= at).then_some(pass)
    }

    /// The pass that starts next after `pass`, or `None` at the end of the calendar.
    pub(super) fn pass_after(&self, pass: &Pass) -> Option<Pass> {
        let next = if !self.listed(pass.asset).is_crypto() && self.options.hold_open {
            self.pass_at(pass.asset, pass.end)?
        } else {
            self.day_pass(pass.asset, self.days.after(pass.asset, pass.index))?
        };
        (next.start > pass.start).then_some(next)
    }

    /// The pass that started last before `pass`.
    pub(super) fn pass_before(&self, pass: &Pass) -> Option<Pass> {
        self.pass_at(pass.asset, pass.start - 1)
    }

    /// The reading of a stock's session itself.
    pub(super) fn session_pass(&self, asset: usize, session: &Session) -> Pass {
        let (start, end) = (micros(session.open), micros(session.close));
        Pass {
            asset,
            index: calendar::session_index(session.date),
            number: 0,
            start,
            end,
            length: end - start,
        }
    }

    /// The reading of a crypto day.
    pub(super) fn crypto_pass(&self, asset: usize, date: Date) -> Option<Pass> {
        let zone = self.zone(asset);
        let (start, end) = (midnight(date, &zone), midnight(date.tomorrow().ok()?, &zone));
        Some(Pass { asset, index: crypto_index(date), number: 0, start, end, length: end - start })
    }

    /// The reading of the asset's first day.
    pub(super) fn first_pass(&self, asset: usize) -> Option<Pass> {
        self.day_pass(asset, self.days.first_index(asset))
    }

    /// The reading of the day with that number itself. `None` at the end of the calendar.
    fn day_pass(&self, asset: usize, index: i64) -> Option<Pass> {
        let date = self.date_of(asset, index);
        if self.listed(asset).is_crypto() {
            return self.crypto_pass(asset, date);
        }
        calendar::session_on(date).map(|session| self.session_pass(asset, &session))
    }

    fn held_open(&self, session: Pass, at: i64) -> Pass {
        if !self.options.hold_open || at < session.end {
            return session;
        }
        let number = (at - session.end) / session.length + 1;
        let start = session.end + (number - 1) * session.length;
        let opening = match self.day_pass(session.asset, self.days.after(session.asset, session.index)) {
            Some(next) if next.start > session.start => next.start,
            _ => i64::MAX,
        };
        let end = opening.min(start + session.length).max(start + MINUTE);
        Pass { number, start, end, ..session }
    }

    /// The date of the asset's first day.
    pub(super) fn first_date(&self, asset: usize) -> Date {
        self.date_of(asset, self.days.first_index(asset))
    }

    fn date_of(&self, asset: usize, index: i64) -> Date {
        if self.listed(asset).is_crypto() {
            let first = jiff::civil::date(1970, 1, 1);
            return first.checked_add(jiff::Span::new().days(index)).unwrap_or(first);
        }
        calendar::add_sessions(calendar::FIRST_DATE, i32::try_from(index).unwrap_or(i32::MAX)).date
    }
}
