//! Bars by column, each column as narrow as its numbers allow: a year of minutes takes some 30 bytes a bar.

use std::ops::Range;

/// Numbers of one kind, each as its distance from the smallest.
#[derive(Debug, PartialEq, Eq)]
enum Column {
    Narrow { least: i64, above: Box<[u16]> },
    Wide { least: i64, above: Box<[u32]> },
    Whole(Box<[i64]>),
}

impl Column {
    fn pack(values: impl Iterator<Item = i64> + Clone) -> Self {
        let least = values.clone().min().unwrap_or(0);
        let most = values.clone().max().unwrap_or(0);
        let above = values.clone().map(|value| value.abs_diff(least));
        match most.abs_diff(least) {
            0..=0xffff => Self::Narrow { least, above: above.map(|distance| distance as u16).collect() },
            0x1_0000..=0xffff_ffff => {
                Self::Wide { least, above: above.map(|distance| distance as u32).collect() }
            }
            _ => Self::Whole(values.collect()),
        }
    }

    fn get(&self, position: usize) -> i64 {
        match self {
            Self::Narrow { least, above } => least + i64::from(above[position]),
            Self::Wide { least, above } => least + i64::from(above[position]),
            Self::Whole(values) => values[position],
        }
    }
}

/// One bar, in the units of its asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The minute since 1970, or the number of the day.
    pub stamp: u32,
    pub open: i64,
    pub high: i64,
    pub low: i64,
    pub close: i64,
    pub volume: i64,
    /// How many trades the file counts, or [`Row::UNTOLD`].
    pub trades: i64,
    /// The volume-weighted price of the file, in millionths (crypto: billionths), or 0.
    pub vwap: i64,
}

impl Row {
    /// The file has no count of trades.
    pub const UNTOLD: i64 = -1;
}

/// Bars in the order of their stamps, of which no two are equal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    stamps: Box<[u32]>,
    open: Column,
    high: Column,
    low: Column,
    close: Column,
    volume: Column,
    trades: Column,
    vwap: Column,
}

impl Columns {
    pub fn pack(rows: &[Row]) -> Self {
        let column = |of: fn(&Row) -> i64| Column::pack(rows.iter().map(of));
        Self {
            stamps: rows.iter().map(|row| row.stamp).collect(),
            open: column(|row| row.open),
            high: column(|row| row.high),
            low: column(|row| row.low),
            close: column(|row| row.close),
            volume: column(|row| row.volume),
            trades: column(|row| row.trades),
            vwap: column(|row| row.vwap),
        }
    }

    pub const fn len(&self) -> usize {
        self.stamps.len()
    }

    pub fn row(&self, position: usize) -> Row {
        Row {
            stamp: self.stamps[position],
            open: self.open.get(position),
            high: self.high.get(position),
            low: self.low.get(position),
            close: self.close.get(position),
            volume: self.volume.get(position),
            trades: self.trades.get(position),
            vwap: self.vwap.get(position),
        }
    }

    pub fn rows(&self, range: Range<usize>) -> impl DoubleEndedIterator<Item = Row> + '_ {
        range.map(|position| self.row(position))
    }

    pub fn first_stamp(&self) -> Option<u32> {
        self.stamps.first().copied()
    }

    pub fn last_stamp(&self) -> Option<u32> {
        self.stamps.last().copied()
    }

    /// How many bars have a stamp below that one.
    pub fn before(&self, stamp: u32) -> usize {
        self.stamps.partition_point(|known| *known < stamp)
    }

    /// Where the bar with exactly that stamp is.
    pub fn find(&self, stamp: u32) -> Option<usize> {
        self.stamps.binary_search(&stamp).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packing_keeps_every_number(values in prop_oneof![
            prop::collection::vec(0_i64..60_000, 0..40),
            prop::collection::vec(-1_i64..4_000_000_000, 0..40),
            prop::collection::vec(any::<i64>(), 0..40),
        ]) {
            let column = Column::pack(values.iter().copied());
            let read: Vec<i64> = (0..values.len()).map(|position| column.get(position)).collect();
            prop_assert_eq!(read, values);
        }
    }
}
