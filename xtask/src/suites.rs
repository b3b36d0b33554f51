//! The test suites: Rust on both databases, Alpaca's real SDKs through a running gateway and against the paper broker, official clients of other
//! services as judges of their fakes, and a real browser on the pages.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::clients::{self, Keeping};
use crate::postgres::{self, Cluster};
use crate::tally::Tally;
use crate::workspace::{Profile, Workspace};
use crate::{browser, build, contract, entrances, judge, junit, node, process, python, schema};

/// One suite, which reports an error only when it could not run at all.
type Suite = fn(&Workspace, Keeping) -> Result<Tally>;

/// All suites by the name that selects them. The last one looks at what the others left.
const SUITES: [(&str, Suite); 9] = [
    ("rust", |workspace, _| rust(workspace)),
    ("python", |workspace, _| python_sdk(workspace)),
    ("js", |workspace, _| js_sdk(workspace)),
    ("entrances", |workspace, _| entrances::suite(workspace)),
    ("clients", clients::run),
    ("judges", |workspace, _| judge::suite(workspace)),
    ("browser", browser::suite),
    ("api", |workspace, _| contract::suite(workspace)),
    ("schema", |workspace, _| schema::suite(workspace)),
];

/// `cargo xtask test [NAME]... [--write]`: prints the closing line and fails when anything failed.
pub(crate) fn test(workspace: &Workspace, arguments: &[String]) -> Result<ExitCode> {
    let (write, names): (Vec<&String>, Vec<&String>) =
        arguments.iter().partition(|argument| *argument == "--write");
    let names: Vec<String> = names.into_iter().cloned().collect();
    let known = |name: &String| SUITES.iter().any(|(suite, _)| suite == name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        bail!(
            "no suite named {unknown}\nhint: the suites are rust, python, js, entrances, clients, judges, browser, api and schema"
        );
    }
    let keeping = if write.is_empty() { Keeping::Check } else { Keeping::Write };
    let tally = run(workspace, &names, keeping);
    println!("{tally}");
    Ok(if tally.failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The names of the suites that compute for most of their time, and of those that wait for servers, clients and browsers.
pub(crate) fn by_work() -> (Vec<String>, Vec<String>) {
    let names = SUITES.iter().map(|(name, _)| (*name).to_owned());
    names.partition(|name| name == "rust")
}

/// Runs the named suites, or all when none is named, each to its end whatever the others do.
pub(crate) fn run(workspace: &Workspace, names: &[String], keeping: Keeping) -> Tally {
    let mut total = Tally::default();
    for (name, suite) in
        SUITES.into_iter().filter(|(name, _)| names.is_empty() || names.iter().any(|n| n == name))
    {
        println!("\n== tests: {name}");
        let started = Instant::now();
        let tally = suite(workspace, keeping).unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            Tally::BROKEN
        });
        println!("== tests: {name}: {tally} in {:.1?}", started.elapsed());
        total += tally;
    }
    total
}

/// The Rust tests. Those of the database run on SQLite always and on PostgreSQL because its address is given here.
fn rust(workspace: &Workspace) -> Result<Tally> {
    let cluster = Cluster::start()?;
    let with_database = |mut cargo: Command| {
        cargo.env(postgres::URL_VARIABLE, &cluster.url);
        cargo
    };
    if !process::succeeds(&mut workspace.cargo(&["nextest", "--version"])) {
        println!("cargo-nextest is not installed: using cargo test, which is slower");
        let mut tests = with_database(workspace.cargo(&["test", "--workspace", "--no-fail-fast"]));
        schema::record(workspace, "rust", &mut tests)?;
        return cargo_test(tests);
    }
    let report = fresh_report(workspace.target.join("nextest/ci/junit.xml"))?;
    let arguments = ["nextest", "run", "--workspace", "--profile", "ci", "--no-fail-fast"];
    let mut tests = with_database(workspace.cargo(&arguments));
    // Tests wait for sockets, disks and databases for half of their time: two share a processor.
    let at_once = thread::available_parallelism().map_or(2, |processors| 2 * processors.get());
    tests.args(["--test-threads", &at_once.to_string()]);
    schema::record(workspace, "rust", &mut tests)?;
    let mut tally = counted(process::run(&mut tests), junit::read(&report))?;
    // nextest does not run the examples in the documentation.
    tally += cargo_test(with_database(workspace.cargo(&["test", "--workspace", "--doc"])))?;
    Ok(tally)
}

/// Runs `cargo test`, counting from its output while showing it.
fn cargo_test(mut cargo: Command) -> Result<Tally> {
    let output =
        cargo.stdout(Stdio::piped()).stderr(Stdio::inherit()).output().context("cannot start cargo test")?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    let tally = Tally::of_cargo_test(&text);
    if !output.status.success() && tally.failed == 0 {
        bail!("cargo test ended with {}", output.status);
    }
    Ok(tally)
}

/// alpaca-py, unmodified, through the gateway.
fn python_sdk(workspace: &Workspace) -> Result<Tally> {
    let bin = python::ensure(workspace)?;
    let binary = build::binary_under_test(workspace, Profile::Debug)?;
    let report = fresh_report(workspace.target.join("e2e/python.xml"))?;
    let mut pytest = Command::new(bin.join("python"));
    pytest.current_dir(workspace.root.join("e2e/python")).args(["-m", "pytest", "--quiet"]);
    pytest.arg("--junitxml").arg(&report).env("PADDOCK_BIN", binary).env("PYTHONDONTWRITEBYTECODE", "1");
    schema::record(workspace, "python", &mut pytest)?;
    counted(process::run(&mut pytest), junit::read(&report))
}

/// `@alpacahq/alpaca-trade-api`, unmodified, through the gateway.
fn js_sdk(workspace: &Workspace) -> Result<Tally> {
    let bin = node::ensure(workspace, "e2e/js")?;
    let binary = build::binary_under_test(workspace, Profile::Debug)?;
    let report = fresh_report(workspace.target.join("e2e/js.xml"))?;
    let mut runner = Command::new(bin.join("node"));
    runner.current_dir(workspace.root.join("e2e/js")).env("PADDOCK_BIN", binary);
    runner.args(node::test_arguments(&report, &[]));
    schema::record(workspace, "js", &mut runner)?;
    counted(process::run(&mut runner), junit::read(&report))
}

/// A report of an earlier run must never be taken for this one's.
pub(crate) fn fresh_report(path: PathBuf) -> Result<PathBuf> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    if path.exists() {
        fs::remove_file(&path)?;
    }
    Ok(path)
}

/// The report's count; a runner that failed although no test did (or with no report) is an error of its own.
pub(crate) fn counted(outcome: Result<()>, report: Result<Tally>) -> Result<Tally> {
    match (outcome, report) {
        (Ok(()), report) => report,
        (Err(_), Ok(tally)) if tally.failed > 0 => Ok(tally),
        (Err(error), _) => Err(error),
    }
}
