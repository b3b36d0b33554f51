//! Writes an order's body anew.

use paddock_core::order::{Amount, OrderClass, OrderType, Side, TimeInForce};
use rust_decimal::Decimal;
use serde::Serialize;

use super::{AdvancedInstructions, ParsedOrder};
use crate::wire::PositionIntent;

/// The body as it is written; fields in alphabetical order, numbers as texts.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    advanced_instructions: Option<&'a AdvancedInstructions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_order_id: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    extended_hours: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    legs: Vec<LegBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notional: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_class: Option<OrderClass>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position_intent: Option<PositionIntent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qty: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    side: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_loss: Option<StopLossBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    symbol: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    take_profit: Option<TakeProfitBody>,
    time_in_force: TimeInForce,
    #[serde(skip_serializing_if = "Option::is_none")]
    trail_percent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trail_price: Option<String>,
    r#type: OrderType,
}

#[derive(Serialize)]
struct LegBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    position_intent: Option<PositionIntent>,
    ratio_qty: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    side: Option<Side>,
    symbol: &'a str,
}

#[derive(Serialize)]
struct TakeProfitBody {
    limit_price: String,
}

#[derive(Serialize)]
struct StopLossBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_price: Option<String>,
    stop_price: String,
}

impl ParsedOrder {
    /// The body in its one spelling: numbers exact and as texts, nothing that was not stated, no default that was not
    /// needed.
    #[must_use]
    pub fn to_json_bytes(&self) -> Vec<u8> {
        let order = &self.request;
        let is_mleg = order.order_class == OrderClass::Mleg;
        let (qty, notional) = match order.amount {
            Amount::Quantity(qty) => (Some(plain(qty)), None),
            Amount::Notional(notional) => (None, Some(plain(notional))),
        };
        let legs = order.legs.iter().zip(&self.leg_intents);
        let body = Body {
            advanced_instructions: self.advanced_instructions.as_ref(),
            client_order_id: order.client_order_id.as_deref(),
            extended_hours: order.extended_hours,
            legs: legs
                .map(|(leg, intent)| LegBody {
                    position_intent: *intent,
                    ratio_qty: plain(leg.ratio_quantity),
                    side: leg.side,
                    symbol: leg.symbol.as_str(),
                })
                .collect(),
            limit_price: order.limit_price.filter(|_| self.stated.limit_price).map(plain),
            notional,
            order_class: Some(order.order_class).filter(|class| *class != OrderClass::Simple),
            position_intent: self.position_intent,
            qty,
            side: Some(order.side).filter(|_| self.stated.side),
            stop_loss: order.stop_loss.as_ref().map(|exit| StopLossBody {
                limit_price: exit.limit_price.map(plain),
                stop_price: plain(exit.stop_price),
            }),
            stop_price: order.stop_price.map(plain),
            symbol: Some(order.symbol.as_str()).filter(|_| !is_mleg),
            take_profit: order
                .take_profit
                .as_ref()
                .map(|exit| TakeProfitBody { limit_price: plain(exit.limit_price) }),
            time_in_force: order.time_in_force,
            trail_percent: order.trail_percent.map(plain),
            trail_price: order.trail_price.map(plain),
            r#type: order.order_type,
        };
        // A struct of texts always can be written.
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

/// The number without trailing zeros or an exponent.
pub(super) fn plain(value: Decimal) -> String {
    value.normalize().to_string()
}
