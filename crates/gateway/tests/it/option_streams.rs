//! Streams of option contracts, which speak MessagePack only: several programs on one socket of Alpaca's, each with what its scope lets
//! it hear.

#![expect(clippy::panic, reason = "a test stops where something is not as it should be")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::{SinkExt as _, StreamExt as _};
use paddock_alpaca::stream::messagepack;
use paddock_core::{ManualClock, Symbol};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use crate::broker::FakeBroker;
use crate::rig::{Pair, REAL_ID, REAL_SECRET, Rig, trader};
use crate::ways::{ClientStream, Way};

const APPLE: &str = "AAPL261218C00150000";
const MICROSOFT: &str = "MSFT261218P00400000";

/// Alpaca's options stream, as strict as it is: MessagePack both ways, one connection for each path.
#[derive(Clone)]
struct Options {
    address: SocketAddr,
    connections: Arc<AtomicU32>,
    /// What it sends to whoever is subscribed to it.
    quotes: broadcast::Sender<Value>,
}

impl Options {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (quotes, _) = broadcast::channel(64);
        let options = Self { address: listener.local_addr().unwrap(), connections: Arc::default(), quotes };
        let serving = options.clone();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                tokio::spawn(serving.clone().serve(socket));
            }
        });
        options
    }

    async fn serve(self, socket: TcpStream) {
        let mut packed = false;
        #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
        let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            packed = request.headers().get("content-type").is_some_and(|form| form == "application/msgpack");
            assert!(["/v1beta1/opra", "/v1beta1/indicative"].contains(&request.uri().path()));
            Ok(response)
        };
        let mut socket = tokio_tungstenite::accept_hdr_async(socket, look).await.unwrap();
        self.connections.fetch_add(1, Ordering::SeqCst);
        if !packed {
            let refused = json!([{"T": "error", "code": 412, "msg": "option messages are only available in MsgPack format"}]);
            _ = socket.send(frame(&refused)).await;
            return;
        }
        socket.send(frame(&json!([{"T": "success", "msg": "connected"}]))).await.unwrap();
        let mut quotes = self.quotes.subscribe();
        let mut subscribed: Vec<Value> = Vec::new();
        loop {
            tokio::select! {
                quote = quotes.recv() => {
                    let quote = quote.unwrap();
                    if subscribed.contains(&quote["S"]) {
                        socket.send(frame(&json!([quote]))).await.unwrap();
                    }
                }
                message = socket.next() => {
                    let Some(Ok(message)) = message else { return };
                    let bytes = match message {
                        Message::Binary(bytes) => bytes,
                        Message::Text(text) => panic!("JSON on a stream of options: {text}"),
                        _ => continue,
                    };
                    let said: Value = rmp_serde::from_slice(&bytes).unwrap();
                    let answer = match said["action"].as_str() {
                        Some("auth") => {
                            assert_eq!((said["key"].as_str(), said["secret"].as_str()), (Some(REAL_ID), Some(REAL_SECRET)));
                            json!([{"T": "success", "msg": "authenticated"}])
                        }
                        Some("subscribe") => {
                            subscribed.extend(said["quotes"].as_array().into_iter().flatten().cloned());
                            json!([{"T": "subscription", "trades": [], "quotes": subscribed}])
                        }
                        _ => continue,
                    };
                    socket.send(frame(&answer)).await.unwrap();
                }
            }
        }
    }

    fn tell(&self, symbol: &str, bid: f64) {
        let quote = json!({"T": "q", "S": symbol, "t": "2026-11-20T15:00:00.123456789Z", "bp": bid, "bs": 12, "bx": "C",
            "ap": 2.0, "as": 7, "ax": "N", "c": "A"});
        self.quotes.send(quote).unwrap();
    }
}

fn frame(value: &Value) -> Message {
    let mut out = Vec::new();
    messagepack::write(value, &mut out);
    Message::binary(out)
}

async fn hear(socket: &mut ClientStream) -> Value {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Binary(bytes) => {
                // The instant as MessagePack's own timestamp, as Alpaca has it.
                let value = messagepack::read(&bytes).unwrap();
                if value[0]["T"] == "q" {
                    assert!(bytes.windows(4).any(|bytes| bytes == b"\xa1t\xd7\xff"), "{value}");
                }
                return value;
            }
            Message::Text(text) => panic!("JSON on a stream of options: {text}"),
            _ => {}
        }
    }
}

async fn say(socket: &mut ClientStream, value: &Value) {
    socket.send(Message::binary(rmp_serde::to_vec_named(value).unwrap())).await.unwrap();
}

async fn stage() -> (Options, Rig) {
    let options = Options::start().await;
    let clock = Arc::new(ManualClock::new("2026-11-20T15:00:00Z".parse().unwrap()));
    let rig = Rig::before(FakeBroker::start().await, options.address, clock, (REAL_ID, REAL_SECRET)).await;
    (options, rig)
}

async fn open(rig: &Rig, way: Way, path: &str, pair: &Pair) -> ClientStream {
    let mut socket = rig.ways.stream(way, path, pair, true).await;
    assert_eq!(hear(&mut socket).await[0]["msg"], "connected");
    assert_eq!(hear(&mut socket).await[0]["msg"], "authenticated");
    socket
}

async fn subscribe(socket: &mut ClientStream, list: &str, symbol: &str) -> Value {
    say(socket, &json!({"action": "subscribe", list: [symbol]})).await;
    hear(socket).await
}

#[rstest]
#[case(Way::Plain, "/v1beta1/indicative")]
#[case(Way::Tls, "/v1beta1/opra")]
#[case(Way::Proxy, "/v1beta1/opra")]
#[tokio::test]
async fn programs_share_one_socket_and_each_hears_its_own(#[case] way: Way, #[case] path: &str) {
    let (options, rig) = stage().await;
    let pair = rig.key(trader()).await;
    let (mut one, mut other) = (open(&rig, way, path, &pair).await, open(&rig, way, path, &pair).await);
    let acknowledged = subscribe(&mut one, "quotes", APPLE).await;
    assert_eq!(acknowledged[0]["quotes"], json!([APPLE]), "{acknowledged}");
    assert_eq!(acknowledged[0].get("corrections"), None, "options have none");
    subscribe(&mut other, "quotes", MICROSOFT).await;
    options.tell(APPLE, 1.84);
    options.tell(MICROSOFT, 3.0);
    let quote = hear(&mut one).await;
    assert_eq!(
        (quote[0]["S"].as_str(), &quote[0]["bp"], &quote[0]["as"], quote[0]["t"].as_str()),
        (Some(APPLE), &json!(1.84), &json!(7), Some("2026-11-20T15:00:00.123456789Z"))
    );
    // A whole price is a floating-point number, as at Alpaca.
    assert_eq!(hear(&mut other).await[0]["bp"], json!(3.0));
    assert_eq!(options.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_underlying_decides_what_a_scope_lets_through() {
    let (options, rig) = stage().await;
    let mut scope = trader();
    scope.data_symbols = Some([Symbol::parse("AAPL").unwrap()].into());
    let pair = rig.key(scope).await;
    let mut socket = open(&rig, Way::Plain, "/v1beta1/opra", &pair).await;
    for (list, symbol, code) in
        [("quotes", MICROSOFT, 409), ("trades", "*", 409), ("quotes", "*", 413), ("bars", APPLE, 410)]
    {
        let refused = subscribe(&mut socket, list, symbol).await;
        assert_eq!(refused[0]["code"], code, "{list} of {symbol}: {refused}");
    }
    let acknowledged = subscribe(&mut socket, "quotes", APPLE).await;
    assert_eq!(acknowledged[0]["quotes"], json!([APPLE]), "{acknowledged}");
    options.tell(APPLE, 1.5);
    assert_eq!(hear(&mut socket).await[0]["S"], APPLE);
}

/// The secret is as long as what stands in its place, so that the frame around it is one still.
#[tokio::test]
async fn an_echoed_secret_is_masked() {
    let (options, rig) = stage().await;
    let pair = rig.key(trader()).await;
    let mut socket = open(&rig, Way::Plain, "/v1beta1/opra", &pair).await;
    subscribe(&mut socket, "quotes", APPLE).await;
    let echo = format!("{REAL_ID} {REAL_SECRET}!");
    options
        .quotes
        .send(json!({"T": "q", "S": APPLE, "x": echo, "bp": 1.5, "t": "2026-11-20T15:00:00.5Z"}))
        .unwrap();
    let quote = hear(&mut socket).await;
    let masked = quote[0]["x"].as_str().unwrap();
    assert_eq!(masked, format!("{} {}!", "*".repeat(REAL_ID.len()), "*".repeat(REAL_SECRET.len())));
    assert_eq!(quote[0]["bp"], json!(1.5));
}

#[tokio::test]
async fn a_program_that_speaks_json_is_told_what_is_spoken_here() {
    let (options, rig) = stage().await;
    let pair = rig.key(trader()).await;
    let mut socket = rig.ways.stream(Way::Plain, "/v1beta1/opra", &pair, false).await;
    let mut said = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Text(text) => said.push(serde_json::from_str::<Value>(&text).unwrap()),
            Message::Close(_) => break,
            _ => {}
        }
    }
    assert_eq!(said.last().unwrap()[0]["code"], 412, "{said:?}");
    assert_eq!(options.connections.load(Ordering::SeqCst), 0);
}
