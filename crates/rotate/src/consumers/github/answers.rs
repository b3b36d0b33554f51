//! GitHub's answers.

use std::time::Duration;

use jiff::fmt::rfc2822;
use paddock_core::Clock;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::place::Visibility;
use crate::consumers::api::Api;
use crate::{Answer, Fault, FaultKind};

#[derive(Deserialize)]
pub(super) struct PublicKey {
    pub(super) key_id: String,
    pub(super) key: String,
}

#[derive(Deserialize)]
pub(super) struct Secret {
    pub(super) updated_at: String,
    /// Of an organisation's.
    #[serde(default)]
    pub(super) visibility: Option<Visibility>,
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) login: String,
}

#[derive(Deserialize)]
pub(super) struct Repository {
    #[serde(default)]
    pub(super) archived: bool,
    #[serde(default)]
    pub(super) permissions: Option<Permissions>,
}

#[derive(Deserialize)]
pub(super) struct Permissions {
    #[serde(default)]
    pub(super) admin: bool,
    #[serde(default)]
    pub(super) maintain: bool,
    #[serde(default)]
    pub(super) push: bool,
}

#[derive(Deserialize)]
pub(super) struct Selected {
    pub(super) total_count: usize,
    pub(super) repositories: Vec<SelectedRepository>,
}

#[derive(Deserialize)]
pub(super) struct SelectedRepository {
    pub(super) id: u64,
}

/// The JSON of a successful answer.
pub(super) fn read<T: DeserializeOwned>(api: &Api, clock: &dyn Clock, answer: Answer) -> Result<T, Fault> {
    api.read(succeeded(api, clock, answer)?)
}

/// Lets a success through. GitHub's limits come as 403 or 429 with headers that tell them apart from a missing right.
pub(super) fn succeeded(api: &Api, clock: &dyn Clock, answer: Answer) -> Result<Answer, Fault> {
    let header = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
    let limited = header("x-ratelimit-remaining") == Some("0") || header("retry-after").is_some();
    if matches!(answer.status.as_u16(), 403 | 429) && limited {
        // The reset is GitHub's time; ours may be off.
        let now = header("date").and_then(|date| rfc2822::parse(date).ok());
        let now = now.map_or_else(|| clock.now().as_second(), |date| date.timestamp().as_second());
        let reset = header("x-ratelimit-reset").and_then(|reset| reset.parse::<i64>().ok());
        let wait = reset.and_then(|reset| u64::try_from(reset - now).ok()).map(Duration::from_secs);
        let message = format!("{} asks for fewer requests", api.host());
        let kind = FaultKind::Limited(answer.retry_after().or(wait));
        return Err(Fault::new(kind, message, "It is tried again later."));
    }
    api.succeeded(answer)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};
    use paddock_core::ManualClock;
    use rstest::rstest;

    use super::*;
    use crate::{Outbound, OutboundOptions};

    #[rstest]
    // GitHub's limits: the secondary one, and the one an hour, by its own clock or by ours when it tells no time.
    #[case(403, &[("retry-after", "60")], FaultKind::Limited(Some(Duration::from_secs(60))))]
    #[case(
        403,
        &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795810000"), ("date", "Fri, 27 Nov 2026 20:06:30 GMT")],
        FaultKind::Limited(Some(Duration::from_secs(10)))
    )]
    #[case(
        429,
        &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1795810000")],
        FaultKind::Limited(Some(Duration::from_secs(40)))
    )]
    #[case(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "5")], FaultKind::Limited(None))]
    // A missing right.
    #[case(403, &[("x-ratelimit-remaining", "4999")], FaultKind::Forbidden)]
    #[case(401, &[], FaultKind::Login)]
    fn limits_are_no_missing_rights(
        #[case] status: u16,
        #[case] headers: &[(&'static str, &'static str)],
        #[case] kind: FaultKind,
    ) {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer { status, headers, body: zeroize::Zeroizing::default() };
        let api = Api::new(&Outbound::new(OutboundOptions::default()).unwrap(), "https://api.github.com");
        let clock = ManualClock::new(jiff::Timestamp::from_second(1_795_809_960).unwrap());
        assert_eq!(succeeded(&api, &clock, answer).unwrap_err().kind, kind);
    }
}
