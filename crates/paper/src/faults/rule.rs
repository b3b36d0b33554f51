//! What goes wrong, for whom, and how often.

use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::operation;
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use crate::stream::{SERVER_SENT_PATH, Stream};

/// The longest delay that can be asked for, milliseconds.
const MAX_MILLISECONDS: u64 = 600_000;

/// All operations, or all streams.
pub const ALL: &str = "*";

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// The answer takes longer.
    Latency {
        /// At least by so much.
        milliseconds: u64,
        /// And by up to so much more, drawn from the seed.
        jitter_milliseconds: u64,
    },
    /// The answer is an error.
    Error {
        /// From 400 to 599.
        status: u16,
        /// Whether the request is done nevertheless.
        when: When,
        /// Whether the `X-RateLimit-*` headers are there; with status 429 they say that nothing is left.
        rate_limit_headers: bool,
        /// The `Retry-After` header, seconds.
        retry_after: Option<u64>,
    },
    /// The connection is closed instead of an answer.
    Drop {
        /// Whether the request is done nevertheless.
        when: When,
        /// How much of the answer comes.
        reply: Reply,
    },
    /// No answer comes while the rule stands, and the connection stays open.
    Hang {
        /// Whether the request is done nevertheless.
        when: When,
    },
    /// An open stream says nothing any more, not even to a ping, while the rule stands. Then it goes on.
    HalfOpen,
    /// Streams are cut off.
    Disconnect {
        /// The close code that the client is told; without one the connection ends without a word.
        code: Option<u16>,
        /// Whether streams that are opened later are cut off too.
        reconnects: bool,
    },
    /// Streams are ended as those of slow clients are.
    SlowClient,
    /// Market data stands still, for requests and on streams. Orders are filled at the prices that nobody sees.
    Stale {
        /// Since when; since the rule was made, if absent.
        at: Option<Timestamp>,
    },
    /// The pair of the account whose request it is dies before the request is looked at.
    KeyDeath,
}

/// When a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Before it was done, so that it has no effect.
    Before,
    /// After it was done.
    After,
}

/// How much of an answer comes before the connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Not a byte.
    Nothing,
    /// Its head, and nothing of its body.
    Headers,
}

/// A fault with what it applies to. Without a selection a fault of requests applies to all requests, and one of streams to all
/// streams; what is named must all be met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FaultRule {
    /// What goes wrong.
    #[serde(flatten)]
    pub fault: Fault,
    /// Ids of operations, or [`ALL`].
    pub operations: Vec<String>,
    /// Paths of streams, or [`ALL`]: for faults of requests these are handshakes.
    pub streams: Vec<String>,
    /// The account whose Key ID is sent, right secret or not.
    pub account: Option<Uuid>,
    /// The Key ID that is sent.
    pub key_id: Option<String>,
    /// What the path begins with.
    pub path: Option<String>,
    /// So many that match are left alone first.
    pub skip: u64,
    /// It ends when it has fired so often.
    pub count: Option<u64>,
    /// How likely it is for each that matches, above 0 and up to 1.
    pub probability: Option<Decimal>,
    /// It ends after so many seconds of the broker's time.
    pub for_seconds: Option<u64>,
    /// Decides what is drawn; the broker's, if absent. The same seed and the same requests have the same faults.
    pub seed: Option<u64>,
}

/// A rule cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadRule(pub String);

/// What a rule may apply to: one request, one handshake, or one open stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub on: On,
    pub path: &'a str,
    /// `None` when nobody has that path.
    pub operation: Option<&'a str>,
    pub account: Option<Uuid>,
    pub key_id: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Request,
    Handshake,
    Stream,
}

impl FaultRule {
    /// A fault for everything that it can apply to, until it is removed.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            operations: Vec::new(),
            streams: Vec::new(),
            account: None,
            key_id: None,
            path: None,
            skip: 0,
            count: None,
            probability: None,
            for_seconds: None,
            seed: None,
        }
    }

    /// For one more operation.
    #[must_use]
    pub fn operation(mut self, id: &str) -> Self {
        self.operations.push(id.to_owned());
        self
    }

    /// For one more stream.
    #[must_use]
    pub fn stream(mut self, path: &str) -> Self {
        self.streams.push(path.to_owned());
        self
    }

    /// So often, then no more.
    #[must_use]
    pub const fn times(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Looks whether it can be.
    ///
    /// # Errors
    /// [`BadRule`] with what is wrong.
    pub fn check(&self) -> Result<(), BadRule> {
        let bad = |message: String| Err(BadRule(message));
        for id in self.operations.iter().filter(|id| *id != ALL) {
            if operation::by_id(id).is_none() {
                return bad(format!("no operation is called {id}: docs/paper-broker.md has their ids"));
            }
        }
        for path in self.streams.iter().filter(|path| *path != ALL) {
            if path == SERVER_SENT_PATH {
                if self.fault.is_of_requests() && !self.fault.is_of_streams() {
                    return bad("choose server-sent events by the operation subscribeToTradesSSE".to_owned());
                }
            } else if !Stream::paths().any(|known| known == path) {
                let known: Vec<&str> = Stream::paths().chain([SERVER_SENT_PATH]).collect();
                return bad(format!("no stream is at {path}: the streams are {}", known.join(", ")));
            }
        }
        if !self.fault.is_of_requests() && (!self.operations.is_empty() || self.path.is_some()) {
            return bad(
                "this fault is one of streams: choose by streams, not by operations or path".to_owned()
            );
        }
        if self.fault == Fault::KeyDeath && !self.streams.is_empty() {
            return bad("key_death comes with a request: choose by operations, not by streams".to_owned());
        }
        match self.fault {
            Fault::Latency { milliseconds, jitter_milliseconds } => {
                if milliseconds.saturating_add(jitter_milliseconds) > MAX_MILLISECONDS {
                    return bad(format!(
                        "milliseconds with jitter_milliseconds must be at most {MAX_MILLISECONDS}"
                    ));
                }
                if milliseconds == 0 && jitter_milliseconds == 0 {
                    return bad("latency needs milliseconds or jitter_milliseconds".to_owned());
                }
            }
            Fault::Error { status, .. } if !(400..=599).contains(&status) => {
                return bad("status must be from 400 to 599".to_owned());
            }
            Fault::Disconnect { code: Some(code), .. } if !is_close_code(code) => {
                return bad("code must be one that a server may send: 1000 to 1014 without 1004 to 1006, or 3000 to 4999".to_owned());
            }
            _ => {}
        }
        if self.count == Some(0) || self.for_seconds == Some(0) {
            return bad("count and for_seconds must be at least 1".to_owned());
        }
        if self.probability.is_some_and(|chance| chance <= Decimal::ZERO || chance > Decimal::ONE) {
            return bad("probability must be above 0 and at most 1".to_owned());
        }
        Ok(())
    }

    /// How long it lasts; for ever, if nothing is said.
    pub(super) fn lasts(&self) -> Option<SignedDuration> {
        self.for_seconds.map(|seconds| SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)))
    }

    /// Whether it applies, apart from how often and how likely.
    pub(super) fn matches(&self, subject: &Subject<'_>) -> bool {
        let named = |names: &[String], name: &str| names.iter().any(|known| known == ALL || known == name);
        let chosen = match subject.on {
            On::Request if self.operations.is_empty() => {
                self.fault.is_of_requests() && self.streams.is_empty()
            }
            On::Request => match subject.operation {
                Some(id) => named(&self.operations, id),
                None => self.operations.iter().any(|known| known == ALL),
            },
            On::Handshake => self.fault.is_of_handshakes() && named(&self.streams, subject.path),
            On::Stream if self.streams.is_empty() => self.fault.is_of_streams() && self.operations.is_empty(),
            On::Stream => self.fault.is_of_streams() && named(&self.streams, subject.path),
        };
        chosen
            && self.account.is_none_or(|account| subject.account == Some(account))
            && self.key_id.as_deref().is_none_or(|key_id| subject.key_id == Some(key_id))
            && self.path.as_deref().is_none_or(|path| subject.path.starts_with(path))
    }
}

impl Fault {
    pub(super) const fn is_of_requests(&self) -> bool {
        !matches!(self, Self::HalfOpen | Self::Disconnect { .. } | Self::SlowClient)
    }

    const fn is_of_handshakes(&self) -> bool {
        matches!(self, Self::Latency { .. } | Self::Error { .. } | Self::Drop { .. } | Self::Hang { .. })
    }

    const fn is_of_streams(&self) -> bool {
        matches!(self, Self::HalfOpen | Self::Disconnect { .. } | Self::SlowClient | Self::Stale { .. })
    }

    /// Its name, as it is written in a rule.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::Error { .. } => "error",
            Self::Drop { .. } => "drop",
            Self::Hang { .. } => "hang",
            Self::HalfOpen => "half_open",
            Self::Disconnect { .. } => "disconnect",
            Self::SlowClient => "slow_client",
            Self::Stale { .. } => "stale",
            Self::KeyDeath => "key_death",
        }
    }
}

/// Which close codes may be sent (RFC 6455, 7.4).
fn is_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const LATENCY: Fault = Fault::Latency { milliseconds: 5, jitter_milliseconds: 0 };

    fn order() -> Subject<'static> {
        let account = Some(Uuid::from_u128(1));
        Subject {
            on: On::Request,
            path: "/v2/orders",
            operation: Some("postOrder"),
            account,
            key_id: Some("PK1"),
        }
    }

    #[rstest]
    #[case::everything(FaultRule::new(LATENCY), true)]
    #[case::operation(FaultRule::new(LATENCY).operation("postOrder"), true)]
    #[case::other_operation(FaultRule::new(LATENCY).operation("getAccount"), false)]
    #[case::one_of_two(FaultRule::new(LATENCY).operation("getAccount").operation("postOrder"), true)]
    #[case::handshakes_only(FaultRule::new(LATENCY).stream("/stream"), false)]
    #[case::account(FaultRule { account: Some(Uuid::from_u128(1)), ..FaultRule::new(LATENCY) }, true)]
    #[case::other_account(FaultRule { account: Some(Uuid::from_u128(2)), ..FaultRule::new(LATENCY) }, false)]
    #[case::other_key(FaultRule { key_id: Some("PK2".to_owned()), ..FaultRule::new(LATENCY) }, false)]
    #[case::path(FaultRule { path: Some("/v2/ord".to_owned()), ..FaultRule::new(LATENCY) }, true)]
    #[case::other_path(FaultRule { path: Some("/v2/positions".to_owned()), ..FaultRule::new(LATENCY) }, false)]
    #[case::a_fault_of_streams(FaultRule::new(Fault::HalfOpen), false)]
    fn a_rule_applies_to_what_it_names(#[case] rule: FaultRule, #[case] expected: bool) {
        assert_eq!(rule.check(), Ok(()));
        assert_eq!(rule.matches(&order()), expected);
    }

    #[rstest]
    #[case(FaultRule::new(LATENCY).operation("postorder"), "no operation is called postorder")]
    #[case(FaultRule::new(LATENCY).stream("/v2/everything"), "no stream is at /v2/everything")]
    #[case(FaultRule::new(Fault::HalfOpen).operation("postOrder"), "choose by streams")]
    #[case(FaultRule::new(Fault::KeyDeath).stream("*"), "choose by operations")]
    #[case(FaultRule::new(Fault::Latency { milliseconds: 0, jitter_milliseconds: 0 }), "latency needs")]
    #[case(FaultRule::new(Fault::Latency { milliseconds: u64::MAX, jitter_milliseconds: 1 }), "at most 600000")]
    #[case(FaultRule::new(Fault::Disconnect { code: Some(1006), reconnects: false }), "code must be")]
    #[case(FaultRule::new(LATENCY).times(0), "at least 1")]
    #[case(FaultRule { probability: Some(Decimal::TWO), ..FaultRule::new(LATENCY) }, "probability must be")]
    fn a_rule_that_cannot_be_says_why(#[case] rule: FaultRule, #[case] expected: &str) {
        let message = rule.check().unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}
