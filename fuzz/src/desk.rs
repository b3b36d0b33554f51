//! A paper broker without a network: requests go to its routes in this process.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use paddock_core::{Entropy, Environment, ManualClock};
use paddock_paper::{DEFAULT_CASH, NewAccount, PaperBroker, PaperOptions};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

/// 15:50 in New York on a day of trading: ten minutes on, day orders end.
const START: &str = "2026-06-24T19:50:00Z";

/// A broker has so many accounts, one for each input, before it is thrown away.
const ACCOUNTS: u32 = 500;

/// Repeatable randomness.
#[derive(Debug)]
struct Seeded(Mutex<ChaCha8Rng>);

impl Entropy for Seeded {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(buffer);
    }
}

/// A broker with an account that nothing has happened to.
pub struct Desk {
    pub runtime: Runtime,
    pub broker: PaperBroker,
    pub router: Router,
    pub clock: Arc<ManualClock>,
    pub account: NewAccount,
    used: u32,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub location: Option<String>,
    pub body: Vec<u8>,
}

impl Desk {
    /// Opens a broker. Time passes by itself, and at once, whenever nothing else can happen.
    pub fn open() -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let clock = Arc::new(ManualClock::new(START.parse().unwrap()));
        let entropy = Arc::new(Seeded(Mutex::new(ChaCha8Rng::seed_from_u64(5))));
        let broker = PaperBroker::open(PaperOptions::new(clock.clone(), entropy)).unwrap();
        let router = broker.router(Environment::Paper);
        let account = runtime.block_on(broker.create_account(Environment::Paper, DEFAULT_CASH)).unwrap();
        Self { runtime, broker, router, clock, account, used: 0 }
    }

    /// Runs `check` with an account that nothing has happened to.
    pub fn with(kept: &mut Option<Self>, check: impl FnOnce(&Self)) {
        let desk = match kept {
            Some(desk) if desk.used < ACCOUNTS => {
                let made = desk.broker.create_account(Environment::Paper, DEFAULT_CASH);
                desk.account = desk.runtime.block_on(made).unwrap();
                desk.used += 1;
                desk
            }
            _ => kept.insert(Self::open()),
        };
        check(desk);
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Sends a request; `None` if it is none that HTTP can carry. Answers that go on, as event streams do, are not read.
    pub fn ask(&self, method: &str, target: &str, body: &[u8]) -> Option<Answer> {
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("APCA-API-KEY-ID", &self.account.key_id)
            .header("APCA-API-SECRET-KEY", self.account.secret_key.expose())
            .body(Body::from(body.to_vec()));
        self.answer(request.ok()?)
    }

    /// Sends what a person's browser or a program without a pair sends from this machine.
    pub fn ask_locally(&self, method: &str, target: &str, form: bool, body: &[u8]) -> Option<Answer> {
        let content_type = if form { "application/x-www-form-urlencoded" } else { "application/json" };
        let peer: SocketAddr = ([127, 0, 0, 1], 1).into();
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("Host", "localhost")
            .header("Content-Type", content_type)
            .extension(ConnectInfo(peer))
            .body(Body::from(body.to_vec()));
        self.answer(request.ok()?)
    }

    fn answer(&self, request: Request) -> Option<Answer> {
        let router = self.router.clone();
        self.runtime.block_on(async move {
            let Ok(response) = router.oneshot(request).await;
            let status = response.status().as_u16();
            let content_type = response.headers().get("content-type");
            let location = response.headers().get("location");
            let location = location.map(|value| value.to_str().unwrap().to_owned());
            let content_type =
                content_type.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
            let body = if content_type == "text/event-stream" {
                Vec::new()
            } else {
                axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()
            };
            Some(Answer { status, content_type, location, body })
        })
    }

    /// What the account shows at a target that cannot be refused.
    pub fn get(&self, target: &str) -> Value {
        let answer = self.ask("GET", target, b"").unwrap();
        assert_eq!(answer.status, 200, "{target}: {answer:?}");
        serde_json::from_slice(&answer.body).unwrap()
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.status, self.content_type, String::from_utf8_lossy(&self.body))
    }
}

impl Answer {
    /// The body of a success; `None` for an error, which must have Alpaca's form.
    pub fn success(&self) -> Option<Value> {
        assert!((200..600).contains(&self.status) && self.status != 500, "{self:?}");
        if self.status == 204 || self.content_type == "text/event-stream" {
            assert!(self.body.is_empty(), "{self:?}");
            return Some(Value::Null);
        }
        if self.status == 401 && self.content_type == "text/html" {
            return None;
        }
        assert!(self.content_type.starts_with("application/json"), "{self:?}");
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        if self.status < 300 {
            return Some(body);
        }
        assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{self:?}");
        let code = &body["code"];
        let own =
            code.as_u64().is_some_and(|code| code / 100_000 == u64::from(self.status) || code == 40_010_001);
        assert!(code.is_null() || own, "{self:?}");
        None
    }
}
