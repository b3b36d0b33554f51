//! One thread that serves programs.

use std::convert::Infallible;
use std::net::{IpAddr, TcpStream};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::door::pass;
use crate::shared::{GatewayError, Shared};
use crate::upstream::Upstream;

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long reads and half-sent requests may go on after a shutdown was asked for. Cutting them loses nothing.
const READ_GRACE: Duration = Duration::from_secs(3);

/// How long state-changing requests may go on. Longer than the broker may take to answer.
const CHANGE_GRACE: Duration = Duration::from_secs(65);

/// A connection that was accepted.
pub(crate) struct Arrived {
    pub(crate) socket: TcpStream,
    pub(crate) peer: IpAddr,
}

/// What one thread serves with.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) shared: Arc<Shared>,
    /// Connections to the broker that live on this thread.
    pub(crate) upstream: Upstream,
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
        let runtime = Builder::new_current_thread().enable_all().build().map_err(GatewayError::Thread)?;
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
        let graceful = GracefulShutdown::new();
        while let Some(Arrived { socket, peer }) = arriving.recv().await {
            let Ok(socket) = tokio::net::TcpStream::from_std(socket) else { continue };
            let lane = Arc::clone(&self);
            let service = service_fn(move |request| {
                let lane = Arc::clone(&lane);
                async move { Ok::<_, Infallible>(pass(&lane, request, peer).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .max_buf_size(64 * 1024)
                .serve_connection(TokioIo::new(socket), service);
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection ended early");
                }
            });
        }
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
