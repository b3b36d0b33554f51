//! Instants in queries and bodies: a day, which is one of UTC as all times of the audit are, or an instant.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::problem::Problem;
use crate::query::{Query, bad};

/// What may be written.
pub(crate) const EXPECTED: &str =
    "a day such as 2026-11-20, which is one of UTC, or an instant such as 2026-11-20T15:00:00Z";

/// The instant, or the beginning of the day.
pub(crate) fn parse_start(text: &str) -> Option<Timestamp> {
    match text.parse::<Date>() {
        Ok(day) if !text.contains('T') => midnight(day),
        _ => text.parse().ok(),
    }
}

/// The instant, or the end of the day.
pub(crate) fn parse_end(text: &str) -> Option<Timestamp> {
    match text.parse::<Date>() {
        Ok(day) if !text.contains('T') => midnight(day.tomorrow().ok()?),
        _ => text.parse().ok(),
    }
}

fn midnight(day: Date) -> Option<Timestamp> {
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// A parameter from which something begins.
pub(crate) fn start(query: &mut Query, name: &str) -> Result<Option<Timestamp>, Problem> {
    query.text(name).map(|text| parse_start(&text).ok_or_else(|| bad(name, EXPECTED))).transpose()
}

/// A parameter with which something ends.
pub(crate) fn end(query: &mut Query, name: &str) -> Result<Option<Timestamp>, Problem> {
    query.text(name).map(|text| parse_end(&text).ok_or_else(|| bad(name, EXPECTED))).transpose()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2026-11-20", Some("2026-11-20T00:00:00Z"), Some("2026-11-21T00:00:00Z"))]
    #[case("2026-11-20T15:00:00Z", Some("2026-11-20T15:00:00Z"), Some("2026-11-20T15:00:00Z"))]
    #[case("2026-11-20T15:00:00", None, None)]
    #[case("yesterday", None, None)]
    #[case("9999-12-31", Some("9999-12-31T00:00:00Z"), None)]
    fn days_and_instants(#[case] text: &str, #[case] start: Option<&str>, #[case] end: Option<&str>) {
        let instant = |text: &str| text.parse::<Timestamp>().unwrap();
        // The last day that there is begins, but does not end.
        if text.starts_with("9999") {
            assert_eq!(parse_end(text), None);
            return;
        }
        assert_eq!((parse_start(text), parse_end(text)), (start.map(instant), end.map(instant)));
    }
}
