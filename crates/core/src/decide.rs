//! The decision: may this request be forwarded?
//!
//! [`decide`] is a pure function. Only it can make a [`Permit`], and only a permit can be forwarded.

pub mod approval;
mod freeze;
mod order;
mod own;
mod reason;
mod worth;

use std::net::IpAddr;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::calendar::trading_date;
use crate::money::format_usd;
use crate::order::OrderRequest;
use crate::usage::Charge;
use crate::{PermissionClass, Scope, Symbol, Usage};

pub use freeze::{Freeze, Frozen, Manner, Passage, Passing};
pub use own::{Reach, check_reach};
pub use reason::{ReasonCode, Refusal};
use reason::{join, plain};

/// One request, as far as deciding it needs to know.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Alpaca's operationId.
    pub operation: &'a str,
    /// The operation's permission class.
    pub class: PermissionClass,
    /// When it arrived.
    pub at: Timestamp,
    /// Where it came from.
    pub network: IpAddr,
    /// The freeze that holds, if any.
    pub frozen: Option<Freeze>,
    /// What it would do.
    pub act: Act,
}

/// What a request would do.
#[derive(Clone, Debug)]
pub enum Act {
    /// Nothing that the caps count: a read, a cancel, a setting.
    Plain,
    /// Reads market data of these symbols, as they were asked for; `None` is data of the whole market.
    Data(Option<Vec<String>>),
    /// Something whose effect on the limits cannot be judged from its content, such as an option exercise. It passes only
    /// when the scope names the operation.
    Opaque,
    /// These orders would come to be. One for a new order, a replacement or a close; any number for close-all.
    Orders(Vec<OrderFacts>),
}

impl Act {
    /// The market's price of the one order that it is about, where it is known.
    #[must_use]
    pub fn quote(&self) -> Option<Quote> {
        match self {
            Self::Orders(orders) => orders.first()?.quote,
            Self::Plain | Self::Data(_) | Self::Opaque => None,
        }
    }
}

/// An order that would come to be, with the facts that it is decided by.
#[derive(Clone, Debug)]
pub struct OrderFacts {
    /// The order.
    pub order: OrderRequest,
    /// The market's price at which the order would trade now, where known.
    pub quote: Option<Quote>,
    /// Whether it can do nothing but make a position smaller: it is a close, or says so to the broker, which then holds it to that.
    pub closes: bool,
    /// Dollars already charged to this key for the order that this one replaces; zero for a new order.
    pub already_charged: Decimal,
}

/// What the market asks or bids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Dollars per unit: the ask for a buy, the bid for a sell.
    pub price: Decimal,
    /// Since when.
    pub at: Timestamp,
}

/// The outcome of deciding a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may be forwarded.
    Permit(Permit),
    /// It may not.
    Refuse(Refusal),
}

/// The right to forward one request. It cannot be made outside this module, so nothing can be forwarded that was
/// not decided.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a permit that is dropped forwards nothing"]
pub struct Permit {
    charge: Charge,
}

impl Permit {
    /// What to take from the caps before forwarding.
    #[must_use]
    pub const fn charge(&self) -> Charge {
        self.charge
    }
}

// A decision is cloned in tests and by callers that record it; the clone carries the same right for the same request.
impl Clone for Permit {
    fn clone(&self) -> Self {
        Self { charge: self.charge }
    }
}

/// Decides one request under one scope, given what the key has used today. `usage` of another New York day than the
/// request's counts as nothing used.
#[must_use]
pub fn decide(scope: &Scope, request: &Request<'_>, usage: &Usage) -> Decision {
    outcome(permitted_charge(scope, request, usage, approval::Consent::None))
}

/// Decides one request that a person has approved: all holds as in [`decide`], but that somebody has to approve it.
#[must_use]
pub fn decide_approved(scope: &Scope, request: &Request<'_>, usage: &Usage) -> Decision {
    outcome(permitted_charge(scope, request, usage, approval::Consent::Given))
}

fn outcome(charge: Result<Charge, Refusal>) -> Decision {
    match charge {
        Ok(charge) => Decision::Permit(Permit { charge }),
        Err(refusal) => Decision::Refuse(refusal),
    }
}

fn permitted_charge(
    scope: &Scope,
    request: &Request<'_>,
    usage: &Usage,
    consent: approval::Consent,
) -> Result<Charge, Refusal> {
    freeze::check(request)?;
    check_expiry(scope, request)?;
    check_network(scope, request)?;
    check_operation(scope, request)?;
    let orders = match &request.act {
        Act::Plain => return Ok(Charge::default()),
        Act::Data(symbols) => {
            return check_data_symbols(scope, symbols.as_deref()).map(|()| Charge::default());
        }
        Act::Opaque => {
            check_named(scope, request)?;
            return approval::check(scope, request, consent)
                .map(|()| Charge { orders: 1, notional: Decimal::ZERO });
        }
        Act::Orders(orders) => orders,
    };
    check_hours(scope, request)?;
    let mut charge = Charge::default();
    for facts in orders {
        order::check(scope, facts)?;
        let worth = worth::check(scope, request.at, facts)?;
        charge.orders = charge.orders.saturating_add(1);
        let added = (worth - facts.already_charged).max(Decimal::ZERO);
        charge.notional = charge.notional.checked_add(added).unwrap_or(Decimal::MAX);
    }
    let today = trading_date(request.at);
    let used = if usage.day == today { *usage } else { Usage::none(today) };
    check_daily_caps(scope, charge, used)?;
    approval::check(scope, request, consent)?;
    Ok(charge)
}

fn check_expiry(scope: &Scope, request: &Request<'_>) -> Result<(), Refusal> {
    match scope.expires_at {
        Some(expiry) if request.at >= expiry => {
            let message = format!("this access key expired at {expiry}: issue a new one");
            Err(Refusal::new(ReasonCode::KeyExpired, message, &[("expired_at", expiry.to_string())]))
        }
        _ => Ok(()),
    }
}

fn check_network(scope: &Scope, request: &Request<'_>) -> Result<(), Refusal> {
    let Some(networks) = &scope.networks else { return Ok(()) };
    // A dual-stack socket shows IPv4 peers as ::ffff:a.b.c.d; a scope that names their IPv4 network means them.
    let address = request.network.to_canonical();
    if networks.iter().any(|network| network.contains(&address)) {
        return Ok(());
    }
    let message = format!("this access key may not be used from {address}: add the network to its scope");
    Err(Refusal::new(ReasonCode::NetworkNotAllowed, message, &[("network", address.to_string())]))
}

fn check_hours(scope: &Scope, request: &Request<'_>) -> Result<(), Refusal> {
    match scope.hours {
        Some(hours) if !hours.contains(request.at) => {
            let message = format!("this access key trades {hours} only: send the order then");
            Err(Refusal::new(ReasonCode::OutsideHours, message, &[("hours", hours.to_string())]))
        }
        _ => Ok(()),
    }
}

fn check_operation(scope: &Scope, request: &Request<'_>) -> Result<(), Refusal> {
    if scope.allows_operation(request.operation, request.class) {
        return Ok(());
    }
    let operation = request.operation;
    let numbers = [("operation", operation.to_owned()), ("class", request.class.to_string())];
    if request.class == PermissionClass::MoneyOut {
        let message =
            format!("{operation} can move assets out of the account: it passes only when a scope names it");
        return Err(Refusal::new(ReasonCode::MoneyOutNotAllowed, message, &numbers));
    }
    let message = format!(
        "this access key may not use {operation} ({}): allow the operation or its class in its scope",
        request.class
    );
    Err(Refusal::new(ReasonCode::OperationNotAllowed, message, &numbers))
}

fn check_data_symbols(scope: &Scope, asked: Option<&[String]>) -> Result<(), Refusal> {
    let Some(allowed) = &scope.data_symbols else { return Ok(()) };
    let list = join(allowed);
    let good = |symbol: &&String| Symbol::parse(symbol).is_ok_and(|symbol| allowed.contains(&symbol));
    let (message, symbol) = match asked {
        None => (
            format!(
                "this access key may read the market data of {list} only, and this is of the whole market"
            ),
            "*",
        ),
        Some(symbols) => match symbols.iter().find(|symbol| !good(symbol)) {
            None => return Ok(()),
            Some(symbol) => {
                let shown: String = symbol.chars().take(32).collect();
                (
                    format!("this access key may not read market data of {shown}: its scope allows {list}"),
                    symbol.as_str(),
                )
            }
        },
    };
    let numbers = [("symbol", symbol.chars().take(32).collect()), ("allowed", list)];
    Err(Refusal::new(ReasonCode::DataSymbolNotAllowed, message, &numbers))
}

fn check_named(scope: &Scope, request: &Request<'_>) -> Result<(), Refusal> {
    let operation = request.operation;
    if scope.operations.contains(operation) {
        return Ok(());
    }
    let message = format!(
        "what {operation} is worth cannot be judged from the request: it passes only when a scope names the operation"
    );
    Err(Refusal::new(ReasonCode::OperationNotAllowed, message, &[("operation", operation.to_owned())]))
}

fn check_daily_caps(scope: &Scope, charge: Charge, used: Usage) -> Result<(), Refusal> {
    if let Some(cap) = scope.max_daily_orders
        && used.orders.saturating_add(charge.orders) > cap
    {
        let message = format!("this access key has used {} of its {cap} orders for today", used.orders);
        let numbers = [
            ("orders", charge.orders.to_string()),
            ("orders_today", used.orders.to_string()),
            ("max_daily_orders", cap.to_string()),
        ];
        return Err(Refusal::new(ReasonCode::DailyOrdersExceeded, message, &numbers));
    }
    if let Some(cap) = scope.max_daily_notional
        && used.notional.checked_add(charge.notional).is_none_or(|total| total > cap)
    {
        let message = format!(
            "this order would add ${} to the ${} that this access key has used today, and it may use at most ${} a day",
            format_usd(charge.notional),
            format_usd(used.notional),
            format_usd(cap)
        );
        let numbers = [
            ("notional", plain(charge.notional)),
            ("notional_today", plain(used.notional)),
            ("max_daily_notional", plain(cap)),
        ];
        return Err(Refusal::new(ReasonCode::DailyNotionalExceeded, message, &numbers));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
