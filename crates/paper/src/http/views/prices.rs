//! Bars, quotes and trades.

use paddock_alpaca::wire;
use paddock_core::order::Side;

use crate::market::{AssetInfo, Bar, Quote, Trade};

/// A bar.
pub(in crate::http) fn bar(bar: Bar) -> wire::Bar {
    wire::Bar {
        t: bar.at,
        o: bar.open,
        h: bar.high,
        l: bar.low,
        c: bar.close,
        v: bar.volume,
        n: bar.trade_count,
        vw: bar.vwap,
    }
}

/// A stock's quote, on its listing venue.
pub(crate) fn stock_quote(asset: &AssetInfo, quote: Quote) -> wire::StockQuote {
    wire::StockQuote {
        t: quote.at,
        ax: venue(asset).to_owned(),
        ap: quote.ask,
        ask_size: quote.ask_size,
        bx: venue(asset).to_owned(),
        bp: quote.bid,
        bid_size: quote.bid_size,
        c: vec!["R".to_owned()],
        z: tape(asset),
    }
}

/// A stock's trade, on its listing venue.
pub(crate) fn stock_trade(asset: &AssetInfo, trade: Trade) -> wire::StockTrade {
    wire::StockTrade {
        t: trade.at,
        x: venue(asset).to_owned(),
        p: trade.price,
        s: trade.size,
        c: vec![regular_sale(asset).to_owned()],
        i: trade.id,
        z: tape(asset),
    }
}

/// A crypto pair's quote.
pub(crate) fn crypto_quote(quote: Quote) -> wire::CryptoQuote {
    wire::CryptoQuote {
        t: quote.at,
        ap: quote.ask,
        ask_size: quote.ask_size,
        bp: quote.bid,
        bid_size: quote.bid_size,
    }
}

/// A crypto pair's trade.
pub(crate) fn crypto_trade(trade: Trade) -> wire::CryptoTrade {
    wire::CryptoTrade {
        t: trade.at,
        p: trade.price,
        s: trade.size,
        i: i64::try_from(trade.id).unwrap_or(i64::MAX),
        tks: match trade.taker {
            Side::Buy => "B".to_owned(),
            Side::Sell => "S".to_owned(),
        },
    }
}

/// The exchange's code in Alpaca's list: N is NYSE, P is NYSE Arca, Q is NASDAQ.
pub(in crate::http) fn venue(asset: &AssetInfo) -> &'static str {
    match asset.exchange {
        "NYSE" => "N",
        "ARCA" => "P",
        _ => "Q",
    }
}

/// The condition of an ordinary trade: the tapes of NYSE and ARCA have a blank for it, that of NASDAQ has a sign.
fn regular_sale(asset: &AssetInfo) -> &'static str {
    if asset.tape() == Some("C") { "@" } else { " " }
}

fn tape(asset: &AssetInfo) -> String {
    asset.tape().unwrap_or_default().to_owned()
}
