//! The web listener: one page about what is going on. Nothing here changes anything or shows a secret, since there is no
//! sign-in yet.

mod assets;
pub(crate) mod chain;
mod headers;
pub(crate) mod health;
mod home;
pub(crate) mod hosts;
mod live;
mod rows;
mod text;

use std::sync::Arc;

use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Router};
use http::{StatusCode, header};

use crate::WebState;
use crate::desk::Asker;
use hosts::AllowedHosts;

/// The web listener: the first page, its assets and its events. It answers only to the hosts that the state allows.
pub fn router(state: Arc<WebState>) -> Router {
    let asker = Asker::at_the_socket(state.user);
    Router::new()
        .route("/", get(home::show))
        .route("/events", get(live::events))
        .route("/assets/{name}", get(assets::serve))
        .route("/livez", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(nothing_here)
        .layer(Extension(asker))
        .layer(from_fn(headers::protect))
        .layer(from_fn_with_state(Arc::new(state.hosts.clone()), hosts::check))
        .with_state(state)
}

/// The listener for whoever watches over Paddock: `/metrics`, `/livez` and `/readyz`. It answers only to `hosts`.
pub fn monitoring_router(state: Arc<WebState>, hosts: AllowedHosts) -> Router {
    Router::new()
        .route("/metrics", get(health::metrics))
        .route("/livez", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(nothing_here)
        .layer(from_fn(headers::protect))
        .layer(from_fn_with_state(Arc::new(hosts), hosts::check))
        .with_state(state)
}

async fn nothing_here() -> impl IntoResponse {
    (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")], "there is no such page: go to /\n")
}
