//! Streams to a client that offers `permessage-deflate`.

use paddock_alpaca::socket::deflate::Inflater;
use paddock_alpaca::socket::frame::{self, Header, Opcode};
use paddock_alpaca::socket::{Message, Reader, Role};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Desk, OPEN};
use crate::socket::Socket;

const OFFER: &str = "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12";

/// A client that speaks frames by itself.
struct Frames {
    io: TcpStream,
    reader: Reader,
    /// The head of the handshake's answer.
    head: String,
    /// Bytes received after it.
    received: usize,
    /// Messages received, and how many of them were compressed.
    messages: usize,
    compressed: usize,
}

impl Frames {
    async fn open(desk: &Desk, path: &str, headers: &str) -> Self {
        let mut io = TcpStream::connect(desk.server.paper_address).await.unwrap();
        let (key_id, secret) = (&desk.account.key_id, desk.account.secret_key.expose());
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAPCA-API-KEY-ID: {key_id}\r\nAPCA-API-SECRET-KEY: {secret}\r\n{headers}\r\n"
        );
        io.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(io.read_u8().await.unwrap());
        }
        let reader = Reader::new(Role::Client, 1 << 24, Some(Inflater::new(true)));
        let head = String::from_utf8(head).unwrap().to_lowercase();
        Self { io, reader, head, received: 0, messages: 0, compressed: 0 }
    }

    async fn next(&mut self) -> Option<Message> {
        loop {
            let header = Header::read(self.reader.arrived(), Role::Client).unwrap();
            if let Some(message) = self.reader.message().unwrap() {
                self.messages += 1;
                self.compressed += usize::from(header.is_some_and(|(header, _)| header.compressed));
                return Some(message);
            }
            match self.io.read_buf(self.reader.arrived()).await.unwrap() {
                0 => return None,
                more => self.received += more,
            }
        }
    }

    async fn send(&mut self, first: u8, payload: &[u8]) {
        let mut out = Vec::new();
        frame::write(Opcode::Text, false, payload, Some([1, 2, 3, 4]), &mut out);
        out[0] = first;
        self.io.write_all(&out).await.unwrap();
    }
}

#[rstest]
#[case::json("")]
#[case::msgpack("Content-Type: application/msgpack\r\n")]
#[tokio::test]
async fn a_compressed_stream_says_the_same_in_fewer_bytes(#[case] format: &str) {
    let desk = Desk::at(OPEN).await;
    let mut plain = Frames::open(&desk, "/v2/iex", format).await;
    let mut short =
        Frames::open(&desk, "/v2/sip", &format!("{format}Sec-WebSocket-Extensions: {OFFER}\r\n")).await;
    assert!(!plain.head.contains("sec-websocket-extensions"), "{}", plain.head);
    let answer = "sec-websocket-extensions: permessage-deflate; server_no_context_takeover; server_max_window_bits=12\r\n";
    assert!(short.head.contains(answer), "{}", short.head);

    let subscribe = json!({"action": "subscribe", "trades": ["AAPL"], "quotes": ["*"]}).to_string();
    for client in [&mut plain, &mut short] {
        client.send(0x81, subscribe.as_bytes()).await;
        for _ in 0..3 {
            client.next().await.unwrap();
        }
    }
    desk.advance(9);
    desk.server.broker.advance();
    let (one, other) = (plain.next().await.unwrap(), short.next().await.unwrap());
    assert_eq!(one, other);
    assert!(short.compressed > 0 && plain.compressed == 0);
    assert!(short.received * 2 < plain.received, "{} of {}", short.received, plain.received);
}

#[tokio::test]
async fn what_a_client_compresses_is_read_also_in_frames_and_with_earlier_messages_in_mind() {
    let desk = Desk::at(OPEN).await;
    let mut client = Frames::open(&desk, "/v2/sip", &format!("Sec-WebSocket-Extensions: {OFFER}\r\n")).await;
    let message = json!({"action": "subscribe", "trades": ["AAPL"]}).to_string();
    let mut compress = flate2::Compress::new_with_window_bits(flate2::Compression::best(), false, 12);
    for _ in 0..3 {
        let mut payload = Vec::with_capacity(500);
        compress.compress_vec(message.as_bytes(), &mut payload, flate2::FlushCompress::Sync).unwrap();
        let (begin, end) = payload[..payload.len() - 4].split_at(2);
        client.send(0x41, begin).await;
        client.send(0x89, b"still there?").await;
        client.send(0x80, end).await;
        // Connected and authenticated come before the first answer.
        let answer = loop {
            match client.next().await.unwrap() {
                Message::Text(text) if text.contains("subscription") => break text,
                Message::Text(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        };
        assert!(answer.contains("\"trades\":[\"AAPL\"]"), "{answer}");
    }
}

#[tokio::test]
async fn trade_updates_are_compressed() {
    let desk = Desk::at(OPEN).await;
    let mut client = Frames::open(&desk, "/stream", "Sec-WebSocket-Extensions: permessage-deflate\r\n").await;
    client.next().await.unwrap();
    client
        .send(
            0x81,
            json!({"action": "listen", "data": {"streams": ["trade_updates"]}}).to_string().as_bytes(),
        )
        .await;
    client.next().await.unwrap();
    let order =
        json!({"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"});
    desk.place(order).await;
    let compressed = client.compressed;
    for expected in ["pending_new", "new", "fill"] {
        let Some(Message::Binary(update)) = client.next().await else { panic!("no {expected}") };
        let update: Value = serde_json::from_slice(&update).unwrap();
        assert_eq!(update["data"]["event"], expected);
    }
    assert_eq!(client.compressed, compressed + 3);
}

#[rstest]
#[case::reserved_bit(0xa1, b"{}", 1002)]
#[case::unknown_opcode(0x83, b"{}", 1002)]
#[case::nothing_to_go_on_with(0x80, b"{}", 1002)]
#[case::no_text(0x81, b"\xff", 1007)]
#[case::damaged(0xc1, b"\xff\xff\xff", 1007)]
#[case::too_large(0x81, &[b' '; (1 << 20) + 1], 1009)]
#[tokio::test]
async fn who_breaks_the_protocol_is_told_how(#[case] first: u8, #[case] payload: &[u8], #[case] code: u16) {
    let desk = Desk::at(OPEN).await;
    for path in ["/stream", "/v2/sip"] {
        let mut client = Frames::open(&desk, path, &format!("Sec-WebSocket-Extensions: {OFFER}\r\n")).await;
        client.next().await.unwrap();
        client.send(first, payload).await;
        let close = loop {
            match client.next().await {
                Some(Message::Close(close)) => break close.unwrap(),
                Some(_) => {}
                None => panic!("the connection ended without a word"),
            }
        };
        assert_eq!(close.code, code, "{close:?}");
    }
}

#[tokio::test]
async fn a_message_that_would_swell_beyond_the_limit_is_not_inflated() {
    let desk = Desk::at(OPEN).await;
    let mut client = Frames::open(&desk, "/v2/sip", &format!("Sec-WebSocket-Extensions: {OFFER}\r\n")).await;
    let bomb = paddock_alpaca::socket::deflate::compressed(
        &vec![b' '; 64 << 20],
        paddock_alpaca::socket::Agreed::PLAIN,
    );
    client.send(0xc1, &bomb.unwrap()).await;
    let code = loop {
        if let Message::Close(close) = client.next().await.unwrap() {
            break close.unwrap().code;
        }
    };
    assert_eq!(code, 1009);
}

#[tokio::test]
async fn a_client_that_offers_nothing_gets_nothing_compressed() {
    let desk = Desk::at(OPEN).await;
    // This one would end the connection at the first compressed frame.
    let mut socket = Socket::open(&desk, "/v2/sip", &[]).await;
    assert_eq!(socket.next().await[0]["msg"], "connected");
}
