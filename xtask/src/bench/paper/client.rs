//! Clients of a market data stream that count what they get.
//!
//! All get the same messages. The first one counts those of its first megabytes, which tells how long a message is; from then on all
//! count bytes only, so that the load stays much cheaper than what is measured.

use std::io::{ErrorKind, Read as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::super::socket;
use super::broker::Account;

/// What all clients got together.
pub(super) struct Heard {
    pub(super) messages: u64,
    pub(super) bytes: u64,
    pub(super) took: Duration,
    /// Processor time that the broker used meanwhile.
    pub(super) cpu: Duration,
}

/// What the counting threads share.
#[derive(Default)]
struct Counts {
    bytes: AtomicU64,
    /// Bytes that were looked at, and the messages in them.
    sampled: AtomicU64,
    messages: AtomicU64,
    over: AtomicBool,
}

/// How every message of an array begins; nothing else in it does.
const MESSAGE: &[u8] = b"{\"T\":";
/// How many bytes are looked at.
const SAMPLE: u64 = 4 << 20;

/// Subscribes a client for each account to everything, and counts for `time`.
pub(super) fn listen(
    address: SocketAddr,
    accounts: &[Account],
    time: Duration,
    cpu: impl Fn() -> Result<Duration>,
) -> Result<Heard> {
    let counts = Counts::default();
    let ready = Barrier::new(accounts.len() + 1);
    thread::scope(|scope| {
        let clients: Vec<_> = accounts
            .iter()
            .enumerate()
            .map(|(number, account)| {
                let (counts, ready) = (&counts, &ready);
                scope.spawn(move || {
                    let opened = open(address, account);
                    ready.wait();
                    count(opened?, counts, number == 0)
                })
            })
            .collect();
        ready.wait();
        // The first second only fills caches.
        thread::sleep(Duration::from_secs(1));
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (began, cpu_before, before) = (Instant::now(), cpu()?, read(&counts.bytes));
        thread::sleep(time);
        let (took, cpu_after, after) = (began.elapsed(), cpu()?, read(&counts.bytes));
        counts.over.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
        }
        let (bytes, sampled) = (after - before, read(&counts.sampled));
        let messages = (bytes * read(&counts.messages)).checked_div(sampled).context("nothing was heard")?;
        Ok(Heard { messages, bytes, took, cpu: cpu_after.saturating_sub(cpu_before) })
    })
}

/// Opens the stream and subscribes.
fn open(address: SocketAddr, account: &Account) -> Result<TcpStream> {
    let mut stream = socket::open(address, "/v2/sip", &account.key_id, &account.secret_key)?;
    socket::say(&mut stream, r#"{"action":"subscribe","trades":["*"],"quotes":["*"]}"#)?;
    stream.set_read_timeout(Some(Duration::from_millis(100)))?;
    Ok(stream)
}

/// Counts until the time is over.
fn count(mut stream: TcpStream, counts: &Counts, samples: bool) -> Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    let (mut sampled, mut messages) = (0, 0);
    while !counts.over.load(Ordering::Relaxed) {
        let received = match stream.read(&mut buffer) {
            Ok(0) => bail!("the broker ended a stream"),
            Ok(received) => received,
            Err(error) if is_passing(error.kind()) => continue,
            Err(error) => return Err(error.into()),
        };
        counts.bytes.fetch_add(received as u64, Ordering::Relaxed);
        if samples && sampled < SAMPLE {
            // What lies across two reads is missed: one message in a thousand.
            sampled += received as u64;
            messages +=
                buffer[..received].windows(MESSAGE.len()).filter(|window| *window == MESSAGE).count() as u64;
            counts.sampled.store(sampled, Ordering::Relaxed);
            counts.messages.store(messages, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// Whether the next attempt may be better.
fn is_passing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
