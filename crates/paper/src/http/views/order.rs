//! An order.

use paddock_alpaca::wire;

use super::shown;
use crate::broker::Order;
use crate::market::Market;

/// An order as Alpaca shows it.
pub(crate) fn order(order: &Order, market: &Market) -> wire::Order {
    let request = &order.request;
    wire::Order {
        client_order_id: order.client_order_id.clone(),
        created_at: Some(order.submitted_at),
        updated_at: Some(order.updated_at),
        submitted_at: Some(order.submitted_at),
        filled_at: order.filled_at,
        expired_at: order.expired_at,
        expires_at: Some(order.expires_at),
        canceled_at: order.canceled_at,
        replaced_at: order.replaced_at,
        replaced_by: order.replaced_by,
        replaces: order.replaces,
        asset_id: market.asset(&request.symbol).map(|asset| asset.id),
        symbol: Some(request.symbol.to_string()),
        asset_class: Some(request.symbol.class().to_string()),
        notional: order.notional().map(shown),
        qty: order.quantity().map(shown),
        filled_qty: Some(shown(order.filled_quantity)),
        filled_avg_price: order.average_price().map(shown),
        order_class: request.order_class,
        order_type: Some(request.order_type),
        kind: Some(request.order_type),
        side: Some(request.side),
        position_intent: Some(order.intent),
        time_in_force: Some(request.time_in_force),
        limit_price: request.limit_price.map(shown),
        stop_price: request.stop_price.map(shown),
        status: Some(order.status),
        extended_hours: request.extended_hours,
        ..wire::Order::empty(order.id)
    }
}
