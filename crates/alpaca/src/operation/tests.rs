use std::collections::BTreeSet;
use std::fmt::Write as _;

use rstest::rstest;

use super::*;

fn path(raw: &str) -> CanonicalPath {
    CanonicalPath::parse(raw).unwrap()
}

#[test]
fn the_table_is_the_reviewed_one() {
    let mut golden = String::new();
    for operation in all() {
        let Operation { id, method, path, class, api, query, origin } = operation;
        _ = writeln!(golden, "{method} {path} {id} {class} {api:?} {origin:?} {}", query.join(","));
    }
    insta::assert_snapshot!(golden);
}

#[test]
fn there_are_57_trading_and_42_data_operations() {
    let count = |api| {
        all().filter(|operation| operation.api == api && operation.origin == Origin::Specification).count()
    };
    assert_eq!((count(Api::Trading), count(Api::Data)), (57, 42));
}

#[test]
fn ids_are_unique() {
    let ids: BTreeSet<_> = all().map(|operation| operation.id).collect();
    assert_eq!(ids.len(), all().count());
}

#[test]
fn every_operation_is_found_by_its_own_path() {
    for operation in all() {
        let filled: String = operation
            .path
            .split('/')
            .skip(1)
            .map(|segment| format!("/{}", if segment.starts_with('{') { "VALUE-1" } else { segment }))
            .collect();
        let (found, params) = find(operation.method.as_str(), &path(&filled)).unwrap();
        assert_eq!(found, operation);
        assert_eq!(params.iter().count(), operation.path.matches('{').count());
        assert!(params.iter().all(|(_, value)| value == "VALUE-1"));
    }
}

#[test]
fn money_goes_out_by_these_and_no_others() {
    let ids: Vec<_> =
        all().filter(|operation| operation.class == PermissionClass::MoneyOut).map(|o| o.id).collect();
    assert_eq!(
        ids,
        [
            "postTokenizationMint",
            "createCryptoTransferForAccount",
            "createWhitelistedAddress",
            "deleteWhitelistedAddress"
        ]
    );
}

#[test]
fn reads_change_nothing_and_all_else_needs_more_than_a_read_permission() {
    for operation in all() {
        let reads = matches!(operation.class, PermissionClass::AccountRead | PermissionClass::Data);
        assert_eq!(reads, !operation.changes_state(), "{}", operation.id);
    }
}

#[test]
fn presets_name_operations_that_exist() {
    for (name, preset) in paddock_core::scope::Preset::ALL {
        let mut scope = paddock_core::Scope::default();
        preset.apply(&mut scope);
        assert!(scope.operations.iter().all(|id| by_id(id).is_some()), "{name}");
    }
}

#[rstest]
#[case("GET", "/v1/locates/quotes", "listLocateQuotes")]
#[case("GET", "/v1/locates/17", "getLocate")]
#[case("GET", "/v2/stocks/bars/latest", "StockLatestBars")]
#[case("GET", "/v2/stocks/AAPL/bars", "StockBarSingle")]
#[case("GET", "/v2/stocks/meta/exchanges", "StockMetaExchanges")]
#[case("DELETE", "/v2/positions/BTC/USD", "deleteOpenPosition")]
#[case("POST", "/v2/positions/AAPL261218C00150000/exercise", "optionExercise")]
#[case("GET", "/v2/events/trades", "subscribeToTradesSSE")]
fn literal_segments_win(#[case] method: &str, #[case] raw: &str, #[case] id: &str) {
    assert_eq!(find(method, &path(raw)).unwrap().0.id, id);
}

#[test]
fn a_pair_is_one_decoded_parameter() {
    let (_, params) = find("GET", &path("/v2/assets/BTC%2fUSD")).unwrap();
    assert_eq!(params.get("symbol_or_asset_id"), Some("BTC/USD"));
    assert_eq!(params.first(), Some("BTC/USD"));
}

#[rstest]
#[case("get", "/v2/orders")]
#[case("HEAD", "/v2/orders")]
#[case("OPTIONS", "/v2/orders")]
#[case("PUT", "/v2/orders")]
#[case("GET", "/V2/orders")]
#[case("GET", "/v2/Orders")]
#[case("GET", "/v2/orders.")]
#[case("GET", "/v2/orders/1/2")]
#[case("GET", "/v1/account")]
#[case("GET", "/v2/orders:by_name")]
#[case("GET", "/v1/accounts")]
fn what_is_not_in_the_table_is_not_found(#[case] method: &str, #[case] raw: &str) {
    assert_eq!(find(method, &path(raw)), None);
}

/// Whoever adds an operation with orders in its path or events has to say what it shows of them.
#[test]
fn every_operation_on_orders_says_what_it_has_to_do_with_them() {
    for operation in all() {
        let told = ["/orders", "/activities", "/events/"].iter().any(|part| operation.path.contains(part));
        let about = (operation.api == Api::Trading && told)
            || (operation.path.starts_with("/v2/positions") && operation.method == Method::Delete);
        assert_eq!(operation.orders() != super::Orders::None, about, "{}", operation.id);
    }
}
