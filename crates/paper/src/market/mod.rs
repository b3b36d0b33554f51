//! The price world of the built-in broker: recorded and generated prices, deterministic and by random access.
//!
//! [`Market`] answers what anything cost at any instant: quotes, trades, bars, and when a limit is first reached. The same
//! seed and inputs give the same answers on every machine and in any order of asking; nothing is stored, everything is
//! computed from the seed or read from the recordings that are compiled in. Prices are integers until they leave this
//! module as exact decimals. The model, and what differs from real data, is in `docs/paper-broker-data.md`.
//!
//! From the outside in: [`Market`] (this file, `reading`, `crossing`, `bars`) asks the `timeline` which stretch of which
//! day plays at an instant, the `tape` which trade of a minute, `minutes` for the minutes of a day, and `day` for the
//! day's prices, which come from `recorded` or from the walk in `path`.

mod adjusted;
mod asset;
mod bars;
mod cache;
mod corporate;
mod crossing;
mod day;
mod halts;
mod listing;
mod minutes;
mod own_bars;
mod path;
mod reading;
mod recent;
mod recorded;
mod seed;
mod tape;
mod timeframe;
mod timeline;
mod trailing;
mod units;

#[cfg(test)]
mod tests;

use std::num::NonZeroI64;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use paddock_core::{Symbol, calendar};
use rust_decimal::Decimal;

pub use adjusted::{Adjustment, NotAnAdjustment};
pub use asset::AssetInfo;
pub use bars::Bar;
pub use corporate::{ActionKind, CorporateAction};
pub use crossing::{Crossing, Watch};
pub use halts::Halted;
pub use own_bars::{BarsError, BarsFileName, OwnBars};
pub use reading::{Quote, Trade};
pub use timeframe::{NotATimeframe, Timeframe};
pub use trailing::{Trail, Trailed};

use crate::fast_map::FastMap;

use asset::{Listed, listed};
use cache::Cache;
use day::{Day, Days, crypto_index};
use halts::Halts;
use minutes::{Minute, Rhythm, expand};
use recent::Recent;
use seed::generator;
use timeline::Pass;

/// What a price world is made from, beside the user's own bars. Two markets with equal options, bars and halts are equal in
/// everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketOptions {
    /// Decides everything that is generated.
    pub seed: u64,
    /// On which days the recorded prices appear.
    pub laying: DateLaying,
    /// Keeps the stock market open around the clock, for demonstrations: outside regular hours, the most recent
    /// session's tape is read backwards and forwards in turn until the next opening.
    pub hold_open: bool,
}

/// On which days the recorded prices appear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateLaying {
    /// The last recorded session, 2013-03-01, is laid onto that of 2027-06-30, and every earlier one as many
    /// sessions before it, so that recorded prices are today's prices.
    OntoToday,
    /// Every recorded session is on its own date.
    AsRecorded,
}

/// What to look at: from `from` to `to`, both included, but nothing that is later than `now`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The earliest instant of interest.
    pub from: Timestamp,
    /// The latest instant of interest.
    pub to: Timestamp,
    /// The present: what happens later is not known yet.
    pub now: Timestamp,
}

/// In which order to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

/// About 17 MB of minutes: 750 stock days or 200 crypto days.
const MINUTES_KEPT: usize = 300_000;

/// About 8 MB.
const TOTALS_KEPT: usize = 100_000;

/// The price world. Cheap to share in an `Arc`; answers do not depend on the order of the questions.
#[derive(Debug)]
pub struct Market {
    options: MarketOptions,
    assets: Vec<AssetInfo>,
    by_symbol: FastMap<Symbol, usize>,
    own: Option<OwnBars>,
    actions: Vec<CorporateAction>,
    days: Days,
    expanded: Cache<(usize, i64), Arc<Expanded>>,
    totals: Cache<(usize, i64), Totals>,
    halts: Halts,
    recent: Recent,
}

/// A day with its minutes.
#[derive(Debug)]
struct Expanded {
    minutes: Vec<Minute>,
    /// How many trades the tape has.
    prints: u64,
    totals: Totals,
}

/// What a day's bar has beyond its own prices and volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Totals {
    trades: u64,
    /// See [`bars::weighted`].
    weighted: i128,
    /// The volume-weighted price that the user's own bar of the day has.
    vwap: Option<NonZeroI64>,
}

impl Market {
    /// The world that these options describe. Costs nothing until it is asked.
    #[must_use]
    pub fn new(options: MarketOptions) -> Self {
        Self::with_bars(options, None)
    }

    /// The same, where the user's own bars take the place of made-up prices.
    #[must_use]
    pub fn with_bars(options: MarketOptions, own: Option<OwnBars>) -> Self {
        let listed = listed(own.as_ref());
        let assets: Vec<AssetInfo> = listed.iter().map(|listed| listed.info.clone()).collect();
        let recent = Recent::new(assets.len());
        let by_symbol = assets.iter().enumerate().map(|(asset, info)| (info.symbol.clone(), asset)).collect();
        Self {
            options,
            assets,
            by_symbol,
            own,
            actions: corporate::actions(options.laying, &listed),
            days: Days::new(options, listed),
            expanded: Cache::new(MINUTES_KEPT),
            totals: Cache::new(TOTALS_KEPT),
            halts: Halts::default(),
            recent,
        }
    }

    /// What it was made from.
    #[must_use]
    pub fn options(&self) -> &MarketOptions {
        &self.options
    }

    /// The user's own bars, if there are any.
    #[must_use]
    pub const fn own_bars(&self) -> Option<&OwnBars> {
        self.own.as_ref()
    }

    /// The same world, but with the stock market open around the clock.
    #[must_use]
    pub fn around_the_clock(&self) -> Self {
        Self::with_bars(MarketOptions { hold_open: true, ..self.options }, self.own.clone())
    }

    /// Everything that is traded, stocks first.
    #[must_use]
    pub fn assets(&self) -> &[AssetInfo] {
        &self.assets
    }

    /// The asset with that symbol, if it is traded here.
    #[must_use]
    pub fn asset(&self, symbol: &Symbol) -> Option<&AssetInfo> {
        self.number(symbol).map(|asset| &self.assets[asset])
    }

    /// Whether the asset trades at that instant: crypto always, stocks in regular sessions or when held open.
    /// False for what is not traded here.
    #[must_use]
    pub fn is_open(&self, symbol: &Symbol, at: Timestamp) -> bool {
        match self.number(symbol) {
            None => false,
            Some(asset) => self.listed(asset).is_crypto() || self.options.hold_open || calendar::is_open(at),
        }
    }

    /// The close of the day before the current one. A stock's current day is the New York date if that has a session,
    /// also before it opens, else the last date that had one; a crypto pair's begins at midnight in Chicago.
    /// From the opening after a split on, it is what it would have been after it. `None` for what is not traded here or has
    /// no such day.
    #[must_use]
    pub fn previous_close(&self, symbol: &Symbol, at: Timestamp) -> Option<Decimal> {
        let asset = self.number(symbol)?;
        let date = self.zone(asset).to_datetime(at).date();
        let current = if self.listed(asset).is_crypto() {
            crypto_index(date)
        } else if calendar::session_on(date).is_some() {
            calendar::session_index(date)
        } else {
            calendar::session_index(date) - 1
        };
        let before = self.days.at_or_before(asset, current - 1)?;
        let close = self.listed(asset).scale.price(self.days.day(asset, before)?.close);
        let opened =
            calendar::session_on(date).filter(|session| session.open <= at).map(|session| session.date);
        let split = opened.and_then(|date| self.split_on(symbol, date));
        Some(split.and_then(|ratio| close.checked_div(ratio)).unwrap_or(close))
    }

    /// The date on which a stock's prices of `date` were recorded, or `None` if those are generated or there is no
    /// session.
    #[must_use]
    pub fn recorded_on(&self, symbol: &Symbol, date: Date) -> Option<Date> {
        let session = calendar::session_on(date)?;
        self.days.recorded_on(self.number(symbol)?, calendar::session_index(session.date))
    }

    fn number(&self, symbol: &Symbol) -> Option<usize> {
        self.by_symbol.get(symbol).copied()
    }

    fn listed(&self, asset: usize) -> &Listed {
        self.days.listed(asset)
    }

    /// The minutes of the pass's day. `None` only if the day is before the asset's first.
    fn expanded(&self, pass: &Pass) -> Option<Arc<Expanded>> {
        let key = (pass.asset, pass.index);
        if let Some(known) = self.expanded.get(&key) {
            return Some(known);
        }
        let expanded = Arc::new(self.expand(pass, &self.days.day(pass.asset, pass.index)?));
        self.expanded.put(key, Arc::clone(&expanded), expanded.minutes.len());
        Some(expanded)
    }

    /// The totals of the pass's day, without keeping its minutes: who looks at years of days does not need them.
    fn totals(&self, pass: &Pass, day: &Day) -> Totals {
        let key = (pass.asset, pass.index);
        if let Some(known) = self.totals.get(&key) {
            return known;
        }
        let totals = self.expand(pass, day).totals;
        self.totals.put(key, totals, 1);
        totals
    }

    fn expand(&self, pass: &Pass, day: &Day) -> Expanded {
        let listed = self.listed(pass.asset);
        let rhythm = if listed.is_crypto() { Rhythm::RoundTheClock } else { Rhythm::Session };
        let mut rng = generator(self.options.seed, listed.info.symbol.as_str(), "minutes", pass.index);
        let (count, scale, grid) = (pass.day_minutes(), listed.scale, listed.grid_at(day.low));
        let own = listed.own_on(pass.index);
        let minutes = match own {
            Some(own) => {
                own.expand(day, pass.day_start() / tape::MINUTE, count, (grid, scale, rhythm), &mut rng)
            }
            None => expand(day, count, grid, scale, rhythm, &mut rng),
        };
        let (trades, vwap) = own.map_or((None, None), |own| own.told(pass.index));
        let counted = || minutes.iter().map(|minute| u64::from(minute.counted)).sum();
        let totals = Totals {
            trades: trades.unwrap_or_else(counted),
            weighted: match vwap {
                Some(vwap) => 4 * i128::from(vwap.get()) * i128::from(day.volume),
                None => minutes.iter().map(|minute| bars::weighted(minute, scale)).sum(),
            },
            vwap,
        };
        let prints = minutes.iter().map(|minute| u64::from(minute.trades)).sum();
        Expanded { minutes, prints, totals }
    }
}
