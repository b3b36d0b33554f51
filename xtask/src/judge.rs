//! `cargo xtask judge`: the official clients of the services that consumers write to, run against their fakes. They must succeed there, and send what
//! Paddock sends. They take longer to install than the tests should need, so that this is a command of its own.

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::suites::{counted, fresh_report};
use crate::workspace::Workspace;
use crate::{junit, node, process, python};

const PAGE: &str = "docs/consumers.md";
const START: &str = "<!-- judges: written by `cargo xtask judge --write` -->\n";
const END: &str = "<!-- end of judges -->\n";

/// Consumer, client, its version, and what was judged.
type Row = (String, String, String, String);

/// Sets up the clients, lets them judge, prints the table, and keeps it when asked to.
pub(crate) fn judge(workspace: &Workspace, arguments: &[String]) -> Result<ExitCode> {
    let write = match arguments {
        [] => false,
        [word] if word == "--write" => true,
        _ => bail!("`cargo xtask judge` takes nothing but --write"),
    };
    let python = python::environment(workspace, "venv-judges", "e2e/judges/requirements.txt")?;
    let node = node::ensure(workspace, "e2e/judges")?;
    process::run(&mut workspace.cargo(&["build", "-p", "paddock-fakes"]))?;
    process::run(&mut workspace.cargo(&["build", "-p", "paddock-rotate", "--example", "deliver"]))?;
    let judged = fresh_report(workspace.target.join("e2e/judged.json"))?;
    let report = fresh_report(workspace.target.join("e2e/judges.xml"))?;
    let mut pytest = Command::new(python.join("python"));
    pytest.current_dir(workspace.root.join("e2e/judges")).args(["-m", "pytest", "--quiet", "-rs"]);
    pytest.arg("--junitxml").arg(&report).env("PADDOCK_JUDGED", &judged).env("PYTHONDONTWRITEBYTECODE", "1");
    pytest.env("PADDOCK_FAKES", workspace.target.join("debug/paddock-fakes"));
    pytest.env("PADDOCK_DELIVER", workspace.target.join("debug/examples/deliver"));
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
