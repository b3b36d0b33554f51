//! `/connections/{name}/consumers`: places outside that hold a connection's key pair.

mod form;
mod list;
mod new;
mod show;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::WebState;

/// The pages of this area.
pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new()
        .route("/connections/{name}/consumers", get(list::show))
        .route("/connections/{name}/consumers/new", get(new::show).post(new::add))
        .route("/connections/{name}/consumers/{consumer}", get(show::show))
        .route("/connections/{name}/consumers/{consumer}/check", post(show::check))
        .route("/connections/{name}/consumers/{consumer}/edit", get(show::edit).post(show::change))
        .route("/connections/{name}/consumers/{consumer}/remove", get(show::ask_remove).post(show::remove))
}
