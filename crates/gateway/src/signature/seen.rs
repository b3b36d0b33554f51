//! Which signatures were used, for as long as they would be good otherwise.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use paddock_core::id::AccessKeyId;

use super::WINDOW;
use crate::answer::Fault;

/// How many signatures of one access key are remembered from one generation: about a thousand requests a second.
const MOST: usize = 65_536;

/// How long a generation is filled. A signature may be dated [`WINDOW`] ahead and is good for [`WINDOW`] after that, so it can not be
/// good any more when the generation after its own is full.
const GENERATION: SignedDuration = SignedDuration::from_secs(61);

/// The signatures that this process has seen. Only those that fit a key come here, so nobody else can fill it.
#[derive(Debug)]
pub(crate) struct SeenSignatures {
    started: Timestamp,
    by_key: Mutex<HashMap<AccessKeyId, Seen>>,
}

#[derive(Debug)]
struct Seen {
    since: Timestamp,
    now: HashSet<[u8; 32]>,
    before: HashSet<[u8; 32]>,
    /// Nothing that is dated before this is taken: it may have been forgotten, or used before the start.
    floor: Timestamp,
}

impl SeenSignatures {
    /// Remembers from `started` on. What is dated earlier may have been used before a restart.
    pub(crate) fn since(started: Timestamp) -> Self {
        Self { started, by_key: Mutex::default() }
    }

    /// Takes a signature that fits and is within the window; refuses one that was taken before, or may have been.
    pub(crate) fn take(
        &self,
        key: AccessKeyId,
        signature: [u8; 32],
        dated: Timestamp,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = by_key.entry(key).or_insert_with(|| Seen {
            since: now,
            now: HashSet::new(),
            before: HashSet::new(),
            floor: self.started,
        });
        seen.turn(now);
        if dated < seen.floor {
            return Err(Fault::signature_before_start());
        }
        if seen.now.contains(&signature) || seen.before.contains(&signature) {
            return Err(Fault::signature_replayed());
        }
        if seen.now.len() >= MOST {
            return Err(Fault::too_many_signatures());
        }
        seen.now.insert(signature);
        Ok(())
    }
}

impl Seen {
    /// Forgets what can not be good any more. A clock that was set back must not make it good again.
    fn turn(&mut self, now: Timestamp) {
        let age = now.duration_since(self.since);
        if age < GENERATION {
            return;
        }
        self.before = std::mem::take(&mut self.now);
        if age >= GENERATION + GENERATION {
            self.before = HashSet::new();
        }
        self.since = now;
        self.floor = self.floor.max(now.saturating_sub(WINDOW).unwrap_or(now));
    }
}

#[cfg(test)]
mod tests {
    use paddock_core::id::AccessKeyId;
    use paddock_vault::OsEntropy;

    use super::*;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn reason(taken: Result<(), Fault>) -> Option<&'static str> {
        taken.err().map(|fault| fault.reason)
    }

    #[test]
    fn each_is_good_once_for_each_key() {
        let seen = SeenSignatures::since(second(1000));
        let key = || AccessKeyId::generate(second(1000), &OsEntropy);
        let (one, other) = (key(), key());
        assert_eq!(reason(seen.take(one, [1; 32], second(1030), second(1000))), None);
        assert_eq!(reason(seen.take(other, [1; 32], second(1030), second(1000))), None);
        for now in [1000, 1030, 1059, 1060] {
            let again = seen.take(one, [1; 32], second(1030), second(now));
            assert_eq!(reason(again), Some("signature_replayed"), "{now}");
        }
    }

    #[test]
    fn what_was_forgotten_is_not_good_again_when_the_clock_is_set_back() {
        let seen = SeenSignatures::since(second(1000));
        let key = AccessKeyId::generate(second(1000), &OsEntropy);
        assert_eq!(reason(seen.take(key, [1; 32], second(1000), second(1000))), None);
        assert_eq!(reason(seen.take(key, [2; 32], second(2000), second(2000))), None);
        let again = seen.take(key, [1; 32], second(1000), second(1000));
        assert_eq!(reason(again), Some("signature_before_start"));
    }

    #[test]
    fn what_is_dated_before_the_start_may_have_been_used() {
        let seen = SeenSignatures::since(second(1000));
        let key = AccessKeyId::generate(second(1000), &OsEntropy);
        let before = seen.take(key, [1; 32], second(999), second(1001));
        assert_eq!(reason(before), Some("signature_before_start"));
    }

    #[test]
    fn its_memory_is_bounded() {
        let seen = SeenSignatures::since(second(1000));
        let key = AccessKeyId::generate(second(1000), &OsEntropy);
        for number in 0..MOST {
            let mut signature = [0; 32];
            signature[..8].copy_from_slice(&number.to_be_bytes());
            assert_eq!(reason(seen.take(key, signature, second(1000), second(1000))), None);
        }
        let more = seen.take(key, [9; 32], second(1000), second(1000));
        assert_eq!(reason(more), Some("too_many_signatures"));
        assert_eq!(reason(seen.take(key, [9; 32], second(1061), second(1061))), None);
    }
}
