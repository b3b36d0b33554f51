//! The process that is killed. It does what Paddock and a person do, from wherever it finds the rotation.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::client::Pacer;
use paddock_alpaca::order_body::ParsedOrder;
use paddock_alpaca::{AlpacaClient, Credential};
use paddock_core::id::{ConnectionId, ConsumerId, RotationId, UserId};
use paddock_core::order::{Amount, OrderRequest, OrderType, Side, TimeInForce};
use paddock_core::rotation::{Effect, Failure, OpenOrders, RotationState};
use paddock_core::{Clock as _, Environment, ManualClock, SecretText, Symbol};
use paddock_rotate::{
    Deaths, Doing, Gate, Machine, Means, Memory, Moment, Outbound, OutboundOptions, RehearsalBroker, Rest,
    Rotations, RotationsOptions, Suspicion, registry,
};
use paddock_store::{Store, Target};
use paddock_vault::{KeyFile, OsEntropy, Vault};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::world::{KEY_FILE, TestGate, client, owner, plan};

/// Names the file with the orders.
pub const ORDERS: &str = "PADDOCK_TEST_ORDERS";

/// The moments that were reached, in the order in which they were reached first.
pub const MOMENTS: &str = "moments";

/// What the gateway was told.
pub const TOLD: &str = "told";

/// What the test order's client order id begins with.
pub const TEST_ORDER: &str = "paddock-rotation-";

/// Which time the process had when it was killed or ended.
pub const CLOCK: &str = "clock";

/// The database, as a process is told of it.
#[derive(Clone, Serialize, Deserialize)]
pub enum Database {
    Sqlite(PathBuf),
    Postgres(String),
}

impl From<&Target> for Database {
    fn from(target: &Target) -> Self {
        match target {
            Target::Sqlite(path) => Self::Sqlite(path.clone()),
            Target::Postgres(address) => Self::Postgres(address.expose().to_owned()),
        }
    }
}

impl From<&Database> for Target {
    fn from(database: &Database) -> Self {
        match database {
            Database::Sqlite(path) => Self::Sqlite(path.clone()),
            Database::Postgres(address) => Self::Postgres(SecretText::new(address.clone())),
        }
    }
}

/// What the process is told at its start.
#[derive(Serialize, Deserialize)]
pub struct Orders {
    /// Where the process leaves what outlives it.
    pub folder: PathBuf,
    pub database: Database,
    /// Where the vault's key is.
    pub keys: PathBuf,
    /// The broker's addresses.
    pub paper: String,
    pub live: String,
    pub team: UserId,
    pub connection: ConnectionId,
    pub environment: Environment,
    /// The pair has died by surprise, so that nobody plans.
    pub is_forced: bool,
    /// What people call the consumers.
    pub names: BTreeMap<ConsumerId, String>,
    /// The programs that consumers may run.
    pub programs: Vec<PathBuf>,
    /// At which moments, by name, it kills itself when they are reached first.
    pub deaths: BTreeSet<String>,
    /// Its time at the start.
    pub now: Timestamp,
    /// The pair that is replaced.
    pub old: (String, String),
    /// The pair that the person has made, once that is so.
    pub pair: Option<(String, String)>,
}

/// No test: the tests of this module start it as a process of its own. It goes on until the rotation is over or waits for a new pair.
#[test]
#[ignore = "the tests beside it start it"]
fn a_process() {
    let Some(path) = std::env::var_os(ORDERS) else { return };
    let mut text = String::new();
    File::open(path).unwrap().read_to_string(&mut text).unwrap();
    let orders: Orders = serde_json::from_str(&text).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(work(orders));
}

async fn work(orders: Orders) {
    let clock = Arc::new(ManualClock::new(orders.now));
    let store = Store::open(&Target::from(&orders.database)).await.unwrap();
    let rotations = rotations(&orders, &store, &clock);
    let newest = store.rotations(orders.team, 1).await.unwrap();
    let id = match newest.iter().find(|row| row.rotation.connection == orders.connection) {
        Some(row) => row.rotation.id,
        None if orders.is_forced => match rotations.suspect(orders.connection).await.unwrap() {
            Suspicion::Opened(row) => row.rotation.id,
            other => panic!("the dead pair was not noticed: {other:?}"),
        },
        None => {
            let mut request = plan(orders.connection, orders.environment, clock.now());
            // All that has to do with orders is done where it can be.
            match orders.environment {
                Environment::Paper => request.plan.test_order = true,
                Environment::Live => request.plan.open_orders = OpenOrders::Cancel,
            }
            rotations.plan(orders.team, request, &owner(), clock.now()).await.unwrap().rotation.id
        }
    };
    loop {
        let status = rotations.status(id).await.unwrap();
        if status.row.rotation.is_over() {
            return;
        }
        for ask in &status.asks {
            match (ask.code.as_str(), &ask.consumer, &orders.pair) {
                ("start", ..) => _ = rotations.start(id, &owner(), clock.now()).await.unwrap(),
                // Whose they are cannot be seen, or they are not there yet: a person says that they may be written.
                ("not_ours" | "names_missing", Some((_, name)), _) => {
                    rotations.take_over(id, name, "it is ours", &owner(), clock.now()).await.unwrap();
                }
                ("mint", _, Some((key_id, secret_key))) => {
                    let [key_id, secret_key] = [key_id, secret_key].map(|half| SecretText::new(half.clone()));
                    rotations.paste(id, &key_id, &secret_key, &owner(), clock.now()).await.unwrap();
                }
                ("mint", ..) => return,
                // So many leases have lapsed that it is not waited for any longer: a person has it looked for again.
                ("not_yet", ..) => {
                    rotations.resume(id, &owner(), clock.now()).await.unwrap();
                    break;
                }
                _ => panic!("nobody knows what to do about {ask:?}"),
            }
        }
        loop {
            let at = match rotations.run(id).await.unwrap() {
                Rest::Until(at) => at,
                // Where several processes may share a database, the lease of the one that died has to lapse.
                Rest::Elsewhere => clock.now() + SignedDuration::from_secs(30),
                Rest::Person | Rest::Over => break,
            };
            clock.set(at);
            std::fs::write(orders.folder.join(CLOCK), at.to_string()).unwrap();
        }
    }
}

fn rotations(orders: &Orders, store: &Store, clock: &Arc<ManualClock>) -> Rotations {
    let vault = Vault::open(KeyFile::new(orders.keys.join(KEY_FILE)));
    let options =
        OutboundOptions { allowed_hosts: BTreeSet::from(["127.0.0.1".to_owned()]), ..Default::default() };
    let means = Means {
        outbound: Outbound::new(options).unwrap(),
        clock: clock.clone(),
        entropy: Arc::new(OsEntropy),
        machine: Machine { folders: vec![orders.folder.clone()], programs: orders.programs.clone() },
        memory: Memory::default(),
    };
    let gate = FileGate {
        checks: TestGate::new(store.clone()),
        file: append(&orders.folder.join(TOLD)),
        client: client(&orders.paper, &orders.live),
        environment: orders.environment,
        old: credential(&orders.old),
        new: orders.pair.as_ref().map(credential),
    };
    let options = RotationsOptions {
        store: store.clone(),
        sealer: vault.sealer(),
        opener: vault.opener(),
        client: client(&orders.paper, &orders.live),
        rehearsal: RehearsalBroker::default(),
        gate: Arc::new(gate),
        registry: registry(means),
        clock: clock.clone(),
        entropy: Arc::new(OsEntropy),
        node: format!("process-{}", std::process::id()),
    };
    Rotations::new(options).with_deaths(deaths(orders))
}

fn append(path: &Path) -> Mutex<File> {
    Mutex::new(OpenOptions::new().create(true).append(true).open(path).unwrap())
}

/// Kills this process at the moments that it is told. A moment counts when it is reached for the first time in the rotation's life.
fn deaths(orders: &Orders) -> Deaths {
    let path = orders.folder.join(MOMENTS);
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    let reached: Mutex<Vec<String>> = Mutex::new(before.lines().map(str::to_owned).collect());
    let (file, names, deaths) = (append(&path), orders.names.clone(), orders.deaths.clone());
    Deaths::at(move |moment| {
        let name = name(&moment, &names);
        let mut reached = reached.lock().unwrap();
        if reached.contains(&name) {
            return false;
        }
        writeln!(file.lock().unwrap(), "{name}").unwrap();
        let dies = deaths.contains(&name);
        reached.push(name);
        if dies {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
            loop {
                std::thread::park();
            }
        }
        false
    })
}

/// `fanning_out, Deliver heroku, Sent`.
fn name(moment: &Moment, names: &BTreeMap<ConsumerId, String>) -> String {
    let doing = match moment.doing {
        Doing::Effect(Effect::LookAt(consumer)) => format!("LookAt {}", names[&consumer]),
        Doing::Effect(Effect::Deliver(consumer)) => format!("Deliver {}", names[&consumer]),
        Doing::Effect(Effect::Prove(consumer)) => format!("Prove {}", names[&consumer]),
        Doing::Effect(effect) => format!("{effect:?}"),
        // Several are taken over one after the other.
        Doing::Word(word) => format!("a person's {word}"),
    };
    let state: RotationState = moment.state;
    format!("{state}, {doing}, {:?}", moment.point)
}

/// The checks of the other tests, a file that outlives the process, and what becomes of orders at the broker.
#[derive(Debug)]
struct FileGate {
    checks: TestGate,
    file: Mutex<File>,
    client: AlpacaClient,
    environment: Environment,
    old: Credential,
    new: Option<Credential>,
}

/// A pair as the client takes it.
pub fn credential((key_id, secret_key): &(String, String)) -> Credential {
    let [key_id, secret_key] = [key_id, secret_key].map(|half| SecretText::new(half.clone()));
    Credential::KeyPair { key_id, secret_key }
}

/// One share far below the market, until it is canceled.
pub fn resting_order(name: String) -> ParsedOrder {
    let symbol = Symbol::parse("AAPL").unwrap();
    let market = OrderRequest::market(symbol, Side::Buy, TimeInForce::Gtc, Amount::Quantity(Decimal::ONE));
    let limit = Some(Decimal::ONE);
    let (order_type, client_order_id) = (OrderType::Limit, Some(name));
    ParsedOrder::of(OrderRequest { order_type, limit_price: limit, client_order_id, ..market }).unwrap()
}

impl FileGate {
    fn told(&self, what: &str) {
        writeln!(self.file.lock().unwrap(), "{what}").unwrap();
    }
}

impl Gate for FileGate {
    fn hold(&self, connection: ConnectionId) -> BoxFuture<'_, Result<(), Failure>> {
        self.told("hold");
        self.checks.hold(connection)
    }

    fn release(&self, connection: ConnectionId) -> BoxFuture<'_, Result<(), Failure>> {
        self.told("release");
        self.checks.release(connection)
    }

    fn swap(&self, connection: ConnectionId) -> BoxFuture<'_, Result<(), Failure>> {
        self.told("swap");
        self.checks.swap(connection)
    }

    fn cancel_orders(&self, connection: ConnectionId) -> BoxFuture<'_, Result<u32, Failure>> {
        self.told("cancel");
        Box::pin(async move {
            self.checks.cancel_orders(connection).await?;
            let asking = self.client.with_credential(self.environment, &self.old).unwrap();
            let open = asking.open_orders().await.unwrap();
            for order in &open {
                asking.cancel_order(order.id).await.unwrap();
            }
            Ok(u32::try_from(open.len()).unwrap())
        })
    }

    fn pacer(&self, connection: ConnectionId) -> Option<Arc<dyn Pacer>> {
        self.checks.pacer(connection)
    }

    fn test_order(
        &self,
        connection: ConnectionId,
        rotation: RotationId,
    ) -> BoxFuture<'_, Result<String, Failure>> {
        self.told("test order");
        Box::pin(async move {
            let told = self.checks.test_order(connection, rotation).await?;
            let asking = self.client.with_credential(self.environment, self.new.as_ref().unwrap()).unwrap();
            let name = format!("{TEST_ORDER}{rotation}");
            let order = match asking.order_by_client_order_id(&name).await {
                Ok(order) => order,
                Err(_) => asking.place_order(&resting_order(name)).await.unwrap(),
            };
            if asking.open_orders().await.unwrap().iter().any(|open| open.id == order.id) {
                asking.cancel_order(order.id).await.unwrap();
            }
            Ok(told)
        })
    }
}
