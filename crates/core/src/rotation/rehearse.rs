//! Failures that were chosen for a rehearsal, so that people see what a rotation does about them before one is real.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::event::Failure;
use super::record::Rotation;
use crate::id::ConsumerId;
use crate::words;

words! {
    /// What may go wrong at a consumer.
    RehearsedFault {
        /// The login is refused when it is looked at.
        Refused = "refused",
        /// It holds values that Paddock did not write.
        Drift = "drift",
        /// It answers 429 when the pair is put there; it passes by itself.
        TooMany = "too_many",
        /// The answer to the write is lost; the pair may be there.
        LostAnswer = "lost_answer",
        /// Writing was allowed when it was looked at, and is not when the pair is put there.
        PermissionLost = "permission_lost",
        /// Somebody there must approve the write first.
        ApprovalPending = "approval_pending",
    }
}

/// One failure of one consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChosenFault {
    /// The consumer.
    pub consumer: ConsumerId,
    /// What goes wrong there.
    pub fault: RehearsedFault,
    /// Whether it was met.
    #[serde(default)]
    pub met: bool,
}

impl RehearsedFault {
    /// Whether it stands in the way of the look, and not of the write.
    const fn is_seen(self) -> bool {
        matches!(self, Self::Refused | Self::Drift)
    }

    /// What a rotation makes of it, in the words of the real one.
    #[must_use]
    pub fn failure(self) -> Failure {
        let fails =
            |code, message: &str, next_step| Failure::new(code, format!("{message} (rehearsed)"), next_step);
        match self {
            Self::Refused => fails(
                "login_refused",
                "the login there was refused",
                "put another login into the consumer's settings, then resume",
            ),
            Self::Drift => fails(
                "drift",
                "the values there are neither this connection's pair nor anything that Paddock wrote",
                "find out who wrote them; then take it over to overwrite them, or leave it out",
            ),
            Self::TooMany => Failure {
                wait: Some(Duration::from_secs(2)),
                ..fails("rate_limited", "too many requests: it answers 429", "wait, it is tried again")
                    .passing()
            },
            Self::LostAnswer => fails(
                "timeout",
                "no answer came to the write, and the pair may be there",
                "wait, it is looked at and tried again",
            )
            .passing(),
            Self::PermissionLost => fails(
                "forbidden",
                "writing is not allowed there any more",
                "give the login the right to write, then resume",
            ),
            Self::ApprovalPending => fails(
                "approval_pending",
                "the pair waits there for somebody's approval",
                "have it approved there; then resume",
            ),
        }
    }
}

impl Rotation {
    /// What goes wrong at a consumer now, if that was chosen: each failure once, values that are not ours until somebody takes them over.
    #[must_use]
    pub fn chosen_fault(&self, consumer: ConsumerId, is_look: bool) -> Option<Failure> {
        let taken_over = self.consumer(consumer).is_some_and(|one| one.taken_over.is_some());
        let stands = |chosen: &&ChosenFault| match chosen.fault {
            RehearsedFault::Drift => !taken_over,
            _ => !chosen.met,
        };
        let its = self
            .faults
            .iter()
            .filter(|chosen| chosen.consumer == consumer && chosen.fault.is_seen() == is_look);
        let chosen = its.clone().find(stands).filter(|_| self.rehearsal)?;
        Some(chosen.fault.failure())
    }

    /// Notes that a failure was met, if it is a chosen one.
    pub(super) fn meet_fault(&mut self, consumer: ConsumerId, code: &str) {
        let is_it = |chosen: &&mut ChosenFault| {
            chosen.consumer == consumer && !chosen.met && chosen.fault.failure().code == code
        };
        if let Some(chosen) = self.faults.iter_mut().find(is_it) {
            chosen.met = true;
        }
    }
}
