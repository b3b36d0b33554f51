//! One thread that serves programs.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::{self, Handle};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connect;
use crate::connections::{Connections, Watcher};
use crate::door::pass;
use crate::draws::Draws;
use crate::entrance::{Entrance, Reached};
use crate::shared::{GatewayError, Shared};
use crate::upstream::Upstream;

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may take to agree on TLS.
const TLS_TIMEOUT: Duration = Duration::from_secs(10);

/// How long reads and half-sent requests may go on after a shutdown was asked for. Cutting them loses nothing.
const READ_GRACE: Duration = Duration::from_secs(3);

/// How long state-changing requests may go on. Longer than the broker may take to answer.
const CHANGE_GRACE: Duration = Duration::from_secs(65);

/// A connection that was accepted.
pub(crate) struct Arrived {
    pub(crate) socket: std::net::TcpStream,
    pub(crate) peer: IpAddr,
    pub(crate) entrance: Entrance,
}

/// What one thread serves with.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) shared: Arc<Shared>,
    /// Randomness for the identifiers of its requests.
    pub(crate) ids: Draws,
    /// Connections to the broker that live on this thread.
    pub(crate) upstream: Upstream,
    /// The open streams of this thread.
    pub(crate) streams: TaskTracker,
    /// Ends them.
    pub(crate) closing: CancellationToken,
    /// Where everything runs that touches the database, or that must go on when its program has gone.
    pub(crate) main: Handle,
}

impl Lane {
    /// Starts the thread. It ends when the sender is dropped and its requests are finished, and then drops `finished`.
    pub(crate) fn start(
        self,
        number: usize,
        finished: mpsc::Sender<()>,
    ) -> Result<mpsc::UnboundedSender<Arrived>, GatewayError> {
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build().map_err(GatewayError::Thread)?;
        let (sender, arriving) = mpsc::unbounded_channel();
        std::thread::Builder::new()
            .name(format!("gateway-{number}"))
            .spawn(move || {
                runtime.block_on(Arc::new(self).serve(arriving));
                drop(runtime);
                drop(finished);
            })
            .map_err(GatewayError::Thread)?;
        Ok(sender)
    }

    async fn serve(self: Arc<Self>, mut arriving: mpsc::UnboundedReceiver<Arrived>) {
        let graceful = Connections::default();
        while let Some(Arrived { socket, peer, entrance }) = arriving.recv().await {
            let Ok(socket) = TcpStream::from_std(socket) else { continue };
            let (lane, watcher) = (Arc::clone(&self), graceful.watcher());
            tokio::spawn(async move {
                match entrance {
                    Entrance::Plain => serve_http(lane, socket, peer, Reached::Own, watcher).await,
                    Entrance::Tls(acceptor) => {
                        let Some((socket, name)) = encrypt(&acceptor, socket).await else { return };
                        let reached = name.map_or(Reached::Own, Reached::Named);
                        serve_http(lane, socket, peer, reached, watcher).await;
                    }
                    Entrance::Proxy(acceptor) => serve_proxy(lane, socket, peer, acceptor, watcher).await,
                }
            });
        }
        self.streams.close();
        _ = timeout(READ_GRACE, self.streams.wait()).await;
        let mut drained = pin!(graceful.shutdown());
        let changes = async {
            tokio::select! {
                () = &mut drained => return,
                () = self.shared.changes.wait() => {}
            }
            _ = timeout(READ_GRACE, drained).await;
        };
        if timeout(CHANGE_GRACE, changes).await.is_err() {
            tracing::warn!("requests were still open when the time for shutting down was over");
        }
    }
}

/// Serves programs on one connection until it ends.
pub(crate) async fn serve_http(
    lane: Arc<Lane>,
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: IpAddr,
    reached: Reached,
    watcher: Watcher,
) {
    let reached = Arc::new(reached);
    let service = service_fn(move |request| {
        let (lane, reached) = (Arc::clone(&lane), Arc::clone(&reached));
        async move { Ok::<_, Infallible>(pass(&lane, request, peer, &reached).await) }
    });
    let server = http1();
    let connection = server.serve_connection(TokioIo::new(socket), service).with_upgrades();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Takes requests for tunnels on one connection.
async fn serve_proxy(
    lane: Arc<Lane>,
    socket: TcpStream,
    peer: IpAddr,
    acceptor: TlsAcceptor,
    watcher: Watcher,
) {
    // A connection carries one tunnel, which takes the watcher along.
    let watcher = Mutex::new(Some(watcher));
    let service = service_fn(move |request| {
        let answer = connect::answer(&lane, request, peer, &acceptor, &watcher);
        async move { Ok::<_, Infallible>(answer) }
    });
    // What goes on inside a tunnel is watched there. Here it is over after one request, or when its head is late.
    if let Err(error) = http1().serve_connection(TokioIo::new(socket), service).with_upgrades().await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// HTTP/1.1 and nothing else: a second version would have a second place for each thing that is checked.
fn http1() -> Builder {
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(64 * 1024);
    builder
}

/// Agrees on TLS; also tells which name the client asked for.
pub(crate) async fn encrypt<S: AsyncRead + AsyncWrite + Unpin>(
    acceptor: &TlsAcceptor,
    socket: S,
) -> Option<(TlsStream<S>, Option<String>)> {
    match timeout(TLS_TIMEOUT, acceptor.accept(socket)).await {
        Ok(Ok(stream)) => {
            let name = stream.get_ref().1.server_name().map(str::to_owned);
            Some((stream, name))
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "a client did not agree on TLS");
            None
        }
        Err(_) => None,
    }
}
