//! Replacing an order: a new one, with a new id, takes the place of one in the market.

use paddock_alpaca::error::AlpacaError;
use paddock_alpaca::wire::OrderStatus;
use paddock_core::AssetClass;
use paddock_core::order::{Amount, OrderClass, OrderRequest, OrderType};
use uuid::Uuid;

use super::admission::{Candidate, admit, admit_exit};
use super::command::OrderChanges;
use super::order::{Order, Trailing};
use super::{Broker, Placed, not_offered};

impl Broker {
    /// Replaces an order and tells the new one, as it is before the market has seen it.
    pub(super) fn replace(
        &mut self,
        account: Uuid,
        id: Uuid,
        replacement: Uuid,
        changes: &OrderChanges,
    ) -> Result<Placed, AlpacaError> {
        let owner = self.existing(account)?;
        let old = owner.order(id).ok_or_else(|| AlpacaError::order_not_found(&id.to_string()))?;
        if !matches!(old.status, OrderStatus::New | OrderStatus::PartiallyFilled | OrderStatus::Held) {
            return Err(AlpacaError::cannot_replace(old.status.as_str()));
        }
        let request = changed(old, changes)?;
        let name = changes.client_order_id.as_deref();
        if !owner.is_name_free(name, replacement) || owner.order(replacement).is_some() {
            return Err(AlpacaError::client_order_id_not_unique());
        }
        let candidate = Candidate {
            account: owner,
            market: &self.market,
            at: self.now,
            rules: self.rules,
            request: &request,
            replaces: Some(old),
        };
        let admitted = match old.parent() {
            Some(_) => admit_exit(&candidate, old)?,
            None => admit(&candidate)?,
        };
        let old = old.clone();

        let mut order = self.accepted(replacement, &request, admitted);
        order.relate().replaces = Some(id);
        self.inherit(&mut order, &old);
        let at = self.now;
        self.forget(account, old.sequence);
        self.change(account, old.sequence, |old| {
            old.status = OrderStatus::Replaced;
            old.updated_at = at;
            // Its family is the replacement's from now on.
            let relations = old.relate();
            relations.replaced_by = Some(replacement);
            (relations.parent, relations.legs) = (None, Vec::new());
        });
        self.enter_order(account, order.clone());
        self.relink(account, &order, &old);
        self.release(account, order.sequence);
        let owner = self.existing(account)?;
        let exits = order.legs().iter().filter_map(|leg| owner.order(*leg)).cloned().collect();
        Ok(Placed { order, exits })
    }

    /// What a replacement has of the order in whose place it comes.
    fn inherit(&self, order: &mut Order, old: &Order) {
        if order.request.stop_price == old.request.stop_price && old.trailed.is_none() {
            order.triggered_at = old.triggered_at;
        }
        if let Some((best, _)) = old.trailed_until(&self.market, self.now) {
            order.trailed = Some(Box::new(Trailing { best, until: self.now }));
        }
        (order.filled_quantity, order.filled_value) = (old.filled_quantity, old.filled_value);
        if old.parent().is_some() || !old.legs().is_empty() {
            let relations = order.relate();
            relations.parent = old.parent();
            relations.legs = old.legs().to_vec();
        }
        (order.dormant, order.covered) = (old.dormant, old.covered);
        if old.request.order_class != OrderClass::Simple {
            order.expires_at = old.expires_at;
        }
        if old.status == OrderStatus::Held {
            order.status = OrderStatus::Held;
        }
    }

    /// Puts a replacement into the family of the old order.
    fn relink(&mut self, account: Uuid, order: &Order, old: &Order) {
        let Some(owner) = self.accounts.get(&account) else { return };
        let sequences = |ids: &[Uuid]| -> Vec<u64> {
            ids.iter().filter_map(|id| owner.order(*id)).map(|order| order.sequence).collect()
        };
        let (legs, parents) = (sequences(order.legs()), sequences(order.parent().as_slice()));
        for leg in legs {
            self.change(account, leg, |leg| leg.relate().parent = Some(order.id));
        }
        for parent in parents {
            self.change(account, parent, |parent| {
                for leg in parent.relate().legs.iter_mut().filter(|leg| **leg == old.id) {
                    *leg = order.id;
                }
            });
        }
    }
}

/// The order as it would be.
fn changed(old: &Order, changes: &OrderChanges) -> Result<OrderRequest, AlpacaError> {
    let mut request = OrderRequest { client_order_id: None, ..old.request.clone() };
    if request.order_class != OrderClass::Simple
        && (changes.quantity.is_some() || changes.time_in_force.is_some())
    {
        return Err(not_offered::replace_family_prices_only());
    }
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
    change_prices(&mut request, changes)?;
    if let Some(time_in_force) = changes.time_in_force {
        request.time_in_force = time_in_force;
    }
    let before = OrderRequest { client_order_id: None, ..old.request.clone() };
    if request == before {
        return Err(AlpacaError::replace_changes_nothing());
    }
    request.client_order_id.clone_from(&changes.client_order_id);
    Ok(request)
}

/// Each type of order keeps the prices that it has.
fn change_prices(request: &mut OrderRequest, changes: &OrderChanges) -> Result<(), AlpacaError> {
    if changes.limit_price.is_some() {
        match request.order_type {
            OrderType::Limit | OrderType::StopLimit => request.limit_price = changes.limit_price,
            OrderType::Market => return Err(AlpacaError::market_takes_no_price()),
            OrderType::Stop => return Err(AlpacaError::stop_takes_no_limit()),
            OrderType::TrailingStop => return Err(AlpacaError::trailing_takes_no_price()),
        }
    }
    if changes.stop_price.is_some() {
        match request.order_type {
            OrderType::Stop | OrderType::StopLimit => request.stop_price = changes.stop_price,
            OrderType::Market => return Err(AlpacaError::market_takes_no_price()),
            OrderType::Limit => return Err(AlpacaError::limit_takes_no_stop()),
            OrderType::TrailingStop => return Err(AlpacaError::trailing_takes_no_price()),
        }
    }
    if changes.trail.is_some() {
        match (request.order_type, request.trail_percent) {
            (OrderType::TrailingStop, Some(_)) => request.trail_percent = changes.trail,
            (OrderType::TrailingStop, None) => request.trail_price = changes.trail,
            _ => return Err(AlpacaError::trail_not_allowed()),
        }
    }
    Ok(())
}
