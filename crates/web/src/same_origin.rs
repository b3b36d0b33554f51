//! Changes come from our own pages only. A page elsewhere can make a browser send a form here with the visitor's cookie; the browser then
//! says where it comes from.

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};

use crate::WebState;
use crate::people::{WebOrigin, api_token};
use crate::problem::Problem;

/// Goes on only if the request changes nothing or comes from our own pages. One with an API token is let through: a page elsewhere
/// cannot send it, since it would have to be allowed to, and no cookie counts with it. What a browser sends to a proxy with a password by
/// itself (`Authorization: Basic`) is no token.
pub(crate) fn check(state: &WebState, parts: &Parts) -> Result<(), Problem> {
    let changes = !matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let has_token = api_token::sent(&parts.headers).is_some();
    if !changes || has_token || is_ours(&parts.headers, state.people.origin.as_ref()) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "cross_origin",
        "Not from here",
        "this change does not come from one of Paddock's own pages, so nothing was changed",
        "open Paddock in this browser under the address that it has, and do it there; programs send an API token",
    ))
}

fn is_ours(headers: &HeaderMap, own: Option<&WebOrigin>) -> bool {
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    };
    // Browsers say this themselves, no page can change it. They leave it out where a page is neither encrypted nor of this machine.
    if headers.contains_key("sec-fetch-site") {
        return one("sec-fetch-site") == Some("same-origin");
    }
    let Some(origin) = one(ORIGIN.as_str()) else { return false };
    match own {
        Some(own) if own.as_str() == origin.to_ascii_lowercase() => true,
        // Under its own address too, which is not encrypted.
        _ => {
            let host = one(HOST.as_str()).map(str::to_ascii_lowercase);
            let of_origin = origin.strip_prefix("http://").map(str::to_ascii_lowercase);
            host.is_some() && of_origin == host
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[("sec-fetch-site", "same-origin")], true)]
    #[case(&[("sec-fetch-site", "same-site")], false)]
    #[case(&[("sec-fetch-site", "cross-site")], false)]
    #[case(&[("sec-fetch-site", "none")], false)]
    #[case(&[("sec-fetch-site", "cross-site"), ("origin", "http://localhost:7878")], false)]
    #[case(&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], false)]
    #[case(&[("origin", "http://localhost:7878")], true)]
    #[case(&[("origin", "https://paddock.example")], true)]
    #[case(&[("origin", "http://localhost")], false)]
    #[case(&[("origin", "http://localhost:7879")], false)]
    #[case(&[("origin", "https://localhost:7878")], false)]
    #[case(&[("origin", "http://evil.example")], false)]
    #[case(&[("origin", "null")], false)]
    #[case(&[("origin", "http://localhost:7878"), ("origin", "http://evil.example")], false)]
    #[case(&[("referer", "http://localhost:7878/")], false)]
    #[case(&[], false)]
    fn whose_page_it_is(#[case] sent: &[(&'static str, &str)], #[case] ours: bool) {
        let own = WebOrigin::parse("https://paddock.example");
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost:7878"));
        for (name, value) in sent {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        assert_eq!(is_ours(&headers, own.as_ref()), ours);
    }
}
