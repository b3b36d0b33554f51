//! Splits and dividends in accounts.

use paddock_alpaca::wire::OrderStatus;
use paddock_core::order::{StopLoss, TakeProfit};
use rstest::rstest;

use super::*;
use crate::broker::activity::{Activity, ActivityEvent};

/// The Friday before the split of AAPL, 11:00 in New York, on its own date.
const BEFORE_SPLIT: &str = "2005-02-25T16:00:00Z";
/// The day before an ex-date of AAPL, 11:00 in New York.
const BEFORE_DIVIDEND: &str = "2012-08-08T15:00:00Z";

fn last(desk: &Desk) -> &Activity {
    desk.account().activities.last().unwrap()
}

#[rstest]
#[case::long(Side::Buy, "10", "20")]
#[case::fraction(Side::Buy, "2.5", "5")]
#[case::short(Side::Sell, "10", "-20")]
fn a_split_changes_quantity_and_average_price_and_nothing_else(
    #[case] side: Side,
    #[case] quantity: &str,
    #[case] after: &str,
) {
    let mut desk = Desk::recorded(BEFORE_SPLIT, Environment::Paper);
    desk.place(order("AAPL", side, quantity)).unwrap();
    let before = desk.account().position(&symbol("AAPL"));
    desk.advance("2005-02-28T14:29:59.999999Z");
    let at_close = desk.power();
    assert_eq!(desk.account().position(&symbol("AAPL")).quantity, before.quantity);
    let worth = desk.account().marks.last().unwrap().equity;
    assert_eq!(at_close.equity, worth);

    desk.advance("2005-02-28T14:30:00Z");
    let position = desk.account().position(&symbol("AAPL"));
    assert_eq!((position.quantity, position.cost), (dec(after), before.cost));
    assert_eq!(position.average_price(), before.average_price() / Decimal::TWO);
    let opened = desk.power().equity;
    let gain = position.value_at(dec("44.68")) - before.value_at(dec("88.99"));
    assert_eq!(opened, worth + gain);
    assert_eq!(last(&desk).activity_type(), "SPLIT");
    assert_eq!((last(&desk).cash, last(&desk).holding), (Decimal::ZERO, before.quantity));
    let times = [at("2005-02-28T14:29:59Z"), at("2005-02-28T14:30:00Z")];
    let history = history::equities(desk.account(), &desk.broker.market, &times);
    assert_eq!(history, [Some(worth), Some(opened)]);
}

#[test]
fn a_split_cancels_what_was_ordered_before_it() {
    let mut desk = Desk::recorded(BEFORE_SPLIT, Environment::Paper);
    desk.place(buy("AAPL", "10")).unwrap();
    let high = desk.quote("AAPL").ask + dec("20");
    let resting = desk.place(gtc(limit(sell("AAPL", "10"), high))).unwrap().id;
    let other = desk.place(gtc(limit(buy("MSFT", "1"), dec("5")))).unwrap().id;
    let account = desk.account;
    let bracket = desk.id();
    let request = OrderRequest {
        order_class: OrderClass::Bracket,
        take_profit: Some(TakeProfit { limit_price: dec("90") }),
        stop_loss: Some(StopLoss { stop_price: dec("40"), limit_price: None }),
        ..gtc(limit(buy("AAPL", "1"), dec("60")))
    };
    desk.apply(&Command::PlaceOrder { account, order: bracket, request: Box::new(request), intent: None })
        .unwrap();
    desk.advance("2005-02-28T14:00:00Z");
    let queued = desk.place(limit(buy("AAPL", "1"), dec("70"))).unwrap().id;
    desk.advance("2005-02-28T14:30:00Z");
    for id in [resting, bracket, queued] {
        assert_eq!(desk.order(id).status, OrderStatus::Canceled);
        assert_eq!(desk.order(id).ended_as(OrderStatus::Canceled), Some(at("2005-02-28T14:30:00Z")));
    }
    assert_eq!(desk.account().open_orders().map(|order| order.id).collect::<Vec<_>>(), [other]);
    assert_eq!(desk.account().held(&symbol("AAPL")), Decimal::ZERO);
    desk.place(sell("AAPL", "20")).unwrap();
    assert!(desk.account().positions.is_empty());
}

/// Halts AAPL before its split until half an hour after it.
fn halted(desk: &mut Desk) {
    desk.advance("2005-02-25T20:00:00Z");
    desk.apply(&Command::Halt { symbols: Some(vec![symbol("AAPL")]) }).unwrap();
}

fn resumed(desk: &mut Desk) {
    desk.advance("2005-02-28T15:00:00Z");
    desk.apply(&Command::Resume { symbols: Some(vec![symbol("AAPL")]) }).unwrap();
}

#[rstest]
#[case::long(Side::Buy, "20")]
#[case::short(Side::Sell, "-20")]
fn who_is_halted_over_a_split_is_worth_the_same_until_trading_resumes(
    #[case] side: Side,
    #[case] quantity: &str,
    #[values(true, false)] one_by_one: bool,
) {
    let mut desk = Desk::recorded(BEFORE_SPLIT, Environment::Paper);
    desk.place(order("AAPL", side, "10")).unwrap();
    halted(&mut desk);
    let before = desk.power();
    let opening = "2005-02-28T14:30:00Z";
    if one_by_one {
        for instant in ["2005-02-28T14:29:59Z", opening, "2005-02-28T14:45:00Z", "2005-02-28T15:00:00Z"] {
            desk.advance(instant);
            assert_eq!(desk.power(), before, "{instant}");
        }
    }
    resumed(&mut desk);
    assert_eq!(desk.account().position(&symbol("AAPL")).quantity, dec(quantity));
    assert_eq!(desk.power(), before, "there was no trade yet");
    let times = [at("2005-02-25T20:00:00Z"), at(opening), at("2005-02-28T15:00:00Z")];
    let history = history::equities(desk.account(), &desk.broker.market, &times);
    assert_eq!(history, [Some(before.equity); 3]);

    desk.advance("2005-02-28T15:05:00Z");
    let position = desk.account().position(&symbol("AAPL"));
    let last = desk.broker.market.last_trade(&symbol("AAPL"), desk.broker.now()).unwrap();
    assert!(last.at > at("2005-02-28T15:00:00Z"));
    assert_eq!(desk.power().equity, desk.account().cash + position.value_at(last.price));
}

#[test]
fn orders_in_a_halt_over_a_split_are_about_the_new_shares() {
    let mut desk = Desk::recorded(BEFORE_SPLIT, Environment::Paper);
    desk.place(buy("AAPL", "10")).unwrap();
    halted(&mut desk);
    let ask = desk.quote("AAPL").ask;
    let last =
        desk.broker.market.last_trade(&symbol("AAPL"), desk.broker.now()).unwrap().price / Decimal::TWO;
    desk.advance("2005-02-28T14:45:00Z");
    let stop = |price: &str| OrderRequest {
        order_type: OrderType::Stop,
        stop_price: Some(dec(price)),
        ..sell("AAPL", "1")
    };
    let refused = desk.place(stop("60")).unwrap_err();
    assert_eq!(refused.message, "stop price must be less than current price");
    assert_eq!(refused.extra["market_price"], last.to_string());
    let trailing = OrderRequest {
        order_type: OrderType::TrailingStop,
        trail_percent: Some(dec("20")),
        ..sell("AAPL", "20")
    };
    let trailing = desk.place(trailing).unwrap().id;
    let (best, _) = desk.order(trailing).trailed_until(&desk.broker.market, desk.broker.now()).unwrap();
    assert_eq!(best, last);
    let bought = desk.place(buy("AAPL", "1")).unwrap().id;
    let reserved = desk.order(bought).reserved();
    assert!(reserved >= ask / Decimal::TWO && reserved < ask * dec("0.6"), "{reserved}");

    resumed(&mut desk);
    assert_eq!(desk.order(bought).status, OrderStatus::New);
    desk.advance("2005-02-28T15:05:00Z");
    assert_eq!(desk.order(bought).status, OrderStatus::Filled);
    assert_eq!(desk.order(trailing).status, OrderStatus::New);
    assert!(desk.order(bought).average_price().unwrap() < dec("46"));
}

#[rstest]
#[case::holder(Side::Buy, "100", "265.00")]
#[case::fraction(Side::Buy, "0.5", "1.33")]
#[case::short(Side::Sell, "100", "-265.00")]
fn who_holds_before_the_ex_date_gets_the_dividend_and_who_is_short_pays_it(
    #[case] side: Side,
    #[case] quantity: &str,
    #[case] amount: &str,
) {
    let mut desk = Desk::recorded(BEFORE_DIVIDEND, Environment::Paper);
    desk.place(order("AAPL", side, quantity)).unwrap();
    // On the ex-date it may be given up again.
    desk.advance("2012-08-09T15:00:00Z");
    desk.place(order("AAPL", side.opposite(), quantity)).unwrap();
    let before = desk.account().cash;
    desk.advance("2012-08-16T03:59:59Z");
    assert_eq!(desk.account().cash, before);
    desk.advance("2012-08-16T04:00:00Z");
    assert_eq!(desk.account().cash, before + dec(amount));
    let ActivityEvent::Dividend { rate, quantity: paid_for, date, .. } = &last(&desk).event else {
        panic!("{:?}", last(&desk))
    };
    assert_eq!((*rate, paid_for.abs()), (dec("2.65"), dec(quantity)));
    assert_eq!(date.to_string(), "2012-08-16");
    assert_eq!(last(&desk).cash, dec(amount));
}

#[test]
fn who_buys_on_the_ex_date_gets_nothing() {
    let mut desk = Desk::recorded(BEFORE_DIVIDEND, Environment::Paper);
    desk.advance("2012-08-09T13:30:00Z");
    desk.place(buy("AAPL", "100")).unwrap();
    let before = desk.account().cash;
    desk.advance("2012-08-20T15:00:00Z");
    assert_eq!(desk.account().cash, before);
}

#[test]
fn a_special_dividend_comes_beside_the_usual_one() {
    let mut desk = Desk::recorded("2004-11-12T16:00:00Z", Environment::Paper);
    desk.place(buy("MSFT", "10")).unwrap();
    let before = desk.account().cash;
    desk.advance("2004-12-02T15:00:00Z");
    assert_eq!(desk.account().cash, before + dec("30.80"));
    assert_eq!(desk.account().activities.len(), 3);
}

#[test]
fn a_reset_account_is_owed_nothing() {
    let mut desk = Desk::recorded(BEFORE_DIVIDEND, Environment::Paper);
    desk.place(buy("AAPL", "100")).unwrap();
    desk.advance("2012-08-10T15:00:00Z");
    let key = KeptKey { key_id: "PK2".to_owned(), secret_sha256: String::new() };
    let account = desk.account;
    desk.apply(&Command::ResetAccount { account, cash: dec("500"), key }).unwrap();
    desk.advance("2012-08-20T15:00:00Z");
    assert_eq!((desk.account().cash, desk.account().activities.len()), (dec("500"), 0));
}

#[test]
fn a_journal_of_before_goes_on_without() {
    let mut desk = Desk::recorded(BEFORE_SPLIT, Environment::Live);
    desk.broker = desk.broker.with_rules(Rules::FIRST);
    desk.place(buy("AAPL", "10")).unwrap();
    desk.advance("2005-03-02T15:00:00Z");
    assert_eq!(desk.account().position(&symbol("AAPL")).quantity, dec("10"));
    assert_eq!(desk.account().activities.len(), 1);
    desk.place(limit(sell("AAPL", "10"), dec("1"))).unwrap();
}
