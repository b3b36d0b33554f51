//! When a price is first reached: what resting limit and stop orders wait for.

use jiff::Timestamp;
use paddock_core::Symbol;
use rust_decimal::Decimal;

use super::reading::Place;
use super::tape::Print;
use super::timeline::{instant, micros};
use super::{Market, Sort};

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// The ask comes down to the limit: a limit order to buy can be filled.
    AskAtOrBelow,
    /// The bid comes up to the limit: a limit order to sell can be filled.
    BidAtOrAbove,
    /// A trade at the limit or below: a stop order to sell is triggered.
    TradeAtOrBelow,
    /// A trade at the limit or above: a stop order to buy is triggered.
    TradeAtOrAbove,
}

/// Where a price was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// When, to the microsecond.
    pub at: Timestamp,
    /// The ask, bid or trade price at that instant, which may be better than the limit.
    pub price: Decimal,
}

/// A limit in the units of its asset.
#[derive(Clone, Copy)]
enum Limit {
    AtOrBelow(i64),
    AtOrAbove(i64),
}

impl Limit {
    fn met_by(self, price: i64) -> bool {
        match self {
            Self::AtOrBelow(limit) => price <= limit,
            Self::AtOrAbove(limit) => price >= limit,
        }
    }

    /// Whether prices between `low` and `high` can meet it. An ask is never below its trade and a bid never above, so
    /// this holds for quotes as well.
    fn in_reach(self, low: i64, high: i64) -> bool {
        match self {
            Self::AtOrBelow(_) => self.met_by(low),
            Self::AtOrAbove(_) => self.met_by(high),
        }
    }
}

impl Market {
    /// The first change of the tape in `(from, to]` that meets the limit. What already stood at `from` is not looked at:
    /// ask [`Market::quote`] for that. Years are searched in milliseconds, since days and minutes that do not reach the
    /// limit are passed over. `None` if there is no such change, or for what is not traded here.
    #[must_use]
    pub fn first_crossing(
        &self,
        symbol: &Symbol,
        watch: Watch,
        limit: Decimal,
        from: Timestamp,
        to: Timestamp,
    ) -> Option<Crossing> {
        let asset = self.number(symbol)?;
        let (scale, from, to) = (self.listed(asset).scale, micros(from) + 1, micros(to));
        let watched = |print: &Print| match watch {
            Watch::AskAtOrBelow => Some(print.ask),
            Watch::BidAtOrAbove => Some(print.bid),
            Watch::TradeAtOrBelow | Watch::TradeAtOrAbove => (print.size > 0).then_some(print.price),
        };
        let limit = match watch {
            Watch::AskAtOrBelow | Watch::TradeAtOrBelow => Limit::AtOrBelow(scale.price_floor(limit)),
            Watch::BidAtOrAbove | Watch::TradeAtOrAbove => Limit::AtOrAbove(scale.price_ceil(limit)),
        };
        // Without a halt there is one part.
        for (from, to) in self.halts.open_parts(asset, from, to) {
            let crossing = self.crossing_within(asset, limit, watched, (from, to));
            if let Some((at, price)) = crossing {
                return Some(Crossing { at: instant(at), price: scale.price(price) });
            }
        }
        None
    }

    /// The first change of the tape in `from..=to` that meets the limit: when, and what was watched.
    fn crossing_within(
        &self,
        asset: usize,
        limit: Limit,
        watched: impl Fn(&Print) -> Option<i64>,
        (from, to): (i64, i64),
    ) -> Option<(i64, i64)> {
        for pass in self.passes(asset, from, to, Sort::Ascending) {
            let Some(day) = self.days.day(asset, pass.index) else { continue };
            if !limit.in_reach(day.low, day.high) {
                continue;
            }
            let Some(tape) = self.tape(pass) else { continue };
            for played in tape.minutes_within(from, to) {
                let minute = tape.minute(played);
                if minute.trades == 0 || !limit.in_reach(minute.low, minute.high) {
                    continue;
                }
                let (first, end) = (tape.trades_until(played, from - 1), tape.trades_until(played, to));
                for trade in first..end {
                    let place = Place { played, trade };
                    let Some(price) = watched(&tape.print(place)) else { continue };
                    if limit.met_by(price) {
                        return Some((tape.at(place), price));
                    }
                }
            }
        }
        None
    }
}
