//! When, until when, from where and how a key may be used.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;
use paddock_core::Scope;
use paddock_core::scope::Hours;

use super::{set, word};
use crate::complaints::Complaints;
use crate::fields::Fields;
use crate::lifetime;
use crate::problem::Problem;

pub(super) fn read(fields: &mut Fields, scope: &mut Scope, complaints: &mut Complaints, now: Timestamp) {
    scope.hours = complaints.hear(hours(fields));
    scope.expires_at = complaints.hear(expiry(fields, now));
    let networks = complaints.hear(set(fields, "networks", network));
    scope.networks = networks.map(|networks| networks.into_iter().collect());
    scope.signed = complaints.hear(word(fields, "signed", &["required"]));
}

fn hours(fields: &mut Fields) -> Result<Option<Hours>, Problem> {
    let Some(text) = fields.text("hours")? else { return Ok(None) };
    let expected = "`regular`, or two times of New York such as `09:45-15:30`";
    text.trim().parse().map(Some).map_err(|_| Problem::field("hours", expected))
}

/// A network as `10.0.0.0/8`, or one address.
fn network(text: &str) -> Result<IpNet, Problem> {
    text.parse::<IpNet>()
        .map(|network| network.trunc())
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| {
            Problem::field("networks", "networks like `10.0.0.0/8` or `fd00::/8`, or single addresses")
        })
}

fn expiry(fields: &mut Fields, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    let at = fields.text("expires_at")?;
    let after = fields.text("expires_in")?;
    let expiry = match (at, after) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(Problem::field("expires_in", "either `expires_at` or `expires_in`, not both"));
        }
        (Some(at), None) => at.trim().parse::<Timestamp>().map_err(|_| {
            Problem::field("expires_at", "an instant with its offset, for example `2026-12-21T15:00:00Z`")
        })?,
        (None, Some(after)) => lifetime::parse(&after)
            .and_then(|lifetime| lifetime::end(now, lifetime))
            .ok_or_else(|| Problem::field("expires_in", lifetime::EXPECTED))?,
    };
    if expiry <= now {
        return Err(Problem::field("expires_at", "an instant in the future"));
    }
    Ok(Some(expiry))
}
