//! `/v2/stocks`.

use std::collections::BTreeMap;

use axum::response::Response;
use jiff::Timestamp;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::wire::bars::{BarsBySymbol, BarsOfOne, LatestBar, LatestBars};
use paddock_alpaca::wire::quotes::{LatestQuote, LatestQuotes, QuotesBySymbol, QuotesOfOne};
use paddock_alpaca::wire::snapshots::{StockSnapshot, StockSnapshotOfOne, StockSnapshots};
use paddock_alpaca::wire::trades::{LatestTrade, LatestTrades, TradesBySymbol, TradesOfOne};
use paddock_alpaca::wire::{Bar, StockQuote, StockTrade};

use super::data::{self, Page, Service};
use crate::http::{Call, respond, views};
use crate::market::{Adjustment, AssetInfo, Market, Sort, Window};

const SERVICE: Service = Service::Stocks;
const HISTORICAL_FEEDS: [&str; 4] = ["sip", "iex", "boats", "otc"];
const LATEST_FEEDS: [&str; 6] = ["sip", "iex", "delayed_sip", "boats", "overnight", "otc"];

/// The assets, after the parameters that make no difference here were looked at.
fn assets<'a>(call: &'a Call, feeds: &[&str]) -> Result<Vec<&'a AssetInfo>, AlpacaError> {
    check(call, feeds)?;
    data::assets(call, SERVICE)
}

fn asset<'a>(call: &'a Call, feeds: &[&str]) -> Result<&'a AssetInfo, AlpacaError> {
    check(call, feeds)?;
    data::asset(call, SERVICE)
}

fn check(call: &Call, feeds: &[&str]) -> Result<(), AlpacaError> {
    data::check_stock_words(call, feeds)
}

fn page_of_bars<'a>(call: &'a Call, assets: &[&'a AssetInfo]) -> Result<Page<Bar>, AlpacaError> {
    let (market, timeframe) = (call.broker.market(), data::timeframe(call)?);
    let adjustment: Adjustment = data::read(call, "adjustment")?.unwrap_or_default();
    let items = |asset: &'a AssetInfo, window: Window, sort: Sort| {
        market.adjusted_bars(&asset.symbol, timeframe, window, sort, adjustment).map(views::bar)
    };
    data::page(call, SERVICE, assets, items, |bar| bar.t)
}

fn page_of_quotes(call: &Call, assets: &[&AssetInfo]) -> Result<Page<StockQuote>, AlpacaError> {
    let market = call.broker.market();
    let items = |asset, window, sort| quotes_within(market, asset, window, sort);
    data::page(call, SERVICE, assets, items, |quote| quote.t)
}

fn quotes_within<'a>(
    market: &'a Market,
    asset: &'a AssetInfo,
    window: Window,
    sort: Sort,
) -> impl Iterator<Item = StockQuote> + 'a {
    market.quotes(&asset.symbol, window, sort).map(|quote| views::stock_quote(asset, quote))
}

fn page_of_trades(call: &Call, assets: &[&AssetInfo]) -> Result<Page<StockTrade>, AlpacaError> {
    let market = call.broker.market();
    let items = |asset, window, sort| trades_within(market, asset, window, sort);
    data::page(call, SERVICE, assets, items, |trade| trade.t)
}

fn trades_within<'a>(
    market: &'a Market,
    asset: &'a AssetInfo,
    window: Window,
    sort: Sort,
) -> impl Iterator<Item = StockTrade> + 'a {
    market.trades(&asset.symbol, window, sort).map(|trade| views::stock_trade(asset, trade))
}

/// Bars of many symbols.
pub(in crate::http) fn bars(call: &Call) -> Result<Response, AlpacaError> {
    let Page { by_symbol, next_page_token } = page_of_bars(call, &assets(call, &HISTORICAL_FEEDS)?)?;
    respond::ok(&BarsBySymbol { bars: by_symbol, next_page_token })
}

/// Bars of one symbol.
pub(in crate::http) fn bars_of_one(call: &Call) -> Result<Response, AlpacaError> {
    let mut page = page_of_bars(call, &[asset(call, &HISTORICAL_FEEDS)?])?;
    let next_page_token = page.next_page_token.take();
    respond::ok(&BarsOfOne { bars: page.only(), symbol: call.param().to_owned(), next_page_token })
}

/// Past quotes of many symbols.
pub(in crate::http) fn quotes(call: &Call) -> Result<Response, AlpacaError> {
    let Page { by_symbol, next_page_token } = page_of_quotes(call, &assets(call, &HISTORICAL_FEEDS)?)?;
    respond::ok(&QuotesBySymbol { quotes: by_symbol, next_page_token })
}

/// Past quotes of one symbol.
pub(in crate::http) fn quotes_of_one(call: &Call) -> Result<Response, AlpacaError> {
    let mut page = page_of_quotes(call, &[asset(call, &HISTORICAL_FEEDS)?])?;
    let next_page_token = page.next_page_token.take();
    respond::ok(&QuotesOfOne { quotes: page.only(), symbol: call.param().to_owned(), next_page_token })
}

/// Past trades of many symbols.
pub(in crate::http) fn trades(call: &Call) -> Result<Response, AlpacaError> {
    let Page { by_symbol, next_page_token } = page_of_trades(call, &assets(call, &HISTORICAL_FEEDS)?)?;
    respond::ok(&TradesBySymbol { trades: by_symbol, next_page_token })
}

/// Past trades of one symbol.
pub(in crate::http) fn trades_of_one(call: &Call) -> Result<Response, AlpacaError> {
    let mut page = page_of_trades(call, &[asset(call, &HISTORICAL_FEEDS)?])?;
    let next_page_token = page.next_page_token.take();
    respond::ok(&TradesOfOne { trades: page.only(), symbol: call.param().to_owned(), next_page_token })
}

/// The latest bar of each of many symbols.
pub(in crate::http) fn latest_bars(call: &Call) -> Result<Response, AlpacaError> {
    respond::ok(&LatestBars { bars: latest(call, latest_bar_of)? })
}

/// The latest bar of one symbol.
pub(in crate::http) fn latest_bar(call: &Call) -> Result<Response, AlpacaError> {
    let (symbol, bar) = latest_of_one(call, latest_bar_of)?;
    respond::ok(&LatestBar { symbol, bar })
}

/// The latest quote of each of many symbols.
pub(in crate::http) fn latest_quotes(call: &Call) -> Result<Response, AlpacaError> {
    respond::ok(&LatestQuotes { quotes: latest(call, latest_quote_of)? })
}

/// The latest quote of one symbol.
pub(in crate::http) fn latest_quote(call: &Call) -> Result<Response, AlpacaError> {
    let (symbol, quote) = latest_of_one(call, latest_quote_of)?;
    respond::ok(&LatestQuote { symbol, quote })
}

/// The latest trade of each of many symbols.
pub(in crate::http) fn latest_trades(call: &Call) -> Result<Response, AlpacaError> {
    respond::ok(&LatestTrades { trades: latest(call, latest_trade_of)? })
}

/// The latest trade of one symbol.
pub(in crate::http) fn latest_trade(call: &Call) -> Result<Response, AlpacaError> {
    let (symbol, trade) = latest_of_one(call, latest_trade_of)?;
    respond::ok(&LatestTrade { symbol, trade })
}

/// Snapshots of many symbols, at the top level of the answer.
pub(in crate::http) fn snapshots(call: &Call) -> Result<Response, AlpacaError> {
    let snapshots: StockSnapshots = latest(call, |market, asset, now| Some(snapshot_of(market, asset, now)))?;
    respond::ok(&snapshots)
}

/// The snapshot of one symbol.
pub(in crate::http) fn snapshot(call: &Call) -> Result<Response, AlpacaError> {
    let (symbol, snapshot) = latest_of_one(call, |market, asset, now| Some(snapshot_of(market, asset, now)))?;
    respond::ok(&StockSnapshotOfOne {
        symbol,
        daily_bar: snapshot.daily_bar,
        latest_quote: snapshot.latest_quote,
        latest_trade: snapshot.latest_trade,
        minute_bar: snapshot.minute_bar,
        prev_daily_bar: snapshot.prev_daily_bar,
    })
}

type Latest<T> = fn(&Market, &AssetInfo, Timestamp) -> Option<T>;

fn latest<T>(call: &Call, of: Latest<T>) -> Result<BTreeMap<String, T>, AlpacaError> {
    let (market, now) = (call.broker.market(), call.data_now());
    let item = |asset: &AssetInfo| Some((asset.symbol.to_string(), of(market, asset, now)?));
    Ok(assets(call, &LATEST_FEEDS)?.into_iter().filter_map(item).collect())
}

fn latest_of_one<T>(call: &Call, of: Latest<T>) -> Result<(String, T), AlpacaError> {
    let asset = asset(call, &LATEST_FEEDS)?;
    let item = of(call.broker.market(), asset, call.data_now());
    let symbol = asset.symbol.to_string();
    item.map(|item| (symbol.clone(), item))
        .ok_or_else(|| AlpacaError::without_code(404, format!("no data for {symbol} yet")))
}

fn latest_bar_of(market: &Market, asset: &AssetInfo, now: Timestamp) -> Option<Bar> {
    market.latest_bar(&asset.symbol, now).map(views::bar)
}

fn latest_quote_of(market: &Market, asset: &AssetInfo, now: Timestamp) -> Option<StockQuote> {
    market.quote(&asset.symbol, now).map(|quote| views::stock_quote(asset, quote))
}

fn latest_trade_of(market: &Market, asset: &AssetInfo, now: Timestamp) -> Option<StockTrade> {
    market.last_trade(&asset.symbol, now).map(|trade| views::stock_trade(asset, trade))
}

fn snapshot_of(market: &Market, asset: &AssetInfo, now: Timestamp) -> StockSnapshot {
    let [daily_bar, prev_daily_bar] = data::last_days(market, asset, now);
    StockSnapshot {
        daily_bar,
        latest_quote: latest_quote_of(market, asset, now),
        latest_trade: latest_trade_of(market, asset, now),
        minute_bar: latest_bar_of(market, asset, now),
        prev_daily_bar,
    }
}
