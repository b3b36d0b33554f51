//! The section of the page about streams.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;

use super::super::report::machine;
use super::{FOLLOWS, Found, PROGRAMS, Step};

/// The target: messages delivered in a second.
const DELIVERED: f64 = 1_000_000.0;

/// One rate in one line, to be seen while the rest runs.
pub(super) fn one_step(per_frame: u32, step: &Step) -> String {
    format!(
        "{per_frame} a frame, {} sent a second: {:.0} delivered, {:.0} for each second of CPU, {} programs cut off",
        step.rate,
        step.delivered(),
        step.per_cpu(),
        step.heard.lost
    )
}

/// The section.
pub(super) fn section(found: &[Found], time: Duration) -> Result<String> {
    let mut text = format!(
        "One data stream of the broker's to {PROGRAMS} programs that want all of it: the gateway beside a plain asyncio relay\n\
         (`xtask/src/bench/fan_out/relay.py`), in turn. What the broker sends rises until less than {:.0} % of it arrives or a program is cut \
         off.\nBroker, programs and what is measured share the machine.\n\n",
        FOLLOWS * 100.0
    );
    writeln!(text, "{}\n\n{:.0} s at each rate.\n", machine()?, time.as_secs_f64())?;
    writeln!(
        text,
        "| messages in a frame | | highest rate that was followed | delivered a second | delivered for each second of CPU |\n\
         |---:|---|---:|---:|---:|"
    )?;
    let mut best = 0.0_f64;
    for Found { per_frame, gateway, relay } in found {
        for (name, steps) in [("gateway", gateway), ("relay", relay)] {
            let Some(highest) = steps.iter().rfind(|step| step.follows()) else {
                writeln!(text, "| {per_frame} | {name} | none | | |")?;
                continue;
            };
            writeln!(
                text,
                "| {per_frame} | {name} | {} | {:.0} | {:.0} |",
                highest.rate,
                highest.delivered(),
                highest.per_cpu()
            )?;
            if name == "gateway" {
                best = best.max(highest.delivered());
            }
        }
    }
    let verdict = if best >= DELIVERED { "met" } else { "missed" };
    writeln!(
        text,
        "\n| target | found | |\n|---|---:|---|\n| 1,000,000 messages a second delivered to {PROGRAMS} programs | {best:.0} | {verdict} |"
    )?;
    Ok(text)
}
