//! What an account holds of one symbol, and what it cost.

use paddock_alpaca::wire::PositionIntent;
use paddock_core::order::Side;
use rust_decimal::Decimal;
use serde::Serialize;

/// A holding. Never zero: an account that holds nothing of a symbol has no position in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    /// Shares or coins; negative when sold short.
    pub quantity: Decimal,
    /// What was paid for them in dollars, at the prices of the fills; negative when sold short. Nine decimals at most
    /// after the first partial sale.
    pub cost: Decimal,
    /// The same, with what was held when the day began at its price of then: what today's gain is counted from.
    pub day_cost: Decimal,
}

impl Position {
    /// Nothing yet.
    pub const NONE: Self = Self { quantity: Decimal::ZERO, cost: Decimal::ZERO, day_cost: Decimal::ZERO };

    /// After `quantity` more (negative: fewer) at `price`. What goes out goes out at the average cost; what goes
    /// beyond zero, which the broker's rules do not let happen, would start anew at `price`.
    #[must_use]
    pub fn traded(self, quantity: Decimal, price: Decimal) -> Self {
        let total = self.quantity + quantity;
        let way = |quantity: Decimal| (quantity.is_sign_negative(), quantity.is_zero());
        if self.quantity.is_zero() || way(self.quantity) == way(quantity) {
            let added = quantity * price;
            Self { quantity: total, cost: self.cost + added, day_cost: self.day_cost + added }
        } else if total.is_zero() {
            Self::NONE
        } else if way(total) == way(self.quantity) {
            self.reduced_to(total)
        } else {
            Self { quantity: total, cost: total * price, day_cost: total * price }
        }
    }

    /// With only `quantity` left, at the same average price.
    #[must_use]
    pub fn reduced_to(self, quantity: Decimal) -> Self {
        let part =
            |cost: Decimal| (cost * quantity).checked_div(self.quantity).unwrap_or_default().round_dp(9);
        Self { quantity, cost: part(self.cost), day_cost: part(self.day_cost) }
    }

    /// The average price of what is held, dollars; zero for nothing.
    #[must_use]
    pub fn average_price(&self) -> Decimal {
        self.cost.checked_div(self.quantity).unwrap_or_default()
    }

    /// What it is worth at `price`, dollars to the cent; negative when sold short.
    #[must_use]
    pub fn value_at(&self, price: Decimal) -> Decimal {
        to_cents(self.quantity * price)
    }

    /// Whether it was sold short.
    #[must_use]
    pub const fn is_short(&self) -> bool {
        self.quantity.is_sign_negative()
    }
}

/// What an order of that side does that closes a position.
#[must_use]
pub const fn closes(side: Side) -> PositionIntent {
    match side {
        Side::Buy => PositionIntent::BuyToClose,
        Side::Sell => PositionIntent::SellToClose,
    }
}

/// An amount of money to the cent, halves away from zero.
#[must_use]
pub fn to_cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn buying_averages_and_selling_does_not() {
        let position = Position::NONE.traded(dec("10"), dec("100")).traded(dec("10"), dec("110"));
        assert_eq!(position.average_price(), dec("105"));
        let position = position.traded(dec("-5"), dec("200"));
        assert_eq!((position.quantity, position.cost), (dec("15"), dec("1575")));
        assert_eq!(position.traded(dec("-15"), dec("1")).cost, Decimal::ZERO);
    }

    #[test]
    fn a_short_position_has_a_negative_cost() {
        let position = Position::NONE.traded(dec("-10"), dec("50")).traded(dec("4"), dec("40"));
        assert_eq!((position.quantity, position.cost), (dec("-6"), dec("-300")));
        assert_eq!(position.value_at(dec("45")), dec("-270"));
    }

    #[test]
    fn a_fee_in_the_asset_leaves_the_average_price() {
        let position = Position::NONE.traded(dec("2"), dec("30000")).reduced_to(dec("1.995"));
        assert_eq!((position.quantity, position.average_price()), (dec("1.995"), dec("30000")));
    }
}
