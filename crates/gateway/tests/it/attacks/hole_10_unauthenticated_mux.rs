//! A proxy for streams that answers "authenticated" to anybody and gives everybody the first one's rights.

use futures_util::{SinkExt as _, StreamExt as _};
use paddock_core::Symbol;
use rstest::rstest;
use serde_json::{Value, json};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::rig::{Pair, trader};
use crate::streams::Stage;
use crate::ways::{Duplex, Way};

type Socket = WebSocketStream<Box<dyn Duplex>>;

async fn next(socket: &mut Socket) -> Value {
    loop {
        let message = tokio::time::timeout(std::time::Duration::from_secs(20), socket.next()).await;
        match message.unwrap().unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Binary(bytes) => return serde_json::from_slice(&bytes).unwrap(),
            Message::Close(_) => return Value::Null,
            _ => {}
        }
    }
}

async fn say(socket: &mut Socket, value: Value) {
    socket.send(Message::text(value.to_string())).await.unwrap();
}

fn nobody() -> Pair {
    Pair {
        id: paddock_core::id::AccessKeyId::generate(
            "2026-11-20T15:00:00Z".parse().unwrap(),
            &paddock_vault::OsEntropy,
        ),
        key_id: "PDKNOBODY".to_owned(),
        secret: "pdks_nobody".to_owned(),
    }
}

/// While somebody else is logged in and hears.
#[rstest]
#[case::nobody(|_: &Pair| json!({"action": "auth", "key": "PDKNOBODY", "secret": "x"}))]
#[case::half_of_it(|pair: &Pair| json!({"action": "auth", "key": pair.key_id, "secret": ""}))]
#[case::the_other_half(|pair: &Pair| json!({"action": "auth", "key": "", "secret": pair.secret}))]
#[case::swapped(|pair: &Pair| json!({"action": "auth", "key": pair.secret, "secret": pair.key_id}))]
#[case::without_a_secret(|pair: &Pair| json!({"action": "auth", "key": pair.key_id}))]
#[case::the_real_pair(|_: &Pair| json!({"action": "auth", "key": crate::rig::REAL_ID, "secret": crate::rig::REAL_SECRET}))]
#[case::nothing(|_: &Pair| json!({"action": "auth"}))]
#[case::no_action(|_: &Pair| json!({"action": "subscribe", "trades": ["AAPL"]}))]
#[tokio::test]
async fn a_stream_is_for_who_says_a_whole_key(#[case] message: fn(&Pair) -> Value) {
    let stage = Stage::set().await;
    let pair = stage.rig.key(trader()).await;
    let _first = stage.listening(&pair, "AAPL").await;
    for way in Way::ALL {
        let mut socket = stage.rig.ways.stream_without_key(way, "/v2/iex").await;
        assert_eq!(next(&mut socket).await[0]["msg"], "connected");
        say(&mut socket, message(&pair)).await;
        let answer = next(&mut socket).await;
        assert_eq!(answer[0]["T"], "error", "{way:?}: {answer}");
        say(&mut socket, json!({"action": "subscribe", "trades": ["AAPL"]})).await;
        let answer = next(&mut socket).await;
        assert!(answer.is_null() || answer[0]["T"] == "error", "{way:?}: {answer}");
    }
}

/// Two keys at one account's one socket have each its own rights.
#[tokio::test]
async fn the_second_program_has_not_the_first_ones_rights() {
    let stage = Stage::set().await;
    let wide = stage.rig.key(trader()).await;
    let mut scope = trader();
    scope.data_symbols = Some([Symbol::parse("IBM").unwrap()].into());
    let narrow = stage.rig.key(scope).await;
    let mut first = stage.listening(&wide, "AAPL").await;
    let mut second = stage.listening(&narrow, "IBM").await;
    second.say(json!({"action": "subscribe", "trades": ["AAPL"]})).await;
    assert_eq!(second.next().await[0]["code"], 409);
    second.say(json!({"action": "subscribe", "trades": ["*"]})).await;
    assert_eq!(second.next().await[0]["code"], 409);
    // What the second one stops hearing, the first one still hears.
    second.say(json!({"action": "unsubscribe", "trades": ["AAPL", "*"]})).await;
    stage.pass(60);
    let heard = first.next().await;
    assert!(heard.as_array().unwrap().iter().all(|item| item["S"] == "AAPL"), "{heard}");
}

#[tokio::test]
async fn a_wrong_key_gets_nothing_by_rest_either() {
    let stage = Stage::set().await;
    let _somebody = stage.rig.key(trader()).await;
    for way in Way::ALL {
        let (status, answer) = super::ask(&stage.rig, way, "GET /v2/account", &nobody(), "").await;
        assert_eq!((status, super::reason(&answer).as_str()), (401, "invalid_credential"), "{answer}");
    }
}
