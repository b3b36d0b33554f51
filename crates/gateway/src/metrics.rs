//! What is measured, and how it is told.
//!
//! Figures are kept where things happen: of a key in its meter, of an account in its budgets, of requests in the log of them, and here
//! what belongs to none of these. [`text`] gathers them. Nothing in them is a secret, but names of keys and what they do are not for everybody.

mod exposition;
mod histogram;
mod process;
pub(crate) mod requests;
pub(crate) mod streams;
mod text;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

pub(crate) use histogram::Histogram;
pub(crate) use requests::{ByOutcome, RequestMetrics};
pub(crate) use text::text;

/// How long the database may take to answer somebody who only looks.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// What belongs to no key, account or request.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// From arrival to being sent, of requests that change nothing.
    pub(crate) decide_read: Histogram,
    /// The same of those that change something.
    pub(crate) decide_change: Histogram,
    pub(crate) audit: AuditMetrics,
    pub(crate) streams: streams::StreamMetrics,
}

/// How the writing of records goes.
#[derive(Debug, Default)]
pub(crate) struct AuditMetrics {
    pub(crate) latency: Histogram,
    pub(crate) failed: AtomicU64,
}

impl AuditMetrics {
    /// Counts a record that should have been written.
    pub(crate) async fn timed<T, E>(&self, writing: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let begun = Instant::now();
        let written = writing.await;
        match &written {
            Ok(_) => self.latency.observe(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX)),
            Err(_) => _ = self.failed.fetch_add(1, Ordering::Relaxed),
        }
        written
    }
}
