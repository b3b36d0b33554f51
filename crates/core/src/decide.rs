//! The decision: may this request be forwarded?
//!
//! [`decide`] is a pure function. Only it can make a [`Permit`], and only a permit can be forwarded.

pub mod approval;
mod exposure;
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
use crate::{PermissionClass, Scope, Usage};

pub use freeze::{Freeze, Frozen, Manner, Passage, Passing};
pub use own::{Reach, check_reach};
pub use reason::{ReasonCode, Refusal};
use reason::{join, plain};
pub(crate) use worth::{quote_is_trusted, worst_price};

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
    /// What the broker says of the account, as far as the scope asks for it.
    pub account: AccountFigures,
}

/// What the broker says of the whole account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFigures {
    /// Dollars in positions, long and short, and in working orders that open.
    pub open_exposure: Figure,
    /// Dollars by which the account is worth less than at the last close, what was paid in since left out; negative for a gain.
    pub daily_loss: Figure,
}

/// A figure of the broker's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Figure {
    /// It was not asked for.
    #[default]
    NotAsked,
    /// So many dollars.
    Dollars(Decimal),
    /// It cannot be told; the text says what cannot be told.
    Unknown(String),
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
    /// Units of the order that this one replaces, what was filled of it included.
    pub replaced_quantity: Option<Decimal>,
    /// How much of it may make a position larger.
    pub opens: Opens,
}

/// How much of an order may make a position larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    /// All of it.
    All,
    /// Nothing, whatever happens before it fills.
    Nothing,
    /// Of a replacement: so many units, for which the figure of the account's open exposure has so many dollars already.
    Part {
        /// Shares, contracts or coins.
        quantity: Decimal,
        /// Dollars.
        counted: Decimal,
    },
}

impl Opens {
    /// Whether it may make any position larger.
    #[must_use]
    pub fn anything(self) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Part { quantity, .. } => !quantity.is_zero(),
        }
    }
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
    worth: Decimal,
}

impl Permit {
    /// What to take from the caps before forwarding.
    #[must_use]
    pub const fn charge(&self) -> Charge {
        self.charge
    }

    /// Dollars that its orders are worth, of which a replacement takes only the difference from the caps; zero where that cannot be
    /// told.
    #[must_use]
    pub const fn worth(&self) -> Decimal {
        self.worth
    }
}

// A decision is cloned in tests and by callers that record it; the clone carries the same right for the same request.
impl Clone for Permit {
    fn clone(&self) -> Self {
        Self { charge: self.charge, worth: self.worth }
    }
}

/// Decides one request under one scope, given what the key has used today. `usage` of another New York day than the
/// request's counts as nothing used.
#[must_use]
pub fn decide(scope: &Scope, request: &Request<'_>, usage: &Usage) -> Decision {
    outcome(permitted(scope, request, usage, approval::Consent::None))
}

/// Decides one request that a person has approved: all holds as in [`decide`], but that somebody has to approve it.
#[must_use]
pub fn decide_approved(scope: &Scope, request: &Request<'_>, usage: &Usage) -> Decision {
    outcome(permitted(scope, request, usage, approval::Consent::Given))
}

fn outcome(permitted: Result<Permit, Refusal>) -> Decision {
    match permitted {
        Ok(permit) => Decision::Permit(permit),
        Err(refusal) => Decision::Refuse(refusal),
    }
}

/// The right to what takes nothing from the caps.
fn free() -> Permit {
    Permit { charge: Charge::default(), worth: Decimal::ZERO }
}

fn permitted(
    scope: &Scope,
    request: &Request<'_>,
    usage: &Usage,
    consent: approval::Consent,
) -> Result<Permit, Refusal> {
    freeze::check(request)?;
    check_expiry(scope, request)?;
    check_network(scope, request)?;
    check_operation(scope, request)?;
    let orders = match &request.act {
        Act::Plain => return Ok(free()),
        Act::Data(symbols) => {
            return check_data_symbols(scope, symbols.as_deref()).map(|()| free());
        }
        Act::Opaque => {
            check_named(scope, request)?;
            let charge = Charge { orders: 1, exposure: None, ..Charge::default() };
            check_daily_caps(scope, charge, of_today(usage, request.at))?;
            exposure::check(scope, &request.account, charge, usage)?;
            approval::check(scope, request, consent)?;
            return Ok(Permit { charge, worth: Decimal::ZERO });
        }
        Act::Orders(orders) => orders,
    };
    check_hours(scope, request)?;
    let (mut charge, mut total, mut opens) = (Charge::default(), Decimal::ZERO, false);
    for facts in orders {
        order::check(scope, facts)?;
        let worth = worth::check(scope, request.at, facts)?;
        let exposure = exposure::added(scope, request.at, facts)?;
        opens |= facts.opens.anything();
        total = total.saturating_add(worth);
        charge.exposure = charge.exposure.zip(exposure).and_then(|(sum, added)| sum.checked_add(added));
        charge.orders = charge.orders.saturating_add(1);
        let added = (worth - facts.already_charged).max(worth::of_growth(facts)).max(Decimal::ZERO);
        charge.notional = charge.notional.checked_add(added).unwrap_or(Decimal::MAX);
    }
    check_daily_caps(scope, charge, of_today(usage, request.at))?;
    if opens {
        exposure::check(scope, &request.account, charge, usage)?;
    }
    approval::check(scope, request, consent)?;
    Ok(Permit { charge, worth: total })
}

fn of_today(usage: &Usage, now: Timestamp) -> Usage {
    let today = trading_date(now);
    if usage.day == today { *usage } else { Usage::none(today) }
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
    let good = |symbol: &&String| scope.lets_read_data_of(symbol);
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
mod account_tests;
#[cfg(test)]
mod tests;
