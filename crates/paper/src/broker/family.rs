//! Orders that hang together: an entry and its exits, or two exits of which one cancels the other.
//!
//! The exits of a bracket or OTO order sleep until its entry is filled. Two exits that are awake are for the same units, which
//! the take-profit holds; the stop-loss is `held`, as Alpaca shows it, until the tape reaches its stop price.

use paddock_alpaca::wire::OrderStatus;
use paddock_core::order::{Amount, OrderClass, OrderRequest, OrderType};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::Broker;
use super::account::Account;
use super::order::{Order, Relations};
use super::position::closes;

impl Account {
    /// The open orders that hang together with an order, without itself.
    pub(super) fn family<'a>(&'a self, order: &'a Order) -> impl Iterator<Item = &'a Order> {
        let head = order.parent().and_then(|parent| self.order(parent));
        let legs = head.unwrap_or(order).legs().iter().filter_map(|leg| self.order(*leg));
        head.into_iter().chain(legs).filter(|member| member.id != order.id && member.is_open())
    }
}

/// The requests for the exits that an order brings: take-profit before stop-loss.
pub(super) fn exit_requests(request: &OrderRequest) -> Vec<OrderRequest> {
    let exit = OrderRequest {
        side: match request.order_class {
            OrderClass::Oco => request.side,
            _ => request.side.opposite(),
        },
        limit_price: None,
        stop_price: None,
        take_profit: None,
        stop_loss: None,
        client_order_id: None,
        ..request.clone()
    };
    let take_profit =
        request.take_profit.as_ref().filter(|_| request.order_class != OrderClass::Oco).map(|wanted| {
            OrderRequest {
                order_type: OrderType::Limit,
                limit_price: Some(wanted.limit_price),
                ..exit.clone()
            }
        });
    let stop_loss = request.stop_loss.as_ref().map(|wanted| OrderRequest {
        order_type: if wanted.limit_price.is_some() { OrderType::StopLimit } else { OrderType::Stop },
        stop_price: Some(wanted.stop_price),
        limit_price: wanted.limit_price,
        ..exit.clone()
    });
    take_profit.into_iter().chain(stop_loss).collect()
}

impl Broker {
    /// The exits of an order, to be entered after it. Sets its list of them.
    pub(super) fn exits_of(&mut self, parent: &mut Order) -> Vec<Order> {
        let requests = exit_requests(&parent.request);
        let sleeps = parent.request.order_class != OrderClass::Oco;
        let alone = sleeps && requests.len() == 1;
        let mut exits = Vec::with_capacity(requests.len());
        for request in requests {
            let stops = request.order_type != OrderType::Limit;
            let name: &[u8] = if stops { b"stop loss" } else { b"take profit" };
            let id = Uuid::new_v5(&parent.id, name);
            self.sequence += 1;
            exits.push(Order {
                id,
                sequence: self.sequence,
                intent: closes(request.side),
                reserved_price: request.limit_price.or(request.stop_price).unwrap_or_default(),
                request,
                status: OrderStatus::Held,
                relations: Some(Box::new(Relations { parent: Some(parent.id), ..Relations::default() })),
                dormant: sleeps,
                covered: stops && !alone,
                ..parent.clone()
            });
        }
        if !exits.is_empty() {
            parent.relate().legs = exits.iter().map(|exit| exit.id).collect();
        }
        exits
    }

    /// After an order was filled or has ended: wakes the exits that waited for it, or cancels what must not go on without it.
    pub(super) fn release_family(&mut self, account: Uuid, sequence: u64) {
        let Some(owner) = self.accounts.get(&account) else { return };
        let Some(order) = owner.order_at(sequence) else { return };
        if order.status == OrderStatus::PartiallyFilled {
            return self.shrink_family(account, sequence);
        }
        let filled = order.status == OrderStatus::Filled;
        let members: Vec<(u64, bool)> =
            owner.family(order).map(|member| (member.sequence, member.dormant)).collect();
        let at = self.now;
        // Of an entry that was filled in parts, some may have been given up again: its exits are for what is there.
        let symbol = &order.request.symbol;
        let there = owner.position(symbol).quantity.abs() - owner.held(symbol);
        for (member, dormant) in members {
            match (dormant, filled) {
                (true, true) if there <= Decimal::ZERO => self.take_back_alone(account, member),
                (true, true) => {
                    self.change(account, member, |exit| {
                        if let Amount::Quantity(quantity) = exit.request.amount {
                            exit.request.amount = Amount::Quantity(quantity.min(there));
                        }
                        exit.dormant = false;
                        exit.status = if exit.covered { OrderStatus::Held } else { OrderStatus::New };
                        exit.updated_at = at;
                    });
                    self.reschedule(account, member);
                }
                (true, false) | (false, true) => self.take_back_alone(account, member),
                // What is awake has the same end of its time.
                (false, false) => {}
            }
        }
    }

    /// After one exit was filled in part: the other is for the rest only. The exits of an entry wait for the whole of it.
    fn shrink_family(&mut self, account: Uuid, sequence: u64) {
        let Some(owner) = self.accounts.get(&account) else { return };
        let Some(order) = owner.order_at(sequence) else { return };
        let Some(quantity) = order.quantity() else { return };
        let left = quantity - order.filled_quantity;
        let awake: Vec<u64> =
            owner.family(order).filter(|member| !member.dormant).map(|member| member.sequence).collect();
        for member in awake {
            self.change(account, member, |exit| {
                exit.request.amount = Amount::Quantity(left + exit.filled_quantity);
            });
        }
    }
}
