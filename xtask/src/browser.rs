//! A real browser that walks every page: Debian's Chromium, with a running `paddock` and a program that uses alpaca-py.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::clients::Keeping;
use crate::suites::{counted, fresh_report};
use crate::tally::Tally;
use crate::workspace::{Profile, Workspace};
use crate::{build, junit, node, packages, process, python, schema};

pub(crate) const PROJECT: &str = "e2e/browser";

/// Where the pictures of the pages are kept.
const SCREENS: &str = "docs/screens";

/// What Chromium is called, on Debian first.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Sets up the browser and runs its tests. Pictures of the pages are taken to be kept, and not otherwise: they differ in every run by
/// what the time is.
pub(crate) fn suite(workspace: &Workspace, keeping: Keeping) -> Result<Tally> {
    let (node, chromium) = programs(workspace)?;
    let python = python::ensure(workspace)?;
    let binary = build::binary_under_test(workspace, Profile::Debug)?;
    let report = fresh_report(workspace.target.join("e2e/browser.xml"))?;
    let mut runner = Command::new(node.join("node"));
    runner.current_dir(workspace.root.join(PROJECT)).args(node::test_arguments(&report, &[]));
    runner.env("PADDOCK_BIN", binary);
    runner.env("PADDOCK_TEST_CHROMIUM", chromium);
    runner.env("PADDOCK_TEST_PYTHON", python.join("python"));
    if keeping == Keeping::Write {
        runner.env("PADDOCK_SCREENS", workspace.root.join(SCREENS));
    }
    schema::record(workspace, "browser", &mut runner)?;
    counted(process::run(&mut runner), junit::read(&report))
}

/// The directory of Node.js, with the packages that drive the browser, and the browser.
pub(crate) fn programs(workspace: &Workspace) -> Result<(PathBuf, PathBuf)> {
    let chromium = chromium()?;
    Ok((node::ensure(workspace, PROJECT)?, chromium))
}

/// The browser of this machine, which is installed where there is none.
fn chromium() -> Result<PathBuf> {
    let found = || NAMES.iter().find_map(|name| process::on_path(name));
    if let Some(chromium) = found() {
        return Ok(chromium);
    }
    packages::install(&["chromium", "fonts-inter"], "Chromium")?;
    match found() {
        Some(chromium) => Ok(chromium),
        None => bail!("Chromium is missing\nhint: put `chromium` on PATH, then run this again"),
    }
}
