//! An order.

use jiff::Timestamp;
use paddock_alpaca::wire::{self, OrderStatus};

use super::shown;
use crate::broker::Order;
use crate::market::Market;

/// An order as Alpaca shows it right after its last change, without its exits.
pub(crate) fn order(order: &Order, market: &Market) -> wire::Order {
    order_at(order, market, order.updated_at)
}

/// An order as Alpaca shows it at `now`, without its exits.
pub(crate) fn order_at(order: &Order, market: &Market, now: Timestamp) -> wire::Order {
    let request = &order.request;
    let trailed = order.trailed_until(market, now);
    wire::Order {
        client_order_id: order.client_order_id().into_owned(),
        created_at: Some(order.submitted_at),
        updated_at: Some(order.updated_at),
        submitted_at: Some(order.submitted_at),
        filled_at: order.ended_as(OrderStatus::Filled),
        expired_at: order.ended_as(OrderStatus::Expired),
        expires_at: Some(order.expires_at),
        canceled_at: order.ended_as(OrderStatus::Canceled),
        replaced_at: order.ended_as(OrderStatus::Replaced),
        replaced_by: order.replaced_by(),
        replaces: order.replaces(),
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
        stop_price: request.stop_price.or(trailed.map(|(_, stop)| stop)).map(shown),
        trail_price: request.trail_price.map(shown),
        trail_percent: request.trail_percent.map(shown),
        hwm: trailed.map(|(best, _)| shown(best)),
        status: Some(order.status),
        extended_hours: request.extended_hours,
        ..wire::Order::empty(order.id)
    }
}

/// An order as Alpaca shows it at `now`, with its exits.
pub(crate) fn family<'a>(
    head: &Order,
    exits: impl IntoIterator<Item = &'a Order>,
    market: &Market,
    now: Timestamp,
) -> wire::Order {
    let legs: Vec<wire::Order> = exits.into_iter().map(|exit| order_at(exit, market, now)).collect();
    wire::Order { legs: (!legs.is_empty()).then_some(legs), ..order_at(head, market, now) }
}
