//! What the broker takes, with dates, in one table.

use paddock_core::AssetClass;
use rust_decimal::Decimal;

/// The part of the received asset that a crypto trade costs: 25 basis points, the taker rate of accounts that traded
/// less than $100,000 in 30 days. Alpaca's page of fees has 15 for makers; its paper accounts were seen to charge 25.
const CRYPTO: Decimal = Decimal::from_parts(25, 0, 0, false, 4);

/// The part of the received asset that a trade costs.
#[must_use]
pub fn rate(class: AssetClass) -> Decimal {
    match class {
        AssetClass::Crypto => CRYPTO,
        AssetClass::UsEquity | AssetClass::UsOption => Decimal::ZERO,
    }
}
