//! The operations of the Trading API.

use paddock_core::PermissionClass as P;

use super::{Api, Method as M, Operation, Origin, operation};

const fn op(
    method: M,
    path: &'static str,
    id: &'static str,
    class: P,
    query: &'static [&'static str],
) -> Operation {
    operation(Api::Trading, method, path, id, class, query)
}

/// What the Go client reads and no document lists: the server-sent events behind `StreamTradeUpdates`. The operationId is
/// ours, in the style of `subscribeToActivitiesSSE`.
pub(super) static CLIENT_ONLY: [Operation; 1] = [Operation {
    origin: Origin::OfficialClient,
    ..op(
        M::Get,
        "/v2/events/trades",
        "subscribeToTradesSSE",
        P::AccountRead,
        &["since", "until", "since_id", "until_id"],
    )
}];

// A parameter of a query is listed where Alpaca's document lists it. Reading a wallet or the list of whitelisted addresses
// moves nothing; whatever changes one of them prepares a withdrawal. Exercising an option and locating shares to short
// spend the account's money in the market, as an order does.
#[rustfmt::skip]
pub(super) static OPERATIONS: [Operation; 57] = [
    op(M::Get, "/v1/locates", "listLocates", P::AccountRead, &["page_token", "limit", "status", "symbol", "start", "end"]),
    op(M::Post, "/v1/locates", "createLocates", P::Order, &[]),
    op(M::Get, "/v1/locates/quotes", "listLocateQuotes", P::AccountRead, &["symbols"]),
    op(M::Get, "/v1/locates/{locate_id}", "getLocate", P::AccountRead, &[]),
    op(M::Get, "/v2/account", "getAccount", P::AccountRead, &[]),
    op(M::Get, "/v2/account/activities", "getAccountActivities", P::AccountRead, &["activity_types", "category", "order_id", "date", "until", "after", "direction", "page_size", "page_token"]),
    op(M::Get, "/v2/account/activities/{activity_type}", "getAccountActivitiesByActivityType", P::AccountRead, &["order_id", "date", "until", "after", "direction", "page_size", "page_token"]),
    op(M::Get, "/v2/account/configurations", "getAccountConfig", P::AccountRead, &[]),
    op(M::Patch, "/v2/account/configurations", "patchAccountConfig", P::Settings, &[]),
    op(M::Get, "/v2/account/portfolio/history", "getAccountPortfolioHistory", P::AccountRead, &["period", "timeframe", "intraday_reporting", "start", "pnl_reset", "end", "extended_hours", "cashflow_types"]),
    op(M::Get, "/v2/assets", "get-v2-assets", P::AccountRead, &["status", "asset_class", "exchange", "attributes"]),
    op(M::Get, "/v2/assets/{symbol_or_asset_id}", "get-v2-assets-symbol_or_asset_id", P::AccountRead, &[]),
    op(M::Get, "/v2/calendar", "LegacyCalendar", P::AccountRead, &["start", "end", "date_type"]),
    op(M::Get, "/v2/clock", "LegacyClock", P::AccountRead, &[]),
    op(M::Get, "/v2/corporate_actions/announcements", "get-v2-corporate_actions-announcements", P::AccountRead, &["ca_types", "since", "until", "symbol", "cusip", "date_type"]),
    op(M::Get, "/v2/corporate_actions/announcements/{id}", "get-v2-corporate_actions-announcements-id", P::AccountRead, &[]),
    op(M::Get, "/v2/options/contracts", "get-options-contracts", P::AccountRead, &["underlying_symbols", "show_deliverables", "status", "expiration_date", "expiration_date_gte", "expiration_date_lte", "root_symbol", "type", "style", "strike_price_gte", "strike_price_lte", "page_token", "limit", "ppind"]),
    op(M::Get, "/v2/options/contracts/{symbol_or_id}", "get-option-contract-symbol_or_id", P::AccountRead, &[]),
    op(M::Delete, "/v2/orders", "deleteAllOrders", P::Cancel, &[]),
    op(M::Get, "/v2/orders", "getAllOrders", P::AccountRead, &["status", "limit", "after", "until", "direction", "nested", "symbols", "side", "asset_class", "before_order_id", "after_order_id"]),
    op(M::Post, "/v2/orders", "postOrder", P::Order, &[]),
    op(M::Delete, "/v2/orders/{order_id}", "deleteOrderByOrderID", P::Cancel, &[]),
    op(M::Get, "/v2/orders/{order_id}", "getOrderByOrderID", P::AccountRead, &["nested"]),
    op(M::Patch, "/v2/orders/{order_id}", "patchOrderByOrderId", P::Order, &[]),
    op(M::Get, "/v2/orders:by_client_order_id", "getOrderByClientOrderId", P::AccountRead, &["client_order_id"]),
    op(M::Delete, "/v2/positions", "deleteAllOpenPositions", P::PositionClose, &["cancel_orders"]),
    op(M::Get, "/v2/positions", "getAllOpenPositions", P::AccountRead, &[]),
    op(M::Delete, "/v2/positions/{symbol_or_asset_id}", "deleteOpenPosition", P::PositionClose, &["qty", "percentage"]),
    op(M::Get, "/v2/positions/{symbol_or_asset_id}", "getOpenPosition", P::AccountRead, &[]),
    op(M::Post, "/v2/positions/{symbol_or_contract_id}/do-not-exercise", "optionDoNotExercise", P::Order, &[]),
    op(M::Post, "/v2/positions/{symbol_or_contract_id}/exercise", "optionExercise", P::Order, &[]),
    op(M::Post, "/v2/tokenization/mint", "postTokenizationMint", P::MoneyOut, &[]),
    op(M::Get, "/v2/tokenization/requests", "getTokenizationRequests", P::AccountRead, &["type", "status", "underlying_symbol", "issuer", "network", "after", "before"]),
    op(M::Get, "/v2/tokenization/requests/{tokenization_request_id}", "getTokenizationRequest", P::AccountRead, &[]),
    op(M::Get, "/v2/tokenization/requests:by_client_request_id", "getTokenizationRequestByClientRequestID", P::AccountRead, &["client_request_id"]),
    op(M::Get, "/v2/wallets", "listCryptoFundingWallets", P::AccountRead, &["asset", "chain", "network"]),
    op(M::Get, "/v2/wallets/fees/estimate", "getCryptoTransferEstimate", P::AccountRead, &["asset", "from_address", "to_address", "amount"]),
    op(M::Get, "/v2/wallets/transfers", "listCryptoFundingTransfers", P::AccountRead, &[]),
    op(M::Post, "/v2/wallets/transfers", "createCryptoTransferForAccount", P::MoneyOut, &[]),
    op(M::Get, "/v2/wallets/transfers/{transfer_id}", "getCryptoFundingTransfer", P::AccountRead, &[]),
    op(M::Get, "/v2/wallets/whitelists", "listWhitelistedAddress", P::AccountRead, &[]),
    op(M::Post, "/v2/wallets/whitelists", "createWhitelistedAddress", P::MoneyOut, &[]),
    op(M::Delete, "/v2/wallets/whitelists/{whitelisted_address_id}", "deleteWhitelistedAddress", P::MoneyOut, &[]),
    op(M::Get, "/v2/watchlists", "getWatchlists", P::AccountRead, &[]),
    op(M::Post, "/v2/watchlists", "postWatchlist", P::Watchlist, &[]),
    op(M::Delete, "/v2/watchlists/{watchlist_id}", "deleteWatchlistById", P::Watchlist, &[]),
    op(M::Get, "/v2/watchlists/{watchlist_id}", "getWatchlistById", P::AccountRead, &[]),
    op(M::Post, "/v2/watchlists/{watchlist_id}", "addAssetToWatchlist", P::Watchlist, &[]),
    op(M::Put, "/v2/watchlists/{watchlist_id}", "updateWatchlistById", P::Watchlist, &[]),
    op(M::Delete, "/v2/watchlists/{watchlist_id}/{symbol}", "removeAssetFromWatchlist", P::Watchlist, &[]),
    op(M::Delete, "/v2/watchlists:by_name", "deleteWatchlistByName", P::Watchlist, &["name"]),
    op(M::Get, "/v2/watchlists:by_name", "getWatchlistByName", P::AccountRead, &["name"]),
    op(M::Post, "/v2/watchlists:by_name", "addAssetToWatchlistByName", P::Watchlist, &["name"]),
    op(M::Put, "/v2/watchlists:by_name", "updateWatchlistByName", P::Watchlist, &["name"]),
    op(M::Get, "/v2beta1/events/activities", "subscribeToActivitiesSSE", P::AccountRead, &["since", "until", "since_id", "until_id"]),
    op(M::Get, "/v3/calendar/{market}", "Calendar", P::AccountRead, &["start", "end", "timezone"]),
    op(M::Get, "/v3/clock", "Clock", P::AccountRead, &["markets", "time"]),
];
