//! What one client was seen to do, as its tests write it down.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// What one client saw.
#[derive(Debug, Deserialize)]
pub(super) struct Report {
    /// The package and its version.
    pub client: String,
    /// The best that came of each operation, by its id; of other paths by method and path.
    pub operations: BTreeMap<String, Outcome>,
    /// What came of each channel of each stream: `ok`, `silent` or `not offered`.
    pub streams: BTreeMap<String, String>,
}

/// What came of an operation.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Outcome {
    pub status: u16,
    /// Whether the client could read the answer, if that was a good one.
    #[serde(default)]
    pub read: bool,
}

/// Reads a report.
pub(super) fn read(file: &Path) -> Result<Report> {
    let text = std::fs::read_to_string(file).with_context(|| format!("no report at {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no report", file.display()))
}
