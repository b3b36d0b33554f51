//! What an access key has used of its caps.

use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// What one access key has used on one New York day, reservations included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The New York civil date that the figures belong to.
    pub day: Date,
    /// Orders, replacements and closes reserved or sent.
    pub orders: u32,
    /// Dollars reserved or sent.
    pub notional: Decimal,
    /// Dollars that requests on the key's connection may add to the account's open exposure, and that the broker's figures may not
    /// show yet. `None` when that cannot be told of one of them.
    #[serde(skip, default = "nothing_unseen")]
    pub unseen_exposure: Option<Decimal>,
    /// The largest loss for which the key was stopped on this trading day, in dollars; zero when it was not.
    #[serde(skip)]
    pub worst_loss: Decimal,
}

const fn nothing_unseen() -> Option<Decimal> {
    Some(Decimal::ZERO)
}

impl Usage {
    /// Nothing used yet on `day`.
    #[must_use]
    pub const fn none(day: Date) -> Self {
        Self {
            day,
            orders: 0,
            notional: Decimal::ZERO,
            unseen_exposure: nothing_unseen(),
            worst_loss: Decimal::ZERO,
        }
    }
}

/// What one request takes from the caps. It is reserved before the request is forwarded, then confirmed, or released when
/// the broker refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Number of orders.
    pub orders: u32,
    /// Dollars.
    pub notional: Decimal,
    /// Dollars by which it may make the account's open exposure larger; `None` when that cannot be told.
    #[serde(skip, default = "nothing_unseen")]
    pub exposure: Option<Decimal>,
}

impl Default for Charge {
    fn default() -> Self {
        Self { orders: 0, notional: Decimal::ZERO, exposure: nothing_unseen() }
    }
}

impl Charge {
    /// Whether the request takes nothing, as reads and cancels do.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// What of an order is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    /// So many shares, contracts or coins.
    Units(Decimal),
    /// Of an order in dollars: so many dollars, and whether that is all of it.
    Dollars {
        /// Dollars.
        dollars: Decimal,
        /// Whether the order is filled whole.
        all: bool,
    },
}

/// The smallest part of a dollar that is given back.
const GRAIN: u32 = 9;

/// How much of `total` dollars, charged for an order and its replacements, stays charged when the last of them has ended with
/// `filled` units filled in all. `orders` are what each was worth and its quantity; an order in dollars has none, and `filled` then is
/// dollars.
///
/// A unit counts with the most that it was worth in any of the orders, and what is rounded is rounded up: what stays is never less
/// than what was filled, valued as it was charged.
#[must_use]
pub fn kept(total: Decimal, orders: &[(Decimal, Option<Decimal>)], filled: Decimal) -> Decimal {
    let of = |(worth, quantity): &(Decimal, Option<Decimal>)| match quantity {
        Some(quantity) => share(*worth, filled, *quantity),
        None if orders.len() == 1 => Some(filled),
        None => None,
    };
    // What cannot be told stays charged.
    let kept = orders.iter().map(of).try_fold(Decimal::ZERO, |most, one| Some(most.max(one?)));
    kept.map_or(total, |kept| kept.clamp(Decimal::ZERO, total.max(Decimal::ZERO)))
}

/// `worth * filled / quantity`, rounded up.
fn share(worth: Decimal, filled: Decimal, quantity: Decimal) -> Option<Decimal> {
    let product = worth.checked_mul(filled)?;
    let share =
        product.checked_div(quantity)?.round_dp_with_strategy(GRAIN, RoundingStrategy::ToPositiveInfinity);
    // Product and quotient are exact to 28 digits only.
    let is_enough = product.checked_div(filled).is_none_or(|again| again >= worth)
        && share.checked_mul(quantity)? >= product;
    if is_enough { Some(share) } else { share.checked_add(Decimal::new(1, GRAIN)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn dec(text: &str) -> Decimal {
        crate::money::parse_decimal(text).unwrap()
    }

    #[rstest]
    #[case::nothing_filled("100", &[("100", "10")], "0", "0")]
    #[case::half("100", &[("100", "10")], "5", "50")]
    #[case::all("100", &[("100", "10")], "10", "100")]
    #[case::thirds_are_rounded_up("100", &[("100", "3")], "1", "33.333333334")]
    #[case::dollars("100", &[("100", "")], "40.25", "40.25")]
    #[case::more_dollars_than_ordered("100", &[("100", "")], "100.01", "100")]
    #[case::a_cheaper_replacement("100", &[("100", "10"), ("40", "20")], "10", "100")]
    #[case::a_dearer_replacement("200", &[("100", "10"), ("200", "10")], "5", "100")]
    #[case::a_smaller_replacement("100", &[("100", "10"), ("50", "5")], "5", "50")]
    #[case::more_filled_than_there_is("100", &[("100", "10")], "11", "100")]
    #[case::in_units_and_dollars("100", &[("100", "10"), ("100", "")], "1", "100")]
    #[case::no_quantity_at_all("100", &[("100", "0")], "1", "100")]
    fn what_stays_charged(
        #[case] total: &str,
        #[case] orders: &[(&str, &str)],
        #[case] filled: &str,
        #[case] expected: &str,
    ) {
        let orders: Vec<_> = orders
            .iter()
            .map(|(worth, quantity)| (dec(worth), Some(*quantity).filter(|text| !text.is_empty()).map(dec)))
            .collect();
        assert_eq!(kept(dec(total), &orders, dec(filled)), dec(expected));
    }

    proptest! {
        /// However much is filled, that much stays charged, and all of it when all is filled.
        #[test]
        fn a_fill_is_never_given_back(
            cents in 1_i64..1_000_000_000,
            lots in 1_i64..1_000_000_000,
            part in 0_u32..=1000,
        ) {
            let (worth, quantity) = (Decimal::new(cents, 2), Decimal::new(lots, 6));
            let filled = (quantity * Decimal::from(part) / Decimal::from(1000)).round_dp(9);
            let kept = kept(worth, &[(worth, Some(quantity))], filled);
            prop_assert!(kept * quantity >= worth * filled);
            prop_assert!(kept <= worth);
            prop_assert!(part < 1000 || kept == worth);
            prop_assert!(kept - worth * filled / quantity < Decimal::new(2, GRAIN));
        }
    }
}
