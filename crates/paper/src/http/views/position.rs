//! A position.

use jiff::Timestamp;
use paddock_alpaca::wire;
use paddock_alpaca::wire::position::PositionSide;
use paddock_core::Symbol;
use rust_decimal::Decimal;

use super::shown;
use crate::broker::Account;
use crate::broker::figures::price_of;
use crate::broker::position::{Position, to_cents};
use crate::market::Market;

/// A position as Alpaca shows it: crypto pairs without their slash.
pub(in crate::http) fn position(
    account: &Account,
    symbol: &Symbol,
    position: &Position,
    market: &Market,
    at: Timestamp,
) -> wire::Position {
    let asset = market.asset(symbol);
    let price = price_of(market, symbol, position, at);
    let yesterday = market.previous_close(symbol, at).unwrap_or(price);
    let value = position.value_at(price);
    let (gain, gain_today) = (value - to_cents(position.cost), value - to_cents(position.day_cost));
    let available = position.quantity.abs() - account.held(symbol);
    wire::Position {
        asset_id: asset.map(|asset| asset.id).unwrap_or_default(),
        symbol: symbol.without_slash(),
        exchange: asset.map(|asset| asset.exchange.to_owned()).unwrap_or_default(),
        asset_class: symbol.class().to_string(),
        asset_marginable: asset.is_some_and(|asset| asset.marginable),
        avg_entry_price: shown(position.average_price()),
        qty: shown(position.quantity),
        qty_available: Some(shown(if position.is_short() { -available } else { available })),
        side: if position.is_short() { PositionSide::Short } else { PositionSide::Long },
        market_value: Some(shown(value)),
        cost_basis: Some(shown(position.cost)),
        unrealized_pl: Some(shown(gain)),
        unrealized_plpc: Some(share(gain, position.cost)),
        unrealized_intraday_pl: Some(shown(gain_today)),
        unrealized_intraday_plpc: Some(share(gain_today, position.day_cost)),
        current_price: Some(shown(price)),
        lastday_price: Some(shown(yesterday)),
        change_today: Some(share(price - yesterday, yesterday)),
    }
}

/// `part` as a share of `whole`.
fn share(part: Decimal, whole: Decimal) -> Decimal {
    shown(part.checked_div(whole.abs()).unwrap_or_default())
}
