//! Which operation is answered by what, and what those get that are not.

use axum::response::Response;
use paddock_alpaca::AlpacaError;
use paddock_core::PermissionClass;

use super::Call;
use super::handlers::{
    account, activities, announcements, assets, auctions, calendar, clock, configuration, contracts,
    corporate_actions, crypto, history, logos, meta, news, not_enabled, orders, positions, screener, stocks,
    watchlists,
};

/// Hands a call to the handler of its operation.
pub(super) async fn answer(call: Call) -> Result<Response, AlpacaError> {
    match call.operation.id {
        "getAccount" => account::get(&call).await,
        "getAccountConfig" => configuration::get(&call).await,
        "patchAccountConfig" => configuration::patch(&call).await,
        "getAccountActivities" | "getAccountActivitiesByActivityType" => activities::list(&call).await,
        "getAccountPortfolioHistory" => history::get(&call).await,
        "get-v2-assets" => assets::list(&call),
        "get-v2-assets-symbol_or_asset_id" => assets::get(&call),
        "LegacyClock" => clock::get(&call),
        "Clock" => clock::get_v3(&call),
        "LegacyCalendar" => calendar::list(&call),
        "Calendar" => calendar::list_v3(&call),
        "postOrder" => orders::place(&call).await,
        "getAllOrders" => orders::list(&call).await,
        "getOrderByOrderID" => orders::get(&call).await,
        "getOrderByClientOrderId" => orders::get_by_client_order_id(&call).await,
        "patchOrderByOrderId" => orders::replace(&call).await,
        "deleteOrderByOrderID" => orders::cancel(&call).await,
        "deleteAllOrders" => orders::cancel_all(&call).await,
        "getAllOpenPositions" => positions::list(&call).await,
        "getOpenPosition" => positions::get(&call).await,
        "deleteOpenPosition" => positions::close(&call).await,
        "deleteAllOpenPositions" => positions::close_all(&call).await,
        "subscribeToTradesSSE" => crate::stream::trades_by_server_sent_events(&call),
        "subscribeToActivitiesSSE" => crate::stream::activities_by_server_sent_events(&call).await,
        "getWatchlists" => watchlists::list(&call).await,
        "postWatchlist" => watchlists::create(&call).await,
        "getWatchlistById" | "getWatchlistByName" => watchlists::get(&call).await,
        "updateWatchlistById" | "updateWatchlistByName" => watchlists::update(&call).await,
        "addAssetToWatchlist" | "addAssetToWatchlistByName" => watchlists::add(&call).await,
        "removeAssetFromWatchlist" => watchlists::remove(&call).await,
        "deleteWatchlistById" | "deleteWatchlistByName" => watchlists::delete(&call).await,
        "get-v2-corporate_actions-announcements" => announcements::list(&call),
        "get-v2-corporate_actions-announcements-id" => announcements::get(&call),
        "listCryptoFundingWallets" => not_enabled::wallets(&call),
        "getCryptoTransferEstimate" => not_enabled::fee_estimate(),
        "listCryptoFundingTransfers" | "listWhitelistedAddress" => not_enabled::empty(),
        "getCryptoFundingTransfer" => not_enabled::transfer(),
        "listLocates" => not_enabled::locates(),
        "getLocate" => not_enabled::locate(),
        "listLocateQuotes" | "createLocates" => not_enabled::no_locates(),
        "getTokenizationRequests" | "getTokenizationRequest" | "getTokenizationRequestByClientRequestID" => {
            not_enabled::no_participant()
        }
        "optionExercise" | "optionDoNotExercise" => not_enabled::exercise(&call),
        "CorporateActions" => corporate_actions::list(&call),
        "StockBars" => stocks::bars(&call),
        "StockBarSingle" => stocks::bars_of_one(&call),
        "StockLatestBars" => stocks::latest_bars(&call),
        "StockLatestBarSingle" => stocks::latest_bar(&call),
        "StockQuotes" => stocks::quotes(&call),
        "StockQuoteSingle" => stocks::quotes_of_one(&call),
        "StockLatestQuotes" => stocks::latest_quotes(&call),
        "StockLatestQuoteSingle" => stocks::latest_quote(&call),
        "StockTrades" => stocks::trades(&call),
        "StockTradeSingle" => stocks::trades_of_one(&call),
        "StockLatestTrades" => stocks::latest_trades(&call),
        "StockLatestTradeSingle" => stocks::latest_trade(&call),
        "StockSnapshots" => stocks::snapshots(&call),
        "StockSnapshotSingle" => stocks::snapshot(&call),
        "StockAuctions" => auctions::list(&call),
        "StockAuctionSingle" => auctions::of_one(&call),
        "StockMetaConditions" => meta::stock_conditions(&call),
        "StockMetaExchanges" => meta::stock_exchanges(),
        "OptionMetaConditions" => meta::option_conditions(&call),
        "OptionMetaExchanges" => meta::option_exchanges(),
        "get-options-contracts" => contracts::list(&call),
        "get-option-contract-symbol_or_id" => contracts::get(&call),
        "News" => news::list(&call),
        "Logos" => logos::get(&call),
        "MostActives" => screener::most_actives(&call),
        "Movers" => screener::movers(&call),
        "CryptoBars" => crypto::bars(&call),
        "CryptoLatestBars" => crypto::latest_bars(&call),
        "CryptoQuotes" => crypto::quotes(&call),
        "CryptoLatestQuotes" => crypto::latest_quotes(&call),
        "CryptoTrades" => crypto::trades(&call),
        "CryptoLatestTrades" => crypto::latest_trades(&call),
        "CryptoSnapshots" => crypto::snapshots(&call),
        "CryptoLatestOrderbooks" => crypto::latest_orderbooks(&call),
        _ => Err(not_offered(&call)),
    }
}

/// What an operation gets that is in Alpaca's table and not in this broker. Moving assets out is forbidden, as it is to an
/// account that was not approved for it; for anything else the broker says that it is the one who cannot.
fn not_offered(call: &Call) -> AlpacaError {
    let id = call.operation.id;
    if call.operation.class == PermissionClass::MoneyOut {
        return AlpacaError::new(403, 40_310_000, format!("{id} is not enabled for this account"));
    }
    AlpacaError::new(501, 50_110_000, format!("{id} is not offered by this paper broker"))
}
