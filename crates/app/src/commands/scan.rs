//! `paddock scan`: finds Alpaca's key pairs where they should not be.

mod finding;
mod git;
mod known;
mod rotate;
mod sarif;
mod verify;
mod walk;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use paddock_core::scan::{self, GITLEAKS_RULES};
use serde_json::{Value, json};

use self::finding::Finding;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::note;
use crate::paint::Paint;

#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 when nothing was found, 3 when something was, 1 when it could not look everywhere.
A line with `paddock:allow` in it is left out. What is found is shown by its first four characters and is sent nowhere,
but with --verify, and to your own Paddock, which knows its own pairs by their fingerprints.")]
pub(crate) struct ScanArgs {
    /// Files and folders to look through; with --git, the repository [default: where you are]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Look through everything that the git repository has ever held, commit messages included, and not at files
    #[arg(long, conflicts_with = "staged")]
    git: bool,
    /// Look through what is staged for the next commit: for a pre-commit hook
    #[arg(long)]
    staged: bool,
    /// Leave out files and folders of this name; may be given several times
    #[arg(long, value_name = "NAME")]
    exclude: Vec<String>,
    /// Ask Alpaca whether each pair that was found still works: sends it there
    #[arg(long)]
    verify: bool,
    /// Plan and start the rotation of each connection whose present pair was found; new orders are held back from then on
    #[arg(long, conflicts_with = "staged")]
    rotate: bool,
    /// With --rotate: the ticket under which live pairs are replaced
    #[arg(long, value_name = "TICKET", requires = "rotate")]
    ticket: Option<String>,
    /// How the result is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Print the same rules for gitleaks, and look at nothing
    #[arg(long)]
    gitleaks_rules: bool,
}

/// How the result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON document, as with --json.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

pub(crate) async fn run(args: ScanArgs, context: &Context) -> Outcome {
    if args.gitleaks_rules {
        return context.output.bytes(GITLEAKS_RULES.as_bytes());
    }
    let (verify, rotate, ticket) = (args.verify, args.rotate, args.ticket.clone());
    let format =
        if context.output.is_json() && args.format == Format::Text { Format::Json } else { args.format };
    // Reading files and waiting for git would hold up the runtime's threads.
    let looked = tokio::task::spawn_blocking(move || look(&args));
    let Looked { mut findings, skipped } = looked.await.map_err(Failure::cannot("look"))??;
    known::compare(&mut findings, context).await;
    if verify {
        verify::ask(&mut findings, context).await?;
    }
    if rotate {
        rotate::begin(&mut findings, ticket.as_deref(), context).await?;
    }
    match format {
        Format::Text => context.output.text(&text(&findings, context.output.paint()))?,
        Format::Json => {
            context.output.document(&json!({ "findings": views(&findings), "skipped": skipped }))?
        }
        Format::Sarif => context.output.document(&sarif::document(&findings))?,
    }
    for what in &skipped {
        note(&format!("not looked at: {what}"));
    }
    match (findings.len(), skipped.len()) {
        (0, 0) => {
            note("nothing was found");
            Ok(())
        }
        (0, left) => Err(Failure::new(format!("nothing was found, and {left} files could not be looked at"))
            .hint("see above which; leave out what may be left out with `--exclude NAME`")),
        (count, _) => {
            let things = if count == 1 { "1 thing was".to_owned() } else { format!("{count} things were") };
            let hint =
                "replace each pair at Alpaca: whoever has seen it can use it, also when the file is gone";
            Err(Failure::refused(format!("{things} found")).code("leaks_found").hint(hint))
        }
    }
}

/// What was seen.
struct Looked {
    findings: Vec<Finding>,
    /// What could not be looked at, and why.
    skipped: Vec<String>,
}

fn look(args: &ScanArgs) -> Outcome<Looked> {
    let here = [PathBuf::from(".")];
    let paths = if args.paths.is_empty() { &here[..] } else { &args.paths };
    let mut looked = Looked { findings: Vec::new(), skipped: Vec::new() };
    for path in paths {
        if args.git {
            git::history(path, &args.exclude, &mut looked)?;
        } else if args.staged {
            git::staged(path, &args.exclude, &mut looked)?;
        } else {
            walk::files(path, &args.exclude, &mut looked)?;
        }
    }
    Ok(looked)
}

/// Looks at bytes that may be text. Others have no lines and hold nothing that people wrote.
fn leaks(bytes: &[u8]) -> Vec<scan::Leak> {
    if let Some(text) = of_utf16(bytes) {
        return scan::scan(&text);
    }
    if !scan::worth_a_look(bytes) || bytes.iter().take(8000).any(|byte| *byte == 0) {
        return Vec::new();
    }
    scan::scan(&String::from_utf8_lossy(bytes))
}

/// What `>` writes in the PowerShell that comes with Windows: UTF-16, which begins with a mark of its order.
fn of_utf16(bytes: &[u8]) -> Option<String> {
    let unit: fn([u8; 2]) -> u16 = match bytes.get(..2)? {
        [0xff, 0xfe] => u16::from_le_bytes,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return None,
    };
    let units: Vec<u16> =
        bytes.chunks_exact(2).skip(1).filter_map(|two| two.try_into().ok()).map(unit).collect();
    Some(String::from_utf16_lossy(&units))
}

fn views(findings: &[Finding]) -> Vec<Value> {
    findings.iter().map(Finding::view).collect()
}

fn text(findings: &[Finding], paint: Paint) -> String {
    findings.iter().map(|finding| finding.text(paint)).collect()
}
