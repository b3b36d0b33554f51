use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[rstest]
#[case("/v2/orders", "/v2/orders")]
#[case("/v2/orders:by_client_order_id", "/v2/orders:by_client_order_id")]
#[case("/v2/positions/BRK.B", "/v2/positions/BRK.B")]
#[case("/v2/positions/BTCUSD", "/v2/positions/BTCUSD")]
#[case("/v2/positions/BTC%2FUSD", "/v2/positions/BTC%2FUSD")]
#[case("/v2/positions/BTC%2fUSD", "/v2/positions/BTC%2FUSD")]
#[case("/v2/positions/BTC/USD", "/v2/positions/BTC%2FUSD")]
#[case("/v2/assets/ETH/USDT", "/v2/assets/ETH%2FUSDT")]
#[case("/v2/watchlists/7f/BTC/USD", "/v2/watchlists/7f/BTC%2FUSD")]
#[case("/v2/watchlists/7f/BTC%2fUSD", "/v2/watchlists/7f/BTC%2FUSD")]
fn one_spelling_goes_upstream(#[case] raw: &str, #[case] upstream: &str) {
    assert_eq!(CanonicalPath::parse(raw).unwrap().to_upstream(), upstream);
}

#[rstest]
#[case("", PathFault::Empty)]
#[case("/", PathFault::EmptySegment)]
#[case("*", PathFault::NotAbsolute)]
#[case("v2/orders", PathFault::NotAbsolute)]
#[case("http://evil/v2/orders", PathFault::NotAbsolute)]
#[case("//v2/orders", PathFault::EmptySegment)]
#[case("/v2//orders", PathFault::EmptySegment)]
#[case("/v2/orders/", PathFault::EmptySegment)]
#[case("/v2/./orders", PathFault::DotSegment)]
#[case("/v2/orders/..", PathFault::DotSegment)]
#[case("/v2/orders/...", PathFault::DotSegment)]
#[case("/v2/%2e%2e/orders", PathFault::Encoded)]
#[case("/v2/orders%2f..%2fpositions", PathFault::Encoded)]
#[case("/v2/orders%2Fabc", PathFault::Encoded)]
#[case("/v2/%6frders", PathFault::Encoded)]
#[case("/v2/orders%3Aby_client_order_id", PathFault::Encoded)]
#[case("/v2/positions/BTC%252FUSD", PathFault::Encoded)]
#[case("/v2/positions/BTC%2FUSD%2FETH", PathFault::Encoded)]
#[case("/v2/positions/btc%2Fusd", PathFault::Encoded)]
#[case("/v2/positions/BTC%2FEUR", PathFault::Encoded)]
#[case("/v2/positions/%2FUSD", PathFault::Encoded)]
#[case("/v2/orders/BTC%2FUSD", PathFault::Encoded)]
#[case("/v2/positions/AAPL%00", PathFault::Encoded)]
#[case("/v2/orders%", PathFault::Encoded)]
#[case("/v2/orders;x=1", PathFault::ForbiddenByte)]
#[case("/v2\\orders", PathFault::ForbiddenByte)]
#[case("/v2/orders#x", PathFault::ForbiddenByte)]
#[case("/v2/orders?x", PathFault::ForbiddenByte)]
#[case("/v2/orders x", PathFault::ForbiddenByte)]
#[case("/v2/orders\r\n", PathFault::ForbiddenByte)]
#[case("/v2/ordérs", PathFault::ForbiddenByte)]
#[case("/a/b/c/d/e/f/g/h/i", PathFault::TooLong)]
fn every_other_spelling_is_refused(#[case] raw: &str, #[case] fault: PathFault) {
    assert_eq!(CanonicalPath::parse(raw), Err(fault));
}

#[test]
fn a_very_long_path_is_refused() {
    assert_eq!(CanonicalPath::parse(&format!("/{}", "a".repeat(MAX_PATH))), Err(PathFault::TooLong));
}

fn pathlike() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("/".to_owned()),
        Just("/v2".to_owned()),
        Just("/positions".to_owned()),
        Just("/watchlists".to_owned()),
        Just("/BTC".to_owned()),
        Just("/USD".to_owned()),
        Just("%2F".to_owned()),
        Just("%2f".to_owned()),
        Just("..".to_owned()),
        "[ -~]{0,3}",
    ];
    prop::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_sent_reads_back_the_same(raw in pathlike()) {
        if let Ok(path) = CanonicalPath::parse(&raw) {
            prop_assert_eq!(CanonicalPath::parse(path.to_upstream()), Ok(path));
        }
    }

    #[test]
    fn a_forbidden_byte_anywhere_is_refused(
        before in "/[a-z0-9/]{0,8}",
        bad in prop::sample::select(vec![';', '\\', '#', '?', ' ', '\0', '\n', '\r', '\t', '\u{7f}', '@', '&', '=', '+', 'é', '\u{ff0f}']),
        after in "[a-z0-9/]{0,8}",
    ) {
        let raw = format!("{before}{bad}{after}");
        prop_assert!(CanonicalPath::parse(&raw).is_err());
    }

    #[test]
    fn what_parses_has_only_plain_segments(raw in pathlike()) {
        if let Ok(path) = CanonicalPath::parse(&raw) {
            for segment in path.segments() {
                prop_assert!(!segment.is_empty() && !segment.bytes().all(|byte| byte == b'.'));
                prop_assert!(!segment.replacen("%2F", "", 1).contains('%'));
            }
        }
    }
}
