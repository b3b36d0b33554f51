//! How soon a freeze holds: for orders that come, for those that are on their way, and for open sockets.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::gateway::{AccessKey, Gateway, Upstream};
use super::paper::Broker;
use super::report::machine;
use super::socket;
use crate::workspace::Workspace;

/// How many programs place orders without a pause while everything is frozen.
const PROGRAMS: usize = 8;
/// How many sockets are open.
const SOCKETS: usize = 50;
/// How often everything is frozen under load, and how often with sockets open; a fifth of that when it is to be quick.
const ROUNDS: usize = 100;
const ROUNDS_OF_SOCKETS: usize = 20;
/// The target for each.
const TARGET: Duration = Duration::from_millis(50);
/// An instant in a session, so that orders are filled.
const OPEN: &str = "2026-06-24T14:00:00Z";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);
const FREEZE: &str = "/freeze";
const UNFREEZE: &str = "/unfreeze";

/// One order as its program saw it.
#[derive(Clone, Copy)]
struct Seen {
    sent: Instant,
    answered: Instant,
    passed: bool,
}

/// One freeze: when it was asked for, when it returned, and when it was about to be lifted.
#[derive(Clone, Copy)]
struct Frozen {
    asked: Instant,
    returned: Instant,
    lifted: Instant,
}

/// What was found, a figure for each freeze or socket.
#[derive(Default)]
struct Found {
    /// Until an order was refused.
    refused: Vec<Duration>,
    /// Until the last order was sent that still passed.
    passed: Vec<Duration>,
    /// Until the freeze returned, with nothing on its way any more.
    returned: Vec<Duration>,
    /// Orders that passed although they were sent after that.
    late: usize,
    /// Until a socket had its close frame.
    told: Vec<Duration>,
}

/// Measures and writes the section of the page.
pub(super) fn section(workspace: &Workspace, binary: &Path, seconds: u32) -> Result<String> {
    let part = if seconds < 8 { 5 } else { 1 };
    let broker = Broker::start(binary, &["--start", OPEN])?;
    let account = broker.open_account()?;
    let stream_url = broker.url.replacen("http", "ws", 1);
    let upstream = Upstream { url: broker.url.clone(), live_url: broker.live_url.clone(), stream_url };
    let gateway = Gateway::start(binary, &workspace.target.join("bench/freeze"), &upstream)?;
    gateway.connect(&account.key_id, &account.secret_key)?;
    let key = gateway.issue_access_key(&["--preset", "trader"])?;
    let mut found = Found::default();
    of_orders(&gateway, &key, ROUNDS / part, &mut found)?;
    println!("freeze, orders: first refused after {}", figures(&found.refused));
    for _ in 0..ROUNDS_OF_SOCKETS / part {
        found.told.extend(of_sockets(&gateway, &key)?);
    }
    println!("freeze, sockets: told after {}", figures(&found.told));
    report(&found)
}

/// Freezes and unfreezes everything while programs place orders.
fn of_orders(gateway: &Gateway, key: &AccessKey, rounds: usize, found: &mut Found) -> Result<()> {
    let (over, passed, refused) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let (freezes, seen) = thread::scope(|scope| {
        let programs: Vec<_> = (0..PROGRAMS)
            .map(|_| scope.spawn(|| order(gateway.address, key, &over, &passed, &refused)))
            .collect();
        let freezes =
            (0..rounds).map(|_| freeze_once(gateway, &passed, &refused)).collect::<Result<Vec<_>>>();
        over.store(true, Ordering::SeqCst);
        let mut seen = Vec::new();
        for program in programs {
            seen.extend(program.join().map_err(|_| anyhow::anyhow!("a program panicked"))??);
        }
        anyhow::Ok((freezes?, seen))
    })?;
    for Frozen { asked, returned, lifted } in freezes {
        let during = seen.iter().filter(|one| one.answered >= asked && one.sent <= lifted);
        let (passed, refused): (Vec<&Seen>, Vec<&Seen>) = during.partition(|one| one.passed);
        let first = refused.iter().map(|one| one.answered).min().context("a freeze refused nothing")?;
        let last = passed.iter().map(|one| one.sent).max().unwrap_or(asked);
        found.refused.push(first.duration_since(asked));
        found.passed.push(last.saturating_duration_since(asked));
        found.returned.push(returned.duration_since(asked));
        found.late += passed.iter().filter(|one| one.sent > returned).count();
    }
    Ok(())
}

/// Freezes everything in the middle of the load, and lifts that when every program may have noticed.
fn freeze_once(gateway: &Gateway, passed: &AtomicUsize, refused: &AtomicUsize) -> Result<Frozen> {
    wait_for(passed, 5 * PROGRAMS)?;
    let asked = Instant::now();
    gateway.post(FREEZE)?;
    let returned = Instant::now();
    wait_for(refused, 2 * PROGRAMS)?;
    let lifted = Instant::now();
    gateway.post(UNFREEZE)?;
    Ok(Frozen { asked, returned, lifted })
}

/// Waits until so many more are counted.
fn wait_for(count: &AtomicUsize, more: usize) -> Result<()> {
    let (begun, before) = (Instant::now(), count.load(Ordering::SeqCst));
    while count.load(Ordering::SeqCst) < before + more {
        if begun.elapsed() > PATIENCE {
            bail!("the programs get no answers");
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// One program: places orders until it is over.
fn order(
    address: SocketAddr,
    key: &AccessKey,
    over: &AtomicBool,
    passed: &AtomicUsize,
    refused: &AtomicUsize,
) -> Result<Vec<Seen>> {
    let body = r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}"#;
    let request = format!(
        "POST /v2/orders HTTP/1.1\r\nHost: {address}\r\nAPCA-API-KEY-ID: {}\r\nAPCA-API-SECRET-KEY: {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        key.key_id,
        key.secret_key,
        body.len()
    );
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut stream = BufReader::new(stream);
    let mut seen = Vec::new();
    while !over.load(Ordering::SeqCst) {
        let sent = Instant::now();
        stream.get_mut().write_all(request.as_bytes())?;
        let passes = match status(&mut stream)? {
            200 => true,
            403 => false,
            other => bail!("an order was answered {other}"),
        };
        seen.push(Seen { sent, answered: Instant::now(), passed: passes });
        if passes { passed } else { refused }.fetch_add(1, Ordering::SeqCst);
    }
    Ok(seen)
}

/// Reads an answer to its end, and gives its status.
fn status(stream: &mut BufReader<TcpStream>) -> Result<u16> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no HTTP")?;
    let mut length = None;
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = Some(value.trim().parse::<u64>()?);
            }
            Some(_) => {}
        }
    }
    match length {
        Some(length) => skip(stream, length)?,
        // In pieces.
        None => loop {
            line.clear();
            stream.read_line(&mut line)?;
            let size = u64::from_str_radix(line.trim(), 16).context("no length of a piece")?;
            skip(stream, size + 2)?;
            if size == 0 {
                break;
            }
        },
    }
    Ok(status)
}

fn skip(stream: &mut BufReader<TcpStream>, length: u64) -> Result<()> {
    std::io::copy(&mut stream.take(length), &mut std::io::sink())?;
    Ok(())
}

/// Freezes everything while sockets are open: how long it took until each had its close frame.
fn of_sockets(gateway: &Gateway, key: &AccessKey) -> Result<Vec<Duration>> {
    let sockets = (0..SOCKETS)
        .map(|_| {
            let mut socket = socket::open(gateway.address, "/stream", &key.key_id, &key.secret_key)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            // That it is let in.
            if socket::is_close(&mut socket)? {
                bail!("a stream was closed at once");
            }
            Ok(socket)
        })
        .collect::<Result<Vec<_>>>()?;
    thread::scope(|scope| {
        let waiting: Vec<_> = sockets
            .into_iter()
            .map(|mut socket| {
                scope.spawn(move || {
                    while !socket::is_close(&mut socket)? {}
                    anyhow::Ok(Instant::now())
                })
            })
            .collect();
        let asked = Instant::now();
        gateway.post(FREEZE)?;
        let told = waiting
            .into_iter()
            .map(|one| {
                let at = one.join().map_err(|_| anyhow::anyhow!("a reader panicked"))??;
                Ok(at.duration_since(asked))
            })
            .collect::<Result<Vec<_>>>();
        gateway.post(UNFREEZE)?;
        told
    })
}

fn at(times: &[Duration], percent: usize) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn figures(times: &[Duration]) -> String {
    let [middle, most, longest] = [50, 99, 100].map(|percent| millis(at(times, percent)));
    format!("p50 {middle}, p99 {most}, at most {longest}")
}

fn report(found: &Found) -> Result<String> {
    let mut text = format!(
        "Everything is frozen by the API, {} times while {PROGRAMS} programs place orders without a pause, and {} times with {SOCKETS} sockets \
         open.\nTime counts from before the request to freeze, as the programs see it.\n\n",
        found.refused.len(),
        found.told.len() / SOCKETS
    );
    writeln!(
        text,
        "{}\n\n| until | p50 | p99 | at most | target | |\n|---|---:|---:|---:|---:|---|",
        machine()?
    )?;
    for (name, times) in [
        ("the first order is refused", &found.refused),
        ("the last order was sent that still passed", &found.passed),
        ("the freeze returns, and nothing is on its way", &found.returned),
        ("a socket has its close frame", &found.told),
    ] {
        let [middle, most, longest] = [50, 99, 100].map(|percent| at(times, percent));
        let verdict = if most <= TARGET { "met" } else { "missed" };
        writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {verdict} |",
            millis(middle),
            millis(most),
            millis(longest),
            millis(TARGET)
        )?;
    }
    writeln!(
        text,
        "\nOrders that passed although they were sent after a freeze had returned: {}.",
        found.late
    )?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let times: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!([50, 99, 100].map(|percent| at(&times, percent).as_millis()), [51, 100, 100]);
        assert_eq!(at(&[], 99), Duration::ZERO);
    }
}
