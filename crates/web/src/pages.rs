//! The web listener: the pages. An area is a module with its own `routes`; what is around every page is in `shell`.

mod accounts;
mod activity;
pub(crate) mod answer;
mod approvals;
mod assets;
mod audit;
pub(crate) mod chain;
pub(crate) mod confirm;
mod connections;
mod consumers;
pub(crate) mod form;
mod freeze;
mod headers;
pub(crate) mod health;
mod home;
pub(crate) mod hosts;
mod join;
mod keys;
mod live;
mod numbers;
mod people;
mod real_money;
mod records;
mod rotations;
mod rows;
mod second_step;
mod security;
mod sessions;
mod settings;
pub(crate) mod shell;
mod sign_in;
pub(crate) mod text;
mod tokens;
mod welcome;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::get;
use http::{StatusCode, header};

use crate::WebState;
use crate::access;
use crate::api;
use crate::problem::Problem;
use hosts::AllowedHosts;

/// The web listener: the pages, and the JSON API for whoever is signed in. It answers only to the hosts that the state allows.
pub fn router(state: Arc<WebState>) -> Router {
    let guard = from_fn_with_state(Arc::clone(&state), access::guard);
    let others = Router::new()
        .route("/events", get(live::events))
        .route("/assets/{name}", get(assets::serve))
        .route("/livez", get(health::alive))
        .route("/readyz", get(health::ready))
        .layer(guard);
    Router::new()
        .merge(areas(&state))
        .merge(api::routes(&state))
        .merge(others)
        .layer(from_fn_with_state(Arc::clone(&state), access::identify))
        .layer(from_fn(headers::protect))
        .layer(from_fn_with_state(Arc::new(state.hosts.clone()), hosts::check))
        .with_state(state)
}

/// The pages themselves, by area. What goes wrong in one of them is told as a page.
fn areas(state: &Arc<WebState>) -> Router<Arc<WebState>> {
    Router::new()
        .route("/", get(home::show))
        .merge(approvals::routes())
        .merge(accounts::routes())
        .merge(activity::routes())
        .merge(audit::routes())
        .merge(settings::routes())
        .merge(join::routes())
        .merge(keys::routes())
        .merge(people::routes())
        .merge(sessions::routes())
        .merge(sign_in::routes())
        .merge(confirm::routes())
        .merge(second_step::routes())
        .merge(security::routes())
        .merge(tokens::routes())
        .merge(connections::routes())
        .merge(consumers::routes())
        .merge(rotations::routes())
        .merge(freeze::routes())
        .merge(welcome::routes())
        .layer(from_fn(api::around::finish))
        .layer(from_fn_with_state(Arc::clone(state), access::guard))
        .fallback(no_such_page)
        .method_not_allowed_fallback(no_such_page)
        .layer(from_fn_with_state(Arc::clone(state), answer::show_problems))
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

async fn no_such_page() -> Problem {
    no_such_page_problem()
}

/// What an address answers where nothing is, or nothing for this visitor.
pub(crate) fn no_such_page_problem() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no_such_page",
        "No such page",
        "there is nothing at this address, or it is not yours to see",
        "go on from the overview",
    )
}

async fn nothing_here() -> impl IntoResponse {
    (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")], "there is no such page: go to /\n")
}
