//! The key dashboard as an HTTP API: what a person does at Alpaca's web site, under `/dashboard/v1`. Its page for people is in
//! [`crate::pages`].
//!
//! It opens accounts and hands out pairs without asking who is there, so that only this machine may use it: the peer's
//! address and the `Host` header must be loopback ones, and a request with an `Origin`, which browsers add to what
//! pages of other sites send, is refused.

pub(crate) mod accounts;
pub(crate) mod clock;
pub(crate) mod guard;
mod oauth;
pub(crate) mod terms;

use axum::Router;
use axum::body::Bytes;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use paddock_alpaca::AlpacaError;
use paddock_alpaca::strict_json::{JsonFault, Object};
use serde::Serialize;

use crate::http::Served;

/// The dashboard's routes, relative to `/dashboard/v1`.
pub(crate) fn router() -> Router<Served> {
    Router::new()
        .route("/accounts", get(accounts::list).post(accounts::create))
        .route(
            "/accounts/{account}",
            get(accounts::show).patch(accounts::set_standing).delete(accounts::delete),
        )
        .route("/accounts/{account}/keys", post(accounts::regenerate).delete(accounts::revoke))
        .route("/accounts/{account}/reset", post(accounts::reset))
        .route("/oauth/clients", get(oauth::clients).post(oauth::register))
        .route("/oauth/clients/{client_id}", delete(oauth::delete))
        .route("/oauth/clients/{client_id}/secret", post(oauth::rotate))
        .route("/oauth/grants", get(oauth::grants))
        .route("/oauth/grants/{grant}", delete(oauth::revoke))
        .route("/clock", get(clock::show))
        .route("/clock/step", post(clock::step))
        .route("/clock/jump", post(clock::jump))
        .route("/clock/rate", post(clock::set_rate))
        .fallback(|| async { Failed(AlpacaError::endpoint_not_found()) })
        .layer(from_fn(guard::local_only))
}

/// A refusal, in the form of Alpaca's own.
pub(crate) struct Failed(pub AlpacaError);

impl From<AlpacaError> for Failed {
    fn from(error: AlpacaError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(CONTENT_TYPE, "application/json")], self.0.to_body()).into_response()
    }
}

/// An answer in JSON that nobody may keep: it may hold a secret.
pub(crate) fn answer<T: Serialize>(status: StatusCode, value: &T) -> Result<Response, Failed> {
    let body = serde_json::to_vec(value).map_err(|_| AlpacaError::internal())?;
    let mut response = (status, [(CONTENT_TYPE, "application/json")], body).into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The body's fields. No body at all has none.
pub(crate) fn fields(body: &Bytes) -> Result<Object<'_>, Failed> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    Object::parse(body).map_err(|fault| Failed(AlpacaError::from(&fault)))
}

fn read<T>(field: Result<T, JsonFault>) -> Result<T, Failed> {
    field.map_err(|fault| Failed(AlpacaError::from(&fault)))
}

fn finish(fields: Object<'_>) -> Result<(), Failed> {
    read(fields.finish())
}
