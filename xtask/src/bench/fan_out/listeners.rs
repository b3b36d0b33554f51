//! The programs that listen: one thread reads all their sockets in turn and counts bytes, so that the load stays much cheaper than
//! what is measured.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::super::gateway::AccessKey;

/// Programs with open streams.
pub(super) struct Listeners {
    streams: Vec<TcpStream>,
    buffer: Vec<u8>,
    /// What the first program got, up to `SAMPLE` bytes.
    sample: Vec<u8>,
}

/// What all programs got together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    pub(super) messages: u64,
    pub(super) took: Duration,
    /// How many programs were cut off.
    pub(super) lost: usize,
}

/// How every message begins; nothing else in it does.
const MESSAGE: &[u8] = b"{\"T\":\"t\"";
const SAMPLE: usize = 4 << 20;
/// How long the thread rests when it has looked at every socket.
const REST: Duration = Duration::from_millis(2);

impl Listeners {
    /// Opens so many streams and subscribes each to every trade.
    pub(super) fn open(address: SocketAddr, key: &AccessKey, count: usize) -> Result<Self> {
        let streams = (0..count).map(|_| open(address, key)).collect::<Result<Vec<_>>>()?;
        Ok(Self { streams, buffer: vec![0; 1 << 20], sample: Vec::new() })
    }

    /// Counts for that time.
    pub(super) fn listen(&mut self, time: Duration) -> Result<Heard> {
        self.sample.clear();
        let (began, before) = (Instant::now(), self.streams.len());
        let mut bytes = 0_u64;
        while began.elapsed() < time {
            let (buffer, sample, mut number) = (&mut self.buffer, &mut self.sample, 0);
            self.streams.retain_mut(|stream| {
                let read = stream.read(buffer);
                number += 1;
                match read {
                    Ok(0) => false,
                    Ok(read) => {
                        bytes += read as u64;
                        if number == 1 && sample.len() < SAMPLE {
                            sample.extend_from_slice(&buffer[..read]);
                        }
                        true
                    }
                    Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
                }
            });
            thread::sleep(REST);
        }
        let took = began.elapsed();
        let in_sample = self.sample.windows(MESSAGE.len()).filter(|window| *window == MESSAGE).count() as u64;
        let messages = (bytes * in_sample).checked_div(self.sample.len() as u64).unwrap_or(0);
        Ok(Heard { messages, took, lost: before - self.streams.len() })
    }
}

fn open(address: SocketAddr, key: &AccessKey) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    let AccessKey { key_id, secret_key } = key;
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
        bail!("no stream was opened: {}", String::from_utf8_lossy(&head));
    }
    // A text frame of less than 126 bytes with the mask 0, which leaves it as it is.
    let subscribe = br#"{"action":"subscribe","trades":["*"]}"#;
    let length = u8::try_from(subscribe.len()).context("the subscription is too long")?;
    stream.write_all(&[&[0x81, 0x80 | length, 0, 0, 0, 0], &subscribe[..]].concat())?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}
