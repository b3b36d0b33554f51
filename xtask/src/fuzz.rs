//! `cargo xtask fuzz`: the fuzz targets of `fuzz/`, built with the stable toolchain and run side by side.
//!
//! libFuzzer needs compiled-in counters, which LLVM's coverage pass puts there for any toolchain. The sanitizers that need a
//! nightly one are left out: there is no `unsafe` code to watch. Debug assertions and overflow checks are on.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;
use crate::{packages, process};

/// How long each target runs unless it is said otherwise.
const SECONDS: u64 = 60;

/// What cargo-fuzz passes too, without a sanitizer.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// `cargo xtask fuzz [TARGET]... [--seconds N]`: all targets when none is named.
pub(crate) fn fuzz(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let (names, seconds) = read(arguments)?;
    run_all(workspace, &names, seconds, None)
}

/// All targets with the same random choices each time, so that a change is judged by what it changes.
pub(crate) fn fuzz_alike(workspace: &Workspace) -> Result<()> {
    run_all(workspace, &[], SECONDS, Some(1))
}

fn run_all(workspace: &Workspace, names: &[&str], seconds: u64, seed: Option<u32>) -> Result<()> {
    let targets = Targets::find(workspace)?;
    let chosen = targets.chosen(names)?;
    targets.build()?;
    let outcomes = thread::scope(|scope| {
        let running: Vec<_> =
            chosen.iter().map(|name| (name, scope.spawn(|| targets.run(name, seconds, seed)))).collect();
        let joined = running
            .into_iter()
            .map(|(name, one)| (name, one.join().unwrap_or_else(|_| bail!("its output could not be read"))));
        joined.collect::<Vec<_>>()
    });
    let mut failed = Vec::new();
    for (name, outcome) in outcomes {
        match outcome {
            Ok(Found { inputs, before, after }) => {
                println!(
                    "{name}: {inputs} inputs in {seconds} s, coverage {before} at the seeds and {after} at the end"
                );
            }
            Err(error) => {
                eprintln!("{name}: {error:#}");
                failed.push(name.as_str());
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("fuzzing found something: {}", failed.join(", ")) }
}

/// Begins to build the targets beside something else, at the lowest priority. [`fuzz`] waits for that, and builds and says what is wrong when it did
/// not come to an end: so this may fail in silence.
pub(crate) fn build_beside(workspace: &Workspace) -> Result<process::Running> {
    let targets = Targets::find(workspace)?;
    let mut nice = Command::new("nice");
    nice.args(["-n", "19"]).arg(process::cargo());
    targets.add_build(&mut nice);
    process::Running::start(nice.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))
}

fn read(arguments: &[String]) -> Result<(Vec<&str>, u64)> {
    let (mut names, mut seconds, mut rest) = (Vec::new(), SECONDS, arguments.iter());
    while let Some(argument) = rest.next() {
        if argument == "--seconds" {
            let given = rest.next().and_then(|text| text.parse().ok()).filter(|seconds| *seconds > 0);
            seconds =
                given.context("--seconds needs a number\nhint: `cargo xtask fuzz orders --seconds 600`")?;
        } else {
            names.push(argument.as_str());
        }
    }
    Ok((names, seconds))
}

/// What a run saw.
struct Found {
    inputs: u64,
    before: u64,
    after: u64,
}

struct Targets {
    /// The crate.
    folder: PathBuf,
    /// Where all of it is built and kept.
    target: PathBuf,
    host: String,
    names: Vec<String>,
}

impl Targets {
    fn find(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.root.join("fuzz");
        let mut names = Vec::new();
        for file in fs::read_dir(folder.join("fuzz_targets"))? {
            let path = file?.path();
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
        names.sort();
        let version = process::output(Command::new("rustc").arg("-vV"))?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.context("rustc does not say for which host it builds")?.to_owned();
        Ok(Self { folder, target: workspace.target.join("fuzz"), host, names })
    }

    fn chosen(&self, names: &[&str]) -> Result<Vec<String>> {
        if let Some(unknown) = names.iter().find(|name| !self.names.iter().any(|known| known == **name)) {
            bail!("no fuzz target named {unknown}\nhint: the targets are {}", self.names.join(", "));
        }
        let is_chosen = |name: &&String| names.is_empty() || names.contains(&name.as_str());
        Ok(self.names.iter().filter(is_chosen).cloned().collect())
    }

    /// With a target named, the flags are for the targets alone and not for build scripts.
    fn build(&self) -> Result<()> {
        if std::env::var_os("CXX").is_none() && process::on_path("c++").is_none() {
            packages::install(&["g++"], "the C++ compiler for libFuzzer")?;
        }
        let mut cargo = Command::new(process::cargo());
        self.add_build(&mut cargo);
        process::run(&mut cargo)
    }

    /// Adds to a command what lets cargo build all targets.
    fn add_build(&self, cargo: &mut Command) {
        cargo.current_dir(&self.folder).args(["build", "--release", "--bins"]);
        cargo.args(["--target", &self.host, "--target-dir"]).arg(&self.target).env("RUSTFLAGS", FLAGS);
    }

    /// Runs a target on its seeds, what earlier runs have kept, and what it makes of both.
    fn run(&self, name: &str, seconds: u64, seed: Option<u32>) -> Result<Found> {
        let (corpus, found) = (self.target.join("corpus").join(name), self.target.join("found"));
        fs::create_dir_all(&corpus)?;
        fs::create_dir_all(&found)?;
        let binary = self.target.join(&self.host).join("release").join(name);
        let mut fuzzer = Command::new(&binary);
        fuzzer.arg(&corpus).arg(self.folder.join("seeds").join(name));
        fuzzer.arg(format!("-max_total_time={seconds}"));
        fuzzer.args(seed.map(|seed| format!("-seed={seed}")));
        fuzzer.args([
            "-max_len=2048",
            "-len_control=0",
            "-timeout=20",
            "-rss_limit_mb=2048",
            "-print_final_stats=1",
        ]);
        fuzzer.arg(format!("-artifact_prefix={}/{name}-", found.display()));
        let output = fuzzer.stdin(Stdio::null()).output().with_context(|| binary.display().to_string())?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with('#')).collect();
            let end = lines[lines.len().saturating_sub(40)..].join("\n");
            bail!(
                "{end}\nhint: try it again with `{} FILE`; when it is mended, keep the file in fuzz/seeds/{name}",
                binary.display()
            );
        }
        Self::count(&said)
    }

    /// Reads libFuzzer's report. Counters that are not there would make every run a success.
    fn count(said: &str) -> Result<Found> {
        let coverage = |line: &str| number_after(line, " cov: ");
        let before = said.lines().find(|line| line.contains("INITED")).and_then(coverage);
        let after = said.lines().rev().find_map(coverage);
        let inputs = said.lines().find_map(|line| number_after(line, "stat::number_of_executed_units:"));
        match (before, after, inputs) {
            (Some(before), Some(after), Some(inputs)) if before > 0 => Ok(Found { inputs, before, after }),
            _ => bail!("it ran without coverage:\n{said}"),
        }
    }
}

fn number_after(line: &str, label: &str) -> Option<u64> {
    line.split_once(label)?.1.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_counted() {
        let said = "#31\tINITED cov: 1200 ft: 9 corp: 30/4Kb\n#99\tREDUCE cov: 1300 ft: 10\nstat::number_of_executed_units: 4000\n";
        let found = Targets::count(said).unwrap();
        assert_eq!((found.inputs, found.before, found.after), (4000, 1200, 1300));
        assert!(Targets::count("INFO: no interesting inputs were found").is_err());
    }
}
