//! The minutes of a day of the user's own bars: those of the file, or made from the bar of the day.

use std::num::NonZeroI64;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::columns::Row;
use super::series::Series;
use crate::market::day::Day;
use crate::market::minutes::{LEAST_TRADES, MOST_TRADES, Minute, Rhythm, expand};
use crate::market::seed::mix;
use crate::market::units::Scale;

/// The fewest minutes over which a day is spread; a day with less volume than their trades need is one minute.
const FEWEST_MINUTES: i64 = 30;

/// A file's minutes without a count of trades have one for so many roots of the money that changed hands, beside the least.
const ROOTS_OF_MONEY: i128 = 160;

impl Series {
    /// The minutes of a day that has bars: `count` of them, from `start`, which is counted in minutes since 1970.
    pub fn expand(
        &self,
        day: &Day,
        start: i64,
        count: usize,
        (grid, scale, rhythm): (i64, Scale, Rhythm),
        rng: &mut ChaCha8Rng,
    ) -> Vec<Minute> {
        let stamp = |minute: i64| u32::try_from(minute).unwrap_or(0);
        let rows = self.minutes.before(stamp(start))..self.minutes.before(stamp(start + count as i64));
        if rows.is_empty() {
            return spread(day, count, (grid, scale, rhythm), rng);
        }
        let seed = rng.next_u64();
        let trades = TapeTrades::new(self.minutes.rows(rows.clone()), rows.len(), scale);
        let mut minutes = silence(day.open, count);
        for row in self.minutes.rows(rows) {
            let place = (i64::from(row.stamp) - start) as usize;
            let Some(minute) = minutes.get_mut(place) else { continue };
            let prints = trades.of(&row);
            *minute = Minute {
                open: row.open,
                high: row.high,
                low: row.low,
                close: row.close,
                volume: row.volume,
                trades: prints,
                trades_before: 0,
                counted: u32::try_from(row.trades).unwrap_or(if row.volume == 0 { 0 } else { prints }),
                vwap: NonZeroI64::new(row.vwap),
                seed: mix(seed, place as u64),
            };
        }
        join(&mut minutes);
        minutes
    }
}

/// How many trades the tape has for each bar: as many as the file counts, but no more in a day than a generated one has.
struct TapeTrades {
    scale: Scale,
    /// Above the least, of all bars together, and how many of these the tape has.
    wanted: i128,
    given: i128,
}

impl TapeTrades {
    fn new(rows: impl Iterator<Item = Row>, count: usize, scale: Scale) -> Self {
        let mut trades = Self { scale, wanted: 0, given: 0 };
        trades.wanted = rows.map(|row| trades.above_least(&row)).sum();
        trades.given = trades.wanted.min(i128::from(MOST_TRADES - LEAST_TRADES * count as i64));
        trades
    }

    fn of(&self, row: &Row) -> u32 {
        let part = self.above_least(row) * self.given / self.wanted.max(1);
        LEAST_TRADES as u32 + u32::try_from(part).unwrap_or(0)
    }

    fn above_least(&self, row: &Row) -> i128 {
        let counted = match row.trades {
            Row::UNTOLD => {
                LEAST_TRADES as i128 + self.scale.notional(row.close, row.volume).isqrt() / ROOTS_OF_MONEY
            }
            trades => i128::from(trades),
        };
        // Each trade has at least one unit.
        (counted.min(i128::from(row.volume)) - i128::from(LEAST_TRADES)).max(0)
    }
}

/// The minutes of a day of which only the day's own bar is known.
fn spread(
    day: &Day,
    count: usize,
    (grid, scale, rhythm): (i64, Scale, Rhythm),
    rng: &mut ChaCha8Rng,
) -> Vec<Minute> {
    let filled = (day.volume / LEAST_TRADES).min(count as i64);
    if filled == count as i64 {
        return expand(day, count, grid, scale, rhythm, rng);
    }
    let mut minutes = silence(day.open, count);
    if filled < FEWEST_MINUTES {
        minutes[0] = Minute {
            high: day.high,
            low: day.low,
            close: day.close,
            volume: day.volume,
            trades: LEAST_TRADES as u32,
            counted: day.volume.min(LEAST_TRADES) as u32,
            seed: rng.next_u64(),
            ..minutes[0]
        };
    } else {
        // From the first minute to the last, with silence between.
        let busy = expand(day, filled as usize, grid, scale, rhythm, rng);
        let last = busy.len() - 1;
        for (position, minute) in busy.into_iter().enumerate() {
            minutes[position * (count - 1) / last] = minute;
        }
    }
    join(&mut minutes);
    minutes
}

/// Minutes without a trade.
fn silence(price: i64, count: usize) -> Vec<Minute> {
    let silent = Minute {
        open: price,
        high: price,
        low: price,
        close: price,
        volume: 0,
        trades: 0,
        trades_before: 0,
        counted: 0,
        vwap: None,
        seed: 0,
    };
    vec![silent; count]
}

/// In a minute without a trade the price stays where it was; and each minute knows how many trades there were before.
fn join(minutes: &mut [Minute]) {
    let (mut price, mut before) = (None, 0);
    for minute in minutes {
        minute.trades_before = before;
        before += minute.trades;
        match price {
            Some(price) if minute.trades == 0 => {
                (minute.open, minute.high, minute.low, minute.close) = (price, price, price, price);
            }
            _ => {}
        }
        if minute.trades > 0 {
            price = Some(minute.close);
        }
    }
}
