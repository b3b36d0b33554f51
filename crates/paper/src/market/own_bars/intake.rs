//! Makes checked integers of the bars that files have.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use paddock_core::{AssetClass, Symbol, calendar};

use super::columns::Row;
use super::error::{BarsError, Fault};
use super::file_name::{BarsFileName, Length};
use super::number::Number;
use super::series::Series;
use super::stamp::Stamp;
use crate::market::day::crypto_index;
use crate::market::timeline::{instant, midnight};
use crate::market::units::Scale;

/// One bar as its file has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawBar<'a> {
    /// Whose it is, where the file says so.
    pub symbol: Option<&'a str>,
    pub at: Stamp,
    pub open: Number<'a>,
    pub high: Number<'a>,
    pub low: Number<'a>,
    pub close: Number<'a>,
    pub volume: Number<'a>,
    pub trades: Option<Number<'a>>,
    pub vwap: Option<Number<'a>>,
}

/// The highest price in units: ten million dollars for a coin, and more for a share.
const MOST_PRICE: i64 = 10_000_000_000_000_000;

/// The largest volume in units: four billion coins.
const MOST_VOLUME: i64 = 4_000_000_000_000_000_000;

/// The most that a bar is worth, in units of price times units of volume: a trillion dollars. Sums of these over years have room.
const MOST_MONEY: i128 = 1_000_000_000_000_000_000_000_000_000_000;

const NANOSECONDS_IN_A_MINUTE: i128 = 60_000_000_000;

/// Takes the bars of all files.
#[derive(Debug, Default)]
pub(super) struct Intake {
    gathered: Vec<Gathered>,
    by_symbol: BTreeMap<Symbol, usize>,
    /// Each with the word for a place in it.
    files: Vec<(PathBuf, &'static str)>,
    /// What the name of the file at hand says.
    length: Option<Length>,
    named: Option<usize>,
    /// The last symbol that a file named, as it was written: bars of one symbol mostly follow each other.
    last: Option<(String, usize)>,
    taken_of_file: u64,
    outside: u64,
}

/// A bar with where it came from.
#[derive(Clone, Copy, Debug)]
struct Sourced {
    row: Row,
    file: u32,
    place: u32,
}

/// The bars of one symbol.
#[derive(Debug)]
struct Gathered {
    symbol: Symbol,
    days: DayFinder,
    minute_bars: Vec<Sourced>,
    day_bars: Vec<Sourced>,
}

impl Intake {
    pub fn begin(&mut self, path: &Path, name: &BarsFileName) {
        self.files.push((path.to_owned(), name.format.place()));
        self.length = Some(name.length);
        self.named = name.symbol.clone().map(|symbol| self.number(symbol));
        self.last = None;
        self.taken_of_file = 0;
    }

    /// How many bars of stocks were outside regular sessions.
    pub const fn outside(&self) -> u64 {
        self.outside
    }

    /// Whether the file at hand had bars, and none that is used.
    pub const fn is_all_outside(&self, outside_before: u64) -> bool {
        self.outside > outside_before && self.taken_of_file == 0
    }

    /// Takes one bar. `place` is its place in the file, for messages that come later.
    pub fn take(&mut self, place: usize, bar: &RawBar) -> Result<(), String> {
        let number = self.whose(bar)?;
        let file = (self.files.len() - 1) as u32;
        let length = self.length.unwrap_or(Length::Minute);
        let gathered = &mut self.gathered[number];
        let scale = scale_of(&gathered.symbol);
        let stamp = match length {
            Length::Day => gathered.days.stamp_of_day(bar.at)?,
            Length::Minute => match gathered.days.stamp_of_minute(bar.at)? {
                Some(stamp) => stamp,
                None => {
                    self.outside += 1;
                    return Ok(());
                }
            },
        };
        let sourced = Sourced { row: row(bar, stamp, scale)?, file, place: place as u32 };
        match length {
            Length::Day => gathered.day_bars.push(sourced),
            Length::Minute => gathered.minute_bars.push(sourced),
        }
        self.taken_of_file += 1;
        Ok(())
    }

    /// All bars in order, each once.
    pub fn finish(self) -> Result<BTreeMap<Symbol, Series>, BarsError> {
        let mut all = BTreeMap::new();
        for mut gathered in self.gathered {
            if gathered.minute_bars.is_empty() && gathered.day_bars.is_empty() {
                continue;
            }
            let minutes = in_order(std::mem::take(&mut gathered.minute_bars), &self.files, &gathered.symbol)?;
            let days = in_order(std::mem::take(&mut gathered.day_bars), &self.files, &gathered.symbol)?;
            let finder = &mut gathered.days;
            let series = Series::new(&minutes, &days, |stamp| finder.day_of_minute(stamp));
            all.insert(gathered.symbol, series);
        }
        Ok(all)
    }

    fn whose(&mut self, bar: &RawBar) -> Result<usize, String> {
        let Some(text) = bar.symbol else {
            return self.named.ok_or_else(|| {
                "neither the file's name nor the bar says whose bar it is: name the file like AAPL.1Min.csv, or add a column `symbol`"
                    .to_owned()
            });
        };
        if let Some((last, number)) = &self.last
            && last == text
        {
            return Ok(*number);
        }
        let symbol = Symbol::parse(text).map_err(|_| {
            let shown: String = text.chars().take(32).collect();
            format!("`{shown}` is no symbol: write it like AAPL, BRK.B or BTC/USD")
        })?;
        if symbol.class() == AssetClass::UsOption {
            return Err(format!(
                "{symbol} is an option: take its bars away, only stocks and crypto pairs are traded here"
            ));
        }
        let number = self.number(symbol);
        self.last = Some((text.to_owned(), number));
        Ok(number)
    }

    fn number(&mut self, symbol: Symbol) -> usize {
        if let Some(number) = self.by_symbol.get(&symbol) {
            return *number;
        }
        let number = self.gathered.len();
        self.by_symbol.insert(symbol.clone(), number);
        let days = DayFinder::new(symbol.class() == AssetClass::Crypto);
        self.gathered.push(Gathered { symbol, days, minute_bars: Vec::new(), day_bars: Vec::new() });
        number
    }
}

pub(super) fn scale_of(symbol: &Symbol) -> Scale {
    if symbol.class() == AssetClass::Crypto { Scale::CRYPTO } else { Scale::STOCK }
}

/// Checks the figures of a bar against each other.
fn row(bar: &RawBar, stamp: u32, scale: Scale) -> Result<Row, String> {
    let price = |name: &str, number: Number| match number.units(scale.price) {
        Some(units) if (1..MOST_PRICE).contains(&units) => Ok(units),
        _ => Err(format!(
            "the {name} `{}` is not a price above zero and of this world: correct it",
            number.shown()
        )),
    };
    let (open, high) = (price("open", bar.open)?, price("high", bar.high)?);
    let (low, close) = (price("low", bar.low)?, price("close", bar.close)?);
    if high < open.max(close) || low > open.min(close) {
        return Err(format!(
            "open {}, high {}, low {} and close {} contradict each other, since the high is the highest and the low the lowest: correct the bar",
            bar.open.shown(),
            bar.high.shown(),
            bar.low.shown(),
            bar.close.shown()
        ));
    }
    let volume = match bar.volume.units(scale.volume) {
        Some(units) if units < MOST_VOLUME && i128::from(high) * i128::from(units) < MOST_MONEY => units,
        _ => {
            return Err(format!(
                "the volume `{}` is not zero or above and of this world: correct it",
                bar.volume.shown()
            ));
        }
    };
    let trades = match bar.trades {
        None => Row::UNTOLD,
        Some(number) => match number.units(0) {
            Some(count) if u32::try_from(count).is_ok() => count,
            _ => {
                return Err(format!(
                    "the trade count `{}` is not from zero to four billion: correct it",
                    number.shown()
                ));
            }
        },
    };
    let most_weight = MOST_MONEY * 10_i128.pow(scale.vwap() - scale.price);
    let vwap = match bar.vwap {
        None => 0,
        Some(number) => match number.units(scale.vwap()) {
            Some(units) if i128::from(units) * i128::from(volume) < most_weight => units,
            _ => {
                return Err(format!(
                    "the vwap `{}` is not zero or above and of this world: correct it",
                    number.shown()
                ));
            }
        },
    };
    Ok(Row { stamp, open, high, low, close, volume, trades, vwap })
}

fn in_order(
    mut bars: Vec<Sourced>,
    files: &[(PathBuf, &str)],
    symbol: &Symbol,
) -> Result<Vec<Row>, BarsError> {
    if !bars.is_sorted_by_key(|bar| bar.row.stamp) {
        bars.sort_by_key(|bar| bar.row.stamp);
    }
    if let Some(pair) = bars.windows(2).find(|pair| pair[0].row.stamp == pair[1].row.stamp) {
        let (first, second) = (pair[0], pair[1]);
        let (path, word) = &files[second.file as usize];
        let mut earlier = format!("{} {}", files[first.file as usize].1, first.place);
        if first.file != second.file {
            earlier.push_str(&format!(" of {}", files[first.file as usize].0.display()));
        }
        let text = format!("{symbol} has a bar of the same time in {earlier}: take one of the two away");
        return Err(BarsError::in_file(
            path,
            Fault { place: Some(format!("{word} {}", second.place)), text },
        ));
    }
    Ok(bars.into_iter().map(|bar| bar.row).collect())
}

/// Finds the day of an instant; the one found last is looked at first.
#[derive(Debug)]
struct DayFinder {
    crypto: bool,
    zone: TimeZone,
    /// The first minute, the first minute after, and the number of a day.
    known: (i64, i64, u32),
}

const OUT_OF_CALENDAR: &str = "its time is not from 1990 to 2099: check the column with the times";

impl DayFinder {
    fn new(crypto: bool) -> Self {
        let zone = if crypto { jiff::tz::get!("America/Chicago") } else { calendar::new_york() };
        Self { crypto, zone, known: (0, 0, 0) }
    }

    /// The minute since 1970; none if it is outside the sessions of stocks.
    fn stamp_of_minute(&mut self, at: Stamp) -> Result<Option<u32>, String> {
        let Stamp::Nanoseconds(at) = at else {
            return Err(
                "a bar of a minute needs a time of day: write it like 2024-01-02T14:30:00Z".to_owned()
            );
        };
        if at.rem_euclid(NANOSECONDS_IN_A_MINUTE) != 0 {
            return Err("a bar of a minute begins on a whole minute: check the time".to_owned());
        }
        let minute = u32::try_from(at / NANOSECONDS_IN_A_MINUTE).map_err(|_| OUT_OF_CALENDAR)?;
        if !self.contains(minute) {
            check_date(self.zone.to_datetime(at_minute(i64::from(minute))).date())?;
        }
        Ok(self.day_of_minute(minute).map(|_| minute))
    }

    /// The number of the day that has the minute.
    fn day_of_minute(&mut self, minute: u32) -> Option<u32> {
        if !self.contains(minute) {
            let date = self.zone.to_datetime(at_minute(i64::from(minute))).date();
            self.known = self.day(date)?;
        }
        self.contains(minute).then_some(self.known.2)
    }

    fn contains(&self, minute: u32) -> bool {
        (self.known.0..self.known.1).contains(&i64::from(minute))
    }

    /// The number of the day of a bar of a day.
    fn stamp_of_day(&self, at: Stamp) -> Result<u32, String> {
        let date = match at {
            Stamp::Date(date) => date,
            Stamp::Nanoseconds(at) => {
                let at = Timestamp::from_nanosecond(at).map_err(|_| OUT_OF_CALENDAR)?;
                let midnights = [&self.zone, &TimeZone::UTC].map(|zone| zone.to_datetime(at));
                let midnight = midnights.iter().find(|local| local.time() == Time::midnight());
                midnight
                    .ok_or("a bar of a day is stamped with its date, or with midnight: check the time")?
                    .date()
            }
        };
        check_date(date)?;
        let missing = || format!("the stock market was shut on {date}: check the date");
        self.day(date).map(|(_, _, number)| number).ok_or_else(missing)
    }

    fn day(&self, date: Date) -> Option<(i64, i64, u32)> {
        if self.crypto {
            let (from, to) = (midnight(date, &self.zone), midnight(date.tomorrow().ok()?, &self.zone));
            return Some((from / 60_000_000, to / 60_000_000, u32::try_from(crypto_index(date)).ok()?));
        }
        let session = calendar::session_on(date)?;
        let number = u32::try_from(calendar::session_index(date)).ok()?;
        Some((session.open.as_second() / 60, session.close.as_second() / 60, number))
    }
}

fn check_date(date: Date) -> Result<(), String> {
    if (calendar::FIRST_DATE..=calendar::LAST_DATE).contains(&date) {
        Ok(())
    } else {
        Err(OUT_OF_CALENDAR.to_owned())
    }
}

fn at_minute(minute: i64) -> Timestamp {
    instant(minute * 60_000_000)
}
