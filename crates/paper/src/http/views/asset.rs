//! An asset.

use paddock_alpaca::wire;
use paddock_core::AssetClass;
use rust_decimal::Decimal;

use crate::broker::is_tradable;
use crate::contracts::UNDERLYINGS;
use crate::market::AssetInfo;

/// An asset as Alpaca shows it.
pub(in crate::http) fn asset(asset: &AssetInfo) -> wire::Asset {
    let stock = asset.symbol.class() == AssetClass::UsEquity;
    let margin = Decimal::from(if asset.marginable { 30 } else { 100 });
    let borrow = if asset.easy_to_borrow { "easy_to_borrow" } else { "hard_to_borrow" };
    let attributes = [
        ("fractional_eh_enabled", stock && asset.fractionable),
        ("has_options", UNDERLYINGS.contains(&asset.symbol.as_str())),
    ];
    let attributes =
        attributes.into_iter().filter(|(_, has)| *has).map(|(name, _)| name.to_owned()).collect();
    wire::Asset {
        id: asset.id,
        class: asset.symbol.class().to_string(),
        exchange: asset.exchange.to_owned(),
        symbol: asset.symbol.to_string(),
        name: asset.name.to_string(),
        status: "active".to_owned(),
        tradable: is_tradable(asset),
        marginable: asset.marginable,
        maintenance_margin_requirement: Some(margin),
        margin_requirement_long: Some(margin),
        margin_requirement_short: Some(margin),
        shortable: asset.shortable,
        easy_to_borrow: asset.easy_to_borrow,
        borrow_status: stock.then(|| borrow.to_owned()),
        fractionable: asset.fractionable,
        min_order_size: asset.min_order_size,
        min_trade_increment: asset.min_trade_increment,
        price_increment: asset.price_increment,
        attributes,
    }
}
