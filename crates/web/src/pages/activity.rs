//! `/activity`: every request and order that came through the gateway.

mod latest;
mod list;
mod operations;
mod story;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::WebState;

pub(super) use operations::operation_words;

pub(super) fn routes() -> Router<Arc<WebState>> {
    Router::new()
        .route("/activity", get(list::show))
        .route("/activity/export", get(crate::api::activity::export))
        .route("/activity/{id}", get(story::show))
}

/// One row of the list.
#[derive(Debug)]
pub(super) struct Row {
    id: String,
    at: super::text::Moment,
    /// The name of the access key or person; nobody, if none was recognised.
    who: Option<String>,
    /// The access key's page.
    key_link: Option<String>,
    connection: Option<String>,
    environment: Option<&'static str>,
    network: Option<String>,
    /// What it would do, in words.
    act: String,
    target: String,
    /// The class that gives its colour.
    class: &'static str,
    /// What was decided, in a word or two.
    verdict: &'static str,
    reason: Option<String>,
    message: Option<String>,
    status: String,
    latency: String,
    /// Whether there is a page of its own.
    kept: bool,
}
