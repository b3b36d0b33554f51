//! What each access key is doing now: how many requests it makes, how many of them are under way, how many sockets it has open.
//!
//! It is kept in memory only. A key may start anew when Paddock does, which its caps, that are in the database, do not.

mod entry;
mod flood;
mod rate;

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use paddock_alpaca::operation::Api;
use paddock_core::id::{AccessKeyId, ConnectionId};

pub(crate) use entry::{Entered, enter};
pub(crate) use flood::record_floods;

use crate::budget::{Account, Asker, Budget, Patience, Priority, Share};
use crate::directory::{Directory, KeyEntry};
use crate::id_map::IdMap;
use crate::metrics::ByOutcome;
use rate::{Rate, TooMany};

/// What Paddock allows whoever uses it, besides scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests a minute to Alpaca's trading API for each account; what Alpaca allows if absent.
    pub trading_per_minute: Option<u32>,
    /// The same for market data.
    pub data_per_minute: Option<u32>,
    /// Requests that one access key may have under way at once; as many cancels besides.
    pub requests_at_once: u32,
    /// Streams that one access key may have open at once.
    pub streams_at_once: u32,
    /// How long requests wait for their turn when an account's requests are used up.
    pub patience: Patience,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            trading_per_minute: None,
            data_per_minute: None,
            requests_at_once: 256,
            streams_at_once: 256,
            patience: Patience::default(),
        }
    }
}

/// The meters of all access keys, and the budgets of all accounts.
#[derive(Debug)]
pub(crate) struct Meters {
    limits: Limits,
    meters: ArcSwap<IdMap<AccessKeyId, Arc<Meter>>>,
    accounts: ArcSwap<IdMap<ConnectionId, Arc<Account>>>,
}

/// One access key's.
#[derive(Debug)]
pub(crate) struct Meter {
    key: AccessKeyId,
    account: Arc<Account>,
    limits: Limits,
    /// The minutes of both budgets in which the key was noted last.
    trading_minute: AtomicU64,
    data_minute: AtomicU64,
    requests: AtomicU32,
    cancels: AtomicU32,
    streams: AtomicU32,
    rate: Mutex<Rate>,
    cancel_rate: Mutex<Rate>,
    refusals: Mutex<Refusals>,
    /// What became of its requests.
    pub(crate) outcomes: ByOutcome,
}

/// Refusals for the sake of the rate. One a minute is recorded, with the number of those before it: a flood must not fill the disk.
#[derive(Debug, Default)]
struct Refusals {
    recorded_at: Option<Timestamp>,
    unrecorded: u64,
}

/// Cancels that always pass in a minute.
const LEAST_CANCELS: u32 = 60;

/// How often refusals for the sake of the rate are recorded, in seconds.
const RECORD_EVERY: i64 = 60;

impl Meters {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, meters: ArcSwap::default(), accounts: ArcSwap::default() }
    }

    /// The meter of an access key.
    pub(crate) fn of(&self, entry: &KeyEntry) -> Arc<Meter> {
        if let Some(meter) = self.meters.load().get(&entry.key.id) {
            return Arc::clone(meter);
        }
        let meter =
            Arc::new(Meter::new(entry.key.id, self.account(entry.connection.connection.id), self.limits));
        get_or_put(&self.meters, entry.key.id, meter)
    }

    /// The budgets of an account.
    pub(crate) fn account(&self, connection: ConnectionId) -> Arc<Account> {
        if let Some(account) = self.accounts.load().get(&connection) {
            return Arc::clone(account);
        }
        let account = Arc::new(Account::new(
            self.limits.trading_per_minute,
            self.limits.data_per_minute,
            self.limits.patience,
        ));
        get_or_put(&self.accounts, connection, account)
    }

    /// Forgets the keys and accounts that are no more.
    pub(crate) fn forget_others(&self, directory: &Directory) {
        keep(&self.meters, |key| directory.key(*key).is_some());
        keep(&self.accounts, |connection| directory.connection(*connection).is_some());
    }
}

fn get_or_put<K, V>(map: &ArcSwap<IdMap<K, Arc<V>>>, key: K, value: Arc<V>) -> Arc<V>
where
    K: Copy + Eq + std::hash::Hash,
{
    map.rcu(|map| {
        let mut map = IdMap::clone(map);
        map.entry(key).or_insert_with(|| Arc::clone(&value));
        map
    });
    map.load().get(&key).map_or(value, Arc::clone)
}

fn keep<K, V>(map: &ArcSwap<IdMap<K, Arc<V>>>, wanted: impl Fn(&K) -> bool)
where
    K: Copy + Eq + std::hash::Hash,
{
    if map.load().keys().any(|key| !wanted(key)) {
        map.rcu(|map| {
            let mut map = IdMap::clone(map);
            map.retain(|key, _| wanted(key));
            map
        });
    }
}

impl Meter {
    fn new(key: AccessKeyId, account: Arc<Account>, limits: Limits) -> Self {
        Self {
            key,
            account,
            limits,
            trading_minute: AtomicU64::new(0),
            data_minute: AtomicU64::new(0),
            requests: AtomicU32::new(0),
            cancels: AtomicU32::new(0),
            streams: AtomicU32::new(0),
            rate: Mutex::default(),
            cancel_rate: Mutex::default(),
            refusals: Mutex::default(),
            outcomes: ByOutcome::default(),
        }
    }

    /// The account's budget at that API, in which the key is noted as one of its users.
    pub(crate) fn budget(&self, api: Api, now: Timestamp) -> &Arc<Budget> {
        let budget = self.account.budget(api);
        let last_minute = match api {
            Api::Trading => &self.trading_minute,
            Api::Data => &self.data_minute,
        };
        budget.note_user(last_minute, now);
        budget
    }

    pub(crate) const fn account(&self) -> &Arc<Account> {
        &self.account
    }

    pub(crate) const fn asker(&self, priority: Priority) -> Asker {
        Asker { key: Some(self.key), priority }
    }

    /// What the key is told of the account's budget, and of its own rate.
    pub(crate) fn share(&self, api: Api, most: Option<u32>, now: Timestamp) -> Share {
        let mut share = self.account.budget(api).share(now);
        if let Some(most) = most {
            share.limit = share.limit.min(most);
            share.remaining = share.remaining.min(self.requests_left(most, now));
        }
        share
    }

    /// How many requests the scope's rate leaves now.
    pub(crate) fn requests_left(&self, most: u32, now: Timestamp) -> u32 {
        self.rate.lock().unwrap_or_else(PoisonError::into_inner).left(most, now)
    }

    /// Counts a request against the scope's rate.
    fn count(&self, most: u32, is_cancel: bool, now: Timestamp) -> Result<(), TooMany> {
        let (rate, most) =
            if is_cancel { (&self.cancel_rate, most.max(LEAST_CANCELS)) } else { (&self.rate, most) };
        rate.lock().unwrap_or_else(PoisonError::into_inner).take(most, now)
    }

    /// Whether a refusal for the sake of the rate should be recorded now; if so, how many were not recorded before it.
    fn should_record(&self, now: Timestamp) -> Option<u64> {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if refusals.recorded_at.is_none_or(|at| is_long_ago(at, now)) {
            refusals.recorded_at = Some(now);
            return Some(std::mem::take(&mut refusals.unrecorded));
        }
        refusals.unrecorded += 1;
        None
    }

    /// How many refusals were not recorded and should be by now, so that the last of a flood are not forgotten.
    fn unrecorded(&self, now: Timestamp) -> Option<u64> {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if refusals.unrecorded == 0 || !refusals.recorded_at.is_some_and(|at| is_long_ago(at, now)) {
            return None;
        }
        refusals.recorded_at = Some(now);
        Some(std::mem::take(&mut refusals.unrecorded))
    }

    /// Takes a place for an open stream; `None` when the key has too many.
    pub(crate) fn open_stream(self: &Arc<Self>) -> Option<OpenStream> {
        take_place(&self.streams, self.limits.streams_at_once).then(|| OpenStream(Arc::clone(self)))
    }

    /// How many streams the key may have open.
    pub(crate) const fn streams_at_once(&self) -> u32 {
        self.limits.streams_at_once
    }
}

/// A stream that a key has open, for as long as this lives.
#[derive(Debug)]
pub(crate) struct OpenStream(Arc<Meter>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Whether something was recorded so long ago that it may be again. A clock that was set back makes it so too.
fn is_long_ago(at: Timestamp, now: Timestamp) -> bool {
    !(0..RECORD_EVERY).contains(&now.duration_since(at).as_secs())
}

/// Takes one of so many places.
fn take_place(taken: &AtomicU32, most: u32) -> bool {
    if taken.fetch_add(1, Ordering::AcqRel) < most {
        return true;
    }
    taken.fetch_sub(1, Ordering::AcqRel);
    false
}
