//! Only a person at this machine may use the pages, and no page of another site in their name.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::html::trouble;
use crate::dashboard::guard::not_from_here;

/// Nothing from elsewhere, no script at all, nothing inline, no frame around it; forms lead here.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 8] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    // Not `no-referrer`: the browser would hide the origin of our own forms, too.
    (REFERRER_POLICY, "same-origin"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
];

/// Lets in who is at this machine, by a name that no other site can have (DNS rebinding). A form must come from a page of this
/// very address; that it is one of ours is for its token to prove.
pub(crate) async fn for_people(request: Request, next: Next) -> Response {
    let refusal = not_from_here(&request).or_else(|| {
        (request.method() == Method::POST && !is_same_origin(request.headers()))
            .then_some("this form was sent by a page of another site")
    });
    let mut response = match refusal {
        Some(why) => trouble(StatusCode::FORBIDDEN, "Not from there", why),
        None => next.run(request).await,
    };
    for (name, value) in HEADERS {
        // What the page itself says counts.
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// What the consent page says instead: its form leads on to the program that asked.
pub(crate) fn policy_with_form_to(source: &str) -> Option<HeaderValue> {
    let policy = POLICY.replace("form-action 'self'", &format!("form-action 'self' {source}"));
    HeaderValue::from_str(&policy).ok()
}

/// Browsers say where a form comes from, one way or the other. What says neither is no browser that a page could use.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let own = format!("http://{host}");
    let all_are = |name: HeaderName, expected: &str| {
        headers.get_all(name).iter().all(|value| value.as_bytes().eq_ignore_ascii_case(expected.as_bytes()))
    };
    all_are(ORIGIN, &own) && all_are(HeaderName::from_static("sec-fetch-site"), "same-origin")
}
