//! The gateway as a whole: what its parts share, and how it starts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use paddock_alpaca::client::AccountClient;
use paddock_alpaca::credential::UnsendableCredential;
use paddock_alpaca::{AlpacaClient, Credential};
use paddock_core::calendar::trading_date;
use paddock_core::id::{RequestId, UserId};
use paddock_core::{Clock, Entropy};
use paddock_store::{Snapshot, Store, StoreError};
use paddock_vault::{Opener, Rotator, Sealer, Signer, Vault, VaultError};
use std::collections::HashSet;
use tokio::sync::{broadcast, watch};
use tokio_util::task::TaskTracker;

use crate::account::Readings;
use crate::approvals::Bell;
use crate::budget::{Asker, Pace};
use crate::checkpoints;
use crate::control::Control;
use crate::directory::{ConnectionEntry, Directory, DirectoryError};
use crate::halt::{Emergency, Sending, WindDowns};
use crate::health::LastLook;
use crate::key_use::KeyBooks;
use crate::looks::Looks;
use crate::meter::{Limits, Meters};
use crate::metrics::Metrics;
use crate::own::Owners;
use crate::refused::RefusedCredentials;
use crate::requests::RequestLog;
use crate::signature::SeenSignatures;
use crate::stream::{Confirmed, Dialer, Hubs, announcer};
use crate::upstream::Upstream;

/// What the gateway is made of.
#[derive(Debug)]
pub struct GatewayOptions {
    /// The database.
    pub store: Store,
    /// Opens credentials, one use at a time, and replaces the vault's keys.
    pub vault: Vault,
    /// Reads facts from Alpaca, and knows Alpaca's hosts. Requests are sent to these hosts and no others.
    pub client: AlpacaClient,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Whose keys the vault's rotations replace.
    pub user: UserId,
    /// What accounts and access keys may use at most.
    pub limits: Limits,
}

/// Why the gateway cannot start, or cannot do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database's content cannot be used.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The vault cannot do it.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The system's certificates cannot be read.
    #[error("the system's root certificates cannot be read ({0}): install the package ca-certificates")]
    Roots(#[source] std::io::Error),
    /// The threads that serve programs cannot be started.
    #[error("the gateway's threads cannot be started ({0}): raise the limit on processes")]
    Thread(#[source] std::io::Error),
    /// A stored credential cannot be sent.
    #[error(transparent)]
    Unsendable(#[from] UnsendableCredential),
}

/// What every request sees.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) opener: Opener,
    pub(crate) sealer: Sealer,
    pub(crate) rotator: Rotator,
    pub(crate) signer: Signer,
    pub(crate) client: AlpacaClient,
    /// The way to the broker for state-changing requests.
    pub(crate) for_changes: Upstream,
    /// The ways for reads, one for each thread.
    for_reads: Mutex<Vec<Upstream>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) user: UserId,
    pub(crate) directory: ArcSwap<Directory>,
    /// How often it was exchanged: open streams look again.
    pub(crate) directory_changes: watch::Sender<u64>,
    pub(crate) hubs: Hubs,
    pub(crate) owners: Owners,
    pub(crate) readings: Readings,
    /// What people looked at last.
    pub(crate) looks: Looks,
    /// Tells of orders that were confirmed, to whoever waits for their end.
    pub(crate) confirmed: broadcast::Sender<Confirmed>,
    pub(crate) dialer: Dialer,
    /// Held while the directory is read anew, so that an older snapshot never replaces a newer one; what was read last.
    pub(crate) reloading: tokio::sync::Mutex<Option<Snapshot>>,
    pub(crate) log: RequestLog,
    /// What each access key is doing, and what is left of each account's budget of requests.
    pub(crate) meters: Meters,
    /// The signatures of signed requests that were used.
    pub(crate) signatures: SeenSignatures,
    /// How access keys are used.
    pub(crate) key_books: KeyBooks,
    /// Rung when something has become of a held request.
    pub(crate) bell: Bell,
    /// State-changing requests run as tasks of their own: a program that hangs up does not stop one half-way, and a shutdown
    /// waits for them.
    pub(crate) changes: TaskTracker,
    /// The requests that this process is forwarding now; recovery leaves them alone.
    pub(crate) in_flight: Mutex<HashSet<RequestId>>,
    /// Those of them that were handed to the broker and have no answer.
    pub(crate) sending: Sending,
    pub(crate) emergency: Arc<Emergency>,
    pub(crate) wind_downs: WindDowns,
    /// The credentials that the broker refuses.
    pub(crate) refused: RefusedCredentials,
    pub(crate) metrics: Arc<Metrics>,
    /// Whether the last change of keys and freezes could not be read.
    pub(crate) directory_is_stale: AtomicBool,
    pub(crate) started_at: Timestamp,
    pub(crate) last_look: LastLook,
}

impl Shared {
    pub(crate) async fn reload(&self) -> Result<(), GatewayError> {
        let mut known = self.reloading.lock().await;
        let read = async {
            let snapshot = self.store.snapshot().await?;
            // Who looks often finds mostly what was known.
            if known.as_ref() == Some(&snapshot) {
                return Ok::<_, GatewayError>(None);
            }
            let directory = Directory::new(snapshot.clone(), Arc::clone(&self.emergency))?;
            Ok(Some((snapshot, directory)))
        };
        let read = read.await;
        self.directory_is_stale.store(read.is_err(), Ordering::Relaxed);
        let Some((snapshot, directory)) = read? else { return Ok(()) };
        self.meters.forget_others(&directory);
        let directory = Arc::new(directory);
        let before = self.directory.swap(Arc::clone(&directory));
        *known = Some(snapshot);
        self.tell_of_change();
        if !directory.has_credentials_of(&before) {
            self.forget_connections();
        }
        Ok(())
    }

    /// Has open streams look again.
    pub(crate) fn tell_of_change(&self) {
        self.directory_changes.send_modify(|count| *count = count.wrapping_add(1));
        self.bell.ring();
    }

    /// Asks Alpaca about one account, within its budget of requests.
    pub(crate) fn asking(
        &self,
        connection: &ConnectionEntry,
        credential: &Credential,
        asker: Asker,
    ) -> Result<AccountClient<'_>, UnsendableCredential> {
        let account = self.meters.account(connection.connection.id);
        let pace = Pace { account, asker, clock: Arc::clone(&self.clock) };
        let client = self.client.with_credential(connection.connection.environment, credential)?;
        Ok(client.paced(Arc::new(pace)))
    }

    /// A way to the broker for the reads of one thread.
    pub(crate) fn another_upstream(&self) -> Upstream {
        let upstream = self.for_changes.another();
        self.for_reads.lock().unwrap_or_else(PoisonError::into_inner).push(upstream.clone());
        upstream
    }

    /// Wipes a credential that is no longer in use from the buffers of kept connections.
    fn forget_connections(&self) {
        self.for_changes.forget();
        self.for_reads.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(Upstream::forget);
        self.client.forget_connections();
    }

    pub(crate) fn is_in_flight(&self, request: RequestId) -> bool {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner).contains(&request)
    }
}

/// The gateway, started.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) shared: Arc<Shared>,
}

impl Gateway {
    /// Reads connections, keys and freezes, and makes the gateway ready to serve.
    ///
    /// # Errors
    /// [`GatewayError`] when the database or its content cannot be used.
    pub async fn start(options: GatewayOptions) -> Result<Self, GatewayError> {
        let started_at = options.clock.now();
        let shared = Shared {
            for_changes: Upstream::new()?,
            refused: RefusedCredentials::new(Arc::clone(&options.clock)),
            signatures: SeenSignatures::since(options.clock.now()),
            bell: Bell::default(),
            for_reads: Mutex::default(),
            store: options.store,
            opener: options.vault.opener(),
            sealer: options.vault.sealer(),
            rotator: options.vault.rotator(),
            signer: options.vault.signer(),
            client: options.client,
            clock: options.clock,
            entropy: options.entropy,
            user: options.user,
            directory: ArcSwap::default(),
            directory_changes: watch::Sender::new(0),
            hubs: Hubs::default(),
            owners: Owners::default(),
            readings: Readings::default(),
            looks: Looks::default(),
            confirmed: announcer(),
            dialer: Dialer::new()?,
            reloading: tokio::sync::Mutex::default(),
            log: RequestLog::default(),
            meters: Meters::new(options.limits),
            key_books: KeyBooks::default(),
            changes: TaskTracker::new(),
            in_flight: Mutex::default(),
            sending: Sending::default(),
            emergency: Arc::default(),
            wind_downs: WindDowns::default(),
            metrics: Arc::default(),
            directory_is_stale: AtomicBool::new(false),
            started_at,
            last_look: LastLook::default(),
        };
        shared.reload().await?;
        shared.key_books.remember(shared.store.habits(trading_date(shared.clock.now())).await?);
        // A vault that is locked now may be open later; until then nothing can be signed.
        if let Err(error) = checkpoints::ensure_key(&shared).await {
            tracing::warn!(%error, "there is no key to sign the audit with");
        }
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The handle by which pages and command line steer the gateway.
    #[must_use]
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.shared))
    }
}
