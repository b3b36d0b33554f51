//! Market data streams: who gets nothing, and why.

use std::time::Duration;

use paddock_core::Environment;
use paddock_paper::{DEFAULT_CASH, PaperOptions, StreamOptions};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Desk, OPEN};
use crate::socket::Socket;
use crate::stream_data::{auth, connected, success};

fn error(code: u32, message: &str) -> Value {
    json!([{"T": "error", "code": code, "msg": message}])
}

async fn desk_with(streams: StreamOptions) -> Desk {
    Desk::with(OPEN, |options| PaperOptions { streams, ..options }).await
}

#[rstest]
#[case::wrong(json!({"action": "auth", "key": "PK", "secret": "no"}), 402, "auth failed")]
#[case::no_secret(json!({"action": "auth"}), 402, "auth failed")]
#[case::oauth(json!({"action": "auth", "key": "oauth", "secret": "token"}), 402, "auth failed")]
#[case::too_early(json!({"action": "subscribe", "trades": ["AAPL"]}), 401, "not authenticated")]
#[case::unknown(json!({"action": "sing"}), 400, "invalid syntax")]
#[case::no_object(json!(["auth"]), 400, "invalid syntax")]
#[tokio::test]
async fn nothing_comes_before_authentication(
    #[case] request: Value,
    #[case] code: u32,
    #[case] message: &str,
) {
    let desk = Desk::at(OPEN).await;
    let mut socket = Socket::open(&desk, "/v2/iex", &[]).await;
    assert_eq!(socket.next().await, success("connected"));
    socket.send(request).await;
    assert_eq!(socket.next().await, error(code, message));
    socket.send(auth(&desk)).await;
    assert_eq!(socket.next().await, success("authenticated"));
}

#[rstest]
#[case::again(None, 403, "already authenticated")]
#[case::other_feed(Some(json!({"action": "subscribe", "orderbooks": ["AAPL"]})), 410, "invalid subscribe action for this feed")]
#[case::no_list(Some(json!({"action": "subscribe", "bars": "AAPL"})), 400, "invalid syntax")]
#[tokio::test]
async fn a_wrong_request_is_told_and_changes_nothing(
    #[case] request: Option<Value>,
    #[case] code: u32,
    #[case] message: &str,
) {
    let desk = Desk::at(OPEN).await;
    let mut socket = connected(&desk, "/v2/iex", &[]).await;
    socket.send(request.unwrap_or_else(|| auth(&desk))).await;
    assert_eq!(socket.next().await, error(code, message));
    socket.send_raw(Message::text("{")).await;
    assert_eq!(socket.next().await, error(400, "invalid syntax"));
    socket.send(json!({"action": "unsubscribe"})).await;
    assert_eq!(socket.next().await[0]["T"], "subscription");
}

#[tokio::test]
async fn headers_authenticate_and_wrong_ones_are_told() {
    let desk = Desk::at(OPEN).await;
    let key = ("apca-api-key-id", desk.account.key_id.as_str());
    let mut socket =
        Socket::open(&desk, "/v2/sip", &[key, ("apca-api-secret-key", desk.account.secret_key.expose())])
            .await;
    assert_eq!(socket.next().await, success("connected"));
    assert_eq!(socket.next().await, success("authenticated"));
    let mut wrong = Socket::open(&desk, "/v2/iex", &[key, ("apca-api-secret-key", "no")]).await;
    assert_eq!(wrong.next().await, success("connected"));
    assert_eq!(wrong.next().await, error(402, "auth failed"));
}

#[tokio::test]
async fn data_is_for_the_pairs_of_both_environments() {
    let mut desk = Desk::at(OPEN).await;
    desk.account = desk.server.broker.create_account(Environment::Live, DEFAULT_CASH).await.unwrap();
    connected(&desk, "/v2/iex", &[]).await;
}

#[tokio::test]
async fn credentials_are_waited_for_so_long() {
    let desk =
        desk_with(StreamOptions { auth_timeout: Duration::from_millis(1), ..StreamOptions::default() }).await;
    let mut socket = Socket::open(&desk, "/v2/iex", &[]).await;
    assert_eq!(socket.next().await, success("connected"));
    assert_eq!(socket.next().await, error(404, "auth timeout"));
    assert_eq!(socket.closed().await.0, 1008);
}

#[tokio::test]
async fn symbols_can_be_limited() {
    let desk = desk_with(StreamOptions { symbol_limit: Some(2), ..StreamOptions::default() }).await;
    let mut socket = connected(&desk, "/v2/iex", &[]).await;
    for (request, told) in [
        (json!({"trades": ["AAPL", "MSFT"], "bars": ["*"]}), json!(["AAPL", "MSFT"])),
        (json!({"quotes": ["IBM"]}), Value::Null),
        (json!({"trades": ["*"]}), Value::Null),
        (json!({"quotes": ["AAPL"]}), json!(["AAPL", "MSFT"])),
    ] {
        let mut subscribe = request;
        subscribe["action"] = json!("subscribe");
        socket.send(subscribe).await;
        let answer = socket.next().await;
        if told.is_null() {
            assert_eq!(answer, error(405, "symbol limit exceeded"));
        } else {
            assert_eq!(answer[0]["trades"], told);
        }
    }
}

#[tokio::test]
async fn an_account_connects_once_to_each_stream() {
    let desk = Desk::at(OPEN).await;
    let mut first = connected(&desk, "/v2/iex", &[]).await;
    connected(&desk, "/v2/sip", &[]).await;
    let mut second = Socket::open(&desk, "/v2/iex", &[]).await;
    assert_eq!(second.next().await, success("connected"));
    second.send(auth(&desk)).await;
    assert_eq!(second.next().await, error(406, "connection limit exceeded"));
    assert_eq!(second.closed().await.0, 1008);

    first.send_raw(Message::Close(None)).await;
    connect_when_free(&desk).await;
}

/// Connects as often as it takes.
async fn connect_when_free(desk: &Desk) {
    loop {
        let mut socket = Socket::open(desk, "/v2/iex", &[]).await;
        assert_eq!(socket.next().await, success("connected"));
        socket.send(auth(desk)).await;
        if socket.next().await == success("authenticated") {
            return;
        }
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off_and_holds_up_nobody() {
    let mut desk =
        desk_with(StreamOptions { slow_after: Duration::from_millis(200), ..StreamOptions::default() }).await;
    let all = json!({"action": "subscribe", "trades": ["*"], "quotes": ["*"]});
    let mut slow = connected(&desk, "/v2/iex", &[]).await;
    slow.send(all).await;
    assert_eq!(slow.next().await[0]["T"], "subscription");
    let other = desk.server.broker.create_account(Environment::Paper, DEFAULT_CASH).await.unwrap();
    let account = std::mem::replace(&mut desk.account, other);
    let mut quick = connected(&desk, "/v2/iex", &[]).await;
    quick.send(json!({"action": "subscribe", "bars": ["AAPL"]})).await;
    assert_eq!(quick.next().await[0]["T"], "subscription");

    desk.advance(3600);
    let mut bars = 0;
    while bars < 60 {
        bars += quick.next().await.as_array().unwrap().len();
    }
    // Its place is free without its having read anything. Reading on, it learns why.
    desk.account = account;
    connect_when_free(&desk).await;
    let mut last = Value::Null;
    while let Some(frame) = slow.try_next().await {
        last = frame;
    }
    assert_eq!(last, error(407, "slow client"));
}

#[tokio::test]
async fn a_dead_pair_closes_data_streams_too() {
    let desk = Desk::at(OPEN).await;
    let mut socket = connected(&desk, "/v2/iex", &[]).await;
    desk.server.broker.regenerate_key(desk.account.account_id).await.unwrap();
    assert_eq!(socket.closed().await, (1008, "the key is no longer valid".to_owned()));
}

#[tokio::test]
async fn what_is_no_stream_is_not_found() {
    let desk = Desk::at(OPEN).await;
    assert_eq!(desk.get("/v2/iex").await.status, 404);
    let tcp = TcpStream::connect(desk.server.paper_address).await.unwrap();
    assert!(tokio_tungstenite::client_async("ws://localhost/v2/nothing", tcp).await.is_err());
}
