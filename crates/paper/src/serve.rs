//! Serving a broker on listeners.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::serve::ListenerExt;
use axum::{Extension, Router};
use paddock_core::Environment;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::PaperBroker;
use crate::options::{PaperError, PaperOptions};
use crate::stream::Closing;

/// How often time passes for a broker that nobody asks: what is due, and what streams carry, is late by no more than this.
const TICK: Duration = Duration::from_millis(50);

impl PaperBroker {
    /// The routes of one environment: Alpaca's paths, trading and data alike, and the dashboard.
    pub fn router(&self, environment: Environment) -> Router {
        crate::http::router(self.clone(), environment)
    }

    /// Lets time pass until `shutdown`.
    pub async fn keep_time(&self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => self.advance(),
            }
        }
    }
}

/// Serves a broker's routes on a listener until `shutdown`; requests under way are finished, and streams are ended.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) -> Result<(), std::io::Error> {
    let listener = listener.tap_io(|stream| {
        // Answers are small and awaited: they must not wait to be joined by more.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
    });
    let router = router.layer(Extension(Closing(shutdown.clone())));
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await
}

/// A broker that listens on two free ports of this machine, for tests and demonstrations. It stops when this is dropped.
#[derive(Debug)]
pub struct EphemeralBroker {
    /// The broker.
    pub broker: PaperBroker,
    /// Where its paper environment listens.
    pub paper_address: SocketAddr,
    /// Where its live environment listens.
    pub live_address: SocketAddr,
    shutdown: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    _stop_on_drop: DropGuard,
}

impl EphemeralBroker {
    /// Starts a broker with a timer and both listeners on `127.0.0.1`.
    ///
    /// # Errors
    /// [`PaperError`] when the journal cannot be used or no port is free.
    pub async fn start(options: PaperOptions) -> Result<Self, PaperError> {
        let paper = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let live = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (paper_address, live_address) = (paper.local_addr()?, live.local_addr()?);
        let broker = PaperBroker::open(options)?;
        let shutdown = CancellationToken::new();

        let listen = |listener, environment| {
            let served = serve(listener, broker.router(environment), shutdown.clone());
            tokio::spawn(async move {
                if let Err(error) = served.await {
                    tracing::error!(%error, "the paper broker's listener failed");
                }
            })
        };
        let mut tasks = vec![listen(paper, Environment::Paper), listen(live, Environment::Live)];
        let (timed, until) = (broker.clone(), shutdown.clone());
        tasks.push(tokio::spawn(async move { timed.keep_time(until).await }));
        let _stop_on_drop = shutdown.clone().drop_guard();
        Ok(Self { broker, paper_address, live_address, shutdown, tasks, _stop_on_drop })
    }

    /// The base URL of an environment, for trading and data, without a slash at the end.
    #[must_use]
    pub fn url(&self, environment: Environment) -> String {
        match environment {
            Environment::Paper => format!("http://{}", self.paper_address),
            Environment::Live => format!("http://{}", self.live_address),
        }
    }

    /// Stops it and waits until it has.
    pub async fn stop(self) {
        self.shutdown.cancel();
        for task in self.tasks {
            let _ = task.await;
        }
    }
}
