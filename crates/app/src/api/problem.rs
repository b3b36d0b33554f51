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

impl Problem {
    /// Reads an answer that is no success. What is no problem document is named by its status alone.
    pub(crate) fn read(status: StatusCode, body: &[u8]) -> Failure {
        let problem: Self = serde_json::from_slice(body).unwrap_or_default();
        problem.failure(status)
    }

    /// The problem as a failure of the command. Status 422 is a check that said no.
    pub(crate) fn failure(self, status: StatusCode) -> Failure {
        let message = match (self.title, self.detail) {
            (Some(title), Some(detail)) if !repeats(&title, &detail) => format!("{title}: {detail}"),
            (_, Some(text)) | (Some(text), None) => text,
            (None, None) => format!("the server answered {status}"),
        };
        let mut failure = if status == StatusCode::UNPROCESSABLE_ENTITY {
            Failure::refused(message)
        } else {
            Failure::new(message)
        };
        if let Some(code) = self.code {
            failure = failure.code(code);
        }
        failure.hint(
            self.next_step.unwrap_or_else(|| "run `paddock doctor`, which looks for the cause".to_owned()),
        )
    }
}

/// Whether the title says nothing that the detail does not.
fn repeats(title: &str, detail: &str) -> bool {
    detail.to_lowercase().starts_with(&title.to_lowercase())
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
    fn anything_else_is_named_by_its_status() {
        let failure = Problem::read(StatusCode::BAD_GATEWAY, b"<html>");
        assert_eq!(failure.message(), "the server answered 502 Bad Gateway");
    }
}
