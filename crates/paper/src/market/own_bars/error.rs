//! What is wrong with a folder of bars, and where.

use std::path::Path;

/// A folder of bars cannot be used. Says the file, the place in it, what is wrong there and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BarsError(String);

impl BarsError {
    pub(super) fn in_file(path: &Path, fault: Fault) -> Self {
        match fault.place {
            Some(place) => Self(format!("{}, {place}: {}", path.display(), fault.text)),
            None => Self(format!("{}: {}", path.display(), fault.text)),
        }
    }

    pub(super) fn folder(path: &Path, error: &std::io::Error) -> Self {
        Self(format!(
            "cannot read the folder of bars {} ({error}): check its name and permissions",
            path.display()
        ))
    }

    pub(super) fn empty(path: &Path) -> Self {
        Self(format!(
            "the folder of bars {} has no bars: put files such as AAPL.1Min.csv into it",
            path.display()
        ))
    }
}

/// What is wrong in a file. The text ends with the next step, after a colon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// `line 17`, `bar 3` or `row 5`; nothing if the whole file is meant.
    pub place: Option<String>,
    pub text: String,
}

impl Fault {
    pub fn whole(text: String) -> Self {
        Self { place: None, text }
    }
}
