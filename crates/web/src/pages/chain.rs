//! What is known about the audit chain, without reading all of it for every visit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use paddock_store::{AuditFault, VerifiedChain};
use tokio::sync::watch;

use crate::WebState;
use crate::problem::Problem;

/// How long a check is taken for fresh while nothing is added to the chain.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// How often a growing chain is checked at most, and how much of the time may go into that: one part of so many.
const OFTEN: SignedDuration = SignedDuration::from_secs(2);
const SHARE: i32 = 20;

/// How long a visit waits for a check that is under way: where an earlier one can be shown, and where there is none.
const BRIEFLY: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_millis(250);

/// What is told of a fault to whoever does not look after the chain: where it is may be of another team.
pub(super) const ELSEWHERE: &str = "the records of this Paddock are not as they were written";

/// The last check of the audit chain, shared by the pages and the API.
#[derive(Debug, Default)]
pub struct ChainWatch {
    last: Mutex<Option<Verdict>>,
    /// Held while the chain is read, so that many visitors cause one reading.
    reading: tokio::sync::Mutex<()>,
    /// Whether somebody was shown an earlier check while one was under way.
    outdated: AtomicBool,
    /// Counts the checks that ended after somebody was shown an earlier one.
    late: watch::Sender<u64>,
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

    /// Changes when a check has ended that pages do not show yet.
    pub(crate) fn late(&self) -> watch::Receiver<u64> {
        self.late.subscribe()
    }

    /// Keeps what a check found, and has pages that show an earlier one look again.
    fn found(&self, verdict: Verdict) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
        if self.outdated.swap(false, Ordering::SeqCst) {
            self.late.send_modify(|checks| *checks += 1);
        }
    }

    /// How long a visit waits.
    fn patience(&self) -> Duration {
        if self.last().is_some() { BRIEFLY } else { PATIENCE }
    }

    /// What is known once a check has ended, or whoever visits has waited long enough for it.
    async fn after(&self, check: impl Future) -> Option<Verdict> {
        if tokio::time::timeout(self.patience(), check).await.is_err() {
            self.outdated.store(true, Ordering::SeqCst);
        }
        // Read after it is said that it may be outdated: what is found from here on is told.
        self.last()
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
    state.chain.found(Verdict { at, took: at.duration_since(begun), outcome: outcome.clone() });
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
/// briefly: a long chain is shown as of the check before, and the page hears when that one has ended. `records` is how many there are now.
pub(crate) async fn known(state: &Arc<WebState>, records: u64) -> Option<Verdict> {
    let last = state.chain.last();
    if last.as_ref().is_some_and(|verdict| verdict.is_enough(records, state.now())) {
        return last;
    }
    let shared = Arc::clone(state);
    let check = tokio::spawn(async move {
        // Somebody else is at it.
        let Ok(_reading) = shared.chain.reading.try_lock() else {
            shared.chain.outdated.store(true, Ordering::SeqCst);
            return;
        };
        if let Err(problem) = read(&shared).await {
            tracing::warn!(detail = %problem.detail, "the audit chain could not be checked");
        }
    });
    state.chain.after(check).await
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use rstest::rstest;

    use super::*;

    fn verdict(fault: &str) -> Verdict {
        let outcome = Err(fault.to_owned());
        Verdict { at: Timestamp::UNIX_EPOCH, took: SignedDuration::ZERO, outcome }
    }

    #[rstest]
    #[case::nothing_to_show_yet(None, 250)]
    #[case::an_earlier_one(Some("earlier"), 50)]
    #[tokio::test]
    async fn a_check_is_waited_for_briefly_and_told_when_it_comes_late(
        #[case] earlier: Option<&str>,
        #[case] waited: u64,
    ) {
        let watch = ChainWatch::default();
        if let Some(earlier) = earlier {
            watch.found(verdict(earlier));
        }
        assert_eq!(watch.patience(), Duration::from_millis(waited));
        let mut late = watch.late();
        let shown = watch.after(pending::<()>()).await;
        assert_eq!(shown.map(|shown| shown.outcome), earlier.map(|earlier| Err(earlier.to_owned())));
        assert!(!late.has_changed().unwrap());
        watch.found(verdict("later"));
        assert!(late.has_changed().unwrap(), "who was shown the earlier one hears of it");
        late.mark_unchanged();
        // Nobody was shown anything else since.
        watch.found(verdict("latest"));
        assert!(!late.has_changed().unwrap());
    }

    #[tokio::test]
    async fn a_check_that_ends_in_time_is_shown_at_once() {
        let watch = ChainWatch::default();
        let late = watch.late();
        let shown = watch.after(async { watch.found(verdict("now")) }).await;
        assert_eq!(shown.unwrap().outcome, Err("now".to_owned()));
        watch.found(verdict("next"));
        assert!(!late.has_changed().unwrap());
    }
}
