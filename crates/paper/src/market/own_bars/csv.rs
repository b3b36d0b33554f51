//! Bars as lines of fields between commas, semicolons or tabs, below a line with the columns' names.

use std::str;

use super::error::Fault;
use super::intake::{Intake, RawBar};
use super::number::Number;
use super::stamp::Stamp;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Time,
    Open,
    High,
    Low,
    Close,
    Volume,
    Trades,
    Vwap,
    Symbol,
}

impl Field {
    /// How many there are.
    pub const COUNT: usize = 9;

    const NAMES: [(Self, &[&str]); Self::COUNT] = [
        (Self::Time, &["t", "timestamp", "time", "datetime", "date", "ts", "indexlevel0"]),
        (Self::Open, &["o", "open"]),
        (Self::High, &["h", "high"]),
        (Self::Low, &["l", "low"]),
        (Self::Close, &["c", "close"]),
        (Self::Volume, &["v", "volume", "vol"]),
        (Self::Trades, &["n", "tradecount", "trades", "transactions", "count"]),
        (Self::Vwap, &["vw", "vwap"]),
        (Self::Symbol, &["s", "symbol", "ticker"]),
    ];

    /// What a column of that name holds; capitals, blanks and underscores make no difference. An index without a name, which
    /// pandas stores as `__index_level_0__`, holds the times.
    pub fn named(name: &str) -> Option<Self> {
        let plain: String =
            name.chars().filter(|c| !matches!(c, ' ' | '_' | '"')).map(|c| c.to_ascii_lowercase()).collect();
        Self::NAMES.iter().find(|(_, names)| names.contains(&plain.as_str())).map(|(field, _)| *field)
    }
}

/// Where the fields are among the columns of a file.
pub(super) fn places<'a>(
    names: impl Iterator<Item = &'a str>,
) -> Result<[Option<usize>; Field::COUNT], String> {
    let mut places = [None; Field::COUNT];
    for (position, name) in names.enumerate() {
        let Some(field) = Field::named(name) else { continue };
        if places[field as usize].replace(position).is_some() {
            return Err(
                format!("two columns hold the {field:?} of a bar: take one of them away").to_lowercase()
            );
        }
    }
    let needed = [Field::Time, Field::Open, Field::High, Field::Low, Field::Close, Field::Volume];
    let missing: Vec<String> = needed
        .iter()
        .filter(|field| places[**field as usize].is_none())
        .map(|field| format!("{field:?}").to_lowercase())
        .collect();
    if missing.is_empty() {
        Ok(places)
    } else {
        Err(format!(
            "there is no column for {}: name the columns timestamp, open, high, low, close, volume and, where known, trade_count and vwap",
            missing.join(", ")
        ))
    }
}

pub(super) fn read(content: &[u8], intake: &mut Intake) -> Result<(), Fault> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let mut lines = content.split(|byte| *byte == b'\n').zip(1_usize..);
    let Some((header, _)) = lines.next() else { return Ok(()) };
    let at = |line: usize| move |text: String| Fault { place: Some(format!("line {line}")), text };
    let header = str::from_utf8(header)
        .map_err(|_| {
            at(1)("this is no text: write the file as UTF-8 text, or name it after its format".to_owned())
        })?
        .trim_end();
    let separator =
        [b',', b';', b'\t'].into_iter().find(|byte| header.as_bytes().contains(byte)).unwrap_or(b',');
    let names = split(header.as_bytes(), separator).map(|field| str::from_utf8(field).unwrap_or_default());
    let places = places(names).map_err(at(1))?;
    let mut fields: Vec<&[u8]> = Vec::new();
    for (line, number) in lines {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            continue;
        }
        fields.clear();
        fields.extend(split(line, separator));
        take(&fields, &places, number, intake).map_err(at(number))?;
    }
    Ok(())
}

fn take(
    fields: &[&[u8]],
    places: &[Option<usize>; Field::COUNT],
    line: usize,
    intake: &mut Intake,
) -> Result<(), String> {
    let optional = |field: Field| -> Option<&[u8]> {
        let text = fields.get(places[field as usize]?)?.trim_ascii();
        (!text.is_empty()).then_some(text)
    };
    let needed = |field: Field| {
        let text = optional(field);
        text.ok_or_else(|| {
            format!("the {field:?} is missing: complete the line, or take it away").to_lowercase()
        })
    };
    let time = String::from_utf8_lossy(needed(Field::Time)?);
    let stamp = Stamp::parse(&time).ok_or_else(|| {
        let shown: String = time.chars().take(40).collect();
        format!("`{shown}` is no time: write it with its offset, like 2024-01-02T14:30:00Z, or bars of a day like 2024-01-02")
    })?;
    let symbol = optional(Field::Symbol).map(String::from_utf8_lossy);
    intake.take(
        line,
        &RawBar {
            symbol: symbol.as_deref(),
            at: stamp,
            open: Number::Text(needed(Field::Open)?),
            high: Number::Text(needed(Field::High)?),
            low: Number::Text(needed(Field::Low)?),
            close: Number::Text(needed(Field::Close)?),
            volume: Number::Text(needed(Field::Volume)?),
            trades: optional(Field::Trades).map(Number::Text),
            vwap: optional(Field::Vwap).map(Number::Text),
        },
    )
}

/// The fields of a line, without the quotes around them. A separator between quotes separates nothing.
fn split(line: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    line.split(move |byte| {
        quoted ^= *byte == b'"';
        !quoted && *byte == separator
    })
    .map(|field| {
        let field = field.trim_ascii();
        field.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(field)
    })
}
