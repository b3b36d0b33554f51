//! What was received, for tests that must show that something was not.

use std::sync::{Mutex, PoisonError};

use paddock_core::Environment;

/// One request on one of Alpaca's paths. Its headers, and so its secrets, are not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenRequest {
    /// Which listener received it.
    pub environment: Environment,
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Path and query, as they were received.
    pub target: String,
    /// The body; what is no UTF-8 is replaced.
    pub body: String,
}

/// The requests seen so far, if they are kept at all.
#[derive(Debug)]
pub struct Recorder(Option<Mutex<Vec<SeenRequest>>>);

impl Recorder {
    /// A recorder that keeps what it sees, or nothing.
    #[must_use]
    pub fn new(keeps: bool) -> Self {
        Self(keeps.then(Mutex::default))
    }

    /// Keeps a request.
    pub fn keep(&self, request: impl FnOnce() -> SeenRequest) {
        if let Some(seen) = &self.0 {
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(request());
        }
    }

    /// What was kept.
    #[must_use]
    pub fn seen(&self) -> Vec<SeenRequest> {
        self.0
            .as_ref()
            .map(|seen| seen.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .unwrap_or_default()
    }
}
