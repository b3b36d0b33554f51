//! OAuth: how a program gets a token from a person (`/oauth/authorize`, `/oauth/token`), and how a partner gets one for prices
//! with its own secret (`/v1/oauth2/token`, which is authx's at Alpaca).
//!
//! What was granted is part of the broker's state, and in its journal as hashes. What is only waited for is in [`Memory`].

mod ask;
mod authorize;
mod authx;
mod memory;
pub(crate) mod redirect_uri;
mod token;

use axum::Router;
use axum::body::Bytes;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use paddock_alpaca::path::Query;

pub(crate) use memory::Memory;

use crate::http::Served;
use crate::pages::guard;

/// The routes of OAuth. Only the consent page is for people; its guard is that of all pages.
pub(crate) fn router() -> Router<Served> {
    let consent = Router::new()
        .route("/oauth/authorize", get(authorize::show).post(authorize::decide))
        .layer(from_fn(guard::for_people));
    Router::new()
        .route("/oauth/token", post(token::issue))
        .route("/v1/oauth2/token", post(authx::issue))
        .merge(consent)
}

/// The fields of a form, if the body is one and says so. Each comes once.
fn form(headers: &HeaderMap, body: &Bytes) -> Option<Query> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return None;
    }
    Query::parse(std::str::from_utf8(body).ok()?).ok()
}

/// A field with something in it.
fn field<'a>(form: &'a Query, name: &str) -> Option<&'a str> {
    form.get(name).filter(|value| !value.is_empty())
}
