use crate::testing::dec;
use paddock_core::ReasonCode;
use rstest::rstest;

use super::*;
use crate::operation::by_id;

#[rstest]
#[case(AlpacaError::unauthorized(), r#"{"message":"unauthorized."}"#)]
#[case(
    AlpacaError::insufficient_buying_power(dec("3388.32"), dec("27032.36")),
    r#"{"buying_power":"3388.32","code":40310000,"cost_basis":"27032.36","message":"insufficient buying power"}"#
)]
#[case(
    AlpacaError::insufficient_quantity("STWD", dec("37"), dec("0"), dec("37"), dec("37"), &[uuid::Uuid::nil()]),
    r#"{"available":"0","code":40310000,"existing_qty":"37","held_for_orders":"37","message":"insufficient qty available for order (requested: 37, available: 0)","related_orders":["00000000-0000-0000-0000-000000000000"],"symbol":"STWD"}"#
)]
#[case(
    AlpacaError::client_order_id_not_unique(),
    r#"{"code":40010001,"message":"client_order_id must be unique"}"#
)]
#[case(AlpacaError::order_asset_not_found("XXX"), r#"{"code":42210000,"message":"asset \"XXX\" not found"}"#)]
fn bodies_are_alpacas(#[case] error: AlpacaError, #[case] body: &str) {
    assert_eq!(String::from_utf8(error.to_body()).unwrap(), body);
    assert_eq!(AlpacaError::parse(error.status, &error.to_body()), error);
}

#[test]
fn a_refusal_has_code_message_reason_and_numbers() {
    let refusal =
        Refusal::new(ReasonCode::SymbolNotAllowed, "no".to_owned(), &[("symbol", "MSFT".to_owned())]);
    let error = AlpacaError::refusal(&refusal);
    assert_eq!(error.status, 403);
    assert_eq!(
        String::from_utf8(error.to_body()).unwrap(),
        r#"{"code":40390006,"message":"no","numbers":{"symbol":"MSFT"},"reason":"symbol_not_allowed"}"#
    );
}

#[rstest]
#[case(UNAUTHORIZED_HTML.as_bytes(), "401 Authorization Required")]
#[case(b"", "HTTP status 401")]
#[case(b"nope\r\n", "nope")]
#[case(b"{\"message\": \"forbidden.\"}\n", "forbidden.")]
#[case(b"{\"error\":\"x\"}", "HTTP status 401")]
#[case(b"[1]", "[1]")]
#[case(b"\xff\x00", "\u{fffd}")]
fn something_is_made_of_any_answer(#[case] body: &[u8], #[case] message: &str) {
    let error = AlpacaError::parse(401, body);
    assert_eq!((error.status, error.message.as_ref()), (401, message));
}

#[rstest]
#[case::of_today(b"{\"message\":\"unauthorized.\"}", true)]
#[case::of_earlier_years(b"{\"message\": \"forbidden.\"}\n", true)]
#[case::with_a_code(b"{\"code\":40110000,\"message\":\"request is not authorized\"}", true)]
#[case::any_nginx(UNAUTHORIZED_HTML.as_bytes(), false)]
#[case::a_portal(b"<!doctype html><title>Hotel Wi-Fi</title>", false)]
#[case::nothing(b"", false)]
#[case::plain(b"Forbidden", false)]
#[case::another_api(b"{\"error\":\"forbidden\"}", false)]
#[case::no_sentence(b"{\"message\":403}", false)]
#[case::no_object(b"[\"message\"]", false)]
fn only_json_with_a_message_is_alpacas(#[case] body: &[u8], #[case] is_alpacas: bool) {
    for status in [401, 403] {
        assert_eq!(AlpacaError::read(status, body).is_some(), is_alpacas);
    }
}

#[test]
fn an_endless_page_is_cut() {
    let error = AlpacaError::parse(502, "x".repeat(100_000).as_bytes());
    assert_eq!(error.message.len(), KEPT_MESSAGE);
}

#[rstest]
#[case("LegacyClock", true)]
#[case("StockBars", true)]
#[case("getAccount", false)]
#[case("get-v2-assets", false)]
fn some_answer_html(#[case] id: &str, #[case] html: bool) {
    assert_eq!(unauthorized_is_html(by_id(id).unwrap()), html);
}
