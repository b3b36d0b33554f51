//! Freezes that need no database: they take hold before one is stored, and when none can be.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use paddock_core::decide::{Freeze, Frozen, Passing};
use paddock_store::Subject;

/// What is frozen in memory. Every directory has the same one, so that it holds for whatever state of the database is known.
#[derive(Debug, Default)]
pub(crate) struct Emergency {
    /// By the file or a signal.
    everything: AtomicBool,
    /// What is about to be frozen in the database, or could not be.
    held: ArcSwap<HashMap<Subject, Freeze>>,
}

impl Emergency {
    /// Freezes everything, or ends that. Tells whether this changed anything.
    pub(crate) fn set(&self, frozen: bool) -> bool {
        self.everything.swap(frozen, Ordering::SeqCst) != frozen
    }

    /// Whether everything is frozen so.
    pub(crate) fn is_set(&self) -> bool {
        self.everything.load(Ordering::SeqCst)
    }

    /// Freezes something until it is let go.
    pub(crate) fn hold(&self, subject: Subject, passing: Passing) {
        self.held.rcu(|held| {
            let mut held = HashMap::clone(held);
            held.insert(subject, Freeze { what: subject.what(), passing });
            held
        });
    }

    /// Lets it go.
    pub(crate) fn let_go(&self, subject: Subject) {
        self.held.rcu(|held| {
            let mut held = HashMap::clone(held);
            held.remove(&subject);
            held
        });
    }

    /// What holds for any of these.
    pub(crate) fn frozen(&self, subjects: &[Subject]) -> Option<Freeze> {
        let everything = Freeze { what: Frozen::Everything, passing: Passing::default() };
        let held = self.held.load();
        let held = subjects.iter().filter_map(|subject| held.get(subject).copied());
        held.chain(self.is_set().then_some(everything)).reduce(Freeze::and)
    }
}
