//! Building and running the product.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::workspace::{Profile, Workspace};

/// `cargo xtask build [--release]`.
pub(crate) fn build(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let (profile, rest) = profile_of(arguments);
    if let Some(unknown) = rest.first() {
        bail!("build takes no argument {unknown}\nhint: `cargo xtask build [--release]`");
    }
    println!("built {}", binary(workspace, profile)?.display());
    Ok(())
}

/// `cargo xtask demo [--release] [ARGS]`: becomes `paddock demo ARGS`, so that Ctrl-C and the exit status are its own.
pub(crate) fn demo(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let (profile, rest) = profile_of(arguments);
    let binary = binary(workspace, profile)?;
    let error = Command::new(&binary).arg("demo").args(rest).exec();
    Err(error).with_context(|| format!("cannot start {}", binary.display()))
}

/// Builds `paddock` and returns where it is.
fn binary(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let mut cargo = workspace.cargo(&["build", "--package", "paddock-app", "--bin", "paddock"]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    process::run(&mut cargo)?;
    Ok(workspace.binary(profile))
}

/// The `paddock` under test: the one that `PADDOCK_BIN` names, such as a released one, or else a build of this tree.
pub(crate) fn binary_under_test(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    match std::env::var_os("PADDOCK_BIN") {
        Some(given) => std::path::absolute(&given).context("PADDOCK_BIN is no path"),
        None => binary(workspace, profile),
    }
}

/// Takes `--release` out of the arguments, wherever it is.
fn profile_of(arguments: &[String]) -> (Profile, Vec<&String>) {
    let (release, rest): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| *argument == "--release");
    (if release.is_empty() { Profile::Debug } else { Profile::Release }, rest)
}
