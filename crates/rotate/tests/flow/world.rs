//! A database, a vault, a paper broker, and connections with consumers.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use paddock_alpaca::AlpacaClient;
use paddock_alpaca::client::{ClientOptions, NextTurn, Pacer, Turn};
use paddock_alpaca::endpoints::{EndpointOverrides, Endpoints};
use paddock_alpaca::operation::Api;
use paddock_core::audit::Actor;
use paddock_core::id::{ConnectionId, ConsumerId, RotationId, UserId};
use paddock_core::rotation::{Authority, By, Cause, Failure, Plan, RotationState, Window};
use paddock_core::{Clock as _, Environment, ManualClock, Role, SecretText};
use paddock_paper::{EphemeralBroker, NewAccount, PaperOptions};
use paddock_rotate::{
    Consumer, Deaths, Fault, FaultKind, Gate, PlanRequest, Registry, RehearsalBroker, Rest, RotateError,
    Rotations, RotationsOptions,
};
use paddock_store::{Connection, ConsumerRow, DekRow, SealedCredential, SealedParts, Store, Target};
use paddock_vault::{Binding, Field, KeyFile, OsEntropy, Vault};
use rust_decimal::Decimal;
use serde_json::json;
use tokio::sync::watch;

use crate::place::{Place, Sight};

/// The file with the vault's key, in the world's folder.
pub const KEY_FILE: &str = "vault.key";

/// Looks whether what the gateway is told stands in the database, and whether trading may go on.
#[derive(Debug)]
pub struct TestGate {
    store: Store,
    /// What it was told, in order.
    pub told: Mutex<Vec<(ConnectionId, &'static str)>>,
    /// Whether it takes its time to hold a connection.
    pub is_slow: watch::Sender<bool>,
    /// Of whose accounts something was asked in turn.
    pub turns: Arc<Mutex<Vec<ConnectionId>>>,
    /// A connection whose turn does not come.
    pub out_of_turns: Arc<Mutex<Option<ConnectionId>>>,
}

impl TestGate {
    pub fn new(store: Store) -> Self {
        Self {
            store,
            told: Mutex::default(),
            is_slow: watch::Sender::new(false),
            turns: Arc::default(),
            out_of_turns: Arc::default(),
        }
    }

    fn tell(&self, connection: ConnectionId, what: &'static str) {
        self.told.lock().unwrap().push((connection, what));
    }

    async fn is_held(&self, connection: ConnectionId) -> bool {
        self.store.snapshot().await.unwrap().held_by_rotation.contains(&connection)
    }
}

/// Gives turns and counts them; a connection that has none left waits for ever.
#[derive(Debug)]
struct Turns {
    connection: ConnectionId,
    taken: Arc<Mutex<Vec<ConnectionId>>>,
    refused: Arc<Mutex<Option<ConnectionId>>>,
}

impl Pacer for Turns {
    fn turn(&self, _: Api) -> NextTurn<'_> {
        self.taken.lock().unwrap().push(self.connection);
        let waits = *self.refused.lock().unwrap() == Some(self.connection);
        Box::pin(async move {
            if waits { std::future::pending().await } else { Ok(Box::new(Taken) as Box<dyn Turn>) }
        })
    }
}

struct Taken;

impl Turn for Taken {
    fn answered(self: Box<Self>, _: http::StatusCode, _: &http::HeaderMap) {}
}

impl Gate for TestGate {
    fn hold(&self, connection: ConnectionId) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            assert!(self.is_held(connection).await, "told to hold what the database does not hold");
            self.tell(connection, "hold");
            self.is_slow.subscribe().wait_for(|is_slow| !is_slow).await.unwrap();
            Ok(())
        })
    }

    fn release(&self, connection: ConnectionId) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            assert!(!self.is_held(connection).await);
            let open = self.store.open_rotations().await.unwrap();
            let row = open.iter().find(|row| row.rotation.connection == connection).unwrap();
            let rotation = &row.rotation;
            let verified = rotation.candidate.as_ref().is_some_and(|candidate| candidate.verified);
            let on_verified = rotation.state == RotationState::Aborted
                || (verified && rotation.committed_version.is_some() && rotation.marks.swapped_at.is_some());
            assert!(on_verified, "trading went on with a pair that was not verified: {rotation:?}");
            self.tell(connection, "release");
            Ok(())
        })
    }

    fn swap(&self, connection: ConnectionId) -> BoxFuture<'_, Result<(), Failure>> {
        self.tell(connection, "swap");
        Box::pin(async { Ok(()) })
    }

    fn cancel_orders(&self, connection: ConnectionId) -> BoxFuture<'_, Result<u32, Failure>> {
        self.tell(connection, "cancel");
        Box::pin(async { Ok(0) })
    }

    fn pacer(&self, connection: ConnectionId) -> Option<Arc<dyn Pacer>> {
        Some(Arc::new(Turns {
            connection,
            taken: Arc::clone(&self.turns),
            refused: self.out_of_turns.clone(),
        }))
    }

    fn test_order(
        &self,
        connection: ConnectionId,
        rotation: RotationId,
    ) -> BoxFuture<'_, Result<String, Failure>> {
        self.tell(connection, "test order");
        Box::pin(async move { Ok(format!("the test order of {rotation}")) })
    }
}

pub struct World {
    pub broker: EphemeralBroker,
    pub store: Store,
    pub vault: Vault,
    pub clock: Arc<ManualClock>,
    pub user: UserId,
    pub gate: Arc<TestGate>,
    /// What stands in the broker's place, at this address, for processes that start from then on.
    pub portal: Mutex<Option<String>>,
    places: Arc<Mutex<BTreeMap<ConsumerId, Place>>>,
    nodes: AtomicU32,
    directory: tempfile::TempDir,
}

/// A connected account with its consumers.
pub struct Site {
    pub account: NewAccount,
    pub connection: Connection,
    pub consumers: Vec<(ConsumerRow, Place)>,
}

/// Asks a broker at these addresses.
pub fn client(paper: &str, live: &str) -> AlpacaClient {
    let overrides = EndpointOverrides {
        paper: Some(paper.to_owned()),
        live: Some(live.to_owned()),
        data: Some(paper.to_owned()),
        stream: Some(paper.replace("http", "ws")),
    };
    AlpacaClient::new(Endpoints::new(&overrides).unwrap(), &ClientOptions::default()).unwrap()
}

pub fn owner() -> By {
    By { actor: Actor::Operator, authority: Authority { role: Role::Owner, stepped_up: true } }
}

impl World {
    pub async fn on(target: Target) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new("2026-11-20T15:00:00Z".parse().unwrap()));
        let store = Store::open(&target).await.unwrap();
        let key_file = KeyFile::new(directory.path().join(KEY_FILE));
        key_file.create(&OsEntropy).unwrap();
        let vault = Vault::open(key_file);
        let user = store.ensure_owner(clock.now(), &OsEntropy).await.unwrap();
        let dek = vault.sealer().new_dek(user, clock.now(), &OsEntropy).unwrap();
        let row = DekRow { id: dek.id(), user, wrapped: dek.to_bytes(), seals: 0, created_at: clock.now() };
        store.insert_dek(&row).await.unwrap();
        let broker =
            EphemeralBroker::start(PaperOptions::new(clock.clone(), Arc::new(OsEntropy))).await.unwrap();
        let gate = Arc::new(TestGate::new(store.clone()));
        Self {
            broker,
            store,
            vault,
            clock,
            user,
            gate,
            portal: Mutex::default(),
            places: Arc::default(),
            nodes: AtomicU32::new(0),
            directory,
        }
    }

    pub fn client(&self) -> AlpacaClient {
        if let Some(portal) = &*self.portal.lock().unwrap() {
            return client(portal, &portal.replace("127.0.0.1", "localhost"));
        }
        client(&self.broker.url(Environment::Paper), &self.broker.url(Environment::Live))
    }

    /// Where the key file is.
    pub fn folder(&self) -> &Path {
        self.directory.path()
    }

    /// The runner of a process that has just started.
    pub fn process(&self, deaths: &Deaths) -> Rotations {
        let places = Arc::clone(&self.places);
        let registry: Registry = Arc::new(move |row, _| {
            let missing = || Fault::new(FaultKind::Settings, "no such place", "name one");
            let place = places.lock().unwrap().get(&row.id).cloned().ok_or_else(missing)?;
            Ok(Box::new(place) as Box<dyn Consumer>)
        });
        let node = format!("node-{}", self.nodes.fetch_add(1, Ordering::SeqCst));
        Rotations::new(RotationsOptions {
            store: self.store.clone(),
            sealer: self.vault.sealer(),
            opener: self.vault.opener(),
            client: self.client(),
            rehearsal: RehearsalBroker::of(self.client()),
            gate: self.gate.clone(),
            registry,
            clock: self.clock.clone(),
            entropy: Arc::new(OsEntropy),
            node,
        })
        .with_deaths(deaths.clone())
    }

    /// Connects a new account of the broker, and names its consumers. Of each sight one holds the present pair, as far as anything can be
    /// seen; names are empty at first, since nobody could tell whose they are.
    pub async fn site(&self, environment: Environment, sights: &[Sight]) -> Site {
        let account = self.broker.broker.create_account(environment, Decimal::from(100_000)).await.unwrap();
        let now = self.clock.now();
        let id = ConnectionId::generate(now, &OsEntropy);
        let credential = self.sealed(id, 1, &account).await;
        let row = Connection {
            id,
            user: self.user,
            name: format!("connection-{id}"),
            environment,
            account_id: account.account_id.to_string(),
            account_number: account.account_number.clone(),
            status: "ACTIVE".to_owned(),
            active: false,
            frozen: false,
            created_at: now,
            checked_at: now,
            credential_version: 1,
            removed_at: None,
        };
        let connection = self.store.add_connection(&row, &credential, &Actor::Operator, now).await.unwrap();
        let mut consumers = Vec::new();
        for (number, sight) in sights.iter().enumerate() {
            consumers.push(self.consumer(id, &account, number, *sight).await);
        }
        Site { account, connection, consumers }
    }

    /// Adds one more consumer, `place-` and its number.
    pub async fn consumer(
        &self,
        connection: ConnectionId,
        account: &NewAccount,
        number: usize,
        sight: Sight,
    ) -> (ConsumerRow, Place) {
        let now = self.clock.now();
        let consumer = ConsumerRow {
            id: ConsumerId::generate(now, &OsEntropy),
            user: self.user,
            connection,
            name: format!("place-{number}"),
            kind: "place".to_owned(),
            settings: json!({"number": number}),
            secret: None,
            created_at: now + Duration::from_millis(number as u64),
        };
        self.store.add_consumer(&consumer, &Actor::Operator, now).await.unwrap();
        let place = Place::holding(sight, Some(halves(account)));
        self.places.lock().unwrap().insert(consumer.id, place.clone());
        (consumer, place)
    }

    async fn sealed(&self, connection: ConnectionId, version: u32, account: &NewAccount) -> SealedCredential {
        let sealer = self.vault.sealer();
        let row = self.store.current_dek(self.user).await.unwrap().unwrap();
        let dek = paddock_vault::WrappedDek::from_bytes(&row.wrapped).unwrap();
        let seals = self.store.count_seals(row.id, 2).await.unwrap();
        let key_id = SecretText::new(account.key_id.clone());
        let place = |field| Binding { user: self.user, connection, field, version };
        let seal = |field, secret: &SecretText, seals| {
            sealer.seal(&dek, seals, &place(field), secret, &OsEntropy).unwrap().to_bytes()
        };
        SealedCredential {
            connection,
            version,
            dek: dek.id(),
            secret: SealedParts::KeyPair {
                key_id: seal(Field::KeyId, &key_id, seals),
                secret_key: seal(Field::SecretKey, &account.secret_key, seals + 1),
                key_id_fingerprint: sealer.fingerprint(&key_id).unwrap().as_bytes().to_vec(),
                secret_fingerprint: sealer.fingerprint(&account.secret_key).unwrap().as_bytes().to_vec(),
            },
            created_at: self.clock.now(),
        }
    }

    pub fn plan(&self, site: &Site) -> PlanRequest {
        plan(site.connection.id, site.connection.environment, self.clock.now())
    }

    pub async fn planned(&self, site: &Site) -> RotationId {
        let rotations = self.process(&Deaths::default());
        let row = rotations.plan(self.user, self.plan(site), &owner(), self.clock.now()).await.unwrap();
        row.rotation.id
    }

    /// Runs a rotation, process after process, until it is over or only a person can help it on. Time passes as it wants.
    pub async fn run(&self, id: RotationId, deaths: &Deaths) -> Rest {
        loop {
            let process = self.process(deaths);
            let rest = loop {
                match process.run(id).await {
                    Ok(Rest::Until(at)) => self.clock.set(at),
                    other => break other,
                }
            };
            match rest {
                Ok(Rest::Elsewhere) => {
                    // The lease of the process that died runs out.
                    self.clock.advance(Duration::from_secs(200));
                }
                Ok(rest) => return rest,
                Err(RotateError::Died) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Whether the vault has this pair as the connection's.
    pub async fn vault_has(&self, site: &Site, account: &NewAccount) -> bool {
        let credential = self.store.credential(site.connection.id).await.unwrap().unwrap();
        let print = self.vault.sealer().fingerprint(&account.secret_key).unwrap();
        credential.secret.fingerprint() == print.as_bytes()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// What is right for an environment, for a rotation that begins now.
pub fn plan(connection: ConnectionId, environment: Environment, now: Timestamp) -> PlanRequest {
    let mut plan = Plan::of(environment);
    if environment == Environment::Live {
        plan.window = Some(Window { from: now, until: now + Duration::from_secs(24 * 3600) });
        plan.ticket = Some("OPS-1".to_owned());
    }
    PlanRequest { connection, cause: Cause::ByHand, plan, rehearsal: None }
}

/// Both halves of an account's present pair.
pub fn halves(account: &NewAccount) -> (SecretText, SecretText) {
    (SecretText::new(account.key_id.clone()), account.secret_key.clone())
}
