//! One request as a row of the page.

use askama::Template;
use jiff::Timestamp;
use paddock_core::decide::ReasonCode;
use paddock_gateway::{Outcome, RequestLine};

use super::activity::operation_words;
use super::text::{Moment, latency};

/// A request. Also sent by itself as an event, so that the page and the event cannot differ.
#[derive(Debug, Template)]
#[template(path = "request_row.html")]
pub(super) struct RequestRow {
    row: RequestCells,
}

impl RequestRow {
    pub(super) fn new(line: RequestLine, now: Timestamp) -> Self {
        Self { row: RequestCells::new(line, now) }
    }
}

/// What stands in the row of a request.
#[derive(Debug)]
pub(super) struct RequestCells {
    pub(super) id: String,
    pub(super) at: Moment,
    pub(super) key_name: Option<String>,
    pub(super) connection: Option<String>,
    pub(super) environment: Option<&'static str>,
    /// What it would do: the order in one line, or the operation in words, where that is known.
    pub(super) act: Option<String>,
    pub(super) target: String,
    /// One of the words of [`decision`].
    pub(super) decision: &'static str,
    pub(super) reason: Option<String>,
    pub(super) message: Option<String>,
    pub(super) status: u16,
    pub(super) latency: String,
}

impl RequestCells {
    pub(super) fn new(line: RequestLine, now: Timestamp) -> Self {
        let decision = decision(&line.outcome);
        let (reason, message) = told(line.outcome);
        let target = format!("{} {}", line.method, line.path);
        let act = line.summary.or_else(|| line.operation.map(|id| operation_words(id).to_owned()));
        Self {
            id: line.request.to_string(),
            at: Moment::clock(line.at, now),
            key_name: line.key_name,
            connection: line.connection,
            environment: line.environment.map(|environment| environment.as_str()),
            act,
            target,
            decision,
            reason,
            message,
            status: line.status,
            latency: latency(line.micros),
        }
    }
}

/// What became of a request in one word: `permitted`, `held`, `refused`, `unauthenticated` or `failed`. A program whose request is held
/// is answered with a refusal, but nobody has refused anything yet.
pub(super) fn decision(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Permitted => "permitted",
        Outcome::Refused { reason, .. } if reason == ReasonCode::ApprovalRequired.as_str() => "held",
        Outcome::Refused { .. } => "refused",
        Outcome::Unauthenticated => "unauthenticated",
        Outcome::Failed { .. } => "failed",
    }
}

/// The reason of a decision, and the sentence that tells it.
pub(super) fn told(outcome: Outcome) -> (Option<String>, Option<String>) {
    match outcome {
        Outcome::Permitted => (None, None),
        Outcome::Unauthenticated => (None, Some("no valid access key".to_owned())),
        Outcome::Refused { reason, message } | Outcome::Failed { reason, message } => {
            (Some(reason), Some(message))
        }
    }
}
