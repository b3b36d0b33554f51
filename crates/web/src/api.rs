//! The JSON API under `/api/v1`. It is served in full on the admin socket only, where the permissions of the file system are
//! the authentication.

pub(crate) mod approvals;
pub(crate) mod audit;
mod backup;
mod check_in;
pub(crate) mod connections;
pub(crate) mod freeze;
mod health;
pub(crate) mod keys;
mod requests;
mod status;
mod vault;

use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Extension, Router};
use http::{Method, StatusCode, Uri};

use crate::WebState;
use crate::desk::Asker;
use crate::problem::Problem;

/// The whole JSON API. Whoever reaches it may do everything, so it belongs on the admin socket and nowhere else.
pub fn router(state: Arc<WebState>) -> Router {
    let asker = Asker::at_the_socket(state.user);
    let v1 = Router::new()
        .route("/status", get(status::show))
        .route("/health", get(health::show))
        .route("/metrics", get(crate::pages::health::metrics))
        .route("/connections", get(connections::list::list).post(connections::add::add))
        .route("/connections/{name}", delete(connections::remove::remove))
        .route("/connections/{name}/check", post(connections::check::check))
        .route("/connections/{name}/activate", post(connections::activate::activate))
        .route("/connections/{name}/freeze", post(connections::freeze::freeze))
        .route("/connections/{name}/unfreeze", post(connections::freeze::unfreeze))
        .route("/keys", get(keys::list::list).post(keys::create::create))
        .route("/keys/{name}", get(keys::show::show).patch(keys::edit::edit))
        .route("/keys/{name}/usage", get(keys::usage::usage))
        .route("/keys/{name}/diff", post(keys::edit::diff))
        .route("/keys/{name}/explain", post(keys::explain::explain))
        .route("/keys/{name}/freeze", post(keys::freeze::freeze))
        .route("/keys/{name}/unfreeze", post(keys::freeze::unfreeze))
        .route("/keys/{name}/revoke", post(keys::revoke::revoke))
        .route("/scope/describe", post(keys::outlook::describe))
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
        .route("/requests", get(requests::list::list))
        .route("/events", get(requests::events::events));
    Router::new()
        .nest("/api/v1", v1)
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(finish_changes))
        .layer(Extension(asker))
        .with_state(state)
}

/// Lets a change run to its end when the client hangs up. Otherwise a freeze could be stored and yet not reach the gateway.
async fn finish_changes(request: Request, next: Next) -> Response {
    if request.method() == Method::GET {
        return next.run(request).await;
    }
    match tokio::spawn(next.run(request)).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "a change was cut short");
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "cut_short",
                "Cut short",
                "the change was cut short by a defect or a shutdown",
                "look at the state with `paddock doctor`, then try again",
            )
            .into_response()
        }
    }
}

async fn unknown_route(method: Method, uri: Uri) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_route",
        "Unknown route",
        format!("there is nothing at {method} {}", crate::problem::shown(uri.path())),
        "see that the command line and the server are of the same version",
    )
}

async fn wrong_method(method: Method) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "Method not allowed",
        format!("this address does not take {method}"),
        "see that the command line and the server are of the same version",
    )
}
