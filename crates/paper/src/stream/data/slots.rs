//! One connection per stream and account.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use paddock_alpaca::stream::Feed;

type Taken = HashSet<(Feed, Uuid)>;

/// Which accounts are connected to which streams.
#[derive(Clone, Debug, Default)]
pub(in crate::stream) struct Slots(Arc<Mutex<Taken>>);

/// The right to be connected; free again when this is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Slots,
    key: (Feed, Uuid),
}

impl Slots {
    /// The slot, unless it is taken.
    pub(super) fn take(&self, feed: Feed, account: Uuid) -> Option<Slot> {
        let key = (feed, account);
        self.lock().insert(key).then(|| Slot { slots: self.clone(), key })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.lock().remove(&self.key);
    }
}
