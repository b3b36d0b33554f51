//! Everything that can end a request before it reaches the broker, or instead of the broker's answer.

use http::Response;
use paddock_alpaca::{AlpacaError, Credential};
use paddock_core::Refusal;
use paddock_core::id::RequestId;

use crate::answer::{AnswerBody, Fault, alpaca_answer, refusal_answer};
use crate::approvals::hold::Pending;
use crate::budget::Exhausted;
use crate::meter::Entered;
use crate::requests::Outcome;
use crate::scrub::Scrubber;

/// Why a request ends here.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It is malformed, or cannot be served now.
    Fault(Fault),
    /// The scope, a cap or a freeze refuses it.
    Refusal(Refusal),
    /// The scope refuses it, and the program gets Alpaca's answer to what does not exist.
    Hidden(Refusal, AlpacaError),
    /// It waits for a person.
    Held(Box<Pending>),
    /// Alpaca would refuse it, or did so when it was asked for the facts; said in Alpaca's own words.
    Alpaca(AlpacaError),
}

impl Stop {
    /// Has a request that waits for a person count as under way for as long as its program waits too.
    pub(crate) fn with_place(mut self, place: Entered) -> Self {
        if let Self::Held(pending) = &mut self {
            pending.place = Some(place);
        }
        self
    }

    pub(crate) fn answer(&self, request: RequestId) -> Response<AnswerBody> {
        match self {
            Self::Fault(fault) => fault.answer(request),
            Self::Refusal(refusal) => refusal_answer(refusal, request),
            Self::Held(pending) => refusal_answer(&pending.refusal, request),
            Self::Alpaca(error) | Self::Hidden(_, error) => alpaca_answer(error, request),
        }
    }

    /// The same, unless the broker's words hold the credential with which it was asked.
    pub(crate) fn without(self, credential: &Credential) -> Self {
        let Self::Alpaca(error) = &self else { return self };
        let holds_it = Scrubber::new(credential).finds(&error.to_body()) != Ok(false);
        if holds_it { Fault::upstream_unsafe().into() } else { self }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Fault(fault) if fault.status == http::StatusCode::UNAUTHORIZED => Outcome::Unauthenticated,
            Self::Fault(fault) => {
                Outcome::Failed { reason: fault.reason.to_owned(), message: fault.message.clone() }
            }
            Self::Refusal(refusal) | Self::Hidden(refusal, _) => {
                Outcome::Refused { reason: refusal.code.to_string(), message: refusal.message.clone() }
            }
            Self::Held(pending) => Outcome::Refused {
                reason: pending.refusal.code.to_string(),
                message: pending.refusal.message.clone(),
            },
            Self::Alpaca(error) => {
                Outcome::Failed { reason: "alpaca_error".to_owned(), message: error.message.to_string() }
            }
        }
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Exhausted> for Stop {
    fn from(exhausted: Exhausted) -> Self {
        Self::Fault(Fault::budget_exhausted(exhausted.retry_after))
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}
