//! The paper broker with which rotations are rehearsed.

use std::sync::Arc;

use paddock_alpaca::AlpacaClient;
use tokio::sync::OnceCell;

/// Asks the paper broker with which rotations are rehearsed. There may be none before the first rehearsal wants one. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct RehearsalBroker(Arc<OnceCell<AlpacaClient>>);

impl RehearsalBroker {
    /// One that is there from the start.
    #[must_use]
    pub fn of(client: AlpacaClient) -> Self {
        Self(Arc::new(OnceCell::new_with(Some(client))))
    }

    /// The one that is there.
    #[must_use]
    pub fn client(&self) -> Option<&AlpacaClient> {
        self.0.get()
    }

    /// The one that is there, or else the one that `start` starts: once, whoever asks at the same time.
    ///
    /// # Errors
    /// Why it could not be started.
    pub async fn or_start<E>(
        &self,
        start: impl Future<Output = Result<AlpacaClient, E>>,
    ) -> Result<&AlpacaClient, E> {
        self.0.get_or_try_init(|| start).await
    }
}
