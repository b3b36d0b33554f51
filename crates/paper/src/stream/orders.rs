//! Who listens to the orders of an account, and what happened lately.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::ulid::ulid;
use crate::broker::events::OrderEvent;
use crate::http::views;
use crate::market::Market;

/// How many events may wait for a listener before it counts as too slow.
const WAITING: usize = 4096;

/// How many events of all accounts are kept for who asks for past ones.
const KEPT: usize = 10_000;

/// An event as it is told.
#[derive(Debug)]
pub(crate) struct Told {
    pub event: OrderEvent,
    /// Sortable, and unique in this process.
    pub id: String,
    /// The journal entry that must be durable before the event may be told: what was shown is never taken back.
    pub entry: u64,
}

/// The events of an account, from now on. It ends when its owner was too slow.
pub(crate) type Listening = mpsc::Receiver<Arc<Told>>;

/// Who listens, by account, and what happened lately.
#[derive(Debug, Default)]
pub(crate) struct Orders(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    listeners: HashMap<Uuid, Vec<mpsc::Sender<Arc<Told>>>>,
    kept: VecDeque<Arc<Told>>,
    count: u64,
}

/// Which past events are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Past {
    None,
    /// At or after an instant.
    Since(Timestamp),
    /// After the event with that id.
    After(String),
}

impl Orders {
    /// Tells events to who listens. Called under the broker's lock, so that they come in the order in which they happened;
    /// nothing here waits for anybody.
    pub fn tell(&self, events: Vec<OrderEvent>, entry: u64) {
        let mut inner = self.lock();
        for event in events {
            inner.count += 1;
            let told = Arc::new(Told { id: ulid(event.at, inner.count), event, entry });
            let account = told.event.account;
            if let Some(listeners) = inner.listeners.get_mut(&account) {
                // One that is full or gone is dropped, which ends it.
                listeners.retain(|listener| listener.try_send(Arc::clone(&told)).is_ok());
                if listeners.is_empty() {
                    inner.listeners.remove(&account);
                }
            }
            if inner.kept.len() == KEPT {
                inner.kept.pop_front();
            }
            inner.kept.push_back(told);
        }
    }

    /// The events of an account from now on.
    pub fn listen(&self, account: Uuid) -> Listening {
        self.listen_from(account, &Past::None).1
    }

    /// Past events of an account, and all from then on: none is missing in between.
    pub fn listen_from(&self, account: Uuid, past: &Past) -> (Vec<Arc<Told>>, Listening) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let mut inner = self.lock();
        let asked = |told: &&Arc<Told>| {
            told.event.account == account
                && match past {
                    Past::None => false,
                    Past::Since(at) => told.event.at >= *at,
                    Past::After(id) => told.id > *id,
                }
        };
        let earlier = inner.kept.iter().filter(asked).cloned().collect();
        let listeners = inner.listeners.entry(account).or_default();
        listeners.retain(|listener| !listener.is_closed());
        listeners.push(sender);
        (earlier, receiver)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    /// The event as the trading stream tells it.
    pub fn trade_update(&self, market: &Market) -> Value {
        let event = &self.event;
        let mut update = json!({
            "event": event.event,
            "execution_id": event.execution_id,
            "order": views::order(&event.order, market),
            "timestamp": event.at,
            "at": event.at,
            "event_id": self.id,
        });
        if let (Some(fill), Some(update)) = (event.fill, update.as_object_mut()) {
            update.insert("price".to_owned(), views::shown(fill.price).to_string().into());
            update.insert("qty".to_owned(), views::shown(fill.quantity).to_string().into());
            let position = views::shown(fill.position_quantity).to_string();
            update.insert("position_qty".to_owned(), position.into());
        }
        update
    }

    /// The event as the server-sent events tell it.
    pub fn trade_event(&self, market: &Market) -> Value {
        let mut event = self.trade_update(market);
        if let Some(event) = event.as_object_mut() {
            event.insert("account_id".to_owned(), self.event.account.to_string().into());
        }
        event
    }
}
