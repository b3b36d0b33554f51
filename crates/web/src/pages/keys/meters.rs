//! What was used of a key's caps today.

use paddock_core::Scope;
use rust_decimal::Decimal;

use crate::api::keys::scope_fields::allows_orders;
use crate::pages::text::{dollars, grouped, percent};

/// What was used of a cap today.
#[derive(Debug)]
pub(in crate::pages) struct Meter {
    pub(in crate::pages) label: &'static str,
    pub(in crate::pages) used: String,
    pub(in crate::pages) cap: Option<String>,
    pub(in crate::pages) percent: u8,
}

impl Meter {
    /// The class that gives its colour.
    pub(in crate::pages) const fn level(&self) -> &'static str {
        match self.percent {
            100.. => "full",
            80..100 => "high",
            _ => "fine",
        }
    }
}

/// Both meters; none for a key that places no orders.
pub(in crate::pages) fn of(scope: &Scope, orders: u32, notional: Decimal) -> Vec<Meter> {
    if !allows_orders(scope) && orders == 0 {
        return Vec::new();
    }
    let share = |used: Decimal, cap: Option<Decimal>| cap.map_or(0, |cap| percent(used, cap));
    let orders_cap = scope.max_daily_orders;
    vec![
        Meter {
            label: "Orders",
            used: grouped(u64::from(orders)),
            cap: orders_cap.map(|cap| grouped(u64::from(cap))),
            percent: share(Decimal::from(orders), orders_cap.map(Decimal::from)),
        },
        Meter {
            label: "Dollars",
            used: dollars(notional),
            cap: scope.max_daily_notional.map(dollars),
            percent: share(notional, scope.max_daily_notional),
        },
    ]
}
