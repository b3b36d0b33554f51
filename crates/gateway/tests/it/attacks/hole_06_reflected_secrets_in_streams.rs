//! A broker that gives back what it was sent in the frames of its sockets.

use futures_util::{SinkExt as _, StreamExt as _};
use paddock_core::ManualClock;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;

use crate::broker::FakeBroker;
use crate::rig::{REAL_ID, REAL_SECRET, Rig, trader};
use crate::ways::{Duplex, Way};

/// A socket that answers like both of Alpaca's, and puts the secret it was told into what it says.
async fn echoing() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut socket = tokio_tungstenite::accept_async(socket).await.unwrap();
                // Only the data stream greets, and the other one does not mind.
                socket.send(Message::text(r#"[{"T":"success","msg":"connected"}]"#)).await.unwrap();
                while let Some(Ok(message)) = socket.next().await {
                    let Ok(text) = message.to_text() else { continue };
                    let Ok(said) = serde_json::from_str::<Value>(text) else { continue };
                    for answer in answers(&said) {
                        _ = socket.send(answer).await;
                    }
                }
            });
        }
    });
    address
}

fn escaped(secret: &str) -> String {
    secret.bytes().map(|byte| format!("\\u{byte:04x}")).collect()
}

fn answers(said: &Value) -> Vec<Message> {
    let binary = |value: Value| Message::binary(value.to_string().into_bytes());
    match said["action"].as_str() {
        Some("auth") => vec![Message::text(r#"[{"T":"success","msg":"authenticated"}]"#)],
        Some("subscribe") => vec![
            Message::text(json!([{"T": "subscription", "trades": ["AAPL"]}]).to_string()),
            Message::text(
                json!([{"T": "t", "S": "AAPL", "x": REAL_SECRET, "y": REAL_ID, "z": "kept"}]).to_string(),
            ),
            Message::text(format!(
                "[{{\"T\":\"t\",\"S\":\"AAPL\",\"x\":\"{}\",\"z\":\"kept\"}}]",
                escaped(REAL_SECRET)
            )),
        ],
        Some("authenticate") => vec![binary(
            json!({"stream": "authorization", "data": {"status": "authorized", "action": "authenticate"}}),
        )],
        Some("listen") => vec![
            binary(json!({"stream": "listening", "data": {"streams": ["trade_updates"]}})),
            binary(
                json!({"stream": "trade_updates", "data": {"event": "new", "x": REAL_SECRET, "z": "kept"}}),
            ),
        ],
        _ => Vec::new(),
    }
}

async fn hear(socket: &mut tokio_tungstenite::WebSocketStream<Box<dyn Duplex>>, words: &str) -> Vec<String> {
    let mut heard = Vec::new();
    while !heard.iter().any(|said: &String| said.contains(words)) {
        let message = tokio::time::timeout(std::time::Duration::from_secs(20), socket.next()).await;
        assert!(message.is_ok(), "no {words} in {heard:?}");
        let message = message.unwrap().unwrap().unwrap();
        heard.push(String::from_utf8_lossy(&message.into_data()).into_owned());
    }
    heard
}

#[tokio::test]
async fn in_frames_of_both_streams() {
    let upstream = echoing().await;
    let clock = Arc::new(ManualClock::new("2026-11-20T15:00:00Z".parse().unwrap()));
    let rig = Rig::before(FakeBroker::start().await, upstream, clock, (REAL_ID, REAL_SECRET)).await;
    let pair = rig.key(trader()).await;
    for way in Way::ALL {
        for packed in [false, true] {
            let mut socket = rig.ways.stream(way, "/v2/iex", &pair, packed).await;
            let subscribe = json!({"action": "subscribe", "trades": ["AAPL"]});
            let subscribe = if packed {
                Message::binary(rmp_serde::to_vec_named(&subscribe).unwrap())
            } else {
                Message::text(subscribe.to_string())
            };
            socket.send(subscribe).await.unwrap();
            // The hub is shared: what it hears when the first program subscribes, the first program gets.
            let heard = if way == Way::Plain && !packed {
                hear(&mut socket, "kept").await
            } else {
                hear(&mut socket, "subscription").await
            };
            let heard = heard.join("\n");
            for secret in [REAL_SECRET, REAL_ID, &escaped(REAL_SECRET)] {
                assert!(!heard.contains(secret), "{way:?}: {heard}");
            }
        }
    }
    let mut socket = rig.ways.stream(Way::Plain, "/stream", &pair, false).await;
    socket
        .send(Message::text(json!({"action": "listen", "data": {"streams": ["trade_updates"]}}).to_string()))
        .await
        .unwrap();
    let heard = hear(&mut socket, "kept").await.join("\n");
    assert!(!heard.contains(REAL_SECRET) && heard.contains("****"), "{heard}");
}
