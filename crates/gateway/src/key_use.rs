//! How access keys are used: counted by day, and compared with how they were used before.
//!
//! Counting happens in memory, so that a read writes nothing; what was counted is written every quarter of a minute and at a shutdown.
//! A kill -9 loses the seconds since then.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::AccessKeyId;
use paddock_core::unusual::{Found, Habits};
use paddock_store::{KeyUse, StoreError};

use crate::id_map::IdMap;
use crate::requests::{Outcome, RequestLine};
use crate::shared::Shared;

/// Bytes that are kept of what a program calls itself.
const AGENT_BYTES: usize = 120;

/// The books of all access keys that were used.
#[derive(Debug, Default)]
pub(crate) struct KeyBooks(Mutex<IdMap<AccessKeyId, Book>>);

#[derive(Debug, Default)]
struct Book {
    habits: Habits,
    name: String,
    /// What was counted and not yet written, by day.
    days: BTreeMap<Date, Counted>,
    last: Option<(Timestamp, IpAddr)>,
    agent: String,
    /// What is unusual and not yet recorded.
    found: Vec<(Timestamp, Found)>,
    changed: bool,
}

#[derive(Clone, Debug, Default)]
struct Counted {
    requests: u64,
    reads: u64,
    orders: u64,
    failed: u64,
    busiest: u64,
    refused: BTreeMap<String, u64>,
}

impl KeyBooks {
    /// Takes over what was known when the process before stopped.
    pub(crate) fn remember(&self, known: Vec<(AccessKeyId, Habits)>) {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, habits) in known {
            books.insert(key, Book { habits, ..Book::default() });
        }
    }

    /// Counts one request, which has been answered.
    pub(crate) fn note(&self, line: &RequestLine, address: IpAddr, agent: Option<&[u8]>) {
        let (Some(key), Some(name)) = (line.key, &line.key_name) else { return };
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let book = books.entry(key).or_default();
        let refused = match &line.outcome {
            Outcome::Refused { reason, .. } => Some(reason.as_str()),
            _ => None,
        };
        for found in book.habits.see(line.at, address, refused) {
            book.found.push((line.at, found));
        }
        if book.name != *name {
            book.name.clone_from(name);
        }
        let (day, busiest) = book.habits.today();
        let counted = book.days.entry(day).or_default();
        counted.requests += 1;
        counted.busiest = busiest;
        match &line.outcome {
            Outcome::Permitted if line.method == "GET" => counted.reads += 1,
            Outcome::Permitted if line.summary.is_some() => counted.orders += 1,
            Outcome::Permitted => {}
            Outcome::Refused { reason, .. } => match counted.refused.get_mut(reason) {
                Some(count) => *count += 1,
                None => _ = counted.refused.insert(reason.clone(), 1),
            },
            Outcome::Unauthenticated | Outcome::Failed { .. } => counted.failed += 1,
        }
        book.last = Some((line.at, address));
        let agent = shortened(agent.unwrap_or_default());
        if book.agent.as_bytes() != agent {
            book.agent = agent.iter().map(|byte| char::from(*byte)).collect();
        }
        book.changed = true;
    }

    fn take(&self) -> Vec<KeyUse> {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = books.iter_mut().filter(|(_, book)| book.changed);
        changed.map(|(key, book)| book.take(*key)).collect()
    }

    /// Puts back what could not be written, under what was counted meanwhile.
    fn put_back(&self, uses: Vec<KeyUse>) {
        let mut books = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key_use in uses {
            let book = books.entry(key_use.key).or_default();
            book.changed = true;
            for day in key_use.days {
                let counted = book.days.entry(day.day).or_default();
                counted.requests += day.requests;
                counted.reads += day.reads;
                counted.orders += day.orders;
                counted.failed += day.failed;
                counted.busiest = counted.busiest.max(day.busiest_minute);
                for (reason, count) in day.refused {
                    *counted.refused.entry(reason).or_default() += count;
                }
            }
            book.habits.learned.networks.extend(key_use.learned.networks);
            book.habits.learned.hours.extend(key_use.learned.hours);
            let mut found = key_use.unusual;
            found.append(&mut book.found);
            book.found = found;
        }
    }
}

impl Book {
    fn take(&mut self, key: AccessKeyId) -> KeyUse {
        self.changed = false;
        let days = std::mem::take(&mut self.days).into_iter().map(|(day, counted)| paddock_store::DayOfUse {
            day,
            requests: counted.requests,
            reads: counted.reads,
            orders: counted.orders,
            failed: counted.failed,
            busiest_minute: counted.busiest,
            refused: counted.refused,
        });
        KeyUse {
            key,
            name: self.name.clone(),
            days: days.collect(),
            last: self.last,
            agent: self.agent.clone(),
            first_at: self.habits.first_at,
            learned: std::mem::take(&mut self.habits.learned),
            unusual: std::mem::take(&mut self.found),
        }
    }
}

/// The beginning of what a program calls itself, without what is no printable ASCII from there on.
fn shortened(agent: &[u8]) -> &[u8] {
    let printable = agent.iter().position(|byte| !matches!(byte, b' '..=b'~')).unwrap_or(agent.len());
    agent.get(..printable.min(AGENT_BYTES)).unwrap_or_default()
}

/// Keys that are written in one transaction, so that orders need not wait for long.
const AT_ONCE: usize = 100;

/// Writes what was counted, and records what is unusual.
pub(crate) async fn write(shared: &Shared) -> Result<(), StoreError> {
    let mut left = shared.key_books.take();
    while !left.is_empty() {
        let rest = left.split_off(left.len().min(AT_ONCE));
        if let Err(error) = shared.store.write_key_use(&left).await {
            left.extend(rest);
            shared.key_books.put_back(left);
            return Err(error);
        }
        for KeyUse { key, unusual, .. } in left {
            for (at, (what, detail)) in unusual {
                let event = AuditEvent::UnusualUse { key, what, detail };
                if let Err(error) = shared.store.append_audit(&Actor::System, &event, at).await {
                    tracing::error!(%error, %key, "unusual use of an access key could not be recorded");
                }
            }
        }
        left = rest;
    }
    Ok(())
}
