//! Many keys and sockets for minutes while much goes wrong at the broker: `e2e/soak/main.py`, which also says what was wrong.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::report::{machine, megabytes};
use crate::python;
use crate::workspace::Workspace;

const KEYS: u32 = 1000;
const SOCKETS: u32 = 500;

/// Runs it for that long and writes the section of the page. Anything that was wrong is an error.
pub(super) fn section(workspace: &Workspace, binary: &Path, minutes: u32) -> Result<String> {
    let python = python::ensure(workspace)?.join("python");
    let mut soak = Command::new(python);
    soak.arg(workspace.root.join("e2e/soak/main.py")).arg("--patient");
    soak.args(["--seconds", &(minutes * 60).to_string()]);
    soak.args(["--keys", &KEYS.to_string(), "--sockets", &SOCKETS.to_string()]);
    soak.env("PADDOCK_BIN", binary).stdin(Stdio::null()).stderr(Stdio::inherit());
    println!("soaking for {minutes} minutes");
    let output = soak.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("the soak found something wrong:\n{text}");
    }
    let found: Value = serde_json::from_str(&text).with_context(|| format!("the soak printed {text}"))?;
    report(&found, minutes)
}

fn report(found: &Value, minutes: u32) -> Result<String> {
    let mut text = format!(
        "{KEYS} access keys of ten accounts and {SOCKETS} sockets for {minutes} minutes, half of them trade updates and half market data, while \
         programs place\norders, cancel and read, and the broker is late, answers with errors before and after it has acted, drops and hangs \
         connections, and cuts all\nstreams off. At the end the broker's book, Paddock's reservations, what every socket heard, and the audit \
         chain must agree.\n\n"
    );
    writeln!(text, "{}\n\n| | |\n|---|---:|", machine()?)?;
    let number = |name: &str| found[name].as_u64().unwrap_or_default();
    let faults: u64 =
        found["faults"].as_object().map_or(0, |fired| fired.values().filter_map(Value::as_u64).sum());
    for (name, count) in [
        ("requests", number("requests")),
        ("orders sent", number("orders_sent")),
        ("orders in the broker's book", number("orders_in_book")),
        ("faults that fired", faults),
        ("messages on sockets", number("messages")),
        ("gaps that sockets were told of", number("gaps")),
        ("orders lost, doubled, or charged otherwise than the book says", 0),
        ("trade updates missed without a gap that says so", 0),
    ] {
        writeln!(text, "| {name} | {count} |")?;
    }
    let (warm, end) = (megabytes(number("memory_warm")), megabytes(number("memory_end")));
    writeln!(text, "| resident after the first fifth | {warm} |\n| resident at the end | {end} |")?;
    writeln!(
        text,
        "\nMemory counts as flat when the end is at most 15 % and 24 MiB above the most of the first fifth."
    )?;
    Ok(text)
}
