use rstest::rstest;

use super::*;
use crate::market::{DateLaying, MarketOptions};

fn world() -> Market {
    Market::new(MarketOptions { seed: 1, laying: DateLaying::OntoToday, hold_open: false })
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const NOW: &str = "2026-06-24T14:00:00Z";

fn all(market: &Market) -> Vec<Contract<'_>> {
    let dates = (jiff::civil::date(2026, 6, 1), jiff::civil::date(2027, 12, 31));
    underlyings(market).flat_map(|underlying| contracts(market, underlying, dates, at(NOW))).collect()
}

#[test]
fn every_underlying_is_traded_here() {
    let market = world();
    assert!(UNDERLYINGS.is_sorted());
    assert_eq!(underlyings(&market).count(), UNDERLYINGS.len());
}

#[test]
fn each_contract_is_there_once_in_the_order_of_symbols_and_is_found_again() {
    let market = world();
    let all = all(&market);
    let symbols: Vec<String> = all.iter().map(Contract::symbol).collect();
    assert!(symbols.len() > 10_000 && symbols.windows(2).all(|pair| pair[0] < pair[1]));
    for contract in all.iter().step_by(97) {
        assert_eq!(find(&market, &contract.symbol(), at(NOW)).as_ref(), Some(contract));
        assert_eq!(find(&market, &contract.id().to_string(), at(NOW)).as_ref(), Some(contract));
    }
}

#[rstest]
#[case::no_symbol("AAPL")]
#[case::a_thursday("AAPL260625C00600000")]
#[case::off_the_grid("AAPL260626C00601000")]
#[case::not_listed_yet("AAPL280616C00600000")]
#[case::no_underlying("NKE260626C00060000")]
#[case::another_id("00000000-0000-4000-8000-000000000000")]
#[case::letters("ÄÄÄÄÄÄÄÄÄÄÄ")]
fn what_is_not_listed_is_not_found(#[case] symbol_or_id: &str) {
    assert_eq!(find(&world(), symbol_or_id, at(NOW)), None);
}

#[rstest]
// 2026-07-03 has no session: the week's contracts expire on the Thursday.
#[case("2026-06-22", "2026-07-10", &["2026-06-26", "2026-07-02", "2026-07-10"])]
#[case("2026-07-03", "2026-07-09", &[])]
#[case("2026-07-02", "2026-07-02", &["2026-07-02"])]
fn weeks_end_with_their_last_session(#[case] first: &str, #[case] last: &str, #[case] expected: &[&str]) {
    let found = expiries::between(first.parse().unwrap(), last.parse().unwrap());
    assert_eq!(found.map(|expiry| expiry.date.to_string()).collect::<Vec<_>>(), expected);
}

#[test]
fn a_contract_expires_with_the_close() {
    let market = world();
    let contract = &all(&market)[0];
    let close = calendar::session_on(contract.expires()).unwrap().close;
    assert!(contract.is_active(close - jiff::SignedDuration::from_secs(1)) && !contract.is_active(close));
    let end = contract.day_end(&market, close).unwrap();
    let price = market.last_trade(&contract.underlying.symbol, close).unwrap().price;
    assert_eq!((end.date, end.price), (contract.expires(), (price - contract.strike).max(Decimal::ZERO)));
}

#[test]
fn golden_day_ends() {
    let market = world();
    let lines: Vec<String> = all(&market)
        .iter()
        .filter(|contract| contract.expires() <= jiff::civil::date(2026, 7, 17))
        .step_by(211)
        .map(|contract| {
            let DayEnd { date, price, open_interest } = contract.day_end(&market, at(NOW)).unwrap();
            format!("{} {date} {price} {open_interest}", contract.symbol())
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[rstest]
#[case("2026-06-22", "2026-06-28")]
#[case("2026-06-28", "2026-06-28")]
#[case("2026-06-27", "2026-06-28")]
fn the_next_weekend(#[case] date: &str, #[case] expected: &str) {
    assert_eq!(next_weekend(date.parse().unwrap()).to_string(), expected);
}
