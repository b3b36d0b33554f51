//! When contracts expire, and when they are listed.

use jiff::Span;
use jiff::civil::{Date, Weekday};
use paddock_core::calendar;
use rust_decimal::Decimal;

/// Weekly expiries are listed six weeks before, monthly ones a year.
const WEEKLY: i64 = 6 * 7;
const MONTHLY: i64 = 52 * 7;

/// How far strikes reach from the price, as a part of it.
const WEEKLY_REACH: Decimal = Decimal::from_parts(25, 0, 0, false, 2);
const MONTHLY_REACH: Decimal = Decimal::from_parts(50, 0, 0, false, 2);

/// A date on which contracts expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expiry {
    /// Friday, or the last session before a Friday without one.
    pub date: Date,
    /// The first date on which they are there.
    pub listed: Date,
    /// How far their strikes reach from the price at the listing, as a part of it.
    pub reach: Decimal,
}

/// The expiries from one date to another, both included. Every week has one; the third of a month is a monthly one.
pub(super) fn between(first: Date, last: Date) -> impl Iterator<Item = Expiry> {
    let friday = first.saturating_add(Span::new().days(days_to_friday(first)));
    let next = |friday: &Date| friday.checked_add(Span::new().weeks(1)).ok();
    std::iter::successors(Some(friday), next)
        // One that falls on a holiday expires before.
        .take_while(move |friday| friday.saturating_sub(Span::new().days(4)) <= last)
        .filter_map(of_friday)
        .filter(move |expiry| (first..=last).contains(&expiry.date))
}

fn days_to_friday(date: Date) -> i64 {
    i64::from(
        (Weekday::Friday.to_monday_zero_offset() - date.weekday().to_monday_zero_offset()).rem_euclid(7),
    )
}

fn of_friday(friday: Date) -> Option<Expiry> {
    let monday = friday.saturating_sub(Span::new().days(4));
    let date = calendar::sessions_between(monday, friday).last()?.date;
    let monthly = (15..=21).contains(&friday.day());
    let (lead, reach) = if monthly { (MONTHLY, MONTHLY_REACH) } else { (WEEKLY, WEEKLY_REACH) };
    Some(Expiry { date, listed: friday.saturating_sub(Span::new().days(lead)), reach })
}
