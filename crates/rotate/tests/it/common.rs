//! What the tests of all consumers use.

pub(crate) mod faults;

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;
use paddock_core::{Clock, Entropy, Environment, ManualClock, SecretText};
use paddock_fakes::{Fake, Running};
use paddock_rotate::consumers::ConsumerSettings;
use paddock_rotate::{Consumer, Delivery, Machine, Means, Memory, Outbound, OutboundOptions};
use uuid::Uuid;

/// The Key ID of the tests' new pair.
pub(crate) const KEY_ID: &str = "PKAAAABBBBCCCCDDDDEEEE2345";

/// Its Secret Key.
pub(crate) const SECRET_KEY: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP12";

/// A pair on its way; another `number`, another pair.
pub(crate) fn delivery(number: u128) -> Delivery {
    let mark = if number == 0 { String::new() } else { number.to_string() };
    Delivery {
        token: Uuid::from_u128(0x1234_5678_9abc_4def_8123_4567_89ab_0000 + number),
        environment: Environment::Paper,
        key_id: SecretText::new(format!("{KEY_ID}{mark}")),
        secret_key: SecretText::new(format!("{SECRET_KEY}{mark}")),
    }
}

/// The tests' instant.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new("2026-11-27T20:00:00Z".parse().unwrap()))
}

/// A clock by which a second passes whenever somebody asks for the time: for what waits for a while.
#[derive(Debug)]
struct Ticking(ManualClock);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        self.0.advance(Duration::from_secs(1));
        self.0.now()
    }
}

/// Randomness that only counts: nothing here is kept secret by it.
#[derive(Debug, Default)]
struct Counting(std::sync::atomic::AtomicU8);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for byte in buffer {
            *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

/// One way out for all: setting up TLS takes longer than the requests. It keeps no connections, so that tests do not share any.
static OUTBOUND: LazyLock<Outbound> = LazyLock::new(|| {
    let allowed_hosts = BTreeSet::from(["127.0.0.1".to_owned()]);
    Outbound::new(OutboundOptions { allowed_hosts, ..Default::default() }).unwrap()
});

/// Means that reach this machine.
pub(crate) fn means() -> Means {
    Means {
        outbound: OUTBOUND.clone(),
        clock: clock(),
        entropy: Arc::new(Counting::default()),
        machine: Machine::default(),
        memory: Memory::default(),
    }
}

/// The same, where time passes.
pub(crate) fn ticking() -> Means {
    Means { clock: Arc::new(Ticking(ManualClock::new(clock().now()))), ..means() }
}

/// Serves a fake on a free port.
pub(crate) async fn start<F: Fake>(fake: F) -> Running<F> {
    Running::start(fake, ([127, 0, 0, 1], 0).into(), clock()).await.unwrap()
}

/// The consumer of these settings, as JSON.
pub(crate) fn connect(settings: serde_json::Value, secret: Option<&str>) -> Box<dyn Consumer> {
    connect_by(&means(), settings, secret)
}

/// The same, by these means.
pub(crate) fn connect_by(
    means: &Means,
    settings: serde_json::Value,
    secret: Option<&str>,
) -> Box<dyn Consumer> {
    let settings: ConsumerSettings = serde_json::from_value(settings).unwrap();
    let given = secret.map(|text| SecretText::new(text.to_owned()));
    let consumer = settings.connect(given, means).unwrap();
    let shown = format!("{consumer:?}");
    assert!(secret.is_none_or(|secret| !shown.contains(secret)), "{shown}");
    consumer
}
