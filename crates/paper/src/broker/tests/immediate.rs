//! Orders that are filled at once or at an auction, or not at all.

use paddock_alpaca::wire::OrderStatus::{Accepted, Canceled, Filled};
use rstest::rstest;

use super::*;

fn lasting(request: OrderRequest, time_in_force: TimeInForce) -> OrderRequest {
    OrderRequest { time_in_force, ..request }
}

#[rstest]
fn what_cannot_be_filled_at_once_is_canceled(
    #[values(TimeInForce::Ioc, TimeInForce::Fok)] time_in_force: TimeInForce,
) {
    let mut desk = Desk::at(OPEN);
    let ask = desk.quote("AAPL").ask;
    let low = lasting(limit(buy("AAPL", "1"), ask - dec("0.50")), time_in_force);
    let id = desk.place(low).unwrap().id;
    assert_eq!((desk.order(id).status, desk.order(id).ended_as(Canceled)), (Canceled, Some(at(OPEN))));
    assert_eq!(desk.power().buying_power, dec("400000"));
    let id = desk.place(lasting(limit(buy("AAPL", "1"), ask), time_in_force)).unwrap().id;
    assert_eq!((desk.order(id).status, desk.order(id).average_price()), (Filled, Some(ask)));
    let id = desk.place(lasting(buy("AAPL", "1"), time_in_force)).unwrap().id;
    assert_eq!(desk.order(id).status, Filled);
}

#[rstest]
fn an_immediate_order_of_the_night_meets_the_opening(
    #[values(TimeInForce::Ioc, TimeInForce::Fok)] time_in_force: TimeInForce,
) {
    let mut desk = Desk::at(SHUT);
    let (low, high) = (dec("1"), desk.quote("AAPL").ask * dec("2"));
    let unmet = desk.place(lasting(limit(buy("AAPL", "1"), low), time_in_force)).unwrap().id;
    let met = desk.place(lasting(limit(buy("AAPL", "1"), high.round_dp(2)), time_in_force)).unwrap().id;
    assert_eq!(desk.order(met).status, Accepted);
    desk.advance("2026-06-24T13:30:00Z");
    assert_eq!((desk.order(unmet).status, desk.order(met).status), (Canceled, Filled));
}

#[test]
fn crypto_takes_ioc_and_not_fok() {
    let mut desk = Desk::at(OPEN);
    let id = desk.place(lasting(limit(buy("BTC/USD", "0.01"), dec("1000")), TimeInForce::Ioc)).unwrap().id;
    assert_eq!(desk.order(id).status, Canceled);
    let id = desk.place(lasting(buy("BTC/USD", "0.01"), TimeInForce::Ioc)).unwrap().id;
    assert_eq!(desk.order(id).status, Filled);
    assert_eq!(
        desk.refused(lasting(buy("BTC/USD", "0.01"), TimeInForce::Fok)),
        "invalid crypto time_in_force"
    );
}

#[rstest]
#[case::opening(TimeInForce::Opg, SHUT, "2026-06-24T13:30:00Z")]
#[case::before_the_opening(TimeInForce::Opg, "2026-06-24T13:27:59Z", "2026-06-24T13:30:00Z")]
#[case::close(TimeInForce::Cls, OPEN, "2026-06-24T20:00:00Z")]
#[case::close_from_the_evening_before(TimeInForce::Cls, SHUT, "2026-06-24T20:00:00Z")]
#[case::early_close(TimeInForce::Cls, "2026-11-27T17:49:59Z", "2026-11-27T18:00:00Z")]
fn an_auction_order_gets_the_price_of_its_auction(
    #[case] time_in_force: TimeInForce,
    #[case] placed: &str,
    #[case] auction: &str,
) {
    let mut desk = Desk::at(placed);
    let market = desk.broker.market.clone();
    let price = market.last_trade(&symbol("AAPL"), at(auction)).unwrap().price;
    let orders: Vec<Uuid> = [
        buy("AAPL", "2"),
        limit(buy("AAPL", "2"), (price + dec("0.10")).round_dp(2)),
        limit(buy("AAPL", "2"), (price - dec("0.10")).round_dp(2)),
    ]
    .into_iter()
    .map(|request| desk.place(lasting(request, time_in_force)).unwrap().id)
    .collect();
    assert!(orders.iter().all(|id| desk.order(*id).status == Accepted));
    desk.broker.advance(at(auction) - jiff::SignedDuration::from_micros(1));
    assert!(orders.iter().all(|id| desk.order(*id).status == Accepted));
    desk.advance(auction);
    let ends: Vec<_> =
        orders.iter().map(|id| (desk.order(*id).status, desk.order(*id).average_price())).collect();
    assert_eq!(ends, [(Filled, Some(price)), (Filled, Some(price)), (Canceled, None)]);
    assert_eq!(desk.order(orders[0]).ended_as(Filled), Some(at(auction)));
}

#[rstest]
#[case::after(TimeInForce::Opg, "2026-06-24T13:28:00Z", "opg")]
#[case::midday(TimeInForce::Opg, OPEN, "opg")]
#[case::just_before_evening(TimeInForce::Opg, "2026-06-24T22:59:59Z", "opg")]
#[case::after(TimeInForce::Cls, "2026-06-24T19:50:00Z", "cls")]
#[case::just_before_evening(TimeInForce::Cls, "2026-06-24T22:59:59Z", "cls")]
#[case::half_day(TimeInForce::Cls, "2026-11-27T17:50:00Z", "cls")]
fn an_auction_order_has_its_hours(
    #[case] time_in_force: TimeInForce,
    #[case] placed: &str,
    #[case] name: &str,
) {
    let error = Desk::at(placed).place(lasting(buy("AAPL", "1"), time_in_force)).unwrap_err();
    assert!(error.message.starts_with(&format!("{name} orders must be submitted after 7:00pm")), "{error}");
    assert_eq!((error.status, error.code), (403, Some(40_310_000)));
}

#[test]
fn fractions_are_for_the_day_only() {
    for time_in_force in [TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::Cls] {
        let refused = Desk::at(OPEN).refused(lasting(buy("AAPL", "1.5"), time_in_force));
        assert_eq!(refused, "fractional orders must be DAY orders");
    }
}
