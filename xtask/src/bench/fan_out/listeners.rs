//! The programs that listen: one thread reads all their sockets in turn and counts bytes, so that the load stays much cheaper than
//! what is measured.

use std::io::{ErrorKind, Read as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::super::gateway::AccessKey;
use super::super::socket;

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
    let mut stream = socket::open(address, "/v2/sip", &key.key_id, &key.secret_key)?;
    socket::say(&mut stream, r#"{"action":"subscribe","trades":["*"]}"#)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}
