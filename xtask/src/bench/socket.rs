//! The client side of a WebSocket, as plain as a load needs it: frames without a mask's work, read by whoever opened it.

use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, Result, bail};

/// Opens the stream at a path with a pair in the handshake's headers.
pub(super) fn open(address: SocketAddr, path: &str, key_id: &str, secret_key: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
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
    Ok(stream)
}

/// Sends a text of less than 126 bytes, with the mask 0, which leaves it as it is.
pub(super) fn say(stream: &mut TcpStream, text: &str) -> Result<()> {
    let length =
        u8::try_from(text.len()).ok().filter(|length| *length < 126).context("the text is too long")?;
    Ok(stream.write_all(&[&[0x81, 0x80 | length, 0, 0, 0, 0], text.as_bytes()].concat())?)
}

/// The next frame: whether it closes the stream.
pub(super) fn is_close(stream: &mut impl Read) -> Result<bool> {
    let mut head = [0; 2];
    stream.read_exact(&mut head)?;
    let length = match head[1] & 0x7f {
        126 => {
            let mut length = [0; 2];
            stream.read_exact(&mut length)?;
            u16::from_be_bytes(length).into()
        }
        127 => {
            let mut length = [0; 8];
            stream.read_exact(&mut length)?;
            u64::from_be_bytes(length)
        }
        short => u64::from(short),
    };
    std::io::copy(&mut stream.take(length), &mut std::io::sink())?;
    Ok(head[0] & 0x0f == 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_apart() {
        let mut long = vec![0x82, 126, 0x01, 0x00];
        long.extend([0; 256]);
        let mut bytes: &[u8] = &[&long[..], &[0x81, 1, b'x'], &[0x88, 2, 3, 0xf0]].concat();
        let found: Vec<bool> = (0..3).map(|_| is_close(&mut bytes).unwrap()).collect();
        assert_eq!((found, bytes.is_empty()), (vec![false, false, true], true));
    }
}
