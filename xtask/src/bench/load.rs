//! The load, from wrk.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::measure;
use crate::process;

/// What is asked for, and by how many connections for how long.
pub(super) struct Load<'a> {
    pub(super) url: &'a str,
    pub(super) target: Target,
    pub(super) key_id: &'a str,
    pub(super) secret_key: &'a str,
    pub(super) connections: u32,
    pub(super) seconds: u32,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// `GET /v2/account`.
    Account,
    /// `POST /v2/orders`: market orders to buy one share, of ten symbols in turn.
    Orders,
    /// The same with a limit that fills at once, so that the order says what it is worth.
    LimitOrders,
}

impl Target {
    const fn path(self) -> &'static str {
        match self {
            Self::Account => "/v2/account",
            Self::Orders | Self::LimitOrders => "/v2/orders",
        }
    }

    /// The script of wrk; what it measured is printed in the same way by all.
    fn script(self) -> String {
        let requests = match self {
            Self::Account => "",
            Self::Orders => include_str!("orders.lua"),
            Self::LimitOrders => include_str!("limits.lua"),
        };
        format!("{requests}{}", include_str!("load.lua"))
    }
}

/// What one round of load showed.
#[derive(Debug, PartialEq)]
pub(super) struct Round {
    pub(super) requests: u32,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    /// Processor time of the serving processes for each request.
    pub(super) cpu_per_request: Duration,
}

impl Load<'_> {
    /// Sends the load, and measures the processes that serve it.
    pub(super) fn run(&self, processes: &[u32]) -> Result<Round> {
        let headers = [
            format!("APCA-API-KEY-ID: {}", self.key_id),
            format!("APCA-API-SECRET-KEY: {}", self.secret_key),
        ];
        let url = format!("{}{}", self.url, self.target.path());
        wrk(&url, &self.target.script(), &headers, self.connections, self.seconds, processes)
    }
}

/// Asks for a page as a browser does that sends this cookie.
pub(super) fn visit(url: &str, cookie: &str, connections: u32, seconds: u32, process: u32) -> Result<Round> {
    wrk(url, include_str!("load.lua"), &[format!("Cookie: {cookie}")], connections, seconds, &[process])
}

fn wrk(
    url: &str,
    script: &str,
    headers: &[String],
    connections: u32,
    seconds: u32,
    processes: &[u32],
) -> Result<Round> {
    let file = std::env::temp_dir().join(format!("paddock-bench-{}.lua", std::process::id()));
    std::fs::write(&file, script)?;
    let before = cpu_time(processes)?;
    let mut wrk = Command::new("wrk");
    wrk.args(["--threads", "1", "--connections", &connections.to_string()]);
    wrk.args(["--duration", &format!("{seconds}s"), "--script"]).arg(&file);
    for header in headers {
        wrk.args(["--header", header]);
    }
    let output = process::output(wrk.arg(url));
    std::fs::remove_file(&file)?;
    let cpu = cpu_time(processes)?.saturating_sub(before);
    parse(&output?, cpu)
}

fn cpu_time(processes: &[u32]) -> Result<Duration> {
    processes.iter().map(|process| measure::cpu_time(*process)).sum()
}

fn parse(output: &str, cpu: Duration) -> Result<Round> {
    let line = output
        .lines()
        .find_map(|line| line.strip_prefix("measured "))
        .context("wrk printed no measurement")?;
    let numbers: Vec<u32> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let &[requests, p50, p99, errors] = numbers.as_slice() else { bail!("wrk printed {line}") };
    if errors > 0 || requests == 0 {
        bail!("{errors} of {requests} requests failed: the numbers would mean nothing");
    }
    let micros = |count: u32| Duration::from_micros(u64::from(count));
    Ok(Round { requests, p50: micros(p50), p99: micros(p99), cpu_per_request: cpu / requests })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_script_is_read() {
        let output = "Running 1s test\nmeasured 1000 120 900 0\n";
        let round = parse(output, Duration::from_millis(50)).unwrap();
        let micros = Duration::from_micros;
        assert_eq!(
            round,
            Round { requests: 1000, p50: micros(120), p99: micros(900), cpu_per_request: micros(50) }
        );
        assert!(parse("measured 1000 120 900 3", Duration::ZERO).is_err());
        assert!(parse("unable to connect", Duration::ZERO).is_err());
    }
}
