//! `cargo xtask bench`: what one read through the gateway costs, beside nginx that only swaps the key headers; and what the paper
//! broker does ([`paper`]).
//!
//! Gateway and nginx stand before the same upstream, which answers at once with a fixed account, and take the same load from wrk, in turn, in
//! one run. Absolute numbers belong to the machine; the ratios are what is compared from run to run.
#![expect(clippy::float_arithmetic, reason = "times and ratios of measurements are no money")]

mod gateway;
mod load;
mod measure;
mod nginx;
mod page;
mod paper;
mod report;

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

use self::gateway::Gateway;
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
    /// For each of `CONNECTIONS`, the rounds of gateway and nginx.
    loads: Vec<(u32, Vec<Round>, Vec<Round>)>,
}

/// `cargo xtask bench [gateway|paper] [--write] [--quick]`.
pub(crate) fn bench(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let known = ["gateway", "paper", "--write", "--quick"];
    if let Some(unknown) = arguments.iter().find(|argument| !known.contains(&argument.as_str())) {
        bail!(
            "bench takes no argument {unknown}\nhint: `cargo xtask bench [gateway|paper] [--write] [--quick]`"
        );
    }
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let seconds = if has("--quick") { 2 } else { 8 };
    if nginx::program().is_none() || process::on_path("wrk").is_none() {
        packages::install(&["nginx-light", "wrk"], "nginx and wrk")?;
    }
    let binary = build::binary_under_test(workspace, Profile::Release)?;
    let file = workspace.root.join("docs/BENCHMARKS.md");
    for (name, title) in [("gateway", page::GATEWAY), ("paper", page::PAPER)] {
        if has("gateway") != has("paper") && !has(name) {
            continue;
        }
        let section = match name {
            "gateway" => gateway_section(workspace, &binary, seconds)?,
            _ => paper::section(workspace, &binary, seconds)?,
        };
        println!("\n{section}");
        if has("--write") {
            std::fs::write(&file, page::with_section(&std::fs::read_to_string(&file)?, title, &section))?;
            println!("written to {}", file.display());
        }
    }
    Ok(())
}

/// Measures the gateway and writes the section of the page.
fn gateway_section(workspace: &Workspace, binary: &Path, seconds: u32) -> Result<String> {
    let directory = workspace.target.join("bench");
    let upstream = Nginx::upstream(&directory.join("upstream"))?;
    let nginx = Nginx::proxy(&directory.join("proxy"), &upstream)?;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(Gateway::start(binary, &directory.join("gateway"), &upstream)?.started_in);
    }
    let gateway = Gateway::start(binary, &directory.join("gateway"), &upstream)?;
    let access_key = gateway.issue_access_key()?;
    let idle_memory = measure::resident_memory(gateway.process_id())?;

    let (gateway_processes, nginx_processes) = (vec![gateway.process_id()], nginx.workers()?);
    let mut loads = Vec::new();
    for connections in CONNECTIONS {
        let mut rounds = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let load = |url: &str, processes: &[u32]| {
                let (key_id, secret_key) = (&access_key.key_id, &access_key.secret_key);
                let target = Target::Account;
                Load { url, target, key_id, secret_key, connections, seconds }.run(processes)
            };
            let pair = (load(&gateway.url, &gateway_processes)?, load(&nginx.url, &nginx_processes)?);
            // The first round only warms caches and opens connections.
            if round > 0 {
                println!("{connections} connections, round {round}: {}", report::one_round(&pair.0, &pair.1));
                rounds.0.push(pair.0);
                rounds.1.push(pair.1);
            }
        }
        loads.push((connections, rounds.0, rounds.1));
    }
    let used_memory = measure::resident_memory(gateway.process_id())?;
    let findings = Findings { starts, idle_memory, used_memory, loads };
    report::section(&findings, seconds)
}
