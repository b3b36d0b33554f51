//! What an order is worth, and whether its price is sane.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::reason::{ReasonCode, Refusal, plain};
use super::{OrderFacts, Quote};
use crate::money::format_usd;
use crate::order::{Amount, OrderClass, OrderRequest, OrderType, Side};
use crate::scope::USUAL_QUOTE_AGE;
use crate::{AssetClass, Scope, Symbol, calendar, exposure};

/// Checks everything about an order that depends on prices, and tells what it is worth in dollars.
pub(super) fn check(scope: &Scope, now: Timestamp, facts: &OrderFacts) -> Result<Decimal, Refusal> {
    if scope.needs_prices() {
        check_quote(scope, now, facts)?;
    }
    check_collar(scope, facts)?;
    check_quantity(scope, facts)?;
    order_worth(scope, facts)
}

/// A price that stands still while its market is open says nothing. When the market is shut the last one is all there is.
pub(crate) fn quote_is_trusted(symbol: &Symbol, now: Timestamp, quote: Quote, most: Option<u32>) -> bool {
    let is_open = symbol.class() == AssetClass::Crypto || calendar::is_open(now);
    !is_open || now.duration_since(quote.at) <= oldest(most)
}

fn oldest(seconds: Option<u32>) -> SignedDuration {
    SignedDuration::from_secs(seconds.unwrap_or(USUAL_QUOTE_AGE).into())
}

pub(super) fn check_quote(scope: &Scope, now: Timestamp, facts: &OrderFacts) -> Result<(), Refusal> {
    let Some(quote) = facts.quote else { return Ok(()) };
    let symbol = &facts.order.symbol;
    if quote_is_trusted(symbol, now, quote, scope.max_quote_age) {
        return Ok(());
    }
    let (age, most) = (now.duration_since(quote.at), oldest(scope.max_quote_age));
    let message = format!(
        "the last quote of {symbol} is {} seconds old, and this access key trusts none older than {}: try again when the market has a new one",
        age.as_secs(),
        most.as_secs()
    );
    let numbers = [
        ("symbol", symbol.to_string()),
        ("quote_age", age.as_secs().to_string()),
        ("max_quote_age", most.as_secs().to_string()),
    ];
    Err(Refusal::new(ReasonCode::QuoteStale, message, &numbers))
}

pub(super) fn price_unknown(symbol: &Symbol, what: &str) -> Refusal {
    let message = format!(
        "{what} cannot be told, and the scope limits it: use a limit order, or try again when the market has a quote"
    );
    Refusal::new(ReasonCode::PriceUnknown, message, &[("symbol", symbol.to_string())])
}

/// A limit that is worse than the market by more than the collar is a slip or an accident.
fn check_collar(scope: &Scope, facts: &OrderFacts) -> Result<(), Refusal> {
    let order = &facts.order;
    let (Some(collar), Some(limit)) = (scope.max_price_deviation, order.limit_price) else { return Ok(()) };
    let unknown = || price_unknown(&order.symbol, "how far this limit price is from the market");
    let quote = facts.quote.ok_or_else(unknown)?;
    let room = quote.price.checked_mul(collar).ok_or_else(unknown)? / Decimal::ONE_HUNDRED;
    let is_within = match order.side {
        Side::Buy => limit <= quote.price.saturating_add(room),
        Side::Sell => limit >= quote.price.saturating_sub(room),
    };
    if is_within {
        return Ok(());
    }
    let (limit, market, collar) = (plain(limit), plain(quote.price), plain(collar));
    let message = format!(
        "the limit price {limit} is worse than the market's {market} by more than the {collar} % that this access key may give away"
    );
    let numbers = [("limit_price", limit), ("market_price", market), ("max_price_deviation", collar)];
    Err(Refusal::new(ReasonCode::PriceOutsideCollar, message, &numbers))
}

fn check_quantity(scope: &Scope, facts: &OrderFacts) -> Result<(), Refusal> {
    let Some(cap) = scope.max_order_quantity else { return Ok(()) };
    let symbol = &facts.order.symbol;
    let quantity = match facts.order.amount {
        Amount::Quantity(quantity) => quantity,
        // The cheaper a unit is, the more of them: a limit that is below the market counts.
        Amount::Notional(dollars) => [facts.quote.map(|quote| quote.price), facts.order.limit_price]
            .into_iter()
            .flatten()
            .min()
            .filter(|price| facts.quote.is_some() && *price > Decimal::ZERO)
            .and_then(|price| dollars.checked_div(price))
            .ok_or_else(|| price_unknown(symbol, "how many units this order in dollars is for"))?,
    };
    if quantity <= cap {
        return Ok(());
    }
    let message = format!(
        "this order is for {} {symbol}, and this access key may order at most {} at once",
        plain(quantity.round_dp(9)),
        plain(cap)
    );
    let numbers = [("quantity", plain(quantity.round_dp(9))), ("max_order_quantity", plain(cap))];
    Err(Refusal::new(ReasonCode::OrderQuantityExceeded, message, &numbers))
}

/// What the units are worth by which a replacement is larger than its order. They come on top of what that was charged, even if the
/// whole is cheaper now: some of it may be filled at the old price.
pub(super) fn of_growth(facts: &OrderFacts) -> Decimal {
    let (Amount::Quantity(quantity), Some(before)) = (facts.order.amount, facts.replaced_quantity) else {
        return Decimal::ZERO;
    };
    let units = (quantity - before).max(Decimal::ZERO);
    worst_price(&facts.order, facts.quote)
        .and_then(|price| exposure::worth(units, price, &facts.order.symbol))
        .unwrap_or_default()
}

pub(super) fn unknown(facts: &OrderFacts) -> Refusal {
    let symbol = &facts.order.symbol;
    price_unknown(symbol, &format!("what this order in {symbol} is worth"))
}

/// What the order is worth, checked against the cap for one order.
fn order_worth(scope: &Scope, facts: &OrderFacts) -> Result<Decimal, Refusal> {
    let Some(worth) = worth_of(facts) else {
        return if scope.limits_notional() { Err(unknown(facts)) } else { Ok(Decimal::ZERO) };
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

/// The same without any limit, or nothing when it cannot be told.
pub(super) fn worth_of(facts: &OrderFacts) -> Option<Decimal> {
    let order = &facts.order;
    match order.amount {
        Amount::Notional(notional) => Some(notional),
        Amount::Quantity(quantity) => {
            worst_price(order, facts.quote).and_then(|price| exposure::worth(quantity, price, &order.symbol))
        }
    }
}

/// The price in dollars that a quantity is valued at, or nothing when it cannot be told.
///
/// A buy with a limit pays at most its limit. Everything else may trade at the market, so the market's price counts too.
pub(crate) fn worst_price(order: &OrderRequest, quote: Option<Quote>) -> Option<Decimal> {
    if order.order_class == OrderClass::Mleg {
        return None;
    }
    let market = quote.map(|quote| quote.price);
    // Either exit of an OCO may be the one that fills; both go the order's own way.
    let stop_loss = order.stop_loss.as_ref().filter(|_| order.order_class == OrderClass::Oco);
    let other_exit = stop_loss.map(|exit| exit.limit_price.unwrap_or(exit.stop_price)).unwrap_or_default();
    let own = match (order.side, order.order_type) {
        (Side::Buy, OrderType::Limit | OrderType::StopLimit) => order.limit_price,
        (Side::Sell, OrderType::Limit | OrderType::StopLimit) => {
            order.limit_price.map(|limit| market.map_or(limit, |market| market.max(limit)))
        }
        (_, OrderType::Market) => market,
        (_, OrderType::Stop) => market.map(|market| order.stop_price.map_or(market, |stop| market.max(stop))),
        (_, OrderType::TrailingStop) => {
            let market = market?;
            let by_percent = order
                .trail_percent
                .and_then(|percent| market.checked_mul(percent))
                .map(|p| p / Decimal::ONE_HUNDRED);
            market.checked_add(order.trail_price.or(by_percent).unwrap_or_default())
        }
    };
    own.map(|price| price.max(other_exit))
}
