//! Placing orders and taking them back.

use paddock_alpaca::error::AlpacaError;
use paddock_alpaca::wire::{OrderStatus, PositionIntent};
use paddock_core::order::OrderRequest;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::admission::{Admitted, Candidate, admit};
use super::order::{Order, Trailing, trail_of};
use super::{Broker, Placed, Reply, hours};

impl Broker {
    /// Takes an order, as it is before the market has seen it.
    pub(super) fn place(
        &mut self,
        account: Uuid,
        id: Uuid,
        request: &OrderRequest,
        intent: Option<PositionIntent>,
    ) -> Result<Placed, AlpacaError> {
        let owner = self.existing(account)?;
        if !owner.is_name_free(request.client_order_id.as_deref(), id) || owner.order(id).is_some() {
            return Err(AlpacaError::client_order_id_not_unique());
        }
        let candidate = Candidate {
            account: owner,
            market: &self.market,
            at: self.now,
            rules: self.rules,
            request,
            replaces: None,
        };
        let admitted = admit(&candidate)?;
        if let Some(stated) = intent.filter(|stated| *stated != admitted.intent) {
            return Err(AlpacaError::position_intent_mismatch(admitted.intent.as_str(), stated.as_str()));
        }
        let mut order = self.accepted(id, request, admitted);
        let exits = self.exits_of(&mut order);
        self.enter_order(account, order.clone());
        for exit in &exits {
            self.enter_order(account, exit.clone());
        }
        for sequence in [order.sequence].into_iter().chain(exits.iter().map(|exit| exit.sequence)) {
            self.release(account, sequence);
        }
        Ok(Placed { order, exits })
    }

    /// The order that comes from an admitted request.
    pub(super) fn accepted(&mut self, id: Uuid, request: &OrderRequest, admitted: Admitted) -> Order {
        self.sequence += 1;
        let trailed = trail_of(request)
            .and_then(|_| self.market.standing_price(&request.symbol, self.now))
            .map(|best| Box::new(Trailing { best, until: self.now }));
        let working = hours::is_working(&self.market, request, self.now);
        Order {
            id,
            sequence: self.sequence,
            request: request.clone(),
            intent: admitted.intent,
            status: if working { OrderStatus::PendingNew } else { OrderStatus::Accepted },
            submitted_at: self.now,
            updated_at: self.now,
            expires_at: hours::expiry(request, self.now),
            filled_quantity: Decimal::ZERO,
            filled_value: Decimal::ZERO,
            reserved_price: admitted.reserved_price,
            triggered_at: None,
            trailed,
            relations: None,
            dormant: false,
            covered: false,
            due_at: None,
        }
    }

    /// Takes one order back, and with it those that hang together with it.
    pub(super) fn cancel(&mut self, account: Uuid, id: Uuid) -> Result<Reply, AlpacaError> {
        let order =
            self.existing(account)?.order(id).ok_or_else(|| AlpacaError::order_not_found(&id.to_string()))?;
        if !order.is_open() {
            return Err(AlpacaError::order_already(order.status.as_str()));
        }
        self.take_back(account, order.sequence);
        Ok(Reply::Done)
    }

    /// Takes all open orders back and tells their ids.
    pub(super) fn cancel_all(&mut self, account: Uuid) -> Result<Vec<Uuid>, AlpacaError> {
        let open: Vec<(Uuid, u64)> =
            self.existing(account)?.open_orders().map(|order| (order.id, order.sequence)).collect();
        for (_, sequence) in &open {
            self.take_back(account, *sequence);
        }
        Ok(open.into_iter().map(|(id, _)| id).collect())
    }

    /// Takes an order back with its family.
    pub(super) fn take_back(&mut self, account: Uuid, sequence: u64) {
        let Some(owner) = self.accounts.get(&account) else { return };
        let Some(order) = owner.order_at(sequence) else { return };
        let members: Vec<u64> = owner.family(order).map(|member| member.sequence).collect();
        self.take_back_alone(account, sequence);
        for member in members {
            self.take_back_alone(account, member);
        }
    }

    pub(super) fn take_back_alone(&mut self, account: Uuid, sequence: u64) {
        let at = self.now;
        self.forget(account, sequence);
        self.change(account, sequence, |order| {
            if order.is_open() {
                order.status = OrderStatus::Canceled;
                order.updated_at = at;
            }
        });
    }
}
