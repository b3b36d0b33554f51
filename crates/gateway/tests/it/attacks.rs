//! What must never reach the broker. Every case here is one of the holes that gateways of this kind have had.

use rstest::rstest;

use crate::rig::{Pair, Rig, trader};
use crate::ways::Way;

const ORDER: &str = r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}"#;

fn head(line: &str, pair: &Pair, more: &str) -> String {
    let Pair { key_id, secret, .. } = pair;
    format!(
        "{line}\r\nAPCA-API-KEY-ID: {key_id}\r\nAPCA-API-SECRET-KEY: {secret}\r\nConnection: close\r\n{more}\r\n"
    )
}

/// Sends a whole request as it stands by each of the ways in and asserts that the gateway refuses it and the broker never hears of
/// it. Gives the answer of the plain way.
async fn refused(rig: &Rig, request: String) -> String {
    let mut plain = String::new();
    for way in Way::ALL {
        let request = request.replace("Host: localhost", &format!("Host: {}", way.host()));
        let answer = rig.ways.raw(way, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{way:?}: {request}\n->\n{answer}");
        assert!(
            rig.broker.got().is_empty(),
            "{way:?}: {request}\nreached the broker as {:?}",
            rig.broker.got()
        );
        if way == Way::Plain {
            plain = answer;
        }
    }
    plain
}

#[rstest]
#[case("//v2/account")]
#[case("/v2//account")]
#[case("/v2/account/")]
#[case("/v2/./account")]
#[case("/v2/../v2/account")]
#[case("/v2/%61ccount")]
#[case("/v2%2faccount")]
#[case("/v2%2Faccount")]
#[case("/v2/%2e%2e/v2/account")]
#[case("/v2/orders%2f..%2fpositions")]
#[case("/v2/orders/..%2faccount")]
#[case("/v2/account;x=1")]
#[case("/v2/account;/../orders")]
#[case("/v2/account%00")]
#[case("/v2/account%20")]
#[case("/v2/account.")]
#[case("/V2/account")]
#[case("/v2/Account")]
#[case("/v2\\account")]
#[case("/v2/account%23")]
#[case("/v2/orders%3Aby_client_order_id?client_order_id=a")]
#[case("/v2/positions/BTC%252FUSD")]
#[case("/v2/assets/AAPL%2F..")]
#[case("/v2/assets/%41APL")]
#[case("v2/account")]
#[case("*")]
#[case("http://api.alpaca.markets/v2/account")]
#[case("https://api.alpaca.markets/v2/account")]
#[case("http://user@127.0.0.1/v2/account")]
#[case("/v1/accounts")]
#[case("/v2/account?a=1&a=2")]
#[case("/v2/orders?status=open&status=closed")]
#[case("/v2/orders?status=%ff")]
#[case("/v2/orders?status=%zz")]
#[tokio::test]
async fn ambiguous_targets(#[case] target: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    refused(&rig, head(&format!("GET {target} HTTP/1.1"), &pair, "Host: localhost\r\n")).await;
}

#[rstest]
#[case("GET /v2/account#fragment HTTP/1.1")]
#[case("HEAD /v2/account HTTP/1.1")]
#[case("OPTIONS /v2/account HTTP/1.1")]
#[case("TRACE /v2/account HTTP/1.1")]
#[case("get /v2/account HTTP/1.1")]
#[case("PROPFIND /v2/account HTTP/1.1")]
#[case("CONNECT api.alpaca.markets:443 HTTP/1.1")]
#[tokio::test]
async fn odd_methods_and_targets(#[case] line: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let answer = rig.raw(head(line, &pair, "Host: localhost\r\n").as_bytes()).await;
    // A fragment never reaches a server's application; what remains is the plain path. Everything else is refused.
    if line.contains('#') {
        assert!(rig.broker.got().iter().all(|got| got.target == "/v2/account"));
    } else {
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert!(rig.broker.got().is_empty());
    }
}

#[rstest]
#[case::missing("")]
#[case::doubled("Host: localhost\r\nHost: api.alpaca.markets\r\n")]
#[case::trailing_point("Host: localhost.\r\n")]
#[case::user_part("Host: a@localhost\r\n")]
#[case::zone("Host: [fe80::1%25eth0]\r\n")]
#[case::two_in_one("Host: localhost, api.alpaca.markets\r\n")]
#[case::empty("Host:\r\n")]
#[case::odd_port("Host: localhost:80:443\r\n")]
#[case::transfer_coding("Host: localhost\r\nTransfer-Encoding: chunked\r\n")]
#[case::smuggling("Host: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n")]
#[case::smuggling_reversed("Host: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n")]
#[case::two_lengths("Host: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n")]
#[case::negative_length("Host: localhost\r\nContent-Length: -1\r\n")]
#[case::odd_coding("Host: localhost\r\nTransfer-Encoding: xchunked\r\n")]
#[case::folded("Host: localhost\r\nX-A: b\r\n c\r\n")]
#[case::space_before_colon("Host : localhost\r\n")]
#[case::upgrade("Host: localhost\r\nUpgrade: websocket\r\n")]
#[case::second_pair("Host: localhost\r\nAPCA-API-KEY-ID: other\r\n")]
#[case::second_credential("Host: localhost\r\nAuthorization: Bearer x\r\n")]
#[tokio::test]
async fn ambiguous_heads(#[case] headers: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    refused(&rig, head("GET /v2/account HTTP/1.1", &pair, headers)).await;
}

#[rstest]
#[case::duplicate_key(
    r#"{"symbol":"AAPL","qty":"1","qty":"1000","side":"buy","type":"market","time_in_force":"day"}"#
)]
#[case::escaped_duplicate(
    r#"{"symbol":"AAPL","qty":"1","\u0071ty":"1000","side":"buy","type":"market","time_in_force":"day"}"#
)]
#[case::exponent(r#"{"symbol":"AAPL","qty":1e3,"side":"buy","type":"market","time_in_force":"day"}"#)]
#[case::exponent_text(r#"{"symbol":"AAPL","qty":"1e3","side":"buy","type":"market","time_in_force":"day"}"#)]
#[case::trailing_data(
    r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}{"qty":"9"}"#
)]
#[case::trailing_text(r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"} x"#)]
#[case::bom(
    "\u{feff}{\"symbol\":\"AAPL\",\"qty\":\"1\",\"side\":\"buy\",\"type\":\"market\",\"time_in_force\":\"day\"}"
)]
#[case::both_amounts(
    r#"{"symbol":"AAPL","qty":"1","notional":"1","side":"buy","type":"market","time_in_force":"day"}"#
)]
#[case::unknown_field(
    r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day","quantity":"9"}"#
)]
#[case::other_case(
    r#"{"symbol":"AAPL","qty":"1","Qty":"9","side":"buy","type":"market","time_in_force":"day"}"#
)]
#[case::wrong_type(r#"{"symbol":["AAPL"],"qty":"1","side":"buy","type":"market","time_in_force":"day"}"#)]
#[case::boolean_amount(r#"{"symbol":"AAPL","qty":true,"side":"buy","type":"market","time_in_force":"day"}"#)]
#[case::null_amount(r#"{"symbol":"AAPL","qty":null,"side":"buy","type":"market","time_in_force":"day"}"#)]
#[case::negative(r#"{"symbol":"AAPL","qty":"-1","side":"buy","type":"market","time_in_force":"day"}"#)]
#[case::nan(r#"{"symbol":"AAPL","qty":NaN,"side":"buy","type":"market","time_in_force":"day"}"#)]
#[case::spaced(r#"{"symbol":" AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}"#)]
#[case::lower_case(r#"{"symbol":"aapl","qty":"1","side":"buy","type":"market","time_in_force":"day"}"#)]
#[case::lookalike(
    "{\"symbol\":\"\u{410}APL\",\"qty\":\"1\",\"side\":\"buy\",\"type\":\"market\",\"time_in_force\":\"day\"}"
)]
#[case::array(r#"[{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}]"#)]
#[case::form("symbol=AAPL&qty=1&side=buy&type=market&time_in_force=day")]
#[case::empty("")]
#[tokio::test]
async fn ambiguous_bodies(#[case] body: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let length = body.len();
    let more = format!("Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n");
    let request = head("POST /v2/orders HTTP/1.1", &pair, &more) + body;
    let answer = refused(&rig, request).await;
    assert!(answer.contains("\"code\":") && answer.contains("\"message\":"), "{answer}");
}

#[tokio::test]
async fn compressed_and_oversized_bodies() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let more = format!("Host: localhost\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n", ORDER.len());
    refused(&rig, head("POST /v2/orders HTTP/1.1", &pair, &more) + ORDER).await;

    let padded = format!("{}{ORDER}", " ".repeat(10 * 1024 * 1024));
    let more = format!("Host: localhost\r\nContent-Length: {}\r\n", padded.len());
    let answer = refused(&rig, head("POST /v2/orders HTTP/1.1", &pair, &more) + &padded).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_request_inside_a_request_is_not_served() {
    let rig = Rig::start().await;
    let mut scope = trader();
    scope.max_daily_orders = Some(0);
    let pair = rig.key(scope).await;
    let inner = head("DELETE /v2/positions HTTP/1.1", &pair, "Host: localhost\r\n");
    let more = format!("Host: localhost\r\nContent-Length: {}\r\n", inner.len());
    refused(&rig, head("GET /v2/account HTTP/1.1", &pair, &more) + &inner).await;
}

#[tokio::test]
async fn the_clients_headers_do_not_pass() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let more = "Host: api.alpaca.markets\r\nCookie: a=b\r\nX-Forwarded-For: 1.2.3.4\r\nX-Original-URL: /v2/orders\r\n\
        X-HTTP-Method-Override: DELETE\r\nTE: trailers\r\nUser-Agent: bot/1\r\n";
    let answer = rig.raw(head("GET /v2/account HTTP/1.1", &pair, more).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let got = rig.broker.got().pop().unwrap();
    assert_eq!(got.headers["host"], rig.broker.address.to_string(), "the host dialled is the host named");
    assert_eq!(got.headers["user-agent"], "bot/1");
    assert_eq!(got.headers["apca-api-key-id"], crate::rig::REAL_ID);
    for name in ["cookie", "x-forwarded-for", "x-original-url", "x-http-method-override", "te", "connection"]
    {
        assert!(!got.headers.contains_key(name), "{name} passed");
    }
    let sent: Vec<u8> = got.headers.values().flat_map(|value| value.as_bytes().to_vec()).collect();
    assert!(!String::from_utf8_lossy(&sent).contains(&pair.secret), "the access key was sent to the broker");
}

#[rstest]
#[case("createCryptoTransferForAccount", "POST", "/v2/wallets/transfers")]
#[case("createWhitelistedAddress", "POST", "/v2/wallets/whitelists")]
#[case("postTokenizationMint", "POST", "/v2/tokenization/mint")]
#[tokio::test]
async fn money_out_passes_only_when_it_is_named(
    #[case] operation: &str,
    #[case] method: &str,
    #[case] path: &str,
) {
    let rig = Rig::start().await;
    let mut scope = trader();
    scope.classes.extend(paddock_core::PermissionClass::ALL);
    let pair = rig.key(scope.clone()).await;
    let (status, body) = rig.send(method, path, &pair, Some("{}")).await;
    assert_eq!((status, body["reason"].as_str()), (403, Some("money_out_not_allowed")));
    assert!(rig.broker.got().is_empty());

    scope.operations.insert(operation.to_owned());
    let named = rig.key(scope).await;
    assert_eq!(rig.send(method, path, &named, Some("{}")).await.0, 200);
}

#[tokio::test]
async fn an_unknown_operation_is_refused_and_recorded() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let (status, body) = rig.send("GET", "/v2/perpetuals/leverage", &pair, None).await;
    assert_eq!((status, body["reason"].as_str()), (403, Some("unknown_operation")));
    assert!(rig.broker.got().is_empty());
    let records = rig.store.audit_page(&paddock_store::AuditQuery::default()).await.unwrap();
    assert!(records[0].event.contains("unknown_operation"), "{}", records[0].event);
}
