//! What was received and answered, for people who ask what a program did, and for tests that must show that something was not.

mod copied;
mod exchanges;

use std::sync::{Mutex, PoisonError};

use paddock_core::Environment;

pub use exchanges::{ExchangeFile, ExchangeFileError};
pub(super) use exchanges::{Recording, exchange};

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

/// What is kept of what was seen so far: nothing, unless it is asked for.
#[derive(Debug, Default)]
pub struct Recorder {
    /// The requests, in memory.
    requests: Option<Mutex<Vec<SeenRequest>>>,
    /// Whole exchanges, in a file.
    exchanges: Option<ExchangeFile>,
}

impl Recorder {
    /// A recorder that keeps requests in memory, exchanges in a file, both or nothing.
    #[must_use]
    pub fn new(keeps_requests: bool, exchanges: Option<ExchangeFile>) -> Self {
        Self { requests: keeps_requests.then(Mutex::default), exchanges }
    }

    /// Keeps a request.
    pub fn keep(&self, request: impl FnOnce() -> SeenRequest) {
        if let Some(seen) = &self.requests {
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(request());
        }
    }

    /// The requests that were kept.
    #[must_use]
    pub fn seen(&self) -> Vec<SeenRequest> {
        self.requests
            .as_ref()
            .map(|seen| seen.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .unwrap_or_default()
    }

    /// Where exchanges are written, if they are.
    #[must_use]
    pub fn exchanges(&self) -> Option<&ExchangeFile> {
        self.exchanges.as_ref()
    }
}
