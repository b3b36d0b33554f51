//! Credentials that the broker refuses although they were good: whoever can do something about it is told, at most once a minute for each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use paddock_core::Clock;
use paddock_core::id::ConnectionId;
use tokio::sync::broadcast;

use crate::directory::ConnectionEntry;

/// How many connections may be told of before somebody who listens misses one.
const BACKLOG: usize = 256;

/// After so long a credential that is still refused is told of again: what was looked at then may not have shown what is the matter, or the
/// credential was good once more in between.
const AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// The credentials that were refused.
#[derive(Debug)]
pub(crate) struct RefusedCredentials {
    clock: Arc<dyn Clock>,
    /// The last one of each connection that was told, by its fingerprint, and when.
    told: Mutex<HashMap<ConnectionId, (Vec<u8>, Timestamp)>>,
    teller: broadcast::Sender<ConnectionId>,
}

impl RefusedCredentials {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, told: Mutex::default(), teller: broadcast::Sender::new(BACKLOG) }
    }

    /// Notes that the broker has refused a connection's credential: 401 to a request, or a stream that it does not let in.
    pub(crate) fn note(&self, entry: &ConnectionEntry) {
        let (id, now) = (entry.connection.id, self.clock.now());
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_told = told.get(&id).is_some_and(|(fingerprint, at)| {
            fingerprint == entry.fingerprint() && now.duration_since(*at).abs() < AGAIN
        });
        if !is_told {
            told.insert(id, (entry.fingerprint().to_vec(), now));
            // Nobody may be listening, which is as good: the next look at the connection finds out.
            _ = self.teller.send(id);
        }
    }

    /// Tells of them from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<ConnectionId> {
        self.teller.subscribe()
    }
}
