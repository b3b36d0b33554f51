//! How streams fare.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use paddock_core::id::ConnectionId;

use super::Metrics;

/// A stream: of which account, and at which path.
type Name = (ConnectionId, &'static str);

/// What is known of streams.
#[derive(Debug, Default)]
pub(crate) struct StreamMetrics {
    open: Mutex<BTreeMap<Name, u64>>,
    /// Programs that were cut off because they did not read.
    pub(crate) slow: AtomicU64,
    /// Interruptions that programs were told of.
    pub(crate) gaps: AtomicU64,
}

/// A program's open stream, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Counted {
    metrics: Arc<Metrics>,
    name: Name,
}

impl StreamMetrics {
    /// Programs with an open stream.
    pub(crate) fn open(&self) -> BTreeMap<Name, u64> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn slow(&self) {
        self.slow.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn gap(&self) {
        self.gaps.fetch_add(1, Ordering::Relaxed);
    }
}

impl Counted {
    pub(crate) fn new(metrics: &Arc<Metrics>, connection: ConnectionId, path: &'static str) -> Self {
        let name = (connection, path);
        *metrics.streams.open.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
        Self { metrics: Arc::clone(metrics), name }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.metrics.streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.name) {
            *count = count.saturating_sub(1);
        }
    }
}
