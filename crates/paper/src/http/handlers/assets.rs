//! `/v2/assets`.

use axum::response::Response;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::wire::Asset;
use paddock_core::Symbol;
use uuid::Uuid;

use crate::http::{Call, respond, views};
use crate::market::{AssetInfo, Market};

/// The assets; stocks unless another class is asked for.
pub(in crate::http) fn list(call: &Call) -> Result<Response, AlpacaError> {
    let status = call.one_of("status", &["active", "inactive", "all"])?;
    let class = call.text("asset_class").unwrap_or("us_equity");
    let exchange = call.text("exchange");
    let attributes = call.list("attributes").unwrap_or_default();
    let assets: Vec<Asset> = call
        .broker
        .market()
        .assets()
        .iter()
        .map(views::asset)
        .filter(|asset| status.is_none_or(|status| status == "all" || asset.status == status))
        .filter(|asset| asset.class == class)
        .filter(|asset| exchange.is_none_or(|exchange| asset.exchange == exchange))
        .filter(|asset| {
            attributes.is_empty()
                || attributes.iter().any(|wanted| asset.attributes.iter().any(|has| has == wanted))
        })
        .collect();
    respond::ok(&assets)
}

/// One asset.
pub(in crate::http) fn get(call: &Call) -> Result<Response, AlpacaError> {
    respond::ok(&views::asset(find(call.broker.market(), call.param())?))
}

/// The asset of a symbol, in either spelling of a crypto pair, or of an asset id.
pub(super) fn find<'a>(market: &'a Market, symbol_or_id: &str) -> Result<&'a AssetInfo, AlpacaError> {
    if let Ok(id) = symbol_or_id.parse::<Uuid>() {
        let asset = market.assets().iter().find(|asset| asset.id == id);
        return asset.ok_or_else(|| AlpacaError::asset_not_found(symbol_or_id));
    }
    Symbol::parse(symbol_or_id)
        .ok()
        .and_then(|symbol| market.asset(&symbol))
        .ok_or_else(|| AlpacaError::symbol_not_found(symbol_or_id))
}
