//! The way to the broker: one pool of connections, no redirects, nothing sent twice.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use paddock_alpaca::Credential;

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

/// Connections to the broker.
type Pool = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Sends requests to the broker.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    tls: HttpsConnector<HttpConnector>,
    pool: Arc<ArcSwap<Pool>>,
}

/// A pool without connections.
fn pool(tls: &HttpsConnector<HttpConnector>) -> Arc<Pool> {
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(20))
        // The client retries only a request of which it can prove that no byte was written, because a kept
        // connection had closed before. Anything else is never sent again.
        .retry_canceled_requests(true)
        .build(tls.clone());
    Arc::new(client)
}

impl Upstream {
    pub(crate) fn new() -> Result<Self, GatewayError> {
        Ok(Self::with_pool_of_its_own(connector()?))
    }

    fn with_pool_of_its_own(tls: HttpsConnector<HttpConnector>) -> Self {
        Self { pool: Arc::new(ArcSwap::new(pool(&tls))), tls }
    }

    /// The same way with connections of its own.
    pub(crate) fn another(&self) -> Self {
        Self::with_pool_of_its_own(self.tls.clone())
    }

    /// Closes the connections that wait for another request; those in use are closed after their request. Each has the head of
    /// its last request in its buffers, with a credential in it.
    pub(crate) fn forget(&self) {
        self.pool.store(pool(&self.tls));
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
        *request.uri_mut() = url.parse::<Uri>().map_err(|_| NoAnswer::NotSent)?;
        let headers = request.headers_mut();
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
        match tokio::time::timeout(ANSWER_TIMEOUT, self.pool.load().request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_connect() => Err(NoAnswer::NotSent),
            Ok(Err(_)) => Err(NoAnswer::Broken),
            Err(_) => Err(NoAnswer::Timeout),
        }
    }
}
