//! The Python environments of the tests: one for each file of requirements, under `.tools/`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{packages, process};

/// The environment of the archived client, and what is in it.
pub(crate) const ARCHIVED: &str = "venv-alpaca-trade-api";
pub(crate) const ARCHIVED_REQUIREMENTS: &str = "e2e/clients/alpaca-trade-api/requirements.txt";

/// The environment of the tests that use alpaca-py, and of tools that come as wheels.
pub(crate) fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    environment(workspace, "venv", "e2e/python/requirements.txt")
}

/// Sets up the environment of that name unless it is already as the requirements say, and returns its `bin` directory.
pub(crate) fn environment(workspace: &Workspace, name: &str, requirements: &str) -> Result<PathBuf> {
    let venv = workspace.tools.join(name);
    let (bin, stamp) = (venv.join("bin"), venv.join("paddock-requirements"));
    let requirements = workspace.root.join(requirements);
    let wanted =
        std::fs::read_to_string(&requirements).with_context(|| requirements.display().to_string())?;
    // The environment links to the interpreter that made it, which an upgrade may have taken away.
    let works = process::succeeds(Command::new(bin.join("python")).args(["-c", "import pip"]));
    if works && std::fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(bin);
    }
    if !process::succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"])) {
        packages::install(&["python3", "python3-venv"], "Python 3 with venv")?;
    }
    println!("setting up {}", venv.display());
    process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    pip_install(&bin, &["-r", &requirements.to_string_lossy()])?;
    std::fs::write(&stamp, wanted)?;
    Ok(bin)
}

/// Installs into the environment whose `bin` directory is given.
pub(crate) fn pip_install(bin: &std::path::Path, arguments: &[&str]) -> Result<()> {
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    process::run(Command::new(bin.join("python")).args(pip).args(arguments))
}
