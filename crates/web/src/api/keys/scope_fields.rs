//! A scope, read from the fields of a request.
//!
//! Every complaint names the field and what it may hold, and all of them are heard, so that a form can show each at its field. A
//! combination under which the key could never do what was meant is refused too, since the person would find out only when an order
//! is refused.

mod account;
mod acts;
mod approvals;
mod caps;
mod orders;
mod reach;
mod sense;
mod written;

use std::collections::BTreeSet;
use std::str::FromStr;

use http::StatusCode;
use jiff::Timestamp;
use paddock_core::Scope;

use crate::complaints::Complaints;
use crate::fields::Fields;
use crate::problem::Problem;

pub(crate) use acts::allows_orders;
pub(crate) use written::written;

/// The fields of a scope.
pub(crate) const FIELDS: [&str; 30] = [
    "preset",
    "allow",
    "symbols",
    "data_symbols",
    "asset_classes",
    "sides",
    "order_types",
    "order_classes",
    "times_in_force",
    "no_extended_hours",
    "positions",
    "only_own_orders",
    "hours",
    "max_order_quantity",
    "max_price_deviation",
    "max_quote_age",
    "max_order_notional",
    "max_daily_notional",
    "max_daily_orders",
    "max_open_exposure",
    "max_daily_loss",
    "max_requests_per_minute",
    "expires_at",
    "expires_in",
    "networks",
    "signed",
    "approval_over",
    "approval_wait",
    "approval_expiry",
    "approval_price_band",
];

/// Reads a scope. `now` is when a lifetime begins.
pub(crate) fn read(fields: &mut Fields, now: Timestamp) -> Result<Scope, Complaints> {
    let (mut scope, mut complaints) = (Scope::default(), Complaints::default());
    acts::read(fields, &mut scope, &mut complaints);
    orders::read(fields, &mut scope, &mut complaints);
    caps::read(fields, &mut scope, &mut complaints);
    account::read(fields, &mut scope, &mut complaints);
    reach::read(fields, &mut scope, &mut complaints, now);
    approvals::read(fields, &mut scope, &mut complaints);
    // What was not read may be what makes sense of the rest.
    if complaints.is_empty() {
        sense::check(&scope, &mut complaints);
    }
    complaints.unless_any(scope)
}

/// Reads a change of a scope: a field that is given takes the place of what the scope has, `null` lifts a limit, and what is absent stays as
/// it is.
pub(crate) fn read_change(given: Fields, old: &Scope, now: Timestamp) -> Result<Scope, Complaints> {
    given.only(&FIELDS, &FIELDS)?;
    let mut base = written(old);
    if given.has("preset") || given.has("allow") {
        base.remove("allow");
    }
    let same_end = !given.has("expires_at") && !given.has("expires_in");
    let mut fields = given.over(base);
    let mut scope = read(&mut fields, now)?;
    fields.finish(&FIELDS)?;
    if same_end {
        scope.expires_at = old.expires_at;
    }
    keep_signed(old, &scope)?;
    Ok(scope)
}

/// Whether requests are signed was decided when the key was issued.
pub(crate) fn keep_signed(old: &Scope, new: &Scope) -> Result<(), Problem> {
    if new.signed == old.signed {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "signed_for_good",
        "Decided when the key was issued",
        "whether requests are signed does not change: what signatures are checked with is kept from the start, or never",
        "issue a new access key, and revoke this one",
    )
    .with("field", "signed"))
}

/// A list of entries as a set.
fn set<T: Ord>(
    fields: &mut Fields,
    name: &str,
    read: impl Fn(&str) -> Result<T, Problem>,
) -> Result<Option<BTreeSet<T>>, Problem> {
    fields.list(name)?.map(|items| items.iter().map(|item| read(item)).collect()).transpose()
}

/// A list of words as a set; `allowed` are all there are.
fn words<T: Ord + FromStr>(
    fields: &mut Fields,
    name: &str,
    allowed: &[&str],
) -> Result<Option<BTreeSet<T>>, Problem> {
    set(fields, name, |text| {
        text.to_ascii_lowercase().parse().map_err(|_| Problem::not_allowed(name, text, allowed))
    })
}

/// One word of some; `allowed` are all there are.
fn word<T: FromStr>(fields: &mut Fields, name: &str, allowed: &[&str]) -> Result<Option<T>, Problem> {
    let Some(text) = fields.text(name)? else { return Ok(None) };
    text.trim().to_ascii_lowercase().parse().map(Some).map_err(|_| Problem::not_allowed(name, &text, allowed))
}

#[cfg(test)]
mod tests;
