//! What can be told from an order alone.

use paddock_core::AssetClass;
use paddock_core::order::{Amount, OrderClass, OrderRequest, OrderType, Side};
use rust_decimal::Decimal;

use crate::error::AlpacaError;
use crate::wire::PositionIntent;

/// A side and an intent that contradict each other could be read either way.
pub(super) fn check_intent(side: Side, intent: Option<PositionIntent>) -> Result<(), AlpacaError> {
    match intent {
        Some(intent) if intent.side() != side => {
            Err(AlpacaError::position_intent_mismatch(side.as_str(), intent.as_str()))
        }
        _ => Ok(()),
    }
}

/// Each type of order has the prices that it needs, and no others.
pub(super) fn check_prices(order: &OrderRequest) -> Result<(), AlpacaError> {
    let (limit, stop) = (order.limit_price, order.stop_price);
    let trails = (order.trail_price, order.trail_percent);
    if order.order_type != OrderType::TrailingStop && trails != (None, None) {
        return Err(AlpacaError::trail_not_allowed());
    }
    match order.order_type {
        OrderType::Market if limit.is_some() || stop.is_some() => {
            return Err(AlpacaError::market_takes_no_price());
        }
        OrderType::Limit if stop.is_some() => return Err(AlpacaError::limit_takes_no_stop()),
        OrderType::Limit if limit.is_none() && order.order_class != OrderClass::Oco => {
            return Err(AlpacaError::limit_price_required());
        }
        OrderType::Stop if limit.is_some() => return Err(AlpacaError::stop_takes_no_limit()),
        OrderType::Stop if stop.is_none() => return Err(AlpacaError::stop_price_required()),
        OrderType::StopLimit if limit.is_none() || stop.is_none() => {
            return Err(AlpacaError::stop_limit_prices_required());
        }
        OrderType::TrailingStop if limit.is_some() || stop.is_some() => {
            return Err(AlpacaError::trailing_takes_no_price());
        }
        OrderType::TrailingStop if trails.0.is_some() == trails.1.is_some() => {
            return Err(AlpacaError::trail_required());
        }
        _ => {}
    }
    // The price of a multi-leg order is negative when it brings money in.
    let limit = limit.filter(|_| order.order_class != OrderClass::Mleg);
    let take_profit = order.take_profit.as_ref().map(|exit| exit.limit_price);
    let stop_loss = order.stop_loss.as_ref();
    let prices = [
        limit,
        stop,
        trails.0,
        trails.1,
        take_profit,
        stop_loss.map(|exit| exit.stop_price),
        stop_loss.and_then(|exit| exit.limit_price),
    ];
    if prices.into_iter().flatten().any(|price| price <= Decimal::ZERO) {
        return Err(AlpacaError::price_not_positive());
    }
    Ok(())
}

/// Each class of order has the exits and legs that it needs, and no others.
pub(super) fn check_class(order: &OrderRequest) -> Result<(), AlpacaError> {
    let exits = (order.take_profit.is_some(), order.stop_loss.is_some());
    if order.order_class != OrderClass::Mleg && !order.legs.is_empty() {
        return Err(AlpacaError::legs_not_allowed());
    }
    match order.order_class {
        OrderClass::Simple if exits != (false, false) => Err(AlpacaError::exits_not_allowed()),
        OrderClass::Bracket if exits != (true, true) => Err(AlpacaError::bracket_exits_required()),
        OrderClass::Oto if exits.0 == exits.1 => Err(AlpacaError::oto_exit_required()),
        OrderClass::Oco => {
            let parent = order.take_profit.as_ref().map(|exit| exit.limit_price);
            let agreed = parent.is_none_or(|price| order.limit_price == Some(price));
            if order.order_type == OrderType::Limit && exits.1 && order.limit_price.is_some() && agreed {
                Ok(())
            } else {
                Err(AlpacaError::oco_exits_required())
            }
        }
        OrderClass::Mleg => {
            let options = order.legs.iter().all(|leg| leg.symbol.class() == AssetClass::UsOption);
            let typed = matches!(order.order_type, OrderType::Market | OrderType::Limit);
            let by_quantity = matches!(order.amount, Amount::Quantity(_));
            let legs = (2..=4).contains(&order.legs.len());
            if options && typed && by_quantity && legs && exits == (false, false) {
                Ok(())
            } else {
                Err(AlpacaError::mleg_legs_required())
            }
        }
        OrderClass::Simple | OrderClass::Bracket | OrderClass::Oto => Ok(()),
    }
}
