//! Limits that contradict one another, or could never do what was meant.

use http::StatusCode;
use paddock_core::Scope;
use paddock_core::money::format_usd;

use super::allows_orders;
use crate::complaints::Complaints;
use crate::problem::Problem;

pub(super) fn check(scope: &Scope, complaints: &mut Complaints) {
    for rule in [order_in_day, order_in_exposure, symbols_in_classes, about_approvals, about_orders] {
        complaints.hear(rule(scope));
    }
}

fn order_in_day(scope: &Scope) -> Result<(), Problem> {
    if let (Some(order), Some(day)) = (scope.max_order_notional, scope.max_daily_notional)
        && order > day
    {
        let (order, day) = (format_usd(order), format_usd(day));
        return Err(contradiction(
            "max_order_notional",
            format!("one order may be worth ${order}, more than the ${day} of a whole day"),
            "exchange the two, or raise `max_daily_notional`",
        ));
    }
    Ok(())
}

fn order_in_exposure(scope: &Scope) -> Result<(), Problem> {
    if let (Some(order), Some(exposure)) = (scope.max_order_notional, scope.max_open_exposure)
        && order > exposure
    {
        let (order, exposure) = (format_usd(order), format_usd(exposure));
        return Err(contradiction(
            "max_order_notional",
            format!("one order may be worth ${order}, more than the ${exposure} that may be open at all"),
            "exchange the two, or raise `max_open_exposure`",
        ));
    }
    Ok(())
}

fn symbols_in_classes(scope: &Scope) -> Result<(), Problem> {
    if let (Some(symbols), Some(classes)) = (&scope.symbols, &scope.asset_classes)
        && let Some(symbol) = symbols.iter().find(|symbol| !classes.contains(&symbol.class()))
    {
        return Err(contradiction(
            "asset_classes",
            format!("`{symbol}` is allowed, but its class {} is not", symbol.class()),
            "add the class to `asset_classes`, or leave that field out",
        ));
    }
    Ok(())
}

fn about_approvals(scope: &Scope) -> Result<(), Problem> {
    let set = [
        ("approval_wait", scope.approval_wait.is_some()),
        ("approval_expiry", scope.approval_expiry.is_some()),
        ("approval_price_band", scope.approval_price_band.is_some()),
    ];
    if let (None, Some((field, _))) = (scope.approval_over, set.iter().find(|(_, set)| *set)) {
        return Err(contradiction(
            field,
            format!("`{field}` is set, but no order needs an approval"),
            "set `approval_over` to dollars or `always`, or leave the field out",
        ));
    }
    Ok(())
}

fn about_orders(scope: &Scope) -> Result<(), Problem> {
    if (scope.limits_orders() || scope.only_own_orders) && !allows_orders(scope) {
        return Err(contradiction(
            "preset",
            "there are limits on orders, but the key may place none".to_owned(),
            "use the preset `trader`, allow `order` or `position-close`, or leave the limits out",
        ));
    }
    Ok(())
}

fn contradiction(field: &str, detail: String, next_step: &str) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "contradiction",
        "Limits contradict each other",
        detail,
        next_step,
    )
    .with("field", field)
}
