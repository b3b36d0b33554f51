//! What happened to an account's money and holdings, in order.

use jiff::Timestamp;
use jiff::civil::Date;
use paddock_alpaca::wire::OrderStatus;
use paddock_core::order::Side;
use paddock_core::{Symbol, calendar};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use super::fees::Regulatory;

/// One entry of an account's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Activity {
    /// When, with the part of [`Activity::id`] that makes it unique.
    pub at: Timestamp,
    /// Unique among the account's activities.
    pub uuid: Uuid,
    /// What.
    pub event: ActivityEvent,
    /// By how much the cash changed with it, dollars to the cent. A crypto fee is taken with its fill, and only posted later.
    pub cash: Decimal,
    /// By how much the holding of its symbol changed with it.
    pub holding: Decimal,
}

/// What an activity was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityEvent {
    /// An order was filled, or a part of it.
    Fill(Fill),
    /// A crypto fee was posted.
    CryptoFee {
        /// The pair.
        symbol: Symbol,
        /// Coins taken; zero when dollars were.
        quantity: Decimal,
        /// Dollars taken; zero when coins were.
        dollars: Decimal,
        /// The price of the fill, dollars.
        price: Decimal,
        /// The day as of which it was posted.
        date: Date,
    },
    /// A regulator's fee for a day's trades was taken.
    RegulatoryFee {
        /// Which.
        fee: Regulatory,
        /// Dollars, positive.
        dollars: Decimal,
        /// The day of the trades.
        date: Date,
    },
    /// A dividend was paid, or charged to who is short.
    Dividend {
        /// Whose.
        symbol: Symbol,
        /// Dollars a share.
        rate: Decimal,
        /// Shares for which it was; negative when sold short.
        quantity: Decimal,
        /// The day of payment.
        date: Date,
    },
    /// Shares were split.
    Split {
        /// Whose.
        symbol: Symbol,
        /// How many came to the position; negative when sold short.
        added: Decimal,
        /// So many new shares for so many old ones.
        ratio: (Decimal, Decimal),
        /// The ex-date.
        date: Date,
    },
}

/// One fill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fill {
    /// The order.
    pub order: Uuid,
    /// What.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Whether units were sold that the account does not have.
    pub short: bool,
    /// Units, positive.
    pub quantity: Decimal,
    /// Dollars per unit.
    pub price: Decimal,
    /// Units of the order filled so far.
    pub cumulative: Decimal,
    /// Units of the order left.
    pub left: Decimal,
    /// Where the order stood after it.
    pub order_status: OrderStatus,
}

impl Activity {
    /// Alpaca's id, which is also the paging token: New York's local time to the millisecond, and a UUID.
    #[must_use]
    pub fn id(&self) -> String {
        let local = calendar::new_york().to_datetime(self.at);
        let milliseconds = i32::from(local.millisecond());
        format!("{}{milliseconds:03}::{}", local.strftime("%Y%m%d%H%M%S"), self.uuid)
    }

    /// Alpaca's word for the kind.
    #[must_use]
    pub const fn activity_type(&self) -> &'static str {
        match &self.event {
            ActivityEvent::Fill(_) => "FILL",
            // A fee in dollars is a FEE, one in coins a CFEE.
            ActivityEvent::CryptoFee { quantity, .. } if quantity.is_zero() => "FEE",
            ActivityEvent::CryptoFee { .. } => "CFEE",
            ActivityEvent::RegulatoryFee { .. } => "FEE",
            ActivityEvent::Dividend { .. } => "DIV",
            ActivityEvent::Split { .. } => "SPLIT",
        }
    }
}
