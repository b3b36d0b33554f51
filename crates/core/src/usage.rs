//! What an access key has used of its caps.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What one access key has used on one New York day, reservations included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The New York civil date that the figures belong to.
    pub day: Date,
    /// Orders, replacements and closes reserved or sent.
    pub orders: u32,
    /// Dollars reserved or sent.
    pub notional: Decimal,
}

impl Usage {
    /// Nothing used yet on `day`.
    #[must_use]
    pub const fn none(day: Date) -> Self {
        Self { day, orders: 0, notional: Decimal::ZERO }
    }
}

/// What one request takes from the caps. It is reserved before the request is forwarded, then confirmed, or released when
/// the broker refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Number of orders.
    pub orders: u32,
    /// Dollars.
    pub notional: Decimal,
}

impl Charge {
    /// Whether the request takes nothing, as reads and cancels do.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.orders == 0 && self.notional.is_zero()
    }
}
