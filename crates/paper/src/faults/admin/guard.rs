//! Who may use the admin interface: whoever has the token, and no web page.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, HeaderMap, ORIGIN, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use paddock_alpaca::AlpacaError;
use paddock_core::SecretText;

use crate::dashboard::Failed;
use crate::http::Served;

/// Refuses everything that comes without the token, or from a web page.
pub(super) async fn token_required(State(served): State<Served>, request: Request, next: Next) -> Response {
    if request.headers().contains_key(ORIGIN) {
        let problem = AlpacaError::new(403, 40_310_000, "the admin interface is not used from web pages");
        return Failed(problem).into_response();
    }
    let offered = bearer(request.headers());
    if offered.is_some_and(|offered| served.broker.admin_token_is(&offered)) {
        return next.run(request).await;
    }
    let problem = AlpacaError::new(
        401,
        40_110_000,
        "the admin token is missing or wrong: send `Authorization: Bearer` with the token of this broker",
    );
    let mut response = (StatusCode::UNAUTHORIZED, Failed(problem)).into_response();
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// The token in the only `Authorization` header.
fn bearer(headers: &HeaderMap) -> Option<SecretText> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| SecretText::new(token.trim().to_owned()))
}
