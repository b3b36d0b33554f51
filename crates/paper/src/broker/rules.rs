//! Which rules are in force.
//!
//! A rule that comes later changes what old commands lead to. So a journal goes on under the rules that it was begun under, and
//! a new one begins under all of them.

use serde::{Deserialize, Serialize};

/// The rules of one time, by number: a higher one has all of the lower ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rules(u32);

impl Rules {
    /// Those of journals that do not say which.
    pub const FIRST: Self = Self(0);
    /// All of them.
    pub const CURRENT: Self = Self(2);

    /// Whether splits and dividends change what accounts have.
    pub(super) const fn corporate_actions(self) -> bool {
        self.0 >= 1
    }

    /// Whether live accounts pay regulatory fees, and crypto fees by what they trade.
    pub(super) const fn live_fees(self) -> bool {
        self.0 >= 1
    }

    /// Whether live accounts pay less for crypto where their order rested.
    pub(super) const fn maker_fees(self) -> bool {
        self.0 >= 2
    }

    /// Whether a limit that is far through the market is refused.
    pub(super) const fn limit_guard(self) -> bool {
        self.0 >= 1
    }
}
