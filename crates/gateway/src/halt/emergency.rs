//! A freeze of everything that needs no database: by a file or a signal.

use std::sync::atomic::{AtomicBool, Ordering};

use paddock_core::decide::{Freeze, Frozen, Passing};

/// Whether everything is frozen by something outside the database. Every directory has the same one, so that it holds for whatever
/// state of the database is known.
#[derive(Debug, Default)]
pub(crate) struct Emergency(AtomicBool);

impl Emergency {
    /// Tells whether this changed anything.
    pub(crate) fn set(&self, frozen: bool) -> bool {
        self.0.swap(frozen, Ordering::SeqCst) != frozen
    }

    pub(crate) fn freeze(&self) -> Option<Freeze> {
        let freeze = Freeze { what: Frozen::Everything, passing: Passing::default() };
        self.0.load(Ordering::SeqCst).then_some(freeze)
    }
}
