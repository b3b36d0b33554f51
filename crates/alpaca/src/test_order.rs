//! The order that shows that a pair trades: one share, at a price at which nobody sells.

use paddock_core::Symbol;
use paddock_core::order::{Amount, OrderRequest, OrderType, Side, TimeInForce};
use rust_decimal::Decimal;

use crate::client::{AccountClient, ClientError};
use crate::order_body::ParsedOrder;

/// What it buys one of.
pub const SYMBOL: &str = "AAPL";

/// Its limit as a part of the bid: far enough that it is never filled.
const FAR: Decimal = Decimal::from_parts(5, 0, 0, false, 1);

/// Why there is no such order.
#[derive(Debug, thiserror::Error)]
pub enum NoTestOrder {
    /// The market cannot be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Nobody bids.
    #[error("there is no price to place a test order far from")]
    NoPrice,
}

/// One share at half of what is bid now, good for the day. The name is its client order id, by which it is found again and placed once.
///
/// # Errors
/// [`NoTestOrder`].
pub async fn test_order(asking: &AccountClient<'_>, name: String) -> Result<ParsedOrder, NoTestOrder> {
    let symbol = Symbol::parse(SYMBOL).map_err(|_| NoTestOrder::NoPrice)?;
    let bid = asking.latest_quote(&symbol).await?.and_then(|quote| quote.bid);
    order(symbol, bid.ok_or(NoTestOrder::NoPrice)?, name).ok_or(NoTestOrder::NoPrice)
}

fn order(symbol: Symbol, bid: Decimal, name: String) -> Option<ParsedOrder> {
    let market = OrderRequest::market(symbol, Side::Buy, TimeInForce::Day, Amount::Quantity(Decimal::ONE));
    let limit = Some((bid * FAR).round_dp(2)).filter(|limit| *limit > Decimal::ZERO)?;
    let request = OrderRequest {
        order_type: OrderType::Limit,
        limit_price: Some(limit),
        client_order_id: Some(name),
        ..market
    };
    ParsedOrder::of(request).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("200.10", Some("100.05"))]
    #[case("0.01", None)]
    #[case("0", None)]
    #[case("-1", None)]
    fn it_bids_half_for_one_share_and_nothing_without_a_price(
        #[case] bid: &str,
        #[case] limit: Option<&str>,
    ) {
        let bid = paddock_core::money::parse_decimal(bid).unwrap();
        let made = order(Symbol::parse(SYMBOL).unwrap(), bid, "name".to_owned());
        let body = made
            .map(|order| -> serde_json::Value { serde_json::from_slice(&order.to_json_bytes()).unwrap() });
        let expected = limit.map(|limit| {
            serde_json::json!({
                "symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "time_in_force": "day",
                "limit_price": limit, "client_order_id": "name",
            })
        });
        assert_eq!(body, expected);
    }
}
