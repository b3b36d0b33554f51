//! What happens to orders, told to who listens: the source of trade updates.
//!
//! Nobody reports an event by hand. Every order enters its account through `Broker::enter_order` and changes through
//! `Broker::change`, and what happened to it is read from the difference. A broker keeps nothing until
//! [`Broker::listen_to_orders`], so that a journal that is played back tells nothing.

use jiff::Timestamp;
use paddock_alpaca::wire::OrderStatus;
use paddock_core::Environment;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::Broker;
use super::order::Order;

/// One event in the life of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderEvent {
    /// Alpaca's name for what happened, for example `new`, `fill` or `canceled`.
    pub event: &'static str,
    /// Whose order it is.
    pub account: Uuid,
    /// The account's world.
    pub environment: Environment,
    /// When it happened.
    pub at: Timestamp,
    /// Unique to the event. That of a fill is also the id in its activity.
    pub execution_id: Uuid,
    /// What was filled, if the event is a fill or a part of one.
    pub fill: Option<FilledPart>,
    /// The order as it was right after the event.
    pub order: Order,
}

/// What one fill brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilledPart {
    /// Dollars per unit.
    pub price: Decimal,
    /// Units, positive.
    pub quantity: Decimal,
    /// What the account holds of the symbol after it; negative when sold short.
    pub position_quantity: Decimal,
}

/// The id of the fill after which `cumulative` units of the order are filled.
#[must_use]
pub fn fill_id(order: Uuid, cumulative: Decimal) -> Uuid {
    Uuid::new_v5(&order, format!("fill {cumulative}").as_bytes())
}

/// Alpaca's name for the event that brings an order into a status.
const fn name_of(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Filled => "fill",
        OrderStatus::PartiallyFilled => "partial_fill",
        other => other.as_str(),
    }
}

impl Broker {
    /// From now on events are kept until they are taken by [`Broker::take_order_events`].
    pub fn listen_to_orders(&mut self) {
        self.order_events.get_or_insert_default();
    }

    /// The events since the last call, oldest first; none before [`Broker::listen_to_orders`].
    pub fn take_order_events(&mut self) -> Vec<OrderEvent> {
        self.order_events.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Adds an order to its account; its ids must be new. The only way in which an account gets an order.
    pub(super) fn enter_order(&mut self, account: Uuid, order: Order) {
        let Some(owner) = self.accounts.get_mut(&account) else { return };
        if let Some(events) = self.order_events.as_mut() {
            events.push(OrderEvent {
                event: name_of(order.status),
                account,
                environment: owner.environment,
                at: order.updated_at,
                execution_id: event_id(&order),
                fill: None,
                order: order.clone(),
            });
        }
        owner.add_order(order);
    }

    /// Changes an order. The only way in which an order changes its status or is filled. A fill must have changed the
    /// position before.
    pub(super) fn change(&mut self, account: Uuid, sequence: u64, change: impl FnOnce(&mut Order)) {
        let Some(owner) = self.accounts.get_mut(&account) else { return };
        let Some(before) = owner.order_at(sequence) else { return };
        let (status, filled, value) = (before.status, before.filled_quantity, before.filled_value);
        owner.change_order(sequence, change);
        let Some(events) = self.order_events.as_mut() else { return };
        let Some(order) = owner.order_at(sequence) else { return };
        let quantity = order.filled_quantity - filled;
        if order.status == status && quantity.is_zero() {
            return;
        }
        let fill = (order.filled_value - value).checked_div(quantity).map(|price| FilledPart {
            price: price.normalize(),
            quantity,
            position_quantity: owner.position(&order.request.symbol).quantity,
        });
        events.push(OrderEvent {
            event: name_of(order.status),
            account,
            environment: owner.environment,
            at: order.updated_at,
            execution_id: match fill {
                Some(_) => fill_id(order.id, order.filled_quantity),
                None => event_id(order),
            },
            fill,
            order: order.clone(),
        });
    }
}

/// The id of an event that is no fill. An order may come into the same status twice, but not at the same instant.
fn event_id(order: &Order) -> Uuid {
    Uuid::new_v5(&order.id, format!("{} {}", order.status.as_str(), order.updated_at).as_bytes())
}
