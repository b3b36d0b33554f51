//! `cargo xtask ci`: everything that must hold before a change is taken.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::clients::Keeping;
use crate::workspace::Workspace;
use crate::{deny, front, fuzz, process, suites};

/// Runs every check to its end, so that one run shows all that is wrong; the last line is the sum over the test suites.
pub(crate) fn ci(workspace: &Workspace) -> ExitCode {
    let started = Instant::now();
    let mut failed = Vec::new();
    step(&mut failed, "format", || process::run(&mut workspace.cargo(&["fmt", "--all", "--check"])));
    step(&mut failed, "format of the fuzz targets", || {
        process::run(&mut workspace.cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))
    });
    step(&mut failed, "walls", || deny::check(workspace));
    step(&mut failed, "scripts of the pages", || front::check(workspace));
    step(&mut failed, "lints", || {
        let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        process::run(&mut workspace.cargo(&clippy))
    });
    let (mut tally, mut building) = (None, None);
    step(&mut failed, "tests", || {
        let (computing, waiting) = suites::by_work();
        let mut outcome = suites::run(workspace, &computing, Keeping::Check);
        // They leave time of the processor unused: the fuzz targets are built in it.
        building = fuzz::build_beside(workspace).ok();
        outcome += suites::run(workspace, &waiting, Keeping::Check);
        tally = Some(outcome);
        if outcome.failed > 0 { bail!("{outcome}") } else { Ok(()) }
    });
    step(&mut failed, "fuzz", || fuzz::fuzz_alike(workspace));
    drop(building);
    step(&mut failed, "documentation", || {
        let doc = ["doc", "--workspace", "--no-deps"];
        process::run(workspace.cargo(&doc).env("RUSTDOCFLAGS", "-D warnings"))
    });
    println!("\nall steps took {:.0?}", started.elapsed());
    if !failed.is_empty() {
        println!("failed: {}", failed.join(", "));
    }
    println!("{}", tally.unwrap_or_default());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn step(failed: &mut Vec<&'static str>, name: &'static str, act: impl FnOnce() -> Result<()>) {
    println!("\n== {name}");
    let started = Instant::now();
    let verdict = match act() {
        Ok(()) => "ok",
        Err(error) => {
            eprintln!("error: {error:#}");
            failed.push(name);
            "failed"
        }
    };
    println!("== {name}: {verdict} in {:.1?}", started.elapsed());
}
