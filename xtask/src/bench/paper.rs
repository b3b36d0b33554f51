//! The paper broker under measurement: orders over HTTP and in process, and messages delivered to stream clients.
//!
//! It runs on one core, and what it does is related to the processor time that it used: what else runs on the machine does not
//! count.

mod broker;
mod client;
mod report;
mod symbols;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use self::broker::Account;
pub(super) use self::broker::Broker;
use super::load::{Load, Round, Target};
use super::nginx::Nginx;
use super::{ROUNDS, measure};
use crate::process;
use crate::workspace::Workspace;

/// How many stream clients there are.
const CLIENTS: [usize; 3] = [1, 10, 100];
/// How many connections send orders.
const CONNECTIONS: u32 = 32;
/// An instant in a session, so that market orders are filled.
const OPEN: &str = "2026-06-24T14:00:00Z";

/// All that one run finds out.
pub(super) struct Findings {
    /// Orders over HTTP: in memory, with a journal, and a POST to nginx that answers a fixed text.
    memory: Vec<Round>,
    journal: Vec<Round>,
    nginx: Vec<Round>,
    /// Commands for each second of processor time, by name.
    in_process: Vec<(String, f64)>,
    streams: Vec<Delivered>,
    /// Resident bytes after the start, and after all orders.
    idle_memory: u64,
    used_memory: u64,
    many: symbols::Many,
}

/// What was delivered to a number of clients.
struct Delivered {
    clients: usize,
    messages: u64,
    bytes: u64,
    took: Duration,
    cpu: Duration,
}

/// Measures everything and writes the section of the page.
pub(super) fn section(workspace: &Workspace, binary: &Path, seconds: u32) -> Result<String> {
    let directory = workspace.target.join("bench");
    let nginx = Nginx::upstream(&directory.join("static"))?;
    let nginx_processes = nginx.workers()?;
    let in_memory = Broker::start(binary, &["--start", OPEN])?;
    let idle_memory = measure::resident_memory(in_memory.process_id())?;
    let on_disk = Broker::start_with_journal(binary, &directory.join("journal"), &["--start", OPEN])?;
    let accounts = (in_memory.open_account()?, on_disk.open_account()?);
    let known = Account { key_id: super::KEY_ID.to_owned(), secret_key: super::SECRET.to_owned() };

    let (mut memory, mut journal, mut fixed) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let order = |url: &str, account: &Account, processes: &[u32]| {
            let (key_id, secret_key) = (&account.key_id, &account.secret_key);
            Load { url, target: Target::Orders, key_id, secret_key, connections: CONNECTIONS, seconds }
                .run(processes)
        };
        let one = order(&in_memory.url, &accounts.0, &[in_memory.process_id()])?;
        let other = order(&on_disk.url, &accounts.1, &[on_disk.process_id()])?;
        let third = order(&nginx.url, &known, &nginx_processes)?;
        // The first round only warms caches and opens connections.
        if round > 0 {
            println!("orders, round {round}: {}", report::one_round(&one, &other, &third));
            memory.push(one);
            journal.push(other);
            fixed.push(third);
        }
    }
    let used_memory = measure::resident_memory(in_memory.process_id())?;
    drop((in_memory, on_disk));

    let mut streams = Vec::new();
    for clients in CLIENTS {
        let delivered = deliver(binary, clients, Duration::from_secs(seconds.into()))?;
        println!("{}", report::one_delivery(&delivered));
        streams.push(delivered);
    }
    let many = symbols::measured(binary, &directory)?;
    let in_process = in_process(workspace)?;
    report::section(
        &Findings { memory, journal, nginx: fixed, in_process, streams, idle_memory, used_memory, many },
        seconds,
    )
}

/// Time passes so fast that the broker always has more to tell than it can.
fn deliver(binary: &Path, clients: usize, time: Duration) -> Result<Delivered> {
    let broker = Broker::start(binary, &["--start", OPEN, "--hold-open", "--clock", "x100000"])?;
    let accounts = (0..clients).map(|_| broker.open_account()).collect::<Result<Vec<_>>>()?;
    let cpu = || measure::cpu_time(broker.process_id());
    let heard = client::listen(broker.address, &accounts, time, cpu)?;
    Ok(Delivered { clients, messages: heard.messages, bytes: heard.bytes, took: heard.took, cpu: heard.cpu })
}

/// What `crates/paper/benches/paper.rs` prints.
fn in_process(workspace: &Workspace) -> Result<Vec<(String, f64)>> {
    let output =
        process::output(&mut workspace.cargo(&["bench", "--package", "paddock-paper", "--bench", "paper"]))?;
    let lines = output.lines().filter_map(|line| line.strip_prefix("measured "));
    lines
        .map(|line| {
            let (name, rate) =
                line.split_once(' ').with_context(|| format!("the benchmark printed {line}"))?;
            Ok((name.to_owned(), rate.trim().parse()?))
        })
        .collect()
}
