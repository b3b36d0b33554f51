//! Paper and live are two words, and which of them holds is the connection's matter.

use paddock_core::Environment;
use rstest::rstest;

use super::{ask, head, reason};
use crate::rig::{Rig, trader};
use crate::ways::Way;

#[rstest]
#[case("")]
#[case("true")]
#[case("TRUE ")]
#[case("1")]
#[case("yes")]
#[case("no")]
#[case("Paper")]
#[case("PAPER")]
#[case(" paper")]
#[case("paper\n")]
#[case("Live")]
#[case("LIVE")]
#[case("live ")]
#[case("prod")]
#[case("production")]
#[case("sandbox")]
#[case("papеr")]
fn nothing_else_is_an_environment(#[case] word: &str) {
    assert!(word.parse::<Environment>().is_err(), "{word:?}");
}

/// Nobody answers at the live host of this rig: what is answered came from the paper host, which is the connection's.
#[rstest]
#[case("X-Environment: live\r\n")]
#[case("APCA-API-BASE-URL: https://api.alpaca.markets\r\n")]
#[case("X-Paper: false\r\n")]
#[case("Paper: 0\r\n")]
#[tokio::test]
async fn a_request_does_not_choose_the_environment(#[case] more: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    for way in Way::ALL {
        let more = format!("Host: {}\r\n{more}", way.host());
        let answer = rig.ways.raw(way, head("GET /v2/account HTTP/1.1", &pair, &more).as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    assert_eq!(rig.broker.got().len(), 3);
}

#[rstest]
#[case("api.alpaca.markets", "GET /v2/account")]
#[case("api.alpaca.markets", "DELETE /v2/positions")]
#[case("api.alpaca.markets", "POST /v2/orders")]
#[case("data.alpaca.markets", "GET /v2/account")]
#[case("stream.data.alpaca.markets", "GET /v2/account")]
#[case("paper-api.alpaca.markets", "GET /v2/stocks/AAPL/quotes/latest")]
#[tokio::test]
async fn a_program_that_believes_it_is_elsewhere_gets_nothing(#[case] host: &str, #[case] line: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let mut socket = rig.ways.tunnel(host, host).await.unwrap();
    let request = head(&format!("{line} HTTP/1.1"), &pair, &format!("Host: {host}\r\n"));
    tokio::io::AsyncWriteExt::write_all(&mut socket, request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    _ = tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert_eq!(reason(&answer), "wrong_host");
    assert!(rig.broker.got().is_empty());
}

/// The same account, asked for at the right host, answers.
#[tokio::test]
async fn a_program_that_is_right_gets_its_answer() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    assert_eq!(ask(&rig, Way::Proxy, "GET /v2/account", &pair, "").await.0, 200);
}
