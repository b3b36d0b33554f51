//! What a command says when it does not succeed.

use std::fmt;
use std::process::ExitCode;

use serde_json::{Value, json};

/// The documented exit statuses besides 0. Usage errors (2) are clap's, and [`Failure::usage`]'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Something went wrong: 1.
    Failed,
    /// The command was not given what it needs: 2.
    Usage,
    /// A check said no: the credential, the audit chain, the doctor, a demo step: 3.
    Refused,
    /// What was followed is not over, for one of the reasons that the command's help names, each with a status of its own: 4 or 5.
    NotOver(u8),
}

/// A failure as a person sees it: what failed, lower case and without a full stop, and the next step to take.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    kind: Kind,
    /// A stable name, where the failure came with one.
    code: Option<String>,
    message: String,
    hint: Option<String>,
}

/// What a command returns.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// Something went wrong.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { kind: Kind::Failed, code: None, message: sentence(message.into()), hint: None }
    }

    /// The command was not given what it needs.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, ..Self::new(message) }
    }

    /// A check said no.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { kind: Kind::Refused, ..Self::new(message) }
    }

    /// What was followed is not over; the command's help says what the status means.
    pub(crate) fn not_over(status: u8, message: impl Into<String>) -> Self {
        Self { kind: Kind::NotOver(status), ..Self::new(message) }
    }

    /// A sentence of another crate, which ends with the next step after a colon.
    pub(crate) fn with_next_step(text: &str) -> Self {
        match text.rsplit_once(": ") {
            Some((message, hint)) => Self::new(message).hint(hint),
            None => Self::new(text),
        }
    }

    /// Adds the next step.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(sentence(hint.into()));
        self
    }

    /// Adds a stable name.
    pub(crate) fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// For `map_err`: "cannot ACT: ERROR".
    pub(crate) fn cannot<E: fmt::Display>(act: impl fmt::Display) -> impl FnOnce(E) -> Self {
        move |error| Self::new(format!("cannot {act}: {error}"))
    }

    /// Whether the failure has that stable name.
    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// What failed.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The next step, where there is one.
    pub(crate) fn next_step(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The process's exit status.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::Refused => 3,
            Kind::NotOver(status) => status,
        })
    }

    /// The failure for programs, for standard error when `--json` was given.
    pub(crate) fn to_json(&self) -> Value {
        json!({ "error": { "code": self.code, "message": self.message, "hint": self.hint } })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\nhint: {hint}"))
    }
}

/// Errors from libraries and from the JSON API are sentences; here they end without a full stop.
fn sentence(mut text: String) -> String {
    text.truncate(text.trim_end().trim_end_matches('.').len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_ends_with_the_next_step() {
        let failure = Failure::new("The connection is gone.").hint("add it again.");
        assert_eq!(failure.to_string(), "error: The connection is gone\nhint: add it again");
    }
}
