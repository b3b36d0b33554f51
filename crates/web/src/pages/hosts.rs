//! Which names the web listener answers to.
//!
//! A page elsewhere can make a browser take a name of its own for this machine's address (DNS rebinding), and could then read
//! what it likes from here. So a request must be addressed to a name that such a page cannot have.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::uri::Authority;
use http::{HeaderMap, StatusCode, Uri, header};

/// The names under which the web listener may be addressed: this machine by loopback, the address that it listens on, and names
/// that the operator gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHosts {
    bound: IpAddr,
    names: Vec<String>,
}

impl AllowedHosts {
    /// `bound` is the address that the listener is bound to. When that is every address of the machine (`0.0.0.0`, `::`), any
    /// address is allowed, since nobody else can have a web page at one; a name never is unless it is in `names`.
    #[must_use]
    pub fn new(bound: SocketAddr, names: impl IntoIterator<Item = String>) -> Self {
        let names = names.into_iter().map(|name| name.to_ascii_lowercase()).collect();
        Self { bound: bound.ip().to_canonical(), names }
    }

    /// Whether a request addressed to `authority` (a name or an address, with or without a port) is answered.
    fn allow(&self, authority: &Authority) -> bool {
        // `user@host` has no place in a Host header.
        if authority.as_str().contains('@') {
            return false;
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
            Ok(address) => address.is_loopback() || address == self.bound || self.bound.is_unspecified(),
            Err(_) => {
                let host = host.to_ascii_lowercase();
                host == "localhost" || self.names.contains(&host)
            }
        }
    }

    fn allow_request(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        let host = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
        host.is_some_and(|host| self.allow(&host))
            && uri.authority().is_none_or(|authority| self.allow(authority))
    }
}

/// Answers only requests that are addressed to an allowed host.
pub(super) async fn check(State(hosts): State<Arc<AllowedHosts>>, request: Request, next: Next) -> Response {
    if hosts.allow_request(request.uri(), request.headers()) {
        return next.run(request).await;
    }
    (
        StatusCode::MISDIRECTED_REQUEST,
        [(header::CACHE_CONTROL, "no-store"), (header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        "paddock answers here only under the address that it listens on: open http://localhost with its port\n",
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use rstest::rstest;

    use super::*;

    fn allowed(bound: &str, names: &[&str], host: &str) -> bool {
        let hosts = AllowedHosts::new(bound.parse().unwrap(), names.iter().map(|name| (*name).to_owned()));
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        hosts.allow_request(&Uri::from_static("/"), &headers)
    }

    #[rstest]
    #[case("localhost")]
    #[case("LOCALHOST:7878")]
    #[case("127.0.0.1:7878")]
    #[case("127.8.8.8")]
    #[case("[::1]:7878")]
    #[case("[::ffff:127.0.0.1]:7878")]
    #[case("10.0.0.5:7878")]
    #[case("paddock.internal")]
    fn its_own_names_are_answered(#[case] host: &str) {
        assert!(allowed("10.0.0.5:7878", &["Paddock.internal"], host));
    }

    #[rstest]
    #[case("evil.example")]
    #[case("localhost.evil.example")]
    #[case("127.0.0.1.nip.io")]
    #[case("localhost.")]
    #[case("localhost@evil.example")]
    #[case("evil.example@localhost")]
    #[case("10.0.0.6:7878")]
    #[case("2130706433")]
    #[case("0x7f.1")]
    #[case("")]
    #[case("local host")]
    fn other_names_are_not(#[case] host: &str) {
        assert!(!allowed("10.0.0.5:7878", &["paddock.internal"], host));
    }

    #[test]
    fn a_listener_on_every_address_answers_to_addresses_and_not_to_names() {
        assert!(allowed("0.0.0.0:7878", &[], "192.168.1.9:7878"));
        assert!(!allowed("0.0.0.0:7878", &[], "evil.example:7878"));
    }

    #[test]
    fn one_host_header_counts_and_the_address_line_must_agree() {
        let hosts = AllowedHosts::new("127.0.0.1:7878".parse().unwrap(), []);
        let mut headers = HeaderMap::new();
        assert!(!hosts.allow_request(&Uri::from_static("/"), &headers));
        headers.append(header::HOST, HeaderValue::from_static("localhost"));
        assert!(!hosts.allow_request(&Uri::from_static("http://evil.example/"), &headers));
        headers.append(header::HOST, HeaderValue::from_static("evil.example"));
        assert!(!hosts.allow_request(&Uri::from_static("/"), &headers));
    }
}
