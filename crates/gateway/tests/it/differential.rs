//! Our reading of a request and the built-in broker's: what the broker is sent for a request means what the request means, to the broker
//! itself. Requests are made at random from good ones, sent to two accounts that are alike, one through the gateway and one as they are.

use std::sync::Arc;

use paddock_core::{Environment, ManualClock, PermissionClass, Scope};
use paddock_paper::{EphemeralBroker, PaperOptions};
use paddock_vault::OsEntropy;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::broker::FakeBroker;
use crate::rig::Rig;

/// How many requests are compared.
const REQUESTS: usize = 1500;

const TARGETS: [&str; 14] = [
    "GET /v2/account",
    "GET /v2/orders?status=all&limit=5&symbols=AAPL,MSFT",
    "GET /v2/orders:by_client_order_id?client_order_id=a%20b",
    "GET /v2/positions/AAPL",
    "GET /v2/positions/BTC%2FUSD",
    "GET /v2/assets/AAPL",
    "GET /v2/assets/BTC/USD",
    "GET /v2/stocks/AAPL/quotes/latest?feed=iex",
    "GET /v2/stocks/bars?symbols=AAPL&timeframe=1Day&limit=2",
    "GET /v1beta3/crypto/us/latest/quotes?symbols=BTC/USD",
    "GET /v2/calendar?start=2026-11-20&end=2026-11-24",
    "DELETE /v2/positions/AAPL?percentage=50",
    "DELETE /v2/orders/61e69015-8549-4bfd-b9c3-01e75843f47d",
    "POST /v2/watchlists",
];

const BODIES: [&str; 6] = [
    r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}"#,
    r#"{"symbol":"AAPL","notional":25.50,"side":"buy","type":"market","time_in_force":"day"}"#,
    r#"{"symbol":"MSFT","qty":2,"side":"buy","type":"limit","limit_price":"10.25","time_in_force":"gtc","extended_hours":false}"#,
    r#"{"symbol":"AAPL","qty":"1","side":"sell","type":"stop_limit","limit_price":1,"stop_price":"1.5","time_in_force":"day"}"#,
    r#"{"symbol":"BTC/USD","qty":"0.01","side":"buy","type":"market","time_in_force":"ioc"}"#,
    r#"{"symbol":"AAPL","qty":"3","side":"buy","type":"market","time_in_force":"day","order_class":"bracket","take_profit":{"limit_price":"900"},"stop_loss":{"stop_price":"1"}}"#,
];

/// What is put into a request, or in the place of a byte of it.
const PIECES: [&str; 40] = [
    "/",
    "//",
    "..",
    ".",
    "%2F",
    "%2f",
    "%2e",
    "%00",
    "%",
    "%25",
    "?",
    "&",
    "=",
    ";",
    "#",
    "+",
    " ",
    "\"",
    "\\",
    "\\u0031",
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    "0",
    "1",
    "9",
    "e3",
    "-",
    "null",
    "true",
    "\"qty\":\"9\",",
    "\"Qty\":9,",
    "a",
    "A",
    "\u{e9}",
    "&limit=1",
    "\t",
];

struct Account {
    key_id: String,
    secret: String,
    address: std::net::SocketAddr,
}

impl Account {
    /// What a request is answered; `None` if there is no answer, or one that cannot be compared.
    async fn ask(&self, line: &str, body: &str) -> Option<(u16, Value)> {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let length =
            if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let request = format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAPCA-API-KEY-ID: {}\r\nAPCA-API-SECRET-KEY: {}\r\n\
             Content-Type: application/json\r\n{length}\r\n{body}",
            self.key_id, self.secret
        );
        _ = socket.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        _ = socket.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, alike(serde_json::from_str(body).unwrap_or_default())))
    }
}

/// What differs between two accounts by its nature is taken out.
fn alike(mut answer: Value) -> Value {
    match &mut answer {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                let own = [
                    "id",
                    "_id",
                    "client_order_id",
                    "account_number",
                    "replaced_by",
                    "replaces",
                    "request_id",
                ];
                *value =
                    if own.iter().any(|own| name.ends_with(own)) { Value::Null } else { alike(value.take()) };
            }
        }
        Value::String(text) if text.parse::<uuid::Uuid>().is_ok() => answer = Value::Null,
        Value::Array(items) => items.iter_mut().for_each(|item| *item = alike(item.take())),
        _ => {}
    }
    answer
}

fn mutated(text: &str, random: &mut ChaCha8Rng) -> String {
    let mut text = text.to_owned();
    for _ in 0..random.random_range(0..3) {
        let places: Vec<usize> = text.char_indices().map(|(place, _)| place).skip(5).collect();
        if places.is_empty() {
            break;
        }
        let place = places[random.random_range(0..places.len())];
        let piece = PIECES[random.random_range(0..PIECES.len())];
        match random.next_u32() % 3 {
            0 => text.insert_str(place, piece),
            1 => text
                .replace_range(place..place + text[place..].chars().next().map_or(0, char::len_utf8), piece),
            _ => text.truncate(place),
        }
    }
    text
}

#[tokio::test]
async fn what_the_broker_is_sent_means_what_the_request_means() {
    let clock = Arc::new(ManualClock::new("2026-11-20T15:00:00Z".parse().unwrap()));
    let mut options = PaperOptions::new(clock.clone(), Arc::new(OsEntropy));
    options.rate_limit = Some(1_000_000);
    let broker = EphemeralBroker::start(options).await.unwrap();
    let cash = Decimal::from(100_000);
    let direct = broker.broker.create_account(Environment::Paper, cash).await.unwrap();
    let behind = broker.broker.create_account(Environment::Paper, cash).await.unwrap();
    let pair = (behind.key_id.as_str(), behind.secret_key.expose());
    let rig = Rig::before(FakeBroker::start().await, broker.paper_address, clock.clone(), pair).await;
    let everything = Scope { classes: PermissionClass::ALL.into_iter().collect(), ..Scope::default() };
    let key = rig.key(everything).await;
    let direct = Account {
        key_id: direct.key_id.as_str().to_owned(),
        secret: direct.secret_key.expose().to_owned(),
        address: broker.paper_address,
    };
    let behind = Account { key_id: key.key_id, secret: key.secret, address: rig.address };

    let mut random = ChaCha8Rng::seed_from_u64(20_261_127);
    let (mut compared, mut refused) = (0, 0);
    for _ in 0..REQUESTS {
        let (line, body) = if random.random_bool(0.5) {
            (TARGETS[random.random_range(0..TARGETS.len())], "")
        } else {
            ("POST /v2/orders", BODIES[random.random_range(0..BODIES.len())])
        };
        let (line, body) = if body.is_empty() {
            (mutated(line, &mut random), String::new())
        } else {
            (line.to_owned(), mutated(body, &mut random))
        };
        let Some((status, answer)) = behind.ask(&line, &body).await else { continue };
        if status == 429 || status == 503 || answer["reason"].is_string() {
            // Paddock's own refusal: the broker was asked nothing, so it does not matter what it would have said.
            refused += 1;
            continue;
        }
        let asked_directly = direct.ask(&line, &body).await;
        assert_eq!(asked_directly, Some((status, answer)), "{line}\n{body}");
        compared += 1;
    }
    println!("{compared} answers were alike, {refused} requests were refused");
    assert!(compared > REQUESTS / 4, "only {compared} could be compared");
}
