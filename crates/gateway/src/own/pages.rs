//! Going through a list of the broker's, page by page.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::AlpacaError;
use paddock_alpaca::path::Query;
use paddock_alpaca::wire::OrderIdentity;

/// The most orders that Alpaca gives at once.
pub(super) const ORDERS_AT_ONCE: usize = 500;

/// The most activities that Alpaca gives at once.
pub(super) const ACTIVITIES_AT_ONCE: usize = 100;

/// How many pages are asked for to fill one of a key's own. A list of others' orders that is longer is refused: every page is a request of
/// the account's 200 a minute.
pub(super) const MOST_PAGES: usize = 10;

/// How far two pages overlap, since orders may have the same instant: more than the broker may round by.
const OVERLAP: SignedDuration = SignedDuration::from_millis(2);

/// The query with some parameters in the place of those of the same name.
pub(super) fn with(query: &Query, set: &[(&str, &str)]) -> Query {
    let kept = query.iter().filter(|(name, _)| !set.iter().any(|(other, _)| other == name));
    Query::of(&kept.chain(set.iter().copied()).collect::<Vec<_>>())
}

/// A count as the query states it.
pub(super) fn count(query: &Query, name: &str, usual: usize, most: usize) -> Result<usize, AlpacaError> {
    match query.get(name).map(str::parse::<usize>) {
        None => Ok(usual),
        Some(Ok(count)) if (1..=most).contains(&count) => Ok(count),
        Some(_) => Err(AlpacaError::invalid_field(format!("{name} must be between 1 and {most}"))),
    }
}

/// Where a reading of the list of orders stands. `before_order_id` and `after_order_id` cannot be combined with instants, so that who asks
/// by the one is led on by the one.
pub(super) struct OrderPages {
    query: Query,
    ascending: bool,
    seen: HashSet<uuid::Uuid>,
}

impl OrderPages {
    pub(super) fn of(query: &Query) -> Result<Self, AlpacaError> {
        let ascending = match query.get("direction") {
            None | Some("desc") => false,
            Some("asc") => true,
            Some(_) => return Err(AlpacaError::invalid_field("direction must be asc or desc".to_owned())),
        };
        let all = ORDERS_AT_ONCE.to_string();
        Ok(Self { query: with(query, &[("limit", &all)]), ascending, seen: HashSet::new() })
    }

    /// The query of the next page.
    pub(super) const fn query(&self) -> &Query {
        &self.query
    }

    /// Whether an order was in no page before.
    pub(super) fn is_new(&mut self, order: &OrderIdentity) -> bool {
        self.seen.insert(order.id)
    }

    /// Goes on behind a page that was full. `false` when that is not possible.
    pub(super) fn turn(&mut self, page: &[OrderIdentity], any_new: bool) -> bool {
        let (by_id, by_time) =
            if self.ascending { ("after_order_id", "after") } else { ("before_order_id", "until") };
        let Some(last) = page.last().filter(|_| any_new) else { return false };
        if self.query.get(by_id).is_some() {
            self.query = with(&self.query, &[(by_id, &last.id.to_string())]);
            return true;
        }
        if self.query.get("before_order_id").or_else(|| self.query.get("after_order_id")).is_some() {
            return false;
        }
        let instants = page.iter().map(|order| order.submitted_at).collect::<Option<Vec<_>>>();
        let edge = instants.and_then(|instants| {
            if self.ascending { instants.into_iter().max() } else { instants.into_iter().min() }
        });
        let stated = match self.query.get(by_time).map(str::parse::<Timestamp>) {
            None => None,
            Some(Ok(stated)) => Some(stated),
            // What the broker reads as an instant and Paddock does not cannot be compared with one.
            Some(Err(_)) => return false,
        };
        let Some(next) = edge.and_then(|edge| {
            if self.ascending {
                edge.checked_sub(OVERLAP).ok().map(|next| stated.map_or(next, |stated| stated.max(next)))
            } else {
                edge.checked_add(OVERLAP).ok().map(|next| stated.map_or(next, |stated| stated.min(next)))
            }
        }) else {
            return false;
        };
        self.query = with(&self.query, &[(by_time, &next.to_string())]);
        true
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn order(number: u128, at: &str) -> OrderIdentity {
        serde_json::from_value(json!({"id": Uuid::from_u128(number), "submitted_at": at})).unwrap()
    }

    #[rstest]
    #[case::newest_first("status=all&limit=3", Some("until=2026-11-20T15%3A00%3A01.002Z"))]
    #[case::oldest_first("direction=asc", Some("after=2026-11-20T15%3A00%3A01.998Z"))]
    #[case::never_beyond_what_is_asked(
        "until=2026-11-20T15%3A00%3A01.001Z",
        Some("until=2026-11-20T15%3A00%3A01.001Z")
    )]
    #[case::by_id("before_order_id=x", Some("before_order_id=00000000-0000-0000-0000-000000000001"))]
    #[case::the_other_way("after_order_id=x", None)]
    #[case::no_instant("until=yesterday", None)]
    fn the_next_page_begins_where_the_last_one_ended(#[case] query: &str, #[case] expected: Option<&str>) {
        let mut pages = OrderPages::of(&Query::parse(query).unwrap()).unwrap();
        let page = [order(2, "2026-11-20T15:00:02Z"), order(1, "2026-11-20T15:00:01Z")];
        assert_eq!(pages.turn(&page, true), expected.is_some());
        let next = pages.query().to_upstream();
        assert!(next.contains("limit=500") && !next.contains("limit=3"), "{next}");
        assert!(next.contains(expected.unwrap_or_default()), "{next}");
        assert!(!pages.turn(&page, false), "a page with nothing new leads nowhere");
    }

    #[rstest]
    #[case("", Ok(50))]
    #[case("limit=500", Ok(500))]
    #[case("limit=501", Err(()))]
    #[case("limit=0", Err(()))]
    #[case("limit=-1", Err(()))]
    fn limits(#[case] query: &str, #[case] expected: Result<usize, ()>) {
        assert_eq!(count(&Query::parse(query).unwrap(), "limit", 50, 500).map_err(drop), expected);
    }
}
