//! Replacing an order: a new one, with a new id, takes the place of one in the market.

use paddock_alpaca::error::AlpacaError;
use paddock_alpaca::wire::OrderStatus;
use paddock_core::AssetClass;
use paddock_core::order::{Amount, OrderRequest, OrderType};
use uuid::Uuid;

use super::admission::{Candidate, admit};
use super::command::OrderChanges;
use super::order::Order;
use super::place::own_client_order_id;
use super::{Broker, not_offered};

impl Broker {
    /// Replaces an order and tells the new one, as it is before the market has seen it.
    pub(super) fn replace(
        &mut self,
        account: Uuid,
        id: Uuid,
        replacement: Uuid,
        changes: &OrderChanges,
    ) -> Result<Order, AlpacaError> {
        let owner = self.existing(account)?;
        let old = owner.order(id).ok_or_else(|| AlpacaError::order_not_found(&id.to_string()))?;
        if !matches!(old.status, OrderStatus::New | OrderStatus::PartiallyFilled) {
            return Err(AlpacaError::cannot_replace(old.status.as_str()));
        }
        let request = changed(old, changes)?;
        let name = changes.client_order_id.clone().unwrap_or_else(|| own_client_order_id(replacement));
        if owner.order_by_client_order_id(&name).is_some() || owner.order(replacement).is_some() {
            return Err(AlpacaError::client_order_id_not_unique());
        }
        let candidate = Candidate {
            account: owner,
            market: &self.market,
            at: self.now,
            request: &request,
            replaces: Some(old),
        };
        let admitted = admit(&candidate)?;
        let old_sequence = old.sequence;

        let mut order = self.accepted(replacement, name, &request, admitted);
        order.replaces = Some(id);
        let at = self.now;
        self.forget(account, old_sequence);
        self.change(account, old_sequence, |old| {
            old.status = OrderStatus::Replaced;
            old.replaced_at = Some(at);
            old.replaced_by = Some(replacement);
            old.updated_at = at;
        });
        self.enter(account, order.clone())?;
        Ok(order)
    }
}

/// The order as it would be.
fn changed(old: &Order, changes: &OrderChanges) -> Result<OrderRequest, AlpacaError> {
    let mut request = OrderRequest { client_order_id: None, ..old.request.clone() };
    if let Some(quantity) = changes.quantity {
        if old.notional().is_some() {
            return Err(AlpacaError::replace_notional());
        }
        if request.symbol.class() == AssetClass::UsEquity && !quantity.fract().is_zero() {
            return Err(not_offered::replace_whole_shares());
        }
        if quantity <= old.filled_quantity {
            return Err(AlpacaError::replace_qty_filled());
        }
        request.amount = Amount::Quantity(quantity);
    }
    if let Some(limit_price) = changes.limit_price {
        if request.order_type == OrderType::Market {
            return Err(AlpacaError::market_takes_no_price());
        }
        request.limit_price = Some(limit_price);
    }
    if let Some(time_in_force) = changes.time_in_force {
        request.time_in_force = time_in_force;
    }
    let before = OrderRequest { client_order_id: None, ..old.request.clone() };
    if request == before {
        return Err(AlpacaError::replace_changes_nothing());
    }
    Ok(request)
}
