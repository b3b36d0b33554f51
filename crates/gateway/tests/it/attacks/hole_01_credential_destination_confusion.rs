//! Matching one host and dialling another: what is dialled is the connection's own host, and who names another one gets nothing.

use rstest::rstest;

use super::{head, refused, request, status};
use crate::rig::{REAL_ID, Rig, trader};
use crate::ways::Way;

#[rstest]
#[case::missing("")]
#[case::doubled("Host: localhost\r\nHost: api.alpaca.markets\r\n")]
#[case::doubled_alike("Host: localhost\r\nHost: localhost\r\n")]
#[case::trailing_point("Host: localhost.\r\n")]
#[case::user_part("Host: a@localhost\r\n")]
#[case::zone("Host: [fe80::1%25eth0]\r\n")]
#[case::bare_zone("Host: [fe80::1%eth0]\r\n")]
#[case::two_in_one("Host: localhost, api.alpaca.markets\r\n")]
#[case::two_words("Host: localhost api.alpaca.markets\r\n")]
#[case::path("Host: localhost/v2\r\n")]
#[case::fragment("Host: localhost#api.alpaca.markets\r\n")]
#[case::query("Host: localhost?api.alpaca.markets\r\n")]
#[case::backslash("Host: localhost\\api.alpaca.markets\r\n")]
#[case::empty("Host:\r\n")]
#[case::empty_port("Host: localhost:\r\n")]
#[case::odd_port("Host: localhost:80:443\r\n")]
#[case::large_port("Host: localhost:65536\r\n")]
#[case::spelled_port("Host: localhost:https\r\n")]
#[case::not_ascii("Host: loc\u{430}lhost\r\n")]
#[case::encoded("Host: %6cocalhost\r\n")]
#[tokio::test]
async fn no_request_has_an_odd_host(#[case] headers: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    refused(&rig, head("GET /v2/account HTTP/1.1", &pair, headers)).await;
}

#[rstest]
#[case("http://localhost/v2/account")]
#[case("http://api.alpaca.markets/v2/account")]
#[case("https://api.alpaca.markets/v2/account")]
#[case("https://paper-api.alpaca.markets/v2/account")]
#[case("https://paper-api.alpaca.markets:443/v2/account")]
#[case("http://user@127.0.0.1/v2/account")]
#[case("http://user:password@localhost/v2/account")]
#[case("http://[::1]/v2/account")]
#[case("http://169.254.169.254/latest/meta-data")]
#[case("ftp://localhost/v2/account")]
#[case("//api.alpaca.markets/v2/account")]
#[case("api.alpaca.markets:443")]
#[case("v2/account")]
#[case("*")]
#[tokio::test]
async fn no_request_names_a_host_in_its_target(#[case] target: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    refused(&rig, head(&format!("GET {target} HTTP/1.1"), &pair, "Host: localhost\r\n")).await;
}

/// The plain entrance has no name of its own: whatever it is called, the broker is called by its own name.
#[rstest]
#[case("localhost")]
#[case("api.alpaca.markets")]
#[case("evil.example:8080")]
#[case("[::1]:7880")]
#[tokio::test]
async fn the_host_dialled_is_the_host_named_to_the_broker(#[case] host: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let more = format!(
        "Host: {host}\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\nX-Original-URL: /v2/orders\r\n\
         X-Rewrite-URL: /v2/orders\r\nX-HTTP-Method-Override: DELETE\r\nCookie: a=b\r\nX-Forwarded-For: 1.2.3.4\r\nTE: trailers\r\n\
         User-Agent: bot/1\r\n"
    );
    let answer = rig.raw(head("GET /v2/account HTTP/1.1", &pair, &more).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let got = rig.broker.got().pop().unwrap();
    assert_eq!(got.headers["host"], rig.broker.address.to_string(), "the host dialled is the host named");
    assert_eq!((got.method.as_str(), got.target.as_str()), ("GET", "/v2/account"));
    assert_eq!(got.headers["user-agent"], "bot/1");
    assert_eq!(got.headers["apca-api-key-id"], REAL_ID);
    let passed: Vec<&str> = got.headers.keys().map(http::HeaderName::as_str).collect();
    let known = ["host", "user-agent", "accept-encoding", "apca-api-key-id", "apca-api-secret-key"];
    assert!(passed.iter().all(|name| known.contains(name)), "{passed:?}");
    let sent: Vec<u8> = got.headers.values().flat_map(|value| value.as_bytes().to_vec()).collect();
    assert!(!String::from_utf8_lossy(&sent).contains(&pair.secret), "the access key was sent to the broker");
}

#[rstest]
#[case(Way::Tls, "api.alpaca.markets")]
#[case(Way::Tls, "127.0.0.1")]
#[case(Way::Tls, "localhost.localdomain")]
#[case(Way::Proxy, "localhost")]
#[case(Way::Proxy, "api.alpaca.markets")]
#[case(Way::Proxy, "data.alpaca.markets")]
#[case(Way::Proxy, "paper-api.alpaca.markets.")]
#[case(Way::Proxy, "paper-api.alpaca.markets:80")]
#[case(Way::Proxy, "paper-api.alpaca.markets:4430")]
#[case(Way::Proxy, "127.0.0.1")]
#[tokio::test]
async fn an_encrypted_request_names_its_connections_host(#[case] way: Way, #[case] host: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let head = head("GET /v2/account HTTP/1.1", &pair, &format!("Host: {host}\r\n"));
    let answer = rig.ways.raw(way, head.as_bytes()).await;
    assert!(matches!(status(&answer), 400 | 421), "{answer}");
    assert!(rig.broker.got().is_empty());
}

#[rstest]
#[case("example.com:443")]
#[case("169.254.169.254:443")]
#[case("169.254.169.254:80")]
#[case("[fd00:ec2::254]:443")]
#[case("metadata.google.internal:443")]
#[case("127.0.0.1:443")]
#[case("2130706433:443")]
#[case("0x7f000001:443")]
#[case("0:443")]
#[case("[::1]:443")]
#[case("[::ffff:169.254.169.254]:443")]
#[case("broker-api.alpaca.markets:443")]
#[case("app.alpaca.markets:443")]
#[case("alpaca.markets:443")]
#[case("api.alpaca.markets.:443")]
#[case("api.alpaca.markets.evil.example:443")]
#[case("evil-api.alpaca.markets:443")]
#[case("api.alpaca.markets@evil.example:443")]
#[case("user@api.alpaca.markets:443")]
#[case("api.alpaca.markets:80")]
#[case("api.alpaca.markets:22")]
#[case("api.alpaca.markets")]
#[case("api.alpaca.markets:")]
#[case("api.alpaca.markets:0443")]
#[case("api.alpaca.markets:443:443")]
#[case("/v2/account")]
#[case("*")]
#[tokio::test]
async fn the_proxy_leads_to_alpaca_only(#[case] target: &str) {
    let rig = Rig::start().await;
    for host in [target, "api.alpaca.markets:443"] {
        let (answer, _) =
            rig.ways.connect(&format!("CONNECT {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{target}: {answer}");
    }
}

#[rstest]
#[case("api.alpaca.markets")]
#[case("data.alpaca.markets")]
#[case("stream.data.alpaca.markets")]
#[tokio::test]
async fn tls_in_a_tunnel_asks_for_the_tunnels_host(#[case] asked: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    // The certificate is good for all of Alpaca's names, so that TLS itself succeeds; nothing is answered then.
    let mut socket = rig.ways.tunnel("paper-api.alpaca.markets", asked).await.unwrap();
    for host in [asked, "paper-api.alpaca.markets"] {
        let request = head("GET /v2/account HTTP/1.1", &pair, &format!("Host: {host}\r\n"));
        _ = tokio::io::AsyncWriteExt::write_all(&mut socket, request.as_bytes()).await;
    }
    let mut answer = Vec::new();
    _ = tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut answer).await;
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    assert!(rig.broker.got().is_empty());
}

/// HTTP/2 has a second place for the host. It is not offered, and its beginning is not read as anything else.
#[tokio::test]
async fn http_2_is_not_spoken() {
    let rig = Rig::start().await;
    for way in Way::ALL {
        let mut preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        // An empty SETTINGS frame.
        preface.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
        let answer = rig.ways.raw(way, &preface).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{way:?}: {answer}");
    }
    for name in ["localhost", "nobody.example"] {
        assert!(rig.ways.tls_speaks(name, b"h2").await.is_none(), "nothing but HTTP/1.1 is agreed on");
    }
    let pair = rig.key(trader()).await;
    for way in Way::ALL {
        let upgrade = request(way, "GET /v2/account", &pair, "").replace(
            "Connection: close",
            "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
        );
        let answer = rig.ways.raw(way, upgrade.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{way:?}: {answer}");
    }
    assert!(rig.broker.got().is_empty());
}
