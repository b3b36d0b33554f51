//! Option contracts.

use std::collections::BTreeSet;

use paddock_alpaca::wire::OptionContract;
use paddock_alpaca::wire::option_contract::OptionContracts;
use rstest::rstest;
use serde_json::json;

use crate::harness::{Desk, OPEN};

const CONTRACTS: &str = "/v2/options/contracts";

async fn contracts(desk: &Desk, query: &str) -> OptionContracts {
    let answer = desk.get(&format!("{CONTRACTS}?{query}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_value(answer.body).unwrap()
}

#[tokio::test]
async fn what_expires_this_week_is_listed_unless_asked_otherwise() {
    let desk = Desk::at(OPEN).await;
    let page = contracts(&desk, "").await;
    assert_eq!(page.option_contracts.len(), 100);
    assert!(page.next_page_token.is_some());
    let all = contracts(&desk, "limit=10000").await.option_contracts;
    let dates: BTreeSet<String> = all.iter().map(|contract| contract.expiration_date.to_string()).collect();
    assert_eq!(dates.into_iter().collect::<Vec<_>>(), ["2026-06-26"]);
    let roots: BTreeSet<&str> = all.iter().map(|contract| contract.underlying_symbol.as_str()).collect();
    assert!(
        ["AAPL", "GOOG", "IBM", "MSFT", "QQQ", "SPY"].iter().all(|root| roots.contains(root)),
        "{roots:?}"
    );
    assert!(all.iter().all(|contract| contract.status == "active" && contract.deliverables.is_none()));
}

#[tokio::test]
async fn a_contract_looks_as_a_client_expects_it() {
    let desk = Desk::at(OPEN).await;
    let query = "underlying_symbols=SPY&type=put&limit=1&show_deliverables=True";
    let listed = desk.get(&format!("{CONTRACTS}?{query}")).await.body["option_contracts"][0].take();
    let contract: OptionContract = serde_json::from_value(listed.clone()).unwrap();
    assert_eq!(contract.symbol[..10], *"SPY260626P");
    assert_eq!(contract.name, format!("SPY Jun 26 2026 {} Put", contract.strike_price));
    let asset = desk.get("/v2/assets/SPY").await.body;
    assert_eq!(
        (&asset["id"], asset["attributes"][1].as_str()),
        (&listed["underlying_asset_id"], Some("has_options"))
    );
    assert_eq!((listed["multiplier"].as_str(), listed["size"].as_str()), (Some("100"), Some("100")));
    assert_eq!(
        (&listed["close_price_date"], &listed["open_interest_date"]),
        (&json!("2026-06-23"), &json!("2026-06-23"))
    );
    assert!(
        listed["close_price"].is_string()
            && listed["open_interest"].is_string()
            && listed["strike_price"].is_string()
    );
    assert_eq!(listed["deliverables"][0]["symbol"], "SPY");
    for name in [&contract.symbol, &contract.id.to_string()] {
        assert_eq!(desk.get(&format!("{CONTRACTS}/{name}")).await.body, listed);
    }
}

#[rstest]
#[case("type=call", |contract: &OptionContract| contract.kind == "call")]
#[case("type=put", |contract: &OptionContract| contract.kind == "put")]
#[case("underlying_symbols=IBM,MSFT", |contract: &OptionContract| ["IBM", "MSFT"].contains(&contract.underlying_symbol.as_str()))]
#[case("root_symbol=QQQ", |contract: &OptionContract| contract.root_symbol == "QQQ")]
#[case("expiration_date=2026-12-18", |contract: &OptionContract| contract.expiration_date.to_string() == "2026-12-18")]
#[case("expiration_date_gte=2026-07-01&expiration_date_lte=2026-07-15", |contract: &OptionContract| ["2026-07-02", "2026-07-10"].contains(&contract.expiration_date.to_string().as_str()))]
#[case("strike_price_gte=600&strike_price_lte=620", |contract: &OptionContract| (600.into()..=620.into()).contains(&contract.strike_price))]
#[case("status=inactive&expiration_date_gte=2026-06-12", |contract: &OptionContract| contract.status == "inactive" && !contract.tradable)]
#[case("style=american&ppind=true", |contract: &OptionContract| contract.ppind)]
#[tokio::test]
async fn filters(#[case] query: &str, #[case] passes: fn(&OptionContract) -> bool) {
    let desk = Desk::at(OPEN).await;
    let page = contracts(&desk, &format!("{query}&limit=1000")).await;
    assert!(!page.option_contracts.is_empty());
    assert!(page.option_contracts.iter().all(passes), "{page:?}");
}

#[rstest]
#[case("style=european")]
#[case("ppind=false")]
#[case("underlying_symbols=NKE")]
#[case("expiration_date=2026-06-25")]
#[case("expiration_date=2026-06-12")]
#[case("strike_price_gte=100000")]
#[tokio::test]
async fn there_may_be_none(#[case] query: &str) {
    let answer = Desk::at(OPEN).await.get(&format!("{CONTRACTS}?{query}")).await;
    assert_eq!((answer.status, answer.body), (200, json!({"option_contracts": [], "next_page_token": null})));
}

#[tokio::test]
async fn pages_go_on_across_underlyings() {
    let desk = Desk::at(OPEN).await;
    let query = "underlying_symbols=AAPL,SPY";
    let whole = contracts(&desk, &format!("{query}&limit=10000")).await;
    assert_eq!(whole.next_page_token, None);
    let (mut paged, mut token) = (Vec::new(), String::new());
    loop {
        let page = contracts(&desk, &format!("{query}&limit=70{token}")).await;
        paged.extend(page.option_contracts);
        match page.next_page_token {
            Some(next) => token = format!("&page_token={}", next.replace('=', "%3D")),
            None => break,
        }
    }
    assert_eq!(paged, whole.option_contracts);
}

#[rstest]
#[case("limit=0", "limit must be between 1 and 10000")]
#[case("limit=10001", "limit must be between 1 and 10000")]
#[case("type=straddle", "invalid type: straddle")]
#[case("status=sleeping", "invalid status: sleeping")]
#[case("expiration_date=soon", "invalid expiration_date: soon")]
#[case("strike_price_gte=x", "invalid strike_price_gte: x")]
#[case("page_token=x", "invalid page_token")]
#[tokio::test]
async fn bad_questions_are_refused(#[case] query: &str, #[case] message: &str) {
    let refused = Desk::at(OPEN).await.get(&format!("{CONTRACTS}?{query}")).await;
    assert_eq!((refused.status, refused.body), (422, json!({"code": 40010001, "message": message})));
}

#[tokio::test]
async fn a_contract_that_is_not_there_is_not_found() {
    let refused = Desk::at(OPEN).await.get(&format!("{CONTRACTS}/TSLA231110C00021000")).await;
    let message = "option contract TSLA231110C00021000 not found";
    assert_eq!((refused.status, refused.body), (404, json!({"code": 40410000, "message": message})));
}
