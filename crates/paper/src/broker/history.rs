//! What an account was worth in the past, computed from its activities and the market.

use std::collections::BTreeMap;

use jiff::Timestamp;
use paddock_core::Symbol;
use rust_decimal::Decimal;

use super::account::Account;
use super::activity::{ActivityEvent, Fill};
use super::position::to_cents;
use crate::market::Market;

/// Dollars that the account was worth at each of `times`, which rise; `None` before it started.
#[must_use]
pub fn equities(account: &Account, market: &Market, times: &[Timestamp]) -> Vec<Option<Decimal>> {
    let mut cash = account.starting_cash;
    let mut held: BTreeMap<&Symbol, Decimal> = BTreeMap::new();
    let mut activities = account.activities.iter().peekable();
    times
        .iter()
        .map(|time| {
            if *time < account.started_at {
                return None;
            }
            while let Some(activity) = activities.next_if(|activity| activity.at <= *time) {
                cash += activity.cash;
                if let ActivityEvent::Fill(Fill { symbol, .. }) | ActivityEvent::Split { symbol, .. } =
                    &activity.event
                {
                    *held.entry(symbol).or_default() += activity.holding;
                }
            }
            let value: Decimal = held
                .iter()
                .filter(|(_, quantity)| !quantity.is_zero())
                .filter_map(|(symbol, quantity)| {
                    market.standing_price(symbol, *time).map(|price| to_cents(price * *quantity))
                })
                .sum();
            Some(cash + value)
        })
        .collect()
}
