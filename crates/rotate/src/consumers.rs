//! The consumers, one file each.
