//! What is particular to the encrypted ways in.

use rstest::rstest;

use crate::rig::{Rig, trader};
use crate::ways::Way;

fn get(path: &str, host: &str, pair: &crate::rig::Pair) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nAPCA-API-KEY-ID: {}\r\nAPCA-API-SECRET-KEY: {}\r\nConnection: close\r\n\r\n",
        pair.key_id, pair.secret
    )
    .into_bytes()
}

#[rstest]
#[case(Way::Plain)]
#[case(Way::Tls)]
#[case(Way::Proxy)]
#[tokio::test]
async fn a_request_reaches_the_connections_own_host_by_each_way(#[case] way: Way) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let answer = rig.ways.raw(way, &get("/v2/account", way.host(), &pair)).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(rig.broker.got().len(), 1);
}

/// Python's http.client asks in HTTP/1.0 and without a Host.
#[tokio::test]
async fn an_old_client_gets_its_tunnel() {
    let rig = Rig::start().await;
    let (answer, _) = rig.ways.connect("CONNECT paper-api.alpaca.markets:443 HTTP/1.0\r\n\r\n").await;
    assert!(answer.contains(" 200 "), "{answer}");
}
