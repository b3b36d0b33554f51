//! Bars in Alpaca's own JSON: answers with the bars of one symbol or of many, arrays of bars, or single bars. A file has one
//! such document, or any number of them, one after the other or one on a line.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::Fault;
use super::intake::{Intake, RawBar};
use super::number::Number;
use super::stamp::Stamp;

/// An answer, or what else a document says beside its bars.
#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow, default)]
    bars: Option<&'a RawValue>,
    #[serde(borrow, default)]
    symbol: Option<Cow<'a, str>>,
}

/// A bar of an answer, or of a stream, which has its symbol in `S`.
#[derive(Deserialize)]
struct Bar<'a> {
    #[serde(borrow, alias = "timestamp", alias = "time")]
    t: &'a RawValue,
    #[serde(borrow, alias = "open")]
    o: &'a RawValue,
    #[serde(borrow, alias = "high")]
    h: &'a RawValue,
    #[serde(borrow, alias = "low")]
    l: &'a RawValue,
    #[serde(borrow, alias = "close")]
    c: &'a RawValue,
    #[serde(borrow, alias = "volume")]
    v: &'a RawValue,
    #[serde(borrow, default, alias = "trade_count")]
    n: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "vwap")]
    vw: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "S", alias = "symbol")]
    symbol: Option<Cow<'a, str>>,
}

pub(super) fn read(content: &[u8], intake: &mut Intake) -> Result<(), Fault> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let mut reader = Reader { intake, count: 0 };
    let mut documents = serde_json::Deserializer::from_slice(content).into_iter::<&RawValue>();
    while let Some(document) = documents.next() {
        let document = document.map_err(|error| broken(content, documents.byte_offset(), &error))?;
        reader.document(document)?;
    }
    Ok(())
}

fn broken(content: &[u8], offset: usize, error: &serde_json::Error) -> Fault {
    let line = 1 + content[..offset.min(content.len())].iter().filter(|byte| **byte == b'\n').count();
    // The error counts lines from the beginning of the file.
    let line = if error.line() > 0 { error.line() } else { line };
    Fault {
        place: Some(format!("line {line}")),
        text: "this is not JSON, or it ends too early: fetch the file again".to_owned(),
    }
}

struct Reader<'a> {
    intake: &'a mut Intake,
    /// How many bars there were, for messages.
    count: usize,
}

impl Reader<'_> {
    fn document(&mut self, document: &RawValue) -> Result<(), Fault> {
        if document.get().starts_with('[') {
            return self.list(document, None);
        }
        let page: Page = self.parse(document)?;
        let Some(bars) = page.bars else {
            let bar: Bar = self.parse(document)?;
            return self.bar(&bar, None);
        };
        match bars.get().as_bytes().first() {
            Some(b'[') => self.list(bars, page.symbol.as_deref()),
            Some(b'{') => {
                let by_symbol: BTreeMap<Cow<str>, &RawValue> = self.parse(bars)?;
                by_symbol.iter().try_for_each(|(symbol, bars)| self.list(bars, Some(symbol)))
            }
            _ => Ok(()),
        }
    }

    fn list(&mut self, bars: &RawValue, symbol: Option<&str>) -> Result<(), Fault> {
        let bars: Option<Vec<Bar>> = self.parse(bars)?;
        bars.iter().flatten().try_for_each(|bar| self.bar(bar, symbol))
    }

    fn bar(&mut self, bar: &Bar, symbol: Option<&str>) -> Result<(), Fault> {
        self.count += 1;
        let place = self.count;
        let at = |text| Fault { place: Some(format!("bar {place}")), text };
        let time = plain(bar.t);
        let stamp = Stamp::parse(time).ok_or_else(|| {
            let shown: String = time.chars().take(40).collect();
            at(format!("`{shown}` is no time: write it like 2024-01-02T14:30:00Z"))
        })?;
        let number = |raw| Number::Text(plain(raw).as_bytes());
        let optional = |raw: Option<&'_ RawValue>| raw.is_some_and(|raw| raw.get() != "null");
        let raw = RawBar {
            symbol: bar.symbol.as_deref().or(symbol),
            at: stamp,
            open: number(bar.o),
            high: number(bar.h),
            low: number(bar.l),
            close: number(bar.c),
            volume: number(bar.v),
            trades: bar.n.filter(|_| optional(bar.n)).map(number),
            vwap: bar.vw.filter(|_| optional(bar.vw)).map(number),
        };
        self.intake.take(place, &raw).map_err(at)
    }

    fn parse<'a, T: Deserialize<'a>>(&self, raw: &'a RawValue) -> Result<T, Fault> {
        serde_json::from_str(raw.get()).map_err(|error| Fault {
            place: Some(format!("after bar {}", self.count)),
            text: format!("this is not what Alpaca answers ({error}): fetch the file again"),
        })
    }
}

/// The text of a number, or of a text without its quotes.
fn plain(raw: &RawValue) -> &str {
    raw.get().trim_matches('"')
}
