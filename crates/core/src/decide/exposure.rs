//! The caps that look at the whole account: what it has at stake, and what it lost today.

use rust_decimal::Decimal;

use super::reason::{ReasonCode, Refusal, plain};
use super::{AccountFigures, Figure, Opens, OrderFacts, worth};
use crate::exposure;
use crate::money::format_usd;
use crate::order::OrderClass;
use crate::usage::Charge;
use crate::{Scope, Usage};

/// Dollars by which an order may make the open exposure larger; `None` when that cannot be told and the scope does not ask.
pub(super) fn added(
    scope: &Scope,
    now: jiff::Timestamp,
    facts: &OrderFacts,
) -> Result<Option<Decimal>, Refusal> {
    let is_limited = scope.max_open_exposure.is_some();
    if is_limited && facts.order.order_class == OrderClass::Mleg {
        return Err(worth::unknown(facts));
    }
    let added = match facts.opens {
        Opens::Nothing => return Ok(Some(Decimal::ZERO)),
        Opens::All => worth::worth_of(facts),
        Opens::Part { quantity, counted } => worth::worst_price(&facts.order, facts.quote)
            .and_then(|price| exposure::worth(quantity, price, &facts.order.symbol))
            .map(|worth| (worth - counted).max(Decimal::ZERO)),
    };
    if is_limited {
        worth::check_quote(scope, now, facts)?;
        return added.map(Some).ok_or_else(|| worth::unknown(facts));
    }
    Ok(added)
}

/// Checks the account's figures for a request of which some order opens something. `usage` tells what of the connection's requests
/// these figures may not show yet.
pub(super) fn check(
    scope: &Scope,
    account: &AccountFigures,
    charge: Charge,
    usage: &Usage,
) -> Result<(), Refusal> {
    check_loss(scope, account, usage.worst_loss)?;
    check_exposure(scope, account, charge, usage.unseen_exposure)
}

fn check_exposure(
    scope: &Scope,
    account: &AccountFigures,
    charge: Charge,
    unseen: Option<Decimal>,
) -> Result<(), Refusal> {
    let Some(cap) = scope.max_open_exposure else { return Ok(()) };
    if charge.exposure.is_some_and(|added| added.is_zero()) {
        return Ok(());
    }
    let at_broker = known(&account.open_exposure, ReasonCode::OpenExposureUnknown, "max_open_exposure", cap)?;
    let unknown = |message: &str| {
        Refusal::new(
            ReasonCode::OpenExposureUnknown,
            message.to_owned(),
            &[("max_open_exposure", plain(cap))],
        )
    };
    let added = charge.exposure.ok_or_else(|| {
        unknown("what this request would add to the account's open exposure cannot be told, and the scope limits that: use an order")
    })?;
    let under_way = "what an order that is on its way will add to the account's open exposure cannot be told: try again in a minute";
    let unseen = unseen.ok_or_else(|| unknown(under_way))?;
    let before = at_broker.checked_add(unseen).ok_or_else(|| unknown(under_way))?;
    if before.checked_add(added).is_some_and(|after| after <= cap) {
        return Ok(());
    }
    let message = format!(
        "this order would add ${} to the ${} that the account has in positions and orders that open, and this access key may open nothing beyond ${}: close something first",
        format_usd(added),
        format_usd(before),
        format_usd(cap)
    );
    let numbers = [
        ("exposure_added", plain(added)),
        ("open_exposure", plain(before)),
        ("max_open_exposure", plain(cap)),
    ];
    Err(Refusal::new(ReasonCode::OpenExposureExceeded, message, &numbers))
}

fn check_loss(scope: &Scope, account: &AccountFigures, worst_today: Decimal) -> Result<(), Refusal> {
    let Some(cap) = scope.max_daily_loss else { return Ok(()) };
    // What was lost once today stops the key for the day, even if it was won back since.
    let loss = if worst_today >= cap {
        worst_today
    } else {
        known(&account.daily_loss, ReasonCode::DailyLossUnknown, "max_daily_loss", cap)?.max(worst_today)
    };
    if loss < cap {
        return Ok(());
    }
    let message = format!(
        "the account has lost ${} today, and this access key opens nothing more on a day with a loss of ${}: closes and cancels pass",
        format_usd(loss),
        format_usd(cap)
    );
    let numbers = [("daily_loss", plain(loss)), ("max_daily_loss", plain(cap))];
    Err(Refusal::new(ReasonCode::DailyLossReached, message, &numbers))
}

fn known(figure: &Figure, code: ReasonCode, name: &str, cap: Decimal) -> Result<Decimal, Refusal> {
    let why = match figure {
        Figure::Dollars(dollars) => return Ok(*dollars),
        Figure::Unknown(why) => why.as_str(),
        Figure::NotAsked => "what the broker says of the account",
    };
    let message = format!(
        "{why} cannot be told, and this access key opens nothing without it: try again, or close and cancel only"
    );
    Err(Refusal::new(code, message, &[(name, plain(cap))]))
}
