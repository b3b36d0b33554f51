//! What a scope says about an order's own terms.

use super::OrderFacts;
use super::reason::{ReasonCode, Refusal, join};
use crate::order::{OrderClass, OrderRequest, OrderType, Side};
use crate::scope::PositionRule;
use crate::{Scope, Symbol};

/// Checks everything about an order that does not depend on what it is worth.
pub(super) fn check(scope: &Scope, facts: &OrderFacts) -> Result<(), Refusal> {
    let order = &facts.order;
    check_instrument(scope, order)?;
    check_sides(scope, order)?;
    check_types(scope, order)?;
    check_terms(scope, order)?;
    check_positions(scope, facts)
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

/// Class, time in force and extended hours.
fn check_terms(scope: &Scope, order: &OrderRequest) -> Result<(), Refusal> {
    if let Some(allowed) = &scope.order_classes
        && !allowed.contains(&order.order_class)
    {
        let (class, list) = (order.order_class, join(allowed));
        let message = format!("this access key may not place {class} orders: its scope allows {list}");
        let numbers = [("order_class", class.to_string()), ("allowed", list)];
        return Err(Refusal::new(ReasonCode::OrderClassNotAllowed, message, &numbers));
    }
    if let Some(allowed) = &scope.times_in_force
        && !allowed.contains(&order.time_in_force)
    {
        let (time_in_force, list) = (order.time_in_force, join(allowed));
        let message =
            format!("this access key may not place {time_in_force} orders: its scope allows {list}");
        let numbers = [("time_in_force", time_in_force.to_string()), ("allowed", list)];
        return Err(Refusal::new(ReasonCode::TimeInForceNotAllowed, message, &numbers));
    }
    if scope.no_extended_hours && order.extended_hours {
        let message =
            "this access key may not trade outside regular hours: leave extended_hours out".to_owned();
        return Err(Refusal::new(ReasonCode::ExtendedHoursNotAllowed, message, &[]));
    }
    Ok(())
}

/// What the order may do to the position. An order that closes says so to the broker, which refuses it when there is nothing to close
/// at the moment in which it arrives: nothing that happens between the decision and that moment makes a difference.
fn check_positions(scope: &Scope, facts: &OrderFacts) -> Result<(), Refusal> {
    let Some(rule) = scope.positions else { return Ok(()) };
    let order = &facts.order;
    let enters = matches!(order.order_class, OrderClass::Bracket | OrderClass::Oto | OrderClass::Mleg);
    let good = match rule {
        PositionRule::LongOnly if order.order_class == OrderClass::Mleg => false,
        PositionRule::LongOnly => order.side == Side::Buy || facts.closes,
        PositionRule::ReduceOnly => facts.closes && !enters,
    };
    if good {
        return Ok(());
    }
    let message = match rule {
        PositionRule::LongOnly => {
            "this access key may not sell short: it sells what the account holds, with position_intent sell_to_close or without any"
        }
        PositionRule::ReduceOnly => {
            "this access key may only make positions smaller: place a simple order that closes, or close the position"
        }
    };
    let numbers = [("side", order.side.to_string()), ("rule", rule.to_string())];
    Err(Refusal::new(ReasonCode::PositionNotAllowed, message.to_owned(), &numbers))
}
