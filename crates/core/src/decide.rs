//! The decision: may this request be forwarded?
//!
//! [`decide`] is a pure function. Only it can make a [`Permit`], and only a permit can be forwarded.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::calendar::trading_date;
use crate::money::format_usd;
use crate::order::{Amount, OrderClass, OrderRequest, OrderType, Side};
use crate::usage::Charge;
use crate::{PermissionClass, Scope, Symbol, Usage};

/// What has been stopped by a freeze.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frozen {
    /// This access key.
    Key,
    /// The connection that it opens.
    Connection,
    /// Everything.
    Everything,
}

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
    pub frozen: Option<Frozen>,
    /// What it would do.
    pub act: Act,
}

/// What a request would do.
#[derive(Clone, Debug)]
pub enum Act {
    /// Nothing that the caps count: a read, a cancel, a setting.
    Plain,
    /// Something whose effect on the limits cannot be judged from its content, such as an option exercise. It passes only
    /// when the scope names the operation.
    Opaque,
    /// These orders would come to be. One for a new order, a replacement or a close; any number for close-all.
    Orders(Vec<OrderFacts>),
}

/// An order that would come to be, with the facts that it is decided by.
#[derive(Clone, Debug)]
pub struct OrderFacts {
    /// The order.
    pub order: OrderRequest,
    /// The market's price in dollars at which the order would trade now: the ask for a buy, the bid for a sell, where known.
    pub market_price: Option<Decimal>,
    /// Dollars already charged to this key for the order that this one replaces; zero for a new order.
    pub already_charged: Decimal,
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

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $number:literal);+ $(;)?) => {
        /// Why a request was refused. The names and numbers are stable: programs may match on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ReasonCode {
            $($(#[$doc])* #[serde(rename = $text)] $name),+
        }

        impl ReasonCode {
            /// All reasons.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// The stable number, in the form of Alpaca's own codes: HTTP status times 100,000 plus a detail. Paddock's
            /// details start at 90,000, where Alpaca has none.
            #[must_use]
            pub const fn number(self) -> u32 {
                match self { $(Self::$name => $number),+ }
            }
        }
    };
}

reasons! {
    /// The access key, its connection or everything is frozen.
    Frozen = "frozen", 40_390_001;
    /// The access key's time is over.
    KeyExpired = "key_expired", 40_390_002;
    /// The request came from a network that the scope does not allow.
    NetworkNotAllowed = "network_not_allowed", 40_390_003;
    /// The scope does not allow the operation.
    OperationNotAllowed = "operation_not_allowed", 40_390_004;
    /// The operation moves money or assets out and is not named in the scope.
    MoneyOutNotAllowed = "money_out_not_allowed", 40_390_005;
    /// The scope does not allow the symbol.
    SymbolNotAllowed = "symbol_not_allowed", 40_390_006;
    /// The scope does not allow the asset class.
    AssetClassNotAllowed = "asset_class_not_allowed", 40_390_007;
    /// The scope does not allow the side, of the order or of one of its exits.
    SideNotAllowed = "side_not_allowed", 40_390_008;
    /// The scope does not allow the order type, of the order or of one of its exits.
    OrderTypeNotAllowed = "order_type_not_allowed", 40_390_009;
    /// The order is worth more than the scope allows for one order.
    OrderNotionalExceeded = "order_notional_exceeded", 40_390_010;
    /// The order would take the day's total above the scope's cap.
    DailyNotionalExceeded = "daily_notional_exceeded", 40_390_011;
    /// The day's number of orders is used up.
    DailyOrdersExceeded = "daily_orders_exceeded", 40_390_012;
    /// The scope limits what orders are worth, and what this one is worth cannot be told.
    PriceUnknown = "price_unknown", 40_390_013;
    /// The operation is none that Paddock knows.
    UnknownOperation = "unknown_operation", 40_390_014;
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a request was refused, with the numbers behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The stable reason.
    pub code: ReasonCode,
    /// One sentence for a person, with the next step; lower case, no full stop.
    pub message: String,
    /// The values that decided it, as text, by name.
    pub numbers: BTreeMap<String, String>,
}

impl Refusal {
    /// A refusal; `numbers` are pairs of name and value.
    #[must_use]
    pub fn new(code: ReasonCode, message: String, numbers: &[(&str, String)]) -> Self {
        let numbers = numbers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Self { code, message, numbers }
    }
}

/// Decides one request under one scope, given what the key has used today. `usage` of another New York day than the
/// request's counts as nothing used.
#[must_use]
pub fn decide(scope: &Scope, request: &Request<'_>, usage: &Usage) -> Decision {
    match permitted_charge(scope, request, usage) {
        Ok(charge) => Decision::Permit(Permit { charge }),
        Err(refusal) => Decision::Refuse(refusal),
    }
}

fn permitted_charge(scope: &Scope, request: &Request<'_>, usage: &Usage) -> Result<Charge, Refusal> {
    check_freeze(request)?;
    check_expiry(scope, request)?;
    check_network(scope, request)?;
    check_operation(scope, request)?;
    let orders = match &request.act {
        Act::Plain => return Ok(Charge::default()),
        Act::Opaque => {
            return check_named(scope, request).map(|()| Charge { orders: 1, notional: Decimal::ZERO });
        }
        Act::Orders(orders) => orders,
    };
    let mut charge = Charge::default();
    for facts in orders {
        check_instrument(scope, &facts.order)?;
        check_sides(scope, &facts.order)?;
        check_types(scope, &facts.order)?;
        let worth = order_worth(scope, facts)?;
        charge.orders = charge.orders.saturating_add(1);
        let added = (worth - facts.already_charged).max(Decimal::ZERO);
        charge.notional = charge.notional.checked_add(added).unwrap_or(Decimal::MAX);
    }
    let today = trading_date(request.at);
    let used = if usage.day == today { *usage } else { Usage::none(today) };
    check_daily_caps(scope, charge, used)?;
    Ok(charge)
}

fn check_freeze(request: &Request<'_>) -> Result<(), Refusal> {
    let Some(frozen) = request.frozen else { return Ok(()) };
    if request.class == PermissionClass::Cancel {
        return Ok(());
    }
    let what = match frozen {
        Frozen::Key => "this access key is",
        Frozen::Connection => "this connection is",
        Frozen::Everything => "everything is",
    };
    let message = format!("{what} frozen: only cancels pass until a person unfreezes it");
    Err(Refusal::new(ReasonCode::Frozen, message, &[]))
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

fn check_instrument(scope: &Scope, order: &OrderRequest) -> Result<(), Refusal> {
    for symbol in symbols_of(order) {
        if let Some(allowed) = &scope.symbols
            && !allowed.contains(symbol)
        {
            let list = join(allowed);
            let message = format!("this access key may not trade {symbol}: its scope allows {list}");
            let numbers = [("symbol", symbol.to_string()), ("allowed", list)];
            return Err(Refusal::new(ReasonCode::SymbolNotAllowed, message, &numbers));
        }
        if let Some(allowed) = &scope.asset_classes
            && !allowed.contains(&symbol.class())
        {
            let (class, list) = (symbol.class(), join(allowed));
            let message = format!("this access key may not trade {class}: its scope allows {list}");
            let numbers = [("asset_class", class.to_string()), ("allowed", list)];
            return Err(Refusal::new(ReasonCode::AssetClassNotAllowed, message, &numbers));
        }
    }
    Ok(())
}

fn symbols_of(order: &OrderRequest) -> impl Iterator<Item = &Symbol> {
    std::iter::once(&order.symbol).chain(order.legs.iter().map(|leg| &leg.symbol))
}

fn check_sides(scope: &Scope, order: &OrderRequest) -> Result<(), Refusal> {
    let Some(allowed) = &scope.sides else { return Ok(()) };
    let mut sides = vec![order.side];
    match order.order_class {
        OrderClass::Bracket | OrderClass::Oto => sides.push(order.side.opposite()),
        OrderClass::Mleg if order.legs.iter().any(|leg| leg.side.is_none()) => sides.extend(Side::ALL),
        OrderClass::Mleg => sides.extend(order.legs.iter().filter_map(|leg| leg.side)),
        OrderClass::Simple | OrderClass::Oco => {}
    }
    let Some(side) = sides.into_iter().find(|side| !allowed.contains(side)) else { return Ok(()) };
    let list = join(allowed);
    let message =
        format!("this access key may not {side}: its scope allows {list}, for an order and for its exits");
    Err(Refusal::new(ReasonCode::SideNotAllowed, message, &[("side", side.to_string()), ("allowed", list)]))
}

fn check_types(scope: &Scope, order: &OrderRequest) -> Result<(), Refusal> {
    let Some(allowed) = &scope.order_types else { return Ok(()) };
    let take_profit = order.take_profit.as_ref().map(|_| OrderType::Limit);
    let stop_loss = order.stop_loss.as_ref().map(|exit| match exit.limit_price {
        Some(_) => OrderType::StopLimit,
        None => OrderType::Stop,
    });
    let types = [Some(order.order_type), take_profit, stop_loss];
    let Some(refused) = types.into_iter().flatten().find(|order_type| !allowed.contains(order_type)) else {
        return Ok(());
    };
    let list = join(allowed);
    let message = format!("this access key may not place {refused} orders: its scope allows {list}");
    let numbers = [("order_type", refused.to_string()), ("allowed", list)];
    Err(Refusal::new(ReasonCode::OrderTypeNotAllowed, message, &numbers))
}

/// What the order is worth in dollars: the larger of its stated notional and its quantity at the worst price it
/// can be expected to trade at.
fn order_worth(scope: &Scope, facts: &OrderFacts) -> Result<Decimal, Refusal> {
    let order = &facts.order;
    let worth = match order.amount {
        Amount::Notional(notional) => Some(notional),
        Amount::Quantity(quantity) => worst_price(facts).and_then(|price| {
            quantity.checked_mul(price).and_then(|worth| worth.checked_mul(order.symbol.multiplier()))
        }),
    };
    let Some(worth) = worth else {
        if !scope.limits_notional() {
            return Ok(Decimal::ZERO);
        }
        let message = format!(
            "what this order in {} is worth cannot be told, and the scope limits it: use a limit order, or try again when \
             the market has a quote",
            order.symbol
        );
        return Err(Refusal::new(ReasonCode::PriceUnknown, message, &[("symbol", order.symbol.to_string())]));
    };
    if let Some(cap) = scope.max_order_notional
        && worth > cap
    {
        let message = format!(
            "this order is worth ${}, and this access key may place at most ${} an order",
            format_usd(worth),
            format_usd(cap)
        );
        let numbers = [("notional", plain(worth)), ("max_order_notional", plain(cap))];
        return Err(Refusal::new(ReasonCode::OrderNotionalExceeded, message, &numbers));
    }
    Ok(worth)
}

/// The price in dollars that a quantity is valued at, or nothing when it cannot be told.
///
/// A buy with a limit pays at most its limit. Everything else may trade at the market, so the market's price counts too.
fn worst_price(facts: &OrderFacts) -> Option<Decimal> {
    let order = &facts.order;
    if order.order_class == OrderClass::Mleg {
        return None;
    }
    // Either exit of an OCO may be the one that fills; both go the order's own way.
    let stop_loss = order.stop_loss.as_ref().filter(|_| order.order_class == OrderClass::Oco);
    let other_exit = stop_loss.map(|exit| exit.limit_price.unwrap_or(exit.stop_price)).unwrap_or_default();
    let own = match (order.side, order.order_type) {
        (Side::Buy, OrderType::Limit | OrderType::StopLimit) => order.limit_price,
        (Side::Sell, OrderType::Limit | OrderType::StopLimit) => {
            order.limit_price.map(|limit| facts.market_price.map_or(limit, |market| market.max(limit)))
        }
        (_, OrderType::Market) => facts.market_price,
        (_, OrderType::Stop) => {
            facts.market_price.map(|market| order.stop_price.map_or(market, |stop| market.max(stop)))
        }
        (_, OrderType::TrailingStop) => {
            let market = facts.market_price?;
            let by_percent = order
                .trail_percent
                .and_then(|percent| market.checked_mul(percent))
                .map(|p| p / Decimal::ONE_HUNDRED);
            market.checked_add(order.trail_price.or(by_percent).unwrap_or_default())
        }
    };
    own.map(|price| price.max(other_exit))
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

fn plain(amount: Decimal) -> String {
    amount.normalize().to_string()
}

fn join<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}

#[cfg(test)]
mod tests;
