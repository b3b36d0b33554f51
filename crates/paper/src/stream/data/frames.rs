//! Encoded frames that sockets with the same selection share.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use paddock_alpaca::socket::{Message, Prepared};

use crate::stream::encode::Format;
use paddock_alpaca::stream::{Feed, Selection};

/// How many portions are kept. All who are up to date need the same one; who lags behind makes its own.
const KEPT: usize = 64;

/// Above how many bytes fewer are kept.
const BYTES: usize = 8 << 20;

/// Which frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// Not included.
    pub from: Timestamp,
    /// Included.
    pub to: Timestamp,
    pub feed: Feed,
    pub format: Format,
    pub selection: Arc<Selection>,
}

type Made = Arc<OnceLock<Arc<Prepared>>>;

/// The frames that were made last.
#[derive(Debug, Default)]
pub(in crate::stream) struct Frames(Mutex<VecDeque<(Key, Made)>>);

impl Frames {
    /// The frames for `key`: made once, however many want them at the same time.
    pub(super) fn get(&self, key: &Key, make: impl FnOnce() -> Vec<Message>) -> Arc<Prepared> {
        let made = {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match kept.iter().rev().find(|(known, _)| known == key) {
                Some((_, made)) => Arc::clone(made),
                None => {
                    let made = Made::default();
                    if kept.len() == KEPT {
                        kept.pop_front();
                    }
                    kept.push_back((key.clone(), Arc::clone(&made)));
                    made
                }
            }
        };
        Arc::clone(made.get_or_init(|| {
            let frames = Arc::new(Prepared::new(make()));
            self.make_room(frames.size());
            frames
        }))
    }

    /// Forgets the oldest until `more` bytes have room.
    fn make_room(&self, more: usize) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sizes = kept.iter().filter_map(|(_, made)| made.get()).map(|frames| frames.size());
        let mut bytes = more + sizes.sum::<usize>();
        while bytes > BYTES
            && let Some((_, made)) = kept.pop_front()
        {
            bytes -= made.get().map_or(0, |frames| frames.size());
        }
    }
}
