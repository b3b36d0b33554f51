//! Alpaca's budget of requests, which all access keys of an account share.
//!
//! Alpaca counts an account's requests to its trading and to its data API, and refuses what goes beyond so many in a minute. Whoever
//! sends a request takes one of them first ([`Budget::acquire`]): at once while there are plenty, otherwise in turn. Cancels come before
//! closes, these before orders, these before reads; within one kind the keys take turns, whatever one of them asks for. What is rather
//! kept for the more urgent kinds nobody else gets ([`Priority`]). What is left is learned from the headers of Alpaca's answers.
//!
//! Far from the limit taking one is a few atomic operations, and no lock.

mod count;
pub(crate) mod head;
mod pace;
mod priority;
mod queue;
mod share;
mod ticket;
pub(crate) mod view;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use paddock_alpaca::operation::Api;
use paddock_core::Clock;
use paddock_core::id::AccessKeyId;
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

pub(crate) use head::Head;
pub(crate) use pace::Pace;
pub use priority::Patience;
pub(crate) use priority::Priority;
pub(crate) use share::Share;
pub(crate) use ticket::Ticket;
pub use view::BudgetView;

use crate::metrics::Histogram;
use count::Count;
use queue::Queue;

/// Requests a minute until Alpaca has said otherwise: what it allows for trading, and for data without a subscription.
const USUAL: u32 = 200;

/// How often those who wait look whether the time has come.
const LOOK: Duration = Duration::from_millis(25);

/// The budgets of one account.
#[derive(Debug)]
pub(crate) struct Account {
    trading: Arc<Budget>,
    data: Arc<Budget>,
}

impl Account {
    /// `trading` and `data` are the most requests a minute that Paddock may make of them, where the operator has said so.
    pub(crate) fn new(trading: Option<u32>, data: Option<u32>, patience: Patience) -> Self {
        let budget = |most| Arc::new(Budget::new(most, patience));
        Self { trading: budget(trading), data: budget(data) }
    }

    /// The budget that a request to that API counts in.
    pub(crate) const fn budget(&self, api: Api) -> &Arc<Budget> {
        match api {
            Api::Trading => &self.trading,
            Api::Data => &self.data,
        }
    }
}

/// The budget of one account at one of Alpaca's APIs.
#[derive(Debug)]
pub(crate) struct Budget {
    count: Count,
    patience: Patience,
    queue: Mutex<Queue>,
    /// The queue's length, so that nobody takes the lock to see that it is empty.
    waiting: AtomicUsize,
    pub(crate) figures: Figures,
}

/// What happened at a budget since the start.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// How long those waited who had to, by priority.
    pub(crate) waits: [Histogram; Priority::ALL.len()],
    /// Who waited in vain, or found the queue full, by priority.
    pub(crate) refused: [AtomicU64; Priority::ALL.len()],
    /// Alpaca's answers by HTTP status, from 100 on.
    statuses: Statuses,
    /// Requests that were sent without an answer.
    pub(crate) lost: AtomicU64,
    /// From sending a request to the head of its answer.
    pub(crate) upstream: Histogram,
}

/// A count for each HTTP status.
#[derive(Debug)]
struct Statuses([AtomicU64; 500]);

impl Default for Statuses {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Figures {
    /// Counts an answer that came so many microseconds after its request was sent.
    fn answered(&self, status: StatusCode, micros: u64) {
        if let Some(count) = self.statuses.0.get(usize::from(status.as_u16().saturating_sub(100))) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.upstream.observe(micros);
    }

    /// The statuses that there were, and how often.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = (String, u64)> {
        let count = |(at, count): (usize, &AtomicU64)| {
            let count = count.load(Ordering::Relaxed);
            (count > 0).then(|| ((at + 100).to_string(), count))
        };
        self.statuses.0.iter().enumerate().filter_map(count)
    }
}

/// There is no request left, and there was none in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exhausted {
    /// When to try again, in whole seconds from now.
    pub(crate) retry_after: u64,
}

/// Who asks, and how urgently.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker {
    /// The access key; `None` for Paddock's own upkeep.
    pub(crate) key: Option<AccessKeyId>,
    pub(crate) priority: Priority,
}

impl Budget {
    fn new(most: Option<u32>, patience: Patience) -> Self {
        Self {
            count: Count::new(most),
            patience,
            queue: Mutex::default(),
            waiting: AtomicUsize::new(0),
            figures: Figures::default(),
        }
    }

    /// How long a request of that priority waits for its turn.
    pub(crate) const fn patience(&self, priority: Priority) -> Duration {
        self.patience.of(priority)
    }

    /// Takes one request, waiting for at most `patience`. A cancel that has waited in vain goes out nevertheless: the worst that
    /// Alpaca can do is to refuse it, and that an order stays open costs money.
    ///
    /// # Errors
    /// [`Exhausted`] when none became free in time, or too many wait already.
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        clock: &Arc<dyn Clock>,
        asker: Asker,
        patience: Duration,
    ) -> Result<Ticket, Exhausted> {
        if self.waiting.load(Ordering::Acquire) == 0 && self.count.take(asker.priority, clock.now()) {
            return Ok(Ticket::new(self, clock));
        }
        self.wait(clock, asker, patience).await
    }

    async fn wait(
        self: &Arc<Self>,
        clock: &Arc<dyn Clock>,
        asker: Asker,
        patience: Duration,
    ) -> Result<Ticket, Exhausted> {
        let (give, given) = oneshot::channel();
        let number = {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let number = queue.push(asker, give);
            self.serve_locked(&mut queue, clock);
            number
        };
        let Some(number) = number else { return Err(self.exhausted(asker.priority, clock.now())) };
        let mut place = Place { budget: self, asker, number, given, is_mine: false };
        let begun = Instant::now();
        let mut ticks = interval_at(begun + LOOK, LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        place.is_mine = loop {
            tokio::select! {
                biased;
                given = &mut place.given => break given.is_ok(),
                _ = ticks.tick() => {
                    self.serve(clock);
                    if begun.elapsed() >= patience {
                        place.given.close();
                        break place.given.try_recv().is_ok();
                    }
                }
            }
        };
        let waited = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        if let Some(histogram) = self.figures.waits.get(asker.priority.index()) {
            histogram.observe(waited);
        }
        if place.is_mine {
            return Ok(Ticket::waited_for(self, clock));
        }
        if asker.priority == Priority::Cancel {
            self.count.take_regardless();
            return Ok(Ticket::beyond(self, clock));
        }
        Err(self.exhausted(asker.priority, clock.now()))
    }

    fn exhausted(&self, priority: Priority, now: Timestamp) -> Exhausted {
        if let Some(refused) = self.figures.refused.get(priority.index()) {
            refused.fetch_add(1, Ordering::Relaxed);
        }
        Exhausted { retry_after: self.retry_after(priority, now) }
    }

    /// After how many whole seconds a request of that priority has a chance.
    pub(crate) fn retry_after(&self, priority: Priority, now: Timestamp) -> u64 {
        self.count.wait_for(priority, now).as_micros().div_ceil(1_000_000).max(1).try_into().unwrap_or(60)
    }

    /// Gives those who wait what there is.
    fn serve(&self, clock: &Arc<dyn Clock>) {
        if self.waiting.load(Ordering::Acquire) > 0 {
            self.serve_locked(&mut self.queue.lock().unwrap_or_else(PoisonError::into_inner), clock);
        }
    }

    fn serve_locked(&self, queue: &mut Queue, clock: &Arc<dyn Clock>) {
        while let Some(priority) = queue.most_urgent() {
            // Who is less urgent has to leave more, so nobody else gets one either.
            if !self.count.take(priority, clock.now()) {
                break;
            }
            if !queue.give() {
                self.count.give_back();
            }
        }
        self.waiting.store(queue.len(), Ordering::Release);
    }

    /// How many wait, by priority.
    pub(crate) fn waiting(&self) -> [usize; Priority::ALL.len()] {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).lengths()
    }

    /// What a key that uses it is told.
    pub(crate) fn share(&self, now: Timestamp) -> Share {
        self.count.share(now)
    }

    /// Notes that a key uses the budget in this minute. `last_minute` is where the key remembers when it was noted last.
    pub(crate) fn note_user(&self, last_minute: &AtomicU64, now: Timestamp) {
        self.count.note_user(last_minute, now);
    }

    /// Requests a minute, and how many of them are left.
    pub(crate) fn state(&self, now: Timestamp) -> (u32, u32) {
        self.count.state(now)
    }
}

/// A place in the queue. Whoever goes away leaves it, and gives back what was given meanwhile.
struct Place<'a> {
    budget: &'a Budget,
    asker: Asker,
    number: u64,
    given: oneshot::Receiver<()>,
    /// Whether what was given was taken.
    is_mine: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queue = self.budget.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.leave(self.asker, self.number);
        self.budget.waiting.store(queue.len(), Ordering::Release);
        drop(queue);
        self.given.close();
        if !self.is_mine && self.given.try_recv().is_ok() {
            self.budget.count.give_back();
        }
    }
}
