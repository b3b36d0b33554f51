//! Snapshots: the latest of everything about a symbol.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Bar, CryptoQuote, CryptoTrade, StockQuote, StockTrade};

/// The latest trade, quote and bars of a symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot<Q, T> {
    /// The bar of today.
    pub daily_bar: Option<Bar>,
    /// The latest quote.
    pub latest_quote: Option<Q>,
    /// The latest trade.
    pub latest_trade: Option<T>,
    /// The bar of the latest minute.
    pub minute_bar: Option<Bar>,
    /// The bar of the session before.
    pub prev_daily_bar: Option<Bar>,
}

/// A stock's snapshot.
pub type StockSnapshot = Snapshot<StockQuote, StockTrade>;

/// A crypto pair's snapshot.
pub type CryptoSnapshot = Snapshot<CryptoQuote, CryptoTrade>;

/// Snapshots of many stocks stand at the top level, by symbol.
pub type StockSnapshots = BTreeMap<String, StockSnapshot>;

/// Snapshots of many crypto pairs stand under `snapshots`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CryptoSnapshots {
    /// By symbol.
    pub snapshots: BTreeMap<String, CryptoSnapshot>,
}

/// The answer about one stock. Its symbol stands beside the snapshot's members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockSnapshotOfOne {
    /// The symbol.
    pub symbol: String,
    /// The bar of today.
    pub daily_bar: Option<Bar>,
    /// The latest quote.
    pub latest_quote: Option<StockQuote>,
    /// The latest trade.
    pub latest_trade: Option<StockTrade>,
    /// The bar of the latest minute.
    pub minute_bar: Option<Bar>,
    /// The bar of the session before.
    pub prev_daily_bar: Option<Bar>,
}
