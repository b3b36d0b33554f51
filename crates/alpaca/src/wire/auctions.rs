//! The opening and closing auctions of stocks.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::decimal::number;
use super::null_is_empty;

/// One print of an auction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auction {
    /// When.
    pub t: Timestamp,
    /// Exchange.
    pub x: String,
    /// Price, dollars.
    #[serde(with = "number")]
    pub p: Decimal,
    /// Shares.
    #[serde(with = "number")]
    pub s: Decimal,
    /// The condition that makes it an auction.
    pub c: String,
}

/// The auctions of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyAuctions {
    /// The day.
    pub d: Date,
    /// Those of the opening.
    #[serde(deserialize_with = "null_is_empty")]
    pub o: Vec<Auction>,
    /// Those of the close.
    #[serde(deserialize_with = "null_is_empty")]
    pub c: Vec<Auction>,
}

/// Auctions of many symbols.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuctionsBySymbol {
    /// By symbol.
    pub auctions: BTreeMap<String, Vec<DailyAuctions>>,
    /// What to ask the next page with, if there is one.
    pub next_page_token: Option<String>,
}

/// Auctions of one symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuctionsOfOne {
    /// The auctions.
    pub auctions: Vec<DailyAuctions>,
    /// The symbol.
    pub symbol: String,
    /// What to ask the next page with, if there is one.
    pub next_page_token: Option<String>,
}
