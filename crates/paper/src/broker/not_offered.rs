//! Answers that only this broker gives: to what a real account could do and this one cannot, and where Alpaca's own words are
//! not known.

use paddock_alpaca::error::AlpacaError;
use paddock_core::order::{OrderClass, Side};
use rust_decimal::Decimal;

const UNPROCESSABLE: u32 = 42_210_000;

/// The dashboard was asked for an account that does not exist.
pub(super) fn no_such_account() -> AlpacaError {
    AlpacaError::new(404, 40_410_000, "account not found")
}

/// The dashboard was asked for a program that is not registered.
pub(super) fn no_such_oauth_client() -> AlpacaError {
    AlpacaError::new(404, 40_410_000, "oauth client not found")
}

/// The dashboard was asked for a grant that does not stand.
pub(super) fn no_such_oauth_grant() -> AlpacaError {
    AlpacaError::new(404, 40_410_000, "oauth grant not found")
}

/// An order kind that this broker does not take yet; `what` is `order class mleg`, for example.
pub(super) fn order_kind(what: &str) -> AlpacaError {
    AlpacaError::new(422, UNPROCESSABLE, format!("{what} is not offered by this paper broker"))
}

/// An order in dollars with fractions of a cent.
pub(super) fn notional_decimals() -> AlpacaError {
    AlpacaError::invalid_field("notional must be limited to 2 decimal places".to_owned())
}

/// A replacement of shares by a fraction.
pub(super) fn replace_whole_shares() -> AlpacaError {
    AlpacaError::invalid_field("qty must be a whole number in a replacement".to_owned())
}

/// A crypto order with exits.
pub(super) fn crypto_class(class: OrderClass) -> AlpacaError {
    let message = format!("crypto orders not allowed for advanced order_class: {class}");
    AlpacaError::new(422, UNPROCESSABLE, message)
}

/// A stop or trailing stop for crypto.
pub(super) fn crypto_type() -> AlpacaError {
    AlpacaError::new(422, UNPROCESSABLE, "invalid order type for crypto order")
}

/// A trailing stop with exits.
pub(super) fn trailing_must_be_simple() -> AlpacaError {
    AlpacaError::new(422, UNPROCESSABLE, "trailing stop orders must be simple orders")
}

/// A trailing stop for a fraction of a share.
pub(super) fn trailing_must_be_whole() -> AlpacaError {
    AlpacaError::new(422, UNPROCESSABLE, "fractional orders cannot be trailing stop orders")
}

/// An order whose type or class goes with `day` and `gtc` only; `what` is `stop` or `bracket`, for example.
pub(super) fn must_be_day_or_gtc(what: &str) -> AlpacaError {
    AlpacaError::new(422, UNPROCESSABLE, format!("{what} orders must be DAY or GTC orders"))
}

/// A bracket or OTO order that would close a position.
pub(super) fn must_be_entry(class: OrderClass) -> AlpacaError {
    AlpacaError::new(422, UNPROCESSABLE, format!("{class} orders must be entry orders"))
}

/// An OCO order that would open a position.
pub(super) fn must_be_exit() -> AlpacaError {
    AlpacaError::new(422, UNPROCESSABLE, "oco orders must be exit orders")
}

/// An OCO order whose take-profit is not beyond its stop-loss.
pub(super) fn oco_prices_cross(side: Side) -> AlpacaError {
    AlpacaError::new(
        422,
        UNPROCESSABLE,
        match side {
            Side::Sell => "take_profit.limit_price must be >= stop_loss.stop_price + 0.01",
            Side::Buy => "take_profit.limit_price must be <= stop_loss.stop_price - 0.01",
        },
    )
}

/// The take-profit of a short sale above its price.
pub(super) fn take_profit_too_high(base_price: Decimal) -> AlpacaError {
    AlpacaError::new(422, UNPROCESSABLE, "take_profit.limit_price must be <= base_price - 0.01")
        .with("base_price", base_price.to_string())
}

/// The stop-loss of a short sale below its price.
pub(super) fn stop_loss_too_low(base_price: Decimal) -> AlpacaError {
    AlpacaError::new(422, UNPROCESSABLE, "stop_loss.stop_price must be >= base_price + 0.01")
        .with("base_price", base_price.to_string())
}

/// A replacement within a bracket, OCO or OTO order that changes more than prices.
pub(super) fn replace_family_prices_only() -> AlpacaError {
    AlpacaError::new(422, UNPROCESSABLE, "only prices of bracket, oco and oto orders can be replaced")
}

/// A limit that is far through the market.
pub(super) fn limit_too_far(market_price: Decimal, limit_price: Decimal) -> AlpacaError {
    AlpacaError::new(422, UNPROCESSABLE, "limit price is too far from the market")
        .with("limit_price", limit_price.to_string())
        .with("market_price", market_price.to_string())
}

/// A watchlist without a name, or with one that is too long.
pub(super) fn watchlist_name() -> AlpacaError {
    AlpacaError::invalid_field("watchlist name must have 1 to 64 characters".to_owned())
}

/// A second watchlist of the same name.
pub(super) fn watchlist_name_not_unique() -> AlpacaError {
    AlpacaError::invalid_field("watchlist name must be unique".to_owned())
}

/// A watchlist with something on it that is not traded here.
pub(super) fn watchlist_asset_not_found(symbol: &str) -> AlpacaError {
    AlpacaError::invalid_field(format!("asset not found: {symbol}"))
}

/// A watchlist with the same asset twice.
pub(super) fn watchlist_duplicate(symbol: &str) -> AlpacaError {
    AlpacaError::invalid_field(format!("duplicate symbol: {symbol}"))
}
