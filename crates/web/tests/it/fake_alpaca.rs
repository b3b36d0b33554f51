//! An Alpaca that answers as it is told to, on one address for each environment.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri, header};
use paddock_core::Environment;
use serde_json::{Value, json};

/// What a host answers to everybody, whatever they ask.
#[derive(Clone)]
pub(crate) struct Canned {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

#[derive(Default)]
struct Host {
    /// Secret Key and account by Key ID.
    pairs: HashMap<String, (String, Value)>,
    canned: Option<Canned>,
    /// Whether it tells orders and positions, of which there are none.
    tells_lists: bool,
    asked: u32,
}

type Shared = Arc<Mutex<Host>>;

/// Both hosts.
pub(crate) struct FakeAlpaca {
    paper: (SocketAddr, Shared),
    live: (SocketAddr, Shared),
}

impl FakeAlpaca {
    pub(crate) async fn start() -> Self {
        Self { paper: serve().await, live: serve().await }
    }

    pub(crate) fn url(&self, environment: Environment) -> String {
        format!("http://{}", self.host(environment).0)
    }

    fn host(&self, environment: Environment) -> &(SocketAddr, Shared) {
        match environment {
            Environment::Paper => &self.paper,
            Environment::Live => &self.live,
        }
    }

    /// Lets a pair open an account. `change` alters the account as Alpaca would show it.
    pub(crate) fn issue(
        &self,
        environment: Environment,
        pair: &(&str, &str),
        account_number: &str,
        change: impl FnOnce(&mut Value),
    ) {
        let digits: String = account_number.bytes().map(|byte| format!("{byte:02x}")).collect();
        let id = format!("{:0>32}", &digits[..digits.len().min(32)]);
        let mut account = json!({
            "id": format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]),
            "account_number": account_number, "status": "ACTIVE", "currency": "USD", "cash": "100000",
            "equity": "100250.5", "portfolio_value": "100250.5", "buying_power": "200000", "multiplier": "2",
            "trading_blocked": false, "transfers_blocked": false, "account_blocked": false,
            "trade_suspended_by_user": false, "shorting_enabled": true, "created_at": "2026-01-05T09:00:00Z",
        });
        change(&mut account);
        let mut host = self.host(environment).1.lock().unwrap();
        host.pairs.insert(pair.0.to_owned(), (pair.1.to_owned(), account));
    }

    pub(crate) fn revoke(&self, environment: Environment, key_id: &str) {
        self.host(environment).1.lock().unwrap().pairs.remove(key_id);
    }

    /// Has a host answer the same to everybody from now on.
    pub(crate) fn answer_always(&self, environment: Environment, canned: Option<Canned>) {
        self.host(environment).1.lock().unwrap().canned = canned;
    }

    /// Has a host tell the orders and positions of its accounts, which have none.
    pub(crate) fn tell_lists(&self, environment: Environment) {
        self.host(environment).1.lock().unwrap().tells_lists = true;
    }

    /// How many requests came to both hosts.
    pub(crate) fn asked(&self) -> u32 {
        self.paper.1.lock().unwrap().asked + self.live.1.lock().unwrap().asked
    }
}

async fn serve() -> (SocketAddr, Shared) {
    let host = Shared::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(answer).with_state(Arc::clone(&host));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, host)
}

async fn answer(State(host): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let text =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mut host = host.lock().unwrap();
    host.asked += 1;
    if let Some(canned) = host.canned.clone() {
        return reply(canned.status, canned.content_type, canned.body);
    }
    match host.pairs.get(&text("apca-api-key-id")) {
        // An account that has ordered nothing.
        Some((secret, _))
            if *secret == text("apca-api-secret-key")
                && host.tells_lists
                && matches!(uri.path(), "/v2/orders" | "/v2/positions") =>
        {
            reply(200, "application/json", "[]".to_owned())
        }
        Some((secret, account)) if *secret == text("apca-api-secret-key") => {
            reply(200, "application/json", account.to_string())
        }
        _ => reply(401, "application/json", r#"{"message":"unauthorized."}"#.to_owned()),
    }
}

fn reply(status: u16, content_type: &str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert(header::CONTENT_TYPE, content_type.parse().unwrap());
    response
}
