//! Serves a fake over HTTP/1.1, one request at a time and one request a connection, so that tests know which request is the n-th.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use paddock_core::Clock;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::{Fake, Heard, Reply, Trouble};

/// Where anybody may read what the fake has heard, as JSON: for the services' own clients, which run in other processes.
const HEARD: &str = "/_fake/heard";

/// How long a connection may say nothing: some clients open one before they need it.
const PATIENCE: Duration = Duration::from_secs(5);

/// A fake that listens. It ends when this is dropped.
#[derive(Debug)]
pub struct Running<F> {
    /// Its address, without a slash at the end.
    pub url: String,
    shared: Arc<Mutex<Shared<F>>>,
    orders: mpsc::Sender<oneshot::Sender<()>>,
    task: JoinHandle<io::Result<()>>,
}

/// When a [`Running::watch`] is told of a request that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// It was heard, and nothing was done about it.
    Heard,
    /// It was carried out, and its answer was not sent.
    Done,
}

/// Is told of a change, and tells whether that goes on.
type Watcher = dyn Fn(&Heard, When) -> bool + Send + Sync;

/// Who is told of changes.
#[derive(Default)]
struct Watch(Option<Arc<Watcher>>);

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

#[derive(Debug)]
struct Shared<F> {
    fake: F,
    /// The fake before its last change.
    before: F,
    heard: Vec<Heard>,
    troubles: BTreeMap<usize, Trouble>,
    skew: jiff::Span,
    watch: Watch,
}

impl<F> Drop for Running<F> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<F: Fake> Running<F> {
    /// Serves the fake at an address of this machine; port 0 takes a free one.
    ///
    /// # Errors
    /// When nothing can listen there.
    pub async fn start(fake: F, address: SocketAddr, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (before, troubles) = (fake.clone(), BTreeMap::new());
        let heard = Vec::new();
        let shared =
            Shared { fake, before, heard, troubles, skew: jiff::Span::new(), watch: Watch::default() };
        let shared = Arc::new(Mutex::new(shared));
        let (orders, inbox) = mpsc::channel(1);
        let server = Server { shared: Arc::clone(&shared), clock, address, inbox };
        let task = tokio::spawn(server.run(listener));
        Ok(Self { url: format!("http://{address}"), shared, orders, task })
    }

    /// Looks at the fake, or changes it by hand.
    pub fn with<T>(&self, act: impl FnOnce(&mut F) -> T) -> T {
        act(&mut lock(&self.shared).fake)
    }

    /// Everything that was heard so far.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        lock(&self.shared).heard.clone()
    }

    /// Fails a request: `after` is how many come before it, counted from now on. `Refused` for the very next one needs [`Running::close`].
    pub fn fail(&self, after: usize, trouble: Trouble) {
        let mut shared = lock(&self.shared);
        let call = shared.heard.len() + after;
        shared.troubles.insert(call, trouble);
    }

    /// Sets the service's clock ahead, or back by a negative number of seconds.
    pub fn skew(&self, seconds: i64) {
        lock(&self.shared).skew = jiff::Span::new().seconds(seconds);
    }

    /// Tells of every request that changes something, before it is carried out and before its answer is sent; the request waits for as long as this takes. Told
    /// `false`, the fake goes no further with it, as if it or its answer were lost. For tests that kill whoever has sent it.
    pub fn watch(&self, watch: impl Fn(&Heard, When) -> bool + Send + Sync + 'static) {
        lock(&self.shared).watch = Watch(Some(Arc::new(watch)));
    }

    /// Listens no more, until [`Running::reopen`].
    pub async fn close(&self) {
        self.fail(0, Trouble::Refused);
        self.order().await;
    }

    /// Listens again after a refused connection; without one, nothing changes.
    pub async fn reopen(&self) {
        self.order().await;
    }

    async fn order(&self) {
        let (done, wait) = oneshot::channel();
        if self.orders.send(done).await.is_ok() {
            _ = wait.await;
        }
    }

    /// Waits for as long as it listens: for a program that does nothing else.
    ///
    /// # Errors
    /// When it cannot listen any more.
    pub async fn ended(mut self) -> io::Result<()> {
        (&mut self.task).await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

fn lock<F>(shared: &Mutex<Shared<F>>) -> MutexGuard<'_, Shared<F>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Server<F> {
    shared: Arc<Mutex<Shared<F>>>,
    clock: Arc<dyn Clock>,
    address: SocketAddr,
    inbox: mpsc::Receiver<oneshot::Sender<()>>,
}

impl<F: Fake> Server<F> {
    async fn run(mut self, listener: TcpListener) -> io::Result<()> {
        let mut listener = Some(listener);
        loop {
            let Some(open) = &listener else {
                let Some(done) = self.inbox.recv().await else { return Ok(()) };
                listener = Some(TcpListener::bind(self.address).await?);
                _ = done.send(());
                continue;
            };
            tokio::select! {
                accepted = open.accept() => {
                    let (mut stream, _) = accepted?;
                    // A client that goes away is no failure of the fake.
                    if let Ok(Ok(Some(heard))) = tokio::time::timeout(PATIENCE, self.hear(&mut stream)).await {
                        _ = self.serve(stream, heard, &mut listener).await;
                    }
                }
                Some(done) = self.inbox.recv() => {
                    if self.refuses_next() {
                        listener = None;
                    }
                    _ = done.send(());
                }
            }
        }
    }

    /// Whether the next request is to find nobody; then it counts as had.
    fn refuses_next(&self) -> bool {
        let mut shared = lock(&self.shared);
        let next = shared.heard.len();
        let refuses = shared.troubles.get(&next) == Some(&Trouble::Refused);
        if refuses {
            shared.troubles.remove(&next);
        }
        refuses
    }

    async fn serve(
        &self,
        mut stream: TcpStream,
        heard: Heard,
        listener: &mut Option<TcpListener>,
    ) -> io::Result<()> {
        if heard.path == HEARD {
            let reply = Reply::json(200, &self.told());
            return self.write(&mut stream, &reply, heard.now, false).await;
        }
        let now = heard.now;
        let watch = lock(&self.shared).watch.0.clone().filter(|_| !F::reads(&heard));
        let watched = watch.map(|watch| (watch, heard.clone()));
        let goes_on = |when| watched.as_ref().is_none_or(|(watch, heard)| watch(heard, when));
        if !goes_on(When::Heard) {
            return reset(stream);
        }
        let (reply, trouble) = self.decide(heard);
        if !goes_on(When::Done) {
            return reset(stream);
        }
        if self.refuses_next() {
            *listener = None;
        }
        match (reply, trouble) {
            (Some(reply), Some(Trouble::ResetAfter)) => self.write(&mut stream, &reply, now, true).await,
            (Some(reply), _) => self.write(&mut stream, &reply, now, false).await,
            (None, _) => reset(stream),
        }
    }

    /// The answer, unless the connection is to be reset without one.
    fn decide(&self, heard: Heard) -> (Option<Reply>, Option<Trouble>) {
        let mut guard = lock(&self.shared);
        let shared = &mut *guard;
        let trouble = shared.troubles.remove(&shared.heard.len());
        let reply = match trouble {
            Some(Trouble::ResetBefore | Trouble::Refused) => None,
            Some(Trouble::Limited(seconds)) => Some(shared.fake.limited(seconds)),
            Some(Trouble::Forbidden) => Some(shared.fake.forbidden()),
            Some(Trouble::Stale) if F::reads(&heard) => Some(shared.before.clone().answer(&heard)),
            _ => {
                if !F::reads(&heard) {
                    shared.before = shared.fake.clone();
                }
                let reply = shared.fake.answer(&heard);
                let failed = trouble == Some(Trouble::FailsAfter);
                Some(if failed { Reply::text(500, "internal server error") } else { reply })
            }
        };
        shared.heard.push(heard);
        (reply, trouble)
    }

    /// What was heard, for other processes.
    fn told(&self) -> Value {
        let told = |heard: &Heard| {
            let headers: serde_json::Map<_, _> = heard
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), json!(String::from_utf8_lossy(value.as_bytes()))))
                .collect();
            json!({
                "method": heard.method.as_str(),
                "path": heard.path,
                "query": heard.query,
                "headers": headers,
                "body": String::from_utf8_lossy(&heard.body),
            })
        };
        lock(&self.shared).heard.iter().map(told).collect()
    }

    async fn hear(&self, stream: &mut TcpStream) -> io::Result<Option<Heard>> {
        let mut bytes = Vec::new();
        let (length, mut heard) = loop {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
            if let Some(head) = self.head(&bytes)? {
                break head;
            }
        };
        bytes.drain(..length);
        if heard.header("expect").eq_ignore_ascii_case("100-continue") {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let chunked = heard.header("transfer-encoding").eq_ignore_ascii_case("chunked");
        let length: usize = heard.header("content-length").parse().unwrap_or_default();
        loop {
            let whole = if chunked { unchunked(&bytes)? } else { bytes.get(..length).map(<[u8]>::to_vec) };
            if let Some(body) = whole {
                heard.body = body;
                return Ok(Some(heard));
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// The request's head and its length, when it is there in whole.
    fn head(&self, bytes: &[u8]) -> io::Result<Option<(usize, Heard)>> {
        let mut lines = [httparse::EMPTY_HEADER; 100];
        let mut request = httparse::Request::new(&mut lines);
        let length = match request.parse(bytes).map_err(io::Error::other)? {
            httparse::Status::Complete(length) => length,
            httparse::Status::Partial => return Ok(None),
        };
        let mut headers = HeaderMap::new();
        for line in request.headers {
            let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(io::Error::other)?;
            headers.append(name, HeaderValue::from_bytes(line.value).map_err(io::Error::other)?);
        }
        let target = request.path.unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let skew = lock(&self.shared).skew;
        let heard = Heard {
            method: request.method.unwrap_or_default().parse().map_err(io::Error::other)?,
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: Vec::new(),
            now: self.clock.now().checked_add(skew).map_err(io::Error::other)?,
        };
        Ok(Some((length, heard)))
    }

    async fn write(
        &self,
        stream: &mut TcpStream,
        reply: &Reply,
        now: jiff::Timestamp,
        cut: bool,
    ) -> io::Result<()> {
        let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT");
        let length = reply.body.len() + usize::from(cut);
        let mut head = format!("HTTP/1.1 {} -\r\ndate: {date}\r\nconnection: close\r\n", reply.status);
        if reply.status != 204 || cut {
            head += &format!("content-length: {length}\r\n");
        }
        for (name, value) in &reply.headers {
            head += &format!("{name}: {value}\r\n");
        }
        // An answer that has no body is whole with its head.
        if cut && reply.status == 204 {
            return stream.write_all(head.as_bytes()).await;
        }
        head += "\r\n";
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&reply.body).await?;
        if !cut {
            stream.shutdown().await?;
        }
        Ok(())
    }
}

/// Ends a connection as a crash does.
fn reset(stream: TcpStream) -> io::Result<()> {
    stream.set_zero_linger()?;
    drop(stream);
    Ok(())
}

/// A body in chunks (RFC 9112, section 7.1), when it is there in whole.
fn unchunked(mut bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let (start, size) = match httparse::parse_chunk_size(bytes) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(io::Error::other("a chunk without its size")),
        };
        let size = usize::try_from(size).map_err(io::Error::other)?;
        let Some(chunk) = bytes.get(start..start + size) else { return Ok(None) };
        let Some(rest) = bytes.get(start + size + 2..) else { return Ok(None) };
        if size == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(chunk);
        bytes = rest;
    }
}
