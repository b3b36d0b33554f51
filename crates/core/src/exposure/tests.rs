use rstest::rstest;

use super::*;
use crate::order::{StopLoss, TimeInForce};

fn dec(text: &str) -> Decimal {
    crate::money::parse_decimal(text).unwrap()
}

fn now() -> Timestamp {
    "2026-11-20T15:00:00Z".parse().unwrap()
}

fn holding(symbol: &str, quantity: &str, market_value: Option<&str>) -> Holding {
    Holding {
        symbol: Symbol::parse(symbol).unwrap(),
        quantity: dec(quantity),
        market_value: market_value.map(dec),
    }
}

/// `buy 10 AAPL limit 100`, `sell 5 AAPL market`, `sell 5 AAPL stop 90 bracket`; `closes` and `quoted 100` may follow.
fn working(text: &str) -> WorkingOrder {
    let words: Vec<&str> = text.split(' ').collect();
    let after = |word: &str| words.iter().position(|one| *one == word).map(|place| dec(words[place + 1]));
    let amount = match words[1].strip_prefix('$') {
        Some(dollars) => Amount::Notional(dec(dollars)),
        None => Amount::Quantity(dec(words[1])),
    };
    let symbol = Symbol::parse(words[2]).unwrap();
    let mut order = OrderRequest::market(symbol, words[0].parse().unwrap(), TimeInForce::Day, amount);
    order.order_type = words[3].parse().unwrap();
    (order.limit_price, order.stop_price) = (after("limit"), after("stop"));
    order.order_class = words.iter().find_map(|word| word.parse().ok()).unwrap_or(OrderClass::Simple);
    order.stop_loss = after("or").map(|stop_price| StopLoss { stop_price, limit_price: None });
    WorkingOrder {
        id: text.to_owned(),
        order,
        exits: Vec::new(),
        closes: words.contains(&"closes"),
        quote: after("quoted").map(|price| Quote { price, at: now() }),
    }
}

#[rstest]
#[case::nothing(&[], &[], "0")]
#[case::long_and_short(&[("AAPL", "10", "1000"), ("IBM", "-5", "-500")], &[], "1500")]
#[case::a_purchase_at_its_limit(&[], &["buy 10 AAPL limit 90"], "900")]
#[case::at_the_market(&[], &["buy 10 AAPL market quoted 101"], "1010")]
#[case::in_dollars(&[], &["buy $250 AAPL market"], "250")]
#[case::options_are_for_a_hundred(&[], &["buy 2 AAPL261218C00150000 limit 3"], "600")]
#[case::more_of_what_is_held(&[("AAPL", "10", "1000")], &["buy 1 AAPL limit 90"], "1090")]
#[case::a_sale_of_what_is_held(&[("AAPL", "10", "1000")], &["sell 10 AAPL limit 120"], "1000")]
#[case::two_sales_of_it(&[("AAPL", "10", "1000")], &["sell 6 AAPL market quoted 100", "sell 4 AAPL limit 120"], "1000")]
#[case::a_sale_of_more(&[("AAPL", "10", "1000")], &["sell 12 AAPL market quoted 100"], "1200")]
#[case::a_sale_of_more_in_two(&[("AAPL", "10", "1000")], &["sell 6 AAPL market quoted 100", "sell 6 AAPL limit 120 quoted 100"], "1240")]
#[case::a_short_sale(&[], &["sell 3 AAPL limit 90 quoted 100"], "300")]
#[case::what_was_sold_is_bought_back(&[("AAPL", "-10", "-1000")], &["buy 10 AAPL market quoted 100"], "1000")]
#[case::held_to_closing(&[], &["sell 3 AAPL market closes"], "0")]
#[case::coins_cannot_be_sold_short(&[], &["sell 3 BTC/USD market"], "0")]
#[case::a_sale_in_dollars(&[("AAPL", "10", "1000")], &["sell $900 AAPL market"], "1000")]
#[case::a_sale_in_more_dollars(&[("AAPL", "10", "1000")], &["sell $1100 AAPL market"], "2100")]
#[case::both_exits_of_a_bracket(&[("AAPL", "10", "1000")], &["sell 10 AAPL limit 120 bracket", "sell 10 AAPL stop 80 bracket"], "1000")]
#[case::exits_come_after_single_orders(&[("AAPL", "10", "1000")], &["sell 10 AAPL limit 120 bracket quoted 100", "sell 10 AAPL market"], "2200")]
#[case::an_entry(&[], &["buy 10 AAPL limit 100 bracket"], "1000")]
#[case::an_entry_that_closes_has_exits_that_open(&[], &["sell 10 AAPL limit 100 bracket closes quoted 100"], "1000")]
#[case::either_exit_of_an_oco(&[], &["sell 10 AAPL limit 120 oco or 130 quoted 100"], "1300")]
fn what_is_at_stake(
    #[case] holdings: &[(&str, &str, &str)],
    #[case] orders: &[&str],
    #[case] expected: &str,
) {
    let holdings: Vec<_> =
        holdings.iter().map(|(symbol, quantity, worth)| holding(symbol, quantity, Some(worth))).collect();
    let orders: Vec<_> = orders.iter().map(|text| working(text)).collect();
    let exposure = open_exposure(&holdings, &orders, now()).unwrap();
    assert_eq!(exposure.dollars, dec(expected));
    let in_orders: Decimal = exposure.by_order.values().map(|opening| opening.dollars).sum();
    let held: Decimal =
        holdings.iter().filter_map(|holding| holding.market_value).map(|worth| worth.abs()).sum();
    assert_eq!(exposure.dollars, held + in_orders);
}

#[rstest]
#[case::no_quote("buy 1 AAPL market")]
#[case::a_short_sale_may_get_more("sell 1 AAPL limit 100")]
#[case::many_legs("buy 1 AAPL261218C00150000 limit 3 mleg")]
fn what_cannot_be_told_is_not_guessed(#[case] order: &str) {
    assert!(open_exposure(&[], &[working(order)], now()).is_err());
}

#[test]
fn a_position_without_a_worth_is_not_guessed() {
    let error = open_exposure(&[holding("AAPL", "1", None)], &[], now()).unwrap_err();
    assert_eq!(error.to_string(), "what the position in AAPL is worth cannot be told");
}

#[test]
fn a_quote_that_stands_still_values_nothing() {
    let mut order = working("buy 1 AAPL market quoted 100");
    order.quote.as_mut().unwrap().at = now() - jiff::SignedDuration::from_mins(16);
    assert!(open_exposure(&[], &[order], now()).is_err());
}
