//! Whether a person has to approve a request first, and whether the market is still where it was.

use rust_decimal::Decimal;

use super::reason::{ReasonCode, Refusal, plain};
use super::worth::{price_unknown, worth_of};
use super::{Act, OrderFacts, Quote, Request};
use crate::Scope;
use crate::money::format_usd;

/// Whether a person has approved exactly this request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consent {
    None,
    Given,
}

/// Refuses what a person has to approve and has not: an order that is worth more than the scope lets pass, or of which that cannot be
/// told. It comes last, so that what would be refused anyway is not held.
pub(super) fn check(scope: &Scope, request: &Request<'_>, consent: Consent) -> Result<(), Refusal> {
    let Some(over) = scope.approval_over.filter(|_| consent == Consent::None) else { return Ok(()) };
    match &request.act {
        Act::Plain | Act::Data(_) => Ok(()),
        Act::Opaque => {
            let message = format!(
                "what {} is worth cannot be judged, so a person has to approve it",
                request.operation
            );
            Err(Refusal::new(ReasonCode::ApprovalRequired, message, &[("approval_over", plain(over))]))
        }
        Act::Orders(orders) => orders.iter().try_for_each(|facts| check_order(scope, over, facts)),
    }
}

fn check_order(scope: &Scope, over: Decimal, facts: &OrderFacts) -> Result<(), Refusal> {
    // What closes takes risk away. A replacement adds what it is worth beyond what was charged, and so approved or let pass, before.
    let worth = worth_of(facts);
    if facts.closes || worth.is_some_and(|worth| worth <= over.max(facts.already_charged)) {
        return Ok(());
    }
    let order = &facts.order;
    if scope.approval_price_band.is_some() && facts.quote.is_none() {
        return Err(price_unknown(
            &order.symbol,
            "the market's price, by which an approval would be bounded",
        ));
    }
    let mut numbers = vec![("approval_over", plain(over))];
    numbers.extend(worth.map(|worth| ("notional", plain(worth))));
    let message = match worth {
        Some(worth) if over.is_zero() => {
            format!(
                "this order is worth ${}, and a person has to approve each order of this access key",
                format_usd(worth)
            )
        }
        Some(worth) => format!(
            "this order is worth ${}, and a person has to approve orders of this access key over ${}",
            format_usd(worth),
            format_usd(over)
        ),
        None => format!(
            "what this order in {} is worth cannot be told, so a person has to approve it",
            order.symbol
        ),
    };
    Err(Refusal::new(ReasonCode::ApprovalRequired, message, &numbers))
}

/// Refuses to send what was approved at a price that the market has left by more than `band` percent, either way.
///
/// # Errors
/// [`ReasonCode::ApprovalPriceMoved`]; [`ReasonCode::PriceUnknown`] when there is no price now, or the band cannot be computed.
pub fn check_band(
    held_at: Decimal,
    now: Option<Quote>,
    band: Decimal,
    facts: &OrderFacts,
) -> Result<(), Refusal> {
    let unknown = || price_unknown(&facts.order.symbol, "whether the market's price is where it was");
    let now = now.ok_or_else(unknown)?;
    let room = held_at.checked_mul(band).ok_or_else(unknown)? / Decimal::ONE_HUNDRED;
    if (now.price - held_at).abs() <= room {
        return Ok(());
    }
    let (was, is, band) = (plain(held_at), plain(now.price), plain(band));
    let message = format!(
        "the market's price was {was} when this order was held and is {is} now, more than {band} % away: it was not sent, and the program may send a new one"
    );
    let numbers = [("held_price", was), ("market_price", is), ("approval_price_band", band)];
    Err(Refusal::new(ReasonCode::ApprovalPriceMoved, message, &numbers))
}
