//! What the kernel knows of a process (`man 5 proc`).

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process;

/// Processor time that the process, all its threads together, has used so far, in user and kernel mode.
pub(super) fn cpu_time(process_id: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process_id}/stat"))?;
    let per_second: f64 = process::output(Command::new("getconf").arg("CLK_TCK"))?.trim().parse()?;
    let ticks = ticks_of(&stat).with_context(|| format!("/proc/{process_id}/stat cannot be read"))?;
    Ok(Duration::from_secs_f64(f64::from(ticks) / per_second))
}

/// Fields 14 and 15, counted after the program's name, which may itself hold spaces and parentheses.
fn ticks_of(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    user.checked_add(system)
}

/// Resident memory in bytes.
pub(super) fn resident_memory(process_id: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process_id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS in /proc")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024)
}

/// The processes whose parent is that one.
pub(super) fn children(parent: u32) -> Result<Vec<u32>> {
    let list = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))?;
    Ok(list.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
}

/// A port of this machine that is free now.
pub(super) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Waits until a GET there is answered with any HTTP response at all, and returns how long that took. `alive` ends the wait
/// early by an error.
pub(super) fn wait_for_answer(
    address: SocketAddr,
    path: &str,
    mut alive: impl FnMut() -> Result<()>,
) -> Result<Duration> {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(30) {
        if answers(address, path).is_ok() {
            return Ok(started.elapsed());
        }
        alive()?;
        thread::sleep(Duration::from_millis(1));
    }
    bail!("nothing answers at {address}");
}

fn answers(address: SocketAddr, path: &str) -> Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut head = [0_u8; 8];
    stream.read_exact(&mut head)?;
    if head.starts_with(b"HTTP/1.1") { Ok(()) } else { bail!("no HTTP") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_after_an_odd_name() {
        let stat = "42 (odd ) name) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 5 0 1000 1 1";
        assert_eq!(ticks_of(stat), Some(300));
    }
}
