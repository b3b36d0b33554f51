//! The trades and quotes within a minute. Each is computed from the minute alone, without those before it.
//!
//! A minute with n trades is cut into n equal slots of time with one trade each. The first trade is at the minute's
//! open, the last at its close, and two in between at its extremes; the others wander between these. Every trade
//! comes with the quote that it was made against: a buyer paid the ask, or a seller took the bid.

use super::minutes::Minute;
use super::seed::mix;
use super::units::{Scale, snap};

/// Microseconds in a minute.
pub(super) const MINUTE: i64 = 60_000_000;

/// One trade with its quote, in the units of its asset. Without a size it is a change of the quote alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Print {
    pub price: i64,
    pub size: i64,
    /// Whether the buyer crossed the spread.
    pub bought: bool,
    pub bid: i64,
    pub ask: i64,
    /// Random bits for what hangs on the print, such as the sizes of its quote.
    pub bits: u64,
}

/// How an asset is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quoting {
    pub grid: i64,
    /// The step of prices below a dollar, for stocks.
    pub fine_grid: i64,
    /// The usual spread above one grid step, in millionths of the price.
    pub spread: i64,
}

impl Quoting {
    pub fn new(grid: i64, scale: Scale) -> Self {
        let stock = scale == Scale::STOCK;
        Self { grid, fine_grid: if stock { 1 } else { grid }, spread: if stock { 30 } else { 400 } }
    }

    /// The step of prices at `price`.
    fn grid_at(self, price: i64) -> i64 {
        if price < 10_000 { self.fine_grid } else { self.grid }
    }
}

/// When trade `position` happens, in microseconds since the minute's start: at least 1, so that a day's tape read
/// backwards keeps to its minutes.
pub(super) fn offset(minute: &Minute, position: u32) -> i64 {
    let slot = |position: u32| MINUTE * i64::from(position) / i64::from(minute.trades);
    let (start, end) = (slot(position), slot(position + 1));
    start + 1 + (mix(minute.seed, u64::from(position) << 2) % (end - start - 1).max(1) as u64) as i64
}

/// The trade `position`, which is below `minute.trades`.
pub(super) fn print(minute: &Minute, position: u32, quoting: Quoting) -> Print {
    let price = price(minute, position, quoting.grid_at(minute.low));
    let size = shares_before(minute, position + 1) - shares_before(minute, position);
    let bits = mix(minute.seed, u64::from(position) << 2 | 1);
    let bought = bits & 1 == 0;
    let grid = quoting.grid_at(price);
    let wide = (i128::from(price) * i128::from(quoting.spread) / 1_000_000) as i64 / grid;
    // Half of the quotes are at their tightest.
    let spread = grid * (1 + wide * ((bits >> 1) & 1) as i64 + wide / 4);
    let (bid, ask) = if bought {
        let ask = price + (-price).rem_euclid(grid);
        ((ask - spread).max(0), ask)
    } else {
        let bid = price - price.rem_euclid(grid);
        (bid, bid + spread)
    };
    Print { price, size, bought, bid, ask, bits: bits >> 8 }
}

/// How much the first `count` trades of the minute have traded together.
pub(super) fn shares_before(minute: &Minute, count: u32) -> i64 {
    if count == 0 || count == minute.trades {
        return if count == 0 { 0 } else { minute.volume };
    }
    if minute.volume < i64::from(minute.trades) {
        // A bar of the user's own with so little volume, or none: the first prints are quotes without a trade.
        return (i128::from(minute.volume) * i128::from(count) / i128::from(minute.trades)) as i64;
    }
    // One unit each, and of the rest a share that grows by at most two even parts at a time.
    let jitter = mix(minute.seed, u64::from(count) << 2 | 2) & 0xffff;
    let rest = i128::from(minute.volume - i64::from(minute.trades));
    let part = (i128::from(count) << 16) + i128::from(jitter);
    i64::from(count) + (rest * part / (i128::from(minute.trades) << 16)) as i64
}

fn price(minute: &Minute, position: u32, grid: i64) -> i64 {
    let last = minute.trades - 1;
    // Two different positions strictly between the first and the last; there are at least four trades.
    let inner = u64::from(last - 1);
    let draw = mix(minute.seed, 3);
    let one = 1 + (draw % inner) as u32;
    let other = 1 + ((u64::from(one) + (draw >> 32) % (inner - 1)) % inner) as u32;
    let (early, late) = (one.min(other), one.max(other));
    // A minute that rises mostly dips first.
    let dips_first = (minute.close >= minute.open) ^ (draw >> 62 == 0);
    let (first, second) = if dips_first { (minute.low, minute.high) } else { (minute.high, minute.low) };

    let ((from_at, from), (to_at, to)) = if position <= early {
        ((0, minute.open), (early, first))
    } else if position <= late {
        ((early, first), (late, second))
    } else {
        ((late, second), (last, minute.close))
    };
    if position == from_at {
        return from;
    }
    if position == to_at {
        return to;
    }
    let (gone, way) = (i128::from(position - from_at), i128::from(to_at - from_at));
    let straight = from + (i128::from(to - from) * gone / way) as i64;
    let wobble = (minute.high - minute.low) / 4 + 1;
    let noise = (mix(minute.seed, u64::from(position) << 2 | 3) >> 16) as i64 % wobble - wobble / 2;
    snap(straight + noise, grid, minute.low, minute.high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn any_minute()(low in 10_000_i64..9_000_000, range in 0_i64..30_000, a in 0_i64..=100, b in 0_i64..=100,
                        trades in 4_u32..400, extra in 0_i64..5_000_000, seed: u64) -> Minute {
            let at = |part: i64| low + range * part / 100;
            Minute { open: at(a), high: low + range, low, close: at(b), volume: i64::from(trades) + extra, trades,
                     trades_before: 0, counted: trades, vwap: None, seed }
        }
    }

    proptest! {
        #[test]
        fn trades_add_up_to_exactly_their_minute(minute in any_minute()) {
            let quoting = Quoting::new(100, Scale::STOCK);
            let prints: Vec<Print> = (0..minute.trades).map(|position| print(&minute, position, quoting)).collect();
            prop_assert_eq!(prints[0].price, minute.open);
            prop_assert_eq!(prints[prints.len() - 1].price, minute.close);
            prop_assert_eq!(prints.iter().map(|p| p.price).max(), Some(minute.high));
            prop_assert_eq!(prints.iter().map(|p| p.price).min(), Some(minute.low));
            prop_assert_eq!(prints.iter().map(|p| p.size).sum::<i64>(), minute.volume);
            for print in prints {
                prop_assert!(print.size >= 1);
                prop_assert!(0 < print.bid && print.bid < print.ask && print.bid <= print.price && print.price <= print.ask);
                prop_assert!(print.bid % 100 == 0 && print.ask % 100 == 0);
            }
        }

        #[test]
        fn trades_are_in_order_and_within_their_minute(minute in any_minute()) {
            let offsets: Vec<i64> = (0..minute.trades).map(|position| offset(&minute, position)).collect();
            prop_assert!(offsets.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(offsets[0] >= 1 && offsets[offsets.len() - 1] < MINUTE);
        }
    }
}
