//! Connections to the broker's hosts, kept for the next request.
//!
//! A request takes a connection that is done with the one before, or makes another; there is no limit, since the entrance and the budget
//! have theirs. A lane has connections of its own, so that nothing here is waited for.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::time::{MissedTickBehavior, interval};
use tower::ServiceExt as _;

use super::NoAnswer;

/// How often connections are looked through. One that was not used from one look to the next but one is closed, so that it is kept
/// between 10 and 20 seconds.
const LOOK: Duration = Duration::from_secs(10);

/// Connections to any number of hosts, few in practice.
#[derive(Debug)]
pub(super) struct Kept {
    tls: HttpsConnector<HttpConnector>,
    hosts: Mutex<Vec<Arc<Host>>>,
    /// How many times they were looked through.
    looks: AtomicU64,
    is_tended: AtomicBool,
}

/// One host.
#[derive(Debug)]
struct Host {
    /// Scheme and authority, as addresses begin.
    base: String,
    name: HeaderValue,
    connections: Mutex<Vec<Connection>>,
}

/// A connection, perhaps still busy with the rest of an answer.
#[derive(Debug)]
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// How many looks there had been when it was last used.
    used_at: u64,
}

impl Kept {
    pub(super) fn new(tls: HttpsConnector<HttpConnector>) -> Arc<Self> {
        let (looks, is_tended) = (AtomicU64::new(0), AtomicBool::new(false));
        Arc::new(Self { tls, hosts: Mutex::default(), looks, is_tended })
    }

    /// Sends one request to an address of the form `https://host/path?query`, whose `Host` and target are added here.
    ///
    /// A request is sent once. Only one of which the client knows that no byte was written, because a kept connection had been closed
    /// before, goes out by another connection.
    pub(super) async fn send(
        self: &Arc<Self>,
        url: &str,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, NoAnswer> {
        let (base, target) = split(url).ok_or(NoAnswer::NotSent)?;
        let host = self.host(base)?;
        let target = PathAndQuery::try_from(target).map_err(|_| NoAnswer::NotSent)?;
        *request.uri_mut() = Uri::from(target);
        request.headers_mut().insert(header::HOST, host.name.clone());
        loop {
            let kept = host.take();
            let is_fresh = kept.is_none();
            let mut sender = match kept {
                Some(sender) => sender,
                None => self.connect(&host).await?,
            };
            match sender.try_send_request(request).await {
                Ok(response) => {
                    // It is taken again when the answer was read to its end.
                    host.keep(sender, self.looks.load(Ordering::Relaxed));
                    return Ok(response);
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !is_fresh => request = unsent,
                    Some(_) => return Err(NoAnswer::NotSent),
                    None => return Err(NoAnswer::Broken),
                },
            }
        }
    }

    fn host(&self, base: &str) -> Result<Arc<Host>, NoAnswer> {
        let mut hosts = guard(&self.hosts);
        if let Some(known) = hosts.iter().find(|host| host.base == base) {
            return Ok(Arc::clone(known));
        }
        let name = HeaderValue::from_str(host_name(base)).map_err(|_| NoAnswer::NotSent)?;
        let host = Arc::new(Host { base: base.to_owned(), name, connections: Mutex::default() });
        hosts.push(Arc::clone(&host));
        Ok(host)
    }

    async fn connect(self: &Arc<Self>, host: &Host) -> Result<SendRequest<Full<Bytes>>, NoAnswer> {
        let uri: Uri = host.base.parse().map_err(|_| NoAnswer::NotSent)?;
        let io = self.tls.clone().oneshot(uri).await.map_err(|_| NoAnswer::NotSent)?;
        let (sender, connection) = http1::handshake(io).await.map_err(|_| NoAnswer::NotSent)?;
        // What ends it is told to the request that is on it.
        tokio::spawn(async move { drop(connection.await) });
        if !self.is_tended.swap(true, Ordering::Relaxed) {
            tokio::spawn(tend(Arc::downgrade(self)));
        }
        Ok(sender)
    }
}

impl Host {
    /// A connection that can take a request now. Those that were closed are dropped on the way.
    fn take(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut connections = guard(&self.connections);
        let mut at = connections.len();
        while at > 0 {
            at -= 1;
            let sender = &connections[at].sender;
            if sender.is_closed() {
                connections.swap_remove(at);
            } else if sender.is_ready() {
                return Some(connections.swap_remove(at).sender);
            }
        }
        None
    }

    fn keep(&self, sender: SendRequest<Full<Bytes>>, used_at: u64) {
        guard(&self.connections).push(Connection { sender, used_at });
    }
}

/// Closes connections that were not used for long, as long as there are any to look at.
async fn tend(kept: Weak<Kept>) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let Some(kept) = kept.upgrade() else { return };
        let look = kept.looks.fetch_add(1, Ordering::Relaxed);
        for host in guard(&kept.hosts).iter() {
            guard(&host.connections).retain(|connection| {
                let sender = &connection.sender;
                // One that is busy is in use, however long ago its request was sent.
                !sender.is_closed() && (connection.used_at >= look || !sender.is_ready())
            });
        }
    }
}

/// Scheme and authority of an address, and the rest.
fn split(url: &str) -> Option<(&str, &str)> {
    let authority = url.find("://")? + 3;
    let path = authority + url[authority..].find('/')?;
    Some(url.split_at(path))
}

/// What a `Host` header says: the authority without the port that its scheme has anyway (RFC 9110, section 7.2).
fn host_name(base: &str) -> &str {
    let (scheme, authority) = base.split_once("://").unwrap_or_default();
    let usual = if scheme == "https" { ":443" } else { ":80" };
    authority.strip_suffix(usual).unwrap_or(authority)
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use rstest::rstest;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::upstream::connector;

    async fn host() -> (TcpListener, Arc<Kept>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v2/orders?a=b", listener.local_addr().unwrap());
        (listener, Kept::new(connector().unwrap()), url)
    }

    fn request() -> Request<Full<Bytes>> {
        Request::post("/").body(Full::new(Bytes::from_static(b"order"))).unwrap()
    }

    /// Reads one request, as it came.
    async fn read(stream: &mut TcpStream) -> String {
        let mut text = String::new();
        while !text.ends_with("order") {
            let mut some = [0; 1024];
            let length = stream.read(&mut some).await.unwrap();
            assert_ne!(length, 0, "the request ended early: {text}");
            text.push_str(std::str::from_utf8(&some[..length]).unwrap());
        }
        text
    }

    async fn answer(stream: &mut TcpStream) {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
    }

    #[tokio::test]
    async fn a_connection_is_used_again_once_its_answer_was_read() {
        let (listener, kept, url) = host().await;
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let first = read(&mut stream).await;
            answer(&mut stream).await;
            read(&mut stream).await;
            answer(&mut stream).await;
            (first, listener.local_addr().unwrap())
        });
        for _ in 0..2 {
            let response = kept.send(&url, request()).await.unwrap();
            assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
            // The connection's own task has to see that the answer is over.
            tokio::task::yield_now().await;
        }
        let (first, address) = server.await.unwrap();
        assert!(first.starts_with("POST /v2/orders?a=b HTTP/1.1\r\n"), "{first}");
        assert!(first.contains(&format!("host: {address}\r\n")), "{first}");
    }

    #[tokio::test]
    async fn a_connection_that_was_closed_meanwhile_is_no_failure() {
        let (listener, kept, url) = host().await;
        let server = tokio::spawn(async move {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                read(&mut stream).await;
                answer(&mut stream).await;
            }
        });
        for _ in 0..2 {
            let response = kept.send(&url, request()).await.unwrap();
            assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
        }
        server.await.unwrap();
    }

    #[rstest]
    #[case::at_once(b"")]
    #[case::in_the_answer(b"HTTP/1.1 200")]
    #[tokio::test]
    async fn what_was_read_by_the_host_is_not_sent_again(#[case] said: &'static [u8]) {
        let (listener, kept, url) = host().await;
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            read(&mut stream).await;
            stream.write_all(said).await.unwrap();
            drop(stream);
            listener
        });
        assert_eq!(kept.send(&url, request()).await.unwrap_err(), NoAnswer::Broken);
        let listener = server.await.unwrap();
        // Nobody else knocks: another connection of ours is the next.
        let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (_, who) = listener.accept().await.unwrap();
        assert_eq!(who, ours.local_addr().unwrap());
    }

    #[tokio::test]
    async fn a_host_that_cannot_be_reached_got_nothing() {
        let (listener, kept, url) = host().await;
        drop(listener);
        assert_eq!(kept.send(&url, request()).await.unwrap_err(), NoAnswer::NotSent);
    }

    #[rstest]
    #[case("https://api.alpaca.markets/v2/account", "https://api.alpaca.markets", "/v2/account")]
    #[case("http://127.0.0.1:1/a?b=c/d", "http://127.0.0.1:1", "/a?b=c/d")]
    #[case("https://[::1]:8/", "https://[::1]:8", "/")]
    fn addresses_are_taken_apart(#[case] url: &str, #[case] base: &str, #[case] target: &str) {
        assert_eq!(split(url), Some((base, target)));
    }

    #[rstest]
    #[case("no address")]
    #[case("https://no-path")]
    fn what_is_no_address_is_not_sent(#[case] url: &str) {
        assert_eq!(split(url), None);
    }

    #[rstest]
    #[case("https://api.alpaca.markets", "api.alpaca.markets")]
    #[case("https://api.alpaca.markets:443", "api.alpaca.markets")]
    #[case("http://127.0.0.1:443", "127.0.0.1:443")]
    #[case("http://localhost:80", "localhost")]
    fn the_port_is_named_unless_it_is_the_usual_one(#[case] base: &str, #[case] name: &str) {
        assert_eq!(host_name(base), name);
    }
}
