//! Alpaca's clients, unmodified, through every entrance of the gateway: each in an environment of its own, because they want
//! different versions of what they depend on.

use std::process::Command;

use anyhow::Result;

use crate::suites::{counted, fresh_report};
use crate::tally::Tally;
use crate::workspace::{Profile, Workspace};
use crate::{build, junit, node, process, python, schema};

/// Sets up the clients and runs their tests.
pub(crate) fn suite(workspace: &Workspace) -> Result<Tally> {
    let bin = python::ensure(workspace)?;
    let archived = python::environment(workspace, python::ARCHIVED, python::ARCHIVED_REQUIREMENTS)?;
    let mcp = python::environment(workspace, "venv-mcp", "e2e/entrances/requirements-mcp.txt")?;
    let node = node::ensure(workspace, "e2e/js")?;
    let proxied_node = node::with_proxy_support(workspace)?;
    let binary = build::binary_under_test(workspace, Profile::Debug)?;
    let report = fresh_report(workspace.target.join("e2e/entrances.xml"))?;
    let mut pytest = Command::new(bin.join("python"));
    pytest.current_dir(workspace.root.join("e2e/entrances")).args(["-m", "pytest", "--quiet"]);
    pytest.arg("--junitxml").arg(&report).env("PADDOCK_BIN", binary).env("PYTHONDONTWRITEBYTECODE", "1");
    pytest.env("PADDOCK_TEST_ALPACA_TRADE_API", archived.join("python"));
    pytest.env("PADDOCK_TEST_MCP", mcp.join("python"));
    pytest.env("PADDOCK_TEST_NODE", node.join("node"));
    pytest.env("PADDOCK_TEST_PROXIED_NODE", proxied_node);
    schema::record(workspace, "entrances", &mut pytest)?;
    counted(process::run(&mut pytest), junit::read(&report))
}
