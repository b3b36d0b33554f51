//! What becomes of requests.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use paddock_core::PermissionClass;

use super::Histogram;
use crate::requests::{Outcome, RequestLine};

/// The classes of operations, and one for what names none.
const CLASSES: usize = PermissionClass::ALL.len() + 1;

/// The names of outcomes, in the order in which they are counted.
const OUTCOMES: [&str; 4] = ["permitted", "refused", "unauthenticated", "failed"];

/// Requests by class of operation and outcome.
#[derive(Debug, Default)]
pub(crate) struct ByOutcome([[AtomicU64; OUTCOMES.len()]; CLASSES]);

/// Those of all keys.
#[derive(Debug, Default)]
pub(crate) struct RequestMetrics {
    /// Requests without an access key.
    pub(crate) without_key: ByOutcome,
    /// Refusals and failures by the name of their reason. Reasons are a fixed set.
    reasons: Mutex<BTreeMap<String, u64>>,
    /// From a request's arrival to the head of its answer, by class.
    pub(crate) whole: [Histogram; CLASSES],
}

impl RequestMetrics {
    /// Counts a request that was answered.
    pub(crate) fn note(&self, line: &RequestLine) {
        let class = line.counted.class;
        match &line.counted.meter {
            Some(meter) => meter.outcomes.note(class, &line.outcome),
            None => self.without_key.note(class, &line.outcome),
        }
        if let Outcome::Refused { reason, .. } | Outcome::Failed { reason, .. } = &line.outcome {
            let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
            match reasons.get_mut(reason) {
                Some(count) => *count += 1,
                None => _ = reasons.insert(reason.clone(), 1),
            }
        }
        // A stream is noted when it is opened, which takes no time of its own.
        if line.micros > 0
            && let Some(histogram) = self.whole.get(place(class))
        {
            histogram.observe(line.micros);
        }
    }

    pub(crate) fn reasons(&self) -> BTreeMap<String, u64> {
        self.reasons.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ByOutcome {
    fn note(&self, class: Option<PermissionClass>, outcome: &Outcome) {
        let outcome = match outcome {
            Outcome::Permitted => 0,
            Outcome::Refused { .. } => 1,
            Outcome::Unauthenticated => 2,
            Outcome::Failed { .. } => 3,
        };
        if let Some(count) = self.0.get(place(class)).and_then(|counts| counts.get(outcome)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Adds up: class, outcome, count; what did not happen is left out.
    pub(crate) fn add_to(&self, sums: &mut BTreeMap<(&'static str, &'static str), u64>) {
        for (class, counts) in class_names().zip(&self.0) {
            for (outcome, count) in OUTCOMES.into_iter().zip(counts) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    *sums.entry((class, outcome)).or_default() += count;
                }
            }
        }
    }
}

/// The names of the classes, in the order in which they are counted.
pub(crate) fn class_names() -> impl Iterator<Item = &'static str> {
    PermissionClass::ALL.into_iter().map(PermissionClass::as_str).chain(["unknown"])
}

fn place(class: Option<PermissionClass>) -> usize {
    PermissionClass::ALL.iter().position(|one| Some(*one) == class).unwrap_or(PermissionClass::ALL.len())
}
