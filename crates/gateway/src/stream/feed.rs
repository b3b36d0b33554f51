//! What a hub of an account's orders offers to those who listen, whichever way the broker tells it.

use std::sync::Arc;

use paddock_core::id::AccessKeyId;
use paddock_store::AccessKey;
use tokio::sync::{broadcast, watch};

use super::dial::STEP_TIMEOUT;

/// Whose orders a program hears of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// All of the account.
    Account,
    /// Those that this access key has placed.
    Key(AccessKeyId),
}

impl Audience {
    /// What the scope of an access key lets its programs hear.
    pub(super) const fn of(key: &AccessKey) -> Self {
        if key.scope.only_own_orders { Self::Key(key.id) } else { Self::Account }
    }

    /// Whether it hears of an order of that key's.
    pub(super) fn hears_of(self, owner: Option<AccessKeyId>) -> bool {
        match self {
            Self::Account => true,
            Self::Key(key) => owner == Some(key),
        }
    }
}

/// Whether the broker listens to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Connecting,
    Up,
    Down,
    Ended,
}

/// Where to listen to a running hub.
#[derive(Debug)]
pub(super) struct Feed<T> {
    pub(super) told: broadcast::Sender<Arc<T>>,
    /// The same, each with the access key whose order it tells of, as soon as that is known.
    pub(super) attributed: broadcast::Sender<Arc<T>>,
    pub(super) state: watch::Receiver<State>,
}

impl<T> Clone for Feed<T> {
    fn clone(&self) -> Self {
        Self { told: self.told.clone(), attributed: self.attributed.clone(), state: self.state.clone() }
    }
}

impl<T> Feed<T> {
    pub(super) fn runs(&self) -> bool {
        *self.state.borrow() != State::Ended && self.state.has_changed().is_ok()
    }

    /// Everything from now on. It begins when the broker tells us, so that none is missed of an order that is placed after this
    /// has returned; `None` if the broker cannot be reached. Who listens to the orders of one access key gets all with their keys.
    pub(super) async fn listen(&self, to: Audience) -> Option<broadcast::Receiver<Arc<T>>> {
        let told = match to {
            Audience::Account => self.told.subscribe(),
            Audience::Key(_) => self.attributed.subscribe(),
        };
        let mut state = self.state.clone();
        let up = state.wait_for(|state| *state != State::Connecting);
        let state = *tokio::time::timeout(STEP_TIMEOUT, up).await.ok()?.ok()?;
        (state == State::Up).then_some(told)
    }
}
