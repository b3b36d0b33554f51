//! Forms that were sent.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use paddock_alpaca::path::Query;

use super::html::trouble;
use super::memory::DASHBOARD;
use crate::http::Served;

/// A form of the dashboard's page, proven to be one.
pub(super) struct Form(Query);

impl Form {
    /// A field, without spaces around it; empty if it is not there.
    pub(super) fn field(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_default().trim()
    }
}

impl FromRequest<Served> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, served: &Served) -> Result<Self, Response> {
        let form = read(request, served).await?;
        let token = form.get("token").unwrap_or_default();
        if served.broker.page_memory().is_form_token(DASHBOARD, token) {
            Ok(Self(form))
        } else {
            Err(stale())
        }
    }
}

/// The fields of a form, whatever it is for.
pub(crate) async fn read(request: Request, served: &Served) -> Result<Query, Response> {
    let unreadable = || trouble(StatusCode::BAD_REQUEST, "The form cannot be read", "Go back and try again.");
    let content_type = request.headers().get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    if content_type.is_none_or(|it| !it.starts_with(b"application/x-www-form-urlencoded")) {
        return Err(unreadable());
    }
    let body = Bytes::from_request(request, served).await.map_err(|_| unreadable())?;
    let text = std::str::from_utf8(&body).map_err(|_| unreadable())?;
    Query::parse(text).map_err(|_| unreadable())
}

/// The answer to a form that did not come from a page of this run.
pub(crate) fn stale() -> Response {
    let text = "It was made by another site, or before the broker was started. Nothing was done. Open the page again.";
    trouble(StatusCode::FORBIDDEN, "This form is not valid", text)
}
