//! The listener for programs.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::door::pass;
use crate::recover::recover;
use crate::shared::{Gateway, Shared};

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long open requests may go on after a shutdown was asked for. A little longer than the broker may take to answer.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(35);

/// How often last uses are written and open reservations are looked at.
const HOUSEKEEPING: Duration = Duration::from_secs(15);

impl Gateway {
    /// Serves programs on `listener` until `shutdown`, then lets open requests finish. State-changing requests are always
    /// finished, even if their program has gone.
    pub async fn serve(&self, listener: TcpListener, shutdown: CancellationToken) {
        let housekeeping = tokio::spawn(keep_house(Arc::clone(&self.shared), shutdown.clone()));
        let graceful = GracefulShutdown::new();
        loop {
            let (socket, peer) = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        // Out of file descriptors, most likely: let those in use be freed before trying again.
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::task::yield_now().await;
                        continue;
                    }
                },
                () = shutdown.cancelled() => break,
            };
            _ = socket.set_nodelay(true);
            let shared = Arc::clone(&self.shared);
            let service = service_fn(move |request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, Infallible>(pass(shared, request, peer.ip()).await) }
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
        self.shared.changes.close();
        let finished = async {
            graceful.shutdown().await;
            self.shared.changes.wait().await;
        };
        if tokio::time::timeout(SHUTDOWN_GRACE, finished).await.is_err() {
            tracing::warn!("requests were still open when the time for shutting down was over");
        }
        _ = housekeeping.await;
    }
}

async fn keep_house(shared: Arc<Shared>, shutdown: CancellationToken) {
    let mut ticks = interval(HOUSEKEEPING);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let over = tokio::select! {
            _ = ticks.tick() => false,
            () = shutdown.cancelled() => true,
        };
        let used = shared.log.take_used();
        if !used.is_empty()
            && let Err(error) = shared.store.touch_keys(&used).await
        {
            tracing::warn!(%error, "last uses of access keys could not be written");
        }
        if over {
            return;
        }
        match recover(&shared).await {
            Ok(0) => {}
            Ok(settled) => tracing::info!(settled, "open reservations were settled"),
            Err(error) => tracing::warn!(%error, "open reservations could not be settled"),
        }
    }
}
