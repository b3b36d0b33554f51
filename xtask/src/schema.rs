//! What the tests were answered, held against Alpaca's own OpenAPI documents where a machine has them.
//!
//! The documents are Alpaca's and not part of this repository. They are looked for as `trading.openapi.yaml` and
//! `data.openapi.yaml` in `shared/reference` beside the checkout.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::suites::{counted, fresh_report};
use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{junit, process, python};

/// Where a paper broker in a test records its exchanges: the tests' own and the binary both look at it.
const RECORD_VARIABLE: &str = "PADDOCK_RECORD_EXCHANGES";

/// The directory of the documents, if both are there.
fn documents(workspace: &Workspace) -> Option<PathBuf> {
    let directory = workspace.root.parent()?.join("shared/reference");
    let has = |name: &str| directory.join(name).is_file();
    (has("trading.openapi.yaml") && has("data.openapi.yaml")).then_some(directory)
}

fn records(workspace: &Workspace) -> PathBuf {
    workspace.target.join("exchanges")
}

/// Lets what a suite runs record its exchanges anew, if they can be checked afterwards.
pub(crate) fn record(workspace: &Workspace, suite: &str, command: &mut Command) -> Result<()> {
    if documents(workspace).is_none() {
        return Ok(());
    }
    fs::create_dir_all(records(workspace))?;
    let file = records(workspace).join(suite).with_extension("jsonl");
    if file.exists() {
        fs::remove_file(&file)?;
    }
    command.env(RECORD_VARIABLE, file);
    Ok(())
}

/// The suite: checks all that the last run of each other suite recorded.
pub(crate) fn suite(workspace: &Workspace) -> Result<Tally> {
    let Some(documents) = documents(workspace) else {
        println!("skipped: no OpenAPI files in ../shared/reference");
        return Ok(Tally::default());
    };
    let mut files = Vec::new();
    if let Ok(directory) = fs::read_dir(records(workspace)) {
        for entry in directory {
            files.push(entry?.path());
        }
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    if files.is_empty() {
        bail!(
            "nothing is recorded\nhint: run the other suites first, such as `cargo xtask test rust schema`"
        );
    }
    let bin = python::ensure(workspace)?;
    let report = fresh_report(workspace.target.join("e2e/schema.xml"))?;
    let mut check = Command::new(bin.join("python"));
    check.arg(workspace.root.join("e2e/schema/check.py")).arg(documents).arg(&report).args(files);
    counted(process::run(check.env("PYTHONDONTWRITEBYTECODE", "1")), junit::read(&report))
}
