//! Bars of stocks and crypto.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::decimal::number;
use super::null_is_empty;

/// One bar. Prices in dollars; the volume is whole shares for stocks, coins with decimals for crypto.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// Start of the bar.
    pub t: Timestamp,
    /// Open.
    #[serde(with = "number")]
    pub o: Decimal,
    /// High.
    #[serde(with = "number")]
    pub h: Decimal,
    /// Low.
    #[serde(with = "number")]
    pub l: Decimal,
    /// Close.
    #[serde(with = "number")]
    pub c: Decimal,
    /// Volume.
    #[serde(with = "number")]
    pub v: Decimal,
    /// Number of trades.
    #[serde(default)]
    pub n: u64,
    /// Volume-weighted average price.
    #[serde(with = "number")]
    pub vw: Decimal,
}

/// Bars of many symbols.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarsBySymbol {
    /// The bars of each symbol, oldest first unless asked otherwise.
    #[serde(deserialize_with = "null_is_empty")]
    pub bars: BTreeMap<String, Vec<Bar>>,
    /// What to ask the next page with, if there is one.
    #[serde(default)]
    pub next_page_token: Option<String>,
}

/// Bars of one symbol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BarsOfOne {
    /// The bars, oldest first unless asked otherwise.
    #[serde(deserialize_with = "null_is_empty")]
    pub bars: Vec<Bar>,
    /// The symbol.
    pub symbol: String,
    /// What to ask the next page with, if there is one.
    #[serde(default)]
    pub next_page_token: Option<String>,
}

/// The latest bar of each of many symbols.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatestBars {
    /// By symbol; a symbol without a bar is left out.
    pub bars: BTreeMap<String, Bar>,
}

/// The latest bar of one symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatestBar {
    /// The symbol.
    pub symbol: String,
    /// The bar.
    pub bar: Bar,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::dec;

    #[test]
    fn numbers_are_numbers() {
        let bar = Bar {
            t: "2026-06-24T13:30:00Z".parse().unwrap(),
            o: dec("150.00"),
            h: dec("151.25"),
            l: dec("149.9"),
            c: dec("151"),
            v: dec("1234"),
            n: 17,
            vw: dec("150.123456"),
        };
        let json = r#"{"t":"2026-06-24T13:30:00Z","o":150,"h":151.25,"l":149.9,"c":151,"v":1234,"n":17,"vw":150.123456}"#;
        assert_eq!(serde_json::to_string(&bar).unwrap(), json);
        assert_eq!(serde_json::from_str::<Bar>(json).unwrap(), bar);
    }

    #[test]
    fn no_bars_may_be_null() {
        let page: BarsOfOne =
            serde_json::from_str(r#"{"bars":null,"symbol":"AAPL","next_page_token":null}"#).unwrap();
        assert!(page.bars.is_empty());
    }
}
