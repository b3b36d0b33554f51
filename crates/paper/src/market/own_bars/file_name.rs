//! What the name of a file says: `AAPL.1Min.csv.gz`, `BTC-USD.1Day.parquet`, `BRK.B.1Min.2024-01.json`.

use paddock_core::Symbol;

use crate::market::Timeframe;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    /// One document or many, of Alpaca's answers or single bars.
    Json,
    Parquet,
}

impl Format {
    /// The word for a place in such a file.
    pub const fn place(self) -> &'static str {
        match self {
            Self::Csv => "line",
            Self::Json => "bar",
            Self::Parquet => "row",
        }
    }
}

/// How long the bars of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Minute,
    Day,
}

/// What the name of a file of bars says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BarsFileName {
    /// Whose bars they are, unless the file itself says so for each.
    pub(super) symbol: Option<Symbol>,
    pub(super) length: Length,
    pub(super) format: Format,
    /// Whether it is compressed with gzip.
    pub(super) packed: bool,
}

impl BarsFileName {
    /// The name of a file with bars of one symbol. `detail` tells several files of one symbol apart; what it says does not
    /// matter. The slash of a crypto pair becomes a hyphen.
    #[must_use]
    pub fn compressed_csv(symbol: &Symbol, timeframe: Timeframe, detail: &str) -> String {
        format!("{}.{timeframe}.{detail}.csv.gz", symbol.as_str().replace('/', "-"))
    }

    pub(super) fn parse(name: &str) -> Result<Self, String> {
        let (name, packed) = match name.strip_suffix(".gz") {
            Some(rest) => (rest, true),
            None => (name, false),
        };
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let format = match extension.to_ascii_lowercase().as_str() {
            "csv" => Format::Csv,
            "json" | "jsonl" | "ndjson" => Format::Json,
            "parquet" if !packed => Format::Parquet,
            _ => {
                return Err("its name does not end as bars do: name it like AAPL.1Min.csv, .csv.gz, .json, .json.gz or \
                            .parquet, or move it away"
                    .to_owned());
            }
        };
        let parts: Vec<&str> = stem.split('.').collect();
        let found = parts
            .iter()
            .enumerate()
            .skip(1)
            .find_map(|(position, part)| Some((position, part.parse::<Timeframe>().ok()?)));
        let Some((position, timeframe)) = found else {
            return Err("its name has no timeframe: name it like AAPL.1Min.csv or AAPL.1Day.csv".to_owned());
        };
        let length = match timeframe {
            Timeframe::MINUTE => Length::Minute,
            Timeframe::DAY => Length::Day,
            other => {
                return Err(format!(
                    "bars of {other} are not read: use bars of 1Min or 1Day, from which all others are made"
                ));
            }
        };
        let symbol = parts[..position].join(".").replace(['-', '_'], "/");
        Ok(Self { symbol: Symbol::parse(&symbol).ok(), length, format, packed })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("AAPL.1Min.csv", Some("AAPL"), Length::Minute, Format::Csv, false)]
    #[case("BRK.B.1Day.csv.gz", Some("BRK.B"), Length::Day, Format::Csv, true)]
    #[case("BTC-USD.1Min.parquet", Some("BTC/USD"), Length::Minute, Format::Parquet, false)]
    #[case("BTCUSD.1T.2024-01.json.gz", Some("BTC/USD"), Length::Minute, Format::Json, true)]
    #[case("all.1Day.jsonl", None, Length::Day, Format::Json, false)]
    fn names_are_read(
        #[case] name: &str,
        #[case] symbol: Option<&str>,
        #[case] length: Length,
        #[case] format: Format,
        #[case] packed: bool,
    ) {
        let symbol = symbol.map(|text| Symbol::parse(text).unwrap());
        assert_eq!(BarsFileName::parse(name), Ok(BarsFileName { symbol, length, format, packed }));
    }

    #[rstest]
    #[case("AAPL.csv", "no timeframe")]
    #[case("AAPL.5Min.csv", "bars of 5Min")]
    #[case("AAPL.1Min.txt", "does not end as bars do")]
    #[case("AAPL.1Min.parquet.gz", "does not end as bars do")]
    #[case("1Min", "does not end as bars do")]
    fn others_are_refused(#[case] name: &str, #[case] expected: &str) {
        let fault = BarsFileName::parse(name).unwrap_err();
        assert!(fault.contains(expected) && fault.contains(": "), "{fault}");
    }

    #[test]
    fn a_written_name_is_read_back() {
        for text in ["AAPL", "BRK.B", "BTC/USD"] {
            let symbol = Symbol::parse(text).unwrap();
            let name = BarsFileName::compressed_csv(&symbol, Timeframe::DAY, "2024-01-01_2024-01-31");
            assert_eq!(BarsFileName::parse(&name).unwrap().symbol, Some(symbol));
        }
    }
}
