//! Bars of any length, built from minutes and days.

use std::num::NonZeroI64;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use paddock_core::{Symbol, calendar};
use rust_decimal::Decimal;

use super::minutes::Minute;
use super::reading::{Place, Tape};
use super::tape::MINUTE;
use super::timeframe::{Timeframe, Unit};
use super::timeline::{Pass, instant, micros, micros_up, midnight};
use super::units::{Scale, decimal, vwap};
use super::{Market, Sort, Window};

/// What happened in one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// When the period starts.
    pub at: Timestamp,
    /// The first price.
    pub open: Decimal,
    /// The highest price.
    pub high: Decimal,
    /// The lowest price.
    pub low: Decimal,
    /// The last price.
    pub close: Decimal,
    /// In shares, or in coins.
    pub volume: Decimal,
    /// How many trades were made.
    pub trade_count: u64,
    /// The volume-weighted price, rounded to six decimals (nine for crypto).
    pub vwap: Decimal,
}

/// The weight of one minute in a volume-weighted price: volume times four times its typical price, or the price that
/// the user's own bar has. The typical price, and not that of each trade, so that bars do not need the trades; bars of all
/// lengths agree with each other.
pub(super) fn weighted(minute: &Minute, scale: Scale) -> i128 {
    let four_prices = match minute.vwap {
        Some(vwap) => 4 * i128::from(vwap.get()),
        None => {
            let exact = i128::from(minute.open) + i128::from(minute.high) + i128::from(minute.low);
            (exact + i128::from(minute.close)) * vwap_units(scale)
        }
    };
    i128::from(minute.volume) * four_prices
}

/// How many units of a volume-weighted price one of a price is.
const fn vwap_units(scale: Scale) -> i128 {
    10_i128.pow(scale.vwap() - scale.price)
}

/// A bar in the making, in the units of its asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sum {
    open: i64,
    high: i64,
    low: i64,
    close: i64,
    volume: i128,
    trades: u64,
    weighted: i128,
    /// The volume-weighted price that the user's own bar has, of which this sum is made alone.
    vwap: Option<NonZeroI64>,
}

impl Sum {
    /// A whole minute as the tape plays it.
    fn of_minute(tape: &Tape, played: usize) -> Self {
        let minute = tape.minute(played);
        let (open, close) =
            if tape.pass.backwards() { (minute.close, minute.open) } else { (minute.open, minute.close) };
        Self {
            open,
            high: minute.high,
            low: minute.low,
            close,
            volume: i128::from(minute.volume),
            trades: u64::from(minute.counted),
            weighted: weighted(minute, tape.scale),
            vwap: minute.vwap,
        }
    }

    /// What a minute has had by `now`, or nothing.
    fn of_minute_until(tape: &Tape, played: usize, now: i64) -> Option<Self> {
        (0..tape.trades_until(played, now))
            .map(|trade| {
                let print = tape.print(Place { played, trade });
                let price = print.price;
                let weighted = 4 * i128::from(price) * i128::from(print.size) * vwap_units(tape.scale);
                let (volume, trades) = (i128::from(print.size), u64::from(print.size > 0));
                Self {
                    open: price,
                    high: price,
                    low: price,
                    close: price,
                    volume,
                    trades,
                    weighted,
                    vwap: None,
                }
            })
            .reduce(Self::then)
    }

    fn then(self, later: Self) -> Self {
        Self {
            open: self.open,
            high: self.high.max(later.high),
            low: self.low.min(later.low),
            close: later.close,
            volume: self.volume + later.volume,
            trades: self.trades + later.trades,
            weighted: self.weighted + later.weighted,
            vwap: None,
        }
    }

    fn bar(self, at: i64, scale: Scale) -> Bar {
        Bar {
            at: instant(at),
            open: scale.price(self.open),
            high: scale.price(self.high),
            low: scale.price(self.low),
            close: scale.price(self.close),
            volume: scale.volume(self.volume),
            trade_count: self.trades,
            vwap: match self.vwap {
                Some(own) => decimal(i128::from(own.get()), scale.vwap()),
                None => vwap(self.weighted, self.volume, scale),
            },
        }
    }
}

/// The bars of one asset and timeframe come in portions, each of which begins on a date: a day's bars of minutes or
/// hours, or the one bar of a day, week or some months.
struct Portions {
    timeframe: Timeframe,
    zone: TimeZone,
}

impl Portions {
    /// The date on which the portion that contains `date` begins.
    fn beginning(&self, date: Date) -> Date {
        match self.timeframe.unit() {
            Unit::Minute | Unit::Hour | Unit::Day => date,
            Unit::Week => days_later(date, -i64::from(date.weekday().since(Weekday::Monday))),
            Unit::Month => {
                let months = self.timeframe.count() as i8;
                let month = date.month() - (date.month() - 1) % months;
                Date::new(date.year(), month, 1).unwrap_or(date)
            }
        }
    }

    /// The date on which the portion `count` further begins.
    fn further(&self, beginning: Date, count: i64) -> Date {
        match self.timeframe.unit() {
            Unit::Minute | Unit::Hour | Unit::Day => days_later(beginning, count),
            Unit::Week => days_later(beginning, 7 * count),
            Unit::Month => {
                let months = Span::new().months(count * i64::from(self.timeframe.count()));
                beginning.saturating_add(months)
            }
        }
    }

    fn date_of(&self, at: i64) -> Date {
        self.zone.to_datetime(instant(at)).date()
    }
}

fn days_later(date: Date, days: i64) -> Date {
    date.saturating_add(Span::new().days(days))
}

impl Market {
    /// The bars that start within the window, computed as they are taken. The bar of a period that `now` is inside
    /// contains only what has happened by then; periods without a trade have no bar.
    ///
    /// Bars of minutes and hours are aligned to midnight in New York (crypto: UTC), so hours are clock hours. A day starts
    /// at midnight in New York (crypto: Chicago), a week on its Monday, months on the first, and bars of several months
    /// are counted from January; all are stamped there. Days and longer contain only regular sessions.
    pub fn bars(
        &self,
        symbol: &Symbol,
        timeframe: Timeframe,
        window: Window,
        sort: Sort,
    ) -> impl Iterator<Item = Bar> + use<'_> {
        self.number(symbol).into_iter().flat_map(move |asset| self.bars_of(asset, timeframe, window, sort))
    }

    /// The last finished bar of one minute.
    #[must_use]
    pub fn latest_bar(&self, symbol: &Symbol, now: Timestamp) -> Option<Bar> {
        let latest_from = |from: Timestamp| {
            let window = Window { from, to: now, now };
            self.bars(symbol, Timeframe::MINUTE, window, Sort::Descending)
                .find(|bar| micros(bar.at) + MINUTE <= micros(now))
        };
        // Mostly it is the minute before, which is found without making the day's bars.
        let shortly_before = now.saturating_sub(SignedDuration::from_mins(3)).unwrap_or(Timestamp::MIN);
        latest_from(shortly_before).or_else(|| latest_from(Timestamp::MIN))
    }

    fn bars_of(
        &self,
        asset: usize,
        timeframe: Timeframe,
        window: Window,
        sort: Sort,
    ) -> impl Iterator<Item = Bar> + use<'_> {
        let intraday = matches!(timeframe.unit(), Unit::Minute | Unit::Hour);
        let zone = if intraday && self.listed(asset).is_crypto() { TimeZone::UTC } else { self.zone(asset) };
        let portions = Portions { timeframe, zone };
        let now = micros(window.now);
        // The longest bar that contains the first day begins up to a year before it.
        let year = 366 * 24 * 60 * MINUTE;
        let from = micros_up(window.from).max(midnight(self.first_date(asset), &portions.zone) - year);
        let to = micros(window.to).min(now);

        let first = portions.beginning(portions.date_of(match sort {
            Sort::Ascending => from,
            Sort::Descending => to,
        }));
        let mut next = (from <= to).then_some(first);
        std::iter::from_fn(move || {
            let beginning = next?;
            let after = portions.further(beginning, 1);
            let (start, end) = (midnight(beginning, &portions.zone), midnight(after, &portions.zone));
            if start > to || end <= from {
                next = None;
                return None;
            }
            next = Some(match sort {
                Sort::Ascending => after,
                Sort::Descending => portions.further(beginning, -1),
            });
            let mut bars = if intraday {
                self.intraday(asset, timeframe, (start, end), (from, to), now)
            } else {
                self.whole_days(asset, beginning, after, start, now).into_iter().collect()
            };
            bars.retain(|bar| (from..=to).contains(&micros(bar.at)));
            if sort == Sort::Descending {
                bars.reverse();
            }
            Some(bars)
        })
        .flatten()
    }

    /// The bars of minutes or hours of one date, which lasts from `start` to `end`: at least those that begin within
    /// `from..=to`.
    fn intraday(
        &self,
        asset: usize,
        timeframe: Timeframe,
        (start, end): (i64, i64),
        (from, to): (i64, i64),
        now: i64,
    ) -> Vec<Bar> {
        let width =
            MINUTE * i64::from(timeframe.count()) * if timeframe.unit() == Unit::Hour { 60 } else { 1 };
        let scale = self.listed(asset).scale;
        // Whole bars, so that one minute of a day costs no more than a minute.
        let bucket_of = |at: i64| start + (at - start) / width * width;
        let first = bucket_of(from.max(start));
        let last = (bucket_of(to.max(start)) + width - 1).min(end - 1).min(now);
        let mut bars = Vec::new();
        let mut running: Option<(i64, Sum)> = None;
        for pass in self.passes(asset, first, last, Sort::Ascending) {
            let Some(tape) = self.tape(pass) else { continue };
            for played in tape.minutes_within(first, last) {
                let at = tape.minute_start(played);
                let Some(minute) = sum_until(&tape, played, now) else { continue };
                let bucket = bucket_of(at);
                running = match running {
                    Some((known, sum)) if known == bucket => Some((bucket, sum.then(minute))),
                    Some((known, sum)) => {
                        bars.push(sum.bar(known, scale));
                        Some((bucket, minute))
                    }
                    None => Some((bucket, minute)),
                };
            }
        }
        bars.extend(running.map(|(bucket, sum)| sum.bar(bucket, scale)));
        bars
    }

    /// The one bar of the dates from `first` up to but not including `after`, stamped `at`.
    fn whole_days(&self, asset: usize, first: Date, after: Date, at: i64, now: i64) -> Option<Bar> {
        let last = days_later(after, -1);
        let days: Vec<Pass> = if self.listed(asset).is_crypto() {
            let dates = std::iter::successors(Some(first), |date| date.tomorrow().ok());
            dates.take_while(|date| *date <= last).filter_map(|date| self.crypto_pass(asset, date)).collect()
        } else {
            calendar::sessions_between(first, last)
                .map(|session| self.session_pass(asset, &session))
                .collect()
        };
        let sum = days.iter().filter_map(|day| self.day_until(day, now)).reduce(Sum::then)?;
        Some(sum.bar(at, self.listed(asset).scale))
    }

    /// What a day has had by `now`.
    fn day_until(&self, pass: &Pass, now: i64) -> Option<Sum> {
        if now < pass.start {
            return None;
        }
        if now >= pass.end {
            let day = self.days.day(pass.asset, pass.index)?;
            let totals = self.totals(pass, &day);
            return Some(Sum {
                open: day.open,
                high: day.high,
                low: day.low,
                close: day.close,
                volume: i128::from(day.volume),
                trades: totals.trades,
                weighted: totals.weighted,
                vwap: totals.vwap,
            });
        }
        let tape = self.tape(*pass)?;
        tape.minutes_within(pass.start, now)
            .filter_map(|played| sum_until(&tape, played, now))
            .reduce(Sum::then)
    }
}

fn sum_until(tape: &Tape, played: usize, now: i64) -> Option<Sum> {
    if tape.minute(played).trades == 0 {
        None
    } else if tape.minute_start(played) + MINUTE <= now {
        Some(Sum::of_minute(tape, played))
    } else {
        Sum::of_minute_until(tape, played, now)
    }
}
