//! From when on a change is ours, by the service's own time: a list that is behind, now or before, shows somebody else's change in its place.

use http::header::DATE;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::{SignedDuration, Timestamp};

use crate::Answer;
use crate::consumer::UNSEEN;

/// How much the clocks of a service's machines may differ, and times may be cut off.
const SLACK: SignedDuration = SignedDuration::from_secs(5);

/// The earliest instant of what is changed after this answer, by the service's time, or by ours where it tells none.
pub(super) fn since(answer: &Answer, now: Timestamp) -> Timestamp {
    let date = answer.headers.get(DATE).and_then(|date| date.to_str().ok());
    let theirs = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
    theirs.unwrap_or(now).checked_sub(SLACK).unwrap_or(Timestamp::MIN)
}

/// The version of a change that was made and is not listed yet.
pub(super) fn unseen(since: Timestamp) -> String {
    format!("{UNSEEN}{since}")
}

/// Since when a change is to be listed that was not when it was made; nothing for a version that was seen.
pub(super) fn of_unseen(version: &str) -> Option<Timestamp> {
    version.strip_prefix(UNSEEN)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::theirs(Some("Fri, 27 Nov 2026 19:00:00 GMT"), "2026-11-27T18:59:55Z")]
    #[case::odd(Some("yesterday"), "2026-11-27T19:59:55Z")]
    #[case::none(None, "2026-11-27T19:59:55Z")]
    fn a_change_is_dated_by_the_service(#[case] date: Option<&'static str>, #[case] expected: &str) {
        let headers: HeaderMap =
            date.map(|date| (DATE, HeaderValue::from_static(date))).into_iter().collect();
        let answer = Answer { status: StatusCode::OK, headers, body: zeroize::Zeroizing::default() };
        let since = since(&answer, "2026-11-27T20:00:00Z".parse().unwrap());
        assert_eq!(since.to_string(), expected);
        assert_eq!(of_unseen(&unseen(since)), Some(since));
        assert_eq!(of_unseen("A@2026-11-27T20:00:00Z"), None);
    }
}
