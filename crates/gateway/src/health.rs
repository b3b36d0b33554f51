//! Whether requests can be served.

use std::sync::atomic::Ordering;
use std::time::Duration;

use paddock_core::SecretText;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::metrics::PATIENCE;
use crate::shared::Shared;

/// For how long an answer holds. Whoever asks more often gets the same one, so that asking costs the database nothing.
const HOLDS: Duration = Duration::from_secs(1);

/// Whether requests can be served, and what stands in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Whether everything is as it should be.
    pub ready: bool,
    /// What was looked at.
    pub parts: Vec<Part>,
}

/// One thing that requests need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// `database`, `vault` or `directory`.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub ready: bool,
    /// What is wrong, and what to do about it. No secret, no path and no address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<&'static str>,
}

/// The last answer.
#[derive(Debug, Default)]
pub(crate) struct LastLook(Mutex<Option<(Instant, Health)>>);

/// Looks at everything that requests need, or remembers what was seen within the last second.
pub(crate) async fn look(shared: &Shared) -> Health {
    let mut last = shared.last_look.0.lock().await;
    if let Some((at, health)) = &*last
        && at.elapsed() < HOLDS
    {
        return health.clone();
    }
    let parts = vec![database(shared).await, vault(shared), directory(shared)];
    let health = Health { ready: parts.iter().all(|part| part.ready), parts };
    *last = Some((Instant::now(), health.clone()));
    health
}

/// Whether the database takes a write and makes it durable, which every order needs.
async fn database(shared: &Shared) -> Part {
    let problem = match timeout(PATIENCE, shared.store.pulse(shared.clock.now())).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database takes no write");
            Some("it takes no write: see that the disk is not full and the database can be reached")
        }
        Err(_) => Some("it takes no write in time: see what else holds or slows it"),
    };
    Part { name: "database", ready: problem.is_none(), problem }
}

fn vault(shared: &Shared) -> Part {
    // Taking a fingerprint needs the keys and nothing else.
    let locked = shared.sealer.fingerprint(&SecretText::new(String::new())).is_err();
    let problem = locked.then_some("it is locked: make its key file readable and restart Paddock");
    Part { name: "vault", ready: !locked, problem }
}

fn directory(shared: &Shared) -> Part {
    let stale = shared.directory_is_stale.load(Ordering::Relaxed);
    let problem =
        stale.then_some("the last change of keys or freezes could not be read: run `paddock doctor`");
    Part { name: "directory", ready: !stale, problem }
}
