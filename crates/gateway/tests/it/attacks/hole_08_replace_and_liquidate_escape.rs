//! An order in another coat: what replaces, closes, exercises or liquidates is decided as the order that it is.

use paddock_core::order::Side;
use paddock_core::{PermissionClass, Symbol};
use rstest::rstest;
use rust_decimal::Decimal;

use super::{ORDER, ask};
use crate::rig::{Rig, trader};
use crate::ways::Way;

const ID: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

/// The broker's account has 5 AAPL and 2 MSFT, and an open order for 3 AAPL at 100; the key may buy AAPL for at most 400 dollars.
#[rstest]
#[case::more_shares("PATCH", format!("/v2/orders/{ID}"), r#"{"qty":"5"}"#)]
#[case::a_higher_limit("PATCH", format!("/v2/orders/{ID}"), r#"{"limit_price":"150"}"#)]
#[case::close_all_of_it("DELETE", "/v2/positions/AAPL".to_owned(), "")]
#[case::close_a_part("DELETE", "/v2/positions/AAPL?percentage=10".to_owned(), "")]
#[case::close_some("DELETE", "/v2/positions/AAPL?qty=1".to_owned(), "")]
#[case::close_more_than_there_is("DELETE", "/v2/positions/AAPL?qty=50".to_owned(), "")]
#[case::close_in_two_ways("DELETE", "/v2/positions/AAPL?qty=1&percentage=10".to_owned(), "")]
#[case::liquidate("DELETE", "/v2/positions".to_owned(), "")]
#[case::liquidate_and_cancel("DELETE", "/v2/positions?cancel_orders=true".to_owned(), "")]
#[case::exercise("POST", "/v2/positions/AAPL261218C00100000/exercise".to_owned(), "")]
#[case::do_not_exercise("POST", "/v2/positions/AAPL261218C00100000/do-not-exercise".to_owned(), "")]
#[case::another_symbol("POST", "/v2/orders".to_owned(), r#"{"symbol":"MSFT","qty":"1","side":"buy","type":"market","time_in_force":"day"}"#)]
#[case::a_leg_of_another_side("POST", "/v2/orders".to_owned(), r#"{"symbol":"AAPL","qty":"1","side":"sell","type":"market","time_in_force":"day"}"#)]
#[tokio::test]
async fn no_other_way_to_more_than_the_scope(#[case] method: &str, #[case] path: String, #[case] body: &str) {
    let rig = Rig::start().await;
    let mut scope = trader();
    scope.symbols = Some([Symbol::parse("AAPL").unwrap()].into());
    scope.sides = Some([Side::Buy].into());
    scope.max_order_notional = Some(Decimal::from(400));
    let pair = rig.key(scope).await;
    for way in Way::ALL {
        let (status, answer) = ask(&rig, way, &format!("{method} {path}"), &pair, body).await;
        assert!((400..500).contains(&status), "{way:?}: {answer}");
    }
    assert!(rig.broker.changes().is_empty(), "{:?}", rig.broker.changes());
}

/// A key for orders only may do the harmless things of its classes, and a read-only key none.
#[tokio::test]
async fn every_change_needs_a_class_that_allows_it() {
    let rig = Rig::start().await;
    let mut scope = trader();
    scope.classes = [PermissionClass::AccountRead, PermissionClass::Data].into();
    let pair = rig.key(scope).await;
    for way in Way::ALL {
        for (line, body) in [
            ("POST /v2/orders", ORDER),
            ("DELETE /v2/orders", ""),
            ("DELETE /v2/positions", ""),
            ("POST /v2/watchlists", r#"{"name":"a"}"#),
            ("PATCH /v2/account/configurations", r#"{"no_shorting":false}"#),
            ("POST /v2/wallets/transfers", "{}"),
            ("POST /v2/tokenization/mint", "{}"),
        ] {
            assert_eq!(ask(&rig, way, line, &pair, body).await.0, 403, "{way:?} {line}");
        }
    }
    assert!(rig.broker.got().is_empty());
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
    scope.classes.extend(PermissionClass::ALL);
    let pair = rig.key(scope.clone()).await;
    let (status, body) = rig.send(method, path, &pair, Some("{}")).await;
    assert_eq!((status, body["reason"].as_str()), (403, Some("money_out_not_allowed")));
    assert!(rig.broker.got().is_empty());

    scope.operations.insert(operation.to_owned());
    let named = rig.key(scope).await;
    assert_eq!(rig.send(method, path, &named, Some("{}")).await.0, 200);
}
