//! The body of `PATCH /v2/orders/{order_id}`, which puts a new order in the place of an open one.

use paddock_core::order::{Amount, OrderRequest, OrderType, TimeInForce};
use rust_decimal::Decimal;
use serde::Serialize;

use super::rules::check_prices;
use super::write::plain;
use super::{AdvancedInstructions, BodyFault, advanced_instructions, client_order_id, time_in_force};
use crate::error::AlpacaError;
use crate::strict_json::Object;
use crate::wire::Order;
use crate::wire::order::OrderUnreadable;

/// What is to change. What is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParsedPatch {
    /// The new whole quantity, what has filled included.
    pub qty: Option<Decimal>,
    /// The new notional in dollars, which Alpaca takes for indications of interest in an IPO only.
    pub notional: Option<Decimal>,
    /// The new time in force.
    pub time_in_force: Option<TimeInForce>,
    /// The new limit price.
    pub limit_price: Option<Decimal>,
    /// The new stop price.
    pub stop_price: Option<Decimal>,
    /// The new trail, in the unit that the order has: dollars or percent.
    pub trail: Option<Decimal>,
    /// The name of the new order.
    pub client_order_id: Option<String>,
    /// How the new order is routed.
    pub advanced_instructions: Option<AdvancedInstructions>,
}

/// Why a replacement was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchFault {
    /// The order that it would replace cannot be understood.
    #[error(transparent)]
    Order(#[from] OrderUnreadable),
    /// The order that would come of it is one that no broker would accept.
    #[error(transparent)]
    Rule(#[from] AlpacaError),
}

/// Reads the body of `PATCH /v2/orders/{order_id}`.
///
/// # Errors
/// [`BodyFault`], whose answer is Alpaca's own where Alpaca has one.
pub fn parse_patch(body: &[u8]) -> Result<ParsedPatch, BodyFault> {
    let mut fields = Object::parse(body)?;
    let patch = ParsedPatch {
        qty: fields.decimal("qty")?,
        notional: fields.decimal("notional")?,
        time_in_force: time_in_force(&mut fields)?,
        limit_price: fields.decimal("limit_price")?,
        stop_price: fields.decimal("stop_price")?,
        trail: fields.decimal("trail")?,
        client_order_id: client_order_id(&mut fields)?,
        advanced_instructions: advanced_instructions(&mut fields)?,
    };
    fields.finish()?;
    let positive = |value: Option<Decimal>| value.is_none_or(|value| value > Decimal::ZERO);
    if patch.qty.is_some() && patch.notional.is_some() {
        return Err(AlpacaError::replace_qty_and_notional().into());
    }
    if !positive(patch.qty) {
        return Err(AlpacaError::qty_not_positive().into());
    }
    if patch.notional.is_some_and(|notional| notional < Decimal::ONE) {
        return Err(AlpacaError::notional_too_small().into());
    }
    if !positive(patch.stop_price) || !positive(patch.trail) {
        return Err(AlpacaError::price_not_positive().into());
    }
    Ok(patch)
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    advanced_instructions: Option<&'a AdvancedInstructions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_order_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notional: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qty: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_in_force: Option<TimeInForce>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trail: Option<String>,
}

impl ParsedPatch {
    /// The order that would come of it, as a whole: a quantity includes what the old order has already filled. It has the
    /// old order's exits only when that was read with its legs, and a name only when the patch gives one.
    ///
    /// # Errors
    /// [`PatchFault`] when the old order cannot be understood, or when the new one would have a price that its type does not
    /// have.
    pub fn apply(&self, order: &Order) -> Result<OrderRequest, PatchFault> {
        let mut request = order.to_request()?;
        if let Some(quantity) = self.qty {
            request.amount = Amount::Quantity(quantity);
        }
        if let Some(notional) = self.notional {
            request.amount = Amount::Notional(notional);
        }
        request.time_in_force = self.time_in_force.unwrap_or(request.time_in_force);
        request.limit_price = self.limit_price.or(request.limit_price);
        request.stop_price = self.stop_price.or(request.stop_price);
        if let Some(trail) = self.trail {
            match (request.order_type, request.trail_percent) {
                (OrderType::TrailingStop, Some(_)) => request.trail_percent = Some(trail),
                (OrderType::TrailingStop, None) => request.trail_price = Some(trail),
                _ => return Err(AlpacaError::trail_not_allowed().into()),
            }
        }
        if request.order_type == OrderType::TrailingStop && self.stop_price.is_none() {
            // Alpaca shows the price at which a trailing stop stands now, which nobody stated.
            request.stop_price = None;
        }
        request.client_order_id.clone_from(&self.client_order_id);
        check_prices(&request)?;
        Ok(request)
    }

    /// Names the new order, in place of whatever name it had.
    pub fn set_client_order_id(&mut self, id: String) {
        self.client_order_id = Some(id);
    }

    /// The body in its one spelling: numbers exact and as texts, nothing that was not stated.
    #[must_use]
    pub fn to_json_bytes(&self) -> Vec<u8> {
        let body = Body {
            advanced_instructions: self.advanced_instructions.as_ref(),
            client_order_id: self.client_order_id.as_deref(),
            limit_price: self.limit_price.map(plain),
            notional: self.notional.map(plain),
            qty: self.qty.map(plain),
            stop_price: self.stop_price.map(plain),
            time_in_force: self.time_in_force,
            trail: self.trail.map(plain),
        };
        // A struct of texts always can be written.
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use paddock_core::order::Side;
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;
    use crate::testing::dec;

    fn open_order(kind: OrderType) -> Order {
        Order {
            symbol: Some("AAPL".to_owned()),
            side: Some(Side::Buy),
            kind: Some(kind),
            time_in_force: Some(TimeInForce::Gtc),
            qty: Some(dec("2")),
            client_order_id: "old".to_owned(),
            ..Order::empty(Uuid::nil())
        }
    }

    fn limit_order() -> Order {
        Order { limit_price: Some(dec("150")), ..open_order(OrderType::Limit) }
    }

    #[test]
    fn what_is_absent_stays() {
        let patch = parse_patch(br#"{"qty":3}"#).unwrap();
        let request = patch.apply(&limit_order()).unwrap();
        assert_eq!(request.amount, Amount::Quantity(dec("3")));
        assert_eq!((request.limit_price, request.time_in_force), (Some(dec("150")), TimeInForce::Gtc));
        assert_eq!(request.client_order_id, None);
    }

    #[test]
    fn everything_can_change() {
        let body = br#"{"qty":"5","limit_price":"151.50","time_in_force":"day","client_order_id":"new"}"#;
        let patch = parse_patch(body).unwrap();
        let request = patch.apply(&limit_order()).unwrap();
        assert_eq!(request.amount, Amount::Quantity(dec("5")));
        assert_eq!((request.limit_price, request.time_in_force), (Some(dec("151.5")), TimeInForce::Day));
        assert_eq!(request.client_order_id.as_deref(), Some("new"));
        assert_eq!(
            patch.to_json_bytes(),
            br#"{"client_order_id":"new","limit_price":"151.5","qty":"5","time_in_force":"day"}"#
        );
        assert_eq!(parse_patch(&patch.to_json_bytes()), Ok(patch));
    }

    #[test]
    fn a_trail_keeps_its_unit() {
        let patch = parse_patch(br#"{"trail":"2"}"#).unwrap();
        let percent = Order {
            trail_percent: Some(dec("1")),
            stop_price: Some(dec("99")),
            ..open_order(OrderType::TrailingStop)
        };
        let request = patch.apply(&percent).unwrap();
        assert_eq!((request.trail_percent, request.trail_price), (Some(dec("2")), None));
        let dollars = Order { trail_price: Some(dec("1")), ..open_order(OrderType::TrailingStop) };
        let request = patch.apply(&dollars).unwrap();
        assert_eq!((request.trail_percent, request.trail_price), (None, Some(dec("2"))));
    }

    #[rstest]
    #[case(r#"{"trail":"2"}"#, AlpacaError::trail_not_allowed())]
    #[case(r#"{"stop_price":"2"}"#, AlpacaError::limit_takes_no_stop())]
    #[case(r#"{"limit_price":"-2"}"#, AlpacaError::price_not_positive())]
    fn a_type_keeps_its_prices(#[case] body: &str, #[case] error: AlpacaError) {
        let patch = parse_patch(body.as_bytes()).unwrap();
        assert_eq!(patch.apply(&limit_order()), Err(PatchFault::Rule(error)));
    }

    #[rstest]
    #[case(r#"{"qty":0}"#, "qty must be > 0")]
    #[case(r#"{"qty":"-1"}"#, "qty must be > 0")]
    #[case(r#"{"qty":1,"notional":5}"#, "only one of qty or notional is accepted in a replacement")]
    #[case(r#"{"side":"sell"}"#, "unknown field \"side\"")]
    #[case(r#"{"symbol":"MSFT"}"#, "unknown field \"symbol\"")]
    #[case(r#"{"time_in_force":"ever"}"#, "invalid time_in_force")]
    fn bad_patches_are_refused(#[case] body: &str, #[case] message: &str) {
        let error = parse_patch(body.as_bytes()).unwrap_err().to_error();
        assert_eq!((error.status, error.code, error.message.as_ref()), (422, Some(40_010_001), message));
    }

    #[test]
    fn an_order_that_cannot_be_understood_is_not_replaced() {
        let order = Order::empty(Uuid::nil());
        let patch = ParsedPatch::default();
        assert_eq!(patch.apply(&order), Err(PatchFault::Order(OrderUnreadable("symbol"))));
    }
}
