//! The regular sessions of the New York Stock Exchange, 1990 to 2099.
//!
//! The rules are checked, day by day and to the minute, against a table made from the PyPI package
//! `exchange_calendars` (`crates/core/calendar/regenerate.py`). Sessions that the exchange cut short or
//! opened late without notice (circuit breakers, snow) are regular ones here, as they are there.
//!
//! Outside the supported years there are no sessions: functions that must return one return the first or
//! the last session known.

mod rules;
#[cfg(test)]
mod tests;

use std::sync::{LazyLock, OnceLock};

use jiff::Timestamp;
use jiff::civil::{Date, Time, date, time};
use jiff::tz::{Offset, TimeZone};

/// The first day that the calendar knows.
pub const FIRST_DATE: Date = date(1990, 1, 1);
/// The last day that the calendar knows.
pub const LAST_DATE: Date = date(2099, 12, 31);

const OPEN: Time = time(9, 30, 0, 0);

/// The dates of all sessions in order: 27,644 of them, 110 KB. Built on first use.
static SESSION_DATES: LazyLock<Vec<Date>> = LazyLock::new(|| {
    FIRST_DATE
        .series(jiff::Span::new().days(1))
        .take_while(|date| *date <= LAST_DATE)
        .filter(|date| rules::close_on(*date).is_some())
        .collect()
});

/// The sessions by year and day of the year, each year built on first use: rules and time zones are asked once for each day.
static SESSIONS: [OnceLock<Box<[Option<Session>]>>; YEARS] = [const { OnceLock::new() }; YEARS];

const YEARS: usize = 110;

/// One regular trading session, 9:30 to 16:00 New York time unless it closes early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The New York date.
    pub date: Date,
    /// The first instant of the session.
    pub open: Timestamp,
    /// The first instant after the session.
    pub close: Timestamp,
    /// Whether the session closes before 16:00.
    pub early_close: bool,
}

impl Session {
    fn new(date: Date, close: Time) -> Self {
        Self {
            date,
            open: instant(date, OPEN),
            close: instant(date, close),
            early_close: close != rules::REGULAR_CLOSE,
        }
    }

    /// Whether `open <= at < close`.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.open <= at && at < self.close
    }
}

/// The time zone of the exchange, from the data compiled into the binary.
#[must_use]
pub fn new_york() -> TimeZone {
    jiff::tz::get!("America/New_York")
}

/// The New York civil date of an instant.
#[must_use]
pub fn trading_date(at: Timestamp) -> Date {
    new_york().to_datetime(at).date()
}

/// The hour of the week in New York: 0 is Monday from midnight on, 167 Sunday from 23:00 on.
#[must_use]
pub fn hour_of_week(at: Timestamp) -> u8 {
    let there = new_york().to_datetime(at);
    // From 0 to 6, and from 0 to 23: neither is negative.
    there.weekday().to_monday_zero_offset().unsigned_abs() * 24 + there.hour().unsigned_abs()
}

/// The trading day that an instant belongs to: its New York date if that has a session, else the last one before it that has.
#[must_use]
pub fn trading_day(at: Timestamp) -> Date {
    let date = trading_date(at);
    session_on(date).unwrap_or_else(|| previous_session_before(date)).date
}

/// The session on a date, or `None` on weekends, holidays and outside the supported years.
#[must_use]
pub fn session_on(date: Date) -> Option<Session> {
    let year = usize::try_from(date.year() - FIRST_DATE.year()).ok()?;
    let days = SESSIONS.get(year)?.get_or_init(|| {
        date.first_of_year()
            .series(jiff::Span::new().days(1))
            .take(usize::from(date.days_in_year() as u16))
            .map(compute)
            .collect()
    });
    days.get(usize::try_from(date.day_of_year() - 1).ok()?).copied().flatten()
}

fn compute(date: Date) -> Option<Session> {
    rules::close_on(date).map(|close| Session::new(date, close))
}

/// The regular session that contains the instant, `open <= at < close`.
#[must_use]
pub fn session_at(at: Timestamp) -> Option<Session> {
    session_on(date_of_session(at)).filter(|session| session.contains(at))
}

/// The date of the session that an instant is in, if it is in one: sessions lie within one day also in UTC.
fn date_of_session(at: Timestamp) -> Date {
    Offset::UTC.to_datetime(at).date()
}

/// Whether a regular session is under way.
#[must_use]
pub fn is_open(at: Timestamp) -> bool {
    session_at(at).is_some()
}

/// The first session on a date strictly later than `date`.
#[must_use]
pub fn next_session_after(date: Date) -> Session {
    session_at_index(SESSION_DATES.partition_point(|known| *known <= date))
}

/// The last session on a date strictly earlier than `date`.
#[must_use]
pub fn previous_session_before(date: Date) -> Session {
    session_at_index(sessions_before(date).saturating_sub(1))
}

/// The first opening strictly later than `at`.
#[must_use]
pub fn next_open(at: Timestamp) -> Timestamp {
    let date = date_of_session(at);
    match session_on(date) {
        Some(today) if at < today.open => today.open,
        _ => next_session_after(date).open,
    }
}

/// The first closing strictly later than `at`: the end of the session under way, else of the next one.
#[must_use]
pub fn next_close(at: Timestamp) -> Timestamp {
    let date = date_of_session(at);
    match session_on(date) {
        Some(today) if at < today.close => today.close,
        _ => next_session_after(date).close,
    }
}

/// The sessions from `first` to `last`, both included, in order. Empty if `last` is earlier than `first`.
pub fn sessions_between(first: Date, last: Date) -> impl Iterator<Item = Session> {
    SESSION_DATES[sessions_before(first)..]
        .iter()
        .take_while(move |date| **date <= last)
        .filter_map(|date| session_on(*date))
}

/// The session `count` sessions away from `date`. With `count` 0 that is the session on `date`, or the next one
/// if there is none; with a negative `count` it is strictly earlier than `date`.
#[must_use]
pub fn add_sessions(date: Date, count: i32) -> Session {
    let index = session_index(date).saturating_add(i64::from(count)).max(0);
    session_at_index(usize::try_from(index).unwrap_or(usize::MAX))
}

/// The number of sessions from 1990-01-01 up to but not including `date`, so that the difference of two indices is
/// a distance in sessions. A date without a session has the index of the next session.
#[must_use]
pub fn session_index(date: Date) -> i64 {
    i64::try_from(sessions_before(date)).unwrap_or(i64::MAX)
}

fn sessions_before(date: Date) -> usize {
    SESSION_DATES.partition_point(|known| *known < date)
}

/// The session with that index, or the last one.
fn session_at_index(index: usize) -> Session {
    let date = SESSION_DATES[index.min(SESSION_DATES.len() - 1)];
    session_on(date).unwrap_or_else(|| Session::new(date, rules::REGULAR_CLOSE))
}

/// Opening and closing hours lie in no DST change, which New York makes at 2:00, and all supported years in the range
/// of a timestamp; so the fallback is never taken.
fn instant(date: Date, time: Time) -> Timestamp {
    new_york().to_timestamp(date.to_datetime(time)).unwrap_or(Timestamp::MAX)
}
