//! A consumer with a strict memory: it counts what is written, and refuses what was written over something else than was seen.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use paddock_core::SecretText;
use paddock_rotate::{
    Applied, Consumer, Delivery, Fault, FaultKind, Held, Looked, Outcome, Proof, Put, Stored, Writable,
};
use uuid::Uuid;

/// How much a place lets us see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Its values.
    Values,
    /// That the names exist.
    Names,
    /// Nothing.
    Nothing,
}

/// What a call is to do wrong, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// `look` fails.
    Look(FaultKind),
    /// `put` fails and writes nothing.
    Put(FaultKind),
    /// `put` writes and fails.
    PutAfterApplying(FaultKind),
    /// `put` waits for an approval ([`Place::approve`]).
    Approval,
    /// `prove` fails.
    Prove(FaultKind),
}

/// Where copies of a pair are.
#[derive(Clone, Debug)]
pub struct Place(pub Arc<Mutex<Kept>>);

#[derive(Debug)]
pub struct Kept {
    pub sight: Sight,
    pub pair: Option<(SecretText, SecretText)>,
    pub version: u32,
    /// The tokens of what was written, in order.
    pub writes: Vec<Uuid>,
    pub wrong: Option<Wrong>,
    /// What waits for an approval.
    pub waiting: Vec<(Uuid, (SecretText, SecretText))>,
}

impl Place {
    pub fn holding(sight: Sight, pair: Option<(SecretText, SecretText)>) -> Self {
        Self(Arc::new(Mutex::new(Kept {
            sight,
            pair,
            version: 1,
            writes: Vec::new(),
            wrong: None,
            waiting: Vec::new(),
        })))
    }

    /// Somebody approves what waits last, if anything does.
    pub fn approve(&self) {
        let mut kept = self.0.lock().unwrap();
        if let Some((token, pair)) = kept.waiting.pop() {
            kept.pair = Some(pair);
            kept.version += 1;
            kept.writes.push(token);
        }
    }

    /// Somebody else writes there.
    pub fn overwrite(&self, pair: (SecretText, SecretText)) {
        let mut kept = self.0.lock().unwrap();
        kept.pair = Some(pair);
        kept.version += 1;
    }

    pub fn writes(&self) -> Vec<Uuid> {
        self.0.lock().unwrap().writes.clone()
    }

    pub fn different_writes(&self) -> usize {
        self.writes().into_iter().collect::<BTreeSet<_>>().len()
    }

    pub fn holds(&self, key_id: &SecretText, secret_key: &SecretText) -> bool {
        self.0.lock().unwrap().pair.as_ref() == Some(&(key_id.clone(), secret_key.clone()))
    }
}

fn fault(kind: FaultKind, applied: Applied) -> Fault {
    let fault = Fault::new(kind, "the place did not do it", "mend the place");
    Fault { applied, ..fault }
}

impl Consumer for Place {
    fn look(&self) -> BoxFuture<'_, Result<Looked, Fault>> {
        let mut kept = self.0.lock().unwrap();
        if let Some(Wrong::Look(kind)) = kept.wrong {
            kept.wrong = None;
            return futures_util::future::ready(Err(fault(kind, Applied::No))).boxed();
        }
        let mark = |there: bool| there.then(|| kept.version.to_string());
        let held = match kept.sight {
            Sight::Values => Held::Values {
                key_id: kept.pair.as_ref().map(|pair| pair.0.clone()),
                secret_key: kept.pair.as_ref().map(|pair| pair.1.clone()),
            },
            Sight::Names => {
                Held::Names { key_id: mark(kept.pair.is_some()), secret_key: mark(kept.pair.is_some()) }
            }
            Sight::Nothing => Held::Unseen,
        };
        let version = (kept.sight != Sight::Nothing).then(|| kept.version.to_string());
        let looked = Looked { login: "bot".to_owned(), version, held, writable: Writable::Proven };
        futures_util::future::ready(Ok(looked)).boxed()
    }

    fn put<'a>(&'a self, delivery: &'a Delivery, seen: Option<&'a str>) -> BoxFuture<'a, Result<Put, Fault>> {
        let mut kept = self.0.lock().unwrap();
        let wrong = kept.wrong.take_if(|wrong| !matches!(wrong, Wrong::Prove(_) | Wrong::Look(_)));
        if let Some(Wrong::Put(kind)) = wrong {
            return futures_util::future::ready(Err(fault(kind, Applied::No))).boxed();
        }
        let version = |kept: &Kept| (kept.sight != Sight::Nothing).then(|| kept.version.to_string());
        let pair = (delivery.key_id.clone(), delivery.secret_key.clone());
        if wrong == Some(Wrong::Approval) {
            kept.waiting.push((delivery.token, pair));
            let put = Put { version: None, outcome: Outcome::Pending("approve it there".to_owned()) };
            return futures_util::future::ready(Ok(put)).boxed();
        }
        if kept.sight == Sight::Values && kept.pair.as_ref() == Some(&pair) {
            let put = Put { version: version(&kept), outcome: Outcome::AlreadyThere };
            return futures_util::future::ready(Ok(put)).boxed();
        }
        if seen.is_some_and(|seen| seen != kept.version.to_string()) {
            return futures_util::future::ready(Err(fault(FaultKind::Conflict, Applied::No))).boxed();
        }
        kept.pair = Some(pair);
        kept.version += 1;
        kept.writes.push(delivery.token);
        if let Some(Wrong::PutAfterApplying(kind)) = wrong {
            return futures_util::future::ready(Err(fault(kind, Applied::Unknown))).boxed();
        }
        let put = Put { version: version(&kept), outcome: Outcome::Written };
        futures_util::future::ready(Ok(put)).boxed()
    }

    fn prove<'a>(&'a self, delivery: &'a Delivery, _: &'a Put) -> BoxFuture<'a, Result<Proof, Fault>> {
        let mut kept = self.0.lock().unwrap();
        if let Some(Wrong::Prove(kind)) = kept.wrong {
            kept.wrong = None;
            return futures_util::future::ready(Err(fault(kind, Applied::No))).boxed();
        }
        let is_there = kept.pair.as_ref() == Some(&(delivery.key_id.clone(), delivery.secret_key.clone()));
        if !is_there {
            return futures_util::future::ready(Err(fault(FaultKind::Overwritten, Applied::No))).boxed();
        }
        let stored = match kept.sight {
            Sight::Values => Stored::ReadBack,
            Sight::Names => Stored::Moved(kept.version.to_string()),
            Sight::Nothing => Stored::Acknowledged,
        };
        futures_util::future::ready(Ok(Proof { stored, in_use: None })).boxed()
    }
}
