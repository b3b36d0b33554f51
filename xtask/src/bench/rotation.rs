//! Rotations: processes that are killed wherever one can die (`crates/rotate/tests/flow/kills.rs`), and a program that trades through one
//! (`e2e/python/rotation.py`).

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::report::machine;
use crate::workspace::Workspace;
use crate::{process, python};

/// How often a program trades through a rotation; and how often when it is to be quick.
const ROUNDS: u32 = 10;
const QUICK_ROUNDS: u32 = 2;
/// How long a person takes for the new pair in another few of them, in seconds, and in how many: less than orders wait for.
const PERSON: u32 = 5;
const ROUNDS_OF_PERSON: u32 = 3;
/// Every so manieth death is enough when it is to be quick.
const QUICK_EVERY: u32 = 12;
/// Paper, live, and forced by a pair that has died.
const PROCEDURES: usize = 3;
/// What a line of the matrix begins with.
const COUNTED: &str = "kill -9, ";

/// One of the times that were seen.
type Figure = fn(&Seen) -> f64;

/// What became of the deaths of one procedure.
#[derive(Debug, PartialEq, Eq)]
struct Deaths {
    procedure: String,
    survived: u32,
    all: u32,
}

/// One rotation as a program saw it; times in seconds.
#[derive(Debug, Deserialize)]
struct Seen {
    rounds: u32,
    errors: Vec<String>,
    held_back: f64,
    after_paste: f64,
    slowest: f64,
    usual: f64,
    silence: f64,
    usual_silence: f64,
}

/// Measures and writes the section of the page.
pub(super) fn section(workspace: &Workspace, binary: &Path, seconds: u32) -> Result<String> {
    let quick = seconds < 8;
    let at_once = trade(workspace, binary, if quick { QUICK_ROUNDS } else { ROUNDS }, 0)?;
    let in_time = trade(workspace, binary, if quick { 1 } else { ROUNDS_OF_PERSON }, PERSON)?;
    let deaths = matrix(workspace, if quick { QUICK_EVERY } else { 1 })?;
    report(&deaths, &at_once, &in_time, quick)
}

/// Kills processes, and tells what it counted. The tests are built for that: only builds with debug assertions can be told where to die.
fn matrix(workspace: &Workspace, every: u32) -> Result<Vec<Deaths>> {
    let words = ["test", "--quiet", "--package", "paddock-rotate", "--test", "flow", "--"];
    let mut cargo = workspace.cargo(&words);
    cargo.args(["--ignored", "--nocapture", "kills::the_whole_matrix"]);
    cargo.env("PADDOCK_TEST_EVERY", every.to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut running = process::Running::start(&mut cargo)?;
    let output = running.0.stdout.take().context("the tests have no output")?;
    let mut counted = Vec::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        if let Some(deaths) = read(&line) {
            println!("{line}");
            counted.push(deaths);
        }
    }
    // That not all were survived stands in the section.
    running.0.wait()?;
    if counted.len() != PROCEDURES {
        bail!("the matrix of deaths did not end");
    }
    counted.sort_by(|one, other| other.procedure.cmp(&one.procedure));
    Ok(counted)
}

/// `kill -9, paper: 203 of 203 deaths, ...`
fn read(line: &str) -> Option<Deaths> {
    let (procedure, rest) = line.split_once(COUNTED)?.1.split_once(": ")?;
    let (survived, rest) = rest.split_once(" of ")?;
    let all = rest.split_once(' ')?.0.parse().ok()?;
    Some(Deaths { procedure: procedure.to_owned(), survived: survived.parse().ok()?, all })
}

/// Has alpaca-py trade and stream through so many rotations.
fn trade(workspace: &Workspace, binary: &Path, rounds: u32, person: u32) -> Result<Vec<Seen>> {
    let python = python::ensure(workspace)?.join("python");
    let mut program = Command::new(python);
    program.current_dir(workspace.root.join("e2e/python"));
    program.args(["rotation.py", "--rounds", &rounds.to_string(), "--person", &person.to_string()]);
    program.env("PADDOCK_BIN", binary).env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
    let text = process::output(&mut program)?;
    let read = |line| serde_json::from_str(line).with_context(|| format!("the program printed {line}"));
    let seen: Vec<Seen> = text.lines().map(read).collect::<Result<_>>()?;
    for one in &seen {
        println!("rotation: {one:?}");
    }
    Ok(seen)
}

fn report(deaths: &[Deaths], at_once: &[Seen], in_time: &[Seen], quick: bool) -> Result<String> {
    let part =
        if quick { format!("\nOf all deaths only every {QUICK_EVERY}th was tried.") } else { String::new() };
    let mut text = format!(
        "Processes are killed (`kill -9`) before, in the midst of and after every effect of every state, every word of a person's, and every \
         request that\nchanges something at one of twelve consumers; the next process takes the rotation on. Each death has a rotation of its \
         own. Survived is one that was\nclosed with the new pair whole at every consumer, one release, version, restart and workflow run each (a \
         Worker, whose secrets cannot be read, is deployed\nagain where the answer was lost), orders held back until the pair was verified, and \
         a report that tells of it.{part}\n\n{}\n\n| procedure | deaths | survived |\n|---|---:|---:|\n",
        machine()?
    );
    for Deaths { procedure, survived, all } in deaths {
        writeln!(text, "| {procedure} | {all} | {survived} |")?;
    }
    let all = || at_once.iter().chain(in_time);
    writeln!(
        text,
        "\nalpaca-py orders, reads and cancels and hears its trade updates through an access key without a pause while the pair is replaced: {} times \
         with a script\nthat pastes the new pair at once, {} times with one that takes {PERSON} seconds, {} rounds of four requests in all. New \
         orders wait for ten seconds at most;\nthe stream tells of the program's own orders, and is silent while they wait.\n\n| milliseconds | at once: median | at most | after {PERSON} s: median | at most |\n|---|---:|---:|---:|---:|",
        at_once.len(),
        in_time.len(),
        all().map(|one| one.rounds).sum::<u32>()
    )?;
    let rows: [(&str, Figure); 6] = [
        ("new orders held back", |one| one.held_back),
        ("of these after the pair was pasted", |one| one.after_paste),
        ("slowest request during the rotation", |one| one.slowest),
        ("slowest request before it", |one| one.usual),
        ("longest silence of the stream during the rotation", |one| one.silence),
        ("longest silence before it", |one| one.usual_silence),
    ];
    for (name, of) in rows {
        let [(middle, most), (middle_in_time, most_in_time)] =
            [at_once, in_time].map(|seen| figures(seen, of));
        writeln!(text, "| {name} | {middle:.0} | {most:.0} | {middle_in_time:.0} | {most_in_time:.0} |")?;
    }
    let errors = all().map(|one| one.errors.len()).sum::<usize>();
    let (survived, all) = deaths.iter().fold((0, 0), |sum, one| (sum.0 + one.survived, sum.1 + one.all));
    let verdict = |met| if met { "met" } else { "missed" };
    writeln!(text, "\n| target | found | |\n|---|---:|---|")?;
    writeln!(text, "| no death matters | {survived} of {all} | {} |", verdict(survived == all))?;
    writeln!(text, "| errors that the program sees: none | {errors} | {} |", verdict(errors == 0))?;
    Ok(text)
}

/// The middle one and the greatest, in milliseconds.
fn figures(seen: &[Seen], of: Figure) -> (f64, f64) {
    let mut times: Vec<f64> = seen.iter().map(|one| of(one) * 1e3).collect();
    times.sort_by(f64::total_cmp);
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    (middle, times.last().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_matrix_counts_is_read() {
        let line = "test kills::x ... kill -9, live: 101 of 202 deaths, 180 moments, 20 requests";
        let expected = Deaths { procedure: "live".to_owned(), survived: 101, all: 202 };
        assert_eq!(read(line), Some(expected));
        assert_eq!(read("running 2 tests"), None);
    }
}
