//! Bars whose prices are made comparable over splits and dividends.
//!
//! All prices before a split are divided, and all volumes multiplied, by its ratio. All prices before a dividend's ex-date are
//! multiplied by 1 less the dividend over the last close before it; volumes stay. Only actions whose ex-date has come by the
//! present day count, so that the last prices are always the raw ones.

use std::str::FromStr;

use jiff::civil::Date;
use paddock_core::{Symbol, calendar};
use rust_decimal::Decimal;

use super::corporate::ActionKind;
use super::timeframe::{Timeframe, Unit};
use super::{Bar, Market, Sort, Window};

/// What is taken out of prices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adjustment {
    splits: bool,
    dividends: bool,
}

/// The text is no adjustment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an adjustment: expected raw, all, or some of split, dividend and spin-off")]
pub struct NotAnAdjustment;

/// Reads Alpaca's words, several with commas. There are no spin-offs here.
impl FromStr for Adjustment {
    type Err = NotAnAdjustment;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut adjustment = Self::default();
        for word in text.split(',') {
            match word.trim() {
                "raw" | "spin-off" => {}
                "split" => adjustment.splits = true,
                "dividend" => adjustment.dividends = true,
                "all" => adjustment = Self { splits: true, dividends: true },
                _ => return Err(NotAnAdjustment),
            }
        }
        Ok(adjustment)
    }
}

/// What prices and volumes before a date are multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    before: Date,
    price: Decimal,
    volume: Decimal,
}

/// All steps of one symbol as of one day, each with the later ones inside it, oldest first.
struct Steps(Vec<Step>);

impl Steps {
    fn on(&self, date: Date) -> Step {
        let later = self.0.partition_point(|step| step.before <= date);
        self.0.get(later).copied().unwrap_or(Step { before: date, price: Decimal::ONE, volume: Decimal::ONE })
    }

    /// The bar of a period that begins on `date` and has one step.
    fn adjust(&self, bar: Bar, date: Date) -> Bar {
        let step = self.on(date);
        let price = |price: Decimal| (price * step.price).round_dp(4).normalize();
        Bar {
            open: price(bar.open),
            high: price(bar.high),
            low: price(bar.low),
            close: price(bar.close),
            volume: (bar.volume * step.volume).round().normalize(),
            vwap: (bar.vwap * step.price).round_dp(6).normalize(),
            ..bar
        }
    }

    /// Whether an ex-date lies within a period after its first day.
    fn divide(&self, first: Date, after: Date) -> bool {
        self.0.iter().any(|step| first < step.before && step.before < after)
    }
}

impl Market {
    /// The bars of [`Market::bars`] with `adjustment`, as of the window's present.
    pub fn adjusted_bars<'a>(
        &'a self,
        symbol: &'a Symbol,
        timeframe: Timeframe,
        window: Window,
        sort: Sort,
        adjustment: Adjustment,
    ) -> impl Iterator<Item = Bar> + use<'a> {
        let steps = self.steps(symbol, adjustment, calendar::trading_date(window.now));
        self.bars(symbol, timeframe, window, sort).map(move |bar| {
            if steps.0.is_empty() {
                return bar;
            }
            let first = calendar::trading_date(bar.at);
            let after = match timeframe.unit() {
                Unit::Minute | Unit::Hour | Unit::Day => first,
                Unit::Week => first.saturating_add(jiff::Span::new().weeks(1)),
                Unit::Month => first.saturating_add(jiff::Span::new().months(i64::from(timeframe.count()))),
            };
            match steps.divide(first, after) {
                true => self.bar_of_days(symbol, bar, (first, after), window, &steps),
                false => steps.adjust(bar, first),
            }
        })
    }

    /// A bar over an ex-date, from its days.
    fn bar_of_days(
        &self,
        symbol: &Symbol,
        bar: Bar,
        (first, after): (Date, Date),
        window: Window,
        steps: &Steps,
    ) -> Bar {
        let zone = calendar::new_york();
        let midnight = |date: Date| zone.to_timestamp(date.to_datetime(jiff::civil::Time::midnight()));
        let end = midnight(after).unwrap_or(window.now) - jiff::SignedDuration::from_micros(1);
        let days = Window { from: midnight(first).unwrap_or(bar.at), to: end, now: window.now };
        let mut worth = Decimal::ZERO;
        let whole = self
            .bars(symbol, Timeframe::DAY, days, Sort::Ascending)
            .map(|day| {
                let date = calendar::trading_date(day.at);
                let day = steps.adjust(day, date);
                worth += day.vwap * day.volume;
                day
            })
            .reduce(|before, day| Bar {
                high: before.high.max(day.high),
                low: before.low.min(day.low),
                close: day.close,
                volume: before.volume + day.volume,
                trade_count: before.trade_count + day.trade_count,
                ..before
            });
        let Some(whole) = whole else { return bar };
        let vwap = worth.checked_div(whole.volume).unwrap_or(whole.vwap).round_dp(6).normalize();
        Bar { at: bar.at, vwap, ..whole }
    }

    fn steps(&self, symbol: &Symbol, adjustment: Adjustment, today: Date) -> Steps {
        let mut steps: Vec<Step> = Vec::new();
        let (mut price, mut volume) = (Decimal::ONE, Decimal::ONE);
        // From the last one backwards, so that each has the later ones inside it.
        let mut actions = self.actions_of(symbol).filter(|action| action.ex_date <= today).rev().peekable();
        while let Some(action) = actions.next() {
            match action.kind {
                ActionKind::Split { new, old } if adjustment.splits => {
                    price = price * old / new;
                    volume = volume * new / old;
                }
                ActionKind::Dividend { rate, .. } if adjustment.dividends => {
                    // What is paid on one day is one dividend.
                    let mut rate = rate;
                    while let Some(more) = actions.next_if(|other| other.ex_date == action.ex_date) {
                        if let ActionKind::Dividend { rate: other, .. } = more.kind {
                            rate += other;
                        }
                    }
                    let Some(part) = self
                        .close_before(symbol, action.ex_date)
                        .and_then(|close| rate.checked_div(close))
                        .filter(|part| *part < Decimal::ONE)
                    else {
                        continue;
                    };
                    price *= Decimal::ONE - part;
                }
                ActionKind::Split { .. } | ActionKind::Dividend { .. } => continue,
            }
            steps.push(Step { before: action.ex_date, price, volume });
        }
        steps.reverse();
        Steps(steps)
    }

    /// The close of the last session before a date.
    fn close_before(&self, symbol: &Symbol, date: Date) -> Option<Decimal> {
        let asset = self.number(symbol)?;
        let before = calendar::session_index(calendar::previous_session_before(date).date);
        Some(self.listed(asset).scale.price(self.days.day(asset, before)?.close))
    }
}
