//! Orders through the gateway, with caps reserved and each written to the audit log before it is sent.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use super::gateway::{Gateway, Upstream};
use super::load::{Load, Round, Target};
use super::paper::Broker;
use super::report::{machine, median, micros, rate};
use super::{ROUNDS, measure};
use crate::process;
use crate::workspace::Workspace;

/// How many connections send orders.
const CONNECTIONS: u32 = 64;
/// An instant in a session, so that orders are filled.
const OPEN: &str = "2026-06-24T14:00:00Z";
/// The key's scope: every cap is counted, and none is reached.
const SCOPE: [&str; 10] = [
    "--preset",
    "trader",
    "--symbols",
    "AAPL,MSFT,IBM,SPY,QQQ,NVDA,AMZN,TSLA,JPM,KO",
    "--max-notional",
    "5000",
    "--max-daily-notional",
    "100000000000",
    "--max-daily-orders",
    "100000000",
];
/// The targets.
const ORDERS: f64 = 3_000.0;
const DECIDE_NANOS: f64 = 2_000.0;

/// Measures and writes the section of the page.
pub(super) fn section(workspace: &Workspace, binary: &Path, seconds: u32) -> Result<String> {
    let directory = workspace.target.join("bench/orders");
    let broker = Broker::start(binary, &["--start", OPEN])?;
    // An account each: what is measured alone must not be told to the gateway.
    let account = broker.open_account()?;
    let alone = broker.open_account()?;
    let stream_url = broker.url.replacen("http", "ws", 1);
    let upstream = Upstream { url: broker.url.clone(), live_url: broker.live_url.clone(), stream_url };
    let gateway = Gateway::start(binary, &directory, &upstream)?;
    gateway.connect(&account.key_id, &account.secret_key)?;
    let key = gateway.issue_access_key(&SCOPE)?;
    let (mut through, mut direct) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let orders = |url: &str, key_id: &str, secret_key: &str, process: u32| {
            let target = Target::LimitOrders;
            Load { url, target, key_id, secret_key, connections: CONNECTIONS, seconds }.run(&[process])
        };
        let one = orders(&gateway.url, &key.key_id, &key.secret_key, gateway.process_id())?;
        let other = orders(&broker.url, &alone.key_id, &alone.secret_key, broker.process_id())?;
        if round > 0 {
            println!(
                "orders, round {round}: {:.0} a second, {} CPU each; the broker alone {:.0}",
                f64::from(one.requests) / f64::from(seconds),
                micros(one.cpu_per_request),
                f64::from(other.requests) / f64::from(seconds)
            );
            through.push(one);
            direct.push(other);
        }
    }
    report(&through, &direct, decide(workspace)?, measure::resident_memory(gateway.process_id())?, seconds)
}

/// What `crates/core/benches/decide.rs` prints: nanoseconds by name.
fn decide(workspace: &Workspace) -> Result<Vec<(String, f64)>> {
    let output =
        process::output(&mut workspace.cargo(&["bench", "--package", "paddock-core", "--bench", "decide"]))?;
    let lines = output.lines().filter_map(|line| line.strip_prefix("measured "));
    lines
        .map(|line| {
            let (name, nanos) =
                line.split_once(' ').with_context(|| format!("the benchmark printed {line}"))?;
            Ok((name.to_owned(), nanos.trim().parse()?))
        })
        .collect()
}

fn report(
    through: &[Round],
    direct: &[Round],
    decide: Vec<(String, f64)>,
    memory: u64,
    seconds: u32,
) -> Result<String> {
    let mut text = format!(
        "Limit orders by {CONNECTIONS} connections to the paper broker, which is on one core of the machine and fills them at once. Before an \
         order is\nsent, the gateway reserves the key's caps and writes an audit record, and both are on the disk. Medians of {ROUNDS} rounds of \
         {seconds} s.\n\n"
    );
    writeln!(text, "{}\n", machine()?)?;
    writeln!(text, "| | orders per second | CPU per order | p50 | p99 |\n|---|---:|---:|---:|---:|")?;
    for (name, rounds) in [("through the gateway", through), ("the broker alone", direct)] {
        writeln!(
            text,
            "| {name} | {:.0} | {} | {} | {} |",
            rate(rounds, seconds),
            micros(median(rounds, |round| round.cpu_per_request)),
            micros(median(rounds, |round| round.p50)),
            micros(median(rounds, |round| round.p99))
        )?;
    }
    writeln!(text, "\nThe gateway has {} resident after all orders.\n", super::report::megabytes(memory))?;
    writeln!(text, "A decision in process (`crates/core/benches/decide.rs`):\n\n| | |\n|---|---:|")?;
    for (name, nanos) in &decide {
        writeln!(text, "| {} | {nanos:.0} ns |", name.replace('_', " "))?;
    }
    let (orders, slowest) = (rate(through, seconds), decide.iter().map(|one| one.1).fold(0.0, f64::max));
    let verdict = |met: bool| if met { "met" } else { "missed" };
    writeln!(text, "\n| target | found | |\n|---|---:|---|")?;
    writeln!(
        text,
        "| 3,000 orders a second with caps and audit | {orders:.0} | {} |",
        verdict(orders >= ORDERS)
    )?;
    writeln!(text, "| a decision in 2 µs | {slowest:.0} ns | {} |", verdict(slowest <= DECIDE_NANOS))?;
    Ok(text)
}
