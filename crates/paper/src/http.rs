//! Alpaca's HTTP interface of the broker.
//!
//! One service answers every path: it finds the operation in the table of `paddock-alpaca`, authenticates, and hands the call
//! to the handler of the operation. Nothing is routed that the table does not know.

mod auth;
mod call;
mod handlers;
mod offered;
pub mod rate_limit;
pub mod record;
pub(crate) mod respond;
pub(crate) mod views;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware;
use axum::response::Response;
use http::header::CONTENT_ENCODING;
use paddock_alpaca::operation::{self, Operation};
use paddock_alpaca::path::{CanonicalPath, Query};
use paddock_alpaca::strict_json::MAX_BODY;
use paddock_alpaca::{AlpacaError, operation::PathParams};
use paddock_core::Environment;

pub(crate) use call::Call;
use record::{Recording, SeenRequest};
pub(crate) use respond::json;

use crate::access::Access;
use crate::faults::request::DataUntil;
use crate::stream::{Closing, Stream};
use crate::{PaperBroker, dashboard, faults, oauth, pages};

/// A broker as one of its two listeners serves it.
#[derive(Clone)]
pub(crate) struct Served {
    pub broker: PaperBroker,
    pub environment: Environment,
}

/// The routes of one environment: Alpaca's, streams and OAuth included; the dashboard: its API under `/dashboard/v1`, its page
/// under `/dashboard`; and the interface for faults and time under `/admin/v1`.
pub(crate) fn router(broker: PaperBroker, environment: Environment) -> Router {
    let exchanges = broker.recorder().exchanges().cloned();
    let recording = exchanges.map(|file| Recording { broker: broker.clone(), environment, file });
    let served = Served { broker, environment };
    let router = Router::new()
        .nest("/dashboard/v1", dashboard::router())
        .nest("/dashboard", pages::router())
        .merge(oauth::router())
        .nest("/admin/v1", faults::admin::router(served.clone()))
        .fallback(answer)
        .with_state(served);
    match recording {
        Some(recording) => router.layer(middleware::from_fn_with_state(recording, record::exchange)),
        None => router,
    }
}

async fn answer(State(served): State<Served>, request: Request) -> Response {
    if served.broker.faults().are_set() {
        return faults::request::answer(served, request).await;
    }
    answer_soundly(served, request).await
}

/// Answers a request as if no faults were set.
pub(crate) async fn answer_soundly(served: Served, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(stream) = Stream::asked_for(&parts) {
        return stream.open(served, parts);
    }
    let body = read_body(body).await;
    served.broker.recorder().keep(|| SeenRequest {
        environment: served.environment,
        method: parts.method.to_string(),
        target: parts.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        body: body.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default(),
    });

    let routed = route(&parts);
    let operation = routed.as_ref().ok().map(|routed| routed.operation);
    let access = auth::access(&served, &parts.headers, operation);
    let account = access.as_ref().ok().and_then(Option::as_ref).map(|access| access.account);
    let allowance = served.broker.rate_limit().count(account, served.broker.now());

    let outcome = match (routed, access) {
        (Err(error), _) | (Ok(_), Err(error)) => Err(error),
        (Ok(_), Ok(_)) if allowance.exceeded => Err(AlpacaError::rate_limited()),
        (Ok(routed), Ok(access)) => {
            let may = access.as_ref().map_or(Ok(()), |access| access.may(routed.operation));
            match may.and_then(|()| accepted_body(&parts.headers, body)) {
                Ok(body) => {
                    let closing = parts.extensions.get::<Closing>().cloned().unwrap_or_default();
                    let data_until = parts.extensions.get().map(|DataUntil(until)| *until);
                    offered::answer(Call { data_until, ..routed.call(&served, access, body, closing) }).await
                }
                Err(error) => Err(error),
            }
        }
    };
    let response = outcome.unwrap_or_else(|error| respond::error(&error, operation));
    respond::with_headers(response, allowance, served.broker.entropy())
}

/// A request whose operation was found.
struct Routed {
    operation: &'static Operation,
    params: PathParams,
    query: Query,
}

impl Routed {
    fn call(self, served: &Served, access: Option<Access>, body: Bytes, closing: Closing) -> Call {
        Call {
            broker: served.broker.clone(),
            operation: self.operation,
            account: access.as_ref().map(|access| access.account).unwrap_or_default(),
            access,
            params: self.params,
            query: self.query,
            body,
            closing,
            data_until: None,
        }
    }
}

/// The answer to a request that is no operation, with the headers that all answers have.
pub(crate) fn finished(served: &Served, outcome: Result<Response, AlpacaError>) -> Response {
    let allowance = served.broker.rate_limit().count(None, served.broker.now());
    let response = outcome.unwrap_or_else(|error| respond::error(&error, None));
    respond::with_headers(response, allowance, served.broker.entropy())
}

/// The operation of a request, if it has one.
pub(crate) fn find_operation(parts: &http::request::Parts) -> Option<&'static Operation> {
    route(parts).ok().map(|routed| routed.operation)
}

fn route(parts: &http::request::Parts) -> Result<Routed, AlpacaError> {
    // An absolute-form target names a host of its own, which this broker is not asked about.
    if parts.uri.authority().is_some() {
        return Err(AlpacaError::endpoint_not_found());
    }
    let path = CanonicalPath::parse(parts.uri.path()).map_err(|fault| AlpacaError::from(&fault))?;
    let (operation, params) =
        operation::find(parts.method.as_str(), &path).ok_or_else(AlpacaError::endpoint_not_found)?;
    let query =
        Query::parse(parts.uri.query().unwrap_or_default()).map_err(|fault| AlpacaError::from(&fault))?;
    Ok(Routed { operation, params, query })
}

async fn read_body(body: Body) -> Result<Bytes, AlpacaError> {
    axum::body::to_bytes(body, MAX_BODY).await.map_err(|_| AlpacaError::body_too_large())
}

fn accepted_body(headers: &http::HeaderMap, body: Result<Bytes, AlpacaError>) -> Result<Bytes, AlpacaError> {
    let encodings = headers.get_all(CONTENT_ENCODING);
    if encodings.iter().any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(AlpacaError::invalid_body("it is compressed"));
    }
    body
}
