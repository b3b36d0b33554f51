//! WebSockets that do not keep to the rules, by all three ways. The socket ends; the gateway and other sockets go on.

use futures_util::{SinkExt as _, StreamExt as _};
use rstest::rstest;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;

use crate::rig::trader;
use crate::streams::Stage;
use crate::ways::Way;

/// A frame of a client's, whose mask is none.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length if length < 126 => frame.push(0x80 | u8::try_from(length).unwrap()),
        length if length < 1 << 16 => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

#[rstest]
#[case::without_a_mask(vec![0x81, 0x02, b'{', b'}'], 1002)]
#[case::reserved_bit(frame(0xa1, b"{}"), 1002)]
#[case::compressed_without_agreement(frame(0xc1, b"\xaa\x56\x00"), 1002)]
#[case::unknown_kind(frame(0x83, b"{}"), 1002)]
#[case::continuation_of_nothing(frame(0x80, b"{}"), 1002)]
#[case::a_message_in_a_message([frame(0x01, b"{"), frame(0x81, b"}")].concat(), 1002)]
#[case::ping_in_parts(frame(0x09, b"x"), 1002)]
#[case::long_ping(frame(0x89, &[b'x'; 126]), 1002)]
#[case::not_text(frame(0x81, b"\xff\xfe"), 1007)]
#[case::giant({ let mut frame = vec![0x82, 0xff]; frame.extend_from_slice(&u64::MAX.to_be_bytes()); frame.extend_from_slice(&[0; 4]); frame }, 1002)]
#[case::large({ let mut frame = vec![0x82, 0xff]; frame.extend_from_slice(&(1_u64 << 40).to_be_bytes()); frame.extend_from_slice(&[0; 4]); frame }, 1009)]
#[tokio::test]
async fn frames_against_the_rules_end_the_socket(#[case] bytes: Vec<u8>, #[case] code: u16) {
    let stage = Stage::set().await;
    let pair = stage.rig.key(trader()).await;
    for way in Way::ALL {
        let mut socket = stage.rig.ways.open_by_host(way, "stream.data.alpaca.markets").await;
        let host = if way == Way::Proxy { "stream.data.alpaca.markets" } else { "localhost" };
        let head = format!(
            "GET /v2/iex HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAPCA-API-KEY-ID: {}\r\nAPCA-API-SECRET-KEY: {}\r\n\r\n",
            pair.key_id, pair.secret
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(&bytes).await.unwrap();
        socket.flush().await.unwrap();
        let mut answer = Vec::new();
        let reading = socket.read_to_end(&mut answer);
        _ = tokio::time::timeout(std::time::Duration::from_secs(20), reading).await.expect("it is closed");
        let text = String::from_utf8_lossy(&answer);
        assert!(text.starts_with("HTTP/1.1 101"), "{text}");
        let closes = answer.windows(2).any(|pair| pair == code.to_be_bytes());
        assert!(closes, "{way:?}: no {code} in {answer:?}");
    }
    // Others are served.
    stage.listening(&pair, "AAPL").await;
}

/// The login may come in as many parts as a client likes.
#[tokio::test]
async fn a_login_in_parts_is_a_login() {
    let stage = Stage::set().await;
    let pair = stage.rig.key(trader()).await;
    let login = json!({"action": "auth", "key": pair.key_id, "secret": pair.secret}).to_string();
    for way in Way::ALL {
        let mut socket = stage.rig.ways.stream_without_key(way, "/v2/iex").await;
        socket.next().await.unwrap().unwrap();
        let bytes = login.as_bytes();
        let mut out = frame(0x01, &bytes[..1]);
        for byte in &bytes[1..bytes.len() - 1] {
            out.extend(frame(0x00, &[*byte]));
            out.extend(frame(0x89, b"?"));
        }
        out.extend(frame(0x80, &bytes[bytes.len() - 1..]));
        socket.get_mut().write_all(&out).await.unwrap();
        socket.get_mut().flush().await.unwrap();
        loop {
            let said = socket.next().await.unwrap().unwrap();
            if let Message::Text(text) = said {
                assert!(text.contains("authenticated"), "{way:?}: {text}");
                break;
            }
        }
    }
}

/// A message that grows when it is decompressed, beyond what any message has.
#[tokio::test]
async fn a_compression_bomb_is_not_unpacked() {
    let stage = Stage::set().await;
    let pair = stage.rig.key(trader()).await;
    let mut deflate = flate2::Compress::new(flate2::Compression::best(), false);
    let mut bomb = Vec::with_capacity(1 << 20);
    deflate.compress_vec(&vec![b' '; 512 << 20 >> 3], &mut bomb, flate2::FlushCompress::Sync).unwrap();
    bomb.truncate(bomb.len() - 4);
    for way in Way::ALL {
        let mut socket = stage.rig.ways.open_by_host(way, "stream.data.alpaca.markets").await;
        let host = if way == Way::Proxy { "stream.data.alpaca.markets" } else { "localhost" };
        let head = format!(
            "GET /v2/iex HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Extensions: permessage-deflate\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAPCA-API-KEY-ID: {}\r\nAPCA-API-SECRET-KEY: {}\r\n\r\n",
            pair.key_id, pair.secret
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        _ = socket.write_all(&frame(0xc1, &bomb)).await;
        _ = socket.flush().await;
        let mut answer = Vec::new();
        _ = tokio::time::timeout(std::time::Duration::from_secs(20), socket.read_to_end(&mut answer)).await;
        assert!(answer.starts_with(b"HTTP/1.1 101"));
        assert!(answer.windows(2).any(|pair| pair == 1009_u16.to_be_bytes()), "{way:?}: {answer:?}");
    }
    let mut socket = stage.rig.ways.stream(Way::Plain, "/v2/iex", &pair, false).await;
    socket.send(Message::text(json!({"action": "subscribe", "trades": ["AAPL"]}).to_string())).await.unwrap();
}

/// A handshake is one thing only as well.
#[rstest]
#[case("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")]
#[case(
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)]
#[case(
    "Connection: close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)]
#[case(
    "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)]
#[case(
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nTransfer-Encoding: chunked\r\n"
)]
#[case(
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n"
)]
#[tokio::test]
async fn half_a_handshake_opens_nothing(#[case] headers: &str) {
    let stage = Stage::set().await;
    for way in Way::ALL {
        let host = if way == Way::Proxy { "paper-api.alpaca.markets" } else { "localhost" };
        let request = format!("GET /stream HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n");
        let mut socket = stage.rig.ways.open_by(way).await;
        socket.write_all(request.as_bytes()).await.unwrap();
        socket.flush().await.unwrap();
        let mut answer = [0; 12];
        socket.read_exact(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 4"), "{way:?}: {}", String::from_utf8_lossy(&answer));
    }
}
