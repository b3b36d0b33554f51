//! A broker at a fixed instant, and a client with an account.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use paddock_core::{Entropy, Environment, ManualClock};
use paddock_paper::{DEFAULT_CASH, EphemeralBroker, NewAccount, PaperOptions};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

/// A Wednesday morning with the market open, 10:00 in New York.
pub const OPEN: &str = "2026-06-24T14:00:00Z";

/// Repeatable randomness.
#[derive(Debug)]
pub struct Seeded(Mutex<ChaCha8Rng>);

impl Entropy for Seeded {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.lock().unwrap().fill_bytes(buffer);
    }
}

/// A running broker with a clock that stands still, one paper account, and a client for it.
pub struct Desk {
    pub server: EphemeralBroker,
    pub clock: Arc<ManualClock>,
    pub account: NewAccount,
    pub http: reqwest::Client,
}

/// An answer.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

pub fn options(clock: &Arc<ManualClock>) -> PaperOptions {
    let entropy = Arc::new(Seeded(Mutex::new(ChaCha8Rng::seed_from_u64(5))));
    // What the tests are answered can be checked against Alpaca's own description: `cargo xtask test schema`.
    let record_exchanges = std::env::var_os("PADDOCK_RECORD_EXCHANGES").map(PathBuf::from);
    PaperOptions { record_requests: true, record_exchanges, ..PaperOptions::new(clock.clone(), entropy) }
}

impl Desk {
    pub async fn at(start: &str) -> Self {
        Self::with(start, |options| options).await
    }

    pub async fn in_directory(start: &str, directory: &Path) -> Self {
        Self::with(start, |options| PaperOptions { data_dir: Some(directory.to_owned()), ..options }).await
    }

    pub async fn with(start: &str, change: impl FnOnce(PaperOptions) -> PaperOptions) -> Self {
        let clock = Arc::new(ManualClock::new(at(start)));
        let server = EphemeralBroker::start(change(options(&clock))).await.unwrap();
        let account = server.broker.create_account(Environment::Paper, DEFAULT_CASH).await.unwrap();
        Self { server, clock, account, http: reqwest::Client::new() }
    }

    pub fn url(&self, target: &str) -> String {
        format!("{}{target}", self.server.url(Environment::Paper))
    }

    /// A request without credentials.
    pub fn bare(&self, method: &str, target: &str) -> RequestBuilder {
        self.http.request(Method::from_bytes(method.as_bytes()).unwrap(), self.url(target))
    }

    /// A request with the account's pair.
    pub fn request(&self, method: &str, target: &str) -> RequestBuilder {
        self.bare(method, target)
            .header("APCA-API-KEY-ID", &self.account.key_id)
            .header("APCA-API-SECRET-KEY", self.account.secret_key.expose())
    }

    pub async fn get(&self, target: &str) -> Answer {
        answer(self.request("GET", target)).await
    }

    pub async fn delete(&self, target: &str) -> Answer {
        answer(self.request("DELETE", target)).await
    }

    pub async fn post(&self, target: &str, body: Value) -> Answer {
        answer(self.request("POST", target).body(body.to_string())).await
    }

    pub async fn patch(&self, target: &str, body: Value) -> Answer {
        answer(self.request("PATCH", target).body(body.to_string())).await
    }

    /// Places an order that must be taken, and tells its id.
    pub async fn place(&self, body: Value) -> String {
        let placed = self.post("/v2/orders", body).await;
        assert_eq!(placed.status, 200, "{placed:?}");
        placed.body["id"].as_str().unwrap().to_owned()
    }

    /// A request to the admin interface, with its token.
    pub fn admin(&self, method: &str, target: &str) -> RequestBuilder {
        self.bare(method, &format!("/admin/v1{target}"))
            .bearer_auth(self.server.broker.admin_token().expose())
    }

    /// Sets a fault, and tells its id.
    pub async fn fault(&self, rule: Value) -> u64 {
        let made = answer(self.admin("POST", "/faults").body(rule.to_string())).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.body["id"].as_u64().unwrap()
    }

    /// How often a fault has fired.
    pub async fn fired(&self, id: u64) -> u64 {
        answer(self.admin("GET", &format!("/faults/{id}"))).await.body["fired"].as_u64().unwrap()
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// Sends a request; an answer without a body is null, and one that is no JSON its text.
pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    let body = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    };
    Answer { status, body }
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
