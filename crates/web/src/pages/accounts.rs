//! `/accounts`: an account's figures, positions and orders, and what a person does about them.

mod act;
mod figures;
mod show;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::get;

use crate::WebState;
use crate::desk::Desk;
use crate::pages::answer::see;
use crate::problem::Problem;
use crate::query::Query;

pub(super) use figures::money;

pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new()
        .route("/accounts", get(first))
        .route("/accounts/{name}", get(show::show))
        .route("/accounts/{name}/equity.json", get(crate::api::accounts::equity))
        .route("/accounts/{name}/cancel", get(act::ask_cancel).post(act::cancel))
        .route("/accounts/{name}/close", get(act::ask_close).post(act::close))
}

/// To the active account, or the first.
async fn first(desk: Desk, query: Query) -> Result<Response, Problem> {
    query.finish(&[])?;
    let connections = desk.store.connections(desk.user).await?;
    let found = connections.iter().find(|row| row.active).or_else(|| connections.first());
    Ok(see(&found.map_or_else(|| "/connections".to_owned(), |row| format!("/accounts/{}", row.name))))
}
