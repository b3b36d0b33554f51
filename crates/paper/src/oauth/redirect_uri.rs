//! Where a person may be sent back to.

use std::net::IpAddr;

use http::Uri;
use paddock_alpaca::path::Query;

/// The longest, in bytes.
const MAX_LENGTH: usize = 2048;

/// What cannot be a redirect URI gets this answer.
pub(crate) const RULE: &str = "a redirect URI is https, or http on localhost or a loopback address, with a host and without \
                               user name and fragment";

/// Whether a URI can be registered: nobody but the program's own host, or this machine, may see a code.
pub(crate) fn is_acceptable(uri: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"#\\\"'<>^`{|}".contains(&byte);
    if uri.len() > MAX_LENGTH || !uri.bytes().all(plain) {
        return false;
    }
    let Ok(parsed) = uri.parse::<Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (parsed.scheme_str(), parsed.authority()) else { return false };
    let port = authority.port();
    let whole = match &port {
        Some(port) => format!("{}:{port}", authority.host()),
        None => authority.host().to_owned(),
    };
    // A user name, or an empty port, which readers take for different things.
    if whole != authority.as_str() || port.is_some_and(|port| port.as_u16() == 0) {
        return false;
    }
    let host = authority.host();
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = bare.unwrap_or(host).parse::<IpAddr>().ok();
    let is_name = bare.is_none()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        && !host.is_empty();
    match scheme {
        "https" => is_name || address.is_some(),
        "http" => {
            host.eq_ignore_ascii_case("localhost") || address.is_some_and(|address| address.is_loopback())
        }
        _ => false,
    }
}

/// What a page's policy must name so that its form may lead there. It has no way of naming an IPv6 address: then it is the scheme.
pub(super) fn policy_source(uri: &str) -> String {
    let parsed = uri.parse::<Uri>().unwrap_or_default();
    let scheme = parsed.scheme_str().unwrap_or("https");
    match parsed.authority() {
        Some(authority) if !authority.as_str().starts_with('[') => format!("{scheme}://{authority}"),
        _ => format!("{scheme}:"),
    }
}

/// The URI with the answer in its query, after what is there already.
pub(super) fn with_answer(uri: &str, answer: &[(&str, &str)]) -> String {
    let joint = match uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some((_, query)) if query.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{uri}{joint}{}", Query::of(answer).to_upstream())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://app.example/callback")]
    #[case("https://app.example:8443/callback?from=alpaca&x=%20")]
    #[case("https://203.0.113.5/cb")]
    #[case("http://localhost/")]
    #[case("http://localhost:8765/callback")]
    #[case("http://127.0.0.1:1/cb")]
    #[case("http://[::1]:8080/cb")]
    fn places_that_a_code_may_go_to(#[case] uri: &str) {
        assert!(is_acceptable(uri));
    }

    #[rstest]
    #[case("")]
    #[case("/callback")]
    #[case("app.example/callback")]
    #[case("//app.example/callback")]
    #[case("http://app.example/callback")]
    #[case("http://localhost.evil.example/")]
    #[case("http://127.0.0.1.nip.io/")]
    #[case("http://192.168.0.1/")]
    #[case("javascript:alert(1)")]
    #[case("data:text/html,x")]
    #[case("myapp://callback")]
    #[case("https://user@app.example/")]
    #[case("https://app.example@evil.example/")]
    #[case("https://app.example:/")]
    #[case("https://app.example:0/")]
    #[case("https://app.example/#fragment")]
    #[case("https://app.example/a b")]
    #[case("https://app.example/\r\nSet-Cookie: a=b")]
    #[case("https://app.example\\@evil.example/")]
    #[case("https://app.example;frame-src/")]
    #[case("https://app.example,evil.example/")]
    #[case("https://*/")]
    #[case("https://app.example/\"onload")]
    #[case("https://bücher.example/")]
    fn places_that_it_may_not(#[case] uri: &str) {
        assert!(!is_acceptable(uri), "{uri}");
    }

    #[rstest]
    #[case("https://app.example/cb", "https://app.example/cb?code=1&state=a%26b")]
    #[case("https://app.example/cb?", "https://app.example/cb?code=1&state=a%26b")]
    #[case("https://app.example/cb?x=1", "https://app.example/cb?x=1&code=1&state=a%26b")]
    fn the_answer_follows_what_is_there(#[case] uri: &str, #[case] expected: &str) {
        assert_eq!(with_answer(uri, &[("code", "1"), ("state", "a&b")]), expected);
    }

    #[rstest]
    #[case("https://app.example:8443/cb?x", "https://app.example:8443")]
    #[case("http://127.0.0.1:99/cb", "http://127.0.0.1:99")]
    #[case("http://[::1]:99/cb", "http:")]
    fn policies_name_the_place(#[case] uri: &str, #[case] source: &str) {
        assert_eq!(policy_source(uri), source);
    }
}
