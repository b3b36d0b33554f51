//! The way to the broker: kept connections, no redirects, nothing sent twice.

mod kept;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use paddock_alpaca::Credential;

use kept::Kept;

use crate::GatewayError;

/// How long a connection to the broker may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the broker may take to begin its answer, and again to end it.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The request headers that are passed on. Everything else a client sends stays here: credentials, cookies, hop-by-hop
/// headers and whatever the connection's own headers replace.
const PASSED_ON: [header::HeaderName; 5] = [
    header::ACCEPT,
    header::USER_AGENT,
    header::HeaderName::from_static("idempotency-key"),
    header::HeaderName::from_static("last-event-id"),
    header::CACHE_CONTROL,
];

/// How many headers a request to the broker has at most: those, three of its own, and the credential.
const MOST_HEADERS: usize = 10;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// No byte of the request was sent.
    NotSent,
    /// The connection broke after something was sent.
    Broken,
    /// The time was up.
    Timeout,
}

/// The way to a host: TLS with the system's authorities, or plain TCP to this machine.
pub(crate) fn connector() -> Result<HttpsConnector<HttpConnector>, GatewayError> {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    Ok(HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())
        .map_err(GatewayError::Roots)?
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp))
}

/// Sends requests to the broker.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    tls: HttpsConnector<HttpConnector>,
    kept: Arc<ArcSwap<Kept>>,
}

impl Upstream {
    pub(crate) fn new() -> Result<Self, GatewayError> {
        Ok(Self::with_connections_of_its_own(connector()?))
    }

    fn with_connections_of_its_own(tls: HttpsConnector<HttpConnector>) -> Self {
        Self { kept: Arc::new(ArcSwap::new(Kept::new(tls.clone()))), tls }
    }

    /// The same way with connections of its own.
    pub(crate) fn another(&self) -> Self {
        Self::with_connections_of_its_own(self.tls.clone())
    }

    /// Closes the connections that wait for another request; those in use are closed after their request. Each has the head of
    /// its last request in its buffers, with a credential in it.
    pub(crate) fn forget(&self) {
        self.kept.store(Kept::new(self.tls.clone()));
    }

    /// Sends one request with the real credential and waits for the head of the answer.
    pub(crate) async fn send(
        &self,
        url: &str,
        method: Method,
        body: Bytes,
        from_client: &HeaderMap,
        credential: &Credential,
    ) -> Result<Response<Incoming>, NoAnswer> {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = method;
        let headers = request.headers_mut();
        headers.reserve(MOST_HEADERS);
        for name in PASSED_ON {
            if let Some(value) = from_client.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        if !body.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        // An answer that is compressed could not be checked for the secret.
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        credential.add_to(headers).map_err(|_| NoAnswer::NotSent)?;
        let kept = self.kept.load_full();
        tokio::time::timeout(ANSWER_TIMEOUT, kept.send(url, request)).await.unwrap_or(Err(NoAnswer::Timeout))
    }
}
