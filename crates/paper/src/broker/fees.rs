//! What the broker takes, with dates, in one table.

use jiff::Timestamp;
use jiff::civil::Date;
use paddock_core::AssetClass;
use rust_decimal::Decimal;
use uuid::Uuid;

use super::account::Account;
use super::activity::{Activity, ActivityEvent};

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

/// Posts what has accrued as activities dated `date`. The money and the coins were taken with the fills.
pub(super) fn post(account: &mut Account, date: Date, at: Timestamp) {
    for fee in std::mem::take(&mut account.accrued) {
        account.activities.push(Activity {
            at,
            uuid: Uuid::new_v5(&fee.fill, b"fee"),
            cash: Decimal::ZERO,
            holding: Decimal::ZERO,
            event: ActivityEvent::CryptoFee {
                symbol: fee.symbol,
                quantity: fee.quantity,
                dollars: fee.dollars,
                price: fee.price,
                date,
            },
        });
    }
}
