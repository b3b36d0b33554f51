//! One order as the broker keeps it.

use std::borrow::Cow;

use jiff::Timestamp;
use paddock_alpaca::wire::{OrderStatus, PositionIntent};
use paddock_core::order::{Amount, OrderRequest, OrderType, Side};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::names::own_name;
use crate::market::{Market, Trail};

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Order {
    /// Alpaca's order id.
    pub id: Uuid,
    /// Its place among all orders of the broker, which decides between events of the same instant.
    pub sequence: u64,
    /// What was asked for; its client order id is the client's own.
    pub request: OrderRequest,
    /// What it does to the position.
    pub intent: PositionIntent,
    /// Where it stands.
    pub status: OrderStatus,
    /// When it was accepted.
    pub submitted_at: Timestamp,
    /// When anything about it last changed; of an order that has ended, when it did.
    pub updated_at: Timestamp,
    /// When it expires unless it is done before.
    pub expires_at: Timestamp,
    /// How much has been filled.
    pub filled_quantity: Decimal,
    /// The sum of quantity times price over its fills.
    pub filled_value: Decimal,
    /// Dollars per unit that an opening order is taken to cost until it is filled; for a closing
    /// one, the price that an order in dollars is taken to sell at.
    pub reserved_price: Decimal,
    /// When the market reached its stop price: from then on it is the market or limit order that it was to become.
    pub triggered_at: Option<Timestamp>,
    /// How far a trailing stop had come when that was last written down.
    pub trailed: Option<Box<Trailing>>,
    /// The orders that it hangs together with. Boxed like the trail, since most orders have neither and all are kept.
    pub relations: Option<Box<Relations>>,
    /// Whether it waits for the order whose exit it is to be filled.
    pub dormant: bool,
    /// Whether another exit of the same position holds the units that it would sell or buy back.
    pub covered: bool,
    /// When something happens to it next, if nothing comes in between.
    #[serde(skip)]
    pub due_at: Option<Timestamp>,
}

/// The orders that an order hangs together with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Relations {
    /// The order whose exit it is.
    pub parent: Option<Uuid>,
    /// Its exits: the take-profit before the stop-loss.
    pub legs: Vec<Uuid>,
    /// The order whose place it took.
    pub replaces: Option<Uuid>,
    /// The order that took its place.
    pub replaced_by: Option<Uuid>,
}

/// How far a trailing stop has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Trailing {
    /// The best price so far: the highest for a sale, the lowest for a purchase.
    pub best: Decimal,
    /// Up to when the tape was looked at.
    pub until: Timestamp,
}

impl Order {
    /// Whether it may still be filled.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !self.status.is_terminal()
    }

    /// Whether it takes units from a position rather than buying power.
    #[must_use]
    pub const fn is_closing(&self) -> bool {
        matches!(self.intent, PositionIntent::BuyToClose | PositionIntent::SellToClose)
    }

    /// The client's name for it, or the one that the broker gave it.
    #[must_use]
    pub fn client_order_id(&self) -> Cow<'_, str> {
        match &self.request.client_order_id {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Owned(own_name(self.id).to_string()),
        }
    }

    /// When it came into `status`, if that is how it ended.
    #[must_use]
    pub fn ended_as(&self, status: OrderStatus) -> Option<Timestamp> {
        (self.status == status && status.is_terminal()).then_some(self.updated_at)
    }

    /// The order whose exit it is.
    #[must_use]
    pub fn parent(&self) -> Option<Uuid> {
        self.relations.as_ref()?.parent
    }

    /// Its exits: the take-profit before the stop-loss.
    #[must_use]
    pub fn legs(&self) -> &[Uuid] {
        self.relations.as_ref().map_or(&[], |relations| &relations.legs)
    }

    /// The order whose place it took.
    #[must_use]
    pub fn replaces(&self) -> Option<Uuid> {
        self.relations.as_ref()?.replaces
    }

    /// The order that took its place.
    #[must_use]
    pub fn replaced_by(&self) -> Option<Uuid> {
        self.relations.as_ref()?.replaced_by
    }

    /// Its relations, to be changed.
    pub(super) fn relate(&mut self) -> &mut Relations {
        self.relations.get_or_insert_default()
    }

    /// The ordered quantity; `None` for an order in dollars.
    #[must_use]
    pub const fn quantity(&self) -> Option<Decimal> {
        match self.request.amount {
            Amount::Quantity(quantity) => Some(quantity),
            Amount::Notional(_) => None,
        }
    }

    /// The ordered dollars; `None` for an order in units.
    #[must_use]
    pub const fn notional(&self) -> Option<Decimal> {
        match self.request.amount {
            Amount::Notional(notional) => Some(notional),
            Amount::Quantity(_) => None,
        }
    }

    /// What is left to fill at `price`, in units. An order in dollars buys what they are worth, cut to nine decimals.
    #[must_use]
    pub fn left_at(&self, price: Decimal) -> Decimal {
        match self.request.amount {
            Amount::Quantity(quantity) => quantity - self.filled_quantity,
            Amount::Notional(notional) => units_for(notional - self.filled_value, price),
        }
    }

    /// Units that a closing order holds of the position while it is open.
    #[must_use]
    pub fn held_quantity(&self) -> Decimal {
        if !self.is_open() || !self.is_closing() || self.dormant || self.covered {
            return Decimal::ZERO;
        }
        match self.request.amount {
            Amount::Quantity(quantity) => quantity - self.filled_quantity,
            Amount::Notional(notional) => units_for(notional, self.reserved_price),
        }
    }

    /// Dollars of buying power that an opening order holds while it is open.
    #[must_use]
    pub fn reserved(&self) -> Decimal {
        if !self.is_open() || self.is_closing() {
            return Decimal::ZERO;
        }
        match self.request.amount {
            Amount::Quantity(quantity) => {
                super::position::to_cents((quantity - self.filled_quantity) * self.reserved_price)
            }
            Amount::Notional(notional) => notional - self.filled_value,
        }
    }

    /// How far it has come at `now` if it is a trailing stop: the best price that it has seen, and its stop price.
    #[must_use]
    pub fn trailed_until(&self, market: &Market, now: Timestamp) -> Option<(Decimal, Decimal)> {
        let (trail, trailed) = (trail_of(&self.request)?, self.trailed.as_ref()?);
        let (symbol, side) = (&self.request.symbol, self.request.side);
        let best = if self.is_open() && self.waits_for_stop() && trailed.until < now {
            market.trail(symbol, side, trail, trailed.best, (trailed.until, now)).best
        } else {
            trailed.best
        };
        Some((best, trail.stop_price(side, best)))
    }

    /// Whether it waits for its stop price, so that nothing of it is in the market yet.
    #[must_use]
    pub const fn waits_for_stop(&self) -> bool {
        let stops = matches!(
            self.request.order_type,
            OrderType::Stop | OrderType::StopLimit | OrderType::TrailingStop
        );
        stops && self.triggered_at.is_none()
    }

    /// The average price of its fills, or `None` before the first.
    #[must_use]
    pub fn average_price(&self) -> Option<Decimal> {
        self.filled_value.checked_div(self.filled_quantity).map(|price| price.round_dp(9))
    }

    /// `quantity` with the sign that it has for the position.
    #[must_use]
    pub fn signed(&self, quantity: Decimal) -> Decimal {
        match self.request.side {
            Side::Buy => quantity,
            Side::Sell => -quantity,
        }
    }
}

/// How many units `dollars` buy at `price`, cut to nine decimals; none when there is no price.
#[must_use]
pub fn units_for(dollars: Decimal, price: Decimal) -> Decimal {
    dollars.checked_div(price).unwrap_or_default().trunc_with_scale(9)
}

/// The trail of a trailing stop; `None` for every other order.
#[must_use]
pub fn trail_of(request: &OrderRequest) -> Option<Trail> {
    let percent = request.trail_percent.map(Trail::Percent);
    request.trail_price.map(Trail::Dollars).or(percent)
}
