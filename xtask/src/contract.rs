//! schemathesis against the JSON API of a running Paddock: requests made from the OpenAPI document, well-formed and not, whose answers must be
//! those that the document promises.

use std::process::Command;

use anyhow::Result;

use crate::suites::{counted, fresh_report};
use crate::tally::Tally;
use crate::workspace::{Profile, Workspace};
use crate::{build, junit, process, python};

/// Sets up schemathesis and runs it.
pub(crate) fn suite(workspace: &Workspace) -> Result<Tally> {
    let bin = python::environment(workspace, "venv-api", "e2e/api/requirements.txt")?;
    let binary = build::binary_under_test(workspace, Profile::Debug)?;
    let report = fresh_report(workspace.target.join("e2e/api.xml"))?;
    let mut pytest = Command::new(bin.join("python"));
    pytest.current_dir(workspace.root.join("e2e/api")).args(["-m", "pytest", "--quiet"]);
    pytest.arg("--junitxml").arg(&report).env("PADDOCK_BIN", binary).env("PYTHONDONTWRITEBYTECODE", "1");
    counted(process::run(&mut pytest), junit::read(&report))
}
