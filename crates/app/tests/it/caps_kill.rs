//! Caps under load and under kill -9, on the real binary: whatever moment the server dies at, the broker's book holds no more than the
//! cap allows, and what Paddock counts is what the book says and what may still be on its way.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rust_decimal::Decimal;
use serde_json::Value;

use crate::bench::{Bench, Deadline, Process, http};

/// As many orders as every cap here allows, each of ten dollars.
const FIT: usize = 7;

/// After how many answers the server is killed, while other orders are on their way.
const KILLS: [usize; 6] = [1, 0, 5, 2, 9, 3];

#[test]
fn kills_among_sixty_four_orders_do_not_overshoot_the_days_number() {
    check("--max-daily-orders", "7");
}

#[test]
fn kills_among_sixty_four_orders_do_not_overshoot_the_days_dollars() {
    check("--max-daily-notional", "70");
}

#[test]
fn kills_among_sixty_four_orders_do_not_overshoot_the_open_exposure() {
    check("--max-open-exposure", "70");
}

fn check(option: &str, cap: &str) {
    let bench = Bench::new();
    bench.connect().ok();
    let create = ["key", "create", "bot", "--connection", "main", "--preset", "trader", option, cap];
    let created = bench.run(&create).ok().json();
    let text = |field: &str| created[field].as_str().unwrap().to_owned();
    let pair = (text("key_id"), text("secret_key"));
    for answers in KILLS {
        let server = bench.serve();
        burst(server, &pair, answers);
        assert!(book(&bench).len() <= FIT, "{option}: killed after {answers} answers");
    }
    let mut server = bench.serve();
    // What the broker has is found again by its name; what it has not stays charged until that is certain.
    let Books { book, permitted, answered, usage } = settled(&bench);
    assert!((1..=FIT).contains(&book.len()), "{option}: {book:?}");
    let on_their_way = permitted - answered;
    assert_eq!(usage["orders"], book.len() + on_their_way, "{option}");
    let dollars: Decimal = usage["notional"].as_str().unwrap().parse().unwrap();
    assert_eq!(dollars, Decimal::from(10 * (book.len() + on_their_way)), "{option}");
    assert_eq!(bench.run(&["audit", "verify"]).ok().json()["valid"], true);
    assert_eq!(server.stop(), 0);
}

/// Sends 64 orders at once and kills the server when so many were answered.
fn burst(server: Process, pair: &(String, String), answers: usize) {
    let address = server.address("gateway").replace("http://", "");
    let (heard, server) = (AtomicUsize::new(0), Mutex::new(Some(server)));
    let kill_when_heard = |count: usize| {
        if count >= answers
            && let Some(mut server) = server.lock().unwrap().take()
        {
            server.kill();
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..64 {
            threads.spawn(|| {
                if order(&address, pair).is_some() {
                    kill_when_heard(heard.fetch_add(1, Ordering::SeqCst) + 1);
                }
            });
        }
        if answers == 0 {
            kill_when_heard(0);
        }
    });
    // All were answered before it came to that.
    kill_when_heard(usize::MAX);
}

/// One purchase of ten dollars at a limit that is never reached; its status, unless the server died meanwhile.
fn order(address: &str, (key_id, secret_key): &(String, String)) -> Option<u16> {
    let body =
        r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"limit","limit_price":"10","time_in_force":"gtc"}"#;
    let request = format!(
        "POST /v2/orders HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\napca-api-key-id: {key_id}\r\n\
         apca-api-secret-key: {secret_key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut socket = TcpStream::connect(address).ok()?;
    socket.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    _ = socket.read_to_string(&mut answer);
    answer.split(' ').nth(1)?.parse().ok()
}

/// The names of the orders that the broker has.
fn book(bench: &Bench) -> BTreeSet<String> {
    let real =
        [("apca-api-key-id", bench.key_id.as_str()), ("apca-api-secret-key", bench.secret_key.as_str())];
    let (status, body) =
        http("GET", &format!("{}/v2/orders?status=all&limit=500", bench.broker_url()), &real, "");
    assert_eq!(status, 200, "{body}");
    let orders: Vec<Value> = serde_json::from_str(&body).unwrap();
    orders.iter().map(|order| order["client_order_id"].as_str().unwrap().to_owned()).collect()
}

/// What the broker has, how many requests were permitted and how many of them were answered, and what is counted for the key.
#[derive(Debug, PartialEq)]
struct Books {
    book: BTreeSet<String>,
    permitted: usize,
    answered: usize,
    usage: Value,
}

/// All of them as soon as everything that the broker has is answered. They are read one after the other while recovery is at work, and so
/// belong together when two readings in a row are the same.
fn settled(bench: &Bench) -> Books {
    let events = |name: &str| -> BTreeSet<String> {
        let listed = bench.run(&["audit", "list", "--limit", "1000", "--event", name]).ok().json();
        let records = listed.as_array().unwrap();
        records.iter().map(|record| record["event"]["request"].as_str().unwrap().to_owned()).collect()
    };
    let (deadline, mut before) = (Deadline::start(), None);
    loop {
        let (book, permitted, answered) =
            (book(bench), events("request_permitted"), events("request_answered"));
        let usage = bench.run(&["key", "show", "bot"]).ok().json()["usage"].clone();
        // An order without a name has that of its request.
        let is_answered = book.iter().all(|name| answered.contains(name));
        let now = Books { book, permitted: permitted.len(), answered: answered.len(), usage };
        if is_answered && before.as_ref() == Some(&now) {
            return now;
        }
        assert!(!deadline.is_over(), "recovery did not settle what the broker has: {now:?}");
        before = Some(now);
    }
}
