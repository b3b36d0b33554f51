//! One rotation from plan to report, whose processes are killed.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use paddock_alpaca::wire::OrderStatus;
use paddock_core::audit::Actor;
use paddock_core::id::{ConsumerId, RotationId};
use paddock_core::rotation::{ConsumerStage, Rotation, RotationState, TradingHold};
use paddock_core::{Clock as _, Environment, SecretText};
use paddock_fakes::When;
use paddock_paper::NewAccount;
use paddock_rotate::Deaths;
use paddock_store::{ConsumerRow, DeliveryOutcome, PairOf, SealedSecret, Target};
use paddock_vault::{Binding, Field, OsEntropy, WrappedDek};
use tokio::process::Command;

use super::places::{Pair, Places, SetUp};
use super::process::{CLOCK, MOMENTS, ORDERS, Orders, TEST_ORDER, TOLD, credential, resting_order};
use super::victim::Victim;
use crate::world::{Site, World, halves};

/// How a rotation comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Procedure {
    /// Planned, of a paper account.
    Paper,
    /// Planned, of a live account.
    Live,
    /// A paper account's pair has died by surprise, and the new one is known to a person already.
    Forced,
}

impl Procedure {
    const fn environment(self) -> Environment {
        match self {
            Self::Paper | Self::Forced => Environment::Paper,
            Self::Live => Environment::Live,
        }
    }
}

impl fmt::Display for Procedure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Paper => "paper",
            Self::Live => "live",
            Self::Forced => "forced, paper",
        })
    }
}

/// Where processes of one life die.
#[derive(Clone, Debug, Default)]
pub struct Killing {
    /// At which of the rotation's moments, by name.
    pub moments: BTreeSet<String>,
    /// In the midst of which requests, by name.
    pub requests: BTreeSet<String>,
    /// Before and after what the program does.
    pub program: BTreeSet<bool>,
}

/// What was seen of one life.
#[derive(Clone, Debug)]
pub struct Lived {
    /// All moments that were reached, by name.
    pub moments: Vec<String>,
    /// All requests that change something, by name, before and after each.
    pub requests: Vec<String>,
    /// Where processes died.
    pub deaths: Vec<String>,
    /// What must be found nowhere in the clear.
    pub secrets: [SecretText; 2],
}

/// A rotation that is going on.
struct Life<'a> {
    world: &'a World,
    site: &'a Site,
    folder: PathBuf,
    places: Places,
    victim: Arc<Victim>,
    /// When the program kills.
    armed: Vec<When>,
    old: Pair,
    minted: Option<NewAccount>,
    deaths: Vec<String>,
}

fn texts(account: &NewAccount) -> Pair {
    let (key_id, secret_key) = halves(account);
    (key_id.expose().to_owned(), secret_key.expose().to_owned())
}

/// Lives one life, and checks after each death and in the end that it did not matter.
pub async fn live(world: &World, target: &Target, procedure: Procedure, killing: &Killing) -> Lived {
    let environment = procedure.environment();
    let site = world.site(environment, &[]).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    let old = texts(&site.account);
    let victim = Arc::new(Victim::dying_at(killing.requests.clone()));
    let places = Places::start(&path, environment, &old, world.clock.clone(), &victim).await;
    let armed: Vec<When> =
        killing.program.iter().map(|after| if *after { When::Done } else { When::Heard }).collect();
    for when in &armed {
        places.arm_program(*when);
    }
    let mut names = std::collections::BTreeMap::new();
    for (number, set_up) in places.set_up().into_iter().enumerate() {
        let name = set_up.0.to_owned();
        names.insert(add_consumer(world, &site, number, set_up).await, name);
    }
    let mut orders = Orders {
        folder: path.clone(),
        database: target.into(),
        keys: world.folder().to_owned(),
        paper: world.broker.url(Environment::Paper),
        live: world.broker.url(Environment::Live),
        team: world.user,
        connection: site.connection.id,
        environment,
        is_forced: procedure == Procedure::Forced,
        names,
        programs: vec![places.program()],
        deaths: killing.moments.clone(),
        now: world.now(),
        old: old.clone(),
        pair: None,
    };
    if procedure == Procedure::Live {
        let (client, old) = (world.client(), credential(&old));
        let asking = client.with_credential(environment, &old).unwrap();
        asking.place_order(&resting_order("resting".to_owned())).await.unwrap();
    }
    let (minted, deaths) = (None, Vec::new());
    let mut life = Life { world, site: &site, folder: path, places, victim, armed, old, minted, deaths };
    if procedure == Procedure::Forced {
        life.mint(&mut orders).await;
    }
    let id = life.until_over(orders).await;
    life.judge(id).await;
    life.judge_orders(procedure, id).await;
    let secrets = [site.account.secret_key.clone(), life.minted.as_ref().unwrap().secret_key.clone()];
    Lived { moments: life.moments(), requests: life.victim.requests(), deaths: life.deaths, secrets }
}

/// Adds a consumer with its secret sealed, as the pages do. A later number comes later.
async fn add_consumer(
    world: &World,
    site: &Site,
    number: usize,
    (name, settings, secret): SetUp,
) -> ConsumerId {
    let id = ConsumerId::generate(world.now(), &OsEntropy);
    let secret = match secret {
        None => None,
        Some(text) => {
            let row = world.store.current_dek(world.user).await.unwrap().unwrap();
            let dek = WrappedDek::from_bytes(&row.wrapped).unwrap();
            let seals = world.store.count_seals(row.id, 1).await.unwrap();
            let (connection, field) = (site.connection.id, Field::ConsumerSecret(id));
            let place = Binding { user: world.user, connection, field, version: 1 };
            let sealer = world.vault.sealer();
            let sealed = sealer.seal(&dek, seals, &place, &SecretText::new(text), &OsEntropy).unwrap();
            Some(SealedSecret { version: 1, dek: row.id, sealed: sealed.to_bytes() })
        }
    };
    let row = ConsumerRow {
        id,
        user: world.user,
        connection: site.connection.id,
        name: name.to_owned(),
        kind: settings["kind"].as_str().unwrap().to_owned(),
        settings,
        secret,
        created_at: world.now() + Duration::from_millis(number as u64),
    };
    world.store.add_consumer(&row, &Actor::Operator, world.now()).await.unwrap();
    id
}

impl Life<'_> {
    fn moments(&self) -> Vec<String> {
        let reached = fs::read_to_string(self.folder.join(MOMENTS)).unwrap_or_default();
        reached.lines().map(str::to_owned).collect()
    }

    /// Starts one process after the other until the rotation is over. The person makes the new pair when it is asked for.
    async fn until_over(&mut self, mut orders: Orders) -> RotationId {
        loop {
            let output = self.process(&orders).await;
            if let Ok(text) = fs::read_to_string(self.folder.join(CLOCK)) {
                self.world.clock.set(text.parse().unwrap());
            }
            orders.now = self.world.clock.now();
            let rotation = self.rotation().await;
            self.check(rotation.as_ref()).await;
            if output.status.signal() == Some(9) {
                self.note_death(&orders);
                assert!(self.deaths.len() < 1000, "it dies for ever: {:?}", self.deaths.last());
                continue;
            }
            assert!(output.status.success(), "{}", told(&output));
            let rotation = rotation.unwrap();
            match (rotation.state, &self.minted) {
                (RotationState::Closed, _) => return rotation.id,
                (RotationState::AwaitingMint, None) => self.mint(&mut orders).await,
                (state, _) => panic!("it rests, and is {state}: {}", told(&output)),
            }
        }
    }

    /// The person clicks.
    async fn mint(&mut self, orders: &mut Orders) {
        let account = self.site.account.account_id;
        let minted = self.world.broker.broker.regenerate_key(account).await.unwrap();
        orders.pair = Some(texts(&minted));
        self.minted = Some(minted);
    }

    async fn process(&self, orders: &Orders) -> Output {
        let path = self.folder.join("orders");
        fs::write(&path, serde_json::to_string(orders).unwrap()).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "kills::process::a_process", "--ignored", "--nocapture"]);
        command.env(ORDERS, path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.kill_on_drop(true).spawn().unwrap();
        self.victim.runs(child.id().unwrap());
        let output = child.wait_with_output().await.unwrap();
        self.victim.ended();
        output
    }

    /// By whose hand it died: its own, in the midst of a request, or of the program that it had started.
    fn note_death(&mut self, orders: &Orders) {
        let moments = self.moments();
        let own = moments.iter().filter(|name| orders.deaths.contains(*name)).cloned();
        let program = self.armed.iter().filter_map(|when| {
            let armed = self.folder.join(format!("die-{when:?}"));
            (!armed.exists()).then(|| format!("command, its program, {when:?}"))
        });
        let known = |place: &String| !self.deaths.contains(place);
        let found = own.chain(self.victim.killed()).chain(program).find(known);
        self.deaths.push(found.unwrap_or_else(|| panic!("nobody knows why it died: {:?}", moments.last())));
    }

    async fn rotation(&self) -> Option<Rotation> {
        let newest = self.world.store.rotations(self.world.user, 1).await.unwrap().pop();
        newest.map(|row| row.rotation).filter(|rotation| rotation.connection == self.site.connection.id)
    }

    /// What is true at every instant: no pair is lost or torn, and trading waits for a pair that was verified.
    async fn check(&self, rotation: Option<&Rotation>) {
        let new = self.minted.as_ref().map(texts);
        self.places.are_whole(&self.old, new.as_ref());
        let Some(rotation) = rotation else { return };
        let held = self.world.store.snapshot().await.unwrap().held_by_rotation;
        let in_use = rotation.candidate.as_ref().is_some_and(|candidate| candidate.verified)
            && rotation.committed_version.is_some()
            && rotation.marks.swapped_at.is_some();
        let not_begun = rotation.trading == TradingHold::Running && rotation.state.can_abort();
        assert!(
            held.contains(&self.site.connection.id) || in_use || not_begun,
            "trading goes on without a verified pair: {rotation:?}"
        );
        let has_new = match &self.minted {
            Some(minted) => self.world.vault_has(self.site, minted).await,
            None => false,
        };
        assert!(
            has_new || self.world.vault_has(self.site, &self.site.account).await,
            "the vault has neither pair"
        );
        if let (Some(_), Some(minted), false) = (&rotation.candidate, &self.minted, has_new) {
            let sealed =
                self.world.store.rotation_pair(rotation.id, PairOf::Candidate).await.unwrap().unwrap();
            let print = self.world.vault.sealer().fingerprint(&minted.secret_key).unwrap();
            assert_eq!(sealed.secret_fingerprint, print.as_bytes(), "what was pasted is lost");
        }
    }

    /// What is true in the end.
    async fn judge(&self, id: RotationId) {
        let (world, minted) = (self.world, self.minted.as_ref().unwrap());
        assert!(world.vault_has(self.site, minted).await, "the new pair was lost");
        for what in [PairOf::Candidate, PairOf::Retiring] {
            assert_eq!(world.store.rotation_pair(id, what).await.unwrap(), None, "{what:?} is still kept");
        }
        self.places.are_done(&texts(minted), &self.deaths);
        let told = fs::read_to_string(self.folder.join(TOLD)).unwrap();
        let at = |what: &str| told.lines().position(|line| line == what);
        assert!(at("hold") < at("swap") && at("swap") < at("release") && at("hold").is_some(), "{told}");

        let report = world.process(&Deaths::default()).report(id).await.unwrap();
        let consumers = &report.rotation.consumers;
        assert_eq!(consumers.len(), 12);
        assert!(consumers.iter().all(|one| one.stage == ConsumerStage::Proven), "{consumers:?}");
        assert!(report.held_back_seconds.is_some());
        assert!(report.steps.iter().zip(1..).all(|(step, number)| step.number == number));
        for consumer in consumers {
            let mut attempts = report.deliveries.iter().filter(|one| one.consumer == consumer.name);
            let last = attempts.next_back().unwrap();
            let good = [DeliveryOutcome::Written, DeliveryOutcome::There].map(|outcome| outcome.to_string());
            assert!(good.contains(&last.outcome), "{}: {}", consumer.name, last.outcome);
        }
        let (markdown, json) = (report.to_markdown(), serde_json::to_string(&report).unwrap());
        assert!(markdown.contains("state: **closed**") && markdown.contains("Old pair: dead"), "{markdown}");
        for secret in [&minted.secret_key, &self.site.account.secret_key] {
            assert!(!markdown.contains(secret.expose()) && !json.contains(secret.expose()));
        }
    }

    /// Each order was placed once, and none is left.
    async fn judge_orders(&self, procedure: Procedure, id: RotationId) {
        let (client, new) = (self.world.client(), credential(&texts(self.minted.as_ref().unwrap())));
        let asking = client.with_credential(procedure.environment(), &new).unwrap();
        let orders = asking.recent_orders(10).await.unwrap();
        let seen: Vec<_> = orders.iter().map(|order| (order.client_order_id.clone(), order.status)).collect();
        let wanted = match procedure {
            Procedure::Paper => vec![(format!("{TEST_ORDER}{id}"), Some(OrderStatus::Canceled))],
            Procedure::Live => vec![("resting".to_owned(), Some(OrderStatus::Canceled))],
            Procedure::Forced => vec![],
        };
        assert_eq!(seen, wanted);
    }
}

fn told(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
