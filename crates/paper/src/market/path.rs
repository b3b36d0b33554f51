//! The generator of daily prices: a random walk in blocks, so that any day is found without the days before it.
//!
//! A block is 256 days. At its borders the logarithm of the price is tied to anchors drawn for the border alone, close
//! to the asset's base price; between them runs a random walk bent to end on the anchor (a Brownian bridge). So
//! neighbouring days move like a market's, a year apart prices have wandered, and in a century they have not run away.

use rand_chacha::ChaCha8Rng;

use super::day::Day;
use super::listing::Around;
use super::seed::{BELL_DEVIATION, bell, below, generator};
use super::units::{scale_by_power_of_two, snap};

/// Days in a block.
pub(super) const BLOCK: i64 = 256;

/// A basis point of change as a binary logarithm with 32 fractional bits: 2^32 / 10,000 / ln 2.
const BASIS_POINT: i64 = 619_635;

/// The price stays within a factor of 2^2.5 of its base.
const REACH: i64 = 5 << 31;

/// How an asset's days follow on each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A stock: overnight gaps between close and open.
    Sessions,
    /// A stock whose first generated day follows a recorded close, which is the base price.
    Continued,
    /// Crypto: each day opens where the one before closed.
    RoundTheClock,
    /// Crypto whose first generated day follows a close of the user's own bars, which is the base price.
    ContinuedRoundTheClock,
}

/// The days `block * BLOCK ..` of an asset, counted from its origin.
pub(super) fn block(seed: u64, symbol: &str, kind: Kind, around: Around, grid: i64, block: i64) -> Vec<Day> {
    let step = around.volatility * BASIS_POINT;
    let anchor = |border: i64| match (kind, border) {
        (Kind::Continued | Kind::ContinuedRoundTheClock, 0) => 0,
        // Within six usual daily moves of the base price.
        _ => (below(&mut generator(seed, symbol, "anchor", border), 12_001) - 6_000) * step / 1000,
    };
    let mut rng = generator(seed, symbol, "path", block);
    let walk = walk(&mut rng, step);
    let (from, to) = (anchor(block), anchor(block + 1));
    let bend = to - from - walk[walk.len() - 1];
    let nodes: Vec<i64> = walk
        .iter()
        .enumerate()
        .map(|(place, walked)| (from + walked + bend * place as i64 / BLOCK).clamp(-REACH, REACH))
        .collect();

    nodes
        .windows(2)
        .map(|pair| {
            let (before, after) = (pair[0], pair[1]);
            let gap = match kind {
                Kind::RoundTheClock | Kind::ContinuedRoundTheClock => 0,
                // A third of the whole move is made overnight, give or take.
                Kind::Sessions | Kind::Continued => {
                    (after - before) / 3 + bell(&mut rng) * (step / 3) / BELL_DEVIATION
                }
            };
            let price = |exponent| snap(scale_by_power_of_two(around.price, exponent), grid, grid, i64::MAX);
            // The first generated day continues from a close that may itself lie off the grid; its open need not.
            let (open, close) = (price(before + gap), price(after));
            complete(&mut rng, open, close, around, grid)
        })
        .collect()
}

/// Like [`block`], for a pair whose opens and closes are given.
pub(super) fn cross_block(
    seed: u64,
    symbol: &str,
    ends: &[Day],
    around: Around,
    grid: i64,
    block: i64,
) -> Vec<Day> {
    let mut rng = generator(seed, symbol, "path", block);
    ends.iter()
        .map(|day| {
            let on_grid = |price| snap(price, grid, grid, i64::MAX);
            complete(&mut rng, on_grid(day.open), on_grid(day.close), around, grid)
        })
        .collect()
}

/// `BLOCK + 1` places of a random walk from 0, whose liveliness itself changes every month or so.
fn walk(rng: &mut ChaCha8Rng, step: i64) -> Vec<i64> {
    let mut places = vec![0];
    let (mut at, mut mood, mut next_mood) = (0, 100, 100);
    for place in 0..BLOCK {
        if place % 16 == 0 {
            (mood, next_mood) = (next_mood, 60 + below(rng, 90));
        }
        let lively = mood + (next_mood - mood) * (place % 16) / 16;
        // Once in a while news comes in, and the move is three times what it would have been.
        let news = if below(rng, 40) == 0 { 3 } else { 1 };
        at += bell(rng) * news * (step / 100) * lively / BELL_DEVIATION;
        places.push(at);
    }
    places
}

/// Adds to a day's open and close how far it reached beyond them, and its volume.
fn complete(rng: &mut ChaCha8Rng, open: i64, close: i64, around: Around, grid: i64) -> Day {
    let (top, bottom) = (open.max(close), open.min(close));
    let mut reach = || {
        let lean = (below(rng, 1 << 16) * below(rng, 1 << 16)) >> 16;
        let usual = i128::from(top) * i128::from(around.volatility) / 10_000;
        ((usual * i128::from(lean)) >> 16) as i64 * 5 / 4
    };
    let high = snap(top + reach() + grid, grid, top, i64::MAX);
    let low = snap(bottom - reach() - grid, grid, grid.min(bottom), bottom);

    // More is traded on days that move, up to four times the usual.
    let usual_move = (i128::from(top) * i128::from(around.volatility) / 10_000).max(1);
    let moved = (i128::from(high - low) * 100 / usual_move).min(400) as i64;
    let percent = 45 + below(rng, 40) + moved * 3 / 10;
    let volume = (i128::from(around.volume) * i128::from(percent) / 100) as i64;
    // The last digits are drawn, so that volumes do not look rounded.
    let volume = volume + below(rng, (volume / 64).clamp(1, 1 << 30));
    Day { open, high, low, close, volume }
}
