//! Who decides about new trades of the engine.

use crate::words;

words! {
    /// Who decides about new trades. Exits are never held back by it.
    TradingMode {
        /// The engine opens trades by itself, within its limits.
        Autopilot = "autopilot",
        /// The engine proposes, and a person says yes to each trade.
        Copilot = "copilot",
        /// The engine watches and records, and opens nothing.
        Manual = "manual",
    }
}
