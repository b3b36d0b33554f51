//! Credentials that the broker refuses although they were good: whoever can do something about it is told, once for each.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use paddock_core::id::ConnectionId;
use tokio::sync::broadcast;

use crate::directory::ConnectionEntry;

/// How many connections may be told of before somebody who listens misses one.
const BACKLOG: usize = 256;

/// The credentials that were refused.
#[derive(Debug)]
pub(crate) struct RefusedCredentials {
    /// The last one of each connection that was told, by its fingerprint.
    told: Mutex<HashMap<ConnectionId, Vec<u8>>>,
    teller: broadcast::Sender<ConnectionId>,
}

impl Default for RefusedCredentials {
    fn default() -> Self {
        Self { told: Mutex::default(), teller: broadcast::Sender::new(BACKLOG) }
    }
}

impl RefusedCredentials {
    /// Notes that the broker has answered 401 to a connection's credential.
    pub(crate) fn note(&self, entry: &ConnectionEntry) {
        let id = entry.connection.id;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let known = told.get(&id).is_some_and(|fingerprint| fingerprint == entry.fingerprint());
        if !known {
            told.insert(id, entry.fingerprint().to_vec());
            // Nobody may be listening, which is as good: the next look at the connection finds out.
            _ = self.teller.send(id);
        }
    }

    /// Tells of them from now on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<ConnectionId> {
        self.teller.subscribe()
    }
}
