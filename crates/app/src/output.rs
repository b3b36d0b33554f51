//! Where a command's result goes: standard output, as text for people or as one JSON document.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::paint::Paint;

/// How results are shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
    paint: Paint,
}

impl Output {
    /// For this process's standard output. Colours need a terminal, and `NO_COLOR` to be unset.
    pub(crate) fn new(json: bool) -> Self {
        let colours = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        Self { json, paint: Paint::new(colours && !json) }
    }

    /// Whether one JSON document was asked for.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// The colours to use.
    pub(crate) const fn paint(self) -> Paint {
        self.paint
    }

    /// Shows a result, either way.
    pub(crate) fn show(self, value: &impl Serialize, text: impl FnOnce(Paint) -> String) -> Outcome {
        if self.json { self.document(value) } else { self.text(&text(self.paint)) }
    }

    /// Writes text for people; nothing when JSON was asked for.
    pub(crate) fn text(self, text: &str) -> Outcome {
        if self.json || text.is_empty() {
            return Ok(());
        }
        let end = if text.ends_with('\n') { "" } else { "\n" };
        self.bytes(format!("{text}{end}").as_bytes())
    }

    /// Writes the JSON document.
    pub(crate) fn document(self, value: &impl Serialize) -> Outcome {
        let mut text =
            serde_json::to_vec_pretty(value).map_err(Failure::cannot("write the result as JSON"))?;
        text.push(b'\n');
        self.bytes(&text)
    }

    /// Writes bytes as they are. A reader that has gone away (`paddock audit list | head`) is no failure.
    pub(crate) fn bytes(self, bytes: &[u8]) -> Outcome {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(Failure::cannot("write to standard output")),
        }
    }
}

/// A note to the person on standard error: progress, warnings, questions. Never data.
pub(crate) fn note(text: &str) {
    // There is nobody left to tell when standard error is gone.
    _ = writeln!(io::stderr().lock(), "{text}");
}
