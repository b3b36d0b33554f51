//! Which days the New York Stock Exchange opens on, and when it closes, since 1990.
//!
//! Sources: NYSE Rule 7.2 and its published "Holidays & Trading Hours"; the exchange's list of special closings; the
//! rules of the PyPI package `exchange_calendars`, against which the result is tested.

use jiff::civil::{Date, Time, Weekday, date, time};

/// The usual end of a session, New York time.
pub(super) const REGULAR_CLOSE: Time = time(16, 0, 0, 0);
const EARLY_CLOSE: Time = time(13, 0, 0, 0);
/// What an early close was before 1993.
const EARLY_CLOSE_BEFORE_1993: Time = time(14, 0, 0, 0);

/// Full-day closures that no rule gives.
const SPECIAL_CLOSURES: [Date; 11] = [
    date(1994, 4, 27),  // funeral of President Nixon
    date(2001, 9, 11),  // attacks on the World Trade Center
    date(2001, 9, 12),  // "
    date(2001, 9, 13),  // "
    date(2001, 9, 14),  // "
    date(2004, 6, 11),  // funeral of President Reagan
    date(2007, 1, 2),   // mourning for President Ford
    date(2012, 10, 29), // hurricane Sandy
    date(2012, 10, 30), // "
    date(2018, 12, 5),  // mourning for President George H. W. Bush
    date(2025, 1, 9),   // mourning for President Carter
];

/// Early closes that no rule gives: two Fridays after Christmas, and the last day of 1999.
const SPECIAL_EARLY_CLOSES: [Date; 3] = [date(1997, 12, 26), date(1999, 12, 31), date(2003, 12, 26)];

/// The New York time at which the session on `date` closes, or `None` if there is none.
pub(super) fn close_on(date: Date) -> Option<Time> {
    if is_weekend(date) || is_holiday(date) || SPECIAL_CLOSURES.contains(&date) {
        None
    } else if !is_early_close(date) {
        Some(REGULAR_CLOSE)
    } else if date.year() < 1993 {
        Some(EARLY_CLOSE_BEFORE_1993)
    } else {
        Some(EARLY_CLOSE)
    }
}

fn is_weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// Whether a weekday is a holiday by rule.
fn is_holiday(date: Date) -> bool {
    let monday = date.weekday() == Weekday::Monday;
    match date.month() {
        // A New Year's Day on a Saturday is not made up for: the Friday before is the year's last trading day.
        1 => {
            date.day() == 1
                || (monday && date.day() == 2)
                || (date.year() >= 1998 && monday && week_of_month(date) == 3)
        }
        2 => monday && week_of_month(date) == 3,
        3 | 4 => is_good_friday(date),
        5 => monday && date.day() > 31 - 7,
        6 => date.year() >= 2022 && is_observed(date, 19),
        7 => is_observed(date, 4),
        9 => monday && week_of_month(date) == 1,
        11 => date.weekday() == Weekday::Thursday && week_of_month(date) == 4,
        12 => is_observed(date, 25),
        _ => false,
    }
}

/// Whether a session on `date` ends early.
fn is_early_close(date: Date) -> bool {
    let year = date.year();
    match (date.month(), date.day()) {
        // The day before Independence Day. Until 2012, when that was a Wednesday, the Friday after it instead.
        (7, 3) => year >= 2013 || (year >= 1995 && date.weekday() != Weekday::Wednesday),
        (7, 5) => (1995..=2012).contains(&year) && date.weekday() == Weekday::Friday,
        // The day after Thanksgiving.
        (11, 23..=29) => year >= 1992 && date.weekday() == Weekday::Friday,
        (12, 24) => true,
        _ => SPECIAL_EARLY_CLOSES.contains(&date),
    }
}

/// Whether a holiday on that day of the month is kept on `date`: on the day itself, on the Friday before a Saturday or
/// on the Monday after a Sunday.
fn is_observed(date: Date, holiday: i8) -> bool {
    match date.weekday() {
        Weekday::Friday => date.day() == holiday || date.day() == holiday - 1,
        Weekday::Monday => date.day() == holiday || date.day() == holiday + 1,
        _ => date.day() == holiday,
    }
}

/// 1 for the first such weekday of the month, 2 for the second, and so on.
fn week_of_month(date: Date) -> i8 {
    (date.day() - 1) / 7 + 1
}

/// Whether `date` is two days before Easter Sunday.
fn is_good_friday(date: Date) -> bool {
    let day_of_march = match date.month() {
        3 => i32::from(date.day()),
        4 => i32::from(date.day()) + 31,
        _ => return false,
    };
    day_of_march + 2 == easter(i32::from(date.year()))
}

/// Easter Sunday of the Gregorian calendar as a day of March: 32 is April 1. The anonymous algorithm of 1876, as in
/// Meeus, "Astronomical Algorithms", chapter 8.
fn easter(year: i32) -> i32 {
    let a = year % 19;
    let (b, c) = (year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (b - (b + 8) / 25 + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    // Meeus: month * 31 + day with month 3 or 4, day counted from 0. March 22 gives 114.
    h + l - 7 * m + 114 - 92
}
