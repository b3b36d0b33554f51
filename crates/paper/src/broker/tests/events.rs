//! What listeners hear of orders.

use super::*;
use crate::broker::command::OrderChanges;
use crate::broker::events::OrderEvent;

fn heard(desk: &mut Desk) -> Vec<OrderEvent> {
    desk.broker.take_order_events()
}

fn names(events: &[OrderEvent]) -> Vec<&'static str> {
    events.iter().map(|event| event.event).collect()
}

#[test]
fn a_fill_tells_its_price_quantity_and_position() {
    let mut desk = Desk::at(OPEN);
    desk.place(buy("AAPL", "3")).unwrap();
    desk.broker.listen_to_orders();
    desk.place(sell("AAPL", "2")).unwrap();
    let events = heard(&mut desk);
    assert_eq!(names(&events), ["pending_new", "new", "fill"]);
    assert!(events[..2].iter().all(|event| event.fill.is_none()));
    let (fill, order) = (events[2].fill.unwrap(), &events[2].order);
    assert_eq!((fill.quantity, fill.position_quantity), (dec("2"), dec("1")));
    assert_eq!(Some(fill.price), order.average_price());
    assert_eq!((events[2].execution_id, events[2].at), (desk.account().activities[1].uuid, at(OPEN)));
    assert_eq!(heard(&mut desk), []);
}

#[test]
fn every_end_of_an_order_is_told_once() {
    let mut desk = Desk::at(SHUT);
    desk.broker.listen_to_orders();
    let account = desk.account;
    desk.place(limit(buy("AAPL", "1"), dec("1"))).unwrap();
    let replaced = desk.place(limit(gtc(buy("AAPL", "1")), dec("1"))).unwrap().id;
    assert_eq!(names(&heard(&mut desk)), ["accepted", "accepted"]);
    desk.advance(OPEN);
    assert_eq!(names(&heard(&mut desk)), ["new", "new"]);
    let replacement = desk.id();
    let changes = OrderChanges { limit_price: Some(dec("2")), ..OrderChanges::default() };
    desk.apply(&Command::ReplaceOrder { account, order: replaced, replacement, changes }).unwrap();
    let events = heard(&mut desk);
    assert_eq!(names(&events), ["replaced", "pending_new", "new"]);
    assert_eq!(
        (events[0].order.replaced_by(), events[1].order.replaces()),
        (Some(replacement), Some(replaced))
    );
    desk.apply(&Command::CancelOrder { account, order: replacement }).unwrap();
    desk.advance("2026-06-25T00:00:00Z");
    let events = heard(&mut desk);
    assert_eq!(names(&events), ["canceled", "expired"]);
    assert_eq!(events[1].at, at("2026-06-24T20:00:00Z"));
}

#[test]
fn nothing_is_told_of_what_was_before_somebody_listened() {
    let mut desk = Desk::at(OPEN);
    desk.place(buy("AAPL", "3")).unwrap();
    desk.broker.listen_to_orders();
    assert_eq!(heard(&mut desk), []);
}
