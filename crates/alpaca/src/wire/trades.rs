//! Trades of stocks and crypto.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::decimal::number;
use super::null_is_empty;

/// A trade of a stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockTrade {
    /// When.
    pub t: Timestamp,
    /// Exchange.
    #[serde(default)]
    pub x: String,
    /// Price in dollars.
    #[serde(with = "number")]
    pub p: Decimal,
    /// Shares.
    #[serde(with = "number")]
    pub s: Decimal,
    /// Conditions.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub c: Vec<String>,
    /// Number of the trade.
    #[serde(default)]
    pub i: u64,
    /// Tape.
    #[serde(default)]
    pub z: String,
}

/// A trade of a crypto pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CryptoTrade {
    /// When.
    pub t: Timestamp,
    /// Price in the quote currency.
    #[serde(with = "number")]
    pub p: Decimal,
    /// Coins.
    #[serde(with = "number")]
    pub s: Decimal,
    /// Number of the trade.
    #[serde(default)]
    pub i: i64,
    /// The taker's side: `B` or `S`.
    #[serde(default)]
    pub tks: String,
}

/// Past trades of many symbols.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradesBySymbol<T> {
    /// By symbol.
    pub trades: BTreeMap<String, Vec<T>>,
    /// What to ask the next page with, if there is one.
    pub next_page_token: Option<String>,
}

/// Past trades of one symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TradesOfOne<T> {
    /// The trades.
    pub trades: Vec<T>,
    /// The symbol.
    pub symbol: String,
    /// What to ask the next page with, if there is one.
    pub next_page_token: Option<String>,
}

/// The latest trade of each of many symbols.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatestTrades<T> {
    /// By symbol; a symbol without a trade is left out.
    pub trades: BTreeMap<String, T>,
}

/// The latest trade of one symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatestTrade<T> {
    /// The symbol.
    pub symbol: String,
    /// The trade.
    pub trade: T,
}
