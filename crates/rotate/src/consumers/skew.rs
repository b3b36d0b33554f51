//! A clock that is wrong: signatures with a time are refused then, and nothing else tells why.

use http::header::DATE;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use crate::{Answer, Fault, FaultKind};

/// How much a clock may be off before it explains a refusal: what AWS and Google allow.
const ALLOWED_MINUTES: i64 = 5;

/// The fault, if the answer's own date says that this machine's clock is wrong.
pub(super) fn explain(answer: &Answer, now: Timestamp) -> Option<Fault> {
    let date = answer.headers.get(DATE)?.to_str().ok()?;
    let theirs = DateTimeParser::new().parse_timestamp(date).ok()?;
    let minutes = now.duration_since(theirs).as_mins();
    if minutes.abs() < ALLOWED_MINUTES {
        return None;
    }
    let way = if minutes > 0 { "ahead" } else { "behind" };
    let message =
        format!("this machine's clock is {} minutes {way}, so that signatures are refused", minutes.abs());
    Some(Fault::new(FaultKind::Login, message, "Set the clock, or have it set from the network."))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Fri, 27 Nov 2026 20:00:00 GMT", None)]
    #[case("Fri, 27 Nov 2026 19:40:00 GMT", Some("20 minutes ahead"))]
    #[case("Fri, 27 Nov 2026 21:00:00 GMT", Some("60 minutes behind"))]
    #[case("yesterday", None)]
    fn a_wrong_clock_is_named(#[case] date: &'static str, #[case] expected: Option<&str>) {
        let headers = HeaderMap::from_iter([(DATE, HeaderValue::from_static(date))]);
        let answer = Answer { status: StatusCode::BAD_REQUEST, headers, body: zeroize::Zeroizing::default() };
        let fault = explain(&answer, "2026-11-27T20:00:00Z".parse().unwrap());
        assert_eq!(fault.is_some(), expected.is_some());
        if let (Some(fault), Some(expected)) = (fault, expected) {
            assert!(fault.message.contains(expected), "{fault}");
        }
    }
}
