//! A broker that records what it gets and answers what a test tells it to.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// One request as the broker got it.
#[derive(Clone, Debug)]
pub struct Got {
    pub method: String,
    pub target: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What the broker does with a request.
pub enum Reply {
    /// Answers.
    Answer(Response<Full<Bytes>>),
    /// Answers with a body in pieces, each of which is sent on its own.
    Pieces(Response<()>, Vec<Bytes>),
    /// Closes the connection without an answer.
    HangUp,
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

type Script = dyn Fn(&Got) -> Reply + Send + Sync;

/// The broker.
#[derive(Clone)]
pub struct FakeBroker {
    pub address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
    script: Arc<Mutex<Arc<Script>>>,
}

impl FakeBroker {
    /// Starts a broker that answers every request like an account in good order: quotes at 100, one position, every order
    /// accepted.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let broker = Self {
            address: listener.local_addr().unwrap(),
            got: Arc::default(),
            script: Arc::new(Mutex::new(Arc::new(well_behaved))),
        };
        let serving = broker.clone();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let broker = serving.clone();
                let service = service_fn(move |request| {
                    let broker = broker.clone();
                    async move { broker.answer(request).await }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
            }
        });
        broker
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, HungUp> {
        let (parts, body) = request.into_parts();
        let got = Got {
            method: parts.method.to_string(),
            target: parts.uri.to_string(),
            headers: parts.headers,
            body: body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default(),
        };
        self.got.lock().unwrap().push(got.clone());
        let script = self.script.lock().unwrap().clone();
        match script(&got) {
            Reply::Answer(response) => Ok(response.map(BodyExt::boxed_unsync)),
            Reply::Pieces(head, pieces) => {
                let frames = stream::iter(pieces).then(|piece| async move {
                    tokio::task::yield_now().await;
                    Ok::<_, Infallible>(Frame::data(piece))
                });
                Ok(head.map(|()| StreamBody::new(frames).boxed_unsync()))
            }
            Reply::HangUp => Err(HungUp),
        }
    }

    /// Changes what it does from now on.
    pub fn script(&self, script: impl Fn(&Got) -> Reply + Send + Sync + 'static) {
        *self.script.lock().unwrap() = Arc::new(script);
    }

    /// Everything that it got so far.
    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// What it got that changes something.
    pub fn changes(&self) -> Vec<Got> {
        self.got().into_iter().filter(|got| got.method != "GET").collect()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("hung up")]
pub struct HungUp;

/// The same answer, with these headers.
pub fn with_headers(reply: Reply, headers: &[(&str, String)]) -> Reply {
    match reply {
        Reply::Answer(mut response) => {
            for (name, value) in headers {
                let name = name.parse::<http::HeaderName>().unwrap();
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            Reply::Answer(response)
        }
        other => other,
    }
}

/// A JSON answer.
pub fn json(status: u16, body: &serde_json::Value) -> Reply {
    let response = Response::builder().status(status).header("content-type", "application/json");
    Reply::Answer(response.body(Full::new(Bytes::from(body.to_string()))).unwrap())
}

/// What a broker in good order answers.
pub fn well_behaved(got: &Got) -> Reply {
    let path = got.target.split('?').next().unwrap_or_default();
    match (got.method.as_str(), path) {
        ("GET", "/v2/account") => json(200, &account("ACTIVE")),
        ("GET", "/v2/orders:by_client_order_id") => {
            json(404, &serde_json::json!({"code": 40_410_000, "message": "order not found"}))
        }
        ("GET", path) if path.starts_with("/v2/orders/") => json(200, &order("3", "100")),
        ("GET", path) if path.ends_with("/quotes/latest") => {
            let quote = serde_json::json!({"ap": 100, "as": 100, "ax": "V", "bp": 99.98, "bs": 100, "bx": "V",
                "c": ["R"], "t": "2026-11-20T15:00:00Z", "z": "C"});
            let symbol =
                got.target.split_once("symbols=").map_or("AAPL", |(_, symbol)| symbol).replace("%2F", "/");
            json(200, &serde_json::json!({"quotes": {symbol: quote}}))
        }
        ("GET", "/v2/positions") => {
            json(200, &serde_json::json!([position("AAPL", "5"), position("MSFT", "2")]))
        }
        ("GET", "/v2/positions/AAPL") => json(200, &position("AAPL", "5")),
        ("POST", "/v2/orders") | ("PATCH", _) => json(200, &order("1", "100")),
        ("DELETE", path) if path.starts_with("/v2/orders/") => {
            Reply::Answer(Response::builder().status(204).body(Full::default()).unwrap())
        }
        ("DELETE", "/v2/orders" | "/v2/positions") => json(207, &serde_json::json!([])),
        ("DELETE", _) => json(200, &order("5", "100")),
        _ => json(200, &serde_json::json!({})),
    }
}

pub fn account(status: &str) -> serde_json::Value {
    serde_json::json!({
        "id": "11111111-2222-4333-8444-555555555555", "account_number": "PA0000000001", "status": status,
        "crypto_status": "ACTIVE", "currency": "USD", "cash": "100000", "equity": "100000", "portfolio_value": "100000",
        "buying_power": "400000", "regt_buying_power": "200000", "last_equity": "100000", "multiplier": "4",
        "trading_blocked": false, "account_blocked": false, "transfers_blocked": false,
        "trade_suspended_by_user": false, "shorting_enabled": true, "created_at": "2026-01-02T15:00:00Z",
        "long_market_value": "0", "short_market_value": "0", "initial_margin": "0", "maintenance_margin": "0",
        "last_maintenance_margin": "0", "sma": "0", "non_marginable_buying_power": "100000",
        "options_buying_power": "100000", "options_approved_level": 3, "options_trading_level": 3,
        "balance_asof": "2026-11-19", "accrued_fees": "0", "intraday_adjustments": "0", "pending_reg_taf_fees": "0"
    })
}

/// A limit order for AAPL.
pub fn order(quantity: &str, limit: &str) -> serde_json::Value {
    serde_json::json!({
        "id": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", "client_order_id": "mine", "created_at": "2026-11-20T15:00:00Z",
        "updated_at": "2026-11-20T15:00:00Z", "submitted_at": "2026-11-20T15:00:00Z", "filled_at": null,
        "expired_at": null, "canceled_at": null, "failed_at": null, "replaced_at": null, "replaced_by": null,
        "replaces": null, "asset_id": "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415", "symbol": "AAPL",
        "asset_class": "us_equity", "notional": null, "qty": quantity, "filled_qty": "0", "filled_avg_price": null,
        "order_class": "", "order_type": "limit", "type": "limit", "side": "buy", "time_in_force": "day",
        "limit_price": limit, "stop_price": null, "status": "new", "extended_hours": false, "legs": null,
        "trail_percent": null, "trail_price": null, "hwm": null
    })
}

pub fn position(symbol: &str, quantity: &str) -> serde_json::Value {
    let side = if quantity.starts_with('-') { "short" } else { "long" };
    serde_json::json!({
        "asset_id": "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415", "symbol": symbol, "exchange": "NASDAQ",
        "asset_class": "us_equity", "asset_marginable": true, "avg_entry_price": "90", "qty": quantity, "side": side,
        "market_value": "500", "cost_basis": "450", "unrealized_pl": "50", "unrealized_plpc": "0.1",
        "unrealized_intraday_pl": "0", "unrealized_intraday_plpc": "0", "current_price": "100", "lastday_price": "100",
        "change_today": "0", "qty_available": quantity
    })
}
