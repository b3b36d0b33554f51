//! The bars of one symbol: its minutes, and a bar for each day that has any.

use std::collections::BTreeMap;
use std::num::NonZeroI64;

use paddock_core::Symbol;
use sha2::{Digest, Sha256};

use super::columns::{Columns, Row};
use crate::market::day::Day;

/// The bars of one symbol, in the units of its asset. Days are numbered as everywhere in the market.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::market) struct Series {
    pub(super) minutes: Columns,
    /// A day that has minutes is what its minutes are together.
    days: Columns,
    /// How many of the days have no minutes.
    lone_days: usize,
}

impl Series {
    /// Both lists are in order. `day_of` finds the day of a minute, which each one has.
    pub(super) fn new(minutes: &[Row], days: &[Row], mut day_of: impl FnMut(u32) -> Option<u32>) -> Self {
        let mut together: Vec<Row> = Vec::new();
        for row in minutes {
            let Some(day) = day_of(row.stamp) else { continue };
            match together.last_mut() {
                Some(known) if known.stamp == day => {
                    known.high = known.high.max(row.high);
                    known.low = known.low.min(row.low);
                    known.close = row.close;
                    known.volume = known.volume.saturating_add(row.volume);
                }
                _ => together.push(Row { stamp: day, trades: Row::UNTOLD, vwap: 0, ..*row }),
            }
        }
        let with_minutes = together.len();
        together.extend(days);
        // Stable: where both have a day, that of the minutes comes first and stays.
        together.sort_by_key(|row| row.stamp);
        together.dedup_by_key(|row| row.stamp);
        let lone_days = together.len() - with_minutes;
        Self { minutes: Columns::pack(minutes), days: Columns::pack(&together), lone_days }
    }

    /// How many bars there are, of minutes, and of days without minutes.
    pub(super) const fn bars(&self) -> usize {
        self.minutes.len() + self.lone_days
    }

    /// The number of the first day.
    pub fn first_index(&self) -> i64 {
        self.days.first_stamp().map_or(0, i64::from)
    }

    /// The number of the last day.
    pub fn last_index(&self) -> i64 {
        self.days.last_stamp().map_or(-1, i64::from)
    }

    /// The last day with bars that is not after `index`.
    pub fn at_or_before(&self, index: i64) -> Option<i64> {
        let after = match u32::try_from(index) {
            Ok(index) => self.days.before(index.saturating_add(1)),
            Err(_) => 0,
        };
        after.checked_sub(1).map(|position| i64::from(self.days.row(position).stamp))
    }

    /// The first day with bars after `index`.
    pub fn after(&self, index: i64) -> Option<i64> {
        let stamp = u32::try_from(index.saturating_add(1)).unwrap_or(0);
        let position = self.days.before(stamp);
        (position < self.days.len()).then(|| i64::from(self.days.row(position).stamp))
    }

    /// The day with that number, if it has bars.
    pub fn day(&self, index: i64) -> Option<Day> {
        let Row { open, high, low, close, volume, .. } = self.day_row(index)?;
        Some(Day { open, high, low, close, volume })
    }

    /// What the file of days says besides: the count of trades, and the volume-weighted price in millionths (crypto: billionths).
    pub fn told(&self, index: i64) -> (Option<u64>, Option<NonZeroI64>) {
        self.day_row(index)
            .map_or((None, None), |row| (u64::try_from(row.trades).ok(), NonZeroI64::new(row.vwap)))
    }

    /// The last close.
    pub fn last_close(&self) -> i64 {
        self.days.len().checked_sub(1).map_or(0, |last| self.days.row(last).close)
    }

    /// The average volume of the last 250 days.
    pub fn usual_volume(&self) -> i64 {
        let count = self.days.len().min(250);
        let recent = self.days.rows(self.days.len() - count..self.days.len());
        let sum: i128 = recent.map(|day| i128::from(day.volume)).sum();
        i64::try_from(sum / (count as i128).max(1)).unwrap_or(i64::MAX)
    }

    fn day_row(&self, index: i64) -> Option<Row> {
        let position = self.days.find(u32::try_from(index).ok()?)?;
        Some(self.days.row(position))
    }

    fn hash(&self, hash: &mut Sha256) {
        for columns in [&self.minutes, &self.days] {
            hash.update((columns.len() as u64).to_le_bytes());
            let mut bytes = Vec::with_capacity(columns.len() * 60);
            for row in columns.rows(0..columns.len()) {
                bytes.extend_from_slice(&row.stamp.to_le_bytes());
                let Row { open, high, low, close, volume, trades, vwap, .. } = row;
                for number in [open, high, low, close, volume, trades, vwap] {
                    bytes.extend_from_slice(&number.to_le_bytes());
                }
            }
            hash.update(&bytes);
        }
    }
}

/// See [`super::OwnBars::digest`].
pub(super) fn digest(all: &BTreeMap<Symbol, Series>) -> String {
    let mut hash = Sha256::new();
    hash.update(b"paddock bars 1\0");
    for (symbol, series) in all {
        hash.update(symbol.as_str().as_bytes());
        hash.update(b"\0");
        series.hash(&mut hash);
    }
    hex::encode(hash.finalize())
}
