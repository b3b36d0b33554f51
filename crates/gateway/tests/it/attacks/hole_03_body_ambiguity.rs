//! A body that is longer than what is looked at, or that two readers take for two orders.

use rstest::rstest;

use super::{ORDER, head, refused};
use crate::rig::{Pair, Rig, trader};

fn post(pair: &Pair, more: &str, body: &str) -> String {
    let length = body.len();
    let more =
        format!("Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}");
    head("POST /v2/orders HTTP/1.1", pair, &more) + body
}

#[rstest]
#[case::duplicate_key(
    r#"{"symbol":"AAPL","qty":"1","qty":"1000","side":"buy","type":"market","time_in_force":"day"}"#
)]
#[case::escaped_duplicate(
    r#"{"symbol":"AAPL","qty":"1","\u0071ty":"1000","side":"buy","type":"market","time_in_force":"day"}"#
)]
#[case::duplicate_leg_key(
    r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"limit","limit_price":"1","time_in_force":"day","order_class":"bracket","take_profit":{"limit_price":"2","limit_price":"1"},"stop_loss":{"stop_price":"0.5"}}"#
)]
#[case::exponent(r#"{"symbol":"AAPL","qty":1e3,"side":"buy","type":"market","time_in_force":"day"}"#)]
#[case::trailing_data(
    r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}{"qty":"9"}"#
)]
#[case::trailing_text(r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"} x"#)]
#[case::trailing_nul(
    "{\"symbol\":\"AAPL\",\"qty\":\"1\",\"side\":\"buy\",\"type\":\"market\",\"time_in_force\":\"day\"}\0"
)]
#[case::trailing_comma(r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day",}"#)]
#[case::comment(r#"{"symbol":"AAPL",/* */"qty":"1","side":"buy","type":"market","time_in_force":"day"}"#)]
#[case::bom(
    "\u{feff}{\"symbol\":\"AAPL\",\"qty\":\"1\",\"side\":\"buy\",\"type\":\"market\",\"time_in_force\":\"day\"}"
)]
#[case::both_amounts(
    r#"{"symbol":"AAPL","qty":"1","notional":"1","side":"buy","type":"market","time_in_force":"day"}"#
)]
#[case::unknown_field(
    r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day","quantity":"9"}"#
)]
#[case::prototype(
    r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day","__proto__":{"qty":"9"}}"#
)]
#[case::other_case(
    r#"{"symbol":"AAPL","qty":"1","Qty":"9","side":"buy","type":"market","time_in_force":"day"}"#
)]
#[case::lookalike_key(
    "{\"symbol\":\"AAPL\",\"qty\":\"1\",\"qt\u{443}\":\"9\",\"side\":\"buy\",\"type\":\"market\",\"time_in_force\":\"day\"}"
)]
#[case::wrong_type(r#"{"symbol":["AAPL"],"qty":"1","side":"buy","type":"market","time_in_force":"day"}"#)]
#[case::boolean_amount(r#"{"symbol":"AAPL","qty":true,"side":"buy","type":"market","time_in_force":"day"}"#)]
#[case::null_amount(r#"{"symbol":"AAPL","qty":null,"side":"buy","type":"market","time_in_force":"day"}"#)]
#[case::nan(r#"{"symbol":"AAPL","qty":NaN,"side":"buy","type":"market","time_in_force":"day"}"#)]
#[case::single_quotes("{'symbol':'AAPL','qty':'1','side':'buy','type':'market','time_in_force':'day'}")]
#[case::array(r#"[{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}]"#)]
#[case::text_of_json(r#""{\"symbol\":\"AAPL\",\"qty\":\"1\"}""#)]
#[case::form("symbol=AAPL&qty=1&side=buy&type=market&time_in_force=day")]
#[case::empty("")]
#[tokio::test]
async fn ambiguous_bodies(#[case] body: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let answer = refused(&rig, post(&pair, "", body)).await;
    assert!(answer.contains("\"code\":") && answer.contains("\"message\":"), "{answer}");
}

/// Amounts are plain decimal numbers that fit; whatever else some language takes for one is none.
#[rstest]
#[case("1e3")]
#[case("1E3")]
#[case("0x10")]
#[case("1_000")]
#[case("1,000")]
#[case("+1")]
#[case(".5")]
#[case("1.")]
#[case(" 1")]
#[case("1 ")]
#[case("-1")]
#[case("-0")]
#[case("0")]
#[case("0.0000000000000000000000000001e30")]
#[case("Infinity")]
#[case("NaN")]
#[case("\u{ff11}")]
#[case("\u{661}")]
#[case("1\\u0000")]
#[case("1\\n")]
#[case("79228162514264337593543950336")]
#[case("99999999999999999999999999999999999999999999999999")]
#[case("0.00000000000000000000000000001")]
#[case("1.00000000000000000000000000000000000000001")]
#[case("")]
#[tokio::test]
async fn odd_amounts(#[case] amount: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    for field in ["qty", "notional"] {
        let body = ORDER.replace("\"qty\":\"1\"", &format!("\"{field}\":\"{amount}\""));
        refused(&rig, post(&pair, "", &body)).await;
    }
}

#[rstest]
#[case::spaced(" AAPL")]
#[case::lower_case("aapl")]
#[case::cyrillic("\u{410}APL")]
#[case::fullwidth("\u{ff21}APL")]
#[case::mathematical("\u{1d400}APL")]
#[case::combining("AAPL\u{301}")]
#[case::zero_width("AA\u{200b}PL")]
#[case::right_to_left("\u{202e}LPAA")]
#[case::soft_hyphen("AA\u{ad}PL")]
#[case::nul("AAPL\\u0000")]
#[case::line_break("AAPL\\n")]
#[case::list("AAPL,MSFT")]
#[case::wildcard("*")]
#[case::path("../AAPL")]
#[case::lone_surrogate("\\ud800")]
#[tokio::test]
async fn odd_symbols(#[case] symbol: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    refused(&rig, post(&pair, "", &ORDER.replace("AAPL", symbol))).await;
}

#[tokio::test]
async fn what_is_no_text_is_no_order() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    for way in crate::ways::Way::ALL {
        let body = ORDER.replace("AAPL", "AAP?");
        let mut bytes = super::request(way, "POST /v2/orders", &pair, &body).into_bytes();
        let place = bytes.iter().rposition(|byte| *byte == b'?').unwrap();
        bytes[place] = 0xff;
        let answer = rig.ways.raw(way, &bytes).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert!(rig.broker.got().is_empty());
}

#[rstest]
#[case::gzip("Content-Encoding: gzip\r\n")]
#[case::identity("Content-Encoding: identity\r\n")]
#[case::nothing("Content-Encoding:\r\n")]
#[tokio::test]
async fn bodies_with_a_coding(#[case] more: &str) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    refused(&rig, post(&pair, more, ORDER)).await;
}

/// There is no prefix that is looked at: a body is read whole or refused.
#[rstest]
#[case(16 * 1024, false)]
#[case(64 * 1024, true)]
#[case(10 * 1024 * 1024, true)]
#[tokio::test]
async fn nothing_hides_behind_padding(#[case] padding: usize, #[case] too_large: bool) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let hidden = ORDER.replace("}", &format!("{},\"qty\":\"1000\"}}", " ".repeat(padding)));
    let answer = refused(&rig, post(&pair, "", &hidden)).await;
    if too_large {
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    }
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
