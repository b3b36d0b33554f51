//! Clients of a market data stream that count what they get.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

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
    messages: AtomicU64,
    bytes: AtomicU64,
    over: AtomicBool,
}

/// How every message of an array begins; nothing else in it does.
const MESSAGE: &[u8] = b"{\"T\":";

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
            .map(|account| {
                let (counts, ready) = (&counts, &ready);
                scope.spawn(move || {
                    let opened = open(address, account);
                    ready.wait();
                    count(opened?, counts)
                })
            })
            .collect();
        ready.wait();
        // The first second only fills caches.
        thread::sleep(Duration::from_secs(1));
        let read = || (counts.messages.load(Ordering::Relaxed), counts.bytes.load(Ordering::Relaxed));
        let (began, cpu_before, before) = (Instant::now(), cpu()?, read());
        thread::sleep(time);
        let (took, cpu_after, after) = (began.elapsed(), cpu()?, read());
        counts.over.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
        }
        let (messages, bytes) = (after.0 - before.0, after.1 - before.1);
        Ok(Heard { messages, bytes, took, cpu: cpu_after.saturating_sub(cpu_before) })
    })
}

/// Opens the stream and subscribes.
fn open(address: SocketAddr, account: &Account) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    let Account { key_id, secret_key } = account;
    write!(
        stream,
        "GET /v2/sip HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAPCA-API-KEY-ID: {key_id}\r\nAPCA-API-SECRET-KEY: {secret_key}\r\n\r\n"
    )?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    if !head.starts_with(b"HTTP/1.1 101") {
        bail!("the broker opened no stream: {}", String::from_utf8_lossy(&head));
    }
    // A text frame of less than 126 bytes with the mask 0, which leaves it as it is.
    let subscribe = br#"{"action":"subscribe","trades":["*"],"quotes":["*"]}"#;
    let length = u8::try_from(subscribe.len()).context("the subscription is too long")?;
    stream.write_all(&[&[0x81, 0x80 | length, 0, 0, 0, 0], &subscribe[..]].concat())?;
    stream.set_read_timeout(Some(Duration::from_millis(100)))?;
    Ok(stream)
}

/// Counts messages until the time is over.
fn count(mut stream: TcpStream, counts: &Counts) -> Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    // The last bytes of one read come before those of the next, so that nothing is missed at the seam.
    let mut kept = 0;
    while !counts.over.load(Ordering::Relaxed) {
        let received = match stream.read(&mut buffer[kept..]) {
            Ok(0) => bail!("the broker ended a stream"),
            Ok(received) => received,
            Err(error) if is_passing(error.kind()) => continue,
            Err(error) => return Err(error.into()),
        };
        counts.bytes.fetch_add(received as u64, Ordering::Relaxed);
        let length = kept + received;
        let seen = buffer[..length].windows(MESSAGE.len()).filter(|window| *window == MESSAGE).count();
        counts.messages.fetch_add(seen as u64, Ordering::Relaxed);
        kept = length.min(MESSAGE.len() - 1);
        buffer.copy_within(length - kept..length, 0);
    }
    Ok(())
}

/// Whether the next attempt may be better.
fn is_passing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
