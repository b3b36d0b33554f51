//! The paper broker's section of the page.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;

use super::super::ROUNDS;
use super::super::load::Round;
use super::super::report::{machine, median, megabytes, micros, rate, ratio};
use super::{CONNECTIONS, Delivered, Findings};

/// The targets, on one core.
const ORDERS: f64 = 10_000.0;
const IN_PROCESS: f64 = 500_000.0;
const DELIVERED: f64 = 500_000.0;
/// About a million bars in two seconds.
const REPLAYED: f64 = 500_000.0;

/// One round in one line, to be seen while the rest runs.
pub(super) fn one_round(memory: &Round, journal: &Round, nginx: &Round) -> String {
    let [memory, journal, nginx] = [memory, journal, nginx].map(|round| micros(round.cpu_per_request));
    format!("CPU per order {memory}, with a journal {journal}, nginx {nginx}")
}

/// One delivery in one line.
pub(super) fn one_delivery(delivered: &Delivered) -> String {
    let Delivered { clients, messages, .. } = delivered;
    format!(
        "{clients} clients got {messages} messages, {:.0} for each second of CPU",
        per_second(*messages, delivered.cpu)
    )
}

/// The section.
pub(super) fn section(findings: &Findings, seconds: u32) -> Result<String> {
    let mut text = String::from(
        "`paddock paper serve` on one core. What it does is related to the processor time that it used, so that what else runs on the\n\
         machine counts little.\n\n",
    );
    writeln!(text, "{}\n", machine()?)?;
    writeln!(
        text,
        "Orders over HTTP: market orders of ten symbols by {CONNECTIONS} connections that are kept open, filled at once; medians of \
         {ROUNDS} rounds\nof {seconds} s. nginx answers a POST with a fixed text.\n"
    )?;
    writeln!(
        text,
        "| | CPU per order | orders per second of CPU | orders per second | p50 | p99 |\n|---|---:|---:|---:|---:|---:|"
    )?;
    let rounds =
        [("in memory", &findings.memory), ("with a journal", &findings.journal), ("nginx", &findings.nginx)];
    for (name, rounds) in rounds {
        let cpu = median(rounds, |round| round.cpu_per_request);
        writeln!(
            text,
            "| {name} | {} | {:.0} | {:.0} | {} | {} |",
            micros(cpu),
            per_second(1, cpu),
            rate(rounds, seconds),
            micros(median(rounds, |round| round.p50)),
            micros(median(rounds, |round| round.p99))
        )?;
    }
    let cpu = |rounds: &[Round]| median(rounds, |round| round.cpu_per_request);
    let (memory, journal) = (cpu(&findings.memory), cpu(&findings.journal));
    writeln!(
        text,
        "\nAn order takes {:.2} times the CPU of nginx's fixed answer, with a journal {:.2} times. {} resident after the start, {} after \
         all orders.\n",
        ratio(memory, cpu(&findings.nginx)),
        ratio(journal, cpu(&findings.nginx)),
        megabytes(findings.idle_memory),
        megabytes(findings.used_memory)
    )?;
    writeln!(text, "In process (`crates/paper/benches/paper.rs`), without HTTP and journal:\n")?;
    writeln!(text, "| | per second of CPU |\n|---|---:|")?;
    for (name, rate) in &findings.in_process {
        writeln!(text, "| {} | {rate:.0} |", name.replace('_', " "))?;
    }
    writeln!(
        text,
        "\nStreams: clients of `/v2/sip` that want every trade and quote, while time passes so fast that there is always more to tell.\n"
    )?;
    writeln!(
        text,
        "| clients | messages per second of CPU | messages per second | megabytes per second |\n|---:|---:|---:|---:|"
    )?;
    for one in &findings.streams {
        writeln!(
            text,
            "| {} | {:.0} | {:.0} | {:.1} |",
            one.clients,
            per_second(one.messages, one.cpu),
            per_second(one.messages, one.took),
            per_second(one.bytes, one.took) / 1e6
        )?;
    }
    let many = &findings.many;
    writeln!(
        text,
        "\n10,000 symbols with a day of minutes each, {:.1} million bars in one CSV file: {:.1} s from the process to the first answer, {} \
         resident\nafter it, {} after the day of every symbol was looked at.",
        many.bars as f64 / 1e6,
        many.start.as_secs_f64(),
        megabytes(many.idle),
        megabytes(many.used)
    )?;
    writeln!(text, "\n| target, on one core | found | |\n|---|---:|---|")?;
    let mut target = |name: &str, found: f64, least: f64| {
        writeln!(text, "| {name} | {found:.0} | {} |", if found >= least { "met" } else { "missed" })
    };
    target("10,000 orders a second over HTTP, in memory", per_second(1, memory), ORDERS)?;
    target("10,000 orders a second over HTTP, with a journal", per_second(1, journal), ORDERS)?;
    let found = |name: &str| {
        findings.in_process.iter().find(|(known, _)| known == name).map_or(0.0, |(_, rate)| *rate)
    };
    target("500,000 orders a second in process", found("orders"), IN_PROCESS)?;
    let replayed = "a year of minute bars of 10 symbols in 2 s: 500,000 bars a second";
    target(replayed, found("minute_bars_of_a_year"), REPLAYED)?;
    let many = findings.streams.last().map_or(0.0, |one| per_second(one.messages, one.cpu));
    target("500,000 stream messages a second to 100 clients", many, DELIVERED)?;
    Ok(text)
}

fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
