//! What a person who has never heard of Paddock sees.

use serde_json::Value;

use super::report::{Report, Step};
use super::stage::Stage;
use crate::audit_line;
use crate::failure::Outcome;
use crate::output::Output;
use crate::table;

/// Tells the demo as it goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Story {
    output: Output,
}

impl Story {
    pub(crate) const fn new(output: Output) -> Self {
        Self { output }
    }

    /// One line.
    pub(crate) fn line(&self, text: &str) -> Outcome {
        self.output.text(&format!("{text}\n"))
    }

    /// The opening.
    pub(super) fn opening(&self) -> Outcome {
        let paint = self.output.paint();
        self.line(&format!(
            "{}\n\
             Paddock keeps the key of a brokerage account and hands out access keys that open only what you allow.\n\
             Here a bot buys Apple shares on a paper broker with such a key, and is stopped when it wants more.",
            paint.bold("Paddock demo")
        ))
    }

    /// A heading.
    pub(super) fn heading(&self, text: &str) -> Outcome {
        self.line(&format!("\n{}", self.output.paint().bold(text)))
    }

    /// A part that is ready.
    pub(super) fn ready(&self, what: &str, text: &str) -> Outcome {
        self.line(&format!("  {}  {what:<13} {text}", self.output.paint().good("ok")))
    }

    /// A step of the main job.
    pub(super) fn step(&self, number: usize, step: &Step) -> Outcome {
        let paint = self.output.paint();
        let mark = if step.ok { paint.good("ok") } else { paint.bad("!!") };
        self.line(&format!("  {mark}  {number}. {:<30} {}", step.name, step.happened))
    }

    /// What the account holds and what was recorded.
    pub(super) fn outcome(&self, report: &Report) -> Outcome {
        let text = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
        self.heading("What the account holds now")?;
        let positions = report.positions.iter().map(|position| {
            ["symbol", "qty", "avg_entry_price", "market_value"].map(|field| text(&position[field])).to_vec()
        });
        self.line(&indent(&table::columns(&["SYMBOL", "QTY", "AVERAGE PRICE", "MARKET VALUE"], positions)))?;
        let whole = if report.chain_is_whole { "the chain is whole" } else { "THE CHAIN IS BROKEN" };
        self.heading(&format!("What Paddock recorded ({} audit records, {whole})", report.records.len()))?;
        let records = report.records.iter().map(|record| audit_line::row(record, &report.names));
        self.line(&indent(&table::columns(&["SEQ", "TIME", "WHO", "EVENT", "WHAT"], records)))
    }

    /// What to paste, and how it goes on.
    pub(crate) fn paste(&self, stage: &Stage) -> Outcome {
        let paint = self.output.paint();
        self.heading("Use it yourself: paste these into another terminal, with any Alpaca client")?;
        for snippet in paddock_web::snippets(&stage.gateway, &stage.key_id, stage.secret_key.expose()) {
            self.line(&format!(
                "\n{}\n{}",
                paint.dim(&format!("# {}", snippet.title)),
                snippet.text.trim_end()
            ))?;
        }
        self.heading("Look at it")?;
        let (program, dir) = (crate::program::name(), stage.dir.path().display());
        self.line(&format!(
            "  {}\n\
             \x20   connections, access keys and requests, live; this link signs you in as the demo's owner\n\
             \x20   a page that asks once more who you are is answered by opening the link again: that counts as a proof\n\
             \x20 {program} --data-dir {dir} audit list\n\
             \x20 {program} --data-dir {dir} key create NAME --connection demo --preset trader\n\n\
             Ctrl-C ends the demo.",
            paint.bold(stage.sign_in.expose())
        ))
    }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
