//! What a change of a scope newly allows and newly forbids.
//!
//! Each limit is compared by itself, exactly, by the set of what passes it. A request passes a scope when it passes all its limits, so
//! where no limit lets more through than before, nothing is newly allowed. Where one does, another may still stand in the way: what is
//! said is then what the change as such allows.

mod times;

use std::collections::BTreeSet;
use std::fmt::Display;

use ipnet::IpNet;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::sentence::{and, duration, or, plural};
use crate::money::dollars_in_words as dollars;
use crate::order::{OrderClass, OrderType, Side, TimeInForce};
use crate::scope::{PositionRule, approval};
use crate::{AssetClass, PermissionClass, Scope};

/// What a change newly allows and newly forbids, limit by limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What passes now and did not before.
    pub allows: Vec<Change>,
    /// What passed before and does not now.
    pub forbids: Vec<Change>,
}

/// What one limit lets through, or no longer does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The scope's field.
    pub limit: String,
    /// What it is about, for a person: `orders in MSFT`. No full stop.
    pub words: String,
}

impl Difference {
    /// Whether nothing passes that did not before, and nothing is stopped that was not.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.allows.is_empty() && self.forbids.is_empty()
    }

    fn allows(&mut self, limit: &str, words: String) {
        self.allows.push(Change { limit: limit.to_owned(), words });
    }

    fn forbids(&mut self, limit: &str, words: String) {
        self.forbids.push(Change { limit: limit.to_owned(), words });
    }
}

/// What `new` allows and `old` does not, and the reverse.
#[must_use]
pub fn diff(old: &Scope, new: &Scope) -> Difference {
    let mut found = Difference::default();
    // No `..` here: whoever adds a limit has to say what a change of it means.
    let Scope {
        classes,
        operations,
        data_symbols,
        symbols,
        asset_classes,
        sides,
        order_types,
        times_in_force,
        order_classes,
        no_extended_hours,
        positions,
        only_own_orders,
        max_order_quantity,
        max_price_deviation,
        max_quote_age,
        hours,
        max_order_notional,
        max_daily_notional,
        max_daily_orders,
        max_open_exposure,
        max_daily_loss,
        max_requests_per_minute,
        expires_at,
        networks,
        signed,
        approval_over,
        // How long a program waits changes nothing about what passes.
        approval_wait: _,
        approval_expiry,
        approval_price_band,
    } = old;

    members(&mut found, "allow", &usable(classes), &usable(&new.classes), |list| {
        format!("operations of {}", and(list))
    });
    members(&mut found, "allow", operations, &new.operations, |list| {
        format!("by their names: {}", and(list))
    });

    open_set(
        &mut found,
        "data_symbols",
        data_symbols.as_ref(),
        new.data_symbols.as_ref(),
        ("market data of", "the whole market and of all symbols"),
    );
    open_set(&mut found, "symbols", symbols.as_ref(), new.symbols.as_ref(), ("orders in", "all symbols"));
    closed_set(&mut found, "asset_classes", AssetClass::ALL, (asset_classes, &new.asset_classes), |list| {
        format!("orders in {}", and(list.iter().map(|class| plural(**class))))
    });
    closed_set(&mut found, "sides", Side::ALL, (sides, &new.sides), |list| format!("orders to {}", or(list)));
    closed_set(&mut found, "order_types", OrderType::ALL, (order_types, &new.order_types), |list| {
        format!("{} orders, exits included", and(list))
    });
    let terms = (times_in_force, &new.times_in_force);
    closed_set(&mut found, "times_in_force", TimeInForce::ALL, terms, |list| {
        format!("orders with time in force {}", or(list))
    });
    closed_set(&mut found, "order_classes", OrderClass::ALL, (order_classes, &new.order_classes), |list| {
        format!("{} orders", and(list))
    });
    let late = "orders that may fill outside regular hours";
    switch(&mut found, "no_extended_hours", (*no_extended_hours, new.no_extended_hours), late);
    let others = "seeing, changing and canceling orders that it has not placed";
    switch(&mut found, "only_own_orders", (*only_own_orders, new.only_own_orders), others);
    position_rule(&mut found, *positions, new.positions);

    cap(
        &mut found,
        "max_order_quantity",
        (*max_order_quantity, new.max_order_quantity),
        "an order's units",
        |n| n.normalize().to_string(),
    );
    let deviation = (*max_price_deviation, new.max_price_deviation);
    cap(&mut found, "max_price_deviation", deviation, "limit prices worse than the market by", percent);
    // Without a limit of its own a scope trusts quotes as old as is usual.
    let age = |age: Option<u32>| Some(age.unwrap_or(super::USUAL_QUOTE_AGE));
    let ages = (age(*max_quote_age), age(new.max_quote_age));
    cap(&mut found, "max_quote_age", ages, "quotes to judge orders by with an age of", |n| {
        format!("{n} seconds")
    });
    times::hours(&mut found, *hours, new.hours);
    let worth = (*max_order_notional, new.max_order_notional);
    cap(&mut found, "max_order_notional", worth, "orders each worth", dollars);
    let worth = (*max_daily_notional, new.max_daily_notional);
    cap(&mut found, "max_daily_notional", worth, "orders of a day together worth", dollars);
    let count = (*max_daily_orders, new.max_daily_orders);
    cap(&mut found, "max_daily_orders", count, "a day's number of orders", |n| n.to_string());

    let exposure = (*max_open_exposure, new.max_open_exposure);
    cap(&mut found, "max_open_exposure", exposure, "opening while the account has at stake", dollars);
    let loss = (*max_daily_loss, new.max_daily_loss);
    cap(&mut found, "max_daily_loss", loss, "opening on a day on which the account has lost", dollars);
    let rate = (*max_requests_per_minute, new.max_requests_per_minute);
    cap(&mut found, "max_requests_per_minute", rate, "a minute's number of requests", |n| n.to_string());

    let over = (*approval_over, new.approval_over);
    cap(&mut found, "approval_over", over, "without a person's approval, orders each worth", dollars);
    let lasts = |seconds: Option<u32>| Some(seconds.unwrap_or(approval::USUAL_EXPIRY));
    let expiry = (lasts(*approval_expiry), lasts(new.approval_expiry));
    cap(&mut found, "approval_expiry", expiry, "approvals within", duration);
    let band = |percent: Option<Decimal>| Some(percent.unwrap_or(approval::USUAL_BAND));
    let bands = (band(*approval_price_band), band(new.approval_price_band));
    cap(&mut found, "approval_price_band", bands, "approved orders when the price has moved by", percent);
    times::expiry(&mut found, *expires_at, new.expires_at);
    reach(&mut found, networks.as_deref(), new.networks.as_deref());
    switch(
        &mut found,
        "signed",
        (signed.is_some(), new.signed.is_some()),
        "use with the secret instead of signatures",
    );
    found
}

/// The class that moves money out allows nothing by itself.
fn usable(classes: &BTreeSet<PermissionClass>) -> BTreeSet<PermissionClass> {
    classes.iter().copied().filter(|class| *class != PermissionClass::MoneyOut).collect()
}

/// Sets whose members are what is allowed.
fn members<T: Ord + Display>(
    found: &mut Difference,
    limit: &str,
    old: &BTreeSet<T>,
    new: &BTreeSet<T>,
    say: impl Fn(&[&T]) -> String,
) {
    let (more, less): (Vec<&T>, Vec<&T>) = (new.difference(old).collect(), old.difference(new).collect());
    if !more.is_empty() {
        found.allows(limit, say(&more));
    }
    if !less.is_empty() {
        found.forbids(limit, say(&less));
    }
}

/// A limit to some of a few known values; none set is all of them.
fn closed_set<T: Ord + Copy + Display>(
    found: &mut Difference,
    limit: &str,
    all: &[T],
    (old, new): (&Option<BTreeSet<T>>, &Option<BTreeSet<T>>),
    say: impl Fn(&[&T]) -> String,
) {
    let whole = || all.iter().copied().collect();
    members(found, limit, &old.clone().unwrap_or_else(whole), &new.clone().unwrap_or_else(whole), say);
}

/// A limit to some of what cannot be listed.
fn open_set<T: Ord + Display>(
    found: &mut Difference,
    limit: &str,
    old: Option<&BTreeSet<T>>,
    new: Option<&BTreeSet<T>>,
    (what, all): (&str, &str),
) {
    let others = |some: &BTreeSet<T>| {
        if some.is_empty() { format!("{what} {all}") } else { format!("{what} {all} but {}", and(some)) }
    };
    match (old, new) {
        (None, None) => {}
        (Some(old), None) => found.allows(limit, others(old)),
        (None, Some(new)) => found.forbids(limit, others(new)),
        (Some(old), Some(new)) => members(found, limit, old, new, |list| format!("{what} {}", and(list))),
    }
}

/// A limit that is set or not.
fn switch(found: &mut Difference, limit: &str, (old, new): (bool, bool), what: &str) {
    match (old, new) {
        (true, false) => found.allows(limit, what.to_owned()),
        (false, true) => found.forbids(limit, what.to_owned()),
        (true, true) | (false, false) => {}
    }
}

/// A largest value; none is no limit.
fn cap<T: PartialOrd + Copy>(
    found: &mut Difference,
    limit: &str,
    (old, new): (Option<T>, Option<T>),
    what: &str,
    say: impl Fn(T) -> String,
) {
    match (old, new) {
        (Some(old), Some(new)) if new > old => {
            found.allows(limit, format!("{what} up to {}, so far up to {}", say(new), say(old)));
        }
        (Some(old), Some(new)) if new < old => {
            found.forbids(limit, format!("{what} more than {}, so far up to {}", say(new), say(old)));
        }
        (Some(old), None) => found.allows(limit, format!("{what} more than {}, without a limit", say(old))),
        (None, Some(new)) => {
            found.forbids(limit, format!("{what} more than {}, so far without a limit", say(new)));
        }
        _ => {}
    }
}

fn percent(number: Decimal) -> String {
    format!("{} %", number.normalize())
}

/// What only reduces passes a rule against short sales too, and everything passes no rule.
fn position_rule(found: &mut Difference, old: Option<PositionRule>, new: Option<PositionRule>) {
    use PositionRule::{LongOnly, ReduceOnly};
    let between = |wide: Option<PositionRule>, narrow: Option<PositionRule>| match (wide, narrow) {
        (None, Some(LongOnly)) => Some("selling short, and multi-leg orders"),
        (None, Some(ReduceOnly)) => Some("orders that open a position or make it larger"),
        (Some(LongOnly), Some(ReduceOnly)) => Some("orders to buy that open a position or make it larger"),
        _ => None,
    };
    if let Some(words) = between(new, old) {
        found.allows("positions", words.to_owned());
    }
    if let Some(words) = between(old, new) {
        found.forbids("positions", words.to_owned());
    }
}

/// The networks from which the key may be used.
fn reach(found: &mut Difference, old: Option<&[IpNet]>, new: Option<&[IpNet]>) {
    let merged = |networks: Option<&[IpNet]>| networks.map(|networks| IpNet::aggregate(&networks.to_vec()));
    let (old, new) = (merged(old), merged(new));
    if let Some(words) = beyond(new.as_deref(), old.as_deref()) {
        found.allows("networks", words);
    }
    if let Some(words) = beyond(old.as_deref(), new.as_deref()) {
        found.forbids("networks", words);
    }
}

/// The addresses in `wide` that are not in `narrow`. Both are merged, so a network is in another set exactly when it is in one of its
/// members.
fn beyond(wide: Option<&[IpNet]>, narrow: Option<&[IpNet]>) -> Option<String> {
    match (wide, narrow) {
        (_, None) => None,
        (None, Some([])) => Some("use from any network".to_owned()),
        (None, Some(narrow)) => Some(format!("use from all networks but {}", and(narrow))),
        (Some(wide), Some(narrow)) => {
            let more: Vec<String> = wide
                .iter()
                .filter(|network| !narrow.iter().any(|known| known.contains(*network)))
                .map(|network| {
                    let known: Vec<&IpNet> = narrow.iter().filter(|known| network.contains(*known)).collect();
                    if known.is_empty() {
                        network.to_string()
                    } else {
                        format!("{network} (all but {})", and(known))
                    }
                })
                .collect();
            (!more.is_empty()).then(|| format!("use from {}", and(more)))
        }
    }
}

#[cfg(test)]
mod tests;
