//! The last look at the freezes, and who has passed it.
//!
//! A request is decided long before it is sent: a quote is asked for, the reservation is written. Whoever freezes in between must not see
//! the order go. So each state-changing request is entered here, then looks at the freezes once more, and is sent only then. A freeze
//! exchanges the directory first and then looks here: what is not entered yet will see the freeze.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use paddock_core::Refusal;
use paddock_core::decide::{Manner, ReasonCode};
use paddock_core::id::{ConnectionId, RequestId};
use paddock_store::Subject;
use tokio::sync::watch;

use crate::authenticate::Grant;
use crate::shared::Shared;

/// How long a freeze waits for what was being sent when it came. A broker that answers at all answers sooner.
const PATIENCE: Duration = Duration::from_secs(2);

/// The requests that are being sent and have no answer yet.
#[derive(Debug)]
pub(crate) struct Sending {
    requests: Mutex<BTreeMap<RequestId, [Subject; 2]>>,
    /// Counts the answers.
    answered: watch::Sender<u64>,
}

impl Default for Sending {
    fn default() -> Self {
        Self { requests: Mutex::default(), answered: watch::Sender::new(0) }
    }
}

/// A request that may be sent, for as long as it has no answer.
#[derive(Debug)]
pub(crate) struct Sent<'a> {
    sending: &'a Sending,
    request: RequestId,
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        self.sending.lock().remove(&self.request);
        self.sending.answered.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Sending {
    /// Looks at the freezes and at the key for the last time before a request is sent.
    pub(crate) fn last_look<'a>(
        &'a self,
        shared: &Shared,
        grant: &Grant,
        request: RequestId,
        manner: Manner,
    ) -> Result<Sent<'a>, Refusal> {
        let entry = grant.entry();
        let subjects = [Subject::Key(entry.key.id), Subject::Connection(entry.connection.connection.id)];
        self.lock().insert(request, subjects);
        let sent = Sent { sending: self, request };
        let directory = shared.directory.load();
        if directory.key_with_id(&entry.key.key_id).is_none() {
            let message = "this access key was revoked while the request was on its way".to_owned();
            return Err(Refusal::new(ReasonCode::Frozen, message, &[]));
        }
        match directory.frozen(entry) {
            Some(freeze) => freeze.check(manner).map(|()| sent),
            None => Ok(sent),
        }
    }

    /// Looks at the freezes for the last time before something that a person does by hand is sent.
    pub(crate) fn last_look_by_hand<'a>(
        &'a self,
        shared: &Shared,
        connection: ConnectionId,
        request: RequestId,
        manner: Manner,
    ) -> Result<Sent<'a>, Refusal> {
        self.lock().insert(request, [Subject::Connection(connection); 2]);
        let sent = Sent { sending: self, request };
        match shared.directory.load().frozen_connection(connection) {
            Some(freeze) => freeze.check(manner).map(|()| sent),
            None => Ok(sent),
        }
    }

    /// Waits for the answers to what was being sent when this was called, and gives those that did not come in time.
    pub(crate) async fn settled(&self, subject: Subject) -> Vec<RequestId> {
        let mut answers = self.answered.subscribe();
        let is_meant =
            |subjects: &[Subject; 2]| subject == Subject::Everything || subjects.contains(&subject);
        let waiting: Vec<RequestId> =
            self.lock().iter().filter(|(_, subjects)| is_meant(subjects)).map(|(id, _)| *id).collect();
        let left = || -> Vec<RequestId> {
            let requests = self.lock();
            waiting.iter().filter(|id| requests.contains_key(id)).copied().collect()
        };
        let all = async { while !left().is_empty() && answers.changed().await.is_ok() {} };
        _ = tokio::time::timeout(PATIENCE, all).await;
        left()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<RequestId, [Subject; 2]>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
