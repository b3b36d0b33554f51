//! What can go wrong at a consumer.

use std::time::Duration;

/// A consumer could not be asked, or refused. Never holds a value of the pair or of the consumer's own secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What kind of trouble it is.
    pub kind: FaultKind,
    /// What happened, for people: one sentence without a secret.
    pub message: String,
    /// What a person should do about it: one sentence.
    pub next_step: String,
    /// Whether what was asked may have been done all the same.
    pub applied: Applied,
}

/// Kinds of trouble, by what is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The consumer's settings cannot be used.
    Settings,
    /// The login was refused.
    Login,
    /// Logged in, but not allowed to do this.
    Forbidden,
    /// The app, repository, project, secret or file does not exist.
    NotFound,
    /// Somebody else wrote in between: look again.
    Conflict,
    /// Somebody else wrote there after us: what was put is gone again.
    Overwritten,
    /// Too many requests; wait at least so long if it was said.
    Limited(Option<Duration>),
    /// Nothing has failed, and it is not proven yet: a release, a rollout or a run is under way. It is asked again for an hour.
    NotYet,
    /// The address is not allowed ([`crate::Outbound`]).
    AddressRefused,
    /// No connection.
    Unreachable,
    /// TLS failed.
    Tls,
    /// No answer in time.
    Timeout,
    /// The server failed.
    Server,
    /// An answer that the API does not describe.
    Unexpected,
}

/// Whether a change may have happened although its request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It did not happen.
    No,
    /// It may have: look before trying again.
    Unknown,
}

impl FaultKind {
    /// Whether asking again later, with nothing changed by a person, can help.
    #[must_use]
    pub const fn may_pass(self) -> bool {
        matches!(
            self,
            Self::Limited(_)
                | Self::NotYet
                | Self::Unreachable
                | Self::Timeout
                | Self::Server
                | Self::Conflict
        )
    }

    /// Its stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Login => "login_refused",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "changed_meanwhile",
            Self::Overwritten => "overwritten",
            Self::Limited(_) => "rate_limited",
            Self::NotYet => "not_yet",
            Self::AddressRefused => "address_refused",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Server => "server_error",
            Self::Unexpected => "unexpected_answer",
        }
    }
}

impl Fault {
    /// Trouble before anything was changed.
    #[must_use]
    pub fn new(kind: FaultKind, message: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self { kind, message: message.into(), next_step: next_step.into(), applied: Applied::No }
    }

    /// The same trouble, but what was asked may have been done.
    #[must_use]
    pub fn perhaps_applied(self) -> Self {
        Self { applied: Applied::Unknown, ..self }
    }
}
