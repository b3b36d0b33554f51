//! What a client sends on a WebSocket: whole, fragmented or broken frames, in JSON and MessagePack, on every stream.
//!
//! The first byte of an input chooses stream, form and compression. After it come frames, each as its first byte (the end bit and the
//! opcode, as on the wire), the length of its payload and the payload; what is behind the byte 0xff goes to the socket as it is.

use std::cell::RefCell;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::desk::Desk;

const PATHS: [&str; 6] =
    ["/stream", "/v2/iex", "/v1beta3/crypto/us", "/v2/test", "/v1beta1/news", "/v2/delayed_sip"];

/// The payload of a frame that stands for the client's good credentials.
const PAIR: &[u8] = b"auth";

/// Alpaca's codes of stream errors.
const CODES: std::ops::RangeInclusive<u64> = 400..=413;

thread_local! {
    static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
}

/// Checks an input.
pub fn check(data: &[u8]) {
    let Some((&choice, frames)) = data.split_first() else {
        return;
    };
    let path = PATHS[usize::from(choice & 0x07) % PATHS.len()];
    let (packed, compressed) = (choice & 0x08 != 0, choice & 0x10 != 0);
    DESK.with_borrow_mut(|kept| {
        Desk::with(kept, |desk| {
            let head = handshake(path, packed, compressed);
            let frames = wire(frames, &desk.account.key_id, desk.account.secret_key.expose(), path, packed);
            read(&talk(desk, &head, &frames), path, packed, compressed);
        });
    });
}

fn handshake(path: &str, packed: bool, compressed: bool) -> Vec<u8> {
    let mut head = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    );
    if packed {
        head += "Content-Type: application/msgpack\r\n";
    }
    if compressed {
        head += "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    }
    (head + "\r\n").into_bytes()
}

/// The frames as a client sends them, masked with zeros.
fn wire(mut frames: &[u8], key_id: &str, secret: &str, path: &str, packed: bool) -> Vec<u8> {
    let mut sent = Vec::new();
    while let Some((&first, rest)) = frames.split_first() {
        if first == 0xff {
            sent.extend(rest);
            break;
        }
        let Some((&length, rest)) = rest.split_first() else {
            break;
        };
        let (payload, rest) = rest.split_at(usize::from(length).min(rest.len()));
        let credentials;
        let payload = if payload == PAIR && !(packed && path != "/stream") {
            credentials = format!(r#"{{"action":"auth","key":"{key_id}","secret":"{secret}"}}"#);
            sent.extend([0x81, 0x80 | 126]);
            sent.extend(u16::try_from(credentials.len()).unwrap().to_be_bytes());
            sent.extend([0; 4]);
            sent.extend(credentials.as_bytes());
            frames = rest;
            continue;
        } else {
            payload
        };
        match u8::try_from(payload.len()) {
            Ok(short @ ..126) => sent.extend([first, 0x80 | short]),
            Ok(long) => sent.extend([first, 0x80 | 126, 0, long]),
            Err(_) => unreachable!("a payload has one byte of length"),
        }
        sent.extend([0; 4]);
        sent.extend(payload);
        frames = rest;
    }
    sent
}

/// All that the broker says after the handshake to a client that sends these frames and then hangs up.
fn talk(desk: &Desk, handshake: &[u8], frames: &[u8]) -> Vec<u8> {
    let router = desk.router.clone();
    desk.runtime.block_on(async {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        let connection = http1::Builder::new()
            .serve_connection(TokioIo::new(server), TowerToHyperService::new(router))
            .with_upgrades();
        let served = tokio::spawn(connection);
        client.write_all(handshake).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
        let mut heard = Vec::new();
        // The broker may have hung up before. Time passes at once when both sides wait.
        let _ = client.write_all(frames).await;
        client.shutdown().await.unwrap();
        client.read_to_end(&mut heard).await.unwrap();
        let _ = served.await;
        heard
    })
}

/// What was heard are good frames and good messages.
fn read(mut frames: &[u8], path: &str, packed: bool, compressed: bool) {
    while let Some(([first, second], rest)) = frames.split_first_chunk() {
        assert_eq!(second & 0x80, 0, "a server masks nothing");
        let (length, rest) = match second {
            126 => {
                let (length, rest) = rest.split_first_chunk().unwrap();
                (usize::from(u16::from_be_bytes(*length)), rest)
            }
            127 => {
                let (length, rest) = rest.split_first_chunk().unwrap();
                (usize::try_from(u64::from_be_bytes(*length)).unwrap(), rest)
            }
            short => (usize::from(*short), rest),
        };
        let (payload, rest) = rest.split_at(length);
        let is_compressed = first & 0x40 != 0;
        assert!(compressed || !is_compressed);
        if matches!(first & 0x0f, 1 | 2) && !is_compressed {
            message(payload, path, packed);
        }
        frames = rest;
    }
}

fn message(payload: &[u8], path: &str, packed: bool) {
    if packed {
        // Times are an extension type, which is no JSON: it is enough that it is MessagePack.
        let mut rest = payload;
        rmp_serde::decode::from_read::<_, serde::de::IgnoredAny>(&mut rest).unwrap();
        assert!(rest.is_empty());
        return;
    }
    let value: Value = serde_json::from_slice(payload).unwrap();
    if path == "/stream" {
        assert!(value["stream"].is_string() || value["action"] == "error", "{value}");
        return;
    }
    let messages = value.as_array().unwrap();
    assert!(!messages.is_empty());
    for message in messages {
        let kind = message["T"].as_str().unwrap();
        if kind == "error" {
            assert!(message["code"].as_u64().is_some_and(|code| CODES.contains(&code)), "{message}");
            assert!(message["msg"].is_string(), "{message}");
        }
    }
}
