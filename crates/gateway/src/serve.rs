//! The listener for programs, and the threads that serve them.

use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::checkpoints;
use crate::draws::Draws;
use crate::entrance::{Encrypted, Entrance, Listeners};
use crate::halt::wind_down;
use crate::key_use;
use crate::lane::{Arrived, Lane};
use crate::meter::record_floods;
use crate::recover::recover;
use crate::shared::{Gateway, GatewayError, Shared};
use crate::stream::settle_ended;

/// More threads than this serve programs no faster.
const MOST_LANES: usize = 8;

/// How often last uses are written and open reservations are looked at.
const HOUSEKEEPING: Duration = Duration::from_secs(15);

impl Gateway {
    /// Serves programs on `listeners` until `shutdown`, then lets open requests finish. State-changing requests are always
    /// finished, even if their program has gone.
    ///
    /// Connections are spread over threads, each with a runtime and broker connections of its own, so that a read never
    /// changes threads. What touches the database runs on the runtime that this is called on.
    ///
    /// # Errors
    /// [`GatewayError`] when the threads cannot be started; nothing was served then.
    pub async fn serve(
        &self,
        listeners: impl Into<Listeners>,
        shutdown: CancellationToken,
    ) -> Result<(), GatewayError> {
        let listeners = listeners.into();
        let (finished, mut all_finished) = mpsc::channel::<()>(1);
        let mut lanes: Vec<mpsc::UnboundedSender<Arrived>> = Vec::new();
        let count = std::thread::available_parallelism().map_or(1, NonZero::get).min(MOST_LANES);
        for number in 0..count {
            let lane = Lane {
                ids: Draws::new(Arc::clone(&self.shared.entropy)),
                shared: Arc::clone(&self.shared),
                upstream: self.shared.another_upstream(),
                streams: TaskTracker::new(),
                closing: shutdown.clone(),
                main: Handle::current(),
            };
            lanes.push(lane.start(number, finished.clone())?);
        }
        drop(finished);
        let housekeeping = tokio::spawn(keep_house(Arc::clone(&self.shared), shutdown.clone()));
        let settling = tokio::spawn(settle_ended(Arc::clone(&self.shared), shutdown.clone()));
        let following = tokio::spawn(follow(Arc::clone(&self.shared), shutdown.clone()));
        let indexing = tokio::spawn(index(Arc::clone(&self.shared), shutdown.clone()));
        let mut ways = vec![(listeners.plain, Entrance::Plain)];
        if let Some(Encrypted { tls, proxy, certificates }) = listeners.encrypted {
            let own = Entrance::Tls(certificates.own.into());
            let as_alpaca = Entrance::Proxy(certificates.alpaca.into());
            ways.extend(tls.map(|listener| (listener, own)));
            ways.extend(proxy.map(|listener| (listener, as_alpaca)));
        }
        let accepting =
            ways.iter().map(|(listener, entrance)| hand_out(listener, entrance, &lanes, &shutdown));
        join_all(accepting).await;
        self.shared.changes.close();
        drop(lanes);
        all_finished.recv().await;
        _ = housekeeping.await;
        _ = settling.await;
        _ = following.await;
        _ = indexing.await;
        if let Err(error) = wind_down::let_go(&self.shared).await {
            tracing::warn!(%error, "what freezes have left to do could not be let go of; its lease lapses");
        }
        // What the last requests left.
        if let Err(error) = key_use::write(&self.shared).await {
            tracing::warn!(%error, "the use of access keys could not be written");
        }
        if let Err(error) = checkpoints::checkpoint_if_due(&self.shared, true).await {
            tracing::warn!(%error, "the audit could not be signed");
        }
        Ok(())
    }
}

/// Gives the connections of one listener to the lanes in turn, until the shutdown.
async fn hand_out(
    listener: &TcpListener,
    entrance: &Entrance,
    lanes: &[mpsc::UnboundedSender<Arrived>],
    shutdown: &CancellationToken,
) {
    for lane in lanes.iter().cycle() {
        let Some((socket, peer)) = accept(listener, shutdown).await else { break };
        let arrived = |socket| Arrived { socket, peer: peer.ip(), entrance: entrance.clone() };
        // A lane ends only when its sender is dropped, so this does not fail before the shutdown.
        _ = socket.into_std().map(|socket| lane.send(arrived(socket)));
    }
}

/// The next connection, or nothing at the shutdown.
async fn accept(
    listener: &TcpListener,
    shutdown: &CancellationToken,
) -> Option<(tokio::net::TcpStream, SocketAddr)> {
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, peer)) => {
                    _ = socket.set_nodelay(true);
                    return Some((socket, peer));
                }
                // Out of file descriptors, most likely: let those in use be freed before trying again.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::task::yield_now().await;
                }
            },
            () = shutdown.cancelled() => return None,
        }
    }
}

/// Takes over what other nodes change, and goes on with what they left.
async fn follow(shared: Arc<Shared>, shutdown: CancellationToken) {
    let mut changes = shared.store.changes();
    loop {
        tokio::select! {
            () = changes.next() => {}
            () = shutdown.cancelled() => return,
        }
        if let Err(error) = shared.reload().await {
            tracing::error!(%error, "the gateway could not take over what another node may have changed");
        }
    }
}

/// Keeps the index of what people look for close behind the audit chain. Of a long chain that has none yet it is made a piece at a time,
/// so that orders get their turn in between.
async fn index(shared: Arc<Shared>, shutdown: CancellationToken) {
    let mut ticks = interval(HOUSEKEEPING);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shutdown.cancelled() => return,
        }
        while !shutdown.is_cancelled() {
            match shared.store.index_activity().await {
                Ok(0) => break,
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => {
                    tracing::warn!(%error, "the index of requests could not be brought up to date");
                    break;
                }
            }
        }
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
        if let Err(error) = record_floods(&shared).await {
            tracing::warn!(%error, "refused requests could not be recorded");
        }
        if let Err(error) = key_use::write(&shared).await {
            tracing::warn!(%error, "the use of access keys could not be written");
        }
        if let Err(error) = checkpoints::checkpoint_if_due(&shared, over).await {
            tracing::warn!(%error, "the audit could not be signed");
        }
        if over {
            return;
        }
        if let Err(error) = wind_down::resume(&shared).await {
            tracing::warn!(%error, "what freezes have left to do could not be looked at");
        }
        match shared.store.expire_approvals(shared.clock.now()).await {
            Ok(0) => {}
            Ok(_) => shared.bell.ring(),
            Err(error) => tracing::warn!(%error, "held requests could not be ended"),
        }
        match recover(&shared).await {
            Ok(0) => {}
            Ok(settled) => tracing::info!(settled, "open reservations were settled"),
            Err(error) => tracing::warn!(%error, "open reservations could not be settled"),
        }
    }
}
