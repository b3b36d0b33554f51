//! The web listener: one page about what is going on. Nothing here changes anything or shows a secret, since there is no
//! sign-in yet.

mod assets;
pub(crate) mod chain;
mod headers;
mod home;
pub(crate) mod hosts;
mod live;
mod rows;
mod text;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::get;
use http::{StatusCode, header};

use crate::WebState;

/// The web listener: the first page, its assets and its events. It answers only to the hosts that the state allows.
pub fn router(state: Arc<WebState>) -> Router {
    Router::new()
        .route("/", get(home::show))
        .route("/events", get(live::events))
        .route("/assets/{name}", get(assets::serve))
        .route("/livez", get(alive))
        .fallback(nothing_here)
        .layer(from_fn(headers::protect))
        .layer(from_fn_with_state(Arc::clone(&state), hosts::check))
        .with_state(state)
}

/// `GET /livez`: the process answers.
async fn alive() -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], "alive\n")
}

async fn nothing_here() -> impl IntoResponse {
    (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")], "there is no such page: go to /\n")
}
