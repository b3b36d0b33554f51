//! Alpaca's clients, unmodified, against `paddock paper serve`: each runs its whole public surface, and what they saw is the
//! table that is kept in `docs/paper-broker-clients.md`.

mod documented;
mod report;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::suites::{counted, fresh_report};
use crate::tally::Tally;
use crate::workspace::{Profile, Workspace};
use crate::{build, junit, node, python, schema};

/// Where the table is kept.
const KEPT: &str = "docs/paper-broker-clients.md";

/// What is done with the table that a run makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// It must be the one that is kept.
    Check,
    /// It takes the place of the one that is kept.
    Write,
}

/// A client: its folder in `e2e/clients`, and how its tests are started.
struct Client {
    folder: &'static str,
    runner: Runner,
}

enum Runner {
    /// pytest, in the environment of that name made from these requirements.
    Python { environment: &'static str, requirements: &'static str },
    /// Node's own test runner, with the packages of the folder's lockfile.
    Node,
}

/// The clients, in the order of the table's columns.
const CLIENTS: [Client; 4] = [
    Client {
        folder: "alpaca-py",
        runner: Runner::Python { environment: "venv", requirements: "e2e/python/requirements.txt" },
    },
    Client {
        folder: "alpaca-trade-api",
        runner: Runner::Python { environment: python::ARCHIVED, requirements: python::ARCHIVED_REQUIREMENTS },
    },
    Client { folder: "js-4", runner: Runner::Node },
    Client { folder: "js-3", runner: Runner::Node },
];

/// Runs all clients side by side, each with a broker of its own, and makes the table.
pub(crate) fn run(workspace: &Workspace, keeping: Keeping) -> Result<Tally> {
    let mut prepared = Vec::new();
    for client in &CLIENTS {
        prepared.push(Prepared::new(workspace, client)?);
    }
    let binary = build::binary_under_test(workspace, Profile::Debug)?;
    let outcomes = thread::scope(|scope| {
        let running: Vec<_> =
            prepared.iter().map(|client| scope.spawn(|| client.run(workspace, &binary))).collect();
        running
            .into_iter()
            .map(|one| one.join().unwrap_or_else(|_| bail!("its tests could not be run")))
            .collect::<Vec<Result<Tally>>>()
    });
    let mut total = Tally::default();
    for (client, outcome) in prepared.iter().zip(outcomes) {
        total += outcome.unwrap_or_else(|error| {
            eprintln!("error: {}: {error:#}", client.name);
            Tally::BROKEN
        });
    }
    if total.failed > 0 {
        println!("{KEPT} is looked at when all clients pass");
        return Ok(total);
    }
    total += match keep(workspace, &prepared, keeping) {
        Ok(()) => Tally { passed: 1, failed: 0 },
        Err(error) => {
            eprintln!("error: {error:#}");
            Tally::BROKEN
        }
    };
    Ok(total)
}

/// Makes the table of what the clients saw, and checks or replaces the one that is kept.
fn keep(workspace: &Workspace, clients: &[Prepared], keeping: Keeping) -> Result<()> {
    let documented = workspace.root.join("docs/paper-broker.md");
    let documented = documented::operations(&fs::read_to_string(&documented)?);
    let seen = clients.iter().map(|client| report::read(&client.report)).collect::<Result<Vec<_>>>()?;
    let made = table::make(&documented, &seen)?;
    let file = workspace.root.join(KEPT);
    if keeping == Keeping::Write {
        fs::write(&file, made).with_context(|| file.display().to_string())?;
        println!("wrote {KEPT}");
    } else if fs::read_to_string(&file).unwrap_or_default() != made {
        let beside = workspace.target.join("e2e/clients/paper-broker-clients.md");
        fs::write(&beside, made)?;
        bail!(
            "{KEPT} is not what the clients see now; {} is\nhint: look at the difference, then `cargo xtask test clients --write`",
            beside.display()
        );
    }
    Ok(())
}

/// A client whose tests can be started.
struct Prepared {
    name: &'static str,
    folder: PathBuf,
    program: PathBuf,
    arguments: Vec<String>,
    junit: PathBuf,
    report: PathBuf,
}

impl Prepared {
    fn new(workspace: &Workspace, client: &Client) -> Result<Self> {
        let path = format!("e2e/clients/{}", client.folder);
        let reports = workspace.target.join("e2e/clients");
        let junit = fresh_report(reports.join(format!("{}.xml", client.folder)))?;
        let report = fresh_report(reports.join(format!("{}.json", client.folder)))?;
        let (program, arguments) = match client.runner {
            Runner::Python { environment, requirements } => {
                let bin = python::environment(workspace, environment, requirements)?;
                let arguments = ["-m", "pytest", "--quiet", "--junitxml"].map(str::to_owned);
                (bin.join("python"), [arguments.as_slice(), &[junit.display().to_string()]].concat())
            }
            Runner::Node => {
                let bin = node::ensure(workspace, &path)?;
                (bin.join("node"), node::test_arguments(&junit, &["suite.test.mjs"]))
            }
        };
        Ok(Self { name: client.folder, folder: workspace.root.join(path), program, arguments, junit, report })
    }

    /// Runs the tests. What they print is shown when they have ended, so that those of several clients do not mix.
    fn run(&self, workspace: &Workspace, binary: &Path) -> Result<Tally> {
        let started = Instant::now();
        let mut tests = Command::new(&self.program);
        schema::record(workspace, self.name, &mut tests)?;
        let output = tests
            .args(&self.arguments)
            .current_dir(&self.folder)
            .env("PADDOCK_BIN", binary)
            .env("PADDOCK_CLIENT_REPORT", &self.report)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        let said = [output.stdout, output.stderr].concat();
        println!(
            "-- {} in {:.1?}\n{}",
            self.name,
            started.elapsed(),
            String::from_utf8_lossy(&said).trim_end()
        );
        let outcome = if output.status.success() { Ok(()) } else { bail_status(output.status) };
        counted(outcome, junit::read(&self.junit))
    }
}

fn bail_status(status: std::process::ExitStatus) -> Result<()> {
    bail!("its tests ended with {status}")
}
