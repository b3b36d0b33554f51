//! The right to send one request.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use paddock_core::Clock;

use super::{Budget, Head};

/// A request that was taken from a budget. Dropped before it is sent, it goes back.
#[derive(Debug)]
#[must_use = "a ticket that is dropped goes back to the budget"]
pub(crate) struct Ticket {
    budget: Arc<Budget>,
    clock: Arc<dyn Clock>,
    was_waited_for: bool,
    /// Whether it was taken although none was left.
    beyond: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Taken,
    /// With its number, and when.
    Sent(u64, Timestamp),
    Answered,
}

impl Ticket {
    pub(super) fn new(budget: &Arc<Budget>, clock: &Arc<dyn Clock>) -> Self {
        let (budget, clock) = (Arc::clone(budget), Arc::clone(clock));
        Self { budget, clock, was_waited_for: false, beyond: false, state: State::Taken }
    }

    pub(super) fn waited_for(budget: &Arc<Budget>, clock: &Arc<dyn Clock>) -> Self {
        let mut ticket = Self::new(budget, clock);
        ticket.was_waited_for = true;
        ticket
    }

    pub(super) fn beyond(budget: &Arc<Budget>, clock: &Arc<dyn Clock>) -> Self {
        let mut ticket = Self::waited_for(budget, clock);
        ticket.beyond = true;
        ticket
    }

    /// Whether time has passed since it was asked for: what was decided before may not hold any more.
    pub(crate) const fn was_waited_for(&self) -> bool {
        self.was_waited_for
    }

    /// The request is being sent: from here on it counts, whatever becomes of it. Tells when that is.
    pub(crate) fn sent(&mut self) -> Timestamp {
        let now = self.clock.now();
        self.state = State::Sent(self.budget.count.number(), now);
        now
    }

    /// The head of the answer has come.
    pub(crate) fn answered(mut self, status: StatusCode, headers: &HeaderMap) {
        let State::Sent(number, sent_at) = std::mem::replace(&mut self.state, State::Answered) else {
            return;
        };
        let now = self.clock.now();
        let head = Head::read(status, headers, now);
        let took = now.duration_since(sent_at).as_micros();
        self.budget.figures.answered(status, u64::try_from(took).unwrap_or(0));
        self.budget.count.answered(number, &head, self.beyond, now);
        self.budget.serve(&self.clock);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        match self.state {
            State::Taken => self.budget.count.give_back(),
            State::Sent(..) => {
                self.budget.figures.lost.fetch_add(1, Ordering::Relaxed);
                self.budget.count.unanswered();
            }
            State::Answered => {}
        }
    }
}
