//! The scripts of the pages, bundled into `front/dist/`, which is committed: building Paddock needs no Node.js.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;
use crate::{node, process};

/// The bundles.
const FILES: [&str; 2] = ["app.js", "chart.js"];

/// Rebuilds the bundles.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    bundle(workspace, &workspace.root.join("front/dist"))
}

/// Checks that the committed bundles are what their sources give.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let fresh = workspace.root.join(".tools/front");
    bundle(workspace, &fresh)?;
    for name in FILES {
        let read = |dir: &Path| std::fs::read(dir.join(name)).with_context(|| name.to_owned());
        if read(&fresh)? != read(&workspace.root.join("front/dist"))? {
            bail!(
                "front/dist/{name} is not what its sources give\nhint: run `cargo xtask front` and commit it"
            );
        }
    }
    Ok(())
}

fn bundle(workspace: &Workspace, into: &Path) -> Result<()> {
    let bin = node::ensure(workspace, "front")?;
    let mut build = Command::new(bin.join("node"));
    build.current_dir(workspace.root.join("front")).arg("build.mjs").arg(into);
    process::run(&mut build)
}
