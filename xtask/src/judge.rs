//! The judges: official clients of the services that consumers write to, run against their fakes. They must succeed there, and send what Paddock sends.
//! Those that come from PyPI in seconds are a test suite; `cargo xtask judge` runs all, and keeps the table of who judged what.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::suites::{counted, fresh_report};
use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{junit, node, process, python};

const PAGE: &str = "docs/consumers.md";
const START: &str = "<!-- judges: written by `cargo xtask judge --write` -->\n";
const END: &str = "<!-- end of judges -->\n";

/// Consumer, client, its version, and what was judged.
type Row = (String, String, String, String);

/// The suite of the test command: the judges whose clients are small.
pub(crate) fn suite(workspace: &Workspace) -> Result<Tally> {
    let report = fresh_report(workspace.target.join("e2e/judges.xml"))?;
    let mut pytest = pytest(workspace, &report)?;
    pytest.args(["-m", "not large"]);
    counted(process::run(&mut pytest), junit::read(&report))
}

/// Sets up all clients, lets them judge, prints the table, and keeps it when asked to.
pub(crate) fn judge(workspace: &Workspace, arguments: &[String]) -> Result<ExitCode> {
    let write = match arguments {
        [] => false,
        [word] if word == "--write" => true,
        _ => bail!("`cargo xtask judge` takes nothing but --write"),
    };
    let node = node::ensure_new(workspace, "e2e/judges")?;
    let judged = fresh_report(workspace.target.join("e2e/judged.json"))?;
    let report = fresh_report(workspace.target.join("e2e/judges-all.xml"))?;
    let mut pytest = pytest(workspace, &report)?;
    pytest.arg("-rs").env("PADDOCK_JUDGED", &judged);
    process::prepend_path(&mut pytest, &node)?;
    let tally = counted(process::run(&mut pytest), junit::read(&report))?;
    let text = fs::read_to_string(&judged).context("the judges left no table")?;
    let table = table(&serde_json::from_str::<Vec<Row>>(&text)?);
    println!("\n{table}\n{tally}");
    if write {
        let page = workspace.root.join(PAGE);
        let text = fs::read_to_string(&page).with_context(|| page.display().to_string())?;
        fs::write(&page, replaced(&text, &table)?)?;
    }
    Ok(if tally.failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// pytest in the folder of the judges, with the fakes and our deliveries built for it.
fn pytest(workspace: &Workspace, report: &Path) -> Result<Command> {
    let python = python::environment(workspace, "venv-judges", "e2e/judges/requirements.txt")?;
    // Of the whole workspace, as the Rust tests are: what these have compiled is not compiled again with fewer features.
    let build = ["build", "--workspace", "--bin", "paddock-fakes", "--example", "deliver"];
    process::run(&mut workspace.cargo(&build))?;
    let mut pytest = Command::new(python.join("python"));
    pytest.current_dir(workspace.root.join("e2e/judges")).args(["-m", "pytest", "--quiet"]);
    pytest.arg("--junitxml").arg(report).env("PYTHONDONTWRITEBYTECODE", "1");
    pytest.env("PADDOCK_FAKES", workspace.target.join("debug/paddock-fakes"));
    pytest.env("PADDOCK_DELIVER", workspace.target.join("debug/examples/deliver"));
    Ok(pytest)
}

fn table(rows: &[Row]) -> String {
    let mut table = "| consumer | client | version | what was judged |\n|---|---|---|---|\n".to_owned();
    for (consumer, client, version, what) in rows {
        table += &format!("| {consumer} | {client} | {version} | {what} |\n");
    }
    table
}

/// The page with the table between its marks.
fn replaced(page: &str, table: &str) -> Result<String> {
    let (before, rest) = page.split_once(START).with_context(|| format!("{PAGE} lacks the line {START}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("{PAGE} lacks the line {END}"))?;
    Ok(format!("{before}{START}\n{table}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let page = format!("# Page\n{START}old\n{END}rest\n");
        let [consumer, client, version, what] = ["Heroku", "heroku", "1", "sets"].map(str::to_owned);
        let new = replaced(&page, &table(&[(consumer, client, version, what)])).unwrap();
        assert!(new.starts_with("# Page\n") && new.ends_with("rest\n") && !new.contains("old"));
        assert!(new.contains("| Heroku | heroku | 1 | sets |"));
        assert_eq!(replaced(&new, "").unwrap(), replaced(&page, "").unwrap());
        assert!(replaced("# Page\n", "").is_err());
    }
}
