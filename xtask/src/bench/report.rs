//! The table.

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::load::Round;
use super::{Findings, Loads, ROUNDS, haproxy, nginx};
use crate::process;

/// The targets, as they were set when the gateway was planned.
const CPU_RATIO: f64 = 1.5;
const IDLE_MEMORY: u64 = 64 * 1024 * 1024;
const START: Duration = Duration::from_millis(200);

/// One round in one line, to be seen while the rest runs.
pub(super) fn one_round(gateway: &Round, nginx: &Round, haproxy: &Round) -> String {
    let [gateway, nginx, haproxy] = [gateway, nginx, haproxy].map(|round| round.cpu_per_request);
    format!(
        "CPU per request: gateway {}, nginx {} ({:.2} times), haproxy {} ({:.2} times)",
        micros(gateway),
        micros(nginx),
        ratio(gateway, nginx),
        micros(haproxy),
        ratio(gateway, haproxy)
    )
}

/// The gateway's section of the page.
pub(super) fn section(findings: &Findings, seconds: u32) -> Result<String> {
    let mut text = String::from(
        "What one read (`GET /v2/account`) costs through Paddock's gateway, beside nginx and haproxy that only replace the two key headers. All\n\
         forward to the same upstream (an nginx that answers a fixed account) and take the same load from wrk, in turn, on one machine that\n\
         runs everything. Absolute numbers belong to that machine; compare the ratios.\n\n",
    );
    writeln!(text, "{}\n", machine()?)?;
    writeln!(text, "Medians of {ROUNDS} rounds of {seconds} s each.\n")?;
    writeln!(
        text,
        "| connections | measure | gateway | nginx | haproxy | to nginx | to haproxy |\n|---:|---|---:|---:|---:|---:|---:|"
    )?;
    let (mut worst, mut added) = (0.0_f64, 0.0_f64);
    for Loads { connections, gateway, nginx, haproxy, direct } in &findings.loads {
        let all = [gateway, nginx, haproxy];
        let cpu = all.map(|rounds| median(rounds, |round| round.cpu_per_request));
        let p50 = all.map(|rounds| median(rounds, |round| round.p50));
        let p99 = all.map(|rounds| median(rounds, |round| round.p99));
        worst = worst.max(ratio(cpu[0], cpu[1]));
        // What the gateway adds to the upstream's own, beside what nginx adds.
        let alone = median(direct, |round| round.p99);
        added = added.max(ratio(p99[0].saturating_sub(alone), p99[1]));
        for (name, [gateway, nginx, haproxy]) in
            [("CPU per request", cpu), ("p50 latency", p50), ("p99 latency", p99)]
        {
            writeln!(
                text,
                "| {connections} | {name} | {} | {} | {} | {:.2} | {:.2} |",
                micros(gateway),
                micros(nginx),
                micros(haproxy),
                ratio(gateway, nginx),
                ratio(gateway, haproxy)
            )?;
        }
        let [gateway, nginx, haproxy] = all.map(|rounds| rate(rounds, seconds));
        writeln!(
            text,
            "| {connections} | requests per second | {gateway:.0} | {nginx:.0} | {haproxy:.0} | {:.2} | {:.2} |",
            gateway / nginx,
            gateway / haproxy
        )?;
        writeln!(text, "| {connections} | p99 of the upstream itself | {} | | | | |", micros(alone))?;
    }
    let start = middle(findings.starts.clone());
    let idle = findings.idle_memory;
    writeln!(text, "\n| target | found | |\n|---|---:|---|")?;
    let mut target = |name: &str, found: String, met: bool| {
        writeln!(text, "| {name} | {found} | {} |", if met { "met" } else { "missed" })
    };
    target("CPU per request at most 1.5 times nginx's", format!("{worst:.2}"), worst <= CPU_RATIO)?;
    target("p99 that is added below nginx's own p99: times", format!("{added:.2}"), added < 1.0)?;
    target("idle memory under 64 MB", megabytes(idle), idle < IDLE_MEMORY)?;
    target("start under 200 ms", format!("{:.0} ms", start.as_secs_f64() * 1e3), start < START)?;
    writeln!(
        text,
        "\nIdle memory is what is resident after the start, with one connection and one access key; after all load it was {}. The \
         start is timed\nfrom the process to the first answer on a new data directory, which includes making the database and the key file.",
        megabytes(findings.used_memory)
    )?;
    Ok(text)
}

/// What the numbers were found on.
pub(super) fn machine() -> Result<String> {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo")?;
    let model =
        cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": an unnamed processor");
    let model = model.trim_start_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism()?;
    let of = |program: &str, arguments: &[&str]| process::output(Command::new(program).args(arguments));
    let kernel = of("uname", &["-sr"])?;
    let date = of("date", &["-u", "+%F"])?;
    let program = nginx::program().unwrap_or_default();
    // nginx tells its version on standard error.
    let version = Command::new(program).arg("-v").output()?.stderr;
    let version = String::from_utf8_lossy(&version).trim().replace("nginx version: ", "");
    let haproxy = of(&haproxy::program().unwrap_or_default().to_string_lossy(), &["-v"])?;
    let haproxy = haproxy.split_whitespace().nth(2).unwrap_or_default();
    Ok(format!("{}: {cores} cores of {model}, {}, {version}, haproxy/{haproxy}.", date.trim(), kernel.trim()))
}

pub(super) fn median(rounds: &[Round], of: impl Fn(&Round) -> Duration) -> Duration {
    middle(rounds.iter().map(of).collect())
}

pub(super) fn middle(mut values: Vec<Duration>) -> Duration {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

pub(super) fn rate(rounds: &[Round], seconds: u32) -> f64 {
    let mut requests: Vec<u32> = rounds.iter().map(|round| round.requests).collect();
    requests.sort_unstable();
    requests.get(requests.len() / 2).map_or(0.0, |requests| f64::from(*requests) / f64::from(seconds))
}

pub(super) fn ratio(gateway: Duration, nginx: Duration) -> f64 {
    gateway.as_secs_f64() / nginx.as_secs_f64()
}

pub(super) fn micros(duration: Duration) -> String {
    format!("{:.1} µs", duration.as_secs_f64() * 1e6)
}

pub(super) fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}
