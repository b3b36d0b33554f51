//! `/v1beta3/crypto/{loc}`. All locations have the same prices here.

use std::collections::BTreeMap;

use axum::response::Response;
use jiff::Timestamp;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::wire::bars::{BarsBySymbol, LatestBars};
use paddock_alpaca::wire::decimal::number;
use paddock_alpaca::wire::quotes::{LatestQuotes, QuotesBySymbol};
use paddock_alpaca::wire::snapshots::{CryptoSnapshot, CryptoSnapshots};
use paddock_alpaca::wire::trades::{LatestTrades, TradesBySymbol};
use paddock_alpaca::wire::{Bar, CryptoQuote, CryptoTrade};
use rust_decimal::Decimal;
use serde::Serialize;

use super::data::{self, Page, Service};
use crate::http::{Call, respond, views};
use crate::market::{AssetInfo, Market, Sort, Window};

const SERVICE: Service = Service::Crypto;
const LOCATIONS: [&str; 5] = ["us", "us-1", "us-2", "eu-1", "bs-1"];

fn assets(call: &Call) -> Result<Vec<&AssetInfo>, AlpacaError> {
    if !LOCATIONS.contains(&call.param()) {
        return Err(AlpacaError::data_bad_request(format!("invalid location: {}", call.param())));
    }
    data::assets(call, SERVICE)
}

/// Bars.
pub(in crate::http) fn bars(call: &Call) -> Result<Response, AlpacaError> {
    let (market, timeframe) = (call.broker.market(), data::timeframe(call)?);
    let items = |asset: &AssetInfo, window: Window, sort: Sort| {
        market.bars(&asset.symbol, timeframe, window, sort).map(views::bar)
    };
    let page = data::page(call, SERVICE, &assets(call)?, items, |bar| bar.t)?;
    let Page { by_symbol, next_page_token } = page;
    respond::ok(&BarsBySymbol { bars: by_symbol, next_page_token })
}

/// Past quotes.
pub(in crate::http) fn quotes(call: &Call) -> Result<Response, AlpacaError> {
    let market = call.broker.market();
    let items = |asset, window, sort| quotes_within(market, asset, window, sort);
    let page = data::page(call, SERVICE, &assets(call)?, items, |quote| quote.t)?;
    let Page { by_symbol, next_page_token } = page;
    respond::ok(&QuotesBySymbol { quotes: by_symbol, next_page_token })
}

fn quotes_within<'a>(
    market: &'a Market,
    asset: &'a AssetInfo,
    window: Window,
    sort: Sort,
) -> impl Iterator<Item = CryptoQuote> + 'a {
    market.quotes(&asset.symbol, window, sort).map(views::crypto_quote)
}

/// Past trades.
pub(in crate::http) fn trades(call: &Call) -> Result<Response, AlpacaError> {
    let market = call.broker.market();
    let items = |asset, window, sort| trades_within(market, asset, window, sort);
    let page = data::page(call, SERVICE, &assets(call)?, items, |trade| trade.t)?;
    let Page { by_symbol, next_page_token } = page;
    respond::ok(&TradesBySymbol { trades: by_symbol, next_page_token })
}

fn trades_within<'a>(
    market: &'a Market,
    asset: &'a AssetInfo,
    window: Window,
    sort: Sort,
) -> impl Iterator<Item = CryptoTrade> + 'a {
    market.trades(&asset.symbol, window, sort).map(views::crypto_trade)
}

/// The latest bars.
pub(in crate::http) fn latest_bars(call: &Call) -> Result<Response, AlpacaError> {
    respond::ok(&LatestBars { bars: latest(call, latest_bar_of)? })
}

/// The latest quotes.
pub(in crate::http) fn latest_quotes(call: &Call) -> Result<Response, AlpacaError> {
    respond::ok(&LatestQuotes { quotes: latest(call, latest_quote_of)? })
}

/// The latest trades.
pub(in crate::http) fn latest_trades(call: &Call) -> Result<Response, AlpacaError> {
    respond::ok(&LatestTrades { trades: latest(call, latest_trade_of)? })
}

/// Snapshots, under `snapshots`.
pub(in crate::http) fn snapshots(call: &Call) -> Result<Response, AlpacaError> {
    respond::ok(&CryptoSnapshots { snapshots: latest(call, snapshot_of)? })
}

#[derive(Serialize)]
struct Orderbooks {
    orderbooks: BTreeMap<String, Orderbook>,
}

/// An order book of one level: the best bid and ask.
#[derive(Serialize)]
struct Orderbook {
    t: Timestamp,
    b: [Level; 1],
    a: [Level; 1],
}

#[derive(Serialize)]
struct Level {
    #[serde(with = "number")]
    p: Decimal,
    #[serde(with = "number")]
    s: Decimal,
}

/// The latest order books.
pub(in crate::http) fn latest_orderbooks(call: &Call) -> Result<Response, AlpacaError> {
    let orderbooks = latest(call, |market, asset, now| {
        market.quote(&asset.symbol, now).map(|quote| Orderbook {
            t: quote.at,
            b: [Level { p: quote.bid, s: quote.bid_size }],
            a: [Level { p: quote.ask, s: quote.ask_size }],
        })
    })?;
    respond::ok(&Orderbooks { orderbooks })
}

fn latest<T>(
    call: &Call,
    of: fn(&Market, &AssetInfo, Timestamp) -> Option<T>,
) -> Result<BTreeMap<String, T>, AlpacaError> {
    let (market, now) = (call.broker.market(), call.data_now());
    let item = |asset: &AssetInfo| Some((asset.symbol.to_string(), of(market, asset, now)?));
    Ok(assets(call)?.into_iter().filter_map(item).collect())
}

fn latest_bar_of(market: &Market, asset: &AssetInfo, now: Timestamp) -> Option<Bar> {
    market.latest_bar(&asset.symbol, now).map(views::bar)
}

fn latest_quote_of(market: &Market, asset: &AssetInfo, now: Timestamp) -> Option<CryptoQuote> {
    market.quote(&asset.symbol, now).map(views::crypto_quote)
}

fn latest_trade_of(market: &Market, asset: &AssetInfo, now: Timestamp) -> Option<CryptoTrade> {
    market.last_trade(&asset.symbol, now).map(views::crypto_trade)
}

fn snapshot_of(market: &Market, asset: &AssetInfo, now: Timestamp) -> Option<CryptoSnapshot> {
    let [daily_bar, prev_daily_bar] = data::last_days(market, asset, now);
    Some(CryptoSnapshot {
        daily_bar,
        latest_quote: latest_quote_of(market, asset, now),
        latest_trade: latest_trade_of(market, asset, now),
        minute_bar: latest_bar_of(market, asset, now),
        prev_daily_bar,
    })
}
