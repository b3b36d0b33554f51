//! When something may be reported.

use std::ops::RangeInclusive;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use paddock_core::{AssetClass, calendar};

use crate::market::{AssetInfo, Market};

/// Reports of one kind appear from half a minute to ten minutes after what they are about, each asset's at its own second.
const EARLIEST: i64 = 30;
const SPREAD: i64 = 570;
/// The summary of the day appears when all closing reports are out.
const SUMMARY_AFTER: SignedDuration = SignedDuration::from_mins(15);

/// How often it is looked whether a stock has moved far, and a crypto pair.
const STOCK_LOOKS: SignedDuration = SignedDuration::from_mins(30);
const CRYPTO_LOOKS: SignedDuration = SignedDuration::from_hours(2);

/// Assets are numbered below this.
const ASSETS: u64 = 100_000;

/// An instant at which an article may appear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// When it appears.
    pub at: Timestamp,
    /// What it is about: a place in the market's list of assets, or nothing in particular.
    pub asset: Option<usize>,
    pub kind: Kind,
}

/// What may be reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A stock has opened.
    Opening { opened: Timestamp },
    /// A price is far from the last close for the first time that day, seen at `looked`. It was looked at every `step` since
    /// the day began at `began`.
    Move { began: Timestamp, looked: Timestamp, step: SignedDuration },
    /// A day is over.
    Close { began: Timestamp, ended: Timestamp },
    /// A session is over, for all stocks together.
    Summary { opened: Timestamp },
}

impl Moment {
    /// The article's id: its second, and then its asset. No asset has two articles in a second.
    pub fn id(&self) -> u64 {
        let second = u64::try_from(self.at.as_second()).unwrap_or_default();
        let number =
            self.asset.map_or(ASSETS - 1, |asset| u64::try_from(asset).unwrap_or(ASSETS) % (ASSETS - 1));
        second * ASSETS + number
    }
}

/// The moments of a date in New York that are within `window`, in no order, about the assets that are wanted.
pub(super) fn of(
    market: &Market,
    date: Date,
    window: RangeInclusive<Timestamp>,
    wanted: impl Fn(&AssetInfo) -> bool,
) -> Vec<Moment> {
    let mut moments = Vec::new();
    let mut put = |at: Timestamp, asset, kind| {
        if window.contains(&at) {
            moments.push(Moment { at, asset, kind });
        }
    };
    let session = calendar::session_on(date);
    let crypto = crypto_day(date);
    let mut any_stock = false;
    for (number, asset) in market.assets().iter().enumerate().filter(|(_, asset)| wanted(asset)) {
        let delay = SignedDuration::from_secs(EARLIEST + spread(asset));
        let mut put = |after: Timestamp, kind| put(later(after, delay), Some(number), kind);
        match asset.symbol.class() {
            AssetClass::Crypto if in_dollars(asset) => {
                let Some((yesterday, today, tomorrow)) = crypto else { continue };
                put(today, Kind::Close { began: yesterday, ended: today });
                for looked in every(today, tomorrow, CRYPTO_LOOKS) {
                    put(looked, Kind::Move { began: today, looked, step: CRYPTO_LOOKS });
                }
            }
            AssetClass::UsEquity => {
                any_stock = true;
                let Some(session) = session else { continue };
                put(session.open, Kind::Opening { opened: session.open });
                for looked in every(session.open, session.close, STOCK_LOOKS) {
                    put(looked, Kind::Move { began: session.open, looked, step: STOCK_LOOKS });
                }
                put(session.close, Kind::Close { began: session.open, ended: session.close });
            }
            _ => {}
        }
    }
    if let Some(session) = session.filter(|_| any_stock) {
        let kind = Kind::Summary { opened: session.open };
        put(later(session.close, SUMMARY_AFTER), None, kind);
    }
    moments
}

/// Whether a report may appear after `from` and up to `to`. Most of the time none can: reports begin on the half hour.
pub(super) fn may_be_due(from: Timestamp, to: Timestamp) -> bool {
    let half_hour = STOCK_LOOKS.as_secs();
    let start = from.as_second().rem_euclid(half_hour);
    let end = start + to.as_second() - from.as_second();
    let summary = SUMMARY_AFTER.as_secs();
    let quiet = start >= EARLIEST + SPREAD && end < half_hour && !(start < summary && summary <= end);
    !quiet
}

/// Pairs quoted in another coin are not written about.
fn in_dollars(asset: &AssetInfo) -> bool {
    asset.symbol.as_str().ends_with("/USD")
}

/// The instants from `from` to `to`, without both, that are whole steps from the first one.
pub(super) fn every(from: Timestamp, to: Timestamp, step: SignedDuration) -> impl Iterator<Item = Timestamp> {
    std::iter::successors(Some(later(from, step)), move |at| Some(later(*at, step)))
        .take_while(move |at| *at < to)
}

/// Where the crypto day before `date`, that of `date` and the next one begin.
fn crypto_day(date: Date) -> Option<(Timestamp, Timestamp, Timestamp)> {
    let zone: TimeZone = jiff::tz::get!("America/Chicago");
    let midnight = |date: Date| zone.to_timestamp(date.to_datetime(Time::midnight())).ok();
    Some((midnight(date.yesterday().ok()?)?, midnight(date)?, midnight(date.tomorrow().ok()?)?))
}

/// The asset's own second, the same on every day.
fn spread(asset: &AssetInfo) -> i64 {
    let letters = asset.symbol.as_str().bytes();
    letters.fold(7_i64, |sum, letter| (sum * 31 + i64::from(letter)) % SPREAD)
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
