//! A paper broker inside this process, for rehearsals where the configuration names none. It listens on this machine only, holds nothing but
//! what rehearsals open, and goes with the process.

use std::pin::Pin;
use std::sync::Arc;

use paddock_alpaca::client::ClientOptions;
use paddock_alpaca::endpoints::EndpointOverrides;
use paddock_alpaca::{AlpacaClient, Endpoints};
use paddock_core::{Clock, Entropy, Environment, SecretText};
use paddock_paper::{EphemeralBroker, PaperOptions};
use paddock_web::{PaperAccount, RehearsalHost};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::api::segment;
use crate::commands::paper::dashboard::Dashboard;

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

type Told<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// One request to a broker's dashboard.
async fn ask(address: &str, method: Method, path: &str, content: Option<Value>) -> Result<Value, String> {
    let asked = async { Dashboard::at(address)?.send(method, path, content.as_ref()).await };
    asked.await.map_err(|failure| failure.message().to_owned())
}

fn read(account: &Value) -> Result<PaperAccount, String> {
    let text = |name: &str| {
        let text = account[name].as_str().map(str::to_owned);
        text.ok_or_else(|| format!("its answer has no {}", name.replace('_', " ")))
    };
    Ok(PaperAccount {
        number: text("account_number")?,
        key_id: SecretText::new(text("key_id")?),
        secret_key: SecretText::new(text("secret_key")?),
    })
}

impl RehearsalHost for OwnBroker {
    fn open<'a>(&'a self, address: &'a str, environment: Environment) -> Told<'a, PaperAccount> {
        let content = json!({ "environment": environment, "cash": "100000", "key_format": "new" });
        Box::pin(async move { read(&ask(address, Method::POST, "/accounts", Some(content)).await?) })
    }

    fn regenerate<'a>(&'a self, address: &'a str, number: &'a str) -> Told<'a, PaperAccount> {
        let path = format!("/accounts/{}/keys", segment(number));
        let content = json!({ "key_format": "new" });
        Box::pin(async move { read(&ask(address, Method::POST, &path, Some(content)).await?) })
    }

    fn delete<'a>(&'a self, address: &'a str, number: &'a str) -> Told<'a, ()> {
        let path = format!("/accounts/{}", segment(number));
        Box::pin(async move { ask(address, Method::DELETE, &path, None).await.map(drop) })
    }

    fn start(&self) -> Pin<Box<dyn Future<Output = Result<AlpacaClient, String>> + Send + '_>> {
        Box::pin(self.run())
    }
}
