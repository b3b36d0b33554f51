//! Requests as they come from the network: what the gateway reads in them, written anew and sent to the broker, has the outcome that the
//! same bytes have at the broker itself.
//!
//! An input is what a program sends on one connection, in which `KEY` and `SECRET` stand for a good pair. It goes to two accounts
//! that are alike: to one as it is, to the other as the gateway reads it. What the gateway would not forward is not compared, and
//! neither is anything after it, since the broker may have done what was refused.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::Rc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use paddock_alpaca::close_position::ClosePart;
use paddock_alpaca::operation;
use paddock_alpaca::order_body::{ParsedPatch, parse_order, parse_patch};
use paddock_alpaca::path::{CanonicalPath, Query};
use paddock_alpaca::request_head;
use paddock_alpaca::strict_json::Object;
use paddock_core::{Environment, PermissionClass};
use paddock_paper::{DEFAULT_CASH, NewAccount};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt;

use crate::desk::Desk;

/// The largest body that the gateway reads.
const MAX_BODY: usize = 64 * 1024;

thread_local! {
    static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
    static NAMES: Cell<u64> = const { Cell::new(0) };
    static PROVED: Cell<bool> = const { Cell::new(false) };
}

/// What the gateway calls a request that has no name of its own.
fn name() -> String {
    NAMES.set(NAMES.get() + 1);
    format!("01999999-0000-7000-8000-{:012}", NAMES.get())
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    /// The gateway does not forward it.
    Refused,
    Answered(u16, Value),
}

/// A read, an order and a look at it on one connection: all of it is forwarded and answered.
const GOOD: &str = concat!(
    "GET /v2/account HTTP/1.1\r\nHost: localhost\r\nAPCA-API-KEY-ID: KEY\r\nAPCA-API-SECRET-KEY: SECRET\r\n\r\n",
    "POST /v2/orders HTTP/1.1\r\nHost: localhost\r\nAPCA-API-KEY-ID: KEY\r\nAPCA-API-SECRET-KEY: SECRET\r\nContent-Length: 78\r\n\r\n",
    r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}"#,
    "GET /v2/positions/AAPL HTTP/1.1\r\nHost: localhost\r\nAPCA-API-KEY-ID: KEY\r\nAPCA-API-SECRET-KEY: SECRET\r\n\r\n",
);

/// Checks an input; before the first one, that anything is compared at all.
pub fn check(data: &[u8]) {
    if !PROVED.replace(true) {
        assert_eq!(compared(GOOD.as_bytes()), 3);
    }
    compared(data);
}

/// Compares what becomes of an input, and tells of how many requests the answers could be compared.
fn compared(data: &[u8]) -> usize {
    let mut count = 0;
    DESK.with_borrow_mut(|kept| {
        Desk::with(kept, |desk| {
            let made = desk.broker.create_account(Environment::Paper, DEFAULT_CASH);
            let behind = desk.runtime.block_on(made).unwrap();
            let data = replaced(data, b"KEY", desk.account.key_id.as_bytes());
            let data = replaced(&data, b"SECRET", desk.account.secret_key.expose().as_bytes());
            let read = desk.talk(&data, |request| desk.read_and_sent(request, &behind));
            let direct = desk.talk(&data, |request| desk.sent(request));
            count = compare(&data, &read, &direct);
        });
    });
    count
}

fn compare(data: &[u8], read: &[Outcome], direct: &[Outcome]) -> usize {
    let shown = || String::from_utf8_lossy(data).into_owned();
    for (number, one) in read.iter().enumerate() {
        if *one == Outcome::Refused {
            return number;
        }
        // Without a good pair nothing comes from the broker, and the gateway's own look at it is not what is compared here.
        if matches!(direct.get(number), Some(Outcome::Answered(401, _))) {
            return number;
        }
        assert_eq!(Some(one), direct.get(number), "request {number} of\n{}", shown());
    }
    assert_eq!(read.len(), direct.len(), "not the same requests are read in\n{}", shown());
    read.len()
}

impl Desk {
    /// All that becomes of what is sent on one connection.
    fn talk<F: Future<Output = Outcome>>(&self, data: &[u8], take: impl Fn(Request) -> F) -> Vec<Outcome> {
        let outcomes = Rc::new(RefCell::new(Vec::new()));
        let kept = Rc::clone(&outcomes);
        let take = &take;
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let kept = Rc::clone(&kept);
            async move {
                let outcome = take(request.map(Body::new)).await;
                kept.borrow_mut().push(outcome);
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }
        });
        self.runtime.block_on(async {
            let (mut client, server) = tokio::io::duplex(1 << 20);
            client.write_all(data).await.unwrap();
            client.shutdown().await.unwrap();
            let mut answers = Vec::new();
            let connection = http1::Builder::new()
                .half_close(true)
                .max_buf_size(64 * 1024)
                .serve_connection(TokioIo::new(server), service);
            let (_, _) = tokio::join!(connection, client.read_to_end(&mut answers));
        });
        let outcomes = outcomes.borrow().clone();
        outcomes
    }

    /// What the broker makes of a request as it is.
    async fn sent(&self, request: Request) -> Outcome {
        let Ok(response) = self.router.clone().oneshot(request).await;
        let status = response.status().as_u16();
        let is_endless =
            response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let body = if is_endless {
            Vec::new().into()
        } else {
            axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap()
        };
        Outcome::Answered(status, alike(serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// What it makes of it as the gateway reads it and writes it anew.
    async fn read_and_sent(&self, request: Request, account: &NewAccount) -> Outcome {
        let (parts, body) = request.into_parts();
        if request_head::check(&parts).is_err() {
            return Outcome::Refused;
        }
        let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else { return Outcome::Refused };
        let method = parts.method.as_str();
        let Some((target, body)) =
            read(method, parts.uri.path(), parts.uri.query().unwrap_or_default(), &body)
        else {
            return Outcome::Refused;
        };
        let written = Request::builder()
            .method(method)
            .uri(target)
            .header("Host", "localhost")
            .header("APCA-API-KEY-ID", &account.key_id)
            .header("APCA-API-SECRET-KEY", account.secret_key.expose());
        self.sent(written.body(Body::from(body)).unwrap()).await
    }
}

/// Target and body as they are sent on; `None` if they are not.
fn read(method: &str, path: &str, query: &str, body: &[u8]) -> Option<(String, Vec<u8>)> {
    let (path, query) = (CanonicalPath::parse(path).ok()?, Query::parse(query).ok()?);
    let (operation, params) = operation::find(method, &path)?;
    let body = match operation.id {
        _ if !operation.changes_state() => body.is_empty().then(Vec::new)?,
        "postOrder" => {
            let mut order = parse_order(body).ok()?;
            if order.request.client_order_id.is_none() {
                order.set_client_order_id(name());
            }
            order.to_json_bytes()
        }
        "patchOrderByOrderId" => {
            let mut patch = parse_patch(body).ok()?;
            if patch.client_order_id.is_none() && patch != ParsedPatch::default() {
                patch.client_order_id = Some(name());
            }
            params.get("order_id")?.parse::<uuid::Uuid>().ok()?;
            patch.to_json_bytes()
        }
        "deleteOpenPosition" => {
            ClosePart::parse(&query).ok()?;
            body.is_empty().then(Vec::new)?
        }
        "deleteAllOpenPositions" => body.is_empty().then(Vec::new)?,
        _ if operation.class == PermissionClass::MoneyOut => return None,
        _ if body.is_empty() => Vec::new(),
        _ => {
            Object::parse(body).ok()?;
            body.to_vec()
        }
    };
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.to_upstream()) };
    Some((format!("{}{query}", path.to_upstream()), body))
}

/// What differs between two accounts by its nature is taken out.
fn alike(mut answer: Value) -> Value {
    const OWN: [&str; 5] = ["id", "_id", "account_number", "replaced_by", "replaces"];
    match &mut answer {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                let own = OWN.iter().any(|own| name.ends_with(own));
                *value = if own { Value::Null } else { alike(value.take()) };
            }
        }
        Value::String(text) if text.parse::<uuid::Uuid>().is_ok() => answer = Value::Null,
        Value::Array(items) => items.iter_mut().for_each(|item| *item = alike(item.take())),
        _ => {}
    }
    answer
}

fn replaced(data: &[u8], word: &[u8], by: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut rest = data;
    while let Some((&first, after)) = rest.split_first() {
        match rest.strip_prefix(word) {
            // `APCA-API-KEY-ID` is a name.
            Some(behind) if !behind.starts_with(b"-") && out.last().is_none_or(|last| *last != b'-') => {
                out.extend(by);
                rest = behind;
            }
            _ => {
                out.push(first);
                rest = after;
            }
        }
    }
    out
}
