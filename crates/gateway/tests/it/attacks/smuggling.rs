//! Two requests that look like one to somebody on the way, or one that looks like two.

use rstest::rstest;

use super::{ORDER, head, refused};
use crate::rig::{Rig, trader};
use crate::ways::Way;

#[rstest]
#[case::transfer_coding("Host: localhost\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")]
#[case::length_then_chunks(
    "Host: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "0\r\n\r\n"
)]
#[case::chunks_then_length(
    "Host: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "0\r\n\r\n"
)]
#[case::chunks_in_disguise("Host: localhost\r\nTransfer-Encoding: xchunked\r\n", "")]
#[case::chunks_twice(
    "Host: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "0\r\n\r\n"
)]
#[case::chunks_with_a_tab("Host: localhost\r\nTransfer-Encoding:\tchunked\r\n", "0\r\n\r\n")]
#[case::chunks_in_a_list("Host: localhost\r\nTransfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")]
#[case::chunk_extension("Host: localhost\r\nTransfer-Encoding: chunked\r\n", "0;a=\"\n\"\r\n\r\n")]
#[case::two_lengths("Host: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n", "")]
#[case::lengths_in_a_list("Host: localhost\r\nContent-Length: 5, 6\r\n", "")]
#[case::negative_length("Host: localhost\r\nContent-Length: -1\r\n", "")]
#[case::signed_length("Host: localhost\r\nContent-Length: +5\r\n", "12345")]
#[case::length_in_hex("Host: localhost\r\nContent-Length: 0x5\r\n", "12345")]
#[case::length_beyond_numbers("Host: localhost\r\nContent-Length: 18446744073709551617\r\n", "1")]
#[case::folded("Host: localhost\r\nX-A: b\r\n c\r\n", "")]
#[case::folded_host("Host: localhost\r\n\tevil.example\r\n", "")]
#[case::space_before_colon("Host : localhost\r\n", "")]
#[case::space_before_name(" Host: localhost\r\n", "")]
#[case::no_colon("Host: localhost\r\nX-A\r\n", "")]
#[case::nul("Host: localhost\r\nX-A: b\0c\r\n", "")]
#[case::return_in_value("Host: localhost\r\nX-A: b\rX-B: c\r\n", "")]
#[case::upgrade("Host: localhost\r\nUpgrade: websocket\r\n", "")]
#[case::upgrade_to_http_2("Host: localhost\r\nUpgrade: h2c\r\n", "")]
#[case::second_pair("Host: localhost\r\nAPCA-API-KEY-ID: other\r\n", "")]
#[case::second_credential("Host: localhost\r\nAuthorization: Bearer x\r\n", "")]
#[tokio::test]
async fn ambiguous_heads(#[case] headers: &str, #[case] body: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    for line in ["GET /v2/account HTTP/1.1", "POST /v2/orders HTTP/1.1"] {
        refused(&rig, head(line, &pair, headers) + body).await;
    }
}

/// Some servers take a line feed for an end of line. Then a value with one must not become a header here and a value there.
#[tokio::test]
async fn a_line_feed_alone_smuggles_nothing() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    for way in Way::ALL {
        let host = way.host();
        let more = format!("Host: {host}\r\nX-A: b\nTransfer-Encoding: chunked\r\n");
        let answer = rig.ways.raw(way, head("GET /v2/account HTTP/1.1", &pair, &more).as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{way:?}: {answer}");
    }
    assert!(rig.broker.got().is_empty());
}

/// Each of two requests in one packet is decided for itself: together they do not get more than one after the other.
#[tokio::test]
async fn two_orders_in_one_packet_are_two_orders() {
    let rig = Rig::start().await;
    for (placed, way) in Way::ALL.into_iter().enumerate() {
        let mut scope = trader();
        scope.max_daily_orders = Some(1);
        let pair = rig.key(scope).await;
        let one = super::request(way, "POST /v2/orders", &pair, ORDER);
        let both = one.replace("Connection: close\r\n", "") + &one;
        let answer = rig.ways.raw(way, both.as_bytes()).await;
        assert!(answer.contains("HTTP/1.1 200") && answer.contains("HTTP/1.1 403"), "{way:?}: {answer}");
        assert_eq!(rig.broker.changes().len(), placed + 1);
    }
}

/// What follows a request whose body is refused is not read as another request.
#[tokio::test]
async fn a_refused_body_is_not_read_as_a_request() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    for way in Way::ALL {
        let inner = super::request(way, "DELETE /v2/positions", &pair, "");
        let padding = " ".repeat(70_000);
        let body = format!("{padding}{inner}");
        let outer =
            super::request(way, "POST /v2/orders", &pair, &body).replacen("Connection: close\r\n", "", 1);
        let answer = rig.ways.raw(way, outer.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{way:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{way:?}: {answer}");
    }
    assert!(rig.broker.got().is_empty());
}
