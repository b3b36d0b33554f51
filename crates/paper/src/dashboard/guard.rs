//! Only this machine may use the dashboard.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{HOST, ORIGIN};
use paddock_alpaca::AlpacaError;

use super::Failed;

/// Refuses everything that may not come from a program on this machine.
pub(super) async fn local_only(request: Request, next: Next) -> Response {
    let from_page =
        request.headers().contains_key(ORIGIN).then_some("the dashboard's API is not used from web pages");
    match not_from_here(&request).or(from_page) {
        Some(problem) => Failed(AlpacaError::new(403, 40_310_000, problem)).into_response(),
        None => next.run(request).await,
    }
}

/// Why a request may not be one of this machine, by a name that only this machine has. Without a known peer the answer is no.
pub(crate) fn not_from_here(request: &Request) -> Option<&'static str> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let hosts: Vec<&str> =
        request.headers().get_all(HOST).iter().map(|host| host.to_str().unwrap_or_default()).collect();
    if !peer.is_some_and(|peer| peer.to_canonical().is_loopback()) {
        Some("the dashboard is used from this machine only")
    } else if !matches!(hosts[..], [host] if is_loopback(host)) {
        Some("the dashboard is reached by localhost or a loopback address only")
    } else {
        None
    }
}

/// Whether a `Host` header names this machine by `localhost` or a loopback address.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, port)) if port.is_empty() || is_port(port) => name,
            _ => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            Some(_) => return false,
            None => host,
        },
    };
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::is_loopback;

    #[rstest]
    #[case("localhost", true)]
    #[case("LocalHost:7890", true)]
    #[case("127.0.0.1:7890", true)]
    #[case("127.8.0.1", true)]
    #[case("[::1]:7890", true)]
    #[case("[::1]", true)]
    #[case("", false)]
    #[case("localhost.evil.example", false)]
    #[case("evil.example:80", false)]
    #[case("127.0.0.1.nip.io", false)]
    #[case("192.168.1.2:7890", false)]
    #[case("0.0.0.0:7890", false)]
    #[case("[::1]x", false)]
    #[case("localhost:80:90", false)]
    fn only_loopback_names(#[case] host: &str, #[case] expected: bool) {
        assert_eq!(is_loopback(host), expected);
    }
}
