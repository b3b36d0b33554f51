//! What faults do to an open stream.

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::rule::{Fault, On, Subject};
use crate::PaperBroker;

/// One open stream as rules see it.
#[derive(Debug)]
pub(crate) struct Line {
    broker: PaperBroker,
    path: &'static str,
    changes: watch::Receiver<u64>,
    /// The rules up to this one were there when it was opened.
    known: u64,
    /// The rules that have struck it, or had their chance to.
    considered: Vec<u64>,
    account: Option<Uuid>,
    key_id: Option<String>,
    /// The rule that has its market data stand still, and where.
    stale: Option<(u64, Timestamp)>,
}

/// What happens to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strike {
    /// It ends, with that close code or without a word.
    Cut(Option<u16>),
    /// It is ended as that of a slow client is.
    SlowClient,
    /// Its data stands still no more: [`Line::sees`] is to be asked.
    GoesOn,
    /// It says and hears nothing until [`Line::silence`] is over.
    Mute(u64),
}

impl Line {
    pub fn new(broker: &PaperBroker, path: &'static str) -> Self {
        let faults = broker.faults();
        let changes = faults.changes.subscribe();
        let known = faults.last();
        Self {
            broker: broker.clone(),
            path,
            changes,
            known,
            considered: Vec::new(),
            account: None,
            key_id: None,
            stale: None,
        }
    }

    /// From now on it speaks for an account.
    pub fn speaks_for(&mut self, account: Uuid, key_id: Option<&str>) {
        self.account = Some(account);
        self.key_id = key_id.map(str::to_owned);
    }

    /// Waits until something happens to it; for ever, if nothing does. May be dropped and asked again.
    pub async fn struck(&mut self) -> Strike {
        loop {
            self.changes.borrow_and_update();
            if let Some(strike) = self.look() {
                return strike;
            }
            if self.stale.is_some_and(|(rule, _)| !self.broker.faults().holds(rule, self.broker.now())) {
                return Strike::GoesOn;
            }
            crate::stream::changed(&mut self.changes).await;
        }
    }

    fn look(&mut self) -> Option<Strike> {
        while self.broker.faults().are_set() {
            let subject = Subject {
                on: On::Stream,
                path: self.path,
                operation: None,
                account: self.account,
                key_id: self.key_id.as_deref(),
            };
            let now = self.broker.now();
            let (rule, fault) =
                self.broker.faults().strike(&subject, now, self.known, &mut self.considered)?;
            match fault {
                Fault::Disconnect { code, .. } => return Some(Strike::Cut(code)),
                Fault::SlowClient => return Some(Strike::SlowClient),
                Fault::HalfOpen => return Some(Strike::Mute(rule)),
                Fault::Stale { at } => self.stale = Some((rule, at.unwrap_or(now))),
                _ => {}
            }
        }
        None
    }

    /// Waits until a rule lets go of the stream, or the broker ends.
    pub async fn silence(&self, rule: u64, closing: &CancellationToken) {
        tokio::select! {
            () = closing.cancelled() => {}
            () = released(&self.broker, rule) => {}
        }
    }

    /// Up to when market data is seen at `now`; and whether it had stood still and goes on now, so that what was missed stays
    /// untold.
    pub fn sees(&mut self, now: Timestamp) -> (Timestamp, bool) {
        match self.stale {
            None => (now, false),
            Some((rule, at)) if self.broker.faults().holds(rule, now) => (now.min(at), false),
            Some(_) => {
                self.stale = None;
                (now, true)
            }
        }
    }
}

/// Waits until a rule is removed or its time is over.
pub(super) async fn released(broker: &PaperBroker, rule: u64) {
    let mut changes = broker.faults().changes.subscribe();
    let mut time = broker.streams().time();
    while broker.faults().holds(rule, broker.now()) {
        tokio::select! {
            () = crate::stream::changed(&mut changes) => {}
            () = crate::stream::changed(&mut time) => {}
        }
    }
}
