//! How many streams one access key may have open at once: of all kinds together, and each key for itself.

use futures_util::StreamExt as _;
use paddock_gateway::Limits;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::rig::{Pair, Rig, trader};
use crate::ways::{ClientStream, Way};

const MOST: u32 = 2;

async fn limited() -> Rig {
    Rig::limited(Limits { streams_at_once: MOST, ..Limits::default() }).await
}

/// Opens a stream: the socket, once it is let in, or the words and the close frame's reason.
async fn open(rig: &Rig, path: &str, pair: &Pair) -> Result<ClientStream, (Value, String)> {
    let mut socket = rig.ways.stream(Way::Plain, path, pair, false).await;
    let mut last = Value::Null;
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Close(close) => return Err((last, close.unwrap().reason.to_string())),
            Message::Ping(_) | Message::Pong(_) => {}
            message => {
                last = serde_json::from_slice(&message.into_data()).unwrap();
                if last[0]["msg"] == "authenticated" || last["data"]["status"] == "authorized" {
                    return Ok(socket);
                }
                // This one stays open for another try.
                if let Some(reason) = last["data"]["message"].as_str() {
                    return Err((last.clone(), reason.to_owned()));
                }
            }
        }
    }
}

#[tokio::test]
async fn one_more_than_a_key_may_have_is_refused_in_the_streams_own_words() {
    let rig = limited().await;
    let (pair, other) = (rig.key(trader()).await, rig.key(trader()).await);
    let data = open(&rig, "/v2/iex", &pair).await.unwrap();
    let _trades = open(&rig, "/stream", &pair).await.unwrap();
    let full = "this access key has 2 streams open: close one first";
    let (words, reason) = open(&rig, "/v2/sip", &pair).await.err().unwrap();
    assert_eq!((words[0]["code"].as_u64(), reason.as_str()), (Some(406), full), "{words}");
    let (words, reason) = open(&rig, "/stream", &pair).await.err().unwrap();
    assert_eq!((words["data"]["status"].as_str(), reason.as_str()), (Some("unauthorized"), full), "{words}");
    let (status, body) = rig.send("GET", "/v2/events/trades", &pair, None).await;
    assert_eq!((status, body["reason"].as_str()), (429, Some("too_many_at_once")), "{body}");
    // Requests are no streams, and another key has places of its own.
    assert_eq!(rig.send("GET", "/v2/account", &pair, None).await.0, 200);
    open(&rig, "/v2/iex", &other).await.unwrap();
    // Who leaves makes room, as soon as it is noticed.
    drop(data);
    while open(&rig, "/v2/sip", &pair).await.is_err() {}
}

#[tokio::test]
async fn many_at_once_get_no_more_places_than_there_are() {
    let rig = limited().await;
    let pair = rig.key(trader()).await;
    let tries = (0..20).map(|_| open(&rig, "/v2/iex", &pair));
    let opened: Vec<_> =
        futures_util::future::join_all(tries).await.into_iter().filter_map(Result::ok).collect();
    assert_eq!(opened.len(), MOST as usize);
}
