//! What is done around every endpoint: requests that no endpoint should see are refused, and nothing ends without an answer.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::extract::{FromRequestParts as _, MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http::{HeaderMap, Method, StatusCode, Uri, header};

use crate::document;
use crate::problem::{Problem, shown};
use crate::query::Query;

/// Refuses parameters that the document does not tell of, and bodies that are said to be something else than JSON. A parameter that is not
/// understood must not be ignored: it may have been meant to narrow what is done.
pub(super) async fn check(request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let method = if parts.method == Method::HEAD { Method::GET } else { parts.method.clone() };
    let route = parts.extensions.get::<MatchedPath>();
    if let Some(known) = route.and_then(|route| document::parameters(method.as_str(), route.as_str())) {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let checked = match Query::from_request_parts(&mut parts, &()).await {
            Ok(query) => query.only(&known),
            Err(problem) => Err(problem),
        };
        if let Err(problem) = checked {
            return problem.into_response();
        }
    }
    if method != Method::GET && !is_json(&parts.headers) {
        return Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Not JSON",
            "the body is said to be something else than JSON",
            "send one JSON object with `Content-Type: application/json`",
        )
        .into_response();
    }
    next.run(Request::from_parts(parts, body)).await
}

/// What nobody says anything about may be JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else { return true };
    let kind = kind.to_str().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.is_empty() || kind.eq_ignore_ascii_case("application/json")
}

/// Lets a change run to its end when the client hangs up, since otherwise a freeze could be stored and yet not reach the gateway; and answers
/// for an endpoint that has a defect.
pub(crate) async fn finish(request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(response) => response,
            Err(panic) => defect(&*panic),
        };
    }
    match tokio::spawn(next.run(request)).await {
        Ok(response) => response,
        Err(error) if error.is_panic() => defect(&*error.into_panic()),
        Err(error) => {
            tracing::error!(%error, "a change was cut short");
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "cut_short",
                "Cut short",
                "the change was cut short by a shutdown",
                "look at the state with `paddock doctor`, then try again",
            )
            .into_response()
        }
    }
}

fn defect(panic: &(dyn Any + Send)) -> Response {
    let words = panic.downcast_ref::<&str>().copied();
    let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words");
    tracing::error!(panic = words, "an endpoint has a defect");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal_error",
        "Internal error",
        "the request met a defect of Paddock's; what it changed may be done in part",
        "look at the state with `paddock doctor`, and report what the log says",
    )
    .into_response()
}

pub(super) async fn unknown_route(method: Method, uri: Uri) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_route",
        "Unknown route",
        format!("there is nothing at {method} {}", shown(uri.path())),
        "see `GET /api/v1/openapi.json` for what there is, and that command line and server are of one version",
    )
}

/// Which methods there are stands in `Allow`, which the router adds.
pub(super) async fn wrong_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "Method not allowed",
        format!("this address does not take {}", shown(method.as_str())),
        "use one of the methods in the answer's `Allow`",
    )
    .into_response()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn;
    use rstest::rstest;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_defect_is_answered() {
        async fn defective() -> &'static str {
            panic!("this test wants it")
        }
        let routes = Router::new().fallback(defective).layer(from_fn(finish));
        for method in ["GET", "POST"] {
            let request = Request::builder().method(method).uri("/").body(Body::empty()).unwrap();
            let response = routes.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
        }
    }

    #[rstest]
    #[case(None, true)]
    #[case(Some("application/json"), true)]
    #[case(Some("Application/JSON; charset=utf-8"), true)]
    #[case(Some("application/x-www-form-urlencoded"), false)]
    #[case(Some("text/plain"), false)]
    #[case(Some("application/json-patch+json"), false)]
    fn a_body_is_json(#[case] kind: Option<&'static str>, #[case] expected: bool) {
        let kinds = kind.map(|kind| (header::CONTENT_TYPE, http::HeaderValue::from_static(kind)));
        assert_eq!(is_json(&kinds.into_iter().collect()), expected);
    }
}
