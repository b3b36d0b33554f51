//! Bracket, OCO and OTO orders.

use paddock_alpaca::wire::OrderStatus::{
    Accepted, Canceled, Expired, Filled, Held, New, PendingNew, Replaced,
};
use paddock_core::order::{StopLoss, TakeProfit};
use rstest::rstest;

use super::*;
use crate::broker::command::OrderChanges;

fn with_exits(
    class: OrderClass,
    request: OrderRequest,
    take_profit: Option<Decimal>,
    stop_loss: Option<Decimal>,
) -> OrderRequest {
    OrderRequest {
        order_class: class,
        take_profit: take_profit.map(|limit_price| TakeProfit { limit_price: limit_price.round_dp(2) }),
        stop_loss: stop_loss
            .map(|stop_price| StopLoss { stop_price: stop_price.round_dp(2), limit_price: None }),
        ..request
    }
}

fn bracket(request: OrderRequest, take_profit: Decimal, stop_loss: Decimal) -> OrderRequest {
    with_exits(OrderClass::Bracket, request, Some(take_profit), Some(stop_loss))
}

fn oco(request: OrderRequest, take_profit: Decimal, stop_loss: Decimal) -> OrderRequest {
    let take_profit = take_profit.round_dp(2);
    with_exits(OrderClass::Oco, limit(request, take_profit), Some(take_profit), Some(stop_loss))
}

impl Desk {
    fn ask(&self) -> Decimal {
        self.quote("AAPL").ask
    }

    /// Places an order with exits, and tells its id and theirs.
    fn place_family(&mut self, request: OrderRequest) -> (Uuid, Vec<Uuid>) {
        let (order, account) = (self.id(), self.account);
        let place = Command::PlaceOrder { account, order, request: Box::new(request), intent: None };
        match self.apply(&place).unwrap() {
            Reply::Family { order, exits } => (order.id, exits.iter().map(|exit| exit.id).collect()),
            other => panic!("{other:?}"),
        }
    }

    fn statuses(&self, ids: &[Uuid]) -> Vec<paddock_alpaca::wire::OrderStatus> {
        ids.iter().map(|id| self.order(*id).status).collect()
    }

    fn refused_family(&mut self, request: OrderRequest) -> AlpacaError {
        let (order, account) = (self.id(), self.account);
        self.apply(&Command::PlaceOrder { account, order, request: Box::new(request), intent: None })
            .unwrap_err()
    }
}

#[test]
fn the_exits_of_a_bracket_are_held_until_its_entry_is_filled() {
    let mut desk = Desk::at(OPEN);
    let ask = desk.ask();
    let entry = limit(gtc(buy("AAPL", "10")), (ask - dec("0.50")).round_dp(2));
    let (id, exits) = desk.place_family(bracket(entry, ask * dec("1.5"), ask * dec("0.5")));
    assert_eq!(desk.statuses(&exits), [Held, Held]);
    let [take_profit, stop_loss] = [desk.order(exits[0]), desk.order(exits[1])];
    assert_eq!((take_profit.request.order_type, take_profit.request.side), (OrderType::Limit, Side::Sell));
    assert_eq!((stop_loss.request.order_type, stop_loss.request.side), (OrderType::Stop, Side::Sell));
    assert_eq!((desk.order(id).legs(), take_profit.parent()), (exits.as_slice(), Some(id)));
    // Only the entry reserves anything.
    assert!(desk.power().buying_power > dec("400000") - dec("11") * ask);
    let filled = desk.order(id).due_at.unwrap();
    desk.broker.advance(filled);
    assert_eq!(desk.order(id).status, Filled);
    assert_eq!(desk.statuses(&exits), [New, Held]);
    assert_eq!(desk.account().held(&symbol("AAPL")), dec("10"), "both exits are for the same shares");
    assert!(desk.refused(sell("AAPL", "1")).starts_with("insufficient qty available"));
}

#[rstest]
#[case::take_profit("1.005", "0.5", 0)]
#[case::stop_loss("2", "0.995", 1)]
fn one_exit_cancels_the_other(#[case] profit: &str, #[case] loss: &str, #[case] which: usize) {
    let mut desk = Desk::at(OPEN);
    let ask = desk.ask();
    let (id, exits) = desk.place_family(bracket(gtc(buy("AAPL", "10")), ask * dec(profit), ask * dec(loss)));
    assert_eq!(desk.statuses(&[id, exits[0], exits[1]]), [Filled, New, Held]);
    desk.advance("2026-09-20T00:00:00Z");
    assert_eq!((desk.order(exits[which]).status, desk.order(exits[1 - which]).status), (Filled, Canceled));
    assert!(desk.account().positions.is_empty());
    assert_eq!(desk.order(exits[which]).ended_as(Filled), desk.order(exits[1 - which]).ended_as(Canceled));
}

#[test]
fn a_short_bracket_buys_back() {
    let mut desk = Desk::at(OPEN);
    let bid = desk.quote("AAPL").bid;
    let (_, exits) =
        desk.place_family(bracket(gtc(sell("AAPL", "10")), bid * dec("0.5"), bid * dec("1.005")));
    assert_eq!(desk.account().position(&symbol("AAPL")).quantity, dec("-10"));
    desk.advance("2026-09-20T00:00:00Z");
    assert_eq!(desk.statuses(&exits), [Canceled, Filled]);
    assert!(desk.account().positions.is_empty());
}

#[rstest]
#[case::entry(0)]
#[case::take_profit(1)]
#[case::stop_loss(2)]
fn who_cancels_one_cancels_all_of_them(#[case] which: usize) {
    for awake in [false, true] {
        let mut desk = Desk::at(OPEN);
        let (ask, account) = (desk.ask(), desk.account);
        let entry = if awake { gtc(buy("AAPL", "1")) } else { limit(gtc(buy("AAPL", "1")), dec("2")) };
        let base = if awake { ask } else { dec("2") };
        let (id, exits) = desk.place_family(bracket(entry, base * dec("3"), base / dec("2")));
        let all = [id, exits[0], exits[1]];
        let result = desk.apply(&Command::CancelOrder { account, order: all[which] });
        if awake && which == 0 {
            assert_eq!(result.unwrap_err().message, "order is already in \"filled\" state");
            continue;
        }
        result.unwrap();
        assert_eq!(desk.statuses(&all), [if awake { Filled } else { Canceled }, Canceled, Canceled]);
        assert_eq!(desk.account().held(&symbol("AAPL")), Decimal::ZERO);
    }
}

#[test]
fn orders_with_exits_are_no_wash_trades() {
    let mut desk = Desk::at(OPEN);
    let ask = desk.ask();
    desk.place_family(bracket(gtc(buy("AAPL", "10")), ask * dec("1.5"), ask * dec("0.5")));
    // Both exits sell, and the plain order buys.
    desk.place(buy("AAPL", "1")).unwrap();
    // A plain order that rests on the other side does not hinder a bracket either.
    let mut desk = Desk::at(OPEN);
    desk.place(buy("AAPL", "10")).unwrap();
    desk.place(limit(gtc(sell("AAPL", "10")), (ask * dec("2")).round_dp(2))).unwrap();
    desk.place_family(bracket(gtc(buy("AAPL", "1")), ask * dec("1.5"), ask * dec("0.5")));
}

#[test]
fn an_entry_may_be_a_stop_itself() {
    let mut desk = Desk::at(OPEN);
    let last = desk.broker.market.last_trade(&symbol("AAPL"), desk.broker.now()).unwrap().price;
    let entry = OrderRequest {
        order_type: OrderType::Stop,
        stop_price: Some((last + dec("0.30")).round_dp(2)),
        ..gtc(buy("AAPL", "10"))
    };
    let near = desk.refused_family(bracket(entry.clone(), last + dec("0.20"), last / dec("2")));
    assert_eq!(near.message, "take_profit.limit_price must be >= base_price + 0.01");
    let (id, exits) = desk.place_family(bracket(entry, last * dec("3"), last / dec("3")));
    assert_eq!(desk.statuses(&[id, exits[0], exits[1]]), [New, Held, Held]);
    desk.advance("2026-09-01T00:00:00Z");
    assert_eq!(desk.statuses(&[id, exits[0], exits[1]]), [Filled, New, Held]);
}

#[test]
fn an_entry_that_expires_takes_its_exits_with_it() {
    let mut desk = Desk::at(OPEN);
    let (id, exits) = desk.place_family(bracket(limit(buy("AAPL", "1"), dec("2")), dec("3"), dec("1")));
    desk.advance("2026-06-24T20:00:00Z");
    assert_eq!(desk.statuses(&[id, exits[0], exits[1]]), [Expired, Canceled, Canceled]);
    let ask = desk.ask();
    desk.advance("2026-06-25T14:00:00Z");
    let (_, exits) = desk.place_family(bracket(buy("AAPL", "1"), ask * dec("3"), ask / dec("2")));
    desk.advance("2026-06-25T20:00:00Z");
    assert_eq!(desk.statuses(&exits), [Expired, Expired]);
}

#[test]
fn canceling_everything_tells_of_every_order_once() {
    let mut desk = Desk::at(OPEN);
    let account = desk.account;
    let (id, exits) = desk.place_family(bracket(limit(buy("AAPL", "1"), dec("2")), dec("3"), dec("1")));
    let reply = desk.apply(&Command::CancelAllOrders { account }).unwrap();
    assert_eq!(reply, Reply::Canceled(vec![id, exits[0], exits[1]]));
}

#[test]
fn both_exits_of_an_oco_wait_and_one_cancels_the_other() {
    for (profit, loss, which) in [("1.005", "0.5", 0), ("2", "0.995", 1)] {
        let mut desk = Desk::at(OPEN);
        desk.place(buy("AAPL", "10")).unwrap();
        let bid = desk.quote("AAPL").bid;
        let request = oco(gtc(sell("AAPL", "10")), bid * dec(profit), bid * dec(loss));
        let (id, exits) = desk.place_family(request);
        assert_eq!((desk.order(id).status, desk.order(exits[0]).status), (New, Held));
        assert_eq!(desk.account().held(&symbol("AAPL")), dec("10"));
        desk.advance("2026-09-20T00:00:00Z");
        let ends = [desk.order(id).status, desk.order(exits[0]).status];
        assert_eq!((ends[which], ends[1 - which]), (Filled, Canceled));
        assert!(desk.account().positions.is_empty());
    }
}

#[test]
fn an_oco_of_the_night_waits_for_the_opening() {
    let mut desk = Desk::at(OPEN);
    desk.place(buy("AAPL", "10")).unwrap();
    desk.advance("2026-06-25T01:00:00Z");
    let bid = desk.quote("AAPL").bid;
    let (id, exits) = desk.place_family(oco(gtc(sell("AAPL", "10")), bid * dec("3"), bid * dec("0.3")));
    assert_eq!(desk.statuses(&[id, exits[0]]), [Accepted, Held]);
    desk.advance("2026-06-25T13:30:00Z");
    assert_eq!(desk.statuses(&[id, exits[0]]), [New, Held]);
}

#[rstest]
#[case::take_profit(Some("3"), None, OrderType::Limit)]
#[case::stop_loss(None, Some("0.3"), OrderType::Stop)]
fn the_only_exit_of_an_oto_is_a_plain_order_once_it_wakes(
    #[case] profit: Option<&str>,
    #[case] loss: Option<&str>,
    #[case] kind: OrderType,
) {
    let mut desk = Desk::at(OPEN);
    let ask = desk.ask();
    let price = |factor: &str| ask * dec(factor);
    let request = with_exits(OrderClass::Oto, gtc(buy("AAPL", "5")), profit.map(price), loss.map(price));
    let (id, exits) = desk.place_family(request);
    assert_eq!(desk.statuses(&[id, exits[0]]), [Filled, New]);
    assert_eq!(desk.order(exits[0]).request.order_type, kind);
    assert_eq!(desk.account().held(&symbol("AAPL")), dec("5"));
}

#[test]
fn exits_are_beyond_the_price_of_their_entry() {
    let mut desk = Desk::at(OPEN);
    let long = |profit: &str, loss: &str| bracket(limit(buy("AAPL", "1"), dec("5")), dec(profit), dec(loss));
    let error = desk.refused_family(long("5", "4"));
    assert_eq!(error.message, "take_profit.limit_price must be >= base_price + 0.01");
    assert_eq!(error.extra["base_price"], "5");
    let error = desk.refused_family(long("6", "5"));
    assert_eq!(error.message, "stop_loss.stop_price must be <= base_price - 0.01");
    desk.place_family(long("5.01", "4.99"));

    let mut desk = Desk::at(OPEN);
    let short =
        |profit: &str, loss: &str| bracket(limit(sell("AAPL", "1"), dec("900")), dec(profit), dec(loss));
    let error = desk.refused_family(short("900", "950"));
    assert_eq!(error.message, "take_profit.limit_price must be <= base_price - 0.01");
    let error = desk.refused_family(short("800", "900"));
    assert_eq!(error.message, "stop_loss.stop_price must be >= base_price + 0.01");
    desk.place_family(short("899.99", "900.01"));
}

#[rstest]
#[case::crypto(
    bracket(buy("BTC/USD", "1"), dec("900000"), dec("1")),
    "crypto orders not allowed for advanced order_class: bracket"
)]
#[case::fraction(
    bracket(buy("AAPL", "1.5"), dec("900"), dec("1")),
    "fractional orders must be simple orders"
)]
#[case::ioc(
    bracket(OrderRequest { time_in_force: TimeInForce::Ioc, ..buy("AAPL", "1") }, dec("900"), dec("1")),
    "bracket orders must be DAY or GTC orders"
)]
#[case::extended(
    bracket(
        OrderRequest { extended_hours: true, ..limit(buy("AAPL", "1"), dec("5")) }, dec("900"), dec("1")
    ),
    "extended hours order must be DAY or GTC limit orders"
)]
#[case::trailing(
    bracket(
        OrderRequest {
            order_type: OrderType::TrailingStop, trail_price: Some(dec("1")), ..buy("AAPL", "1")
        },
        dec("900"),
        dec("1")
    ),
    "trailing stop orders must be simple orders"
)]
#[case::tick(
    OrderRequest {
        take_profit: Some(TakeProfit { limit_price: dec("900.001") }),
        ..bracket(buy("AAPL", "1"), dec("900"), dec("1"))
    },
    "invalid take_profit.limit_price 900.001. sub-penny increment does not fulfill minimum pricing criteria"
)]
#[case::oco_entry(oco(sell("AAPL", "1"), dec("900"), dec("1")), "oco orders must be exit orders")]
#[case::mleg(
    OrderRequest { order_class: OrderClass::Mleg, ..buy("AAPL", "1") },
    "order class mleg is not offered by this paper broker"
)]
fn a_family_is_refused(#[case] request: OrderRequest, #[case] message: &str) {
    assert_eq!(Desk::at(OPEN).refused(request), message);
}

#[test]
fn a_bracket_enters_and_an_oco_leaves() {
    let mut desk = Desk::at(OPEN);
    desk.place(buy("AAPL", "10")).unwrap();
    let bid = desk.quote("AAPL").bid;
    for (class, name) in [(OrderClass::Bracket, "bracket"), (OrderClass::Oto, "oto")] {
        let stop_loss = (class == OrderClass::Bracket).then_some(bid * dec("2"));
        let request = with_exits(class, sell("AAPL", "1"), Some(bid / dec("2")), stop_loss);
        assert_eq!(desk.refused_family(request).message, format!("{name} orders must be entry orders"));
    }
    let crossed = desk.refused_family(oco(sell("AAPL", "1"), bid * dec("0.5"), bid * dec("0.9")));
    assert_eq!(crossed.message, "take_profit.limit_price must be >= stop_loss.stop_price + 0.01");
    let above = desk.refused_family(oco(sell("AAPL", "1"), bid * dec("3"), bid * dec("2")));
    assert_eq!(above.message, "stop price must be less than current price");
}

#[test]
fn prices_of_a_family_can_be_replaced_and_nothing_else() {
    let mut desk = Desk::at(OPEN);
    let account = desk.account;
    let (id, exits) = desk.place_family(bracket(limit(gtc(buy("AAPL", "1")), dec("5")), dec("6"), dec("4")));
    let replace =
        |order, replacement, changes| Command::ReplaceOrder { account, order, replacement, changes };
    let limit_price = |price: &str| OrderChanges { limit_price: Some(dec(price)), ..OrderChanges::default() };
    let stop_price = |price: &str| OrderChanges { stop_price: Some(dec(price)), ..OrderChanges::default() };
    let [profit, loss, entry] = [desk.id(), desk.id(), desk.id()];
    let more = OrderChanges { quantity: Some(dec("2")), ..OrderChanges::default() };
    let error = desk.apply(&replace(id, entry, more)).unwrap_err();
    assert_eq!(error.message, "only prices of bracket, oco and oto orders can be replaced");
    let error = desk.apply(&replace(exits[0], profit, limit_price("5"))).unwrap_err();
    assert_eq!(error.message, "take_profit.limit_price must be >= base_price + 0.01");
    desk.apply(&replace(exits[0], profit, limit_price("7"))).unwrap();
    desk.apply(&replace(exits[1], loss, stop_price("3.50"))).unwrap();
    assert_eq!(desk.statuses(&[exits[0], profit, exits[1], loss]), [Replaced, Held, Replaced, Held]);
    let low = desk.apply(&replace(id, entry, limit_price("3"))).unwrap_err();
    assert_eq!(low.message, "stop_loss.stop_price must be <= base_price - 0.01");
    desk.apply(&replace(id, entry, limit_price("5.50"))).unwrap();
    assert_eq!((desk.order(entry).legs(), desk.order(id).legs().len()), ([profit, loss].as_slice(), 0));
    // The new members cancel each other as the old ones did.
    desk.apply(&Command::CancelOrder { account, order: loss }).unwrap();
    assert_eq!(desk.statuses(&[entry, profit, loss]), [Canceled, Canceled, Canceled]);
}

#[test]
fn an_awake_stop_loss_is_moved_by_replacing_it() {
    let mut desk = Desk::at(OPEN);
    let (ask, account) = (desk.ask(), desk.account);
    let (_, exits) = desk.place_family(bracket(gtc(buy("AAPL", "10")), ask * dec("3"), ask * dec("0.5")));
    let replacement = desk.id();
    let near = OrderChanges { stop_price: Some((ask * dec("0.995")).round_dp(2)), ..OrderChanges::default() };
    desk.apply(&Command::ReplaceOrder { account, order: exits[1], replacement, changes: near }).unwrap();
    assert_eq!(desk.order(replacement).status, Held);
    desk.advance("2026-09-20T00:00:00Z");
    assert_eq!(desk.statuses(&[exits[0], replacement]), [Canceled, Filled]);
    assert!(desk.account().positions.is_empty());
}

#[test]
fn a_reply_shows_a_family_as_it_was_accepted() {
    let mut desk = Desk::at(OPEN);
    let (ask, account, order) = (desk.ask(), desk.account, desk.id());
    let request = Box::new(bracket(buy("AAPL", "1"), ask * dec("2"), ask / dec("2")));
    let reply = desk.apply(&Command::PlaceOrder { account, order, request, intent: None }).unwrap();
    let Reply::Family { order, exits } = reply else { panic!("{reply:?}") };
    assert_eq!((order.status, exits[0].status, exits[1].status), (PendingNew, Held, Held));
}
