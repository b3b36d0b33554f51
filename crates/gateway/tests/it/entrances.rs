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

#[rstest]
#[case::another_host("api.alpaca.markets")]
#[case::our_own_name("localhost")]
#[case::trailing_point("paper-api.alpaca.markets.")]
#[case::another_port("paper-api.alpaca.markets:80")]
#[tokio::test]
async fn a_request_in_a_tunnel_names_the_tunnels_host(#[case] host: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let answer = rig.ways.raw(Way::Proxy, &get("/v2/account", host, &pair)).await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert!(rig.broker.got().is_empty());
}

#[tokio::test]
async fn tls_in_a_tunnel_asks_for_the_tunnels_host() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    // The certificate is good for all of Alpaca's names, so that TLS itself succeeds; nothing is answered then.
    let mut socket = rig.ways.tunnel("paper-api.alpaca.markets", "api.alpaca.markets").await.unwrap();
    let request = get("/v2/account", "api.alpaca.markets", &pair);
    _ = tokio::io::AsyncWriteExt::write_all(&mut socket, &request).await;
    let mut answer = Vec::new();
    _ = tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut answer).await;
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    assert!(rig.broker.got().is_empty());
}

#[tokio::test]
async fn a_program_set_to_live_gets_nothing_from_a_paper_key() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let mut socket = rig.ways.tunnel("api.alpaca.markets", "api.alpaca.markets").await.unwrap();
    let request = get("/v2/account", "api.alpaca.markets", &pair);
    tokio::io::AsyncWriteExt::write_all(&mut socket, &request).await.unwrap();
    let mut answer = Vec::new();
    _ = tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("wrong_host"), "{answer}");
    assert!(answer.contains("opens a paper account"), "{answer}");
    assert!(rig.broker.got().is_empty());
}

#[rstest]
#[case("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n", "403")]
#[case("CONNECT 169.254.169.254:443 HTTP/1.1\r\nHost: 169.254.169.254:443\r\n\r\n", "403")]
#[case(
    "CONNECT broker-api.alpaca.markets:443 HTTP/1.1\r\nHost: broker-api.alpaca.markets:443\r\n\r\n",
    "403"
)]
#[case("CONNECT api.alpaca.markets:443 HTTP/1.1\r\nHost: data.alpaca.markets:443\r\n\r\n", "421")]
#[case("GET http://api.alpaca.markets/v2/account HTTP/1.1\r\nHost: api.alpaca.markets\r\n\r\n", "400")]
#[tokio::test]
async fn the_proxy_leads_to_alpaca_only(#[case] head: &str, #[case] status: &str) {
    let rig = Rig::start().await;
    let (answer, _) = rig.ways.connect(head).await;
    assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
}

/// Python's http.client asks in HTTP/1.0 and without a Host.
#[tokio::test]
async fn an_old_client_gets_its_tunnel() {
    let rig = Rig::start().await;
    let (answer, _) = rig.ways.connect("CONNECT paper-api.alpaca.markets:443 HTTP/1.0\r\n\r\n").await;
    assert!(answer.contains(" 200 "), "{answer}");
}
