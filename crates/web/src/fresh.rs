//! A fresh second factor: what cannot be taken back easily asks once more who is at the keyboard.

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use crate::desk::{Asker, Desk, Way};
use crate::problem::Problem;

/// How long a proof counts.
pub(crate) const FRESH: SignedDuration = SignedDuration::from_mins(5);

/// The code of the problem that a missing proof is. Pages send the visitor to prove it and back.
pub(crate) const FRESH_FACTOR_NEEDED: &str = "fresh_factor_needed";

/// What a proof is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matter {
    /// What Paddock does: real money, scopes, freezes, the vault, backups.
    Work,
    /// Who gets in: people, second factors, tokens.
    Access,
}

impl Asker {
    /// Goes on only if whoever asks has proved within five minutes who they are. The admin socket counts as proved.
    pub(crate) fn need_fresh(&self, _matter: Matter, now: Timestamp) -> Result<(), Problem> {
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
}
