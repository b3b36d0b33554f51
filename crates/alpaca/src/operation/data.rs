//! The operations of the Market Data API. All of them read.

use paddock_core::PermissionClass;

use super::{Api, Method as M, Operation, operation};

const fn op(method: M, path: &'static str, id: &'static str, query: &'static [&'static str]) -> Operation {
    operation(Api::Data, method, path, id, PermissionClass::Data, query)
}

#[rustfmt::skip]
pub(super) static OPERATIONS: [Operation; 42] = [
    op(M::Get, "/v1/corporate-actions", "CorporateActions", &["symbols", "cusips", "types", "region", "start", "end", "ids", "limit", "data_quality", "page_token", "sort"]),
    op(M::Get, "/v1beta1/events/corporate-actions", "SubscribeToCorporateActionsEventsSSE", &["type", "region", "since", "until", "since_id", "until_id"]),
    op(M::Get, "/v1beta1/forex/latest/rates", "LatestRates", &["currency_pairs"]),
    op(M::Get, "/v1beta1/forex/rates", "Rates", &["currency_pairs", "timeframe", "start", "end", "limit", "sort", "page_token"]),
    op(M::Get, "/v1beta1/logos/{symbol}", "Logos", &["placeholder"]),
    op(M::Get, "/v1beta1/news", "News", &["start", "end", "sort", "symbols", "limit", "include_content", "exclude_contentless", "page_token"]),
    op(M::Get, "/v1beta1/options/bars", "optionBars", &["symbols", "timeframe", "start", "end", "limit", "page_token", "sort"]),
    op(M::Get, "/v1beta1/options/meta/conditions/{ticktype}", "OptionMetaConditions", &[]),
    op(M::Get, "/v1beta1/options/meta/exchanges", "OptionMetaExchanges", &[]),
    op(M::Get, "/v1beta1/options/quotes/latest", "OptionLatestQuotes", &["symbols", "feed"]),
    op(M::Get, "/v1beta1/options/snapshots", "OptionSnapshots", &["symbols", "feed", "updated_since", "limit", "page_token"]),
    op(M::Get, "/v1beta1/options/snapshots/{underlying_symbol}", "OptionChain", &["feed", "limit", "updated_since", "page_token", "type", "strike_price_gte", "strike_price_lte", "expiration_date", "expiration_date_gte", "expiration_date_lte", "root_symbol"]),
    op(M::Get, "/v1beta1/options/trades", "OptionTrades", &["symbols", "start", "end", "limit", "page_token", "sort"]),
    op(M::Get, "/v1beta1/options/trades/latest", "OptionLatestTrades", &["symbols", "feed"]),
    op(M::Get, "/v1beta1/screener/stocks/most-actives", "MostActives", &["by", "top"]),
    op(M::Get, "/v1beta1/screener/{market_type}/movers", "Movers", &["top"]),
    op(M::Get, "/v1beta3/crypto/{loc}/bars", "CryptoBars", &["symbols", "timeframe", "start", "end", "limit", "page_token", "sort"]),
    op(M::Get, "/v1beta3/crypto/{loc}/latest/bars", "CryptoLatestBars", &["symbols"]),
    op(M::Get, "/v1beta3/crypto/{loc}/latest/orderbooks", "CryptoLatestOrderbooks", &["symbols"]),
    op(M::Get, "/v1beta3/crypto/{loc}/latest/quotes", "CryptoLatestQuotes", &["symbols"]),
    op(M::Get, "/v1beta3/crypto/{loc}/latest/trades", "CryptoLatestTrades", &["symbols"]),
    op(M::Get, "/v1beta3/crypto/{loc}/quotes", "CryptoQuotes", &["symbols", "start", "end", "limit", "page_token", "sort"]),
    op(M::Get, "/v1beta3/crypto/{loc}/snapshots", "CryptoSnapshots", &["symbols"]),
    op(M::Get, "/v1beta3/crypto/{loc}/trades", "CryptoTrades", &["symbols", "start", "end", "limit", "page_token", "sort"]),
    op(M::Get, "/v2/stocks/auctions", "StockAuctions", &["symbols", "start", "end", "limit", "asof", "feed", "currency", "page_token", "sort"]),
    op(M::Get, "/v2/stocks/bars", "StockBars", &["symbols", "timeframe", "start", "end", "limit", "adjustment", "asof", "feed", "currency", "page_token", "sort"]),
    op(M::Get, "/v2/stocks/bars/latest", "StockLatestBars", &["symbols", "feed", "currency"]),
    op(M::Get, "/v2/stocks/meta/conditions/{ticktype}", "StockMetaConditions", &["tape"]),
    op(M::Get, "/v2/stocks/meta/exchanges", "StockMetaExchanges", &[]),
    op(M::Get, "/v2/stocks/quotes", "StockQuotes", &["symbols", "start", "end", "limit", "asof", "feed", "currency", "page_token", "sort"]),
    op(M::Get, "/v2/stocks/quotes/latest", "StockLatestQuotes", &["symbols", "feed", "currency"]),
    op(M::Get, "/v2/stocks/snapshots", "StockSnapshots", &["symbols", "feed", "currency"]),
    op(M::Get, "/v2/stocks/trades", "StockTrades", &["symbols", "start", "end", "limit", "asof", "feed", "currency", "page_token", "sort"]),
    op(M::Get, "/v2/stocks/trades/latest", "StockLatestTrades", &["symbols", "feed", "currency"]),
    op(M::Get, "/v2/stocks/{symbol}/auctions", "StockAuctionSingle", &["start", "end", "limit", "asof", "feed", "currency", "page_token", "sort"]),
    op(M::Get, "/v2/stocks/{symbol}/bars", "StockBarSingle", &["timeframe", "start", "end", "limit", "adjustment", "asof", "feed", "currency", "page_token", "sort"]),
    op(M::Get, "/v2/stocks/{symbol}/bars/latest", "StockLatestBarSingle", &["feed", "currency"]),
    op(M::Get, "/v2/stocks/{symbol}/quotes", "StockQuoteSingle", &["start", "end", "limit", "asof", "feed", "currency", "page_token", "sort"]),
    op(M::Get, "/v2/stocks/{symbol}/quotes/latest", "StockLatestQuoteSingle", &["feed", "currency"]),
    op(M::Get, "/v2/stocks/{symbol}/snapshot", "StockSnapshotSingle", &["feed", "currency"]),
    op(M::Get, "/v2/stocks/{symbol}/trades", "StockTradeSingle", &["start", "end", "limit", "asof", "feed", "currency", "page_token", "sort"]),
    op(M::Get, "/v2/stocks/{symbol}/trades/latest", "StockLatestTradeSingle", &["feed", "currency"]),
];
