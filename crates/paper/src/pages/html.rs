//! Pages as answers.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;

use super::ASSETS;

/// What all pages have around them.
#[derive(Debug)]
pub(crate) struct Frame {
    pub style: String,
    pub own_style: String,
    pub mark: String,
}

impl Frame {
    pub(crate) fn new() -> Self {
        Self { style: ASSETS.style(), own_style: ASSETS.own_style(), mark: ASSETS.mark() }
    }
}

/// A page that says what went wrong.
#[derive(Debug, Template)]
#[template(path = "broker_trouble.html")]
struct Trouble<'a> {
    frame: Frame,
    title: &'a str,
    text: &'a str,
}

/// A page.
pub(crate) fn page<T: Template>(status: StatusCode, page: &T) -> Response {
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            (StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made\n").into_response()
        }
    }
}

/// A page that says what went wrong, and what to do.
pub(crate) fn trouble(status: StatusCode, title: &str, text: &str) -> Response {
    page(status, &Trouble { frame: Frame::new(), title, text })
}
