//! Requests that wait for a person.
//!
//! [`hold`] keeps what came, [`wait`] lets the program wait for the answer if its scope says so, and [`send`] decides everything again
//! and sends it once, when a person has said yes. Why Paddock sends and not the program: docs/decisions/0008.

pub(crate) mod hold;
pub(crate) mod send;
pub(crate) mod wait;

use paddock_store::ApprovalState;
use tokio::sync::watch;

/// What came of a person's yes.
#[derive(Debug)]
pub enum ApprovalOutcome {
    /// It was sent; the row has the answer.
    Sent,
    /// It was not sent, and is over: why.
    Refused(paddock_core::Refusal),
    /// It did not wait any more.
    Ended(ApprovalState),
    /// It was not sent and still waits: what stood in the way, for a person.
    StillPending(String),
    /// There is no such request.
    NoSuchApproval,
}

/// Tells those who wait in this process that something has become of a held request. Other nodes' changes are looked for.
#[derive(Debug)]
pub(crate) struct Bell(watch::Sender<u64>);

impl Default for Bell {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Bell {
    pub(crate) fn ring(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn listen(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}
