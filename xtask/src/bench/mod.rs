//! `cargo xtask bench`: what one read through the gateway costs, beside nginx and haproxy that only swap the key headers; what an
//! order costs ([`orders`]), how soon a freeze holds ([`freeze`]), what streams carry ([`fan_out`]), what a rotation survives and what programs see of it
//! ([`rotation`]), and what the paper broker does ([`paper`]).
//!
//! Gateway, nginx and haproxy stand before the same upstream, which answers at once with a fixed account, and take the same load from wrk, in turn, in
//! one run. Absolute numbers belong to the machine; the ratios are what is compared from run to run.
#![expect(clippy::float_arithmetic, reason = "times and ratios of measurements are no money")]

mod fan_out;
mod freeze;
mod gateway;
mod haproxy;
mod load;
mod measure;
mod nginx;
mod orders;
mod page;
mod paper;
mod report;
mod rotation;
mod soak;
mod socket;
mod web;

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

use self::gateway::Gateway;
use self::haproxy::Haproxy;
use self::load::{Load, Round, Target};
use self::nginx::Nginx;
use crate::workspace::{Profile, Workspace};
use crate::{build, packages, process};

/// The real pair, which only the two that are measured know; the upstream answers 401 to any other.
const KEY_ID: &str = "PKBENCHBENCHBENCHBENCHBENC";
const SECRET: &str = "benchbenchbenchbenchbenchbenchbenchbenchbenc";

/// How often the two are measured in turn; medians are reported.
const ROUNDS: usize = 5;
/// How often the start is timed.
const STARTS: usize = 5;

/// The loads: one connection shows the latency that one program sees, many show the cost of a busy gateway.
const CONNECTIONS: [u32; 2] = [1, 32];

/// All that one run finds out.
struct Findings {
    starts: Vec<Duration>,
    /// Resident memory of the gateway in bytes, after the start and after all load.
    idle_memory: u64,
    used_memory: u64,
    /// For each of `CONNECTIONS`.
    loads: Vec<Loads>,
}

/// The rounds of one number of connections.
#[derive(Default)]
struct Loads {
    connections: u32,
    gateway: Vec<Round>,
    nginx: Vec<Round>,
    haproxy: Vec<Round>,
    /// Without anything between.
    direct: Vec<Round>,
}

/// What can be measured alone, by name, and its section of the page.
type Section = fn(&Workspace, &Path, u32) -> Result<String>;
const SECTIONS: [(&str, &str, Section); 7] = [
    ("gateway", page::GATEWAY, gateway_section),
    ("orders", page::ORDERS, orders::section),
    ("freeze", page::FREEZE, freeze::section),
    ("streams", page::STREAMS, fan_out::section),
    ("web", page::WEB, web::section),
    ("rotation", page::ROTATION, rotation::section),
    ("paper", page::PAPER, paper::section),
];

/// `cargo xtask bench [gateway|orders|freeze|streams|web|rotation|soak|paper]... [--write] [--quick] [--minutes N]`.
pub(crate) fn bench(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let names: Vec<&str> = SECTIONS.iter().map(|(name, _, _)| *name).collect();
    let (arguments, minutes) = minutes(arguments)?;
    let known = |word: &str| names.contains(&word) || ["soak", "--write", "--quick"].contains(&word);
    if let Some(unknown) = arguments.iter().find(|argument| !known(argument.as_str())) {
        bail!(
            "bench takes no argument {unknown}\nhint: `cargo xtask bench [{}|soak]... [--write] [--quick] [--minutes N]`",
            names.join("|")
        );
    }
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let some = has("soak") || names.iter().any(|name| has(name));
    let seconds = if has("--quick") { 2 } else { 8 };
    if nginx::program().is_none() || process::on_path("wrk").is_none() || haproxy::program().is_none() {
        packages::install(&["nginx-light", "haproxy", "wrk"], "nginx, haproxy and wrk")?;
    }
    let binary = build::binary_under_test(workspace, Profile::Release)?;
    let file = workspace.root.join("docs/BENCHMARKS.md");
    for (name, title, section) in SECTIONS {
        if some && !has(name) {
            continue;
        }
        keep(&file, title, &section(workspace, &binary, seconds)?, has("--write"))?;
    }
    if !some || has("soak") {
        let minutes = minutes.unwrap_or(if has("--quick") { 1 } else { 10 });
        keep(&file, page::SOAK, &soak::section(workspace, &binary, minutes)?, has("--write"))?;
    }
    Ok(())
}

/// Shows a section, and writes it if that was asked for.
fn keep(file: &Path, title: &str, section: &str, writes: bool) -> Result<()> {
    println!("\n{section}");
    if writes {
        std::fs::write(file, page::with_section(&std::fs::read_to_string(file)?, title, section))?;
        println!("written to {}", file.display());
    }
    Ok(())
}

/// Takes `--minutes N` out of the arguments.
fn minutes(arguments: &[String]) -> Result<(Vec<String>, Option<u32>)> {
    let Some(place) = arguments.iter().position(|argument| argument == "--minutes") else {
        return Ok((arguments.to_vec(), None));
    };
    let number = arguments.get(place + 1).and_then(|number| number.parse().ok());
    let Some(number) = number.filter(|number| *number > 0) else {
        bail!("--minutes takes a number of minutes\nhint: `cargo xtask bench soak --minutes 10`");
    };
    let rest = arguments.iter().enumerate().filter(|(at, _)| *at != place && *at != place + 1);
    Ok((rest.map(|(_, argument)| argument.clone()).collect(), Some(number)))
}

/// Measures the gateway and writes the section of the page.
fn gateway_section(workspace: &Workspace, binary: &Path, seconds: u32) -> Result<String> {
    let directory = workspace.target.join("bench");
    let upstream = Nginx::upstream(&directory.join("upstream"))?;
    let nginx = Nginx::proxy(&directory.join("proxy"), &upstream)?;
    let haproxy = Haproxy::start(&directory.join("haproxy"), &upstream)?;
    // Nothing is streamed here.
    let alpaca = upstream.as_upstream("ws://127.0.0.1:1".to_owned());
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(Gateway::start(binary, &directory.join("gateway"), &alpaca)?.started_in);
    }
    let gateway = Gateway::start(binary, &directory.join("gateway"), &alpaca)?;
    gateway.connect(KEY_ID, SECRET)?;
    let access_key = gateway.issue_access_key(&["--preset", "read-only"])?;
    let idle_memory = measure::resident_memory(gateway.process_id())?;

    let (nginx_processes, upstream_processes) = (nginx.workers()?, upstream.workers()?);
    let mut loads = Vec::new();
    for connections in CONNECTIONS {
        let mut all = Loads { connections, ..Loads::default() };
        for round in 0..=ROUNDS {
            let load = |url: &str, key_id: &str, secret_key: &str, processes: &[u32]| {
                let target = Target::Account;
                Load { url, target, key_id, secret_key, connections, seconds }.run(processes)
            };
            let with_key = |url: &str, processes: &[u32]| {
                load(url, &access_key.key_id, &access_key.secret_key, processes)
            };
            let through = with_key(&gateway.url, &[gateway.process_id()])?;
            let by_nginx = with_key(&nginx.url, &nginx_processes)?;
            let by_haproxy = with_key(&haproxy.url, &[haproxy.process_id()])?;
            let direct = load(&upstream.url, KEY_ID, SECRET, &upstream_processes)?;
            // The first round only warms caches and opens connections.
            if round > 0 {
                let line = report::one_round(&through, &by_nginx, &by_haproxy);
                println!("{connections} connections, round {round}: {line}");
                all.gateway.push(through);
                all.nginx.push(by_nginx);
                all.haproxy.push(by_haproxy);
                all.direct.push(direct);
            }
        }
        loads.push(all);
    }
    let used_memory = measure::resident_memory(gateway.process_id())?;
    let findings = Findings { starts, idle_memory, used_memory, loads };
    report::section(&findings, seconds)
}
