//! The price world by day: any day of any asset, without walking there from the start.

use std::sync::Arc;

use jiff::civil::{Date, date};
use paddock_core::calendar;

use super::MarketOptions;
use super::asset::Listed;
use super::cache::Cache;
use super::listing::{Around, Model};
use super::own_bars::Series;
use super::path::{self, BLOCK, Kind};
use super::recorded::{RECORDINGS, Recording};
use super::units::Scale;

/// One day's prices and volume, in the units of its asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Day {
    pub open: i64,
    pub high: i64,
    pub low: i64,
    pub close: i64,
    pub volume: i64,
}

/// Generated prices start here; recorded ones where their recording starts.
const FIRST_GENERATED: Date = date(2000, 1, 3);

/// The usual daily change, in basis points, of a stock after its recording or its own bars have ended.
const VOLATILITY_AFTER_RECORDING: i64 = 150;

/// The same for crypto after its own bars have ended.
const CRYPTO_VOLATILITY_AFTER_OWN: i64 = 350;

/// The least usual volume after the own bars have ended, in volume units: enough for trades in every minute.
const LEAST_USUAL_VOLUME: i64 = 20_000;

/// About 4 MB.
const BLOCKS_KEPT: usize = 384;

/// All assets with their days.
///
/// Days are numbered: a stock's day by the calendar's session index, a crypto day by the days since 1970-01-01.
#[derive(Debug)]
pub(super) struct Days {
    options: MarketOptions,
    listed: Vec<Listed>,
    /// By asset, whether it goes on from its own bars, and number.
    blocks: Cache<(usize, bool, i64), Arc<Vec<Day>>>,
}

impl Days {
    pub fn new(options: MarketOptions, listed: Vec<Listed>) -> Self {
        Self { options, listed, blocks: Cache::new(BLOCKS_KEPT) }
    }

    pub fn listed(&self, asset: usize) -> &Listed {
        &self.listed[asset]
    }

    /// The first day that the asset has.
    pub fn first_index(&self, asset: usize) -> i64 {
        let listed = self.listed(asset);
        if let Some(own) = &listed.own {
            return own.first_index();
        }
        match listed.model {
            Model::Recorded(recording) => RECORDINGS[recording].first_index(self.options.laying),
            _ if listed.is_crypto() => crypto_index(FIRST_GENERATED),
            _ => calendar::session_index(FIRST_GENERATED),
        }
    }

    /// The last day with trading that is not after `index`.
    pub fn at_or_before(&self, asset: usize, index: i64) -> Option<i64> {
        match self.listed(asset).own_on(index) {
            Some(own) => own.at_or_before(index),
            None => (index >= self.first_index(asset)).then_some(index),
        }
    }

    /// The first day with trading after `index`.
    pub fn after(&self, asset: usize, index: i64) -> i64 {
        self.listed(asset).own_on(index + 1).and_then(|own| own.after(index)).unwrap_or(index + 1)
    }

    /// The day with that number, or `None` before the first one, and where the user's own bars have none.
    pub fn day(&self, asset: usize, index: i64) -> Option<Day> {
        if index < self.first_index(asset) {
            return None;
        }
        if let Some(own) = &self.listed(asset).own {
            let origin = own.last_index() + 1;
            let Some(place) = u64::try_from(index - origin).ok() else { return own.day(index) };
            let block = self.block_after_own(asset, own, place as i64 / BLOCK);
            return block.get(place as usize % BLOCK as usize).copied();
        }
        let origin = match self.listed(asset).model {
            Model::Recorded(recording) => {
                if let Some((_, day)) = RECORDINGS[recording].day(self.options.laying, index) {
                    return Some(day);
                }
                Recording::last_index(self.options.laying) + 1
            }
            _ => 0,
        };
        let place = index - origin;
        let block = self.block(asset, origin, place.div_euclid(BLOCK));
        block.get(place.rem_euclid(BLOCK) as usize).copied()
    }

    /// The date on which a recorded day really was, if it is one.
    pub fn recorded_on(&self, asset: usize, index: i64) -> Option<Date> {
        if self.listed(asset).own.is_some() {
            return None;
        }
        let Model::Recorded(recording) = self.listed(asset).model else { return None };
        RECORDINGS[recording].day(self.options.laying, index).map(|(date, _)| date)
    }

    fn block(&self, asset: usize, origin: i64, block: i64) -> Arc<Vec<Day>> {
        if let Some(known) = self.blocks.get(&(asset, false, block)) {
            return known;
        }
        let listed = self.listed(asset);
        let symbol = listed.info.symbol.as_str();
        let make =
            |kind, around| Arc::new(path::block(self.options.seed, symbol, kind, around, listed.grid, block));
        let days = match listed.model {
            Model::Recorded(recording) => {
                let recording = &RECORDINGS[recording];
                let around = Around {
                    price: recording.last_close(),
                    volatility: VOLATILITY_AFTER_RECORDING,
                    volume: recording.usual_volume(),
                };
                make(Kind::Continued, around)
            }
            Model::Generated(around) if listed.is_crypto() => make(Kind::RoundTheClock, around),
            Model::Generated(around) => make(Kind::Sessions, around),
            Model::Cross { numerator, denominator, around } => {
                let legs: Vec<Day> = (0..BLOCK)
                    .map(|place| self.quotient(numerator, denominator, origin + block * BLOCK + place))
                    .collect();
                Arc::new(path::cross_block(self.options.seed, symbol, &legs, around, listed.grid, block))
            }
        };
        self.blocks.put((asset, false, block), Arc::clone(&days), 1);
        days
    }

    /// After the user's own bars, prices go on from the last close.
    fn block_after_own(&self, asset: usize, own: &Series, block: i64) -> Arc<Vec<Day>> {
        if let Some(known) = self.blocks.get(&(asset, true, block)) {
            return known;
        }
        let listed = self.listed(asset);
        let (kind, volatility) = if listed.is_crypto() {
            (Kind::ContinuedRoundTheClock, CRYPTO_VOLATILITY_AFTER_OWN)
        } else {
            (Kind::Continued, VOLATILITY_AFTER_RECORDING)
        };
        let (price, volume) = (own.last_close(), own.usual_volume().clamp(LEAST_USUAL_VOLUME, 1 << 60));
        let around = Around { price, volatility, volume };
        let (symbol, grid) = (listed.info.symbol.as_str(), listed.grid_at(price));
        let days = Arc::new(path::block(self.options.seed, symbol, kind, around, grid, block));
        self.blocks.put((asset, true, block), Arc::clone(&days), 1);
        days
    }

    /// Open and close of one pair divided by those of another; the rest is not meaningful. Both legs are in the table,
    /// and generated for all time, so that the fallback of 1 is never taken.
    fn quotient(&self, numerator: &str, denominator: &str, index: i64) -> Day {
        let leg = |symbol: &str| {
            let asset = self.listed.iter().position(|listed| listed.info.symbol.as_str() == symbol)?;
            // Of the model, also where the leg has bars of the user's own.
            let block = self.block(asset, 0, index.div_euclid(BLOCK));
            block.get(index.rem_euclid(BLOCK) as usize).copied()
        };
        let one = 10_i64.pow(Scale::CRYPTO.price);
        let flat = Day { open: one, high: one, low: one, close: one, volume: 0 };
        let (upper, lower) = (leg(numerator).unwrap_or(flat), leg(denominator).unwrap_or(flat));
        let divide = |a: i64, b: i64| (i128::from(a) * i128::from(one) / i128::from(b.max(1))) as i64;
        Day { open: divide(upper.open, lower.open), close: divide(upper.close, lower.close), ..flat }
    }
}

/// The number of a crypto day: days since 1970-01-01.
pub(super) fn crypto_index(day: Date) -> i64 {
    i64::from(date(1970, 1, 1).until(day).map_or(0, |span| span.get_days()))
}
