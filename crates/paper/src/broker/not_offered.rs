//! Answers that only this broker gives: to what a real account could do and this one cannot.

use paddock_alpaca::error::AlpacaError;

const UNPROCESSABLE: u32 = 42_210_000;

/// The dashboard was asked for an account that does not exist.
pub(super) fn no_such_account() -> AlpacaError {
    AlpacaError::new(404, 40_410_000, "account not found")
}

/// An order kind that this broker does not take yet; `what` is `order type stop`, for example.
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
