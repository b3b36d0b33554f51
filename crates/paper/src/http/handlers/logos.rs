//! `/v1beta1/logos/{symbol}`: this world has no logos, so that there is a placeholder or nothing.

use axum::response::Response;
use http::HeaderValue;
use paddock_alpaca::AlpacaError;

use crate::http::{Call, respond};

/// One grey point.
const PLACEHOLDER: &[u8] = b"\x89PNG\r\n\x1a\n\
    \x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00\x3a\x7e\x9b\x55\
    \x00\x00\x00\x0aIDAT\x78\xda\x63\x38\x01\x00\x00\xca\x00\xc9\x34\x42\x27\xf3\
    \x00\x00\x00\x00IEND\xae\x42\x60\x82";

/// The placeholder, unless it is not wanted.
pub(in crate::http) fn get(call: &Call) -> Result<Response, AlpacaError> {
    if call.boolean("placeholder")?.unwrap_or(true) {
        return Ok(respond::image(HeaderValue::from_static("image/png"), PLACEHOLDER));
    }
    let shown: String = call.param().chars().take(32).collect();
    Err(AlpacaError::without_code(404, format!("no logo for {shown}")))
}
