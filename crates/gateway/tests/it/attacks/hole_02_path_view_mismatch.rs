//! One path that two readers take for two: everything but the one spelling is refused.

use rstest::rstest;

use super::{head, refused};
use crate::rig::{Rig, trader};

#[rstest]
#[case("//v2/account")]
#[case("/v2//account")]
#[case("/v2/account/")]
#[case("/v2/account//")]
#[case("/v2/./account")]
#[case("/v2/../v2/account")]
#[case("/v2/account/..")]
#[case("/v2/account/.")]
#[case("/v2/.../account")]
#[case("/v2/%61ccount")]
#[case("/v2%2faccount")]
#[case("/v2%2Faccount")]
#[case("/v2%5caccount")]
#[case("/v2/%2e%2e/v2/account")]
#[case("/v2/%2E./v2/account")]
#[case("/v2/%252e%252e/v2/account")]
#[case("/v2/%c0%ae%c0%ae/v2/account")]
#[case("/v2/%u002e%u002e/v2/account")]
#[case("/v2/orders%2f..%2fpositions")]
#[case("/v2/orders%252f..%252fpositions")]
#[case("/v2/orders/..%2faccount")]
#[case("/v2/orders/..;/account")]
#[case("/v2/account;x=1")]
#[case("/v2/account;/../orders")]
#[case("/v2/account%3bx=1")]
#[case("/v2/account%3fx=1")]
#[case("/v2/account%00")]
#[case("/v2/account%0a")]
#[case("/v2/account%0d%0aX: y")]
#[case("/v2/account%20")]
#[case("/v2/account%09")]
#[case("/v2/account.")]
#[case("/v2/account,")]
#[case("/v2/account~")]
#[case("/V2/account")]
#[case("/v2/Account")]
#[case("/v2\\account")]
#[case("/v2/account%23")]
#[case("/v2/acc%C3%B6unt")]
#[case("/v2/acc\u{f6}unt")]
#[case("/v2/\u{ff41}ccount")]
#[case("/v2/account\u{2044}x")]
#[case("/v2/orders%3Aby_client_order_id?client_order_id=a")]
#[case("/v2/positions/BTC%252FUSD")]
#[case("/v2/positions/BTC%2fUSD%2fX")]
#[case("/v2/assets/AAPL%2F..")]
#[case("/v2/assets/%41APL")]
#[case("/v1/accounts")]
#[case("/v2/account?a=1&a=2")]
#[case("/v2/account?a=1&%61=2")]
#[case("/v2/orders?status=open&status=closed")]
#[case("/v2/orders?status=%ff")]
#[case("/v2/orders?status=%zz")]
#[case("/v2/orders?status=%")]
#[case("/v2/orders?status=%00")]
#[tokio::test]
async fn ambiguous_targets(#[case] target: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    refused(&rig, head(&format!("GET {target} HTTP/1.1"), &pair, "Host: localhost\r\n")).await;
}

#[rstest]
#[case("HEAD /v2/account HTTP/1.1")]
#[case("OPTIONS /v2/account HTTP/1.1")]
#[case("TRACE /v2/account HTTP/1.1")]
#[case("get /v2/account HTTP/1.1")]
#[case("Get /v2/account HTTP/1.1")]
#[case("PROPFIND /v2/account HTTP/1.1")]
#[case("CONNECT api.alpaca.markets:443 HTTP/1.1")]
#[case("GET /v2/account HTTP/1.2")]
#[case("GET /v2/account HTTP/2.0")]
#[case("GET /v2/account HTTP/11")]
#[case("GET /v2/account http/1.1")]
#[case("GET  /v2/account  HTTP/1.1")]
#[case("GET\t/v2/account\tHTTP/1.1")]
#[case("GET /v2/account /v2/orders HTTP/1.1")]
#[tokio::test]
async fn odd_request_lines(#[case] line: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    refused(&rig, head(line, &pair, "Host: localhost\r\n")).await;
}

/// A fragment never reaches a server's application; what remains is the plain path.
#[tokio::test]
async fn a_fragment_is_not_sent_on() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    for way in crate::ways::Way::ALL {
        super::ask(&rig, way, "GET /v2/account#/../orders", &pair, "").await;
    }
    assert!(rig.broker.got().iter().all(|got| got.target == "/v2/account"));
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
