//! The JSON API under `/api/v1`, on the admin socket, where the permissions of the file system are the authentication, and on the web
//! listener for whoever is signed in.

pub(crate) mod accounts;
pub(crate) mod activity;
pub(crate) mod approvals;
pub(crate) mod around;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod ca;
pub(crate) mod check_in;
pub(crate) mod connections;
pub(crate) mod consumers;
pub(crate) mod freeze;
pub(crate) mod health;
pub(crate) mod keys;
pub(crate) mod leaks;
pub(crate) mod oauth;
pub(crate) mod pace;
pub(crate) mod people;
pub(crate) mod requests;
pub(crate) mod rotations;
pub(crate) mod second_factor;
pub(crate) mod status;
pub(crate) mod tokens;
pub(crate) mod trading;
pub(crate) mod vault;

use std::sync::Arc;

use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, post};
use axum::{Extension, Router};

use crate::WebState;
use crate::access;
use crate::desk::Asker;

/// The whole JSON API. Whoever reaches it may do everything, so it belongs on the admin socket and nowhere else.
pub fn router(state: Arc<WebState>) -> Router {
    let asker = Asker::at_the_socket(state.user);
    Router::new()
        .merge(routes(&state))
        .fallback(around::unknown_route)
        .layer(Extension(asker))
        .with_state(state)
}

/// The routes, each behind the table of who may do what.
pub(crate) fn routes(state: &Arc<WebState>) -> Router<Arc<WebState>> {
    let v1 = Router::new()
        .route("/openapi.json", get(crate::document::show))
        .route("/status", get(status::show))
        .route("/health", get(health::show))
        .route("/metrics", get(crate::pages::health::metrics))
        .route("/connections", get(connections::list::list).post(connections::add::add))
        .route("/connections/{name}", delete(connections::remove::remove))
        .route("/connections/{name}/account", get(accounts::account))
        .route("/connections/{name}/equity", get(accounts::equity))
        .route("/connections/{name}/positions", get(accounts::positions))
        .route("/connections/{name}/positions/{symbol}", delete(accounts::close))
        .route("/connections/{name}/orders", get(accounts::orders).delete(accounts::cancel_all))
        .route("/connections/{name}/orders/{id}", get(accounts::order).delete(accounts::cancel))
        .route("/connections/{name}/rename", post(connections::rename::rename))
        .route("/connections/{name}/attestation", get(connections::attestation::signed))
        .route("/attestation", get(connections::attestation::show))
        .route("/oauth", get(oauth::show))
        .route("/connections/{name}/check", post(connections::check::check))
        .route("/connections/{name}/activate", post(connections::activate::activate))
        .route("/connections/{name}/freeze", post(connections::freeze::freeze))
        .route("/connections/{name}/unfreeze", post(connections::freeze::unfreeze))
        .route("/consumer-kinds", get(consumers::kinds::kinds))
        .route("/connections/{name}/consumers", get(consumers::list::list).post(consumers::add::add))
        .route(
            "/connections/{name}/consumers/{consumer}",
            get(consumers::list::show).patch(consumers::change::change).delete(consumers::remove::remove),
        )
        .route("/connections/{name}/consumers/{consumer}/check", post(consumers::check::check))
        .route("/connections/{name}/rotations", post(rotations::plan::plan))
        .route("/connections/{name}/rehearsals", post(rotations::rehearse::rehearse))
        .route("/connections/{name}/cadence", post(rotations::cadence::set))
        .route("/ca", get(ca::show))
        .route("/rotation-matrix", get(rotations::matrix::show))
        .route("/rehearsal-broker", post(rotations::broker::start))
        .route("/rotations", get(rotations::list::list))
        .route("/rotations/{id}", get(rotations::list::show))
        .route("/rotations/{id}/report", get(rotations::report::report))
        .route("/rotations/{id}/report.md", get(rotations::report::markdown))
        .route("/rotations/{id}/start", post(rotations::say::start))
        .route("/rotations/{id}/paste", post(rotations::paste::paste))
        .route("/rotations/{id}/resume", post(rotations::say::resume))
        .route("/rotations/{id}/abort", post(rotations::say::abort))
        .route("/rotations/{id}/leave-out", post(rotations::say::leave_out))
        .route("/rotations/{id}/take-over", post(rotations::say::take_over))
        .route("/rotations/{id}/skip-test-order", post(rotations::say::skip))
        .route("/rotations/{id}/go-on-with-open-orders", post(rotations::say::go_on))
        .route("/keys", get(keys::list::list).post(keys::create::create))
        .route("/keys/{name}", get(keys::show::show).patch(keys::edit::edit))
        .route("/keys/{name}/usage", get(keys::usage::usage))
        .route("/keys/{name}/diff", post(keys::edit::diff))
        .route("/keys/{name}/explain", post(keys::explain::explain))
        .route("/keys/{name}/freeze", post(keys::freeze::freeze))
        .route("/keys/{name}/unfreeze", post(keys::freeze::unfreeze))
        .route("/keys/{name}/replace", post(keys::replace::replace))
        .route("/keys/{name}/revoke", post(keys::revoke::revoke))
        .route("/scope/describe", post(keys::outlook::describe))
        .route("/leaks/check", post(leaks::check))
        .route("/approvals", get(approvals::list::list))
        .route("/approvals/{id}", get(approvals::show::show))
        .route("/approvals/{id}/approve", post(approvals::answer::approve))
        .route("/approvals/{id}/deny", post(approvals::answer::deny))
        .route("/freeze", post(freeze::everything::freeze))
        .route("/unfreeze", post(freeze::everything::unfreeze))
        .route("/freezes", get(freeze::list::list))
        .route("/check-in", post(check_in::check_in))
        .route("/audit", get(audit::list::list))
        .route("/audit/verify", get(audit::verify::verify))
        .route("/audit/export", get(audit::export::export))
        .route("/audit/key", get(audit::key::show))
        .route("/audit/key/rotate", post(audit::key::rotate))
        .route("/audit/prune", post(audit::prune::prune))
        .route("/vault", get(vault::show::show))
        .route("/vault/rotate", post(vault::rotate::rotate))
        .route("/backup", post(backup::create))
        .route("/trading", get(trading::show))
        .route("/trading/mode", post(trading::mode))
        .route("/trading/pause", post(trading::pause))
        .route("/trading/resume", post(trading::resume))
        .route("/activity", get(activity::list))
        .route("/activity/export", get(activity::export))
        .route("/activity/{id}", get(activity::show))
        .route("/tokens", get(tokens::list::list).post(tokens::create::create))
        .route("/tokens/{name}", delete(tokens::revoke::revoke))
        .route(
            "/second-factor",
            get(second_factor::show).post(second_factor::begin).delete(second_factor::turn_off),
        )
        .route("/confirm", post(crate::pages::confirm::confirm))
        .route("/second-factor/confirm", post(second_factor::confirm))
        .route("/people/{name}/second-factor", delete(second_factor::turn_off_for))
        .route("/second-factor/recovery-codes", post(second_factor::new_codes))
        .route("/requests", get(requests::list::list))
        .route("/events", get(requests::events::events))
        .route("/people", get(people::list::list))
        .route("/people/{name}", delete(people::change::remove).patch(people::change::change))
        .route("/people/{name}/reset", post(people::reset::reset))
        .route("/invitations", get(people::invitations::list).post(people::invitations::create))
        .route("/invitations/{id}", delete(people::invitations::withdraw))
        .route("/sessions", get(people::sessions::list).delete(people::sessions::end_others))
        .route("/sessions/{id}", delete(people::sessions::end))
        .route("/password", post(people::password::change))
        .method_not_allowed_fallback(around::wrong_method)
        .layer(from_fn_with_state(Arc::clone(state), crate::idempotency::once))
        .layer(from_fn(around::check))
        .layer(from_fn(around::finish))
        .layer(from_fn_with_state(Arc::clone(state), pace::keep))
        .layer(from_fn_with_state(Arc::clone(state), access::guard))
        .fallback(around::unknown_route);
    Router::new().nest("/api/v1", v1)
}
