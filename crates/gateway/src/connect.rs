//! The proxy entrance: tunnels to Alpaca's hosts, which end here.
//!
//! For programs whose hosts cannot be changed. `CONNECT` names the host, TLS must ask for the same one, and so must each request
//! inside; what is dialled then comes from the configuration as at every entrance.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use paddock_alpaca::endpoints::AlpacaHost;
use paddock_core::id::RequestId;
use tokio_rustls::TlsAcceptor;

use crate::answer::{AnswerBody, Fault};
use crate::connections::Watcher;
use crate::entrance::Reached;
use crate::lane::{Lane, encrypt, serve_http};
use crate::requests::{Outcome, RequestLine};

/// The port of all of Alpaca's hosts.
const PORT: &str = "443";

/// Answers one request to the proxy itself, and opens the tunnel if it is for one of Alpaca's hosts.
pub(crate) fn answer(
    lane: &Arc<Lane>,
    request: Request<Incoming>,
    peer: IpAddr,
    acceptor: &TlsAcceptor,
    watcher: &Mutex<Option<Watcher>>,
) -> Response<AnswerBody> {
    match destination(&request) {
        Ok(host) => {
            let (lane, acceptor) = (Arc::clone(lane), acceptor.clone());
            let watcher = watcher.lock().unwrap_or_else(PoisonError::into_inner).take();
            tokio::spawn(async move {
                let Some(watcher) = watcher else { return };
                let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
                let Some((socket, name)) = encrypt(&acceptor, TokioIo::new(upgraded)).await else { return };
                if name.as_deref() != Some(host.name()) {
                    tracing::debug!(?name, asked = host.name(), "a tunnel's TLS asked for another host");
                    return;
                }
                serve_http(lane, socket, peer, Reached::AsAlpaca(host), watcher).await;
            });
            Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync())
        }
        Err(fault) => {
            let shared = &lane.shared;
            let at = shared.clock.now();
            let id = RequestId::generate(at, &*shared.entropy);
            shared.log.note(RequestLine {
                path: request.uri().to_string().chars().take(200).collect(),
                status: fault.status.as_u16(),
                outcome: Outcome::Failed { reason: fault.reason.to_owned(), message: fault.message.clone() },
                ..RequestLine::begun(id, at, request.method())
            });
            let mut answer = fault.answer(id);
            // A client that goes on with TLS on this connection must not be read as HTTP.
            answer.headers_mut().insert(http::header::CONNECTION, http::HeaderValue::from_static("close"));
            answer
        }
    }
}

/// The host of Alpaca's to which a tunnel is asked for.
fn destination<B>(request: &Request<B>) -> Result<AlpacaHost, Fault> {
    if request.method() != Method::CONNECT {
        return Err(Fault::not_a_tunnel());
    }
    let authority = request.uri().authority().ok_or_else(Fault::tunnel_refused)?.as_str();
    let mut hosts = request.headers().get_all(http::header::HOST).iter();
    // Old clients send no Host with CONNECT; who sends one must mean the same.
    let agreed = match (hosts.next(), hosts.next()) {
        (None, _) => true,
        (Some(host), None) => [authority, name_of(authority)].contains(&host.to_str().unwrap_or_default()),
        (Some(_), Some(_)) => false,
    };
    if !agreed {
        return Err(Fault::host_differs());
    }
    match authority.split_once(':') {
        Some((name, PORT)) => AlpacaHost::named(name).ok_or_else(Fault::tunnel_refused),
        _ => Err(Fault::tunnel_refused()),
    }
}

fn name_of(authority: &str) -> &str {
    authority.split_once(':').map_or(authority, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("CONNECT", "api.alpaca.markets:443", &[], StatusCode::OK)]
    #[case("CONNECT", "api.alpaca.markets:443", &["api.alpaca.markets:443"], StatusCode::OK)]
    #[case("CONNECT", "api.alpaca.markets:443", &["api.alpaca.markets"], StatusCode::OK)]
    #[case("CONNECT", "api.alpaca.markets:443", &["data.alpaca.markets:443"], StatusCode::MISDIRECTED_REQUEST)]
    #[case("CONNECT", "api.alpaca.markets:443", &["api.alpaca.markets", "api.alpaca.markets"], StatusCode::MISDIRECTED_REQUEST)]
    #[case("CONNECT", "api.alpaca.markets:80", &[], StatusCode::FORBIDDEN)]
    #[case("CONNECT", "api.alpaca.markets.:443", &[], StatusCode::FORBIDDEN)]
    #[case("CONNECT", "user@api.alpaca.markets:443", &[], StatusCode::FORBIDDEN)]
    #[case("CONNECT", "broker-api.alpaca.markets:443", &[], StatusCode::FORBIDDEN)]
    #[case("CONNECT", "alpaca.markets.evil.example:443", &[], StatusCode::FORBIDDEN)]
    #[case("CONNECT", "127.0.0.1:443", &[], StatusCode::FORBIDDEN)]
    #[case("CONNECT", "169.254.169.254:443", &[], StatusCode::FORBIDDEN)]
    #[case("CONNECT", "[::1]:443", &[], StatusCode::FORBIDDEN)]
    #[case("GET", "http://api.alpaca.markets/v2/account", &[], StatusCode::BAD_REQUEST)]
    #[case("GET", "/v2/account", &["localhost"], StatusCode::BAD_REQUEST)]
    fn tunnels(
        #[case] method: &str,
        #[case] target: &str,
        #[case] hosts: &[&str],
        #[case] status: StatusCode,
    ) {
        let mut request = Request::builder().method(method).uri(target);
        for host in hosts {
            request = request.header("host", *host);
        }
        let outcome = destination(&request.body(()).unwrap());
        assert_eq!(outcome.map_or_else(|fault| fault.status, |_| StatusCode::OK), status);
    }
}
