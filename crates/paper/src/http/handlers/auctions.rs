//! `/v2/stocks/auctions`: the session's first and last price, which are also what `opg` and `cls` orders get.

use axum::response::Response;
use jiff::Timestamp;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::wire::auctions::{Auction, AuctionsBySymbol, AuctionsOfOne, DailyAuctions};
use paddock_core::calendar::{self, Session};

use super::data::{self, Page, Service};
use crate::http::{Call, respond, views};
use crate::market::{AssetInfo, Market, Sort, Trade, Window};

const SERVICE: Service = Service::Stocks;

/// Conditions of the opening: the trade, and the official price.
const OPENING: [&str; 2] = ["O", "Q"];
/// Conditions of the close: the trade, and the official price.
const CLOSING: [&str; 2] = ["6", "M"];

/// Auctions of many symbols.
pub(in crate::http) fn list(call: &Call) -> Result<Response, AlpacaError> {
    let Page { by_symbol, next_page_token } = page(call, &data::assets(call, SERVICE)?)?;
    respond::ok(&AuctionsBySymbol { auctions: by_symbol, next_page_token })
}

/// Auctions of one symbol.
pub(in crate::http) fn of_one(call: &Call) -> Result<Response, AlpacaError> {
    let mut page = page(call, &[data::asset(call, SERVICE)?])?;
    let next_page_token = page.next_page_token.take();
    respond::ok(&AuctionsOfOne { auctions: page.only(), symbol: call.param().to_owned(), next_page_token })
}

fn page(call: &Call, assets: &[&AssetInfo]) -> Result<Page<DailyAuctions>, AlpacaError> {
    data::check_stock_words(call, &["sip"])?;
    let market = call.broker.market();
    let items = |asset, window, sort| days(market, asset, window, sort);
    // A page begins with a whole day.
    data::page(call, SERVICE, assets, items, |day| {
        calendar::session_on(day.d).map_or(Timestamp::MIN, |session| session.open)
    })
}

/// The days of a window, each of them whole as far as it is over.
fn days<'a>(
    market: &'a Market,
    asset: &'a AssetInfo,
    window: Window,
    sort: Sort,
) -> impl Iterator<Item = DailyAuctions> + 'a {
    let first = calendar::trading_date(window.from);
    let last = calendar::trading_date(window.to.min(window.now));
    data::sessions(first, last, sort).filter_map(move |session| day(market, asset, &session, window.now))
}

fn day(market: &Market, asset: &AssetInfo, session: &Session, now: Timestamp) -> Option<DailyAuctions> {
    let whole = Window { from: session.open, to: session.close.min(now), now };
    let opening = market.trades(&asset.symbol, whole, Sort::Ascending).next()?;
    let closing = (session.close <= now)
        .then(|| market.last_trade(&asset.symbol, session.close))
        .flatten()
        .filter(|trade| trade.at >= session.open);
    let opened = opening.at;
    Some(DailyAuctions {
        d: session.date,
        o: prints(asset, &opening, opened, OPENING),
        c: closing.map_or_else(Vec::new, |trade| prints(asset, &trade, session.close, CLOSING)),
    })
}

fn prints(asset: &AssetInfo, trade: &Trade, at: Timestamp, conditions: [&str; 2]) -> Vec<Auction> {
    let print = |condition: &str| Auction {
        t: at,
        x: views::venue(asset).to_owned(),
        p: trade.price,
        s: trade.size,
        c: condition.to_owned(),
    };
    conditions.into_iter().map(print).collect()
}
