//! The screener: which stocks trade most, and what moves most.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::decimal::number;

/// How much a stock has traded in the current day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MostActive {
    /// The symbol.
    pub symbol: String,
    /// Shares.
    #[serde(with = "number")]
    pub volume: Decimal,
    /// Number of trades.
    pub trade_count: u64,
}

/// The stocks that trade most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MostActives {
    /// The most active first.
    pub most_actives: Vec<MostActive>,
    /// As of when.
    pub last_updated: Timestamp,
}

/// What a price has done since the close of the day before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mover {
    /// The symbol.
    pub symbol: String,
    /// In percent, 2.5 for two and a half of them.
    #[serde(with = "number")]
    pub percent_change: Decimal,
    /// In dollars, or in the pair's quote currency.
    #[serde(with = "number")]
    pub change: Decimal,
    /// The price of now.
    #[serde(with = "number")]
    pub price: Decimal,
}

/// What has moved most, in both directions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movers {
    /// The strongest first.
    pub gainers: Vec<Mover>,
    /// The weakest first.
    pub losers: Vec<Mover>,
    /// `stocks` or `crypto`.
    pub market_type: String,
    /// As of when.
    pub last_updated: Timestamp,
}
