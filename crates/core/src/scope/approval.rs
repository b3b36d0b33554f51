//! What a scope says about approvals, where it does not say it.

use rust_decimal::Decimal;

/// Seconds until a held request is not sent any more.
pub const USUAL_EXPIRY: u32 = 15 * 60;

/// By how many percent the market's price may differ when a request is sent from when it was held.
pub const USUAL_BAND: Decimal = Decimal::TWO;

/// The longest that a program may wait for a person's answer, in seconds.
pub const LONGEST_WAIT: u32 = 300;
