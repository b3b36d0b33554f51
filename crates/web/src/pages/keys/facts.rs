//! A scope as facts in groups: what is limited, and what is not.

use std::fmt::Display;

use jiff::Timestamp;
use paddock_core::scope::{PositionRule, approval};
use paddock_core::{AssetClass, PermissionClass, Scope};
use rust_decimal::Decimal;

use crate::pages::text::{dollars, grouped};

/// Some facts that belong together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) facts: Vec<Fact>,
    /// What is not limited, in words.
    pub(super) open: Vec<&'static str>,
}

/// One limit that is set.
#[derive(Debug)]
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) value: String,
}

impl Group {
    fn new(title: &'static str) -> Self {
        Self { title, facts: Vec::new(), open: Vec::new() }
    }

    /// A fact, if it is set. `open` names what is not limited otherwise.
    fn tell(&mut self, label: &'static str, value: Option<String>, open: &'static str) {
        match value {
            Some(value) => self.facts.push(Fact { label, value }),
            None if open.is_empty() => {}
            None => self.open.push(open),
        }
    }

    /// What is not limited, as one line.
    pub(super) fn unlimited(&self) -> String {
        self.open.join(", ")
    }
}

/// The groups; those about orders only where the key may place some.
pub(super) fn of(scope: &Scope, places_orders: bool) -> Vec<Group> {
    let mut groups = vec![acts(scope)];
    if places_orders {
        groups.extend([orders(scope), caps(scope), account(scope), people(scope)]);
    }
    groups.push(reach(scope, places_orders));
    groups
}

fn acts(scope: &Scope) -> Group {
    let mut group = Group::new("Operations");
    let classes = scope.classes.iter().filter(|class| **class != PermissionClass::MoneyOut);
    let classes: Vec<&str> = classes.map(|class| class_words(*class)).collect();
    group.tell("May", (!classes.is_empty()).then(|| classes.join(", ")), "");
    let named = scope.operations.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    group.tell("By name", Some(named).filter(|named| !named.is_empty()), "");
    group.tell("Market data of", scope.data_symbols.as_ref().map(list), "market data of every symbol");
    let own = scope.only_own_orders.then(|| "sees, changes and cancels nothing but its own".to_owned());
    group.tell("Orders", own, "");
    group
}

fn orders(scope: &Scope) -> Group {
    let mut group = Group::new("Its orders");
    group.tell("Symbols", scope.symbols.as_ref().map(list), "symbols");
    let classes = scope.asset_classes.as_ref().map(|set| list(set.iter().map(|class| asset_words(*class))));
    group.tell("Asset classes", classes, "asset classes");
    group.tell("Sides", scope.sides.as_ref().map(list), "sides");
    group.tell("Types", scope.order_types.as_ref().map(words), "types");
    group.tell("Classes", scope.order_classes.as_ref().map(words), "classes");
    group.tell("Time in force", scope.times_in_force.as_ref().map(words), "time in force");
    let late = scope.no_extended_hours.then(|| "none that may fill in them".to_owned());
    group.tell("Extended hours", late, "extended hours");
    let rule = scope.positions.map(|rule| match rule {
        PositionRule::LongOnly => "never short".to_owned(),
        PositionRule::ReduceOnly => "only made smaller".to_owned(),
    });
    group.tell("Positions", rule, "positions");
    let collar = scope
        .max_price_deviation
        .map(|percent| format!("at most {} % worse than the market", percent.normalize()));
    group.tell("Limit prices", collar, "limit prices");
    let age = scope.max_quote_age.map(|age| format!("at most {age} seconds old"));
    group.tell("Quotes", age, "");
    group
}

fn caps(scope: &Scope) -> Group {
    let mut group = Group::new("Caps");
    group.tell("One order", scope.max_order_notional.map(dollars), "dollars an order");
    group.tell("One day", scope.max_daily_notional.map(dollars), "dollars a day");
    group.tell("Orders a day", scope.max_daily_orders.map(|most| grouped(most.into())), "orders a day");
    group.tell("Units an order", scope.max_order_quantity.map(plain), "units an order");
    let rate = scope.max_requests_per_minute.map(|most| grouped(most.into()));
    group.tell("Requests a minute", rate, "requests a minute");
    group
}

fn account(scope: &Scope) -> Group {
    let mut group = Group::new("The whole account");
    let exposure = scope.max_open_exposure.map(|most| format!("opens nothing beyond {}", dollars(most)));
    group.tell("At stake", exposure, "what is at stake");
    let loss = scope.max_daily_loss.map(|most| format!("opens nothing on a day that lost {}", dollars(most)));
    group.tell("Daily loss", loss, "the loss of a day");
    group
}

fn people(scope: &Scope) -> Group {
    let mut group = Group::new("People");
    let Some(over) = scope.approval_over else {
        group.tell("Approved", Some("nothing: it asks nobody".to_owned()), "");
        return group;
    };
    let what =
        if over.is_zero() { "each order".to_owned() } else { format!("orders over {}", dollars(over)) };
    group.tell("Approved", Some(what), "");
    let expiry = scope.approval_expiry.unwrap_or(approval::USUAL_EXPIRY);
    group.tell("Within", Some(format!("{expiry} seconds")), "");
    let band = scope.approval_price_band.unwrap_or(approval::USUAL_BAND);
    group.tell("Price may move", Some(format!("{} %", band.normalize())), "");
    let wait = match scope.approval_wait {
        None | Some(0) => "it is answered at once, and asks again".to_owned(),
        Some(wait) => format!("up to {wait} seconds for the answer"),
    };
    group.tell("Its program waits", Some(wait), "");
    group
}

fn reach(scope: &Scope, places_orders: bool) -> Group {
    let mut group = Group::new("When and where");
    if places_orders {
        group.tell("Orders", scope.hours.map(|hours| hours.to_string()), "time of day");
    }
    group.tell("Until", scope.expires_at.map(moment), "end");
    group.tell("From", scope.networks.as_ref().map(list), "networks");
    group.tell("Requests", scope.signed.map(|_| "signed; the secret itself opens nothing".to_owned()), "");
    group
}

/// An instant to the minute, UTC.
fn moment(at: Timestamp) -> String {
    at.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

fn plain(amount: Decimal) -> String {
    amount.normalize().to_string()
}

fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

/// Words of Alpaca's with spaces in them.
fn words<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    list(items).replace('_', " ")
}

/// A permission class as something that it does.
pub(super) const fn class_words(class: PermissionClass) -> &'static str {
    match class {
        PermissionClass::AccountRead => "read the account",
        PermissionClass::Data => "read market data",
        PermissionClass::Order => "place and replace orders",
        PermissionClass::Cancel => "cancel orders",
        PermissionClass::PositionClose => "close positions",
        PermissionClass::Settings => "change account settings",
        PermissionClass::Watchlist => "keep watchlists",
        PermissionClass::MoneyOut => "move money out",
    }
}

const fn asset_words(class: AssetClass) -> &'static str {
    match class {
        AssetClass::UsEquity => "stocks and funds",
        AssetClass::UsOption => "options",
        AssetClass::Crypto => "crypto",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::keys::scope_fields;

    fn scope(json: serde_json::Value) -> Scope {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        scope_fields::read(&mut serde_json::from_value(json).unwrap(), now).unwrap()
    }

    #[test]
    fn what_is_set_is_told_and_what_is_not_is_named() {
        let scope = scope(json!({
            "preset": "trader", "symbols": ["AAPL", "BTC/USD"], "order_types": ["stop_limit"], "max_order_notional": "99.5",
            "approval_over": "always", "hours": "09:45-15:30", "expires_in": "30d",
        }));
        let groups = of(&scope, true);
        let told: Vec<String> = groups
            .iter()
            .flat_map(|group| &group.facts)
            .map(|fact| format!("{}: {}", fact.label, fact.value))
            .collect();
        for expected in [
            "Symbols: AAPL, BTC/USD",
            "Types: stop limit",
            "One order: $99.50",
            "Approved: each order",
            "Orders: from 09:45 to 15:30 New York time",
            "Until: 21 December 2026, 12:00 UTC",
        ] {
            assert!(told.iter().any(|one| one == expected), "{expected} in {told:?}");
        }
        assert!(groups[2].unlimited().contains("dollars a day"));
    }

    #[test]
    fn of_orders_nothing_is_said_where_there_are_none() {
        let titles: Vec<&str> =
            of(&scope(json!({"preset": "read-only"})), false).iter().map(|group| group.title).collect();
        assert_eq!(titles, ["Operations", "When and where"]);
    }
}
