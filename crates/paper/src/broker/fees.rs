//! What the broker takes, with dates, in one place.
//!
//! Crypto fees are taken with each fill. The regulators' fees of live accounts add up over the day, each kind is rounded up to
//! the cent, and is taken from the cash when the day ends in New York.

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use paddock_core::order::Side;
use paddock_core::{AssetClass, Environment};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;
use uuid::Uuid;

use super::account::Account;
use super::activity::{Activity, ActivityEvent};

/// One tier of Alpaca's crypto fees: who traded less than so many dollars in 30 days, and the part of the received asset that
/// a trade costs a maker and a taker.
struct Tier {
    below: i64,
    maker: Decimal,
    taker: Decimal,
}

/// With both rates in basis points.
const fn tier(below: i64, maker: u32, taker: u32) -> Tier {
    Tier {
        below,
        maker: Decimal::from_parts(maker, 0, 0, false, 4),
        taker: Decimal::from_parts(taker, 0, 0, false, 4),
    }
}

/// Which side of a trade an order was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It had rested, and the market came to it.
    Maker,
    /// It came to the market.
    Taker,
}

/// Tier 1 to 8. Alpaca's paper accounts were seen to pay as tier 1, whatever they trade.
static CRYPTO: [Tier; 8] = [
    tier(100_000, 15, 25),
    tier(500_000, 12, 22),
    tier(1_000_000, 10, 20),
    tier(10_000_000, 8, 18),
    tier(25_000_000, 5, 15),
    tier(50_000_000, 2, 13),
    tier(100_000_000, 2, 12),
    tier(i64::MAX, 0, 10),
];

/// How long a crypto trade counts for the tier.
const TIER_SPAN: SignedDuration = SignedDuration::from_hours(24 * 30);

/// A regulator's fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Regulatory {
    /// The SEC's, on the proceeds of sales.
    Reg,
    /// FINRA's trading activity fee, on shares sold.
    Taf,
    /// The consolidated audit trail's, on shares bought and sold.
    Cat,
}

impl Regulatory {
    /// All of them, in the order in which they are posted.
    pub const ALL: [Self; 3] = [Self::Reg, Self::Taf, Self::Cat];

    /// Alpaca's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reg => "REG",
            Self::Taf => "TAF",
            Self::Cat => "CAT",
        }
    }
}

/// What a fee is from a date on, until a later row of the same fee.
struct Rate {
    fee: Regulatory,
    from: Date,
    /// Dollars for each dollar of proceeds (REG) or for each share.
    rate: Decimal,
    /// The most that one trade costs, dollars.
    cap: Option<Decimal>,
}

const fn rate(fee: Regulatory, from: Date, digits: u32, decimals: u32, cap_cents: Option<u32>) -> Rate {
    let cap = match cap_cents {
        Some(cents) => Some(Decimal::from_parts(cents, 0, 0, false, 2)),
        None => None,
    };
    Rate { fee, from, rate: Decimal::from_parts(digits, 0, 0, false, decimals), cap }
}

/// The rates of equities, oldest first for each fee. Before a fee's first row nothing is taken.
///
/// REG and TAF: the SEC's orders and FINRA's schedule; that REG ended in May 2025 is as the reference has it, and may have changed
/// since. CAT: the figure of Alpaca's page of fees in 2026, its date is chosen.
static RATES: [Rate; 4] = [
    rate(Regulatory::Reg, date(2024, 5, 22), 278, 7, None),
    rate(Regulatory::Reg, date(2025, 5, 14), 0, 0, None),
    rate(Regulatory::Taf, date(2024, 1, 1), 166, 6, Some(830)),
    rate(Regulatory::Cat, date(2025, 1, 1), 46, 6, None),
];

/// The fees of a day that is not over, before they are rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DayFees {
    reg: Decimal,
    taf: Decimal,
    cat: Decimal,
}

impl DayFees {
    /// What will be posted of a fee, dollars to the cent, rounded up.
    #[must_use]
    pub fn due(&self, fee: Regulatory) -> Decimal {
        let exact = match fee {
            Regulatory::Reg => self.reg,
            Regulatory::Taf => self.taf,
            Regulatory::Cat => self.cat,
        };
        exact.round_dp_with_strategy(2, RoundingStrategy::AwayFromZero).normalize()
    }

    /// What will be posted of all.
    #[must_use]
    pub fn total(&self) -> Decimal {
        Regulatory::ALL.into_iter().map(|fee| self.due(fee)).sum()
    }

    /// Counts one trade in shares.
    pub(super) fn count(&mut self, on: Date, side: Side, shares: Decimal, proceeds: Decimal) {
        let of = |fee: Regulatory, units: Decimal| {
            let rate = RATES.iter().rfind(|rate| rate.fee == fee && rate.from <= on);
            rate.map_or(Decimal::ZERO, |row| (units * row.rate).min(row.cap.unwrap_or(Decimal::MAX)))
        };
        if side == Side::Sell {
            self.reg += of(Regulatory::Reg, proceeds);
            self.taf += of(Regulatory::Taf, shares);
        }
        self.cat += of(Regulatory::Cat, shares);
    }
}

/// The part of the received asset that a trade costs an account of that crypto tier, from 1.
#[must_use]
pub fn trade_rate(class: AssetClass, crypto_tier: u8, role: Role) -> Decimal {
    match class {
        AssetClass::Crypto => {
            let place = usize::from(crypto_tier.max(1)) - 1;
            CRYPTO.get(place).map_or(Decimal::ZERO, |tier| match role {
                Role::Maker => tier.maker,
                Role::Taker => tier.taker,
            })
        }
        AssetClass::UsEquity | AssetClass::UsOption => Decimal::ZERO,
    }
}

/// The tier of who traded so many dollars of crypto in 30 days.
fn tier_of(volume: Decimal) -> u8 {
    let place = CRYPTO.iter().position(|tier| volume < Decimal::from(tier.below));
    (1..).nth(place.unwrap_or(CRYPTO.len() - 1)).unwrap_or(1)
}

/// Posts what has accrued as activities: crypto fees, which were taken with the fills, dated the day that begins, and regulatory
/// fees, which are taken now, dated the day that ended.
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
    let fees = std::mem::take(&mut account.day_fees);
    let traded_on = date.yesterday().unwrap_or(date);
    for fee in Regulatory::ALL {
        let dollars = fees.due(fee);
        if dollars.is_zero() {
            continue;
        }
        account.cash -= dollars;
        account.activities.push(Activity {
            at,
            uuid: Uuid::new_v5(&account.id, format!("{} {traded_on}", fee.as_str()).as_bytes()),
            cash: -dollars,
            holding: Decimal::ZERO,
            event: ActivityEvent::RegulatoryFee { fee, dollars, date: traded_on },
        });
    }
}

/// Finds out anew which crypto tier a live account has.
pub(super) fn set_tier(account: &mut Account, at: Timestamp) {
    if account.environment != Environment::Live {
        return;
    }
    let since = at - TIER_SPAN;
    let volume = account
        .activities
        .iter()
        .rev()
        .take_while(|activity| activity.at >= since)
        .filter_map(|activity| match &activity.event {
            ActivityEvent::Fill(fill) if fill.symbol.class() == AssetClass::Crypto => {
                Some(fill.quantity * fill.price)
            }
            _ => None,
        })
        .sum();
    account.crypto_tier = tier_of(volume);
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[rstest]
    #[case("0", 1, "0.0015", "0.0025")]
    #[case("99999.99", 1, "0.0015", "0.0025")]
    #[case("100000", 2, "0.0012", "0.0022")]
    #[case("9999999", 4, "0.0008", "0.0018")]
    #[case("100000000", 8, "0", "0.0010")]
    fn crypto_tiers(#[case] volume: &str, #[case] tier: u8, #[case] maker: &str, #[case] taker: &str) {
        assert_eq!(tier_of(dec(volume)), tier);
        assert_eq!(trade_rate(AssetClass::Crypto, tier, Role::Maker), dec(maker));
        assert_eq!(trade_rate(AssetClass::Crypto, tier, Role::Taker), dec(taker));
        assert_eq!(trade_rate(AssetClass::UsEquity, tier, Role::Taker), Decimal::ZERO);
    }

    #[rstest]
    #[case::before_all(date(2023, 12, 29), Side::Sell, "0", "0", "0")]
    #[case::with_reg(date(2024, 6, 3), Side::Sell, "0.14", "0.02", "0")]
    #[case::without_reg(date(2026, 6, 24), Side::Sell, "0", "0.02", "0.01")]
    #[case::bought(date(2026, 6, 24), Side::Buy, "0", "0", "0.01")]
    fn fees_by_date(
        #[case] on: Date,
        #[case] side: Side,
        #[case] reg: &str,
        #[case] taf: &str,
        #[case] cat: &str,
    ) {
        let mut fees = DayFees::default();
        fees.count(on, side, dec("100"), dec("5000"));
        let due = Regulatory::ALL.map(|fee| fees.due(fee));
        assert_eq!(due, [dec(reg), dec(taf), dec(cat)]);
        assert_eq!(fees.total(), dec(reg) + dec(taf) + dec(cat));
    }

    #[test]
    fn a_trade_has_a_cap_and_a_day_has_none() {
        let mut fees = DayFees::default();
        for _ in 0..2 {
            fees.count(date(2026, 6, 24), Side::Sell, dec("60000"), dec("600000"));
        }
        assert_eq!(fees.due(Regulatory::Taf), dec("16.60"));
    }

    #[test]
    fn a_days_fees_are_rounded_once() {
        let mut fees = DayFees::default();
        for _ in 0..10 {
            fees.count(date(2026, 6, 24), Side::Sell, dec("1"), dec("10"));
        }
        assert_eq!(fees.due(Regulatory::Taf), dec("0.01"));
    }
}
