//! Hash maps for short keys, several times as fast as the standard library's.

use std::collections::HashMap;

/// A map whose hash is seeded anew in every process, so that nobody can choose keys that collide.
pub(crate) type FastMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
