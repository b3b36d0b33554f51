//! One day's minutes: a seeded bridge through the day's open, extremes and close.
//!
//! The minutes aggregate back to exactly the day: the first opens at its open, the last closes at its close, the highest
//! high and the lowest low are its extremes, the volumes add up to its volume and the trades to its trade count.

use std::num::NonZeroI64;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::day::Day;
use super::seed::{BELL_DEVIATION, bell, below};
use super::units::{Scale, snap};

/// One minute, in the units of its asset. A generated one opens where the minute before closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Minute {
    pub open: i64,
    pub high: i64,
    pub low: i64,
    pub close: i64,
    pub volume: i64,
    /// How many trades the tape has: at least [`LEAST_TRADES`], or none.
    pub trades: u32,
    /// How many trades the tape had before this minute.
    pub trades_before: u32,
    /// How many trades its bar counts. Only the user's own bars may count others than the tape has.
    pub counted: u32,
    /// The volume-weighted price that the user's own bar has, see [`Scale::vwap`].
    pub vwap: Option<NonZeroI64>,
    /// What the minute's trades are drawn from.
    pub seed: u64,
}

/// A minute needs a trade each at its open, high, low and close.
pub(super) const LEAST_TRADES: i64 = 4;

/// Bounds the work for one day: 60,000 trades are more than two a second.
pub(super) const MOST_TRADES: i64 = 60_000;

/// How a day's volume is spread over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rhythm {
    /// Much at the opening and closing auctions, little at noon.
    Session,
    /// Even.
    RoundTheClock,
}

/// The path within a day runs in 0..=FULL, from the day's low to its high.
const FULL: i64 = 1 << 24;

/// Expands `day` into `count` minutes; `count` is at least 30 and the volume at least four units a minute.
pub(super) fn expand(
    day: &Day,
    count: usize,
    grid: i64,
    scale: Scale,
    rhythm: Rhythm,
    rng: &mut ChaCha8Rng,
) -> Vec<Minute> {
    let path = Path::draw(day, count, rng);
    let mut minutes = path.minutes(day, grid, rng);
    spread_volume(day, scale, rhythm, &mut minutes, rng);
    minutes
}

/// Where the price is at the border of each minute, and in which minutes the extremes fall.
struct Path {
    /// `count + 1` places in 0..=FULL. The first and the last stand for the day's exact open and close.
    nodes: Vec<i64>,
    high_minute: usize,
    low_minute: usize,
    /// The usual move from one node to the next.
    step: i64,
}

impl Path {
    fn draw(day: &Day, count: usize, rng: &mut ChaCha8Rng) -> Self {
        // The range of a random walk of `count` steps is about 1.6 steps times the root of `count`.
        let step = FULL * 10 / 16 / (count as i64).isqrt();
        let range = (day.high - day.low).max(1);
        let place = |price: i64| (i128::from(price - day.low) * i128::from(FULL) / i128::from(range)) as i64;

        // The extremes are reached at two different borders, more often in the first and last hours.
        let high_node = extreme_node(count, rng);
        let mut low_node = extreme_node(count, rng);
        if low_node == high_node {
            low_node = if high_node > 1 { high_node - 1 } else { high_node + 1 };
        }
        let high = (high_node, FULL - below(rng, FULL / 24));
        let low = (low_node, below(rng, FULL / 24));
        let (first, second) = if high_node < low_node { (high, low) } else { (low, high) };

        let mut nodes = Vec::with_capacity(count + 1);
        nodes.push(place(day.open));
        for (end, to) in [first, second, (count, place(day.close))] {
            bridge(&mut nodes, end, to, step, rng);
        }
        // The extreme itself falls into the minute before or after its border.
        let high_minute = high_node - (rng.next_u32() & 1) as usize;
        let low_minute = low_node - (rng.next_u32() & 1) as usize;
        Self { nodes, high_minute, low_minute, step }
    }

    fn minutes(&self, day: &Day, grid: i64, rng: &mut ChaCha8Rng) -> Vec<Minute> {
        let count = self.nodes.len() - 1;
        let range = i128::from(day.high - day.low);
        let span = |place: i64| ((range * i128::from(place)) >> 24) as i64;
        let mut minutes = Vec::with_capacity(count);
        let mut open = day.open;
        for minute in 0..count {
            let close = if minute + 1 == count {
                day.close
            } else {
                snap(day.low + span(self.nodes[minute + 1]), grid, day.low, day.high)
            };
            let wick = rng.next_u64();
            let reach = |shift: u32| {
                let lean = (((wick >> shift & 0xffff) * (wick >> (shift + 16) & 0xffff)) >> 16) as i64;
                span((self.step * lean) >> 16)
            };
            let (top, bottom) = (open.max(close), open.min(close));
            let high =
                if minute == self.high_minute { day.high } else { snap(top + reach(0), grid, top, day.high) };
            let low = if minute == self.low_minute {
                day.low
            } else {
                snap(bottom - reach(32), grid, day.low, bottom)
            };
            let seed = rng.next_u64();
            minutes.push(Minute {
                open,
                high,
                low,
                close,
                volume: 0,
                trades: 0,
                trades_before: 0,
                counted: 0,
                vwap: None,
                seed,
            });
            open = close;
        }
        minutes
    }
}

/// A border in 1..count, drawn so that the ends of the day are likelier than its middle.
fn extreme_node(count: usize, rng: &mut ChaCha8Rng) -> usize {
    let inner = count as i64 - 1;
    let half = (below(rng, 1 << 16) * below(rng, 1 << 16)) >> 17;
    let from_end = (inner * half) >> 16;
    let node = if rng.next_u32() & 1 == 0 { from_end } else { inner - 1 - from_end };
    1 + node as usize
}

/// Appends a random walk that ends at node `end` on the place `to`, folded back wherever it leaves 0..=FULL.
fn bridge(nodes: &mut Vec<i64>, end: usize, to: i64, step: i64, rng: &mut ChaCha8Rng) {
    let start = nodes.len() - 1;
    let from = nodes[start];
    let length = (end - start) as i64;
    let mut walked = 0;
    for _ in start..end {
        walked += bell(rng) * step / BELL_DEVIATION;
        nodes.push(walked);
    }
    let bend = to - from - walked;
    for (taken, node) in (1..).zip(nodes[start + 1..].iter_mut()) {
        *node = fold(from + *node + bend * taken / length);
    }
}

fn fold(place: i64) -> i64 {
    let turned = place.rem_euclid(2 * FULL);
    if turned > FULL { 2 * FULL - turned } else { turned }
}

/// Gives each minute its share of the day's volume and trades.
fn spread_volume(day: &Day, scale: Scale, rhythm: Rhythm, minutes: &mut [Minute], rng: &mut ChaCha8Rng) {
    let count = minutes.len() as i64;
    debug_assert!(day.volume >= LEAST_TRADES * count, "a day too thin to have trades in every minute");
    let weights: Vec<i64> = (0..count)
        .map(|minute| {
            let usual = match rhythm {
                Rhythm::RoundTheClock => 256,
                Rhythm::Session => {
                    let from_noon = (2 * minute + 1 - count).abs() * 1024 / count;
                    let square = (from_noon * from_noon) >> 10;
                    let auction = match minute {
                        0 => 1500,
                        _ if minute == count - 1 => 3500,
                        _ => 0,
                    };
                    256 + ((square * square) >> 10) + auction
                }
            };
            (usual * (64 + below(rng, 192))) >> 4
        })
        .collect();

    // The count grows with the root of what was traded in money.
    let money = scale.notional(day.close, day.volume).isqrt().min(1 << 40) as i64;
    let extra = money * (80 + below(rng, 40)) / 800;
    let trades = (LEAST_TRADES * count + extra).min(MOST_TRADES).min(day.volume);
    // Each trade has at least one unit; what is left is spread too.
    let mut trades_share = Share::new(trades - LEAST_TRADES * count, &weights);
    let mut volume_share = Share::new(day.volume - trades, &weights);
    let mut before = 0;
    for (minute, weight) in minutes.iter_mut().zip(weights) {
        let trades = LEAST_TRADES + trades_share.take(weight);
        minute.trades = trades as u32;
        minute.counted = minute.trades;
        minute.trades_before = before;
        minute.volume = trades + volume_share.take(weight);
        before += minute.trades;
    }
}

/// Splits a total by weights so that the parts add up to exactly the total.
struct Share {
    total: i128,
    all_weights: i128,
    weights_so_far: i128,
    given: i128,
}

impl Share {
    fn new(total: i64, weights: &[i64]) -> Self {
        let all_weights = i128::from(weights.iter().sum::<i64>()).max(1);
        Self { total: i128::from(total.max(0)), all_weights, weights_so_far: 0, given: 0 }
    }

    fn take(&mut self, weight: i64) -> i64 {
        self.weights_so_far += i128::from(weight);
        let due = self.total * self.weights_so_far / self.all_weights;
        let part = due - self.given;
        self.given = due;
        part as i64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::seed::generator;
    use super::*;

    /// Asserts what the module promises, and returns the minutes.
    pub(in crate::market) fn check(
        day: &Day,
        count: usize,
        grid: i64,
        scale: Scale,
        rhythm: Rhythm,
        seed: u64,
    ) -> Vec<Minute> {
        let minutes = expand(day, count, grid, scale, rhythm, &mut generator(seed, "TEST", "minutes", 0));
        assert_eq!(minutes.len(), count);
        assert_eq!(minutes[0].open, day.open);
        assert_eq!(minutes[count - 1].close, day.close);
        assert_eq!(minutes.iter().map(|m| m.high).max(), Some(day.high));
        assert_eq!(minutes.iter().map(|m| m.low).min(), Some(day.low));
        assert_eq!(minutes.iter().map(|m| m.volume).sum::<i64>(), day.volume);
        let mut before = 0;
        let exact = [day.open, day.high, day.low, day.close];
        for (position, minute) in minutes.iter().enumerate() {
            assert!(minute.low <= minute.open.min(minute.close), "{minute:?}");
            assert!(minute.high >= minute.open.max(minute.close), "{minute:?}");
            for price in [minute.open, minute.high, minute.low, minute.close] {
                assert!(price % grid == 0 || exact.contains(&price), "{price} of {day:?}");
            }
            assert!(i64::from(minute.trades) >= LEAST_TRADES && i64::from(minute.trades) <= minute.volume);
            assert_eq!(minute.trades_before, before);
            before += minute.trades;
            assert!(position == 0 || minute.open == minutes[position - 1].close);
        }
        minutes
    }

    prop_compose! {
        fn any_day()(low in 1_i64..5_000_000, range in 0_i64..400_000, a in 0_i64..=10_000, b in 0_i64..=10_000,
                     volume in 1_600_i64..900_000_000) -> Day {
            let at = |part: i64| low + range * part / 10_000;
            Day { open: at(a), high: low + range, low, close: at(b), volume }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn minutes_aggregate_to_exactly_their_day(day in any_day(), seed: u64, half: bool) {
            check(&day, if half { 210 } else { 390 }, 100, Scale::STOCK, Rhythm::Session, seed);
        }

        #[test]
        fn crypto_minutes_too(day in any_day(), seed: u64) {
            let day = Day { open: day.open * 7919, high: day.high * 7919, low: day.low * 7919, close: day.close * 7919,
                            volume: day.volume * 1_000_003 };
            check(&day, 1440, 10_000, Scale::CRYPTO, Rhythm::RoundTheClock, seed);
        }
    }

    #[test]
    fn recorded_days_keep_their_exact_figures() {
        use super::super::DateLaying::AsRecorded;
        use super::super::recorded::RECORDINGS;
        for (seed, recording) in (7..).zip(&RECORDINGS) {
            let mut index = recording.first_index(AsRecorded);
            while let Some((_, day)) = recording.day(AsRecorded, index) {
                // Half days are as often laid onto whole ones as not.
                let count = if index % 50 == 0 { 210 } else { 390 };
                check(&day, count, 100, Scale::STOCK, Rhythm::Session, seed + index as u64);
                index += 1;
            }
        }
    }

    #[test]
    fn more_is_traded_early_and_late_than_at_noon() {
        let day = Day { open: 100_000, high: 102_000, low: 99_000, close: 101_500, volume: 20_000_000 };
        let minutes = check(&day, 390, 100, Scale::STOCK, Rhythm::Session, 1);
        let half_hour = |from: usize| minutes[from..from + 30].iter().map(|m| m.volume).sum::<i64>();
        assert!(half_hour(0) > 2 * half_hour(180));
        assert!(half_hour(360) > 2 * half_hour(180));
    }
}
