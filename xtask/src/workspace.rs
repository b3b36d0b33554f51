//! Where things are.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// The directories of this project.
pub(crate) struct Workspace {
    /// The repository's root.
    pub(crate) root: PathBuf,
    /// Cargo's target directory.
    pub(crate) target: PathBuf,
    /// What xtask sets up for itself; ignored by git and safe to delete.
    pub(crate) tools: PathBuf,
}

/// Cargo's two profiles that xtask builds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Debug,
    Release,
}

impl Workspace {
    /// Finds this workspace, honouring every way to set cargo's target directory.
    pub(crate) fn find() -> Result<Self> {
        // Cargo tells at run time; the place of the build serves when the program is started without cargo.
        let manifest =
            std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).parent().context("xtask has no parent directory")?.to_path_buf();
        let metadata = process::output(Command::new(process::cargo()).current_dir(&root).args([
            "metadata",
            "--format-version=1",
            "--no-deps",
        ]))?;
        let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
        let target =
            metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
        let (target, tools) = (PathBuf::from(target), root.join(".tools"));
        Ok(Self { root, target, tools })
    }

    /// The `paddock` binary of that profile.
    pub(crate) fn binary(&self, profile: Profile) -> PathBuf {
        let folder = match profile {
            Profile::Debug => "debug",
            Profile::Release => "release",
        };
        self.target.join(folder).join("paddock")
    }

    /// A cargo command that runs in the root.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(process::cargo());
        command.current_dir(&self.root).args(arguments);
        command
    }
}
