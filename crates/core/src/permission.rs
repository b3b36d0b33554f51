//! The permission classes into which every Alpaca operation falls.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of power an operation has. Each operation of the table in `paddock-alpaca` has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PermissionClass {
    /// Reads the account: balances, orders, positions, activities, assets, clock.
    AccountRead,
    /// Reads market data.
    Data,
    /// Places or replaces an order, or exercises an option.
    Order,
    /// Cancels orders.
    Cancel,
    /// Closes positions, which is an order in another coat.
    PositionClose,
    /// Changes account settings.
    Settings,
    /// Changes watchlists.
    Watchlist,
    /// Moves money or assets out of the account, or prepares that. Refused unless a scope names the operation.
    MoneyOut,
}

impl PermissionClass {
    /// All classes, in the order in which they are listed to people.
    pub const ALL: [Self; 8] = [
        Self::AccountRead,
        Self::Data,
        Self::Order,
        Self::Cancel,
        Self::PositionClose,
        Self::Settings,
        Self::Watchlist,
        Self::MoneyOut,
    ];

    /// The name used in scopes, on the command line and in audit records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccountRead => "account-read",
            Self::Data => "data",
            Self::Order => "order",
            Self::Cancel => "cancel",
            Self::PositionClose => "position-close",
            Self::Settings => "settings",
            Self::Watchlist => "watchlist",
            Self::MoneyOut => "money-out",
        }
    }
}

impl fmt::Display for PermissionClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
