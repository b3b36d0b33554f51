//! What happens to an order between its acceptance and its end.

use paddock_alpaca::wire::OrderStatus::{Accepted, Canceled, Expired, Filled, New, PendingNew, Replaced};

use super::*;
use crate::broker::command::{OrderChanges, Portion};

#[test]
fn a_market_order_is_accepted_and_then_filled_at_the_ask() {
    let mut desk = Desk::at(OPEN);
    let ask = desk.quote("AAPL").ask;
    let accepted = desk.place(buy("AAPL", "2")).unwrap();
    assert_eq!((accepted.status, accepted.filled_quantity), (PendingNew, Decimal::ZERO));
    let order = desk.order(accepted.id);
    assert_eq!((order.status, order.average_price()), (Filled, Some(ask)));
    assert_eq!(desk.account().cash, dec("100000") - dec("2") * ask);
    assert_eq!(desk.account().position(&symbol("AAPL")).average_price(), ask);
}

#[test]
fn an_order_waits_for_the_opening() {
    let mut desk = Desk::at(SHUT);
    let id = desk.place(buy("AAPL", "2")).unwrap().id;
    desk.advance("2026-06-24T13:29:59Z");
    assert_eq!(desk.order(id).status, Accepted);
    desk.advance("2026-06-24T13:30:00Z");
    assert_eq!(desk.order(id).status, Filled);
    assert_eq!(desk.order(id).ended_as(Filled), Some(at("2026-06-24T13:30:00Z")));
}

#[test]
fn a_limit_order_rests_until_the_market_comes() {
    let mut desk = Desk::at(OPEN);
    let low = desk.quote("AAPL").bid - dec("0.50");
    let id = desk.place(limit(gtc(buy("AAPL", "2")), low)).unwrap().id;
    assert_eq!(desk.order(id).status, New);
    desk.advance("2026-09-20T00:00:00Z");
    let order = desk.order(id);
    let filled_at = order.ended_as(Filled).unwrap();
    assert!(order.status == Filled && order.average_price().unwrap() <= low, "{order:?}");
    let quote = desk.broker.market.quote(&symbol("AAPL"), filled_at).unwrap();
    assert_eq!(Some(quote.ask), order.average_price());
}

#[test]
fn a_limit_above_the_ask_is_filled_at_the_ask() {
    let mut desk = Desk::at(OPEN);
    let ask = desk.quote("MSFT").ask;
    let id = desk.place(limit(buy("MSFT", "1"), ask + dec("1"))).unwrap().id;
    assert_eq!(desk.order(id).average_price(), Some(ask));
}

#[test]
fn a_day_order_expires_with_the_session_and_a_gtc_order_after_90_days() {
    let mut desk = Desk::at(OPEN);
    let day = desk.place(limit(buy("AAPL", "1"), dec("1"))).unwrap().id;
    let gtc_order = desk.place(limit(gtc(buy("AAPL", "1")), dec("1"))).unwrap().id;
    desk.advance("2026-06-24T20:00:00Z");
    assert_eq!((desk.order(day).status, desk.order(gtc_order).status), (Expired, New));
    assert_eq!(desk.order(day).ended_as(Expired), Some(at("2026-06-24T20:00:00Z")));
    desk.advance("2026-09-22T20:14:59Z");
    assert_eq!(desk.order(gtc_order).status, New);
    desk.advance("2026-09-22T20:15:00Z");
    assert_eq!(desk.order(gtc_order).status, Expired);
}

#[test]
fn an_evening_day_order_is_for_the_next_session_and_an_early_close_ends_it() {
    let mut desk = Desk::at("2026-11-26T15:00:00Z");
    let id = desk.place(limit(buy("AAPL", "1"), dec("1"))).unwrap().id;
    desk.advance("2026-11-27T17:59:59Z");
    assert_eq!(desk.order(id).status, New);
    desk.advance("2026-11-27T18:00:00Z");
    assert_eq!(desk.order(id).status, Expired);
}

#[test]
fn an_extended_hours_order_works_from_four_to_eight() {
    let mut desk = Desk::at("2026-06-24T07:00:00Z");
    let extended = OrderRequest { extended_hours: true, ..limit(buy("AAPL", "1"), dec("1")) };
    let id = desk.place(extended).unwrap().id;
    assert_eq!(desk.order(id).status, Accepted);
    desk.advance("2026-06-24T08:00:00Z");
    assert_eq!(desk.order(id).status, New);
    desk.advance("2026-06-25T00:00:00Z");
    assert_eq!(
        (desk.order(id).status, desk.order(id).ended_as(Expired)),
        (Expired, Some(at("2026-06-25T00:00:00Z")))
    );
}

#[test]
fn an_order_in_dollars_spends_them() {
    let mut desk = Desk::at(OPEN);
    let id = desk.place(notional(buy("AAPL", "1"), "250.50")).unwrap().id;
    let (order, account) = (desk.order(id), desk.account());
    assert_eq!((order.status, account.cash), (Filled, dec("99749.50")));
    assert_eq!(order.filled_quantity, order::units_for(dec("250.50"), order.average_price().unwrap()));
}

#[test]
fn crypto_trades_at_night_and_its_fee_is_taken_in_what_is_received() {
    let mut desk = Desk::at("2026-06-28T03:00:00Z");
    let id = desk.place(buy("BTC/USD", "0.5")).unwrap().id;
    assert_eq!((desk.order(id).status, desk.order(id).filled_quantity), (Filled, dec("0.5")));
    assert_eq!(desk.account().position(&symbol("BTC/USD")).quantity, dec("0.49875"));
    let (cash, bid) = (desk.account().cash, desk.quote("BTC/USD").bid);
    desk.place(sell("BTC/USD", "0.49875")).unwrap();
    let value = position::to_cents(dec("0.49875") * bid);
    assert_eq!(desk.account().cash - cash, value - position::to_cents(value * dec("0.0025")));
    assert!(desk.account().positions.is_empty());
    // Posted at midnight in New York, dated the new day.
    desk.advance("2026-06-28T04:00:00Z");
    let kinds: Vec<&str> = desk.account().activities.iter().map(activity::Activity::activity_type).collect();
    assert_eq!(kinds, ["FILL", "FILL", "CFEE", "FEE"]);
}

#[test]
fn a_canceled_order_is_never_filled() {
    let mut desk = Desk::at(OPEN);
    let (account, bid) = (desk.account, desk.quote("AAPL").bid);
    let id = desk.place(limit(gtc(buy("AAPL", "2")), bid - dec("0.10"))).unwrap().id;
    desk.apply(&Command::CancelOrder { account, order: id }).unwrap();
    desk.advance("2026-12-01T00:00:00Z");
    assert_eq!((desk.order(id).status, desk.account().cash), (Canceled, dec("100000")));
    let again = desk.apply(&Command::CancelOrder { account, order: id }).unwrap_err();
    assert_eq!((again.status, again.message.as_ref()), (422, "order is already in \"canceled\" state"));
    let unknown = desk.apply(&Command::CancelOrder { account, order: Uuid::nil() }).unwrap_err();
    assert_eq!(unknown.status, 404);
}

#[test]
fn a_replacement_has_its_own_id_and_the_old_order_is_gone() {
    let mut desk = Desk::at(OPEN);
    let account = desk.account;
    let id = desk.place(limit(buy("AAPL", "2"), dec("10"))).unwrap().id;
    let replacement = desk.id();
    let changes = OrderChanges { limit_price: Some(dec("11")), ..OrderChanges::default() };
    let replace = |changes| Command::ReplaceOrder { account, order: id, replacement, changes };
    let unchanged = desk.apply(&replace(OrderChanges::default())).unwrap_err();
    assert_eq!(unchanged.message, "order parameters are not changed");
    desk.apply(&replace(changes.clone())).unwrap();
    let (old, new) = (desk.order(id), desk.order(replacement));
    assert_eq!((old.status, old.replaced_by()), (Replaced, Some(replacement)));
    assert_eq!((new.status, new.replaces(), new.request.limit_price), (New, Some(id), Some(dec("11"))));
    let gone = desk.apply(&replace(changes)).unwrap_err();
    assert_eq!(gone.message, "cannot replace order in replaced status");
}

#[test]
fn a_replacement_may_use_what_the_old_order_reserved() {
    let mut desk = Desk::at(OPEN);
    let account = desk.account;
    let ask = desk.quote("AAPL").ask;
    let price = (ask / dec("2")).trunc_with_scale(2);
    let quantity = (dec("390000") / price).trunc();
    let id = desk.place(limit(buy("AAPL", &quantity.to_string()), price)).unwrap().id;
    let replacement = desk.id();
    let changes = OrderChanges { limit_price: Some(price + dec("0.01")), ..OrderChanges::default() };
    desk.apply(&Command::ReplaceOrder { account, order: id, replacement, changes }).unwrap();
    assert_eq!(desk.order(replacement).status, New);
}

#[test]
fn closing_sells_what_is_there_and_no_more() {
    let mut desk = Desk::at(OPEN);
    let account = desk.account;
    desk.place(buy("AAPL", "10")).unwrap();
    let close = |portion, order| Command::ClosePosition { account, symbol: symbol("AAPL"), portion, order };
    let id = desk.id();
    desk.apply(&close(Portion::Percentage(dec("25")), id)).unwrap();
    assert_eq!(desk.order(id).filled_quantity, dec("2.5"));
    let id = desk.id();
    let error = desk.apply(&close(Portion::Quantity(dec("8")), id)).unwrap_err();
    assert_eq!(error.message, "insufficient qty available for order (requested: 8, available: 7.5)");
    desk.apply(&close(Portion::Whole, id)).unwrap();
    assert!(desk.account().positions.is_empty());
    let id = desk.id();
    assert_eq!(desk.apply(&close(Portion::Whole, id)).unwrap_err().message, "position does not exist");
}

#[test]
fn closing_everything_tells_of_each() {
    let mut desk = Desk::at(OPEN);
    let account = desk.account;
    desk.place(buy("AAPL", "10")).unwrap();
    desk.place(sell("MSFT", "5")).unwrap();
    let held = desk.quote("AAPL").ask + dec("50");
    desk.place(limit(sell("AAPL", "10"), held)).unwrap();
    let close = |cancel_orders, base| Command::CloseAllPositions { account, cancel_orders, base };
    let base = desk.id();
    let Reply::Closed(closed) = desk.apply(&close(false, base)).unwrap() else { panic!() };
    let told: Vec<(&str, bool)> =
        closed.iter().map(|closed| (closed.symbol.as_str(), closed.outcome.is_ok())).collect();
    assert_eq!(told, [("AAPL", false), ("MSFT", true)]);
    let base = desk.id();
    desk.apply(&close(true, base)).unwrap();
    assert!(desk.account().positions.is_empty() && desk.account().open_orders().count() == 0);
}

#[test]
fn a_reset_account_starts_anew_and_nothing_of_before_happens_to_it() {
    let mut desk = Desk::at(OPEN);
    let account = desk.account;
    desk.place(buy("AAPL", "10")).unwrap();
    let low = desk.quote("AAPL").bid - dec("0.05");
    desk.place(limit(gtc(buy("AAPL", "1")), low)).unwrap();
    let key = KeptKey { key_id: "PK2".to_owned(), secret_sha256: String::new() };
    desk.apply(&Command::ResetAccount { account, cash: dec("5000"), key }).unwrap();
    desk.advance("2026-09-01T00:00:00Z");
    assert_eq!((desk.account().cash, desk.account().activities.len()), (dec("5000"), 0));
    assert_eq!((desk.account().number.as_str(), desk.account().orders().count()), ("PA1", 0));
    assert!(desk.broker.account_by_key_id("PK1").is_none() && desk.broker.account_by_key_id("PK2").is_some());
}

#[test]
fn a_new_pair_kills_the_old_one_in_the_same_act() {
    let mut desk = Desk::at(OPEN);
    let account = desk.account;
    let key = KeptKey { key_id: "PK2".to_owned(), secret_sha256: String::new() };
    desk.apply(&Command::IssueKey { account, key }).unwrap();
    assert!(desk.broker.account_by_key_id("PK1").is_none() && desk.broker.account_by_key_id("PK2").is_some());
    desk.apply(&Command::RevokeKey { account }).unwrap();
    assert!(desk.broker.account_by_key_id("PK2").is_none() && desk.account().key.is_none());
}

#[test]
fn yesterdays_worth_is_that_of_the_last_close() {
    let mut desk = Desk::at(OPEN);
    desk.place(buy("AAPL", "100")).unwrap();
    desk.advance("2026-06-24T20:00:00Z");
    let close = desk.broker.market.last_trade(&symbol("AAPL"), at("2026-06-24T20:00:00Z")).unwrap().price;
    let worth = desk.account().cash + dec("100") * close;
    desk.advance("2026-06-25T15:00:00Z");
    let mark = desk.account().marks.last().unwrap();
    assert_eq!((mark.date, mark.equity), (jiff::civil::date(2026, 6, 24), worth));
    assert_eq!(desk.account().position(&symbol("AAPL")).day_cost, dec("100") * close);
    let times = [at("2026-06-24T13:00:00Z"), at(OPEN), at("2026-06-24T20:00:00Z")];
    let past = history::equities(desk.account(), &desk.broker.market, &times);
    assert_eq!((past[0], past[2]), (None, Some(worth)));
}

#[test]
fn a_sale_in_dollars_leaves_what_other_orders_hold() {
    let mut desk = Desk::at(OPEN);
    desk.place(buy("AAPL", "10")).unwrap();
    desk.advance("2026-06-24T21:00:00Z");
    let (bid, high) = (desk.quote("AAPL").bid, desk.quote("AAPL").ask + dec("500"));
    let resting = desk.place(limit(gtc(sell("AAPL", "6")), high)).unwrap().id;
    let dollars = position::to_cents(bid * dec("4") - dec("0.01"));
    let in_dollars = desk.place(notional(sell("AAPL", "1"), &dollars.to_string())).unwrap().id;
    // Whatever the opening brings, the six shares of the resting order stay.
    desk.advance("2026-06-25T14:00:00Z");
    assert_eq!(desk.order(in_dollars).status, Filled);
    assert!(desk.account().position(&symbol("AAPL")).quantity >= dec("6"));
    assert_eq!(desk.order(resting).status, New);
}
