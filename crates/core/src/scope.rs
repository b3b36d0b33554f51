//! What an access key may do.

pub mod approval;
mod diff;
mod hours;
mod sentence;

use std::collections::BTreeSet;

use ipnet::IpNet;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::order::{OrderClass, OrderType, Side, TimeInForce};
use crate::{AssetClass, PermissionClass, Symbol, words};

pub use diff::{Change, Difference, diff};
pub use hours::{Hours, NoHours};

/// How many seconds old a quote may be while its market is open, unless a scope says otherwise: a thinly traded stock may go minutes
/// without one, and a feed that has stopped is noticed.
pub(crate) const USUAL_QUOTE_AGE: u32 = 15 * 60;

/// What an access key may do. A limit that is absent (`None`) does not limit; a set that is present allows only its
/// members, so an empty set allows nothing. Unknown fields are refused when a scope is read back: a limit that this version
/// does not know must not be ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Permission classes that are allowed as a whole. [`PermissionClass::MoneyOut`] here allows nothing: such
    /// operations must be named in `operations`.
    #[serde(default)]
    pub classes: BTreeSet<PermissionClass>,
    /// Operations allowed by name (Alpaca's operationId), besides those of `classes`.
    #[serde(default)]
    pub operations: BTreeSet<String>,
    /// The symbols whose market data may be streamed, and asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_symbols: Option<BTreeSet<Symbol>>,
    /// The symbols that orders and closes may touch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbols: Option<BTreeSet<Symbol>>,
    /// The asset classes that orders and closes may touch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_classes: Option<BTreeSet<AssetClass>>,
    /// The ways orders may go, exits of bracket orders included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sides: Option<BTreeSet<Side>>,
    /// The types that orders may have, exits of bracket orders included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_types: Option<BTreeSet<OrderType>>,
    /// The times in force that orders may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times_in_force: Option<BTreeSet<TimeInForce>>,
    /// The classes that orders may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_classes: Option<BTreeSet<OrderClass>>,
    /// Forbids orders that may fill outside regular hours.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_extended_hours: bool,
    /// What orders may do to positions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positions: Option<PositionRule>,
    /// Shows and lets it touch nothing but the orders that the key itself has placed, by REST and in streams.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_own_orders: bool,
    /// Shares, contracts or coins that one order may be for at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_order_quantity: Option<Decimal>,
    /// By how many percent a limit price may be worse than the market's price: above the ask for a buy, below the bid for a sell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_price_deviation: Option<Decimal>,
    /// How many seconds old a quote may be while its market is open; 15 minutes when absent. Orders that need one are refused then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_quote_age: Option<u32>,
    /// When orders, replacements and closes may be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// Dollars that one order may be worth at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_order_notional: Option<Decimal>,
    /// Dollars that all orders of one New York day may be worth at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_daily_notional: Option<Decimal>,
    /// Orders, replacements and closes on one New York day at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_daily_orders: Option<u32>,
    /// Dollars that the whole account may have in positions and in working orders that open, for this key to open more. What
    /// others did counts too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_open_exposure: Option<Decimal>,
    /// Dollars that the whole account may lose on a trading day, for this key to open anything more that day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_daily_loss: Option<Decimal>,
    /// Requests in any 60 seconds at most. Cancels are counted by themselves: as many, and at least 60, pass besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_requests_per_minute: Option<u32>,
    /// Dollars beyond which a person has to approve an order; zero is each order. Closes never need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_over: Option<Decimal>,
    /// Seconds that a program waits for the answer; none when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_wait: Option<u32>,
    /// Seconds until a held request is not sent any more; [`approval::USUAL_EXPIRY`] when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_expiry: Option<u32>,
    /// By how many percent the market's price may differ when a held request is sent; [`approval::USUAL_BAND`] when absent, where there
    /// is a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_price_band: Option<Decimal>,
    /// The instant from which the key opens nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The networks from which the key may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub networks: Option<Vec<IpNet>>,
    /// Whether requests must be signed, so that the secret does not travel. Decided when the key is issued: what a signature is checked
    /// with is kept then or never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
}

words! {
    /// Whether requests must be signed.
    Signed {
        /// All of them. The secret itself opens nothing.
        Required = "required",
    }
}

words! {
    /// What orders may do to positions.
    PositionRule {
        /// Buy, and sell what is held: never short.
        LongOnly = "long_only",
        /// Nothing but make positions smaller.
        ReduceOnly = "reduce_only",
    }
}

/// Ready-made choices of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Reads the account and market data.
    ReadOnly,
    /// Reads, places, replaces and cancels orders, closes positions, keeps watchlists.
    Trader,
    /// Reads market data, and the clock, the calendar and the list of assets, without which data is hard to use.
    DataOnly,
}

/// The operations of the account API that say nothing about the account.
const PUBLIC_FACTS: [&str; 6] = [
    "LegacyClock",
    "Clock",
    "LegacyCalendar",
    "Calendar",
    "get-v2-assets",
    "get-v2-assets-symbol_or_asset_id",
];

impl Preset {
    /// All presets with their names.
    pub const ALL: [(&'static str, Self); 3] =
        [("read-only", Self::ReadOnly), ("trader", Self::Trader), ("data-only", Self::DataOnly)];

    /// The preset of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, preset)| *preset)
    }

    /// Adds the preset's operations to a scope.
    pub fn apply(self, scope: &mut Scope) {
        use PermissionClass as P;
        let classes: &[P] = match self {
            Self::ReadOnly => &[P::AccountRead, P::Data],
            Self::Trader => &[P::AccountRead, P::Data, P::Order, P::Cancel, P::PositionClose, P::Watchlist],
            Self::DataOnly => &[P::Data],
        };
        scope.classes.extend(classes);
        if self == Self::DataOnly {
            scope.operations.extend(PUBLIC_FACTS.map(str::to_owned));
        }
    }
}

impl Scope {
    /// Whether the operation is allowed as such, before anything is said about its content.
    #[must_use]
    pub fn allows_operation(&self, operation: &str, class: PermissionClass) -> bool {
        let by_class = class != PermissionClass::MoneyOut && self.classes.contains(&class);
        by_class || self.operations.contains(operation)
    }

    /// Whether the market data of that symbol may be read. A contract's is what its underlying's is.
    #[must_use]
    pub fn lets_read_data_of(&self, symbol: &str) -> bool {
        let Some(allowed) = &self.data_symbols else { return true };
        let Ok(symbol) = Symbol::parse(symbol) else { return false };
        allowed.contains(&symbol) || symbol.root().is_some_and(|root| allowed.contains(&root))
    }

    /// Whether any limit needs the market's price, at least of some orders.
    #[must_use]
    pub const fn needs_prices(&self) -> bool {
        self.limits_notional()
            || self.approval_over.is_some()
            || self.max_price_deviation.is_some()
            || self.max_order_quantity.is_some()
    }

    /// Whether anything about the content of orders is limited.
    #[must_use]
    pub const fn limits_orders(&self) -> bool {
        self.symbols.is_some()
            || self.asset_classes.is_some()
            || self.sides.is_some()
            || self.order_types.is_some()
            || self.times_in_force.is_some()
            || self.order_classes.is_some()
            || self.no_extended_hours
            || self.positions.is_some()
            || self.hours.is_some()
            || self.max_quote_age.is_some()
            || self.max_daily_orders.is_some()
            || self.needs_account()
            || self.needs_prices()
    }

    /// Whether any limit depends on what the account holds or lost, when an order opens something.
    #[must_use]
    pub const fn needs_account(&self) -> bool {
        self.max_open_exposure.is_some() || self.max_daily_loss.is_some()
    }

    /// Whether any limit needs to know what an order is worth.
    #[must_use]
    pub const fn limits_notional(&self) -> bool {
        self.max_order_notional.is_some() || self.max_daily_notional.is_some()
    }
}
