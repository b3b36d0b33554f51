//! What a contract was worth at the end of a session, and how many of it were held.
//!
//! A simple model, and no advice: the intrinsic value, and a time value that is the usual approximation of an option at the
//! money (0.4 x price x volatility x root of the time left), with one volatility for everything, and falls to nothing as the
//! strike is farther from the price.

use jiff::Timestamp;
use jiff::civil::Date;
use paddock_core::calendar;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{Contract, Right};
use crate::market::Market;

/// 0.4 x 30 % volatility, for a year.
const AT_THE_MONEY: Decimal = Decimal::from_parts(12, 0, 0, false, 2);
/// At how many time values at the money from the price nothing is left of it.
const VANISHES: Decimal = Decimal::from_parts(3, 0, 0, false, 0);
const CENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// A contract at the end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DayEnd {
    /// Of which session.
    pub date: Date,
    /// Dollars for a share.
    pub price: Decimal,
    /// How many were held.
    pub open_interest: Decimal,
}

pub(super) fn day_end(contract: &Contract<'_>, market: &Market, now: Timestamp) -> Option<DayEnd> {
    let over = last_session_over(now).min(contract.expires());
    if over < contract.expiry.listed {
        return None;
    }
    let next = calendar::next_session_after(over);
    let underlying = market.previous_close(&contract.underlying.symbol, next.open)?;
    let days = days(over, contract.expires());
    Some(DayEnd {
        date: over,
        price: price(contract.right, underlying, contract.strike, days),
        open_interest: open_interest(contract, underlying, days),
    })
}

/// Of two dates, how many days the second one is later.
fn days(from: Date, to: Date) -> u32 {
    from.until(to).map_or(0, |span| u32::try_from(span.get_days()).unwrap_or_default())
}

/// The date of the last session that is over.
fn last_session_over(now: Timestamp) -> Date {
    let today = calendar::trading_date(now);
    match calendar::session_on(today) {
        Some(session) if session.close <= now => today,
        _ => calendar::previous_session_before(today).date,
    }
}

/// In dollars for a share, to the cent; at least a cent before the expiry.
fn price(right: Right, underlying: Decimal, strike: Decimal, days: u32) -> Decimal {
    let intrinsic = match right {
        Right::Call => underlying - strike,
        Right::Put => strike - underlying,
    };
    let intrinsic = intrinsic.max(Decimal::ZERO);
    // The root of the part of a year, to four decimals.
    let root = Decimal::from((u64::from(days) * 100_000_000 / 365).isqrt()) / Decimal::from(10_000);
    let at_the_money = underlying * AT_THE_MONEY * root;
    let distance = (underlying - strike).abs().checked_div(at_the_money * VANISHES).unwrap_or(Decimal::ONE);
    let left = (Decimal::ONE - distance).max(Decimal::ZERO);
    let value = intrinsic + at_the_money * left * left;
    let least = if days == 0 { Decimal::ZERO } else { CENT };
    value.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero).max(least)
}

/// Grows from the listing to the expiry, and is largest where strike and price are near.
fn open_interest(contract: &Contract<'_>, underlying: Decimal, days_left: u32) -> Decimal {
    let life = u64::from(days(contract.expiry.listed, contract.expires())).max(1);
    let lived = life.saturating_sub(u64::from(days_left)) + 1;
    let letters = contract.symbol().into_bytes();
    let most = 200 + letters.into_iter().fold(17_u64, |sum, letter| (sum * 31 + u64::from(letter)) % 9_973);
    let distance = (underlying - contract.strike).abs().checked_div(underlying).unwrap_or(Decimal::ONE);
    let near = (Decimal::ONE - distance * Decimal::TWO).max(Decimal::ZERO);
    (Decimal::from(most * lived) / Decimal::from(life + 1) * near).floor()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn prices_are_such_as_a_market_could_have(
            cents in 100_i64..200_000,
            strike in 1_i64..4_000,
            days in 0_u32..365,
        ) {
            let (underlying, strike) = (Decimal::new(cents, 2), Decimal::new(strike * 5, 1));
            let further = strike + Decimal::new(5, 1);
            for right in [Right::Call, Right::Put] {
                let here = price(right, underlying, strike, days);
                let there = price(right, underlying, further, days);
                prop_assert!(here >= Decimal::ZERO && here <= underlying + strike);
                // A call is worth less at a higher strike, a put more, and never by more than the strikes differ.
                let gain = if right == Right::Call { here - there } else { there - here };
                prop_assert!(gain >= Decimal::ZERO && gain <= Decimal::new(51, 2), "{here} {there}");
                prop_assert!(price(right, underlying, strike, days + 1) >= here);
            }
        }
    }
}
