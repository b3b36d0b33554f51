//! Closing a position, which is an order in another coat.

use paddock_core::AssetClass;
use paddock_core::money::parse_decimal;
use paddock_core::order::{Amount, OrderRequest, TimeInForce};
use rust_decimal::Decimal;

use crate::error::AlpacaError;
use crate::path::Query;
use crate::wire::Position;

/// How much of a position is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosePart {
    /// All of it.
    All,
    /// So many shares, contracts or coins.
    Quantity(Decimal),
    /// So many percent, above 0 and at most 100.
    Percentage(Decimal),
}

impl ClosePart {
    /// Reads the query of `DELETE /v2/positions/{symbol_or_asset_id}`: `qty` or `percentage`, or neither for all.
    ///
    /// # Errors
    /// The answer to a query that states both, or one that is no number or out of range.
    pub fn parse(query: &Query) -> Result<Self, AlpacaError> {
        let number = |name: &str| {
            let read = |text| {
                parse_decimal(text).map_err(|cause| AlpacaError::invalid_field(format!("{name} is {cause}")))
            };
            query.get(name).map(read).transpose()
        };
        match (number("qty")?, number("percentage")?) {
            (None, None) => Ok(Self::All),
            (Some(_), Some(_)) => Err(AlpacaError::close_qty_and_percentage()),
            (Some(qty), None) if qty <= Decimal::ZERO => Err(AlpacaError::qty_not_positive()),
            (Some(qty), None) => Ok(Self::Quantity(qty)),
            (None, Some(percentage)) if percentage <= Decimal::ZERO || percentage > Decimal::ONE_HUNDRED => {
                Err(AlpacaError::percentage_invalid())
            }
            (None, Some(percentage)) => Ok(Self::Percentage(percentage)),
        }
    }

    /// The quantity that this is of a position, positive, at most nine decimals. A stated quantity may be more than the
    /// position has; the broker refuses that.
    #[must_use]
    pub fn of(self, position: &Position) -> Decimal {
        let whole = position.qty.abs();
        match self {
            Self::All => whole,
            Self::Quantity(quantity) => quantity,
            // Divided before it is multiplied, since a large position times a hundred could be too large.
            Self::Percentage(percentage) => {
                (percentage / Decimal::ONE_HUNDRED).saturating_mul(whole).trunc_with_scale(9)
            }
        }
    }
}

/// The market order that closes `part` of a position.
///
/// # Errors
/// The answer when the position's symbol is none that Paddock knows.
pub fn closing_order(position: &Position, part: ClosePart) -> Result<OrderRequest, AlpacaError> {
    let symbol =
        position.parsed_symbol().ok_or_else(|| AlpacaError::order_asset_not_found(&position.symbol))?;
    let time_in_force =
        if symbol.class() == AssetClass::Crypto { TimeInForce::Gtc } else { TimeInForce::Day };
    let amount = Amount::Quantity(part.of(position));
    Ok(OrderRequest::market(symbol, position.side.closing_side(), time_in_force, amount))
}

#[cfg(test)]
mod tests {
    use paddock_core::order::Side;
    use rstest::rstest;

    use super::*;
    use crate::testing::dec;

    fn position(symbol: &str, qty: &str) -> Position {
        let side = if qty.starts_with('-') { "short" } else { "long" };
        serde_json::from_str(&format!(
            r#"{{"asset_id":"00000000-0000-0000-0000-000000000000","symbol":"{symbol}","asset_class":"us_equity",
                "avg_entry_price":"1","qty":"{qty}","side":"{side}"}}"#
        ))
        .unwrap()
    }

    #[rstest]
    #[case("", "7", "7")]
    #[case("qty=2.5", "7", "2.5")]
    #[case("percentage=50", "7", "3.5")]
    #[case("percentage=33.333333333", "1", "0.333333333")]
    #[case("percentage=100", "-7", "7")]
    fn parts_of_a_position(#[case] query: &str, #[case] qty: &str, #[case] expected: &str) {
        let part = ClosePart::parse(&Query::parse(query).unwrap()).unwrap();
        assert_eq!(part.of(&position("AAPL", qty)), dec(expected));
    }

    #[rstest]
    #[case("qty=1&percentage=50", "only one of qty or percentage is accepted")]
    #[case("qty=0", "qty must be > 0")]
    #[case("qty=1e3", "qty is not a plain decimal number")]
    #[case("percentage=101", "percentage must be > 0 and <= 100")]
    #[case("percentage=-1", "percentage must be > 0 and <= 100")]
    fn other_parts_are_refused(#[case] query: &str, #[case] message: &str) {
        assert_eq!(ClosePart::parse(&Query::parse(query).unwrap()).unwrap_err().message, message);
    }

    #[rstest]
    #[case("AAPL", "7", Side::Sell, TimeInForce::Day)]
    #[case("AAPL", "-7", Side::Buy, TimeInForce::Day)]
    #[case("BTCUSD", "0.5", Side::Sell, TimeInForce::Gtc)]
    fn the_closing_order(
        #[case] symbol: &str,
        #[case] qty: &str,
        #[case] side: Side,
        #[case] time_in_force: TimeInForce,
    ) {
        let order = closing_order(&position(symbol, qty), ClosePart::All).unwrap();
        assert_eq!((order.side, order.time_in_force), (side, time_in_force));
    }
}
