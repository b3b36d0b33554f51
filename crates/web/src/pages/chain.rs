//! What is known about the audit chain, without reading all of it for every visit.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use paddock_store::{AuditFault, VerifiedChain};

use crate::WebState;
use crate::problem::Problem;

/// How long a check is taken for fresh while nothing is added to the chain.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// How often a growing chain is checked at most, and how much of the time may go into that: one part of so many.
const OFTEN: SignedDuration = SignedDuration::from_secs(2);
const SHARE: i32 = 20;

/// How long a visit waits for a check that is under way.
const PATIENCE: Duration = Duration::from_millis(250);

/// What is told of a fault to whoever does not look after the chain: where it is may be of another team.
pub(super) const ELSEWHERE: &str = "the records of this Paddock are not as they were written";

/// The last check of the audit chain, shared by the pages and the API.
#[derive(Debug, Default)]
pub struct ChainWatch {
    last: Mutex<Option<Verdict>>,
    /// Held while the chain is read, so that many visitors cause one reading.
    reading: tokio::sync::Mutex<()>,
}

/// What a check found.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    /// When.
    pub(crate) at: Timestamp,
    /// How long it took.
    took: SignedDuration,
    /// The chain, or a sentence about what is wrong with it.
    pub(crate) outcome: Result<VerifiedChain, String>,
}

impl ChainWatch {
    fn last(&self) -> Option<Verdict> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads and checks the whole chain now. The inner error is a sentence about what does not fit.
pub(crate) async fn verify(state: &WebState) -> Result<Result<VerifiedChain, String>, Problem> {
    let _one_at_a_time = state.chain.reading.lock().await;
    read(state).await
}

async fn read(state: &WebState) -> Result<Result<VerifiedChain, String>, Problem> {
    let begun = state.now();
    let outcome = match state.store.verify_signed_audit(paddock_vault::verify_signature).await {
        Ok(chain) => Ok(chain),
        Err(AuditFault::Store(error)) => return Err(error.into()),
        Err(fault) => {
            tracing::error!(%fault, "the audit chain does not verify");
            Err(fault.to_string())
        }
    };
    let at = state.now();
    let verdict = Verdict { at, took: at.duration_since(begun), outcome: outcome.clone() };
    *state.chain.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
    Ok(outcome)
}

impl Verdict {
    /// Whether there is no need to look again, or it is too early to. `records` is how many there are now.
    fn is_enough(&self, records: u64, now: Timestamp) -> bool {
        let age = now.duration_since(self.at).abs();
        let unchanged = self.outcome.as_ref().is_ok_and(|chain| chain.count == records);
        age < OFTEN.max(self.took * SHARE) || (unchanged && age < FRESH)
    }
}

/// What the last check found. If records were added since or it is some time ago, the chain is checked again, which is waited for
/// briefly: a long chain is shown as of the check before. `records` is how many there are now.
pub(crate) async fn known(state: &Arc<WebState>, records: u64) -> Option<Verdict> {
    let last = state.chain.last();
    if last.as_ref().is_some_and(|verdict| verdict.is_enough(records, state.now())) {
        return last;
    }
    let shared = Arc::clone(state);
    let check = tokio::spawn(async move {
        // Somebody else is at it.
        let Ok(_reading) = shared.chain.reading.try_lock() else { return };
        if let Err(problem) = read(&shared).await {
            tracing::warn!(detail = %problem.detail, "the audit chain could not be checked");
        }
    });
    _ = tokio::time::timeout(PATIENCE, check).await;
    state.chain.last()
}
