//! A scope, read back to a person.

use std::collections::BTreeSet;
use std::fmt::Display;

use jiff::Timestamp;

use crate::money::dollars_in_words as dollars;
use crate::order::Side;
use crate::scope::{PUBLIC_FACTS, PositionRule, Signed, approval};
use crate::{AssetClass, PermissionClass, Scope};

impl Scope {
    /// The scope as a sentence for a person, to be read after the key's name: `may read the account; may buy in AAPL only,
    /// at most $1,000 an order; until 21 December 2026, 15:00 UTC`. Lower case, no full stop. Every limit that is set is said.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut parts = Vec::new();
        let mut free: Vec<&str> = self.classes.iter().filter_map(|class| outside_limits(*class)).collect();
        let mut named: BTreeSet<&str> = self.operations.iter().map(String::as_str).collect();
        if PUBLIC_FACTS.iter().all(|fact| named.contains(fact)) {
            named.retain(|operation| !PUBLIC_FACTS.contains(operation));
            free.push("read the clock, the calendar and the list of assets");
        }
        if !free.is_empty() {
            parts.push(format!("may {}", and(&free)));
        }
        if let Some(symbols) = &self.data_symbols {
            parts.push(format!("market data of {} only", and(symbols)));
        }
        if self.only_own_orders {
            parts.push("of orders only its own".to_owned());
        }
        parts.extend(self.trading());
        if !named.is_empty() {
            let also = if parts.is_empty() { "may use" } else { "may also use" };
            parts.push(format!("{also} {}", and(&named)));
        }
        if parts.is_empty() {
            parts.push("may do nothing".to_owned());
        }
        if !self.trades_by_class() && !named.is_empty() {
            // An operation that is allowed by name may be an order, which these limits then bind.
            let limits = self.order_limits();
            if !limits.is_empty() {
                parts.push(format!("orders {}", limits.join(", ")));
            }
        }
        if let Some(most) = self.max_requests_per_minute {
            let requests = if most == 1 { "request" } else { "requests" };
            parts.push(format!("at most {most} {requests} a minute"));
        }
        if let Some(networks) = &self.networks {
            parts.push(format!("only from {}", or(networks)));
        }
        if let Some(Signed::Required) = self.signed {
            parts.push("by signed requests only".to_owned());
        }
        if let Some(expiry) = self.expires_at {
            parts.push(format!("until {}", moment(expiry)));
        }
        parts.join("; ")
    }

    fn trades_by_class(&self) -> bool {
        [PermissionClass::Order, PermissionClass::PositionClose]
            .iter()
            .any(|class| self.classes.contains(class))
    }

    /// What the key may trade and how, where a permission class lets it.
    fn trading(&self) -> Option<String> {
        let orders = self.classes.contains(&PermissionClass::Order);
        let closes = self.classes.contains(&PermissionClass::PositionClose);
        let mut acts = Vec::new();
        if orders {
            let sides = self.sides.clone().unwrap_or_else(|| Side::ALL.iter().copied().collect());
            acts.push(if sides.is_empty() { "place no orders".to_owned() } else { and(&sides) });
        }
        if closes {
            acts.push(format!("close {}", self.closable()));
        }
        if acts.is_empty() {
            return None;
        }
        let mut limits = self.order_limits();
        let act = if orders && closes { acts.join(", and ") } else { and(&acts) };
        limits.insert(0, format!("may {act}"));
        Some(limits.join(", "))
    }

    /// A long position is closed by selling, a short one by buying.
    fn closable(&self) -> &'static str {
        let may = |side| self.sides.as_ref().is_none_or(|sides| sides.contains(&side));
        match (may(Side::Buy), may(Side::Sell)) {
            (true, true) => "positions",
            (true, false) => "short positions",
            (false, true) => "long positions",
            (false, false) => "no positions",
        }
    }

    /// The limits on orders, the sides left out where the acts already say them.
    fn order_limits(&self) -> Vec<String> {
        let mut limits = Vec::new();
        if !self.trades_by_class()
            && let Some(sides) = &self.sides
        {
            limits.push(format!("to {} only", or(sides)));
        }
        if let Some(symbols) = &self.symbols {
            limits.push(format!("in {} only", and(symbols)));
        }
        if let Some(classes) = &self.asset_classes {
            let names: Vec<&str> = classes.iter().map(|class| plural(*class)).collect();
            limits.push(format!("in {} only", and(&names)));
        }
        if let Some(types) = &self.order_types {
            let names: BTreeSet<String> =
                types.iter().map(|order_type| order_type.as_str().replace('_', "-")).collect();
            limits.push(format!("by {} orders only", or(&names)));
        }
        if let Some(classes) = &self.order_classes {
            limits.push(format!("as {} orders only", or(classes)));
        }
        if let Some(times) = &self.times_in_force {
            limits.push(format!("with time in force {} only", or(times)));
        }
        if self.no_extended_hours {
            limits.push("not in extended hours".to_owned());
        }
        match self.positions {
            Some(PositionRule::LongOnly) => limits.push("never short".to_owned()),
            Some(PositionRule::ReduceOnly) => limits.push("only to make positions smaller".to_owned()),
            None => {}
        }
        if let Some(hours) = self.hours {
            limits.push(format!("{hours} only"));
        }
        if let Some(collar) = self.max_price_deviation {
            limits.push(format!("at limits no more than {} % worse than the market", collar.normalize()));
        }
        if let Some(seconds) = self.max_quote_age {
            limits.push(format!("judged by quotes of the last {seconds} seconds"));
        }
        let caps: Vec<String> = [
            self.max_order_quantity.map(|cap| format!("{} units an order", cap.normalize())),
            self.max_order_notional.map(|cap| format!("{} an order", dollars(cap))),
            self.max_daily_notional.map(|cap| format!("{} a day", dollars(cap))),
            self.max_daily_orders.map(|cap| match cap {
                1 => "1 order a day".to_owned(),
                cap => format!("{cap} orders a day"),
            }),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !caps.is_empty() {
            limits.push(format!("at most {}", and(&caps)));
        }
        if let Some(cap) = self.max_open_exposure {
            limits.push(format!("opening nothing beyond {} in the whole account", dollars(cap)));
        }
        if let Some(cap) = self.max_daily_loss {
            limits.push(format!("opening nothing on a day on which the account has lost {}", dollars(cap)));
        }
        limits.extend(self.approvals());
        limits
    }

    fn approvals(&self) -> Option<String> {
        let over = self.approval_over?;
        let what =
            if over.is_zero() { "each order".to_owned() } else { format!("orders over {}", dollars(over)) };
        let lasts = self.approval_expiry.unwrap_or(approval::USUAL_EXPIRY);
        let band = self.approval_price_band.unwrap_or(approval::USUAL_BAND).normalize();
        let wait = match self.approval_wait {
            None | Some(0) => String::new(),
            Some(wait) => format!(", its program waiting up to {}", duration(wait)),
        };
        Some(format!(
            "{what} only when a person approves within {}, while the price moves by at most {band} %{wait}",
            duration(lasts)
        ))
    }
}

/// `45 seconds`, `1 minute`, `15 minutes`, `2 hours`: in the largest unit that says it exactly.
pub(super) fn duration(seconds: u32) -> String {
    let (count, unit) = match seconds {
        1.. if seconds.is_multiple_of(3600) => (seconds / 3600, "hour"),
        1.. if seconds.is_multiple_of(60) => (seconds / 60, "minute"),
        _ => (seconds, "second"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// What a class allows that no limit on orders touches.
const fn outside_limits(class: PermissionClass) -> Option<&'static str> {
    match class {
        PermissionClass::AccountRead => Some("read the account"),
        PermissionClass::Data => Some("read market data"),
        PermissionClass::Cancel => Some("cancel orders"),
        PermissionClass::Settings => Some("change account settings"),
        PermissionClass::Watchlist => Some("keep watchlists"),
        PermissionClass::Order | PermissionClass::PositionClose | PermissionClass::MoneyOut => None,
    }
}

pub(super) const fn plural(class: AssetClass) -> &'static str {
    match class {
        AssetClass::UsEquity => "US stocks",
        AssetClass::UsOption => "options",
        AssetClass::Crypto => "crypto",
    }
}

pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

pub(super) fn and<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    list(items, "and")
}

pub(super) fn or<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    list(items, "or")
}

fn list<T: Display>(items: impl IntoIterator<Item = T>, last: &str) -> String {
    let mut words: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match (words.pop(), words.is_empty()) {
        (None, _) => "nothing".to_owned(),
        (Some(only), true) => only,
        (Some(end), false) => format!("{} {last} {end}", words.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use rust_decimal::Decimal;

    use super::*;
    use crate::Symbol;
    use crate::order::OrderType;
    use crate::scope::Preset;

    fn trader(change: impl FnOnce(&mut Scope)) -> Scope {
        let mut scope = Scope::default();
        Preset::Trader.apply(&mut scope);
        change(&mut scope);
        scope
    }

    fn symbols(names: &[&str]) -> Option<BTreeSet<Symbol>> {
        Some(names.iter().map(|name| Symbol::parse(name).unwrap()).collect())
    }

    #[rstest]
    #[case(Scope::default(), "may do nothing")]
    #[case(
        trader(|_| ()),
        "may read the account, read market data, cancel orders and keep watchlists; may buy and sell, and close positions"
    )]
    #[case(
        trader(|scope| {
            scope.classes.remove(&PermissionClass::Watchlist);
            scope.symbols = symbols(&["AAPL", "MSFT"]);
            scope.sides = Some([Side::Buy].into());
            scope.order_types = Some([OrderType::Market, OrderType::StopLimit].into());
            scope.max_order_notional = Some(Decimal::from(1000));
            scope.max_daily_notional = Some(Decimal::new(500_050, 2));
            scope.max_daily_orders = Some(1);
        }),
        "may read the account, read market data and cancel orders; may buy, and close short positions, in AAPL and MSFT only, by market or stop-limit \
         orders only, at most $1,000 an order, $5,000.50 a day and 1 order a day"
    )]
    #[case(
        Scope { classes: [PermissionClass::Order].into(), max_open_exposure: Some(Decimal::from(5000)),
            max_daily_loss: Some(Decimal::from(250)), ..Scope::default() },
        "may buy and sell, opening nothing beyond $5,000 in the whole account, opening nothing on a day on which the account has lost $250"
    )]
    #[case(
        {
            let mut scope = Scope::default();
            Preset::DataOnly.apply(&mut scope);
            scope
        },
        "may read market data and read the clock, the calendar and the list of assets"
    )]
    #[case(
        Scope { classes: [PermissionClass::Data].into(), data_symbols: symbols(&["AAPL"]), ..Scope::default() },
        "may read market data; market data of AAPL only"
    )]
    #[case(
        Scope { classes: [PermissionClass::Cancel, PermissionClass::Order].into(), only_own_orders: true, ..Scope::default() },
        "may cancel orders; of orders only its own; may buy and sell"
    )]
    #[case(
        Scope { operations: ["postOrder".to_owned()].into(), symbols: symbols(&["AAPL"]), sides: Some([Side::Sell].into()),
            ..Scope::default() },
        "may use postOrder; orders to sell only, in AAPL only"
    )]
    #[case(
        Scope { classes: [PermissionClass::Data].into(), networks: Some(vec!["10.0.0.0/8".parse().unwrap()]),
            max_requests_per_minute: Some(60), expires_at: Some("2026-12-21T15:00:00Z".parse().unwrap()), ..Scope::default() },
        "may read market data; at most 60 requests a minute; only from 10.0.0.0/8; until 21 December 2026, 15:00 UTC"
    )]
    #[case(
        trader(|scope| {
            scope.classes = [PermissionClass::Order].into();
            scope.approval_over = Some(Decimal::from(500));
            scope.approval_wait = Some(60);
        }),
        "may buy and sell, orders over $500 only when a person approves within 15 minutes, while the price moves by at most 2 %, its program \
         waiting up to 1 minute"
    )]
    #[case(
        Scope { classes: [PermissionClass::Data].into(), signed: Some(Signed::Required), ..Scope::default() },
        "may read market data; by signed requests only"
    )]
    fn it_reads_like_a_sentence(#[case] scope: Scope, #[case] sentence: &str) {
        assert_eq!(scope.describe(), sentence);
    }
}
