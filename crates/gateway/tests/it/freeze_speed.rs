//! How fast a freeze is: a measurement, not a test. `cargo nextest run -p paddock-gateway --run-ignored only freeze_speed --no-capture`,
//! on a machine that does nothing else.

#![expect(clippy::print_stderr, reason = "a measurement prints")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use paddock_core::Clock as _;
use paddock_core::audit::Actor;
use paddock_store::{Freezing, Subject};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::freeze::unpaced;
use crate::rig::{Pair, Rig, trader};

const ROUNDS: usize = 100;
const PROGRAMS: usize = 8;
const SOCKETS: usize = 50;

fn say(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
    eprintln!("{what}: p50 {:?}, p99 {:?}, most {:?}, of {}", at(50), at(99), at(100), times.len());
}

/// What the API does: hold, store, reload, let go, wait for what was being sent. Gives how long until it held, and until it returned.
async fn freeze(rig: &Rig, subject: Subject) -> (Duration, Duration) {
    let (begun, freezing) = (Instant::now(), Freezing::of(subject));
    rig.control.hold(subject, freezing.passing);
    let held = begun.elapsed();
    rig.store.freeze(&freezing, &Actor::Operator, rig.clock.now()).await.unwrap();
    rig.control.reload().await.unwrap();
    rig.control.let_go(subject);
    assert_eq!(rig.control.settled(subject).await, []);
    (held, begun.elapsed())
}

async fn unfreeze(rig: &Rig, subject: Subject) {
    rig.store.unfreeze(subject, &Actor::Operator, rig.clock.now()).await.unwrap();
    rig.control.reload().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn of_orders_under_load() {
    let rig = Arc::new(Rig::limited(unpaced()).await);
    let pair = rig.key(trader()).await;
    let over = Arc::new(AtomicBool::new(false));
    let programs: Vec<_> = (0..PROGRAMS)
        .map(|_| {
            let (rig, pair, over) = (Arc::clone(&rig), pair.clone(), Arc::clone(&over));
            tokio::spawn(async move {
                let order =
                    json!({"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"});
                while !over.load(Ordering::SeqCst) {
                    rig.order(&pair, order.clone()).await;
                }
            })
        })
        .collect();
    let (mut held, mut returned, mut late) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        let before = rig.broker.changes().len();
        while rig.broker.changes().len() < before + 20 {
            tokio::task::yield_now().await;
        }
        let (hold, whole) = freeze(&rig, Subject::Everything).await;
        let sent = rig.broker.changes().len();
        held.push(hold);
        returned.push(whole);
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        late += rig.broker.changes().len() - sent;
        unfreeze(&rig, Subject::Everything).await;
    }
    over.store(true, Ordering::SeqCst);
    for program in programs {
        program.await.unwrap();
    }
    say("new requests are refused after", held);
    say("the freeze returns, with nothing in flight, after", returned);
    eprintln!("orders at the broker after the return: {late}");
}

async fn listening(rig: &Rig, pair: &Pair) -> WebSocketStream<TcpStream> {
    let tcp = TcpStream::connect(rig.address).await.unwrap();
    let mut socket = client_async(format!("ws://{}/stream", rig.address), tcp).await.unwrap().0;
    let login = json!({"action": "auth", "key": pair.key_id, "secret": pair.secret});
    socket.send(Message::text(login.to_string())).await.unwrap();
    socket.next().await.unwrap().unwrap();
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn of_open_sockets() {
    let rig = Arc::new(Rig::start().await);
    let pair = rig.key(trader()).await;
    let mut told = Vec::new();
    for _ in 0..ROUNDS / 5 {
        let mut sockets = Vec::new();
        for _ in 0..SOCKETS {
            sockets.push(listening(&rig, &pair).await);
        }
        let waiting: Vec<_> = sockets
            .into_iter()
            .map(|mut socket| {
                tokio::spawn(async move {
                    loop {
                        match socket.next().await {
                            Some(Ok(Message::Close(_))) | None | Some(Err(_)) => return Instant::now(),
                            Some(Ok(_)) => {}
                        }
                    }
                })
            })
            .collect();
        let begun = Instant::now();
        freeze(&rig, Subject::Everything).await;
        for socket in waiting {
            told.push(socket.await.unwrap().duration_since(begun));
        }
        unfreeze(&rig, Subject::Everything).await;
    }
    say("a socket has its close frame after", told);
}
