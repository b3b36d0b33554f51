//! A paper broker inside this process, for rehearsals where the configuration names none. It listens on this machine only, holds nothing but
//! what rehearsals open, and goes with the process.

use std::pin::Pin;
use std::sync::Arc;

use paddock_alpaca::client::ClientOptions;
use paddock_alpaca::endpoints::EndpointOverrides;
use paddock_alpaca::{AlpacaClient, Endpoints};
use paddock_core::{Clock, Entropy, Environment};
use paddock_paper::{EphemeralBroker, PaperOptions};
use paddock_web::RehearsalHost;
use tokio::sync::Mutex;

/// Starts it when the first rehearsal wants it.
#[derive(Debug)]
pub(crate) struct OwnBroker {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Stops when it is dropped.
    running: Mutex<Option<EphemeralBroker>>,
}

impl OwnBroker {
    pub(crate) fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { clock, entropy, running: Mutex::default() }
    }

    async fn run(&self) -> Result<AlpacaClient, String> {
        let mut options = PaperOptions::new(Arc::clone(&self.clock), Arc::clone(&self.entropy));
        // A rehearsal does not wait for the market.
        options.hold_open = true;
        let broker = EphemeralBroker::start(options).await.map_err(|error| error.to_string())?;
        let (paper, live) = (broker.url(Environment::Paper), broker.url(Environment::Live));
        tracing::info!(address = %paper, "a paper broker for rehearsals runs in this process");
        let overrides = EndpointOverrides {
            data: Some(paper.clone()),
            paper: Some(paper),
            live: Some(live),
            stream: None,
        };
        let endpoints = Endpoints::new(&overrides).map_err(|fault| fault.to_string())?;
        let client =
            AlpacaClient::new(endpoints, &ClientOptions::default()).map_err(|error| error.to_string())?;
        *self.running.lock().await = Some(broker);
        Ok(client)
    }
}

impl RehearsalHost for OwnBroker {
    fn start(&self) -> Pin<Box<dyn Future<Output = Result<AlpacaClient, String>> + Send + '_>> {
        Box::pin(self.run())
    }
}
