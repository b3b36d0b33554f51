//! The table client x operation x result.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Result, bail};

use super::documented::Operation;
use super::report::{Outcome, Report};

const HEAD: &str = "\
# What each client gets from the paper broker

Made by a run of the tests, `cargo xtask test clients --write`; do not edit. Alpaca's clients, unmodified, call all of their public
methods against `paddock paper serve`, and the broker records which operations these reach. CI fails when this page is not what
a run sees. How each operation differs from Alpaca's is in [paper-broker.md](paper-broker.md#operations).

* **ok**: the client is answered and reads the answer. Of streams: a message came to its handler.
* **ok, refused**: the refusal that a real account without the feature gets, with its status.
* **silent**: the channel can be subscribed to, and nothing comes.
* **differs**: the client makes nothing of the answer, though that has the form in which Alpaca describes it.
* **not offered**: refused with the documented status.
* –: the client has no method for it, or its method does not reach it.
";

/// Makes the page.
///
/// # Errors
/// When what was seen contradicts what the documentation says of an operation.
pub(super) fn make(documented: &[Operation], seen: &[Report]) -> Result<String> {
    let mut page = HEAD.to_owned();
    let mut contradictions = Vec::new();
    let mut group = "";
    for operation in documented {
        if operation.group != group {
            group = &operation.group;
            header(&mut page, group, "operation", seen);
        }
        let name = format!("`{}`<br>`{}`", operation.id, operation.target);
        row(
            &mut page,
            &name,
            seen.iter().map(|report| {
                let Some(outcome) = report.operations.get(&operation.id) else { return "–".to_owned() };
                cell(operation, outcome).unwrap_or_else(|why| {
                    contradictions.push(format!("{} of {}: {why}", operation.id, report.client));
                    String::new()
                })
            }),
        );
    }
    others(&mut page, documented, seen);
    streams(&mut page, seen);
    if !contradictions.is_empty() {
        bail!("docs/paper-broker.md does not say what the clients see:\n  {}", contradictions.join("\n  "));
    }
    Ok(page)
}

/// What is told of an operation, or how it contradicts what is documented.
fn cell(operation: &Operation, outcome: &Outcome) -> Result<String, String> {
    let status = outcome.status;
    match (status, operation.is_not_offered()) {
        (..300, true) => Err(format!("it answers {status} and is documented as not offered")),
        (..300, false) if outcome.read => Ok("ok".to_owned()),
        (..300, false) => Ok("**differs**".to_owned()),
        _ if !operation.tells(status) => Err(format!("it is refused with {status}, which is not documented")),
        (_, true) => Ok("not offered".to_owned()),
        (501, false) => Err("it is not offered and is documented as done".to_owned()),
        (_, false) => Ok(format!("ok, refused {status}")),
    }
}

/// What clients ask for beside the published interface.
fn others(page: &mut String, documented: &[Operation], seen: &[Report]) {
    let known: BTreeSet<&str> = documented.iter().map(|operation| operation.id.as_str()).collect();
    let of_streams: BTreeSet<String> = channels(seen)
        .iter()
        .filter_map(|channel| Some(format!("GET {}", channel.split_once(' ')?.0)))
        .collect();
    let paths: BTreeSet<&String> = seen
        .iter()
        .flat_map(|report| report.operations.keys())
        .filter(|name| !known.contains(name.as_str()) && !of_streams.contains(*name))
        .collect();
    if paths.is_empty() {
        return;
    }
    header(page, "Beside the published interface", "path", seen);
    for path in paths {
        row(
            page,
            &format!("`{path}`"),
            seen.iter().map(|report| match report.operations.get(path) {
                Some(Outcome { status: ..300, .. }) => "ok".to_owned(),
                Some(Outcome { status, .. }) => format!("not offered ({status})"),
                None => "–".to_owned(),
            }),
        );
    }
}

fn streams(page: &mut String, seen: &[Report]) {
    header(page, "Streams", "stream and channel or event", seen);
    for channel in channels(seen) {
        let name = channel
            .split_once(' ')
            .map_or_else(|| channel.clone(), |(path, what)| format!("{path}` `{what}"));
        row(
            page,
            &format!("`{name}`"),
            seen.iter().map(|report| report.streams.get(&channel).cloned().unwrap_or_else(|| "–".to_owned())),
        );
    }
}

fn channels(seen: &[Report]) -> BTreeSet<String> {
    seen.iter().flat_map(|report| report.streams.keys().cloned()).collect()
}

fn header(page: &mut String, title: &str, what: &str, seen: &[Report]) {
    _ = writeln!(page, "\n## {title}\n");
    row(page, what, seen.iter().map(|report| report.client.clone()));
    _ = writeln!(page, "|---|{}", "---|".repeat(seen.len()));
}

fn row(page: &mut String, name: &str, cells: impl Iterator<Item = String>) {
    _ = writeln!(page, "| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(here: &str) -> Operation {
        let text = |text: &str| text.to_owned();
        Operation { group: text("Trading"), id: text("op"), target: text("GET /v2/op"), here: text(here) }
    }

    fn outcome(status: u16, read: bool) -> Outcome {
        Outcome { status, read }
    }

    #[test]
    fn a_cell_says_what_came_of_it() {
        let told = |here: &str, status, read| cell(&operation(here), &outcome(status, read));
        assert_eq!(told("done", 200, true).as_deref(), Ok("ok"));
        assert_eq!(told("done", 207, false).as_deref(), Ok("**differs**"));
        assert_eq!(told("done; 403 `Forbidden`", 403, false).as_deref(), Ok("ok, refused 403"));
        assert_eq!(told("not offered: 501 `50110000`", 501, false).as_deref(), Ok("not offered"));
    }

    #[test]
    fn what_is_not_documented_is_a_contradiction() {
        let told = |here: &str, status| cell(&operation(here), &outcome(status, true));
        assert!(told("not offered: 501 `50110000`", 200).is_err());
        assert!(told("done", 501).is_err());
        assert!(told("done", 404).is_err());
        assert!(told("not offered: 403 `40310000`", 501).is_err());
    }
}
