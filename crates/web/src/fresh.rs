//! A fresh second factor: what cannot be taken back easily asks once more who is at the keyboard.

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use paddock_core::Environment;

use crate::desk::{Asker, Desk, Way};
use crate::problem::Problem;
use crate::second_factor;

/// How long a proof counts.
pub(crate) const FRESH: SignedDuration = SignedDuration::from_mins(5);

/// The code of the problem that a missing proof is. Pages send the visitor to prove it and back.
pub(crate) const FRESH_FACTOR_NEEDED: &str = "fresh_factor_needed";

/// The code of the problem that a missing second factor is. Pages send the visitor to where it is turned on.
pub(crate) const SECOND_FACTOR_NEEDED: &str = "second_factor_needed";

/// What a proof is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matter {
    /// What Paddock does: real money, scopes, freezes, the vault, backups. A token that was made for it may do this alone.
    Work,
    /// Who gets in: people, second factors, tokens. No token may.
    Access,
}

impl Asker {
    /// Goes on only if whoever asks has proved within five minutes who they are. The admin socket counts as proved.
    pub(crate) fn need_fresh(&self, matter: Matter, now: Timestamp) -> Result<(), Problem> {
        match &self.way {
            Way::Socket => Ok(()),
            Way::Session(session) => match session.factor_at {
                Some(at) if now.duration_since(at) < FRESH => Ok(()),
                _ => Err(Problem::new(
                    StatusCode::FORBIDDEN,
                    FRESH_FACTOR_NEEDED,
                    "Confirm that it is you",
                    "this asks for a proof of who you are that is at most five minutes old",
                    "confirm at /confirm, then do it again",
                )),
            },
            Way::Token { may_without_factor: true, .. } if matter == Matter::Work => Ok(()),
            Way::Token { .. } if matter == Matter::Work => Err(Problem::new(
                StatusCode::FORBIDDEN,
                FRESH_FACTOR_NEEDED,
                "Needs a person",
                "this asks for a fresh second factor, which an API token cannot have",
                "do it on the pages or at the admin socket, or make a token with `--may-without-factor`",
            )),
            Way::Token { .. } => Err(Problem::new(
                StatusCode::FORBIDDEN,
                FRESH_FACTOR_NEEDED,
                "Needs a person",
                "people, second factors and tokens are never changed with an API token",
                "do it on the pages or at the admin socket",
            )),
        }
    }
}

impl Desk {
    /// Goes on only if whoever asks has proved within five minutes who they are. The admin socket counts as proved.
    pub(crate) fn need_fresh(&self, matter: Matter) -> Result<(), Problem> {
        let asker =
            Asker { user: self.user, role: self.role, person: self.person.clone(), way: self.way.clone() };
        asker.need_fresh(matter, self.now())
    }

    /// Goes on only if whoever asks has proved who they are, and has a second factor at all: for what has to do with real money.
    pub(crate) async fn need_second_factor(&self) -> Result<(), Problem> {
        self.need_fresh(Matter::Work)?;
        if self.lacks_second_factor().await? { Err(second_factor_needed()) } else { Ok(()) }
    }

    /// The same for what is done with an account of that kind: on paper the proof is enough.
    pub(crate) async fn need_proof_for(&self, environment: Environment) -> Result<(), Problem> {
        match environment {
            Environment::Live => self.need_second_factor().await,
            Environment::Paper => self.need_fresh(Matter::Work),
        }
    }

    /// Whether a person asks who has no second factor, or a token of theirs: a token that may do without a fresh proof can be made with
    /// no more than a password, and would open to it what a password does not.
    pub(crate) async fn lacks_second_factor(&self) -> Result<bool, Problem> {
        match (&self.way, &self.person) {
            (Way::Session(_) | Way::Token { .. }, Some(person)) => {
                Ok(!second_factor::is_on(self, person.id).await?)
            }
            (Way::Socket, _) | (_, None) => Ok(false),
        }
    }
}

/// Somebody without a second factor wants something that has to do with real money.
pub(crate) fn second_factor_needed() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        SECOND_FACTOR_NEEDED,
        "Second factor needed",
        "real money needs a second factor, and you have none",
        "turn it on at /settings/security, then do it again",
    )
}
