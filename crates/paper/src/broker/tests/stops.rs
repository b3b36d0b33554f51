//! Stop, stop-limit and trailing-stop orders.

use paddock_alpaca::wire::OrderStatus::{Accepted, Canceled, Expired, Filled, New, Replaced};
use rstest::rstest;

use super::*;
use crate::broker::command::OrderChanges;
use crate::market::{Sort, Window};

fn stop(request: OrderRequest, price: Decimal) -> OrderRequest {
    OrderRequest { order_type: OrderType::Stop, stop_price: Some(price), ..request }
}

fn stop_limit(request: OrderRequest, stop_price: Decimal, limit_price: Decimal) -> OrderRequest {
    OrderRequest {
        order_type: OrderType::StopLimit,
        stop_price: Some(stop_price),
        limit_price: Some(limit_price),
        ..request
    }
}

fn trailing(request: OrderRequest, dollars: Option<&str>, percent: Option<&str>) -> OrderRequest {
    OrderRequest {
        order_type: OrderType::TrailingStop,
        trail_price: dollars.map(dec),
        trail_percent: percent.map(dec),
        ..request
    }
}

impl Desk {
    fn last(&self, text: &str) -> Decimal {
        self.broker.market.last_trade(&symbol(text), self.broker.now()).unwrap().price
    }

    /// All trades of a symbol since `from`, oldest first.
    fn tape(&self, text: &str, from: Timestamp) -> Vec<crate::market::Trade> {
        let now = self.broker.now();
        let window = Window { from, to: now, now };
        self.broker.market.trades(&symbol(text), window, Sort::Ascending).collect()
    }
}

#[rstest]
#[case::up(Side::Buy, "0.40")]
#[case::down(Side::Sell, "-0.40")]
fn a_stop_is_filled_at_the_quote_when_the_tape_reaches_it(#[case] side: Side, #[case] distance: &str) {
    let mut desk = Desk::at(OPEN);
    if side == Side::Sell {
        desk.place(buy("AAPL", "10")).unwrap();
    }
    let begin = desk.broker.now();
    let price = (desk.last("AAPL") + dec(distance)).round_dp(2);
    let id = desk.place(stop(gtc(order("AAPL", side, "10")), price)).unwrap().id;
    assert_eq!((desk.order(id).status, desk.order(id).triggered_at), (New, None));
    desk.advance("2026-09-20T00:00:00Z");
    let order = desk.order(id);
    let triggered = order.triggered_at.unwrap();
    assert_eq!((order.status, order.ended_as(Filled)), (Filled, Some(triggered)));
    let quote = desk.broker.market.quote(&symbol("AAPL"), triggered).unwrap();
    let expected = if side == Side::Buy { quote.ask } else { quote.bid };
    assert_eq!(order.average_price(), Some(expected));
    let reached = |trade: &&crate::market::Trade| match side {
        Side::Buy => trade.price >= price,
        Side::Sell => trade.price <= price,
    };
    let first = desk.tape("AAPL", begin + jiff::SignedDuration::from_micros(1));
    assert_eq!(first.iter().find(reached).map(|trade| trade.at), Some(triggered));
}

#[test]
fn a_stop_limit_rests_at_its_limit_once_it_is_triggered() {
    let mut desk = Desk::at(OPEN);
    let last = desk.last("AAPL");
    let (stop_price, limit_price) = ((last + dec("0.20")).round_dp(2), dec("1"));
    let id = desk.place(stop_limit(gtc(buy("AAPL", "10")), stop_price, limit_price)).unwrap().id;
    desk.advance("2026-09-01T00:00:00Z");
    let order = desk.order(id);
    assert!(order.status == New && order.triggered_at.is_some(), "{order:?}");
    // What was triggered stays so when its limit is replaced.
    let triggered = order.triggered_at;
    let (account, replacement) = (desk.account, desk.id());
    let changes = OrderChanges { limit_price: Some(dec("2")), ..OrderChanges::default() };
    desk.advance("2026-09-01T15:00:00Z");
    desk.apply(&Command::ReplaceOrder { account, order: id, replacement, changes }).unwrap();
    assert_eq!(desk.order(replacement).triggered_at, triggered);
}

#[test]
fn a_gap_over_the_stop_is_met_at_the_opening() {
    // Placed at night against the last close: the opening trade may be beyond it.
    let mut desk = Desk::at(SHUT);
    let last = desk.last("AAPL");
    let id = desk.place(stop(gtc(buy("AAPL", "1")), (last + dec("0.01")).round_dp(2))).unwrap().id;
    assert_eq!(desk.order(id).status, Accepted);
    desk.advance("2026-07-24T13:30:00Z");
    let order = desk.order(id);
    let open = at("2026-06-24T13:30:00Z");
    let opening = desk.broker.market.last_trade(&symbol("AAPL"), open).unwrap().price;
    assert!(order.status == Filled, "{order:?}");
    assert_eq!(order.ended_as(Filled) == Some(open), opening >= order.request.stop_price.unwrap());
}

#[rstest]
#[case::buy_below(Side::Buy, "-0.10", "greater")]
#[case::buy_there(Side::Buy, "0", "greater")]
#[case::sell_above(Side::Sell, "0.10", "less")]
#[case::sell_there(Side::Sell, "0", "less")]
fn a_stop_must_be_on_its_side_of_the_market(#[case] side: Side, #[case] off: &str, #[case] word: &str) {
    let mut desk = Desk::at(OPEN);
    let last = desk.last("MSFT");
    for make in [
        (|request, price| stop(request, price)) as fn(OrderRequest, Decimal) -> OrderRequest,
        |request, price| stop_limit(request, price, price),
    ] {
        let price = match side {
            Side::Buy => (last + dec(off)).trunc_with_scale(2),
            Side::Sell => (last + dec(off) + dec("0.009")).trunc_with_scale(2),
        };
        let error = desk.place(make(order("MSFT", side, "1"), price)).unwrap_err();
        assert_eq!(error.message, format!("stop price must be {word} than current price"));
        assert_eq!(error.extra["market_price"], last.to_string());
        assert_eq!(error.extra["stop_price"], price.to_string());
    }
}

#[rstest]
#[case::no_stop(
    OrderRequest { order_type: OrderType::Stop, ..buy("AAPL", "1") },
    "stop orders require a stop price"
)]
#[case::no_limit(
    OrderRequest { order_type: OrderType::StopLimit, stop_price: Some(dec("900")), ..buy("AAPL", "1") },
    "stop limit orders require both stop and limit price"
)]
#[case::tick(
    stop(buy("AAPL", "1"), dec("900.001")),
    "invalid stop_price 900.001. sub-penny increment does not fulfill minimum pricing criteria"
)]
#[case::no_trail(
    trailing(buy("AAPL", "1"), None, None),
    "trailing stop orders must specify one of trail_price or trail_percent"
)]
#[case::two_trails(
    trailing(buy("AAPL", "1"), Some("1"), Some("1")),
    "trailing stop orders must specify one of trail_price or trail_percent"
)]
#[case::fraction(
    trailing(buy("AAPL", "1.5"), Some("1"), None),
    "fractional orders cannot be trailing stop orders"
)]
#[case::extended(
    OrderRequest { extended_hours: true, ..stop(buy("AAPL", "1"), dec("900")) },
    "extended hours order must be DAY or GTC limit orders"
)]
#[case::ioc(
    OrderRequest { time_in_force: TimeInForce::Ioc, ..stop(buy("AAPL", "1"), dec("900")) },
    "stop orders must be DAY or GTC orders"
)]
#[case::trailing_opg(
    OrderRequest { time_in_force: TimeInForce::Opg, ..trailing(buy("AAPL", "1"), Some("1"), None) },
    "trailing_stop orders must be DAY or GTC orders"
)]
#[case::crypto_stop(stop(buy("BTC/USD", "1"), dec("900000")), "invalid order type for crypto order")]
#[case::crypto_trailing(
    trailing(buy("BTC/USD", "1"), Some("1"), None),
    "invalid order type for crypto order"
)]
fn a_stop_is_refused(#[case] request: OrderRequest, #[case] message: &str) {
    assert_eq!(Desk::at(OPEN).refused(request), message);
}

#[test]
fn a_stop_to_buy_reserves_more_than_its_stop_price() {
    let mut desk = Desk::at(OPEN);
    let price = (desk.last("AAPL") + dec("10")).round_dp(2);
    desk.place(stop(buy("AAPL", "10"), price)).unwrap();
    let factor = if price < dec("50") { dec("1.04") } else { dec("1.025") };
    assert_eq!(desk.power().buying_power, dec("400000") - position::to_cents(dec("10") * price * factor));
}

#[test]
fn a_crypto_stop_limit_is_triggered_at_any_hour() {
    let mut desk = Desk::at("2026-06-28T03:00:00Z");
    let last = desk.last("BTC/USD");
    let (stop_price, high) = (last + dec("20"), last * dec("2"));
    let id = desk.place(stop_limit(buy("BTC/USD", "0.1"), stop_price, high.round_dp(2))).unwrap().id;
    desk.advance("2026-07-20T00:00:00Z");
    assert_eq!(desk.order(id).status, Filled);
}

#[test]
fn an_immediate_crypto_stop_limit_waits_for_its_stop_and_then_for_nothing() {
    let mut desk = Desk::at("2026-06-28T03:00:00Z");
    let last = desk.last("BTC/USD");
    let immediate = OrderRequest { time_in_force: TimeInForce::Ioc, ..buy("BTC/USD", "0.1") };
    let id = desk.place(stop_limit(immediate, last + dec("20"), dec("1000"))).unwrap().id;
    assert_eq!(desk.order(id).status, New);
    desk.advance("2026-07-20T00:00:00Z");
    let order = desk.order(id);
    assert_eq!((order.status, order.ended_as(Canceled)), (Canceled, order.triggered_at));
    assert!(order.triggered_at.is_some());
}

#[test]
fn a_stop_in_dollars_or_fractions_works_by_the_day() {
    let mut desk = Desk::at(OPEN);
    let price = (desk.last("AAPL") + dec("0.05")).round_dp(2);
    let dollars = desk.place(stop(notional(buy("AAPL", "1"), "250.50"), price)).unwrap().id;
    let fraction = desk.place(stop(buy("AAPL", "0.25"), price)).unwrap().id;
    assert_eq!(desk.refused(stop(gtc(buy("AAPL", "0.25")), price)), "fractional orders must be DAY orders");
    desk.advance("2026-06-24T20:00:00Z");
    for id in [dollars, fraction] {
        let order = desk.order(id);
        assert!(matches!(order.status, Filled | Expired), "{order:?}");
        assert_eq!(order.status == Filled, order.triggered_at.is_some());
    }
    assert_eq!(desk.order(dollars).status, desk.order(fraction).status);
}

/// What a trailing stop must have done, trade by trade.
fn followed(
    desk: &Desk,
    text: &str,
    side: Side,
    trail: crate::market::Trail,
    from: Timestamp,
) -> Option<Timestamp> {
    let mut best = desk.broker.market.last_trade(&symbol(text), from).unwrap().price;
    for trade in desk.tape(text, from + jiff::SignedDuration::from_micros(1)) {
        let stop = trail.stop_price(side, best);
        let (hit, better) = match side {
            Side::Sell => (trade.price <= stop, best.max(trade.price)),
            Side::Buy => (trade.price >= stop, best.min(trade.price)),
        };
        if hit {
            return Some(trade.at);
        }
        best = better;
    }
    None
}

#[rstest]
#[case::dollars(Side::Sell, Some("0.75"), None)]
#[case::percent(Side::Sell, None, Some("2"))]
#[case::wide(Side::Sell, None, Some("6.5"))]
#[case::buy_dollars(Side::Buy, Some("0.75"), None)]
#[case::buy_percent(Side::Buy, None, Some("3"))]
fn a_trailing_stop_follows_the_market_and_is_triggered_when_it_turns(
    #[case] side: Side,
    #[case] dollars: Option<&str>,
    #[case] percent: Option<&str>,
) {
    let mut desk = Desk::at(OPEN);
    if side == Side::Sell {
        desk.place(buy("AAPL", "10")).unwrap();
    }
    let begin = desk.broker.now();
    let id = desk.place(trailing(gtc(order("AAPL", side, "10")), dollars, percent)).unwrap().id;
    let trail = order::trail_of(&desk.order(id).request).unwrap();
    let (best, stop_price) = desk.order(id).trailed_until(&desk.broker.market, begin).unwrap();
    assert_eq!((best, stop_price), (desk.last("AAPL"), trail.stop_price(side, desk.last("AAPL"))));
    desk.advance("2026-07-08T20:00:00Z");
    let triggered = followed(&desk, "AAPL", side, trail, begin);
    assert_eq!(desk.order(id).triggered_at, triggered);
    assert_eq!(desk.order(id).status == Filled, triggered.is_some());
}

#[test]
fn the_mark_of_a_trailing_stop_is_the_best_trade_so_far() {
    let mut desk = Desk::at(OPEN);
    desk.place(buy("AAPL", "1")).unwrap();
    let begin = desk.broker.now();
    let id = desk.place(trailing(gtc(sell("AAPL", "1")), None, Some("40"))).unwrap().id;
    desk.advance("2026-06-25T15:00:30Z");
    let highest = desk.tape("AAPL", begin).iter().map(|trade| trade.price).max().unwrap();
    let (best, stop_price) = desk.order(id).trailed_until(&desk.broker.market, desk.broker.now()).unwrap();
    assert_eq!(best, highest.max(desk.order(id).trailed.as_ref().unwrap().best));
    assert!(stop_price <= best * dec("0.6") && stop_price > best * dec("0.6") - dec("0.01"));
    // Replaced, it keeps its mark; canceled, the mark stands still.
    let (account, replacement) = (desk.account, desk.id());
    let changes = OrderChanges { trail: Some(dec("41")), ..OrderChanges::default() };
    desk.apply(&Command::ReplaceOrder { account, order: id, replacement, changes }).unwrap();
    assert_eq!(desk.order(id).status, Replaced);
    assert_eq!(desk.order(replacement).trailed.as_ref().unwrap().best, best);
    assert_eq!(desk.order(replacement).request.trail_percent, Some(dec("41")));
    desk.apply(&Command::CancelOrder { account, order: replacement }).unwrap();
    desk.advance("2026-08-25T15:00:30Z");
    let later = desk.order(replacement).trailed_until(&desk.broker.market, desk.broker.now()).unwrap();
    assert_eq!(later.0, best);
}

#[rstest]
#[case(OrderChanges { trail: Some(dec("1")), ..OrderChanges::default() }, "only trailing stop orders take trail_price or trail_percent")]
#[case(OrderChanges { limit_price: Some(dec("1")), ..OrderChanges::default() }, "stop orders require no limit price")]
fn a_replaced_stop_keeps_its_kind(#[case] changes: OrderChanges, #[case] message: &str) {
    let mut desk = Desk::at(OPEN);
    let price = (desk.last("AAPL") + dec("10")).round_dp(2);
    let id = desk.place(stop(buy("AAPL", "10"), price)).unwrap().id;
    let (account, replacement) = (desk.account, desk.id());
    let replace = |changes| Command::ReplaceOrder { account, order: id, replacement, changes };
    assert_eq!(desk.apply(&replace(changes)).unwrap_err().message, message);
    let low = OrderChanges { stop_price: Some(dec("1")), ..OrderChanges::default() };
    assert!(desk.apply(&replace(low)).unwrap_err().message.contains("greater than current price"));
    let high = OrderChanges { stop_price: Some(price + dec("1")), ..OrderChanges::default() };
    desk.apply(&replace(high)).unwrap();
    assert_eq!(desk.order(replacement).request.stop_price, Some(price + dec("1")));
}

#[test]
fn a_stop_against_a_resting_order_is_a_wash_trade_and_a_trailing_stop_is_not() {
    let mut desk = Desk::at(OPEN);
    desk.place(buy("AAPL", "10")).unwrap();
    let last = desk.last("AAPL");
    let low = (last - dec("5")).round_dp(2);
    let resting = desk.place(stop(gtc(sell("AAPL", "5")), low)).unwrap().id;
    let error = desk.place(limit(buy("AAPL", "1"), dec("1"))).unwrap_err();
    assert_eq!(error.extra["existing_order_id"], resting.to_string());
    assert_eq!(error.extra["reject_reason"], "opposite side market/stop order exists");
    let account = desk.account;
    desk.apply(&Command::CancelOrder { account, order: resting }).unwrap();
    desk.place(trailing(gtc(sell("AAPL", "5")), None, Some("50"))).unwrap();
    desk.place(limit(buy("AAPL", "1"), dec("1"))).unwrap();
}
