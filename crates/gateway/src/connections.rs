//! The open connections of one thread, and how they end at a shutdown.

use std::pin::pin;

use hyper::body::{Body, Incoming};
use hyper::rt::{Read, Write};
use hyper::server::conn::http1::UpgradeableConnection;
use hyper::service::HttpService;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::answer::BodyError;

/// Open connections.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: TaskTracker,
    closing: CancellationToken,
}

/// One open connection's place among them.
#[derive(Debug)]
pub(crate) struct Watcher {
    closing: CancellationToken,
    _open: TaskTrackerToken,
}

impl Connections {
    pub(crate) fn watcher(&self) -> Watcher {
        Watcher { closing: self.closing.clone(), _open: self.open.token() }
    }

    /// Lets each connection finish its request, and returns when all have ended.
    pub(crate) async fn shutdown(self) {
        self.closing.cancel();
        self.open.close();
        self.open.wait().await;
    }
}

impl Watcher {
    /// Serves a connection to its end.
    pub(crate) async fn watch<I, S>(self, connection: UpgradeableConnection<I, S>) -> hyper::Result<()>
    where
        I: Read + Write + Unpin + Send + 'static,
        S: HttpService<Incoming>,
        S::Error: Into<BodyError>,
        S::ResBody: Body + 'static,
        <S::ResBody as Body>::Error: Into<BodyError>,
    {
        let mut connection = pin!(connection);
        tokio::select! {
            ended = &mut connection => return ended,
            () = self.closing.cancelled() => {}
        }
        connection.as_mut().graceful_shutdown();
        connection.await
    }
}
