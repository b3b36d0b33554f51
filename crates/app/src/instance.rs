//! One opened data directory: database, vault, gateway and the routers over them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use jiff::SignedDuration;
use paddock_alpaca::client::{AlpacaClient, ClientOptions};
use paddock_core::audit::Actor;
use paddock_core::id::ConnectionId;
use paddock_core::{Clock, Entropy, SecretText};
use paddock_gateway::{Gateway, GatewayError, GatewayOptions};
use paddock_rotate::{Rotations, RotationsOptions, registry};
use paddock_store::{Freezing, Store, StoreError, Subject, Target};
use paddock_vault::{KeyFile, OsEntropy, Vault};
use paddock_web::{
    AllowedHosts, ChainWatch, ControlGate, Pace, People, PeopleOptions, WebState, api_router,
    monitoring_router, pages_router,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::anchor::Anchor;
use crate::brake::Brake;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::failure::{Failure, Outcome};
use crate::listen::ListenAddr;
use crate::lock::DirLock;
use crate::oauth::OauthConfig;
use crate::rehearsal::OwnBroker;

/// Whether a data directory without a Paddock in it gets one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// No: a mistyped path must not look like an empty Paddock.
    MustExist,
    /// Yes.
    CreateIfMissing,
}

/// What becomes of an instance whose vault cannot read its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenLocked {
    /// It does not start: a command is told at once.
    Refuse,
    /// It serves, so that programs are told what is wrong. Nothing is forwarded.
    Serve,
}

/// Where programs and people reach this Paddock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) gateway: SocketAddr,
    pub(crate) tls: Option<SocketAddr>,
    pub(crate) proxy: Option<SocketAddr>,
    pub(crate) web: SocketAddr,
    pub(crate) metrics: Option<SocketAddr>,
}

/// An opened data directory. Nothing listens yet.
#[derive(Debug)]
pub(crate) struct Instance {
    dir: DataDir,
    store: Store,
    gateway: Arc<Gateway>,
    state: Arc<WebState>,
    brake: Arc<Brake>,
    clock: Arc<dyn Clock>,
    closing: CancellationToken,
    /// What has to end before the database is closed.
    work: TaskTracker,
    /// Names besides `localhost` under which the web side may be addressed.
    web_names: Vec<String>,
    // Last, so that it is let go of last.
    _lock: DirLock,
}

impl Instance {
    /// Opens the data directory for one command: the addresses are those at which a server would listen.
    pub(crate) async fn open(dir: DataDir, config: &Config, lock: DirLock) -> Outcome<Self> {
        let addresses = Addresses {
            gateway: config.gateway.socket(),
            tls: config.tls.map(ListenAddr::socket),
            proxy: config.proxy.map(ListenAddr::socket),
            web: config.web.socket(),
            metrics: config.metrics.map(ListenAddr::socket),
        };
        Self::open_at(dir, config, lock, addresses, WhenLocked::Refuse).await
    }

    /// Opens the data directory. A rolled-back database is refused.
    pub(crate) async fn open_at(
        dir: DataDir,
        config: &Config,
        lock: DirLock,
        addresses: Addresses,
        when_locked: WhenLocked,
    ) -> Outcome<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
        let store = open_store(&dir, config).await?;
        Anchor::of(&dir).check(&store).await?;
        let vault = open_vault(&dir, &store, &*entropy, when_locked).await?;
        let user = store.ensure_owner(clock.now(), &*entropy).await?;
        let client = AlpacaClient::new(config.endpoints.clone(), &ClientOptions::default())
            .map_err(Failure::cannot("ask Alpaca"))?;
        let sealer = Arc::new(vault.sealer());
        let (vault_sealer, opener) = (vault.sealer(), vault.opener());
        let second_factor = vault.second_factor();
        let gateway = Gateway::start(GatewayOptions {
            store: store.clone(),
            vault,
            client: client.clone(),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            user,
            limits: config.limits,
        })
        .await
        .map_err(gateway_failure)?;
        let means = config.rotation.means(Arc::clone(&clock), Arc::clone(&entropy))?;
        let rehearsal = config.rotation.rehearsal(&config.endpoints, &client)?;
        let run = paddock_core::id::uuid_v7(clock.now(), &OsEntropy).to_string();
        let rotations = Rotations::new(RotationsOptions {
            store: store.clone(),
            sealer: vault_sealer,
            opener,
            client: client.clone(),
            rehearsal: rehearsal.clone(),
            gate: Arc::new(ControlGate::new(gateway.control())),
            registry: registry(means.clone()),
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            node: run.clone(),
        });
        let brake = Arc::new(Brake::new(dir.freeze_file(), gateway.control()));
        let closing = CancellationToken::new();
        let address = format!("http://{}", reachable(addresses.web));
        let pages = config.web_origin.as_ref().map_or(address.as_str(), |origin| origin.as_str());
        let oauth = config.oauth.as_ref().map(|oauth| oauth.app(&dir, pages)).transpose()?;
        let options = PeopleOptions {
            address,
            origin: config.web_origin.clone(),
            proxies: config.web_proxies.clone(),
            cheap_passwords: false,
        };
        let people = People::new(options, &OsEntropy)
            .map_err(|error| Failure::new(error.to_string()).hint(error.hint()))?;
        let mut web_names = config.web_names.clone();
        web_names.extend(config.web_origin.as_ref().map(|origin| origin.host().to_owned()));
        web_names.extend(config.oauth.as_ref().and_then(OauthConfig::host));
        let state = Arc::new(WebState {
            program: crate::program::name(),
            store: store.clone(),
            sealer,
            second_factor,
            run,
            control: gateway.control(),
            client,
            oauth,
            rotations,
            rehearsal,
            rehearsals: TaskTracker::new(),
            rehearsal_host: Arc::new(OwnBroker::new(Arc::clone(&clock), Arc::clone(&entropy))),
            means,
            clock: Arc::clone(&clock),
            entropy,
            user,
            data_dir: dir.path().to_owned(),
            gateway_url: format!("http://{}", addresses.gateway),
            tls_url: addresses.tls.map(|address| format!("https://{address}")),
            proxy_url: addresses.proxy.map(|address| format!("http://{address}")),
            metrics_url: addresses.metrics.map(|address| format!("http://{address}")),
            keep: config.audit_keep.map(|keep| format!("{} days", keep.as_hours() / 24)),
            hosts: AllowedHosts::new(addresses.web, web_names.iter().cloned()),
            closing: closing.clone(),
            pace: Pace::new(config.api_per_minute),
            people,
            chain: ChainWatch::default(),
        });
        Ok(Self {
            dir,
            store,
            gateway: Arc::new(gateway),
            state,
            brake,
            clock,
            closing,
            work: TaskTracker::new(),
            web_names,
            _lock: lock,
        })
    }

    /// The data directory.
    pub(crate) const fn dir(&self) -> &DataDir {
        &self.dir
    }

    /// The whole JSON API, for the admin socket.
    pub(crate) fn api(&self) -> Router {
        api_router(Arc::clone(&self.state))
    }

    /// A link that makes the first owner, if nobody can sign in yet.
    pub(crate) async fn set_up_link(&self) -> Outcome<Option<SecretText>> {
        paddock_web::set_up_link(&self.state).await.map_err(from_problem)
    }

    /// A link that signs in the owner of a demo.
    pub(crate) async fn demo_link(&self, name: &str) -> Outcome<SecretText> {
        paddock_web::demo_link(&self.state, name).await.map_err(from_problem)
    }

    /// The pages, for the web listener.
    pub(crate) fn pages(&self) -> Router {
        pages_router(Arc::clone(&self.state))
    }

    /// The figures, for the listener at that address.
    pub(crate) fn monitoring(&self, address: SocketAddr) -> Router {
        let hosts = AllowedHosts::new(address, self.web_names.iter().cloned());
        monitoring_router(Arc::clone(&self.state), hosts)
    }

    /// The gateway.
    pub(crate) fn gateway(&self) -> Arc<Gateway> {
        Arc::clone(&self.gateway)
    }

    /// The file and the signal that freeze everything.
    pub(crate) fn brake(&self) -> Arc<Brake> {
        Arc::clone(&self.brake)
    }

    /// Stores that everything is frozen, and by what.
    pub(crate) async fn freeze_everything(&self, how: &str) -> Result<(), GatewayError> {
        let freezing = Freezing { reason: Some(format!("by {how}")), ..Freezing::of(Subject::Everything) };
        // Whoever froze it otherwise may have let less pass: that stays.
        if !self.store.everything_frozen().await? {
            self.store.freeze(&freezing, &Actor::Operator, self.clock.now()).await?;
        }
        self.gateway.control().reload().await
    }

    /// The connection of that name.
    pub(crate) async fn connection_named(&self, name: &str) -> Result<Option<ConnectionId>, StoreError> {
        Ok(self.store.connection_named(self.state.user, name).await?.map(|connection| connection.id))
    }

    /// What replaces key pairs.
    pub(crate) fn rotations(&self) -> Rotations {
        self.state.rotations.clone()
    }

    /// Has rotations go on until this instance is closed.
    pub(crate) fn run_rotations(&self) {
        let (rotations, closing) = (self.rotations(), self.closing.clone());
        self.work.spawn(async move { rotations.serve(closing).await });
    }

    /// Canceled when this instance is to end.
    pub(crate) const fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Tells whenever records are appended to the audit chain.
    pub(crate) fn audit_changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.store.audit_changes()
    }

    /// Notes the audit chain's head outside the database. That it fails must not stop anything, but must be seen.
    pub(crate) async fn note_chain(&self) {
        if let Err(failure) = Anchor::of(&self.dir).write(&self.store, self.clock.now()).await {
            tracing::error!("{}", failure.message());
        }
    }

    /// Removes the audit records that are older than `keep`.
    pub(crate) async fn prune_audit(&self, keep: SignedDuration) {
        let Ok(before) = self.clock.now().checked_sub(keep) else { return };
        match paddock_web::prune_before(&self.state, before, &Actor::System).await {
            Ok(pruned) if pruned.removed > 0 => {
                tracing::info!(
                    removed = pruned.removed,
                    through = pruned.through,
                    "old audit records were removed"
                );
            }
            Ok(_) => {}
            Err(problem) => tracing::error!("old audit records were not removed: {}", problem.detail),
        }
    }

    /// Waits for what was begun here, notes the chain and closes the database.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.state.rehearsals.close();
        self.state.rehearsals.wait().await;
        self.work.close();
        self.work.wait().await;
        self.note_chain().await;
        self.store.close().await;
    }
}

/// Where a browser on this machine finds a listener that may be on every address.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::new(Ipv6Addr::LOCALHOST.into(), address.port()),
        _ => address,
    }
}

fn from_problem(problem: paddock_web::Problem) -> Failure {
    Failure::new(problem.detail.to_string()).hint(problem.next_step.to_string())
}

/// Opens the configured database.
pub(crate) async fn open_store(dir: &DataDir, config: &Config) -> Outcome<Store> {
    let target = match &config.database {
        Some(address) => Target::Postgres(address.clone()),
        None => Target::Sqlite(dir.database()),
    };
    Ok(Store::open(&target).await?.with_patience(config.audit_wait))
}

/// Opens the vault. A key file is made only for a database in which nothing is sealed: what other keys sealed, new ones do
/// not open.
async fn open_vault(
    dir: &DataDir,
    store: &Store,
    entropy: &dyn Entropy,
    when_locked: WhenLocked,
) -> Outcome<Vault> {
    let file = KeyFile::new(dir.key_file());
    if !dir.key_file().exists() && store.deks().await?.is_empty() {
        file.create(entropy).map_err(|error| Failure::new(error.to_string()).hint(error.hint()))?;
    }
    let vault = Vault::open(file);
    match (vault.unlock(), when_locked) {
        (Ok(_), _) => Ok(vault),
        (Err(error), WhenLocked::Refuse) => Err(Failure::new(error.to_string()).hint(error.hint())),
        (Err(error), WhenLocked::Serve) => {
            let hint = error.hint();
            tracing::error!(
                "{error}: the vault is locked and every request is answered with 503; {hint}, and restart"
            );
            Ok(vault)
        }
    }
}

fn gateway_failure(error: paddock_gateway::GatewayError) -> Failure {
    Failure::new(format!("the gateway cannot start: {error}"))
        .hint("run `paddock doctor`, which looks for the cause")
}
