//! Streams through the gateway, before the built-in broker, which has one place for each account and data stream as Alpaca has.

#![expect(clippy::panic, reason = "a test stops where something is not as it should be")]

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use paddock_alpaca::oauth::OAuthScopes;
use paddock_core::audit::Actor;
use paddock_core::{Clock as _, Environment, ManualClock, PermissionClass, Scope, Symbol};
use paddock_paper::faults::{Fault, FaultRule};
use paddock_paper::{EphemeralBroker, PaperOptions};
use paddock_vault::OsEntropy;
use rstest::rstest;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::broker::FakeBroker;
use crate::rig::{Pair, Rig, trader};

/// No answer takes longer on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Stage {
    pub rig: Rig,
    pub broker: EphemeralBroker,
    account: uuid::Uuid,
    clock: Arc<ManualClock>,
    /// The account's own pair, which is good at the broker.
    pub real: Pair,
}

impl Stage {
    pub async fn set() -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-20T15:00:00Z".parse().unwrap()));
        let options = PaperOptions::new(clock.clone(), Arc::new(OsEntropy));
        let broker = EphemeralBroker::start(options).await.unwrap();
        let account = broker.broker.create_account(Environment::Paper, Decimal::from(100_000)).await.unwrap();
        let pair = (account.key_id.as_str(), account.secret_key.expose());
        let rig = Rig::before(FakeBroker::start().await, broker.paper_address, clock.clone(), pair).await;
        let real = Pair {
            id: paddock_core::id::AccessKeyId::generate(clock.now(), &OsEntropy),
            key_id: account.key_id.clone(),
            secret: account.secret_key.expose().to_owned(),
        };
        Self { rig, broker, account: account.account_id, clock, real }
    }

    pub async fn open(&self, path: &str, headers: &[(&'static str, &str)]) -> Socket {
        let mut request = format!("ws://{}{path}", self.rig.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let tcp = TcpStream::connect(self.rig.address).await.unwrap();
        Socket(client_async(request, tcp).await.unwrap().0)
    }

    /// A program that is subscribed to trades of a symbol.
    pub async fn listening(&self, pair: &Pair, symbol: &str) -> Socket {
        let mut socket = self.open("/v2/iex", &[]).await;
        assert_eq!(socket.next().await[0]["msg"], "connected");
        socket.say(json!({"action": "auth", "key": pair.key_id, "secret": pair.secret})).await;
        assert_eq!(socket.next().await[0]["msg"], "authenticated");
        socket.say(json!({"action": "subscribe", "trades": [symbol]})).await;
        let acknowledged = socket.next().await;
        assert_eq!(acknowledged[0]["trades"], json!([symbol]), "{acknowledged}");
        socket
    }

    /// Lets Paddock into the account by OAuth and ends the pair; the grant, by which it can be taken back.
    pub async fn go_on_by_oauth(&self, scopes: OAuthScopes) -> uuid::Uuid {
        let broker = &self.broker.broker;
        let back = vec!["https://paddock.example/oauth/callback".to_owned()];
        let (client, _) = broker.register_oauth_client("Paddock".to_owned(), back).await.unwrap();
        let grant = uuid::Uuid::from_u128(7);
        let token = broker.grant_oauth(grant, client, vec![self.account], scopes).await.unwrap();
        self.rig.replace_by_token(token.expose()).await;
        self.renew().await;
        grant
    }

    /// A new pair at the broker, which ends the old one.
    pub async fn renew(&self) -> Pair {
        let renewed = self.broker.broker.regenerate_key(self.account).await.unwrap();
        let secret = renewed.secret_key.expose().to_owned();
        Pair { key_id: renewed.key_id, secret, ..self.real.clone() }
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    pub async fn say(&mut self, value: Value) {
        self.0.send(Message::text(value.to_string())).await.unwrap();
    }

    /// The next message, read as JSON in whichever frame it comes.
    pub async fn next(&mut self) -> Value {
        match self.frame().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            Message::Binary(bytes) => serde_json::from_slice(&bytes).unwrap(),
            other => panic!("no message but {other:?}"),
        }
    }

    async fn frame(&mut self) -> Message {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next()).await.unwrap().unwrap().unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                frame => return frame,
            }
        }
    }

    /// What is said until the close frame, and its reason.
    pub async fn until_closed(&mut self) -> (Vec<Value>, u16, String) {
        let mut said = Vec::new();
        loop {
            match self.frame().await {
                Message::Close(Some(close)) => return (said, close.code.into(), close.reason.to_string()),
                Message::Text(text) => said.push(serde_json::from_str(&text).unwrap()),
                Message::Binary(bytes) => said.push(serde_json::from_slice(&bytes).unwrap_or_default()),
                other => panic!("{other:?}"),
            }
        }
    }
}

fn symbols_of(frame: &Value) -> Vec<String> {
    let symbols = frame.as_array().unwrap().iter().map(|item| item["S"].as_str().unwrap().to_owned());
    symbols.collect()
}

#[tokio::test]
async fn many_programs_share_the_accounts_one_place_and_each_hears_its_own() {
    let stage = Stage::set().await;
    let pair = stage.rig.key(trader()).await;
    let (mut apple, mut also, mut ibm) = (
        stage.listening(&pair, "AAPL").await,
        stage.listening(&pair, "AAPL").await,
        stage.listening(&pair, "IBM").await,
    );
    stage.pass(60);
    let (first, same) = (apple.next().await, also.next().await);
    assert_eq!(first, same, "both get the same");
    assert!(symbols_of(&first).iter().all(|symbol| symbol == "AAPL"), "{first}");
    assert!(symbols_of(&ibm.next().await).iter().all(|symbol| symbol == "IBM"));
    // One leaves, and takes nothing from the other.
    also.say(json!({"action": "unsubscribe", "trades": ["AAPL"]})).await;
    loop {
        let said = also.next().await;
        if said[0]["T"] == "subscription" {
            assert_eq!(said[0]["trades"], json!([]));
            break;
        }
    }
    let before = first[0]["t"].clone();
    stage.pass(60);
    loop {
        let later = apple.next().await;
        if later[0]["t"].as_str() > before.as_str() {
            break;
        }
    }
}

#[tokio::test]
async fn a_program_that_speaks_messagepack_is_answered_in_it() {
    let stage = Stage::set().await;
    let pair = stage.rig.key(trader()).await;
    let headers = [
        ("content-type", "application/msgpack"),
        ("apca-api-key-id", pair.key_id.as_str()),
        ("apca-api-secret-key", pair.secret.as_str()),
    ];
    let mut socket = stage.open("/v2/iex", &headers).await;
    let words = |message: Message| rmp_serde::from_slice::<Value>(&message.into_data()).unwrap();
    assert_eq!(words(socket.frame().await)[0]["msg"], "connected");
    assert_eq!(words(socket.frame().await)[0]["msg"], "authenticated");
    let request = rmp_serde::to_vec_named(&json!({"action": "subscribe", "trades": ["AAPL"]})).unwrap();
    socket.0.send(Message::binary(request)).await.unwrap();
    assert_eq!(words(socket.frame().await)[0]["trades"], json!(["AAPL"]));
    stage.pass(60);
    let frame = socket.frame().await;
    assert!(frame.is_binary());
    // An array of maps, the instant as MessagePack's own timestamp in eight bytes.
    assert!(frame.into_data().windows(4).any(|bytes| bytes == b"\xa1t\xd7\xff"));
}

#[rstest]
#[case(json!({"action": "auth", "key": "PDKNOBODY", "secret": "wrong"}), 402)]
#[case(json!({"action": "subscribe", "trades": ["AAPL"]}), 401)]
#[case(json!({"action": "sing"}), 400)]
#[tokio::test]
async fn without_a_good_key_there_is_nothing(#[case] message: Value, #[case] code: u64) {
    let stage = Stage::set().await;
    let mut socket = stage.open("/v2/sip", &[]).await;
    socket.next().await;
    socket.say(message).await;
    assert_eq!(socket.next().await[0]["code"], code);
}

#[tokio::test]
async fn a_key_without_the_right_to_data_gets_no_stream_and_it_is_recorded() {
    let stage = Stage::set().await;
    let pair = stage.rig.key(Scope { classes: [PermissionClass::Cancel].into(), ..Scope::default() }).await;
    let mut socket = stage.open("/v2/iex", &[]).await;
    socket.next().await;
    socket.say(json!({"action": "auth", "key": pair.key_id, "secret": pair.secret})).await;
    let (said, code, reason) = socket.until_closed().await;
    assert_eq!((said[0][0]["code"].as_u64(), code), (Some(402), 1008));
    assert!(reason.contains("may not use streamMarketData"), "{reason}");
    let (records, _) = stage.rig.store.audit_head().await.unwrap();
    assert!(records > 0);
}

#[tokio::test]
async fn only_the_symbols_that_the_scope_allows() {
    let stage = Stage::set().await;
    let mut scope = trader();
    scope.data_symbols = Some([Symbol::parse("AAPL").unwrap()].into());
    let pair = stage.rig.key(scope).await;
    let mut socket = stage.listening(&pair, "AAPL").await;
    for symbol in ["MSFT", "*"] {
        socket.say(json!({"action": "subscribe", "trades": [symbol]})).await;
        assert_eq!(socket.next().await[0]["code"], 409, "{symbol}");
    }
}

#[rstest]
#[case::market_data("/v2/iex")]
#[case::trade_updates("/stream")]
#[case::trade_events("/v2/events/trades")]
#[tokio::test]
async fn a_stream_that_alpaca_does_not_let_in_is_told_to_whoever_looks_after_pairs(#[case] path: &str) {
    let stage = Stage::set().await;
    let pair = stage.rig.key(trader()).await;
    let mut refusals = stage.rig.control.refused_credentials();
    stage.renew().await;
    let listening = async {
        if path.contains("events") {
            let _ = stage.rig.send("GET", path, &pair, None).await;
        } else {
            let mut socket = stage.open(path, &[]).await;
            socket.say(json!({"action": "auth", "key": pair.key_id, "secret": pair.secret})).await;
            socket.say(json!({"action": "subscribe", "trades": ["AAPL"]})).await;
            socket.say(json!({"action": "listen", "data": {"streams": ["trade_updates"]}})).await;
            while socket.0.next().await.is_some_and(|message| message.is_ok()) {}
        }
        std::future::pending::<()>().await;
    };
    let told = async {
        assert_eq!(refusals.recv().await.unwrap(), stage.rig.connection);
        // The look that this led to may have shown nothing. It is tried again, so it is told again, and not at once.
        stage.pass(61);
        assert_eq!(refusals.recv().await.unwrap(), stage.rig.connection);
    };
    let told = tokio::time::timeout(PATIENCE, told);
    tokio::select! {
        () = listening => unreachable!("it waits for ever"),
        told = told => told.unwrap(),
    }
}

#[rstest]
#[case::freeze(true)]
#[case::revoke(false)]
#[tokio::test]
async fn open_sockets_end_with_the_right_to_them(#[case] freeze: bool) {
    let stage = Stage::set().await;
    let (pair, other) = (stage.rig.key(trader()).await, stage.rig.key(trader()).await);
    let mut data = stage.listening(&pair, "AAPL").await;
    let mut unharmed = stage.listening(&other, "AAPL").await;
    let mut updates = stage.open("/stream", &[]).await;
    updates.say(json!({"action": "auth", "key": pair.key_id, "secret": pair.secret})).await;
    assert_eq!(updates.next().await["data"]["status"], "authorized");
    let now = paddock_core::Clock::now(&*stage.clock);
    if freeze {
        stage.rig.store.set_key_frozen(pair.id, true, &Actor::Operator, now).await.unwrap();
    } else {
        stage.rig.store.revoke_key(pair.id, &Actor::Operator, now).await.unwrap();
    }
    stage.rig.control.reload().await.unwrap();
    let (said, code, reason) = data.until_closed().await;
    assert_eq!((said.last().unwrap()[0]["code"].as_u64(), code), (Some(402), 1008));
    assert!(reason.contains(if freeze { "frozen" } else { "no longer valid" }), "{reason}");
    let (said, code, _) = updates.until_closed().await;
    assert_eq!((said.last().unwrap()["data"]["status"].as_str(), code), (Some("unauthorized"), 1008));
    stage.pass(60);
    assert!(!symbols_of(&unharmed.next().await).is_empty());
}

#[tokio::test]
async fn a_scope_that_lets_less_through_ends_what_was_opened_under_the_wider_one() {
    let stage = Stage::set().await;
    let (pair, other) = (stage.rig.key(trader()).await, stage.rig.key(trader()).await);
    let (mut narrowed, mut kept) =
        (stage.listening(&pair, "AAPL").await, stage.listening(&other, "AAPL").await);
    let now = paddock_core::Clock::now(&*stage.clock);
    let set = async |pair: &Pair, old: &Scope, new: &Scope| {
        stage.rig.store.set_scope(pair.id, old, new, &Actor::Operator, now).await.unwrap();
        stage.rig.control.reload().await.unwrap();
    };
    let only_msft = Scope { data_symbols: Some([Symbol::parse("MSFT").unwrap()].into()), ..trader() };
    set(&pair, &trader(), &only_msft).await;
    set(&other, &trader(), &Scope { max_daily_orders: Some(1), ..trader() }).await;
    let (_, code, reason) = narrowed.until_closed().await;
    assert_eq!(code, 1008);
    assert!(reason.contains("changed"), "{reason}");
    stage.pass(60);
    assert!(!symbols_of(&kept.next().await).is_empty(), "a change of orders is none of data");
}

#[tokio::test]
async fn trade_updates_reach_every_program_that_listens() {
    let stage = Stage::set().await;
    let pair = stage.rig.key(trader()).await;
    let mut sockets = Vec::new();
    for path in ["/stream", "/stream/"] {
        let mut socket = stage.open(path, &[]).await;
        socket.say(json!({"action": "listen", "data": {"streams": ["trade_updates"]}})).await;
        assert_eq!(socket.next().await["data"]["status"], "unauthorized");
        let data = json!({"key_id": pair.key_id, "secret_key": pair.secret});
        socket.say(json!({"action": "authenticate", "data": data})).await;
        assert_eq!(socket.next().await["data"]["status"], "authorized");
        socket.say(json!({"action": "listen", "data": {"streams": ["trade_updates"]}})).await;
        assert_eq!(socket.next().await["stream"], "listening");
        sockets.push(socket);
    }
    let order =
        json!({"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"});
    let (status, placed) = stage.rig.order(&pair, order).await;
    assert_eq!(status, 200, "{placed}");
    for socket in &mut sockets {
        loop {
            let update = socket.next().await;
            assert_eq!(update["data"]["order"]["id"], placed["id"]);
            if update["data"]["event"] == "fill" {
                break;
            }
        }
    }
}

/// The broker ends the old pair's sockets with the pair. The programs stay, and hear on when the connection has the new one.
#[tokio::test]
async fn a_new_credential_goes_unnoticed() {
    let stage = Stage::set().await;
    let pair = stage.rig.key(trader()).await;
    let mut socket = stage.listening(&pair, "AAPL").await;
    let renewed = stage.broker.broker.regenerate_key(stage.account).await.unwrap();
    stage.rig.replace_credential(&renewed.key_id, renewed.secret_key.expose()).await;
    let mut heard = false;
    for _ in 0..200 {
        stage.pass(1);
        let said = tokio::time::timeout(Duration::from_millis(100), socket.0.next()).await;
        if let Ok(Some(Ok(Message::Text(text)))) = said
            && text.contains("\"T\":\"t\"")
        {
            heard = true;
            break;
        }
    }
    assert!(heard, "nothing was heard after the rotation");
}

#[tokio::test]
async fn a_signed_handshake_opens_a_stream_and_a_login_with_the_secret_does_not() {
    let stage = Stage::set().await;
    let pair = stage.rig.signed_key(trader()).await;
    let now = || paddock_core::Clock::now(&*stage.clock).as_second();
    for path in ["/v2/iex", "/stream"] {
        let signed = crate::signer::SignedHeaders::new(&pair, now(), "GET", path, "").list();
        let headers: Vec<(&'static str, &str)> =
            signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut socket = stage.open(path, &headers).await;
        let welcome = [socket.next().await.to_string()];
        let welcome = if path == "/stream" { welcome } else { [socket.next().await.to_string()] };
        assert!(welcome[0].contains("authenticated") || welcome[0].contains("\"authorized\""), "{welcome:?}");
    }
    let mut data = stage.open("/v2/iex", &[]).await;
    data.next().await;
    data.say(json!({"action": "auth", "key": pair.key_id, "secret": pair.secret})).await;
    let refused = data.next().await;
    assert_eq!(refused[0]["code"], 402);
    assert!(refused[0]["msg"].as_str().unwrap().contains("signed handshakes"), "{refused}");
    let mut trades = stage.open("/stream", &[]).await;
    trades.say(json!({"action": "auth", "key": pair.key_id, "secret": pair.secret})).await;
    let refused = trades.next().await;
    assert_eq!(refused["data"]["status"], "unauthorized");
    assert!(refused["data"]["message"].as_str().unwrap().contains("signed requests only"), "{refused}");
}

/// What was said while the broker's side was cut off is lost, and every program is told between which instants.
#[tokio::test]
async fn an_interruption_is_told_as_a_gap_and_programs_stay() {
    let stage = Stage::set().await;
    let pair = stage.rig.key(trader()).await;
    let mut data = stage.listening(&pair, "AAPL").await;
    let headers = [("APCA-API-KEY-ID", &*pair.key_id), ("APCA-API-SECRET-KEY", &*pair.secret)];
    let mut trades = stage.open("/stream", &headers).await;
    assert_eq!(trades.next().await["data"]["status"], "authorized");
    trades.say(json!({"action": "listen", "data": {"streams": ["trade_updates"]}})).await;
    assert_eq!(trades.next().await["stream"], "listening");

    let before = stage.clock.now();
    let cut = FaultRule::new(Fault::Disconnect { code: None, reconnects: false });
    stage.broker.broker.add_fault(cut).unwrap();
    stage.pass(1);
    let gap = loop {
        let said = data.next().await;
        if said[0]["T"] == "gap" {
            break said[0].clone();
        }
    };
    let told = trades.next().await;
    assert_eq!(told["stream"], "gap", "{told}");
    for gap in [&gap, &told["data"]] {
        let instant = |name: &str| gap[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        // What was heard last may have been sent a while before, with more after it.
        assert!(instant("from") + Duration::from_secs(5) <= instant("to"), "{gap}");
        assert!(instant("to") >= before, "{gap}");
    }
    // Both hear on.
    stage.pass(60);
    assert!(symbols_of(&data.next().await).iter().all(|symbol| symbol == "AAPL"));
    let order =
        json!({"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"});
    let (status, placed) = stage.rig.order(&pair, order).await;
    assert_eq!(status, 200, "{placed}");
    assert_eq!(trades.next().await["data"]["order"]["id"], placed["id"]);
}
