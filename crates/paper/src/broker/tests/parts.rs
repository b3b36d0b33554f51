//! Fills in parts, which are off unless they are asked for.

use paddock_alpaca::wire::OrderStatus::{Canceled, Filled, PartiallyFilled};
use paddock_core::order::{StopLoss, TakeProfit};

use super::*;
use crate::broker::activity::ActivityEvent;
use crate::broker::command::OrderChanges;

fn in_parts() -> Desk {
    let desk = Desk::with_cash(OPEN, "1000000");
    Desk { broker: desk.broker.with_partial_fills(true), ..desk }
}

impl Desk {
    /// Buys until one order is filled in part, and tells that one.
    fn first_part(&mut self, make: impl Fn() -> OrderRequest) -> Uuid {
        (0..200)
            .find_map(|_| {
                let id = self.place(make()).unwrap().id;
                (self.order(id).status == PartiallyFilled).then_some(id)
            })
            .unwrap()
    }
}

#[test]
fn one_order_in_ten_is_filled_in_parts_and_the_rest_follows() {
    let mut desk = in_parts();
    let ids: Vec<Uuid> = (0..200).map(|_| desk.place(buy("F", "50")).unwrap().id).collect();
    let parts: Vec<Uuid> = ids.into_iter().filter(|id| desk.order(*id).status == PartiallyFilled).collect();
    assert!((8..=35).contains(&parts.len()), "{}", parts.len());
    for id in &parts {
        let order = desk.order(*id);
        assert!(order.filled_quantity > Decimal::ZERO && order.filled_quantity < dec("50"));
        assert!(order.filled_quantity.fract().is_zero() && order.ended_as(Filled).is_none());
    }
    desk.advance("2026-06-24T19:00:00Z");
    for id in parts {
        let order = desk.order(id);
        assert_eq!((order.status, order.filled_quantity), (Filled, dec("50")));
        let fills: Vec<_> = desk
            .account()
            .activities
            .iter()
            .filter_map(|activity| match &activity.event {
                ActivityEvent::Fill(fill) if fill.order == id => Some(fill),
                _ => None,
            })
            .collect();
        assert!(fills.len() >= 2);
        assert_eq!(fills.iter().map(|fill| fill.quantity).sum::<Decimal>(), dec("50"));
        for fill in &fills {
            assert_eq!(fill.left, dec("50") - fill.cumulative);
            assert_eq!(fill.order_status == Filled, fill.left.is_zero());
        }
    }
}

#[test]
fn fills_are_whole_unless_parts_are_asked_for() {
    let mut desk = Desk::at(OPEN);
    for _ in 0..60 {
        let id = desk.place(buy("F", "50")).unwrap().id;
        assert_eq!(desk.order(id).status, Filled);
    }
}

#[test]
fn the_rest_of_an_immediate_order_is_canceled_and_all_or_nothing_is_never_in_parts() {
    let mut desk = in_parts();
    let immediate = |time_in_force| move || OrderRequest { time_in_force, ..buy("F", "50") };
    // A part, and then nothing at the same instant.
    let canceled = (0..200).find_map(|_| {
        let id = desk.place(immediate(TimeInForce::Ioc)()).unwrap().id;
        (desk.order(id).status == Canceled).then_some(id)
    });
    let filled = desk.order(canceled.unwrap()).filled_quantity;
    assert!(filled > Decimal::ZERO && filled < dec("50"));
    for _ in 0..100 {
        let id = desk.place(immediate(TimeInForce::Fok)()).unwrap().id;
        assert_eq!(desk.order(id).status, Filled);
    }
}

#[test]
fn a_replacement_goes_on_from_what_was_filled() {
    let mut desk = in_parts();
    let ask = desk.quote("F").ask;
    let id = desk.first_part(|| limit(gtc(buy("F", "50")), ask));
    let (account, filled, replacement) = (desk.account, desk.order(id).filled_quantity, desk.id());
    let few = OrderChanges { quantity: Some(filled), ..OrderChanges::default() };
    let replace = |changes| Command::ReplaceOrder { account, order: id, replacement, changes };
    assert_eq!(desk.apply(&replace(few)).unwrap_err().message, "qty must be > filled_qty");
    let more = OrderChanges {
        quantity: Some(dec("60")),
        limit_price: Some(ask + dec("1")),
        ..OrderChanges::default()
    };
    let before = desk.account().position(&symbol("F")).quantity;
    desk.apply(&replace(more)).unwrap();
    desk.advance("2026-06-24T19:00:00Z");
    assert_eq!(
        (desk.order(replacement).status, desk.order(replacement).filled_quantity),
        (Filled, dec("60"))
    );
    assert_eq!(desk.account().position(&symbol("F")).quantity, before + dec("60") - filled);
}

#[test]
fn an_exit_that_is_filled_in_part_leaves_the_other_the_rest() {
    for round in 0..400 {
        let mut desk = in_parts();
        desk.ids += round * 10;
        desk.place(buy("AAPL", "50")).unwrap();
        desk.advance("2026-06-24T19:00:00Z");
        let bid = desk.quote("AAPL").bid;
        let (order, account) = (desk.id(), desk.account);
        let request = OrderRequest {
            order_class: OrderClass::Oco,
            stop_loss: Some(StopLoss { stop_price: (bid / dec("2")).round_dp(2), limit_price: None }),
            ..limit(gtc(sell("AAPL", "50")), bid)
        };
        let place = Command::PlaceOrder { account, order, request: Box::new(request), intent: None };
        desk.apply(&place).unwrap();
        let taken = desk.order(order);
        if taken.status != PartiallyFilled {
            continue;
        }
        let (left, exit) = (dec("50") - taken.filled_quantity, taken.legs()[0]);
        assert_eq!(desk.order(exit).quantity(), Some(left));
        assert_eq!(desk.account().held(&symbol("AAPL")), left);
        assert_eq!(desk.account().position(&symbol("AAPL")).quantity, left);
        return;
    }
    unreachable!("none of four hundred orders was filled in part");
}

#[test]
fn exits_are_for_what_is_there_when_they_wake() {
    for round in 0..400 {
        let mut desk = in_parts();
        desk.ids += round * 10;
        let (order, account, bid) = (desk.id(), desk.account, desk.quote("AAPL").bid);
        let request = OrderRequest {
            order_class: OrderClass::Bracket,
            take_profit: Some(TakeProfit { limit_price: (bid * dec("2")).round_dp(2) }),
            stop_loss: Some(StopLoss { stop_price: (bid / dec("2")).round_dp(2), limit_price: None }),
            ..gtc(buy("AAPL", "50"))
        };
        desk.apply(&Command::PlaceOrder { account, order, request: Box::new(request), intent: None })
            .unwrap();
        let (part, legs) = (desk.order(order).filled_quantity, desk.order(order).legs().to_vec());
        if part < dec("2") || part == dec("50") {
            continue;
        }
        desk.place(sell("AAPL", "1")).unwrap();
        desk.advance("2026-06-24T19:00:00Z");
        assert_eq!(desk.order(order).status, Filled);
        for leg in legs {
            assert_eq!(desk.order(leg).quantity(), Some(dec("49")));
        }
        assert_eq!(desk.account().held(&symbol("AAPL")), dec("49"));
        return;
    }
    unreachable!("none of four hundred orders was filled in part");
}
