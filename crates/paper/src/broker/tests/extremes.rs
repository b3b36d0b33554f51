//! Numbers that no order has: they are refused, and nothing breaks.

use paddock_core::order::{StopLoss, TakeProfit};
use proptest::prelude::*;

use super::*;
use crate::broker::command::OrderChanges;

fn extreme() -> impl Strategy<Value = Decimal> {
    // The greatest and the smallest that a body can state, and some between.
    prop_oneof![
        Just(dec("999999999999999.999999999")),
        Just(dec("999999999999999")),
        Just(dec("99999999999")),
        Just(dec("100000000")),
        Just(dec("1000")),
        Just(dec("1")),
        Just(dec("0.0001")),
        Just(dec("0.000000001")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_number_breaks_the_broker(
        numbers in prop::collection::vec(extreme(), 6),
        (text, kind, class) in (0..3_usize, 0..5_usize, 0..4_usize),
        (buys, dollars, held) in any::<(bool, bool, bool)>(),
    ) {
        let mut desk = Desk::with_cash(OPEN, "1000000000");
        let text = ["AAPL", "F", "BTC/USD"][text];
        if held {
            desk.place(buy(text, "1")).unwrap();
        }
        let side = if buys { Side::Buy } else { Side::Sell };
        let order_type = OrderType::ALL[kind];
        let limits = matches!(order_type, OrderType::Limit | OrderType::StopLimit);
        let stops = matches!(order_type, OrderType::Stop | OrderType::StopLimit);
        let trails = order_type == OrderType::TrailingStop;
        let order_class = OrderClass::ALL[class];
        let request = OrderRequest {
            order_type,
            order_class,
            amount: if dollars { Amount::Notional(numbers[0]) } else { Amount::Quantity(numbers[0]) },
            limit_price: limits.then_some(numbers[1]),
            stop_price: stops.then_some(numbers[2]),
            trail_price: (trails && buys).then_some(numbers[3]),
            trail_percent: (trails && !buys).then_some(numbers[3]),
            take_profit: (order_class != OrderClass::Simple).then_some(TakeProfit { limit_price: numbers[4] }),
            stop_loss: (order_class != OrderClass::Simple)
                .then_some(StopLoss { stop_price: numbers[5], limit_price: None }),
            ..gtc(order(text, side, "1"))
        };
        if let Ok(placed) = desk.place(OrderRequest { order_class: OrderClass::Simple, take_profit: None, stop_loss: None, ..request.clone() }) {
            let (account, replacement) = (desk.account, desk.id());
            let changes = OrderChanges {
                quantity: Some(numbers[1]),
                limit_price: limits.then_some(numbers[3]),
                stop_price: stops.then_some(numbers[4]),
                trail: trails.then_some(numbers[5]),
                ..OrderChanges::default()
            };
            let _ = desk.apply(&Command::ReplaceOrder { account, order: placed.id, replacement, changes });
        }
        let (account, id) = (desk.account, desk.id());
        let _ = desk.apply(&Command::PlaceOrder { account, order: id, request: Box::new(request), intent: None });
        desk.advance("2026-06-30T00:00:00Z");
        desk.power();
    }
}
