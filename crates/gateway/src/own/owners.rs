//! Who placed what, as far as this process has looked it up.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use paddock_core::id::{AccessKeyId, ConnectionId};
use tokio::sync::watch;
use uuid::Uuid;

/// How many orders are remembered; others are looked up again.
const REMEMBERED: usize = 50_000;

/// The memory of looked-up orders. Whose an order is never changes, so that it is never out of date.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    known: Mutex<Known>,
    /// How often a request was settled: whoever waits to learn whose an order is looks again.
    settled: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Known {
    keys: HashMap<(ConnectionId, Uuid), AccessKeyId>,
    oldest_first: VecDeque<(ConnectionId, Uuid)>,
}

impl Owners {
    pub(super) fn recall(&self, connection: ConnectionId, order: Uuid) -> Option<AccessKeyId> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.keys.get(&(connection, order)).copied()
    }

    pub(super) fn remember(&self, connection: ConnectionId, order: Uuid, key: AccessKeyId) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.keys.insert((connection, order), key).is_some() {
            return;
        }
        known.oldest_first.push_back((connection, order));
        if known.oldest_first.len() > REMEMBERED
            && let Some(oldest) = known.oldest_first.pop_front()
        {
            known.keys.remove(&oldest);
        }
    }

    /// A request was settled, or more became known.
    pub(crate) fn tell_settled(&self) {
        self.settled.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(super) fn settlements(&self) -> watch::Receiver<u64> {
        self.settled.subscribe()
    }
}
