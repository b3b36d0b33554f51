//! What the head of an answer of Alpaca's says about the budget.

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822;

pub(crate) const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
pub(crate) const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
pub(crate) const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// A second in microseconds.
pub(super) const SECOND: i64 = 1_000_000;

/// A minute ends at most so far ahead; beyond, the header speaks of another clock than ours.
const NEAR: i64 = 90 * SECOND;

/// Clocks that are further apart than this are not the same time told differently: one of them is a simulation.
const SKEW: i64 = 120 * SECOND;

/// No pause is longer, whatever an answer says.
const LONGEST_PAUSE: i64 = 120;

/// What the head of an answer says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// Whether the request was refused because there were too many: status 429.
    pub(crate) limited: bool,
    /// Requests a minute.
    pub(super) limit: Option<u32>,
    /// How many were left after this one.
    pub(super) remaining: Option<u32>,
    /// When the minute ends.
    pub(super) reset: Reset,
    /// For how long nothing should be sent, in microseconds.
    pub(super) pause: Option<i64>,
}

/// When the minute ends that an answer speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reset {
    /// It is not said, or in a time that is not ours.
    #[default]
    Unknown,
    /// At this instant of our clock, in microseconds.
    At(i64),
    /// It is over: the answer says nothing about the present one.
    Over,
}

impl Head {
    /// Reads the head of an answer that came at `now`.
    pub(crate) fn read(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Self {
        let now = now.as_microsecond();
        let retry_after = number(headers, &RETRY_AFTER).filter(|_| status == StatusCode::TOO_MANY_REQUESTS);
        Self {
            limited: status == StatusCode::TOO_MANY_REQUESTS,
            limit: number(headers, &LIMIT).and_then(|limit| u32::try_from(limit).ok()).filter(|n| *n > 0),
            remaining: number(headers, &REMAINING).and_then(|left| u32::try_from(left).ok()),
            reset: number(headers, &RESET).map_or(Reset::Unknown, |reset| reset_at(reset, headers, now)),
            pause: retry_after.map(|seconds| seconds.clamp(1, LONGEST_PAUSE) * SECOND),
        }
    }
}

/// The instant of our clock at which the minute ends. If Alpaca's clock and ours differ, the answer's `Date` tells by how much.
fn reset_at(reset: i64, headers: &HeaderMap, now: i64) -> Reset {
    let told =
        headers.get(DATE).and_then(|date| date.to_str().ok()).and_then(|date| rfc2822::parse(date).ok());
    let ahead_of_ours = told.map_or(0, |told| told.timestamp().as_microsecond().saturating_sub(now));
    // The date has whole seconds, so that a small difference is none.
    let skew = if (2 * SECOND..=SKEW).contains(&ahead_of_ours.abs()) { ahead_of_ours } else { 0 };
    let at = reset.saturating_mul(SECOND).saturating_sub(skew);
    match at.saturating_sub(now) {
        ahead if !(-SKEW..=NEAR).contains(&ahead) => Reset::Unknown,
        ahead if ahead > 0 => Reset::At(at),
        _ => Reset::Over,
    }
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok().filter(|number| *number >= 0)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NOW: &str = "2026-11-20T15:00:30Z";

    fn read(status: u16, headers: &[(&str, &str)]) -> Head {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        Head::read(StatusCode::from_u16(status).unwrap(), &headers, NOW.parse().unwrap())
    }

    fn at(text: &str) -> Reset {
        Reset::At(text.parse::<Timestamp>().unwrap().as_microsecond())
    }

    #[rstest]
    // 2026-11-20T15:01:00Z
    #[case(&[("x-ratelimit-reset", "1795186860")], at("2026-11-20T15:01:00Z"))]
    #[case(&[("x-ratelimit-reset", "1795186860"), ("date", "Fri, 20 Nov 2026 15:00:29 GMT")], at("2026-11-20T15:01:00Z"))]
    // Alpaca's clock is 10 seconds ahead of ours, and then 40 behind.
    #[case(&[("x-ratelimit-reset", "1795186860"), ("date", "Fri, 20 Nov 2026 15:00:40 GMT")], at("2026-11-20T15:00:50Z"))]
    #[case(&[("x-ratelimit-reset", "1795186800"), ("date", "Fri, 20 Nov 2026 14:59:50 GMT")], at("2026-11-20T15:00:40Z"))]
    // A simulated time says nothing.
    #[case(&[("x-ratelimit-reset", "1795186860"), ("date", "Sat, 21 Nov 2026 15:00:40 GMT")], at("2026-11-20T15:01:00Z"))]
    #[case(&[("x-ratelimit-reset", "1795190000")], Reset::Unknown)]
    #[case(&[("x-ratelimit-reset", "1795180000")], Reset::Unknown)]
    #[case(&[("x-ratelimit-reset", "99999999999999999")], Reset::Unknown)]
    #[case(&[("x-ratelimit-reset", "1795186800")], Reset::Over)]
    #[case(&[("x-ratelimit-reset", "soon")], Reset::Unknown)]
    #[case(&[], Reset::Unknown)]
    fn the_end_of_the_minute_is_told_by_our_clock(#[case] headers: &[(&str, &str)], #[case] expected: Reset) {
        assert_eq!(read(200, headers).reset, expected);
    }

    #[test]
    fn numbers_are_read_and_nonsense_is_not() {
        let head = read(200, &[("x-ratelimit-limit", "200"), ("x-ratelimit-remaining", "12")]);
        assert_eq!((head.limit, head.remaining, head.limited), (Some(200), Some(12), false));
        let head = read(200, &[("x-ratelimit-limit", "0"), ("x-ratelimit-remaining", "-1")]);
        assert_eq!((head.limit, head.remaining), (None, None));
    }

    #[rstest]
    #[case(429, "7", Some(7))]
    #[case(429, "0", Some(1))]
    #[case(429, "86400", Some(120))]
    #[case(429, "Fri, 20 Nov 2026 15:00:40 GMT", None)]
    #[case(503, "7", None)]
    fn a_pause_is_bounded(#[case] status: u16, #[case] retry_after: &str, #[case] seconds: Option<i64>) {
        let head = read(status, &[("retry-after", retry_after)]);
        assert_eq!(head.pause, seconds.map(|seconds| seconds * SECOND));
    }
}
