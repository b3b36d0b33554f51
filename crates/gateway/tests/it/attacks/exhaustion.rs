//! Requests that are meant to cost more than they should. Each is refused or answered soon, and the next one is served.

use std::time::{Duration, Instant};

use super::{ask, head, status};
use crate::rig::{Rig, trader};
use crate::ways::Way;

const SOON: Duration = Duration::from_secs(10);

async fn all_ways(rig: &Rig, make: impl Fn(Way) -> String, expected: &[u16]) {
    for way in Way::ALL {
        let begun = Instant::now();
        let answer = rig.ways.raw(way, make(way).as_bytes()).await;
        let status = status(&answer);
        // A server that has read enough may close while the client still writes.
        assert!(answer.is_empty() || expected.contains(&status), "{way:?}: {answer}");
        assert!(begun.elapsed() < SOON, "{way:?} took {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn floods_of_headers_are_refused() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let many: String = (0..2000).map(|number| format!("X-{number}: y\r\n")).collect();
    let large = format!("X-A: {}\r\n", "y".repeat(1 << 20));
    for flood in [many, large] {
        let make =
            |way: Way| head("GET /v2/account HTTP/1.1", &pair, &format!("Host: {}\r\n{flood}", way.host()));
        all_ways(&rig, make, &[400, 431]).await;
    }
    assert!(rig.broker.got().is_empty());
    assert_eq!(ask(&rig, Way::Plain, "GET /v2/account", &pair, "").await.0, 200);
}

#[tokio::test]
async fn long_targets_are_refused() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let symbols: Vec<String> = (0..10_000).map(|number| format!("A{number}")).collect();
    for target in [
        format!("/v2/{}", "a".repeat(50_000)),
        format!("/v2/{}", "a/".repeat(10_000)),
        format!("/v2/stocks/bars?symbols={}&timeframe=1Day", symbols.join(",")),
    ] {
        let line = format!("GET {target}");
        all_ways(&rig, |way| super::request(way, &line, &pair, ""), &[400, 403, 414, 431]).await;
    }
    assert!(rig.broker.got().is_empty());
}

/// A list that is long and passes is looked through once for each of its names.
#[tokio::test]
async fn ten_thousand_symbols_are_decided_soon() {
    let rig = Rig::start().await;
    let mut scope = trader();
    let symbols: Vec<String> = (0..10_000).map(|number| format!("{}", Letters(number))).collect();
    scope.data_symbols =
        Some(symbols.iter().map(|symbol| paddock_core::Symbol::parse(symbol).unwrap()).collect());
    let pair = rig.key(scope).await;
    let line = format!("GET /v2/stocks/bars?symbols={}&timeframe=1Day", symbols[..5000].join(","));
    all_ways(&rig, |way| super::request(way, &line, &pair, ""), &[200, 400, 414, 431]).await;
}

/// A number in letters.
struct Letters(u32);

impl std::fmt::Display for Letters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for place in [17_576, 676, 26, 1] {
            write!(f, "{}", char::from(b'A' + (self.0 / place % 26) as u8))?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn bodies_of_a_great_many_parts_are_refused_soon() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let keys: Vec<String> = (0..6000).map(|number| format!("\"k{number}\":1")).collect();
    let legs = format!("\"legs\":[{}]", vec!["{}"; 20_000].join(","));
    for body in [
        "[".repeat(60_000),
        "{\"a\":".repeat(10_000),
        format!("{{{}}}", keys.join(",")),
        format!("{{\"order_class\":\"mleg\",{legs}}}"),
        format!("{{\"qty\":\"{}\"}}", "9".repeat(60_000)),
        format!("{{\"qty\":{}}}", "9".repeat(60_000)),
        format!("{{\"symbol\":\"{}\"}}", "A".repeat(60_000)),
        format!("{{\"client_order_id\":\"{}\"}}", "\\u0061".repeat(9000)),
    ] {
        all_ways(&rig, |way| super::request(way, "POST /v2/orders", &pair, &body), &[400, 403, 422]).await;
    }
    assert!(rig.broker.got().is_empty());
}

/// Programs that begin and do not go on take nothing from others.
#[tokio::test]
async fn half_sent_requests_do_not_hold_others_up() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let mut waiting = Vec::new();
    for way in Way::ALL {
        for begun in
            ["", "GET /v2/acc", "POST /v2/orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"]
        {
            let mut socket = rig.ways.open_by(way).await;
            tokio::io::AsyncWriteExt::write_all(&mut socket, begun.as_bytes()).await.unwrap();
            tokio::io::AsyncWriteExt::flush(&mut socket).await.unwrap();
            waiting.push(socket);
        }
    }
    for way in Way::ALL {
        assert_eq!(ask(&rig, way, "GET /v2/account", &pair, "").await.0, 200);
    }
    assert_eq!(rig.broker.got().len(), 3);
}
