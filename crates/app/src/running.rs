//! A Paddock that listens: starting, and ending in two steps.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use jiff::SignedDuration;
use paddock_core::SecretText;
use paddock_gateway::{Encrypted, Listeners};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::api;
use crate::authority;
use crate::brake;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::deadman;
use crate::failure::{Failure, Outcome};
use crate::files::remove_if_there;
use crate::instance::{Addresses, Instance, WhenLocked};
use crate::listen::ListenAddr;
use crate::lock::DirLock;

/// How long a start waits for a command that has the data directory open.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// How often the audit chain's head is noted outside the database, when it has changed.
const NOTE_EVERY: Duration = Duration::from_secs(2);

/// How often audit records are looked for that are older than they are kept.
const PRUNE_EVERY: Duration = Duration::from_secs(6 * 3600);

/// How often it is looked whether the connections' pairs are still good. What a program's request finds out is known at once.
const LOOK_AT_PAIRS_EVERY: Duration = Duration::from_secs(15 * 60);

/// How often it is looked which pairs are due, so that somebody is reminded.
const REMIND_EVERY: Duration = Duration::from_secs(5 * 60);

/// How long open requests may go on after a shutdown was asked for: a little longer than the gateway gives them.
const GRACE: Duration = Duration::from_secs(40);

/// A Paddock that listens.
#[derive(Debug)]
pub(crate) struct Running {
    instance: Arc<Instance>,
    addresses: Addresses,
    /// What serves. None of it ends by itself.
    servers: JoinSet<&'static str>,
}

impl Running {
    /// Takes the data directory, listens and serves. When this returns, all of it can be used.
    pub(crate) async fn start(dir: DataDir, config: &Config) -> Outcome<Self> {
        config.check_listeners()?;
        dir.create()?;
        // A command that has the directory open is waited for; a server is not.
        let patience = if api::is_served(&dir).await { Duration::ZERO } else { LOCK_PATIENCE };
        let lock = DirLock::take(&dir, patience).await?;
        Self::start_locked(dir, config, lock).await
    }

    /// The same for a caller that holds the lock.
    pub(crate) async fn start_locked(dir: DataDir, config: &Config, lock: DirLock) -> Outcome<Self> {
        let (plain, gateway) = config.gateway.bind("gateway", "--gateway").await?;
        let tls = bind(config.tls, "TLS entrance", "--tls").await?;
        let proxy = bind(config.proxy, "proxy", "--proxy").await?;
        let (people, web) = config.web.bind("pages", "--web").await?;
        let metrics = bind(config.metrics, "metrics", "--metrics").await?;
        let address = |bound: &Option<(TcpListener, SocketAddr)>| bound.as_ref().map(|(_, address)| *address);
        let addresses = Addresses {
            gateway,
            tls: address(&tls),
            proxy: address(&proxy),
            web,
            metrics: address(&metrics),
        };
        let encrypted = if tls.is_some() || proxy.is_some() {
            let certificates = authority::certificates(&dir, config, addresses.tls)?;
            let listener = |bound: Option<(TcpListener, SocketAddr)>| bound.map(|(listener, _)| listener);
            Some(Encrypted { tls: listener(tls), proxy: listener(proxy), certificates })
        } else {
            None
        };
        let instance = Arc::new(Instance::open_at(dir, config, lock, addresses, WhenLocked::Serve).await?);
        instance.note_chain().await;
        let admin = api::bind(instance.dir())?;
        let mut servers = JoinSet::new();
        servers.spawn(serve_programs(Arc::clone(&instance), Listeners { plain, encrypted }));
        servers.spawn(serve_people(Arc::clone(&instance), people));
        if let Some((listener, address)) = metrics {
            servers.spawn(serve_monitoring(Arc::clone(&instance), listener, address));
        }
        servers.spawn(serve_admin(Arc::clone(&instance), admin));
        servers.spawn(note_chain(Arc::clone(&instance)));
        servers.spawn(rotate(Arc::clone(&instance)));
        let (pull, pulled) = mpsc::unbounded_channel();
        brake::watch(instance.brake(), instance.closing().clone(), pull)?;
        servers.spawn(brake::store(Arc::clone(&instance), instance.brake(), pulled));
        if let Some(deadman) = config.deadman.clone() {
            servers.spawn(deadman::run(Arc::clone(&instance), deadman));
        }
        if let Some(keep) = config.audit_keep {
            servers.spawn(keep_audit(Arc::clone(&instance), keep));
        }
        Ok(Self { instance, addresses, servers })
    }

    /// Where it is reached.
    pub(crate) const fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// A link that makes the first owner, if nobody can sign in yet.
    pub(crate) async fn set_up_link(&self) -> Outcome<Option<SecretText>> {
        self.instance.set_up_link().await
    }

    /// A link that signs in the owner of a demo.
    pub(crate) async fn demo_link(&self, name: &str) -> Outcome<SecretText> {
        self.instance.demo_link(name).await
    }

    /// Serves until `stop` is canceled, or a part of it ends although it should not. Then lets open requests finish;
    /// `stop_hard` cuts that short.
    pub(crate) async fn run(mut self, stop: CancellationToken, stop_hard: CancellationToken) -> Outcome {
        let ended = tokio::select! {
            () = stop.cancelled() => None,
            ended = self.servers.join_next() => Some(ended),
        };
        self.instance.closing().cancel();
        let rest = async { while self.servers.join_next().await.is_some() {} };
        tokio::select! {
            finished = timeout(GRACE, rest) => {
                if finished.is_err() {
                    tracing::warn!("not everything finished in time: ending anyway");
                }
            }
            () = stop_hard.cancelled() => tracing::warn!("ending at once"),
        }
        self.servers.shutdown().await;
        self.instance.close().await;
        if let Err(error) = remove_if_there(&self.instance.dir().socket()) {
            tracing::warn!(%error, "the admin socket could not be removed");
        }
        match ended {
            None => Ok(()),
            Some(part) => {
                tracing::error!(?part, "a part of the server ended by itself");
                Err(Failure::new("a part of the server ended by itself")
                    .hint("see the log above, and start it again"))
            }
        }
    }
}

/// Listens where it was asked for.
async fn bind(
    address: Option<ListenAddr>,
    name: &str,
    option: &str,
) -> Outcome<Option<(TcpListener, SocketAddr)>> {
    match address {
        Some(address) => address.bind(name, option).await.map(Some),
        None => Ok(None),
    }
}

async fn serve_programs(instance: Arc<Instance>, listeners: Listeners) -> &'static str {
    let served = instance.gateway().serve(listeners, instance.closing().clone()).await;
    note_error("gateway", served);
    "gateway"
}

async fn serve_people(instance: Arc<Instance>, listener: TcpListener) -> &'static str {
    // Small answers must not wait for a full packet.
    let listener = listener.tap_io(|socket| _ = socket.set_nodelay(true));
    let closing = instance.closing().clone();
    // Where a visitor comes from matters when they sign in.
    let pages = instance.pages().into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, pages).with_graceful_shutdown(closing.cancelled_owned()).await;
    note_error("pages", served);
    "pages"
}

async fn serve_monitoring(
    instance: Arc<Instance>,
    listener: TcpListener,
    address: SocketAddr,
) -> &'static str {
    let closing = instance.closing().clone();
    let routes = instance.monitoring(address);
    let served = axum::serve(listener, routes).with_graceful_shutdown(closing.cancelled_owned()).await;
    note_error("metrics", served);
    "metrics"
}

async fn serve_admin(instance: Arc<Instance>, listener: UnixListener) -> &'static str {
    let closing = instance.closing().clone();
    let served =
        axum::serve(listener, instance.api()).with_graceful_shutdown(closing.cancelled_owned()).await;
    note_error("admin socket", served);
    "admin socket"
}

fn note_error(part: &str, served: Result<(), impl std::fmt::Display>) {
    if let Err(error) = served {
        tracing::error!(%error, part, "serving failed");
    }
}

async fn keep_audit(instance: Arc<Instance>, keep: SignedDuration) -> &'static str {
    let mut ticks = interval(PRUNE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => instance.prune_audit(keep).await,
            () = instance.closing().cancelled() => return "retention",
        }
    }
}

async fn rotate(instance: Arc<Instance>) -> &'static str {
    let (rotations, closing) = (instance.rotations(), instance.closing());
    let refused = instance.gateway().control().refused_credentials();
    tokio::join!(
        rotations.serve(closing.clone()),
        rotations.watch(refused, LOOK_AT_PAIRS_EVERY, closing.clone()),
        rotations.remind_every(REMIND_EVERY, closing.clone()),
    );
    "rotations"
}

async fn note_chain(instance: Arc<Instance>) -> &'static str {
    let mut changes = instance.audit_changes();
    let mut ticks = interval(NOTE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = instance.closing().cancelled() => return "anchor",
        }
        if changes.has_changed().unwrap_or(false) {
            changes.borrow_and_update();
            instance.note_chain().await;
        }
    }
}
