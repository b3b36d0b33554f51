//! What the JSON API answers when it says no.

use http::StatusCode;
use serde::Deserialize;

use crate::failure::Failure;

/// A problem document (`application/problem+json`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Problem {
    code: Option<String>,
    title: Option<String>,
    detail: Option<String>,
    next_step: Option<String>,
}

/// Codes that tell of a request that was not made as it should be.
const WRONG_USAGE: [&str; 4] = ["invalid_field", "missing_field", "unknown_operation", "name_looks_like_key"];

impl Problem {
    /// Reads an answer that is no success. What is no problem document is named by its status alone.
    pub(crate) fn read(status: StatusCode, body: &[u8]) -> Failure {
        let problem: Self = serde_json::from_slice(body).unwrap_or_default();
        problem.failure(status)
    }

    /// The problem as a failure of the command. Status 422 is a check that said no, unless the request itself was wrong. The
    /// title is shown where it is the label under which people know the problem.
    fn failure(self, status: StatusCode) -> Failure {
        let wrong_usage = self.code.as_deref().is_some_and(|code| WRONG_USAGE.contains(&code));
        let says_itself = wrong_usage || matches!(status, StatusCode::NOT_FOUND | StatusCode::CONFLICT);
        let message = match (self.title, self.detail) {
            (Some(title), Some(detail)) if !says_itself => format!("{title}: {detail}"),
            (_, Some(text)) | (Some(text), None) => text,
            (None, None) => format!("the server answered {status}"),
        };
        let failure = match status {
            _ if wrong_usage => Failure::usage(message),
            StatusCode::UNPROCESSABLE_ENTITY => Failure::refused(message),
            _ => Failure::new(message),
        };
        let failure = match self.code {
            Some(code) => failure.code(code),
            None => failure,
        };
        failure.hint(
            self.next_step.unwrap_or_else(|| "run `paddock doctor`, which looks for the cause".to_owned()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_becomes_an_error_and_a_hint() {
        let body = br#"{"code":"wrong_environment","title":"Paper mode mismatch","detail":"this key is a live key.","next_step":"connect it as live."}"#;
        let failure = Problem::read(StatusCode::UNPROCESSABLE_ENTITY, body);
        assert_eq!(
            failure.to_string(),
            "error: Paper mode mismatch: this key is a live key\nhint: connect it as live"
        );
    }

    #[test]
    fn a_wrong_field_is_wrong_usage() {
        let body =
            br#"{"code":"invalid_field","title":"Invalid field","detail":"`name` is not as it should be"}"#;
        let failure = Problem::read(StatusCode::UNPROCESSABLE_ENTITY, body);
        assert_eq!(failure.message(), "`name` is not as it should be");
        assert_eq!(format!("{:?}", failure.exit_code()), format!("{:?}", std::process::ExitCode::from(2)));
    }

    #[test]
    fn anything_else_is_named_by_its_status() {
        let failure = Problem::read(StatusCode::BAD_GATEWAY, b"<html>");
        assert_eq!(failure.message(), "the server answered 502 Bad Gateway");
    }
}
