//! What goes wrong on purpose: faults that a test asks for, so that what a program does about them can be seen.
//!
//! `Faults` holds the rules and decides which request or stream is struck. It is asked for every request, and costs one look at
//! an atomic as long as no rule stands. What a rule does is in `request` for requests and handshakes and in `line` for open
//! streams; the interface for setting them is in `admin`. Faults are of the transport: none of them changes what orders are filled
//! at, so that the journal knows nothing of them. Trading halts do, and are commands of the broker.

pub(crate) mod admin;
mod answers;
pub(crate) mod line;
pub(crate) mod request;
mod rule;
mod token;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use paddock_alpaca::AlpacaError;
use paddock_core::Symbol;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

pub(crate) use rule::Subject;
pub use rule::{ALL, BadRule, Fault, FaultRule, Reply, When};
pub(crate) use token::AdminToken;
pub use token::{BadToken, check_token};

use crate::PaperBroker;
use crate::broker::Command;

/// How many rules there can be, those included that are over and not removed.
const MOST: usize = 256;

/// The rules of a broker.
#[derive(Debug)]
pub(crate) struct Faults {
    /// Whether any rule may still fire: without, nothing else is looked at.
    set: AtomicBool,
    /// How often the rules changed, for open streams.
    changes: watch::Sender<u64>,
    seed: u64,
    rules: Mutex<Rules>,
}

#[derive(Debug, Default)]
struct Rules {
    /// The id of the last rule.
    last: u64,
    all: Vec<Standing>,
}

/// A rule and what became of it.
#[derive(Debug)]
struct Standing {
    id: u64,
    rule: FaultRule,
    /// When it was made, in the broker's time.
    made: Timestamp,
    until: Option<Timestamp>,
    matched: u64,
    fired: u64,
    rng: ChaCha8Rng,
}

/// A rule as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedFault {
    /// Its number, never used again.
    pub id: u64,
    /// What it says.
    #[serde(flatten)]
    pub rule: FaultRule,
    /// How often it applied, apart from how likely it is.
    pub matched: u64,
    /// How often it had an effect.
    pub fired: u64,
    /// Whether it fires no more.
    pub over: bool,
}

/// What is done to one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Effects {
    pub delay: Duration,
    /// Up to when the request sees market data, if that stands still.
    pub data_until: Option<Timestamp>,
    pub key_dies: bool,
    /// What becomes of the answer, and the rule that says so.
    pub verdict: Option<(u64, Fault)>,
}

impl Faults {
    pub fn new(seed: u64) -> Self {
        Self { set: AtomicBool::new(false), changes: watch::Sender::new(0), seed, rules: Mutex::default() }
    }

    /// Whether any rule may fire.
    pub fn are_set(&self) -> bool {
        self.set.load(Ordering::Acquire)
    }

    /// Adds a rule at an instant of the broker's time, and tells its id.
    fn add(&self, rule: FaultRule, now: Timestamp) -> Result<u64, BadRule> {
        rule.check()?;
        let mut rules = self.lock();
        if rules.all.len() >= MOST {
            return Err(BadRule(format!("there are {MOST} rules already: remove those that are over")));
        }
        rules.last += 1;
        let until = rule.lasts().map(|lasts| now.saturating_add(lasts).unwrap_or(Timestamp::MAX));
        let rng = generator(rule.seed.unwrap_or(self.seed), rule.fault.name());
        let id = rules.last;
        rules.all.push(Standing { id, rule, made: now, until, matched: 0, fired: 0, rng });
        drop(rules);
        self.changed();
        Ok(id)
    }

    fn list(&self, now: Timestamp) -> Vec<ListedFault> {
        self.lock().all.iter().map(|standing| standing.listed(now)).collect()
    }

    fn remove(&self, id: u64) -> bool {
        let mut rules = self.lock();
        let before = rules.all.len();
        rules.all.retain(|standing| standing.id != id);
        let removed = rules.all.len() < before;
        drop(rules);
        self.changed();
        removed
    }

    fn clear(&self) {
        self.lock().all.clear();
        self.changed();
    }

    fn changed(&self) {
        let any = !self.lock().all.is_empty();
        self.set.store(any, Ordering::Release);
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// What is done to a request or a handshake. Delays add up; of what becomes of the answer, the oldest rule that fires decides.
    pub fn decide(&self, subject: &Subject<'_>, now: Timestamp) -> Effects {
        let mut effects = Effects::default();
        let mut rules = self.lock();
        for standing in &mut rules.all {
            let decides = standing.rule.fault.decides_the_answer();
            if (decides && effects.verdict.is_some())
                || !standing.rule.matches(subject)
                || !standing.fires(now)
            {
                continue;
            }
            match standing.rule.fault {
                Fault::Latency { milliseconds, jitter_milliseconds } => {
                    let jitter = below(&mut standing.rng, jitter_milliseconds.saturating_add(1));
                    effects.delay += Duration::from_millis(milliseconds + jitter);
                }
                Fault::Stale { at } => {
                    let at = at.unwrap_or(standing.made);
                    effects.data_until = Some(effects.data_until.map_or(at, |earlier| earlier.min(at)));
                }
                Fault::KeyDeath => effects.key_dies = true,
                _ => effects.verdict = Some((standing.id, standing.rule.fault.clone())),
            }
        }
        effects
    }

    /// The first rule after those that were `considered` that strikes an open stream; those that were looked at are added. Rules
    /// up to `known` were there when it was opened.
    fn strike(
        &self,
        subject: &Subject<'_>,
        now: Timestamp,
        known: u64,
        considered: &mut Vec<u64>,
    ) -> Option<(u64, Fault)> {
        let mut rules = self.lock();
        for standing in &mut rules.all {
            let too_late = matches!(standing.rule.fault, Fault::Disconnect { reconnects: false, .. })
                && standing.id <= known;
            if too_late || considered.contains(&standing.id) || !standing.rule.matches(subject) {
                continue;
            }
            considered.push(standing.id);
            if standing.fires(now) {
                let fault = match standing.rule.fault {
                    Fault::Stale { at: None } => Fault::Stale { at: Some(standing.made) },
                    ref fault => fault.clone(),
                };
                return Some((standing.id, fault));
            }
        }
        None
    }

    /// Whether a rule that has fired still holds what it struck.
    pub fn holds(&self, id: u64, now: Timestamp) -> bool {
        self.lock()
            .all
            .iter()
            .any(|standing| standing.id == id && standing.until.is_none_or(|until| now < until))
    }

    /// The id of the last rule that was made.
    fn last(&self) -> u64 {
        self.lock().last
    }

    fn lock(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fault {
    const fn decides_the_answer(&self) -> bool {
        matches!(self, Self::Error { .. } | Self::Drop { .. } | Self::Hang { .. })
    }
}

impl Standing {
    fn is_over(&self, now: Timestamp) -> bool {
        self.rule.count.is_some_and(|count| self.fired >= count)
            || self.until.is_some_and(|until| now >= until)
    }

    /// Whether it fires for what it applies to. Each time that it may, and only then, one number is drawn.
    fn fires(&mut self, now: Timestamp) -> bool {
        if self.is_over(now) {
            return false;
        }
        self.matched += 1;
        if self.matched <= self.rule.skip {
            return false;
        }
        let likely = self.rule.probability.is_none_or(|probability| {
            let millionths = (probability * Decimal::from(1_000_000)).ceil().to_u64().unwrap_or_default();
            below(&mut self.rng, 1_000_000) < millionths
        });
        self.fired += u64::from(likely);
        likely
    }

    fn listed(&self, now: Timestamp) -> ListedFault {
        ListedFault {
            id: self.id,
            rule: self.rule.clone(),
            matched: self.matched,
            fired: self.fired,
            over: self.is_over(now),
        }
    }
}

/// Every kind of fault draws from numbers of its own.
fn generator(seed: u64, fault: &str) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(b"paddock faults 1\0");
    hash.update(seed.to_le_bytes());
    hash.update(fault.as_bytes());
    ChaCha8Rng::from_seed(hash.finalize().into())
}

/// An even number in `0..below`. The bias does not matter for numbers so far below 2^64.
fn below(rng: &mut ChaCha8Rng, below: u64) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(below)) >> 64) as u64
}

impl PaperBroker {
    /// Makes something go wrong from now on, and tells the rule's id.
    ///
    /// # Errors
    /// [`BadRule`] when the rule cannot be.
    pub fn add_fault(&self, rule: FaultRule) -> Result<u64, BadRule> {
        self.faults().add(rule, self.now())
    }

    /// The rules, oldest first, with how often they fired.
    #[must_use]
    pub fn listed_faults(&self) -> Vec<ListedFault> {
        self.faults().list(self.now())
    }

    /// Removes a rule; tells whether there was one with that id.
    pub fn remove_fault(&self, id: u64) -> bool {
        self.faults().remove(id)
    }

    /// Removes all rules.
    pub fn clear_faults(&self) {
        self.faults().clear();
    }

    /// Halts trading in some symbols, or in everything, or lets it go on. It is a command: the journal brings it back.
    ///
    /// # Errors
    /// Status 422 when a symbol is not traded here.
    pub async fn set_halt(&self, symbols: Option<Vec<Symbol>>, halted: bool) -> Result<(), AlpacaError> {
        let before = self.market().halted();
        let command = match halted {
            true => Command::Halt { symbols },
            false => Command::Resume { symbols },
        };
        self.execute(command).await?;
        self.streams().tell_halts(&before, &self.market().halted(), self.now());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::rule::On;
    use super::*;

    fn fired(seed: u64) -> Vec<(bool, Duration)> {
        let faults = Faults::new(seed);
        let half = Some(Decimal::new(5, 1));
        let error =
            Fault::Error { status: 503, when: When::Before, rate_limit_headers: true, retry_after: None };
        let rule = FaultRule { probability: half, ..FaultRule::new(error).operation("postOrder") };
        faults.add(rule, Timestamp::UNIX_EPOCH).unwrap();
        let latency = Fault::Latency { milliseconds: 10, jitter_milliseconds: 90 };
        faults.add(FaultRule::new(latency), Timestamp::UNIX_EPOCH).unwrap();
        let decide = |operation| {
            let account = Some(Uuid::nil());
            let subject =
                Subject { on: On::Request, path: "/", operation: Some(operation), account, key_id: None };
            let effects = faults.decide(&subject, Timestamp::UNIX_EPOCH);
            (effects.verdict.is_some(), effects.delay)
        };
        (0..40).map(|number| decide(if number % 3 == 0 { "getAccount" } else { "postOrder" })).collect()
    }

    #[test]
    fn the_same_seed_and_requests_have_the_same_faults() {
        assert_eq!(fired(1), fired(1));
        assert_ne!(fired(1), fired(2));
        let (failed, delays): (Vec<bool>, Vec<Duration>) = fired(1).into_iter().unzip();
        assert!((5..=20).contains(&failed.iter().filter(|failed| **failed).count()), "{failed:?}");
        assert!(delays.iter().all(|delay| (10..=100).contains(&delay.as_millis())), "{delays:?}");
        assert!(delays.windows(2).any(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn a_rule_is_over_after_its_count_and_after_its_time() {
        let faults = Faults::new(1);
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(!faults.are_set());
        let hang = Fault::Hang { when: When::After };
        let rule = FaultRule { skip: 1, for_seconds: Some(10), ..FaultRule::new(hang).times(2) };
        let id = faults.add(rule.clone(), at(0)).unwrap();
        let subject = Subject { on: On::Request, path: "/", operation: None, account: None, key_id: None };
        let fires = |second| faults.decide(&subject, at(second)).verdict.is_some();
        assert_eq!([fires(0), fires(1), fires(2), fires(3)], [false, true, true, false]);
        let listed = faults.list(at(3));
        assert_eq!((listed[0].id, listed[0].matched, listed[0].fired, listed[0].over), (id, 3, 2, true));
        faults.add(rule, at(0)).unwrap();
        assert_eq!([fires(8), fires(9), fires(10)], [false, true, false]);
        assert!(faults.remove(id) && !faults.remove(id));
        faults.clear();
        assert!(!faults.are_set() && faults.list(at(0)).is_empty());
    }
}
