//! What an account has at stake: its positions, and the working orders that may make them larger.
//!
//! The figure never is too small for what was read. Where netting would have to guess, it is too large.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::decide::{Quote, quote_is_trusted, worst_price};
use crate::order::{Amount, OrderClass, OrderRequest, OrderType, Side};
use crate::{AssetClass, Symbol};

/// A position of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// What is held.
    pub symbol: Symbol,
    /// Shares, contracts or coins; negative for a short position.
    pub quantity: Decimal,
    /// Worth in dollars, of either sign; absent when the broker does not say.
    pub market_value: Option<Decimal>,
}

impl Holding {
    /// The side of the orders that make it smaller.
    #[must_use]
    pub const fn closing_side(&self) -> Side {
        if self.quantity.is_sign_negative() { Side::Buy } else { Side::Sell }
    }
}

/// An order of the account that may still fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkingOrder {
    /// The broker's name for it.
    pub id: String,
    /// The order, its amount being what is left to fill.
    pub order: OrderRequest,
    /// Whether the broker holds it to making a position smaller.
    pub closes: bool,
    /// The broker's names of the exits that it has with it.
    pub exits: Vec<String>,
    /// The market's price at which it would trade, where known.
    pub quote: Option<Quote>,
}

/// How much of a working order may open something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Shares, contracts or coins; zero for an order in dollars.
    pub quantity: Decimal,
    /// Dollars.
    pub dollars: Decimal,
}

/// What an account has at stake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenExposure {
    /// Dollars in positions, long and short, and in orders that open.
    pub dollars: Decimal,
    /// How much of it each working order is.
    pub by_order: BTreeMap<String, Opening>,
}

/// What an account has at stake cannot be told; the text says of what, for example `what the working order in AAPL is worth`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} cannot be told")]
pub struct ExposureUnknown(pub String);

/// Adds up positions and working orders.
///
/// An order that the broker holds to closing adds nothing. One that goes against a position adds only what is beyond that position,
/// all such orders together; of the two exits of one bracket or OCO order, one can fill.
///
/// # Errors
/// [`ExposureUnknown`] when the worth of a position or of an order that opens cannot be told.
pub fn open_exposure(
    holdings: &[Holding],
    orders: &[WorkingOrder],
    now: Timestamp,
) -> Result<OpenExposure, ExposureUnknown> {
    let mut exposure = OpenExposure::default();
    let mut covers: BTreeMap<&Symbol, Cover> = BTreeMap::new();
    for holding in holdings.iter().filter(|holding| !holding.quantity.is_zero()) {
        let unknown = || ExposureUnknown(format!("what the position in {} is worth", holding.symbol));
        let worth = holding.market_value.ok_or_else(unknown)?.abs();
        exposure.dollars = exposure.dollars.checked_add(worth).ok_or_else(unknown)?;
        covers.insert(&holding.symbol, Cover::new(holding, worth));
    }
    // Single orders take of a position before the exits of families do, which share what is left of it.
    let (single, of_families): (Vec<_>, Vec<_>) =
        orders.iter().partition(|working| working.order.order_class == OrderClass::Simple);
    for working in single.into_iter().chain(of_families) {
        let opening = opening(working, covers.get_mut(&working.order.symbol), now)?;
        exposure.dollars = exposure
            .dollars
            .checked_add(opening.dollars)
            .ok_or_else(|| ExposureUnknown(format!("what the order {} is worth", working.id)))?;
        // The exits of an entry close what it opens, and those of an order that opens nothing open nothing either.
        let is_entry = matches!(working.order.order_class, OrderClass::Bracket | OrderClass::Oto);
        if (is_entry && !working.closes) || opening == Opening::default() {
            exposure.by_order.extend(working.exits.iter().map(|id| (id.clone(), Opening::default())));
        }
        exposure.by_order.insert(working.id.clone(), opening);
    }
    Ok(exposure)
}

/// How much of a position is left for orders against it.
struct Cover {
    side: Side,
    /// Dollars a unit, by which an order in dollars is measured.
    price: Decimal,
    for_limits: Decimal,
    for_stops: Decimal,
}

impl Cover {
    fn new(holding: &Holding, worth: Decimal) -> Self {
        let quantity = holding.quantity.abs();
        Self {
            side: holding.closing_side(),
            price: worth.checked_div(quantity).unwrap_or_default(),
            for_limits: quantity,
            for_stops: quantity,
        }
    }

    /// Takes what an order needs of the position, and gives what it needs beyond.
    fn take(&mut self, order: &OrderRequest, quantity: Decimal) -> Decimal {
        if order.side != self.side {
            return quantity;
        }
        let is_stop =
            matches!(order.order_type, OrderType::Stop | OrderType::StopLimit | OrderType::TrailingStop);
        let taken = match (order.order_class, is_stop) {
            (OrderClass::Simple, _) => {
                let taken = quantity.min(self.for_limits);
                self.for_stops -= taken;
                self.for_limits -= taken;
                taken
            }
            (_, true) => {
                let taken = quantity.min(self.for_stops);
                self.for_stops -= taken;
                taken
            }
            (_, false) => {
                let taken = quantity.min(self.for_limits);
                self.for_limits -= taken;
                taken
            }
        };
        quantity - taken
    }
}

fn opening(
    working: &WorkingOrder,
    cover: Option<&mut Cover>,
    now: Timestamp,
) -> Result<Opening, ExposureUnknown> {
    let order = &working.order;
    let unknown = || ExposureUnknown(format!("what the working order in {} is worth", order.symbol));
    if certainly_closes(order, working.closes) {
        return Ok(Opening::default());
    }
    let (quantity, dollars) = match order.amount {
        Amount::Notional(dollars) => {
            let covered = match cover {
                Some(cover) if cover.price > Decimal::ZERO => {
                    let quantity = dollars.checked_div(cover.price).ok_or_else(unknown)?;
                    cover.take(order, quantity).is_zero()
                }
                _ => false,
            };
            (Decimal::ZERO, if covered { Decimal::ZERO } else { dollars })
        }
        Amount::Quantity(quantity) => {
            let left = cover.map_or(quantity, |cover| cover.take(order, quantity));
            if left.is_zero() {
                return Ok(Opening::default());
            }
            let quote = working.quote.filter(|quote| quote_is_trusted(&order.symbol, now, *quote, None));
            // Whatever has no limit of its own trades at the market, and a sale with a limit may trade above it.
            if quote.is_none() && !pays_at_most_its_limit(order) {
                return Err(unknown());
            }
            let price = worst_price(order, quote).ok_or_else(unknown)?;
            (left, worth(left, price, &order.symbol).ok_or_else(unknown)?)
        }
    };
    Ok(Opening { quantity, dollars })
}

/// Whether an order says by itself at what price it trades at worst: then no quote is needed to tell what it is worth.
#[must_use]
pub const fn pays_at_most_its_limit(order: &OrderRequest) -> bool {
    matches!(order.side, Side::Buy) && matches!(order.order_type, OrderType::Limit | OrderType::StopLimit)
}

/// Dollars that so many units are worth at a price, or nothing when that is too large a number.
#[must_use]
pub fn worth(quantity: Decimal, price: Decimal, symbol: &Symbol) -> Option<Decimal> {
    quantity.checked_mul(price)?.checked_mul(symbol.multiplier())
}

/// Whether an order can do nothing but make a position smaller, whatever happens before it fills. `held_to_closing` says that the
/// broker holds it to that; coins cannot be sold short. The exits of a bracket or OTO order go the other way, so that these may open
/// even when their entry does not.
#[must_use]
pub fn certainly_closes(order: &OrderRequest, held_to_closing: bool) -> bool {
    match order.order_class {
        OrderClass::Simple | OrderClass::Oco => {
            held_to_closing || (order.side == Side::Sell && order.symbol.class() == AssetClass::Crypto)
        }
        OrderClass::Bracket | OrderClass::Oto | OrderClass::Mleg => false,
    }
}

#[cfg(test)]
mod tests;
