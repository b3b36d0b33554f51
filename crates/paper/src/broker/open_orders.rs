//! The open orders of an account, with what they reserve and hold as running totals: neither an order nor a look at the
//! account has to add them up.

use std::collections::BTreeSet;

use paddock_core::Symbol;
use paddock_core::order::Side;
use rust_decimal::Decimal;

use super::figures::is_marginable;
use super::order::Order;
use crate::fast_map::FastMap;

/// Which orders are open, and their totals.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenOrders {
    sequences: BTreeSet<u64>,
    by_symbol: FastMap<Symbol, OfSymbol>,
    reserved: Decimal,
    reserved_cash: Decimal,
}

/// Those in one symbol.
#[derive(Clone, Debug, Default)]
struct OfSymbol {
    buys: BTreeSet<u64>,
    sales: BTreeSet<u64>,
    held: Decimal,
}

impl OfSymbol {
    const fn side(&mut self, side: Side) -> &mut BTreeSet<u64> {
        match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sales,
        }
    }
}

/// What one order counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    reserved: Decimal,
    held: Decimal,
}

impl Share {
    pub(super) fn of(order: &Order) -> Self {
        Self { reserved: order.reserved(), held: order.held_quantity() }
    }

    const NOTHING: Self = Self { reserved: Decimal::ZERO, held: Decimal::ZERO };
}

impl OpenOrders {
    /// Counts a new order.
    pub(super) fn add(&mut self, order: &Order) {
        if order.is_open() {
            self.sequences.insert(order.sequence);
            let own = self.by_symbol.entry(order.request.symbol.clone()).or_default();
            own.side(order.request.side).insert(order.sequence);
            self.count(order, Share::NOTHING);
        }
    }

    /// Counts an order as it is now, which counted for `before` until now.
    pub(super) fn update(&mut self, order: &Order, before: Share) {
        self.count(order, before);
        if !order.is_open() && self.sequences.remove(&order.sequence) {
            let symbol = &order.request.symbol;
            let Some(own) = self.by_symbol.get_mut(symbol) else { return };
            own.side(order.request.side).remove(&order.sequence);
            if own.buys.is_empty() && own.sales.is_empty() {
                self.by_symbol.remove(symbol);
            }
        }
    }

    fn count(&mut self, order: &Order, before: Share) {
        let now = Share::of(order);
        if now.reserved != before.reserved {
            let total = match is_marginable(&order.request.symbol) {
                true => &mut self.reserved,
                false => &mut self.reserved_cash,
            };
            // Normalized, so that the total does not show what has come and gone.
            *total = (*total + now.reserved - before.reserved).normalize();
        }
        if now.held != before.held
            && let Some(own) = self.by_symbol.get_mut(&order.request.symbol)
        {
            own.held = (own.held + now.held - before.held).normalize();
        }
    }

    /// All, in the order of their submission.
    pub(super) fn sequences(&self) -> impl DoubleEndedIterator<Item = u64> {
        self.sequences.iter().copied()
    }

    /// Those in one symbol and one way.
    pub(super) fn sequences_in(&self, symbol: &Symbol, side: Side) -> impl Iterator<Item = u64> {
        let own = self.by_symbol.get(symbol).map(|own| match side {
            Side::Buy => &own.buys,
            Side::Sell => &own.sales,
        });
        own.into_iter().flatten().copied()
    }

    /// Units of a symbol that they hold.
    pub(super) fn held(&self, symbol: &Symbol) -> Decimal {
        self.by_symbol.get(symbol).map(|own| own.held).unwrap_or_default()
    }

    /// Dollars of buying power that they reserve: for what can be bought on margin, and for what cannot.
    pub(super) const fn reserved(&self) -> (Decimal, Decimal) {
        (self.reserved, self.reserved_cash)
    }
}
