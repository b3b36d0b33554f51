//! Day trades, which mattered to accounts below $25,000 until June 2026 (FINRA rule 4210 as it was). Nothing is refused for
//! them here; they are only counted.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use paddock_alpaca::wire::PositionIntent;
use paddock_core::{AssetClass, Symbol, calendar};

use super::account::Account;
use super::activity::{ActivityEvent, Fill};

/// From this date on Alpaca no longer has the fields.
pub const FIELDS_UNTIL: Date = jiff::civil::date(2026, 7, 6);

/// From how many on within five sessions an account was a pattern day trader's.
pub const PATTERN: u32 = 4;

/// How many positions in shares were opened and closed again on one day, in the last five sessions with the one of today.
#[must_use]
pub fn count(account: &Account, now: Timestamp) -> u32 {
    let today = calendar::trading_date(now);
    let first = (0..4).fold(today, |date, _| calendar::previous_session_before(date).date);
    let recent = account.activities.iter().rev().take_while(|one| calendar::trading_date(one.at) >= first);
    let mut fills: Vec<(Date, &Fill)> = recent
        .filter_map(|activity| match &activity.event {
            ActivityEvent::Fill(fill) if fill.symbol.class() == AssetClass::UsEquity => {
                Some((calendar::trading_date(activity.at), fill))
            }
            _ => None,
        })
        .collect();
    fills.reverse();
    let mut opened: BTreeSet<(Date, &Symbol)> = BTreeSet::new();
    let mut count = 0;
    for (date, fill) in fills {
        let opens = account.order(fill.order).is_some_and(|order| {
            matches!(order.intent, PositionIntent::BuyToOpen | PositionIntent::SellToOpen)
        });
        if opens {
            opened.insert((date, &fill.symbol));
        } else if opened.remove(&(date, &fill.symbol)) {
            count += 1;
        }
    }
    count
}
