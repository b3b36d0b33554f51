//! A map by identifiers.

use std::collections::HashMap;

/// A map whose keys Paddock makes itself, so that nobody can choose them to fall together: it may hash them the quick way.
pub(crate) type IdMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
