//! A small bounded cache: what was least recently asked for goes first.

use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::fast_map::FastMap;

/// Values by key, as long as their weights fit into the capacity.
pub(super) struct Cache<K, V> {
    capacity: usize,
    kept: Mutex<Kept<K, V>>,
}

struct Kept<K, V> {
    entries: FastMap<K, Entry<V>>,
    weight: usize,
    /// Counts the accesses, and so orders them.
    accesses: u64,
}

struct Entry<V> {
    value: V,
    weight: usize,
    last_access: u64,
}

impl<K, V> std::fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    pub fn new(capacity: usize) -> Self {
        Self { capacity, kept: Mutex::new(Kept { entries: FastMap::default(), weight: 0, accesses: 0 }) }
    }

    pub fn get(&self, key: &K) -> Option<V> {
        let mut kept = self.lock();
        kept.accesses += 1;
        let now = kept.accesses;
        let entry = kept.entries.get_mut(key)?;
        entry.last_access = now;
        Some(entry.value.clone())
    }

    pub fn put(&self, key: K, value: V, weight: usize) {
        let mut kept = self.lock();
        kept.accesses += 1;
        let last_access = kept.accesses;
        if let Some(old) = kept.entries.insert(key, Entry { value, weight, last_access }) {
            kept.weight -= old.weight;
        }
        kept.weight += weight;
        if kept.weight > self.capacity {
            kept.shrink_to(self.capacity / 4 * 3);
        }
    }

    /// The cache is only ever a copy of what can be computed, so a panic elsewhere leaves nothing half-done in it.
    fn lock(&self) -> MutexGuard<'_, Kept<K, V>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq + Clone, V> Kept<K, V> {
    fn shrink_to(&mut self, weight: usize) {
        let mut by_age: Vec<(u64, K)> =
            self.entries.iter().map(|(key, entry)| (entry.last_access, key.clone())).collect();
        by_age.sort_unstable_by_key(|(last_access, _)| *last_access);
        for (_, key) in by_age {
            if self.weight <= weight {
                break;
            }
            if let Some(entry) = self.entries.remove(&key) {
                self.weight -= entry.weight;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_go_first() {
        let cache = Cache::new(4);
        for key in 0..4 {
            cache.put(key, key * 10, 1);
        }
        assert_eq!(cache.get(&0), Some(0));
        cache.put(4, 40, 1);
        assert_eq!((cache.get(&0), cache.get(&1), cache.get(&4)), (Some(0), None, Some(40)));
    }
}
