//! Who sends a request: the account that a pair opens.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use paddock_alpaca::AlpacaError;
use paddock_alpaca::operation::{Api, Operation};
use uuid::Uuid;

use super::Served;

const KEY_ID: HeaderName = HeaderName::from_static("apca-api-key-id");
const SECRET_KEY: HeaderName = HeaderName::from_static("apca-api-secret-key");

/// The account whose request it is, or `None` where none is needed. Alpaca's data host serves both environments; its trading
/// hosts one each, and to the pair of the other one they answer as to a wrong one.
pub(super) fn account(
    served: &Served,
    headers: &HeaderMap,
    operation: Option<&Operation>,
) -> Result<Option<Uuid>, AlpacaError> {
    // Crypto prices are given to everyone.
    if operation.is_some_and(|operation| operation.path.starts_with("/v1beta3/crypto/")) {
        return Ok(None);
    }
    let (key_id, secret) = pair(headers).ok_or_else(AlpacaError::unauthorized)?;
    let (account, environment) =
        served.broker.authenticate(&key_id, &secret).ok_or_else(AlpacaError::unauthorized)?;
    let any_environment = operation.is_some_and(|operation| operation.api == Api::Data);
    if any_environment || environment == served.environment {
        Ok(Some(account))
    } else {
        Err(AlpacaError::unauthorized())
    }
}

/// The pair in Alpaca's own two headers, or in HTTP Basic. A header that is there twice is no header.
pub(crate) fn pair(headers: &HeaderMap) -> Option<(String, String)> {
    if headers.contains_key(KEY_ID) || headers.contains_key(SECRET_KEY) {
        return Some((only(headers, &KEY_ID)?, only(headers, &SECRET_KEY)?));
    }
    let authorization = only(headers, &AUTHORIZATION)?;
    let (scheme, value) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    let (key_id, secret) = decoded.split_once(':')?;
    Some((key_id.to_owned(), secret.to_owned()))
}

fn only(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().map(ToOwned::to_owned),
        _ => None,
    }
}
