//! How far a trailing stop has come, and where it is triggered.

use jiff::Timestamp;
use paddock_core::Symbol;
use paddock_core::order::Side;
use rust_decimal::Decimal;

use super::crossing::Crossing;
use super::reading::Place;
use super::tape::{MINUTE, Print};
use super::timeline::{instant, micros};
use super::{Market, Sort};

/// How far behind the market a trailing stop stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trail {
    /// So many dollars per unit.
    Dollars(Decimal),
    /// So many hundredths of the price.
    Percent(Decimal),
}

impl Trail {
    /// The stop price for the best price so far: the highest for a sale, the lowest for a purchase. To the cent, or below a
    /// dollar to a hundredth of one, and never nearer to the market than the trail.
    #[must_use]
    pub fn stop_price(self, side: Side, best: Decimal) -> Decimal {
        let distance = match self {
            Self::Dollars(dollars) => dollars,
            Self::Percent(percent) => best * percent / Decimal::ONE_HUNDRED,
        };
        let exact = match side {
            Side::Sell => best - distance,
            Side::Buy => best + distance,
        };
        let unit = Decimal::from(if exact.abs() >= Decimal::ONE { 100 } else { 10_000 });
        let units = match side {
            Side::Sell => (exact * unit).floor(),
            Side::Buy => (exact * unit).ceil(),
        };
        (units / unit).normalize()
    }
}

/// A trailing stop over a stretch of the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailed {
    /// The best price that it has seen.
    pub best: Decimal,
    /// The trade that reached the stop price, at which the looking ended.
    pub triggered: Option<Crossing>,
}

impl Market {
    /// Follows the trades in `(from, to]` with a trailing stop that has seen `best` before, up to the one that triggers it.
    /// Minutes that cannot trigger it are passed over whole.
    #[must_use]
    pub fn trail(
        &self,
        symbol: &Symbol,
        side: Side,
        trail: Trail,
        best: Decimal,
        (from, to): (Timestamp, Timestamp),
    ) -> Trailed {
        let mut trailed = Trailed { best, triggered: None };
        let Some(asset) = self.number(symbol) else { return trailed };
        // Without a halt there is one part.
        for part in self.halts.open_parts(asset, micros(from) + 1, micros(to)) {
            trailed = self.trail_within(asset, side, trail, trailed.best, part);
            if trailed.triggered.is_some() {
                break;
            }
        }
        trailed
    }

    fn trail_within(
        &self,
        asset: usize,
        side: Side,
        trail: Trail,
        best: Decimal,
        (from, to): (i64, i64),
    ) -> Trailed {
        let scale = self.listed(asset).scale;
        let better = |one: i64, other: i64| match side {
            Side::Sell => one.max(other),
            Side::Buy => one.min(other),
        };
        let triggers = |price: i64, best: i64| {
            let stop = trail.stop_price(side, scale.price(best));
            match side {
                Side::Sell => price <= scale.price_floor(stop),
                Side::Buy => price >= scale.price_ceil(stop),
            }
        };
        let mut best = match side {
            Side::Sell => scale.price_ceil(best),
            Side::Buy => scale.price_floor(best),
        };
        for pass in self.passes(asset, from, to, Sort::Ascending) {
            let Some(tape) = self.tape(pass) else { continue };
            for played in tape.minutes_within(from, to) {
                let minute = tape.minute(played);
                if minute.volume == 0 {
                    continue;
                }
                let (top, bottom) = match side {
                    Side::Sell => (minute.high, minute.low),
                    Side::Buy => (minute.low, minute.high),
                };
                // If even the worst price would not trigger the stop at its nearest, none does.
                let nearest = better(best, top);
                let start = tape.minute_start(played);
                // With less volume than that, its extremes may be quotes without a trade.
                let whole =
                    from <= start && start + MINUTE <= to && minute.volume >= i64::from(minute.trades);
                if (whole || nearest == best) && !triggers(bottom, nearest) {
                    best = nearest;
                    continue;
                }
                let (first, end) = (tape.trades_until(played, from - 1), tape.trades_until(played, to));
                for trade in first..end {
                    let place = Place { played, trade };
                    let Print { price, size, .. } = tape.print(place);
                    if size == 0 {
                        continue;
                    }
                    if triggers(price, best) {
                        let crossing = Crossing { at: instant(tape.at(place)), price: scale.price(price) };
                        return Trailed { best: scale.price(best), triggered: Some(crossing) };
                    }
                    best = better(best, price);
                }
            }
        }
        Trailed { best: scale.price(best), triggered: None }
    }
}
