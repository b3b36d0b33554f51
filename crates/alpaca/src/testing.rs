//! What several tests need.

use rust_decimal::Decimal;

/// The number that the text writes.
pub fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}
