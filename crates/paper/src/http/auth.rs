//! Whether a request is let in.

use http::HeaderMap;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::operation::{Api, Operation};

use super::Served;
use crate::access::{Access, Credentials};

/// What the request's credentials open, or `None` where none are needed.
pub(super) fn access(
    served: &Served,
    headers: &HeaderMap,
    operation: Option<&Operation>,
) -> Result<Option<Access>, AlpacaError> {
    // Crypto prices are given to everyone.
    if operation.is_some_and(|operation| operation.path.starts_with("/v1beta3/crypto/")) {
        return Ok(None);
    }
    let credentials = Credentials::of(headers).ok_or_else(AlpacaError::unauthorized)?;
    let api = operation.map_or(Api::Trading, |operation| operation.api);
    let access = served.broker.open_door(&credentials, api, served.environment);
    access.map(Some).ok_or_else(AlpacaError::unauthorized)
}
