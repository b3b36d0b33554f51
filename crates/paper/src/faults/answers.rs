//! The answers that come instead of the true ones.

use std::io;

use axum::body::Body;
use axum::response::Response;
use futures_util::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::operation::Operation;
use paddock_core::Entropy;

use crate::http::rate_limit::Allowance;
use crate::http::respond;

/// How many requests Alpaca allows in a minute, as the headers of a full account say.
const LIMIT: u32 = 200;

/// An error: 401, 403, 429 and 500 in Alpaca's JSON, 502 to 504 as the page of the proxy that stands before it.
pub(super) fn error(
    status: u16,
    operation: Option<&Operation>,
    (rate_limit_headers, retry_after): (bool, Option<u64>),
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Response {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let reason = reason.unwrap_or("Error");
    let mut response = match status {
        401 => respond::error(&AlpacaError::unauthorized(), operation),
        429 => respond::error(&AlpacaError::rate_limited(), operation),
        500 => respond::error(&AlpacaError::internal(), operation),
        502..=504 => page(status, reason),
        _ => respond::error(
            &AlpacaError::new(status, u32::from(status) * 100_000 + 10_000, reason.to_lowercase()),
            operation,
        ),
    };
    let reset = (now.as_second().div_euclid(60) + 1) * 60;
    let remaining = if status == 429 { 0 } else { LIMIT - 1 };
    let allowance = Allowance { limit: LIMIT, remaining, reset, exceeded: status == 429 };
    response = respond::with_headers(response, allowance, entropy);
    let headers = response.headers_mut();
    if !rate_limit_headers {
        for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
            headers.remove(HeaderName::from_static(name));
        }
    }
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    response
}

fn page(status: u16, reason: &str) -> Response {
    let title = format!("{status} {reason}");
    let body = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}

/// What makes the server close the connection without having sent a byte: a body that fails before the head has left.
pub(super) fn nothing() -> Response {
    Response::new(Body::from_stream(stream::once(async { Err::<Vec<u8>, _>(cut_off()) })))
}

/// The head of an answer, after which the connection is closed.
pub(super) fn head_of(answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    // A body is promised even where there would be none, so that the client knows that it misses something.
    let length = http_body_length(&body).max(1);
    parts.headers.remove(TRANSFER_ENCODING);
    parts.headers.insert(CONTENT_LENGTH, length.into());
    if parts.status == StatusCode::NO_CONTENT {
        parts.status = StatusCode::OK;
    }
    let failing = stream::once(async {
        // The head leaves while this waits for its next turn.
        tokio::task::yield_now().await;
        Err::<Vec<u8>, _>(cut_off())
    });
    Response::from_parts(parts, Body::from_stream(failing))
}

fn http_body_length(body: &Body) -> u64 {
    use axum::body::HttpBody;
    body.size_hint().lower()
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "cut off by a fault rule")
}
