//! The recorded days that are shipped with the broker. Their provenance is in `crates/paper/data/README.md`.

use std::io::Read;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use jiff::civil::{Date, date};
use paddock_core::calendar;

use super::DateLaying;
use super::day::Day;

/// The last session of every recording.
const LAST_RECORDED: Date = date(2013, 3, 1);

/// The session onto which the last recorded one is laid. Fixed, so that a laid price never depends on when it is
/// asked for; to be moved on, with a note in the changelog, before the date is reached.
const LAID_ONTO: Date = date(2027, 6, 30);

/// One symbol's recorded days, unpacked on first use.
pub(super) struct Recording {
    days: LazyLock<Vec<(Date, Day)>>,
}

macro_rules! recording {
    ($file:literal) => {
        Recording {
            days: LazyLock::new(|| {
                unpack(include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/", $file, ".1Day.csv.gz")))
            }),
        }
    };
}

/// In the order of the rows that refer to them in the table of stocks: AAPL, FB, GOOG, IBM, MSFT.
pub(super) static RECORDINGS: [Recording; 5] =
    [recording!("AAPL"), recording!("FB"), recording!("GOOG"), recording!("IBM"), recording!("MSFT")];

impl Recording {
    /// The index of the session that holds the last recorded day.
    pub fn last_index(laying: DateLaying) -> i64 {
        calendar::session_index(match laying {
            DateLaying::OntoToday => LAID_ONTO,
            DateLaying::AsRecorded => LAST_RECORDED,
        })
    }

    /// The index of the session that holds the first recorded day.
    pub fn first_index(&self, laying: DateLaying) -> i64 {
        Self::last_index(laying) + 1 - self.days.len() as i64
    }

    /// The recorded day that is laid onto a session, with the date on which it really was.
    pub fn day(&self, laying: DateLaying, index: i64) -> Option<(Date, Day)> {
        let position = usize::try_from(index - self.first_index(laying)).ok()?;
        self.days.get(position).copied()
    }

    /// The last recorded close.
    pub fn last_close(&self) -> i64 {
        self.days.last().map_or(0, |(_, day)| day.close)
    }

    /// The average volume of the last 250 recorded days.
    pub fn usual_volume(&self) -> i64 {
        let recent = &self.days[self.days.len().saturating_sub(250)..];
        recent.iter().map(|(_, day)| day.volume).sum::<i64>() / (recent.len() as i64).max(1)
    }
}

/// Rows that do not parse are left out; the tests assert that the shipped files have none.
fn unpack(packed: &[u8]) -> Vec<(Date, Day)> {
    let mut text = String::new();
    // An unreadable file would give no days. The files are compiled in and tested, so that cannot be met at run time.
    if GzDecoder::new(packed).read_to_string(&mut text).is_err() {
        return Vec::new();
    }
    text.lines().skip(1).filter_map(row).collect()
}

fn row(line: &str) -> Option<(Date, Day)> {
    let mut fields = line.split(',');
    let date = fields.next()?.parse().ok()?;
    let mut price = || ten_thousandths(fields.next()?);
    let (open, high, low, close) = (price()?, price()?, price()?, price()?);
    let volume = fields.next()?.parse().ok()?;
    let day = Day { open, high: high.max(open).max(close), low: low.min(open).min(close), close, volume };
    Some((date, day))
}

/// `438.1799` as 4381799. More than four decimals are no price of this kind.
fn ten_thousandths(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 4 {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let fraction: i64 = format!("{fraction:0<4}").parse().ok()?;
    Some(whole * 10_000 + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_every_file_is_read_and_on_its_session() {
        let expected = [3270, 196, 2148, 3270, 3270];
        for (recording, expected) in RECORDINGS.iter().zip(expected) {
            assert_eq!(recording.days.len(), expected);
            for (position, (date, day)) in recording.days.iter().enumerate() {
                let index = recording.first_index(DateLaying::AsRecorded) + position as i64;
                assert_eq!(calendar::session_index(*date), index);
                assert!(calendar::session_on(*date).is_some());
                assert!(day.low > 0 && day.low <= day.open.min(day.close), "{date} {day:?}");
                assert!(day.high >= day.open.max(day.close), "{date} {day:?}");
                assert!(day.volume >= 700_000, "{date} {day:?}");
            }
        }
    }

    #[test]
    fn the_files_contain_no_session_that_had_to_be_widened() {
        for file in ["AAPL", "FB", "GOOG", "IBM", "MSFT"] {
            let packed =
                std::fs::read(format!("{}/data/{file}.1Day.csv.gz", env!("CARGO_MANIFEST_DIR"))).unwrap();
            let mut text = String::new();
            GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
            for line in text.lines().skip(1) {
                let prices: Vec<_> =
                    line.split(',').skip(1).take(4).map(|p| ten_thousandths(p).unwrap()).collect();
                let day = row(line).unwrap().1;
                assert_eq!((day.high, day.low), (prices[1], prices[2]), "{file} {line}");
            }
        }
    }

    #[test]
    fn a_day_that_contradicts_itself_is_widened() {
        let day = row("2001-01-02,10.5,10.4,10.1,10.0599,1000000,1").unwrap().1;
        assert_eq!((day.open, day.high, day.low, day.close), (105_000, 105_000, 100_599, 100_599));
        assert_eq!(row("2001-01-02,10.5,10.40001,10.1,10.0,1000000,1"), None);
    }
}
