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
        assert_eq!(desk.order(id).canceled_at, Some(at("2005-02-28T14:30:00Z")));
    }
    assert_eq!(desk.account().open_orders().map(|order| order.id).collect::<Vec<_>>(), [other]);
    assert_eq!(desk.account().held(&symbol("AAPL")), Decimal::ZERO);
    desk.place(sell("AAPL", "20")).unwrap();
    assert!(desk.account().positions.is_empty());
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
