//! What a fill does to an order and its account.

use jiff::Timestamp;
use paddock_alpaca::wire::{OrderStatus, PositionIntent};
use paddock_core::order::{OrderType, Side, TimeInForce};
use paddock_core::{AssetClass, Environment, calendar};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::Broker;
use super::account::AccruedFee;
use super::activity::{Activity, ActivityEvent, Fill};
use super::events::fill_id;
use super::fees::{self, Role};
use super::order::Order;
use super::position::to_cents;

impl Broker {
    /// Fills what is left of an order at `price`, or by chance a part of it. Quantity is not compared with the size of the quote,
    /// as Alpaca's own paper accounts do not.
    pub(super) fn fill(&mut self, owner: Uuid, sequence: u64, price: Decimal, at: Timestamp) {
        let Some(account) = self.accounts.get_mut(&owner) else { return };
        let Some(order) = account.order_at(sequence) else { return };
        let symbol = order.request.symbol.clone();
        let position = account.position(&symbol);
        let mut quantity = order.left_at(price);
        if order.is_closing() {
            // An order in dollars comes to more units when the price has fallen: those that other orders hold are not its own.
            let own = if order.covered {
                account.family(order).map(Order::held_quantity).sum()
            } else {
                order.held_quantity()
            };
            let others = account.held(&symbol) - own;
            quantity = quantity.min(position.quantity.abs() - others);
        }
        let whole = quantity;
        let quantity = match self.partial_fills {
            true => chance_part(order, whole, self.market.options().seed).unwrap_or(whole),
            false => whole,
        };
        let left = whole - quantity;
        let status = if left.is_zero() { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
        let signed = order.signed(quantity);
        let short = order.intent == PositionIntent::SellToOpen;
        let (order_id, side) = (order.id, order.request.side);
        let cumulative = order.filled_quantity + quantity;

        // The fee is taken in what is received: coins when buying, dollars when selling.
        let value = to_cents(quantity * price);
        let makers_pay_less = account.environment == Environment::Live && self.rules.maker_fees();
        let role = if makers_pay_less && has_rested(order, at) { Role::Maker } else { Role::Taker };
        let rate = fees::trade_rate(symbol.class(), account.crypto_tier, role);
        let (fee_quantity, fee_dollars) = match side {
            Side::Buy => (quantity - (quantity * (Decimal::ONE - rate)).trunc_with_scale(9), Decimal::ZERO),
            Side::Sell => (Decimal::ZERO, to_cents(value * rate)),
        };
        let cash = match side {
            Side::Buy => -value,
            Side::Sell => value - fee_dollars,
        };
        let traded = position.traded(signed, price);
        let after =
            if fee_quantity.is_zero() { traded } else { traded.reduced_to(traded.quantity - fee_quantity) };

        account.cash += cash;
        if after.quantity.is_zero() {
            account.positions.remove(&symbol);
        } else {
            account.positions.insert(symbol.clone(), after);
        }
        let pays_regulators = account.environment == Environment::Live && self.rules.live_fees();
        if pays_regulators && symbol.class() == AssetClass::UsEquity {
            account.day_fees.count(calendar::trading_date(at), side, quantity, value);
        }
        let uuid = fill_id(order_id, cumulative);
        if !rate.is_zero() {
            account.accrued.push(AccruedFee {
                fill: uuid,
                symbol: symbol.clone(),
                quantity: fee_quantity,
                dollars: fee_dollars,
                price,
            });
        }
        account.activities.push(Activity {
            at,
            uuid,
            cash,
            holding: after.quantity - position.quantity,
            event: ActivityEvent::Fill(Fill {
                order: order_id,
                symbol,
                side,
                short,
                quantity,
                price,
                cumulative,
                left,
                order_status: status,
            }),
        });
        self.change(owner, sequence, |order| {
            order.filled_quantity = cumulative;
            order.filled_value += quantity * price;
            order.status = status;
            order.updated_at = at;
        });
    }
}

/// Whether the market came to an order with a limit: it was there before this instant, unchanged.
fn has_rested(order: &Order, at: Timestamp) -> bool {
    matches!(order.request.order_type, OrderType::Limit | OrderType::StopLimit) && order.updated_at < at
}

/// One time in ten, a part of what could be filled, as Alpaca's paper accounts do it: at least a hundredth, whole shares of
/// an order in whole shares. Drawn from the seed and the order. Orders in dollars, for auctions and for all or nothing are never
/// filled in parts.
fn chance_part(order: &Order, whole: Decimal, seed: u64) -> Option<Decimal> {
    let request = &order.request;
    let all_at_once = matches!(request.time_in_force, TimeInForce::Fok | TimeInForce::Opg | TimeInForce::Cls);
    if all_at_once || order.notional().is_some() {
        return None;
    }
    let name = format!("part of {seed} {}", order.filled_quantity);
    let [a, b, c, d, _, _, _, _, _, _, e, f, ..] = Uuid::new_v5(&order.id, name.as_bytes()).into_bytes();
    if u32::from_be_bytes([a, b, c, d]) % 10 != 0 {
        return None;
    }
    let hundredths = Decimal::from(1 + u16::from_be_bytes([e, f]) % 99);
    let in_shares = request.symbol.class() == AssetClass::UsEquity && whole.fract().is_zero();
    let part = (whole * hundredths / Decimal::ONE_HUNDRED).trunc_with_scale(if in_shares { 0 } else { 9 });
    (part > Decimal::ZERO && part < whole).then_some(part.normalize())
}
