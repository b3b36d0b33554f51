//! `POST /v1/oauth2/token`: a partner's own secret for a token that reads prices, as at authx.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue, StatusCode};
use paddock_alpaca::AlpacaError;
use paddock_alpaca::oauth::{AUTHX_TOKEN_SECONDS, AuthxError, AuthxToken};
use paddock_core::SecretText;
use paddock_core::entropy::random_text;

use super::token::client_with;
use super::{field, form};
use crate::PaperBroker;
use crate::http::{Served, finished, json};

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Answers with the token, or in authx's own form of errors.
pub(super) async fn issue(State(served): State<Served>, headers: HeaderMap, body: Bytes) -> Response {
    let outcome = match token(&served.broker, &headers, &body) {
        Ok(token) => json(
            StatusCode::OK,
            &AuthxToken {
                access_token: token.expose(),
                expires_in: AUTHX_TOKEN_SECONDS,
                token_type: "Bearer",
            },
        ),
        Err(error) => StatusCode::from_u16(error.status)
            .map_err(|_| AlpacaError::internal())
            .and_then(|status| json(status, &error)),
    };
    let mut response = finished(&served, outcome);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn token(broker: &PaperBroker, headers: &HeaderMap, body: &Bytes) -> Result<SecretText, AuthxError> {
    let form = form(headers, body).ok_or_else(AuthxError::unreadable)?;
    match field(&form, "grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(AuthxError::unsupported_grant_type()),
        None => return Err(AuthxError::missing("grant_type")),
    }
    if form.get("client_assertion").is_some() || form.get("client_assertion_type").is_some() {
        return Err(AuthxError::assertion_not_offered());
    }
    if field(&form, "scope").is_some() {
        return Err(AuthxError::invalid_scope());
    }
    let client_id = field(&form, "client_id").ok_or_else(|| AuthxError::missing("client_id"))?;
    let secret = field(&form, "client_secret").ok_or_else(|| AuthxError::missing("client_secret"))?;
    let secret_sha256 = client_with(broker, client_id, secret).ok_or_else(AuthxError::invalid_client)?;
    let token = SecretText::new(random_text(broker.entropy(), ALPHABET, 64));
    let kept = broker.oauth_memory().keep_authx(token.expose(), client_id, &secret_sha256, broker.wall_now());
    if kept { Ok(token) } else { Err(AuthxError::quota_exceeded()) }
}
