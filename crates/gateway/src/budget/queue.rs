//! Who waits for a request.

use std::collections::{HashMap, VecDeque};

use paddock_core::id::AccessKeyId;
use tokio::sync::oneshot;

use super::{Asker, Priority};

/// How many may wait at one budget.
const MOST: usize = 1024;
/// How many of them may be of one key and kind: a program that floods fills its own places and no others.
const MOST_OF_KEY: usize = 128;

/// Those who wait, by priority.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lines: [Line; Priority::ALL.len()],
    len: usize,
    numbers: u64,
}

/// Those who wait with one priority: the keys take turns, and of each key the first that came is the first that goes.
#[derive(Debug, Default)]
struct Line {
    turns: VecDeque<Option<AccessKeyId>>,
    by_key: HashMap<Option<AccessKeyId>, VecDeque<Waiter>>,
    len: usize,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    give: oneshot::Sender<()>,
}

impl Queue {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn lengths(&self) -> [usize; Priority::ALL.len()] {
        Priority::ALL.map(|priority| self.lines.get(priority.index()).map_or(0, |line| line.len))
    }

    /// Takes a place, whose number it gives; `None` when there is none.
    pub(super) fn push(&mut self, asker: Asker, give: oneshot::Sender<()>) -> Option<u64> {
        let line = self.lines.get_mut(asker.priority.index())?;
        let of_key = line.by_key.get(&asker.key).map_or(0, VecDeque::len);
        // Cancels may always wait; how many a key has under way is bounded elsewhere.
        if asker.priority != Priority::Cancel && (self.len >= MOST || of_key >= MOST_OF_KEY) {
            return None;
        }
        let of_key = line.by_key.entry(asker.key).or_default();
        if of_key.is_empty() {
            line.turns.push_back(asker.key);
        }
        self.numbers += 1;
        of_key.push_back(Waiter { number: self.numbers, give });
        line.len += 1;
        self.len += 1;
        Some(self.numbers)
    }

    /// The priority of who is next.
    pub(super) fn most_urgent(&self) -> Option<Priority> {
        Priority::ALL
            .into_iter()
            .find(|priority| self.lines.get(priority.index()).is_some_and(|line| line.len > 0))
    }

    /// Gives a request to who is next; `false` if that one is gone.
    pub(super) fn give(&mut self) -> bool {
        let Some(line) = self.most_urgent().and_then(|priority| self.lines.get_mut(priority.index())) else {
            return false;
        };
        let Some(key) = line.turns.pop_front() else { return false };
        let Some(waiters) = line.by_key.get_mut(&key) else { return false };
        let first = waiters.pop_front();
        if waiters.is_empty() {
            line.by_key.remove(&key);
        } else {
            line.turns.push_back(key);
        }
        let Some(first) = first else { return false };
        line.len -= 1;
        self.len -= 1;
        first.give.send(()).is_ok()
    }

    /// Leaves a place, if it was not called before.
    pub(super) fn leave(&mut self, asker: Asker, number: u64) {
        let Some(line) = self.lines.get_mut(asker.priority.index()) else { return };
        let Some(waiters) = line.by_key.get_mut(&asker.key) else { return };
        let Some(position) = waiters.iter().position(|waiter| waiter.number == number) else { return };
        waiters.remove(position);
        line.len -= 1;
        self.len -= 1;
        if waiters.is_empty() {
            line.by_key.remove(&asker.key);
            line.turns.retain(|key| *key != asker.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u128) -> Option<AccessKeyId> {
        Some(uuid::Uuid::from_u128(number).to_string().parse().unwrap())
    }

    fn asker(of: u128, priority: Priority) -> Asker {
        Asker { key: key(of), priority }
    }

    /// Lets so many wait, and gives the numbers in the order in which they are called.
    fn called(queue: &mut Queue, askers: &[Asker]) -> Vec<usize> {
        let mut waiting: Vec<_> = askers
            .iter()
            .map(|asker| {
                let (give, given) = oneshot::channel();
                queue.push(*asker, give).unwrap();
                given
            })
            .collect();
        let mut order = Vec::new();
        while queue.give() {
            let place = waiting.iter_mut().position(|given| given.try_recv().is_ok()).unwrap();
            order.push(place);
        }
        order
    }

    #[test]
    fn the_urgent_come_first_and_keys_take_turns() {
        use Priority::{Cancel, Close, Order, Read};
        let askers = [
            asker(1, Read),
            asker(1, Read),
            asker(1, Read),
            asker(2, Read),
            asker(3, Order),
            asker(1, Close),
            asker(1, Cancel),
            asker(2, Order),
        ];
        let mut queue = Queue::default();
        assert_eq!(called(&mut queue, &askers), [6, 5, 4, 7, 0, 3, 1, 2]);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn one_key_fills_its_own_places_only() {
        let mut queue = Queue::default();
        let push = |queue: &mut Queue, of| queue.push(asker(of, Priority::Read), oneshot::channel().0);
        for _ in 0..MOST_OF_KEY {
            push(&mut queue, 1).unwrap();
        }
        assert_eq!(push(&mut queue, 1), None);
        assert!(push(&mut queue, 2).is_some());
        assert!(queue.push(asker(1, Priority::Cancel), oneshot::channel().0).is_some());
        assert_eq!(queue.lengths(), [1, 0, 0, MOST_OF_KEY + 1]);
    }

    #[test]
    fn who_leaves_is_not_called_and_takes_no_turn() {
        let mut queue = Queue::default();
        let number = queue.push(asker(1, Priority::Read), oneshot::channel().0).unwrap();
        let (give, mut given) = oneshot::channel();
        queue.push(asker(2, Priority::Read), give).unwrap();
        queue.leave(asker(1, Priority::Read), number);
        assert_eq!(queue.len(), 1);
        assert!(queue.give() && given.try_recv().is_ok());
        assert!(!queue.give());
        queue.leave(asker(1, Priority::Read), number);
        assert_eq!(queue.len(), 0);
    }
}
