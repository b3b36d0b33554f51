//! The dashboard's page for a person, at `/dashboard`, and what it shares with the consent page of OAuth.
//!
//! The pages are plain HTML with forms and work without scripts. Like the dashboard's API they ask for no password, so that only
//! this machine may use them; unlike it they are used from a browser, so that every form proves that it came from here
//! ([`guard`], [`form`]). A form's answer is a redirect to the page with a notice, which is shown once: who loads the page again
//! repeats nothing.

mod actions;
mod assets;
pub(crate) mod form;
pub(crate) mod guard;
mod home;
pub(crate) mod html;
mod memory;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use paddock_alpaca::oauth::{OAuthScope, OAuthScopes};

pub(crate) use assets::ASSETS;
pub(crate) use home::dollars;
pub(crate) use memory::PageMemory;

use crate::http::Served;

/// The pages' routes, relative to `/dashboard`.
pub(crate) fn router() -> Router<Served> {
    Router::new()
        .route("/", get(home::show))
        .route("/assets/{name}", get(assets::serve))
        .route("/accounts", post(actions::create_account))
        .route("/accounts/{account}/keys", post(actions::regenerate_keys))
        .route("/accounts/{account}/keys/revoke", post(actions::revoke_keys))
        .route("/accounts/{account}/reset", post(actions::reset_account))
        .route("/accounts/{account}/delete", post(actions::delete_account))
        .route("/clients", post(actions::register_client))
        .route("/clients/{client}/secret", post(actions::rotate_secret))
        .route("/clients/{client}/delete", post(actions::delete_client))
        .route("/grants/{grant}/revoke", post(actions::revoke_grant))
        .fallback(|| async { html::trouble(http::StatusCode::NOT_FOUND, "There is no such page", "") })
        .layer(from_fn(guard::for_people))
}

/// What a token with these scopes may do, for people.
pub(crate) fn in_words(scopes: OAuthScopes) -> Vec<&'static str> {
    let word = |scope| match scope {
        OAuthScope::AccountWrite => "Change account settings and watchlists",
        OAuthScope::Trading => "Place, change and cancel orders, and close positions",
        OAuthScope::Data => "Read market data",
    };
    let granted = OAuthScope::ALL.into_iter().filter(|scope| scopes.has(*scope)).map(word);
    std::iter::once("Read the account: balances, positions, orders and history").chain(granted).collect()
}
