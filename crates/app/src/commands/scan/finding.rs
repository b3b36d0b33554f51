//! One finding, as it is shown. Nothing here shows more of a half than its first four characters.

use paddock_core::scan::{Leak, Spot, Sureness};
use serde_json::{Value, json};

use super::known::Known;
use super::rotate::Begun;
use super::verify::Verdict;
use crate::paint::Paint;

/// Something that was found, and what is known of it.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) leak: Leak,
    /// The file, as it was named.
    pub(super) path: String,
    /// The commit that brought it, when it was found in the history.
    pub(super) commit: Option<String>,
    /// In how many more versions of that file it is.
    pub(super) again: usize,
    /// The connection that it is of.
    pub(super) known: Option<Known>,
    /// What Alpaca says.
    pub(super) verdict: Option<Verdict>,
}

impl Finding {
    pub(super) const fn new(leak: Leak, path: String) -> Self {
        Self { leak, path, commit: None, again: 0, known: None, verdict: None }
    }

    /// Whether it is of the same halves in the same file.
    pub(super) fn repeats(&self, leak: &Leak, path: &str) -> bool {
        let same = |one: &Option<Spot>, other: &Option<Spot>| {
            one.as_ref().map(|spot| &spot.value) == other.as_ref().map(|spot| &spot.value)
        };
        self.path == path
            && same(&self.leak.key_id, &leak.key_id)
            && same(&self.leak.secret_key, &leak.secret_key)
    }

    /// What it is, in one sentence without an end.
    pub(super) fn sentence(&self) -> String {
        let half =
            |name: &str, spot: &Option<Spot>| spot.as_ref().map(|spot| format!("{name} {}", spot.redacted()));
        let halves: Vec<String> =
            [half("Key ID", &self.leak.key_id), half("Secret Key", &self.leak.secret_key)]
                .into_iter()
                .flatten()
                .collect();
        format!("{}: {}", self.leak.rule.describe(), halves.join(", "))
    }

    /// For people.
    pub(super) fn text(&self, paint: Paint) -> String {
        let (line, column) = self.leak.place();
        let sure = match self.leak.sureness {
            Sureness::Certain => paint.bad("certain"),
            Sureness::Likely => paint.bad("likely "),
        };
        let mut text = format!("{sure}  {}:{line}:{column}: {}\n", self.path, self.sentence());
        let mut add = |more: String| text += &format!("         {more}\n");
        if let Some(commit) = &self.commit {
            let again = match self.again {
                0 => String::new(),
                1 => ", and in 1 more version of the file".to_owned(),
                more => format!(", and in {more} more versions of the file"),
            };
            add(format!("in commit {}{again}", commit.get(..12).unwrap_or(commit)));
        }
        if let Some(known) = &self.known {
            add(known.sentence());
            if let Some(begun) = &known.begun {
                add(begun.sentence().to_owned());
            }
            if known.current {
                add(format!("next: `{}`", known.command()));
            }
        }
        if let Some(verdict) = &self.verdict {
            add(verdict.sentence());
        }
        text
    }

    /// For programs.
    pub(super) fn view(&self) -> Value {
        let (line, column) = self.leak.place();
        let redacted = |spot: &Option<Spot>| spot.as_ref().map(Spot::redacted);
        json!({
            "rule": self.leak.rule.name(),
            "sureness": self.leak.sureness,
            "path": self.path,
            "line": line,
            "column": column,
            "commit": self.commit,
            "more_versions": self.again,
            "key_id": redacted(&self.leak.key_id),
            "secret_key": redacted(&self.leak.secret_key),
            "connection": self.known.as_ref().map(|known| json!({
                "name": known.connection,
                "current": known.current,
                "next_command": known.current.then(|| known.command()),
                "rotation": match &known.begun {
                    Some(Begun::Started(id, _)) => Some(id),
                    Some(Begun::UnderWay(_)) | None => None,
                },
            })),
            "verified": self.verdict.as_ref().map(Verdict::code),
        })
    }
}
