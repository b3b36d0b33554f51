use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::testing::dec;

fn parse(body: &str) -> Result<ParsedOrder, AlpacaError> {
    parse_order(body.as_bytes()).map_err(|fault| fault.to_error())
}

/// A market order for AAPL with some fields put in.
fn market(fields: &str) -> String {
    format!(r#"{{"symbol":"AAPL","side":"buy","type":"market","time_in_force":"day"{fields}}}"#)
}

/// An order with some fields put in.
fn order(fields: &str) -> String {
    format!(r#"{{"symbol":"AAPL","side":"buy","time_in_force":"day","qty":"1"{fields}}}"#)
}

#[rstest]
#[case(market(r#","qty":1.0"#), Amount::Quantity(dec("1")))]
#[case(market(r#","qty":"1""#), Amount::Quantity(dec("1")))]
#[case(market(r#","qty":0.123456789"#), Amount::Quantity(dec("0.123456789")))]
#[case(market(r#","notional":"250.50","qty":null"#), Amount::Notional(dec("250.5")))]
fn both_ways_of_writing_an_amount(#[case] body: String, #[case] amount: Amount) {
    assert_eq!(parse(&body).unwrap().request.amount, amount);
}

#[test]
fn a_full_order_is_read_and_written() {
    let body = r#"{"symbol":"AAPL","qty":"2.00","side":"buy","type":"limit","limit_price":150.10,"time_in_force":"gtc",
        "order_class":"bracket","take_profit":{"limit_price":"160"},"stop_loss":{"stop_price":140,"limit_price":"139.5"},
        "client_order_id":"mine","extended_hours":false,"position_intent":"buy_to_open",
        "advanced_instructions":{"algorithm":"DMA","destination":"NYSE","display_qty":100}}"#;
    let parsed = parse(body).unwrap();
    assert_eq!(parsed.request.limit_price, Some(dec("150.1")));
    assert_eq!(
        String::from_utf8(parsed.to_json_bytes()).unwrap(),
        concat!(
            r#"{"advanced_instructions":{"algorithm":"DMA","destination":"NYSE","display_qty":"100"},"#,
            r#""client_order_id":"mine","limit_price":"150.1","order_class":"bracket","position_intent":"buy_to_open","#,
            r#""qty":"2","side":"buy","stop_loss":{"limit_price":"139.5","stop_price":"140"},"symbol":"AAPL","#,
            r#""take_profit":{"limit_price":"160"},"time_in_force":"gtc","type":"limit"}"#
        )
    );
}

#[test]
fn a_simple_order_stays_simple() {
    let mut parsed = parse(&market(r#","qty":1,"order_class":"","client_order_id":"""#)).unwrap();
    assert_eq!(
        parsed.to_json_bytes(),
        br#"{"qty":"1","side":"buy","symbol":"AAPL","time_in_force":"day","type":"market"}"#
    );
    parsed.set_client_order_id("named".to_owned());
    let again = parse_order(&parsed.to_json_bytes()).unwrap();
    assert_eq!(again.request.client_order_id.as_deref(), Some("named"));
}

#[test]
fn a_pair_without_slash_becomes_canonical() {
    let body = r#"{"symbol":"BTCUSD","side":"buy","type":"market","time_in_force":"gtc","qty":0.5}"#;
    let sent = parse(body).unwrap().to_json_bytes();
    assert_eq!(
        sent,
        br#"{"qty":"0.5","side":"buy","symbol":"BTC/USD","time_in_force":"gtc","type":"market"}"#
    );
}

#[test]
fn an_oco_is_a_limit_order_at_its_take_profit() {
    let body = order(
        r#","type":"limit","order_class":"oco","take_profit":{"limit_price":"160"},"stop_loss":{"stop_price":"140"}"#,
    );
    let parsed = parse(&body).unwrap();
    assert_eq!(parsed.request.limit_price, Some(dec("160")));
    assert!(!String::from_utf8(parsed.to_json_bytes()).unwrap().contains(r#","limit_price":"160","order"#));
    assert_eq!(parse_order(&parsed.to_json_bytes()), Ok(parsed));
}

#[test]
fn legs_carry_sides_or_intents() {
    let body = r#"{"type":"limit","limit_price":"-0.50","time_in_force":"day","qty":"1","order_class":"mleg","legs":[
        {"symbol":"AAPL261218C00150000","ratio_qty":"1","side":"buy","position_intent":"buy_to_open"},
        {"symbol":"AAPL261218C00160000","ratio_qty":1,"position_intent":"sell_to_open"}]}"#;
    let parsed = parse(body).unwrap();
    let request = &parsed.request;
    assert_eq!(request.symbol.as_str(), "AAPL261218C00150000");
    assert_eq!(request.side, Side::Buy);
    assert_eq!(request.legs[1].side, Some(Side::Sell));
    let sent = parsed.to_json_bytes();
    assert_eq!(
        String::from_utf8(sent.clone()).unwrap(),
        concat!(
            r#"{"legs":[{"position_intent":"buy_to_open","ratio_qty":"1","side":"buy","symbol":"AAPL261218C00150000"},"#,
            r#"{"position_intent":"sell_to_open","ratio_qty":"1","side":"sell","symbol":"AAPL261218C00160000"}],"#,
            r#""limit_price":"-0.5","order_class":"mleg","qty":"1","time_in_force":"day","type":"limit"}"#
        )
    );
    assert_eq!(parse_order(&sent), Ok(parsed));
}

#[rstest]
#[case(market(""), "qty or notional is required")]
#[case(market(r#","qty":"1","notional":"5""#), "only one of qty or notional is accepted")]
#[case(market(r#","qty":"0""#), "qty must be > 0")]
#[case(market(r#","qty":-0.5"#), "qty must be > 0")]
#[case(market(r#","notional":"0.99""#), "notional must be >= 1.00")]
#[case(order(r#","type":"limit""#), "limit orders require a limit price")]
#[case(order(r#","type":"limit","limit_price":"1","stop_price":"1""#), "limit orders require no stop price")]
#[case(order(r#","type":"market","limit_price":"1""#), "market orders require no stop or limit price")]
#[case(order(r#","type":"stop""#), "stop orders require a stop price")]
#[case(
    order(r#","type":"stop_limit","stop_price":"1""#),
    "stop limit orders require both stop and limit price"
)]
#[case(
    order(r#","type":"trailing_stop""#),
    "trailing stop orders must specify one of trail_price or trail_percent"
)]
#[case(
    order(r#","type":"trailing_stop","trail_price":"1","trail_percent":"1""#),
    "trailing stop orders must specify one of trail_price or trail_percent"
)]
#[case(
    order(r#","type":"market","trail_price":"1""#),
    "only trailing stop orders take trail_price or trail_percent"
)]
#[case(order(r#","type":"limit","limit_price":"-1""#), "limit price, stop price and trail must be > 0")]
#[case(order(r#","type":"limit","limit_price":"0""#), "limit price, stop price and trail must be > 0")]
#[case(order(r#","type":"Market""#), "invalid order type")]
#[case(order(""), "invalid order type")]
#[case(r#"{"symbol":"AAPL","side":"buy","type":"market","qty":"1"}"#.to_owned(), "invalid time_in_force")]
#[case(r#"{"symbol":"AAPL","type":"market","time_in_force":"day","qty":"1"}"#.to_owned(), "side must be buy or sell")]
#[case(r#"{"side":"buy","type":"market","time_in_force":"day","qty":"1"}"#.to_owned(), "symbol is required")]
#[case(order(r#","type":"market","order_class":"both""#), "invalid order_class")]
#[case(order(r#","type":"market","position_intent":"x""#), "invalid position_intent")]
#[case(
    order(r#","type":"market","take_profit":{"limit_price":"1"}"#),
    "take_profit and stop_loss require order_class bracket, oco or oto"
)]
#[case(
    order(r#","type":"market","order_class":"bracket","take_profit":{"limit_price":"1"}"#),
    "bracket orders require take_profit.limit_price and stop_loss.stop_price"
)]
#[case(
    order(r#","type":"market","order_class":"oto""#),
    "oto orders require one of take_profit or stop_loss"
)]
#[case(order(r#","type":"limit","order_class":"oco","limit_price":"1","take_profit":{"limit_price":"2"},"stop_loss":{"stop_price":"1"}"#), "oco orders require type limit, take_profit.limit_price and stop_loss.stop_price")]
#[case(
    order(r#","type":"market","order_class":"mleg""#),
    "mleg orders require type market or limit, qty and 2 to 4 option legs"
)]
#[case(
    order(r#","type":"market","legs":[{"symbol":"AAPL","ratio_qty":"1"}]"#),
    "legs require order_class mleg"
)]
#[case(
    order(r#","type":"market","legs":[{"symbol":"AAPL","ratio_qty":"0.5"}]"#),
    "ratio_qty must be a whole number > 0"
)]
#[case(order(r#","type":"market","stop_loss":{"stop_price":"1","trail":"2"}"#), "unknown field \"trail\"")]
#[case(order(r#","type":"market","extended_hours":"true""#), "extended_hours must be true or false")]
#[case(order(r#","type":"market","asset_class":"crypto""#), "unknown field \"asset_class\"")]
#[case(order(r#","type":"limit","limit_price":"1e3""#), "limit_price is not a plain decimal number")]
fn bad_fields_are_refused_as_alpaca_does(#[case] body: String, #[case] message: &str) {
    let error = parse(&body).unwrap_err();
    assert_eq!((error.status, error.code, error.message.as_ref()), (422, Some(40_010_001), message));
}

#[rstest]
#[case(
    order(r#","qty":"2","type":"market""#),
    "request body format is invalid: the key \"qty\" occurs twice"
)]
#[case(order(r#","type":"market"}{"#), "request body format is invalid: not valid JSON")]
#[case(
    order(r#","type":"market","stop_loss":{"stop_price":1,"stop_price":2}"#),
    "request body format is invalid: the key \"stop_price\" occurs twice"
)]
#[case("[]".to_owned(), "request body format is invalid: not a JSON object")]
fn what_can_be_read_in_two_ways_is_not_read(#[case] body: String, #[case] message: &str) {
    let error = parse(&body).unwrap_err();
    assert_eq!((error.status, error.code, error.message.as_ref()), (400, Some(40_010_000), message));
}

#[rstest]
#[case("aapl", 42_210_000, "asset \"aapl\" not found")]
#[case(
    "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415",
    40_010_001,
    "symbol must be a symbol such as AAPL or BTC/USD, not an asset id"
)]
#[case(" AAPL", 42_210_000, "asset \" AAPL\" not found")]
fn symbols_are_not_guessed(#[case] symbol: &str, #[case] code: u32, #[case] message: &str) {
    let body = market(r#","qty":1"#).replace("AAPL", symbol);
    let error = parse(&body).unwrap_err();
    assert_eq!((error.status, error.code, error.message.as_ref()), (422, Some(code), message));
}

#[test]
fn an_intent_must_fit_its_side() {
    let error = parse(&market(r#","qty":1,"position_intent":"sell_to_open""#)).unwrap_err();
    assert_eq!(error.message, "position intent mismatch, inferred: buy, specified: sell_to_open");
}

#[rstest]
#[case(128, true)]
#[case(129, false)]
fn the_clients_own_id_has_a_limit(#[case] length: usize, #[case] accepted: bool) {
    let body = market(&format!(r#","qty":1,"client_order_id":"{}""#, "ä".repeat(length)));
    assert_eq!(parse(&body).is_ok(), accepted);
}

#[test]
fn what_paddock_makes_is_held_to_the_same_rules() {
    let mut request = parse(&market(r#","qty":1"#)).unwrap().request;
    assert!(ParsedOrder::of(request.clone()).is_ok());
    request.limit_price = Some(dec("1"));
    assert_eq!(ParsedOrder::of(request).unwrap_err(), AlpacaError::market_takes_no_price());
}

fn positive() -> impl Strategy<Value = Decimal> {
    (1_i64..1_000_000_000_000, 0_u32..=9).prop_map(|(units, scale)| Decimal::new(units, scale))
}

proptest! {
    #[test]
    fn what_is_sent_reads_back_the_same(qty in positive(), limit in positive(), stop in positive(), as_text: bool, id in "[ -~]{0,20}") {
        let number = |value: Decimal| if as_text { format!("\"{value}\"") } else { value.to_string() };
        let id = serde_json::to_string(&id).unwrap();
        let body = format!(
            r#"{{"symbol":"AAPL","side":"sell","type":"stop_limit","time_in_force":"gtc","qty":{},"limit_price":{},"stop_price":{},"client_order_id":{id}}}"#,
            number(qty), number(limit), number(stop),
        );
        let parsed = parse_order(body.as_bytes()).unwrap();
        prop_assert_eq!(parsed.request.amount, Amount::Quantity(qty));
        prop_assert_eq!(parse_order(&parsed.to_json_bytes()), Ok(parsed));
    }

    #[test]
    fn nothing_makes_it_panic(body in "\\PC{0,60}") {
        _ = parse_order(body.as_bytes());
        _ = parse_patch(body.as_bytes());
    }
}
