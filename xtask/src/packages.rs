//! Installing what the operating system has packages for.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// Installs Debian packages, as root or by a `sudo` that asks nothing. Where neither can be, the error names the
/// command that a person has to run.
pub(crate) fn install(packages: &[&str], what: &str) -> Result<()> {
    let list = packages.join(" ");
    if process::on_path("apt-get").is_none() {
        bail!("{what} is missing\nhint: install it with this system's package manager (on Debian: {list})");
    }
    let prefix: &[&str] = if is_root()? {
        &[]
    } else if process::succeeds(Command::new("sudo").args(["-n", "true"])) {
        &["sudo", "-n"]
    } else {
        bail!("{what} is missing\nhint: run `sudo apt-get install -y {list}`");
    };
    println!("installing {what}: apt-get install {list}");
    let apt = |arguments: &[&str]| {
        let mut words =
            prefix.iter().chain(&["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]).chain(arguments);
        let mut command = Command::new(words.next().copied().unwrap_or("env"));
        command.args(words);
        command
    };
    let mut install = vec!["install", "-y", "-qq", "--no-install-recommends"];
    install.extend(packages);
    // Fresh containers have no package lists at all, and old lists name packages that are gone: refresh, then retry.
    if process::run(&mut apt(&install)).is_err() {
        process::run(&mut apt(&["update", "-qq"]))?;
        process::run(&mut apt(&install)).with_context(|| format!("{what} could not be installed"))?;
    }
    Ok(())
}

/// Whether this process runs as root.
pub(crate) fn is_root() -> Result<bool> {
    Ok(process::output(Command::new("id").arg("-u"))?.trim() == "0")
}
