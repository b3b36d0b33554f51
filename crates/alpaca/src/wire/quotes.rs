//! Quotes of stocks and crypto.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::decimal::number;
use super::null_is_empty;

/// A stock's best bid and offer. Prices in dollars, zero when there is none; sizes in shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockQuote {
    /// When.
    pub t: Timestamp,
    /// Exchange of the ask.
    #[serde(default)]
    pub ax: String,
    /// Ask.
    #[serde(with = "number")]
    pub ap: Decimal,
    /// Shares at the ask.
    #[serde(rename = "as", with = "number")]
    pub ask_size: Decimal,
    /// Exchange of the bid.
    #[serde(default)]
    pub bx: String,
    /// Bid.
    #[serde(with = "number")]
    pub bp: Decimal,
    /// Shares at the bid.
    #[serde(rename = "bs", with = "number")]
    pub bid_size: Decimal,
    /// Conditions.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub c: Vec<String>,
    /// Tape.
    #[serde(default)]
    pub z: String,
}

/// A crypto pair's best bid and offer. Prices in the quote currency, sizes in coins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CryptoQuote {
    /// When.
    pub t: Timestamp,
    /// Ask.
    #[serde(with = "number")]
    pub ap: Decimal,
    /// Coins at the ask.
    #[serde(rename = "as", with = "number")]
    pub ask_size: Decimal,
    /// Bid.
    #[serde(with = "number")]
    pub bp: Decimal,
    /// Coins at the bid.
    #[serde(rename = "bs", with = "number")]
    pub bid_size: Decimal,
}

/// Past quotes of many symbols.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotesBySymbol<Q> {
    /// By symbol.
    pub quotes: BTreeMap<String, Vec<Q>>,
    /// What to ask the next page with, if there is one.
    pub next_page_token: Option<String>,
}

/// Past quotes of one symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotesOfOne<Q> {
    /// The quotes.
    pub quotes: Vec<Q>,
    /// The symbol.
    pub symbol: String,
    /// What to ask the next page with, if there is one.
    pub next_page_token: Option<String>,
}

/// The latest quote of each of many symbols.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatestQuotes<Q> {
    /// By symbol; a symbol without a quote is left out.
    pub quotes: BTreeMap<String, Q>,
}

/// The latest quote of one symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatestQuote<Q> {
    /// The symbol.
    pub symbol: String,
    /// The quote.
    pub quote: Q,
}

/// A bid and an ask, whatever the asset class. An absent price is one that the market does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BidAsk {
    /// When.
    pub at: Timestamp,
    /// What a seller gets.
    pub bid: Option<Decimal>,
    /// What a buyer pays.
    pub ask: Option<Decimal>,
}

impl BidAsk {
    /// A bid and an ask, of which Alpaca writes zero where there is none.
    #[must_use]
    pub fn new(at: Timestamp, bid: Option<Decimal>, ask: Option<Decimal>) -> Self {
        let positive = |price: Option<Decimal>| price.filter(|price| *price > Decimal::ZERO);
        Self { at, bid: positive(bid), ask: positive(ask) }
    }
}

impl From<&StockQuote> for BidAsk {
    fn from(quote: &StockQuote) -> Self {
        Self::new(quote.t, Some(quote.bp), Some(quote.ap))
    }
}

impl From<&CryptoQuote> for BidAsk {
    fn from(quote: &CryptoQuote) -> Self {
        Self::new(quote.t, Some(quote.bp), Some(quote.ap))
    }
}
