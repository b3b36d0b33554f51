//! What the broker's picture of an order says of its end.

use paddock_alpaca::wire::{Order, OrderStatus};
use paddock_core::order::OrderClass;
use paddock_core::usage::Filled;
use paddock_store::EndedOrder;
use rust_decimal::Decimal;

/// Whether an order has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It has.
    Ended(EndedOrder),
    /// It has not, or not all of what was charged with it.
    Works,
    /// The picture does not say: the order has to be read with its exits.
    Unsaid,
}

/// Reads the end of an order out of its picture.
pub(super) fn ending(order: &Order) -> Ending {
    let has_ended = |order: &Order| order.status.is_some_and(OrderStatus::is_terminal);
    if !has_ended(order) {
        return Ending::Works;
    }
    // Either exit of an OCO order may be the one that filled.
    let exits: &[Order] = match (&order.legs, order.order_class) {
        (Some(legs), OrderClass::Oco) => legs,
        (None, OrderClass::Oco) => return Ending::Unsaid,
        _ => &[],
    };
    if !exits.iter().all(has_ended) {
        return Ending::Works;
    }
    let units = std::iter::once(order).chain(exits).map(|order| order.filled_qty);
    let Some(units) = units.sum::<Option<Decimal>>() else { return Ending::Unsaid };
    let filled = match order.qty {
        Some(_) => Filled::Units(units),
        None => {
            let dollars = units.checked_mul(order.filled_avg_price.unwrap_or_default());
            let Some(dollars) = dollars else { return Ending::Unsaid };
            Filled::Dollars { dollars, all: order.status == Some(OrderStatus::Filled) }
        }
    };
    let replaced = order.status == Some(OrderStatus::Replaced);
    Ending::Ended(EndedOrder { id: order.id.to_string(), filled, replaced })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const ID: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

    fn order(changes: serde_json::Value) -> Order {
        let mut order = json!({"id": ID, "qty": "10", "filled_qty": "0", "status": "canceled"});
        order.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        serde_json::from_value(order).unwrap()
    }

    fn ended(filled: Filled, replaced: bool) -> Ending {
        Ending::Ended(EndedOrder { id: ID.to_owned(), filled, replaced })
    }

    fn units(count: i64) -> Filled {
        Filled::Units(Decimal::from(count))
    }

    #[rstest]
    #[case::canceled(json!({}), ended(units(0), false))]
    #[case::filled_in_part(json!({"filled_qty": "4", "status": "expired"}), ended(units(4), false))]
    #[case::rejected(json!({"status": "rejected"}), ended(units(0), false))]
    #[case::replaced(json!({"status": "replaced", "filled_qty": "1"}), ended(units(1), true))]
    #[case::works(json!({"status": "pending_cancel"}), Ending::Works)]
    #[case::an_unknown_word(json!({"status": "something_new"}), Ending::Works)]
    #[case::nobody_says_what_was_filled(json!({"filled_qty": null}), Ending::Unsaid)]
    #[case::in_dollars(
        json!({"qty": null, "notional": "100", "filled_qty": "0.5", "filled_avg_price": "80"}),
        ended(Filled::Dollars { dollars: Decimal::from(40), all: false }, false)
    )]
    #[case::all_its_dollars(
        json!({"qty": null, "notional": "100", "filled_qty": "1.2", "filled_avg_price": "83", "status": "filled"}),
        ended(Filled::Dollars { dollars: Decimal::new(996, 1), all: true }, false)
    )]
    #[case::an_oco_without_its_other_exit(json!({"order_class": "oco"}), Ending::Unsaid)]
    #[case::an_oco_whose_other_exit_filled(
        json!({"order_class": "oco", "legs": [{"id": ID, "qty": "10", "filled_qty": "10", "status": "filled"}]}),
        ended(units(10), false)
    )]
    #[case::an_oco_whose_other_exit_works(
        json!({"order_class": "oco", "legs": [{"id": ID, "qty": "10", "filled_qty": "3", "status": "partially_filled"}]}),
        Ending::Works
    )]
    #[case::the_exits_of_a_bracket_were_not_charged(
        json!({"order_class": "bracket", "legs": [{"id": ID, "qty": "10", "filled_qty": "3", "status": "partially_filled"}]}),
        ended(units(0), false)
    )]
    fn ends(#[case] changes: serde_json::Value, #[case] expected: Ending) {
        assert_eq!(ending(&order(changes)), expected);
    }
}
