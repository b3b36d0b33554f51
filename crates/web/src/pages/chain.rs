//! What is known about the audit chain, without reading all of it for every visit.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use paddock_store::{AuditFault, VerifiedChain};

use crate::WebState;
use crate::problem::Problem;

/// How long a check is taken for fresh.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// How long a visit waits for a first check before it is shown as under way.
const PATIENCE: Duration = Duration::from_millis(300);

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
    let outcome = match state.store.verify_audit().await {
        Ok(chain) => Ok(chain),
        Err(AuditFault::Store(error)) => return Err(error.into()),
        Err(fault) => {
            tracing::error!(%fault, "the audit chain does not verify");
            Err(fault.to_string())
        }
    };
    let verdict = Verdict { at: state.now(), outcome: outcome.clone() };
    *state.chain.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
    Ok(outcome)
}

/// What the last check found. If that is some time ago, a new check is started and not waited for, except briefly for the very
/// first one.
pub(crate) async fn known(state: &Arc<WebState>) -> Option<Verdict> {
    let last = state.chain.last();
    let fresh = last.as_ref().is_some_and(|verdict| state.now().duration_since(verdict.at).abs() < FRESH);
    if fresh {
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
    if last.is_none() {
        _ = tokio::time::timeout(PATIENCE, check).await;
        return state.chain.last();
    }
    last
}
