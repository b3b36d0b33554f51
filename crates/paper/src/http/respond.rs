//! Answers, and the headers that all of them have.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderName, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use paddock_alpaca::AlpacaError;
use paddock_alpaca::error::{UNAUTHORIZED_HTML, unauthorized_is_html};
use paddock_alpaca::operation::Operation;
use paddock_core::Entropy;
use serde::Serialize;

use super::rate_limit::Allowance;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=UTF-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html");
/// How Alpaca asks for credentials.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer, Basic realm=\"alpaca.markets\"");

/// An answer in JSON.
pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Result<Response, AlpacaError> {
    let body = serde_json::to_vec(value).map_err(|_| AlpacaError::internal())?;
    Ok(bytes(status, JSON, body))
}

/// An answer in JSON with status 200.
pub(super) fn ok<T: Serialize>(value: &T) -> Result<Response, AlpacaError> {
    json(StatusCode::OK, value)
}

/// An answer without a body, status 204.
pub(super) fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// A picture with status 200.
pub(super) fn image(content_type: HeaderValue, image: &[u8]) -> Response {
    bytes(StatusCode::OK, content_type, image.to_vec())
}

/// An error answer in the form that Alpaca has for the operation.
pub(crate) fn error(error: &AlpacaError, operation: Option<&Operation>) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let html = status == StatusCode::UNAUTHORIZED && operation.is_some_and(unauthorized_is_html);
    let mut response = if html {
        bytes(status, HTML, UNAUTHORIZED_HTML.as_bytes().to_vec())
    } else {
        bytes(status, JSON, error.to_body())
    };
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, CHALLENGE);
    }
    response
}

fn bytes(status: StatusCode, content_type: HeaderValue, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// Adds `X-Request-ID` (32 hexadecimal digits) and the `X-RateLimit-*` headers.
pub(crate) fn with_headers(mut response: Response, allowance: Allowance, entropy: &dyn Entropy) -> Response {
    let mut id = [0_u8; 16];
    entropy.fill(&mut id);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&hex::encode(id)) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    headers.insert(HeaderName::from_static("x-ratelimit-limit"), allowance.limit.into());
    headers.insert(HeaderName::from_static("x-ratelimit-remaining"), allowance.remaining.into());
    headers.insert(HeaderName::from_static("x-ratelimit-reset"), allowance.reset.into());
    response
}
