//! An order, as a person means it: what would happen if the broker accepted it.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Symbol;

/// Defines an enum whose values are words on the wire: with `ALL`, `as_str`, `Display`, `FromStr` and serde.
#[macro_export]
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::serde::Serialize, ::serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// All values.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Alpaca's spelling.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::order::UnknownWord;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or($crate::order::UnknownWord {
                    expected: &[$($text),+],
                })
            }
        }
    };
}

/// The text is none of the words that are possible here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    /// The words that are possible.
    pub expected: &'static [&'static str],
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected one of: {}", self.expected.join(", "))
    }
}

impl std::error::Error for UnknownWord {}

words! {
    /// Which way an order goes.
    Side {
        /// Buys.
        Buy = "buy",
        /// Sells, also short.
        Sell = "sell",
    }
}

impl Side {
    /// The other way.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

words! {
    /// How an order finds its price.
    OrderType {
        /// At once, at the market's price.
        Market = "market",
        /// At the limit price or better.
        Limit = "limit",
        /// A market order once the stop price trades.
        Stop = "stop",
        /// A limit order once the stop price trades.
        StopLimit = "stop_limit",
        /// A stop that follows the market.
        TrailingStop = "trailing_stop",
    }
}

words! {
    /// How long an order lives.
    TimeInForce {
        /// Until the end of the session.
        Day = "day",
        /// Until canceled, at most 90 days.
        Gtc = "gtc",
        /// In the opening auction only.
        Opg = "opg",
        /// In the closing auction only.
        Cls = "cls",
        /// At once, the rest canceled.
        Ioc = "ioc",
        /// At once and whole, or not at all.
        Fok = "fok",
    }
}

words! {
    /// How orders hang together.
    OrderClass {
        /// One order by itself.
        Simple = "simple",
        /// An entry with a take-profit and a stop-loss.
        Bracket = "bracket",
        /// Two exits, one of which cancels the other.
        Oco = "oco",
        /// An entry with one exit.
        Oto = "oto",
        /// Up to four option legs that fill together.
        Mleg = "mleg",
    }
}

/// How much is ordered. Both kinds are positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// Shares, contracts or coins.
    Quantity(Decimal),
    /// Dollars.
    Notional(Decimal),
}

/// The profit-taking exit of a bracket, OCO or OTO order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeProfit {
    /// Limit price in dollars.
    pub limit_price: Decimal,
}

/// The loss-limiting exit of a bracket, OCO or OTO order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopLoss {
    /// Stop price in dollars.
    pub stop_price: Decimal,
    /// Limit price in dollars; without it the exit is a plain stop.
    pub limit_price: Option<Decimal>,
}

/// One leg of a multi-leg option order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLeg {
    /// The contract.
    pub symbol: Symbol,
    /// Its way, where stated.
    pub side: Option<Side>,
    /// How many of it for each unit of the order.
    pub ratio_quantity: Decimal,
}

/// An order request in Paddock's own terms. Prices are dollars per unit, positive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRequest {
    /// What is traded. For a multi-leg order the first leg's contract.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// How the price is found.
    pub order_type: OrderType,
    /// How long it lives.
    pub time_in_force: TimeInForce,
    /// How much.
    pub amount: Amount,
    /// Limit price, for limit and stop-limit orders.
    pub limit_price: Option<Decimal>,
    /// Stop price, for stop and stop-limit orders.
    pub stop_price: Option<Decimal>,
    /// Trail in dollars, for trailing stops.
    pub trail_price: Option<Decimal>,
    /// Trail in percent, for trailing stops.
    pub trail_percent: Option<Decimal>,
    /// Whether it may fill outside the regular session.
    pub extended_hours: bool,
    /// How it hangs together with its exits.
    pub order_class: OrderClass,
    /// The profit-taking exit.
    pub take_profit: Option<TakeProfit>,
    /// The loss-limiting exit.
    pub stop_loss: Option<StopLoss>,
    /// Legs of a multi-leg order.
    pub legs: Vec<OrderLeg>,
    /// The client's own name for the order, at most 128 characters, unique for ever in its account.
    pub client_order_id: Option<String>,
}

impl OrderRequest {
    /// A market order for one thing, with nothing else asked for.
    #[must_use]
    pub const fn market(symbol: Symbol, side: Side, time_in_force: TimeInForce, amount: Amount) -> Self {
        Self {
            symbol,
            side,
            order_type: OrderType::Market,
            time_in_force,
            amount,
            limit_price: None,
            stop_price: None,
            trail_price: None,
            trail_percent: None,
            extended_hours: false,
            order_class: OrderClass::Simple,
            take_profit: None,
            stop_loss: None,
            legs: Vec::new(),
            client_order_id: None,
        }
    }
}
