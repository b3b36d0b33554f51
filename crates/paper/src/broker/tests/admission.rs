//! What the broker refuses, and in which words.

use rstest::rstest;

use super::*;
use crate::broker::account::Standing;
use crate::broker::names::own_name;

fn configure(desk: &mut Desk, change: impl FnOnce(&mut paddock_alpaca::wire::AccountConfiguration)) {
    let mut configuration = desk.account().configuration.clone();
    change(&mut configuration);
    let account = desk.account;
    desk.apply(&Command::Configure { account, configuration }).unwrap();
}

#[rstest]
#[case::unknown(buy("ZZZZZ", "1"), "asset \"ZZZZZ\" not found")]
#[case::coin_for_coin(buy("ETH/BTC", "1"), "asset \"ETH/BTC\" is not tradable")]
#[case::option(buy("AAPL261218C00150000", "1"), "asset class us_option is not offered by this paper broker")]
#[case::zero(buy("AAPL", "0"), "qty must be > 0")]
#[case::little(notional(buy("AAPL", "1"), "0.99"), "notional must be >= 1.00")]
#[case::fractions_of_cents(
    notional(buy("AAPL", "1"), "10.001"),
    "notional must be limited to 2 decimal places"
)]
#[case::fraction_gtc(gtc(buy("AAPL", "1.5")), "fractional orders must be DAY orders")]
#[case::fraction_short(sell("AAPL", "1.5"), "fractional orders cannot be sold short")]
#[case::dollars_short(notional(sell("AAPL", "1"), "100"), "fractional orders cannot be sold short")]
#[case::penny(
    limit(buy("AAPL", "1"), dec("290.123")),
    "invalid limit_price 290.123. sub-penny increment does not fulfill minimum pricing criteria"
)]
#[case::extended_market(
    OrderRequest { extended_hours: true, ..buy("AAPL", "1") },
    "extended hours order must be DAY or GTC limit orders"
)]
#[case::crypto_day(
    OrderRequest { time_in_force: TimeInForce::Day, ..buy("BTC/USD", "1") },
    "invalid crypto time_in_force"
)]
#[case::crypto_little(
    limit(buy("BTC/USD", "0.001"), dec("9000")),
    "cost basis must be >= minimal amount of order 10"
)]
#[case::crypto_short(sell("BTC/USD", "1"), "insufficient balance for BTC (requested: 1, available: 0)")]
fn a_fresh_account_is_refused(#[case] request: OrderRequest, #[case] message: &str) {
    assert_eq!(Desk::at(OPEN).refused(request), message);
}

#[rstest]
#[case::buys_for_more_than_ten_times(Side::Buy, "10.1", true)]
#[case::buys_for_nine_times(Side::Buy, "9.9", false)]
#[case::buys_for_next_to_nothing(Side::Buy, "0.01", false)]
#[case::sells_for_less_than_a_tenth(Side::Sell, "0.09", true)]
#[case::sells_for_a_tenth(Side::Sell, "0.11", false)]
#[case::sells_for_a_dream(Side::Sell, "9", false)]
fn a_limit_far_through_the_market_is_a_slip(#[case] side: Side, #[case] factor: &str, #[case] refused: bool) {
    let mut desk = Desk::at(OPEN);
    let price = (desk.quote("AAPL").bid * dec(factor)).round_dp(2);
    let placed = desk.place(limit(order("AAPL", side, "1"), price));
    match placed {
        Ok(_) => assert!(!refused),
        Err(error) => {
            assert!(refused, "{error}");
            assert_eq!(
                (error.status, error.message.as_ref()),
                (422, "limit price is too far from the market")
            );
            assert_eq!(error.extra["limit_price"], price.to_string());
        }
    }
}

#[test]
fn sub_dollar_prices_may_have_four_decimals() {
    let mut desk = Desk::at(OPEN);
    desk.place(limit(buy("AAPL", "1"), dec("0.1234"))).unwrap();
    assert!(desk.refused(limit(buy("AAPL", "1"), dec("0.12345"))).contains("sub-penny"));
    // Zeros at the end are no decimals.
    desk.place(limit(buy("AAPL", "1"), dec("1.5000"))).unwrap();
}

#[test]
fn buying_power_is_what_open_orders_leave() {
    let mut desk = Desk::at(OPEN);
    assert_eq!(desk.power().buying_power, dec("400000"));
    desk.place(limit(buy("AAPL", "1000"), dec("100"))).unwrap();
    assert_eq!(desk.power().buying_power, dec("300000"));
    desk.place(limit(buy("MSFT", "1000"), dec("20"))).unwrap();
    let error = desk.place(limit(buy("IBM", "10000"), dec("28.01"))).unwrap_err();
    assert_eq!(
        String::from_utf8(error.to_body()).unwrap(),
        r#"{"buying_power":"280000","code":40310000,"cost_basis":"280100.00","message":"insufficient buying power"}"#
    );
    desk.place(limit(buy("IBM", "10000"), dec("28"))).unwrap();
    assert_eq!(desk.power().buying_power, Decimal::ZERO);
}

#[test]
fn a_fresh_account_shows_what_a_real_one_shows() {
    let power = Desk::at(OPEN).power();
    assert_eq!(power.buying_power, dec("400000"));
    assert_eq!(power.regt_buying_power, dec("200000"));
    assert_eq!(power.non_marginable_buying_power, dec("100000"));
}

#[test]
fn a_market_buy_is_taken_to_cost_more_than_the_ask() {
    let desk = Desk::at(OPEN);
    let ask = desk.quote("AAPL").ask;
    let cash = (ask * dec("1.01")).trunc_with_scale(2).to_string();
    let mut desk = Desk::with_cash(OPEN, &cash);
    assert_eq!(desk.refused(buy("AAPL", "1")), "insufficient buying power");
    desk.place(limit(buy("AAPL", "1"), ask)).unwrap();
}

#[test]
fn crypto_takes_cash_and_not_margin() {
    let mut desk = Desk::at(OPEN);
    let refused = desk.refused(limit(buy("BTC/USD", "2"), dec("50000.01")));
    assert_eq!(refused, "insufficient balance for USD (requested: 100000.02, available: 100000)");
    desk.place(limit(buy("BTC/USD", "1"), dec("50000"))).unwrap();
    assert_eq!(desk.power().non_marginable_buying_power, dec("50000"));
    assert_eq!(desk.power().buying_power, dec("200000"));
}

#[test]
fn shares_that_an_order_holds_cannot_be_sold_again() {
    let mut desk = Desk::at(OPEN);
    desk.place(buy("AAPL", "37")).unwrap();
    let high = desk.quote("AAPL").ask + dec("100");
    let first = desk.place(limit(sell("AAPL", "30"), high)).unwrap().id;
    let error = desk.place(limit(sell("AAPL", "8"), high)).unwrap_err();
    assert_eq!(
        String::from_utf8(error.to_body()).unwrap(),
        format!(
            r#"{{"available":"7","code":40310000,"existing_qty":"37","held_for_orders":"30","message":"insufficient qty available for order (requested: 8, available: 7)","related_orders":["{first}"],"symbol":"AAPL"}}"#
        )
    );
    desk.place(limit(sell("AAPL", "7"), high)).unwrap();
}

#[test]
fn a_short_sale_needs_margin_a_lender_and_permission() {
    let mut desk = Desk::at(OPEN);
    desk.place(sell("AAPL", "10")).unwrap();
    assert_eq!(desk.account().position(&symbol("AAPL")).quantity, dec("-10"));
    assert!(desk.refused(sell("AAPL", "1000000")).contains("insufficient buying power"));
    assert!(desk.refused(buy("AAPL", "11")).starts_with("insufficient qty available"));
    desk.place(buy("AAPL", "10")).unwrap();
    assert!(desk.account().positions.is_empty());

    let hard = desk
        .broker
        .market
        .assets()
        .iter()
        .find(|asset| !asset.shortable && asset.symbol.class() == paddock_core::AssetClass::UsEquity);
    let hard = hard.unwrap().symbol.to_string();
    assert_eq!(desk.refused(sell(&hard, "1")), format!("asset \"{hard}\" cannot be sold short"));
    configure(&mut desk, |configuration| configuration.no_shorting = true);
    assert_eq!(desk.refused(sell("AAPL", "1")), "account is not allowed to short");
    let mut poor = Desk::with_cash(OPEN, "1999.99");
    assert_eq!(poor.refused(sell("AAPL", "1")), "account is not allowed to short");
}

#[test]
fn one_side_at_a_time() {
    let mut desk = Desk::at(OPEN);
    desk.place(limit(buy("AAPL", "1"), dec("10"))).unwrap();
    let high = desk.quote("AAPL").ask + dec("100");
    let refused = desk.refused(limit(sell("AAPL", "1"), high));
    assert_eq!(refused, "cannot open a short sell while a long buy order is open");

    let mut desk = Desk::at(OPEN);
    desk.place(limit(sell("AAPL", "1"), high)).unwrap();
    let refused = desk.refused(limit(buy("AAPL", "1"), dec("10")));
    assert_eq!(refused, "cannot open a long buy while a short sell order is open");
}

#[test]
fn an_account_does_not_trade_with_itself() {
    let mut desk = Desk::at(OPEN);
    desk.place(buy("AAPL", "10")).unwrap();
    let high = desk.quote("AAPL").ask + dec("100");
    let resting = desk.place(limit(sell("AAPL", "5"), high)).unwrap().id;
    let error = desk.place(buy("AAPL", "1")).unwrap_err();
    assert_eq!(error.message, "potential wash trade detected. use complex orders");
    assert_eq!(error.extra["existing_order_id"], resting.to_string());
    assert_eq!(error.extra["reject_reason"], "opposite side limit order exists");
    assert!(desk.refused(limit(buy("AAPL", "1"), high)).starts_with("potential wash trade"));
    desk.place(limit(buy("AAPL", "1"), high - dec("0.01"))).unwrap();

    let mut night = Desk::at(SHUT);
    let queued = night.place(sell("AAPL", "1")).unwrap().id;
    let account = night.account;
    let error = night.place(limit(buy("AAPL", "1"), dec("1"))).unwrap_err();
    assert_eq!(error.message, "cannot open a long buy while a short sell order is open");
    night.apply(&Command::CancelOrder { account, order: queued }).unwrap();
}

#[test]
fn a_client_order_id_is_used_up_for_ever() {
    let mut desk = Desk::at(OPEN);
    let account = desk.account;
    let mine =
        || OrderRequest { client_order_id: Some("mine".to_owned()), ..limit(buy("AAPL", "1"), dec("1")) };
    let id = desk.place(mine()).unwrap().id;
    assert_eq!(desk.refused(mine()), "client_order_id must be unique");
    desk.apply(&Command::CancelOrder { account, order: id }).unwrap();
    assert_eq!(desk.refused(mine()), "client_order_id must be unique");
}

#[test]
fn the_names_that_the_broker_gives_are_names_like_any_other() {
    let mut desk = Desk::at(OPEN);
    let order = || limit(buy("AAPL", "1"), dec("1"));
    let ids: Vec<Uuid> = (0..3).map(|_| desk.place(order()).unwrap().id).collect();
    let names: Vec<String> = ids.iter().map(|id| desk.order(*id).client_order_id().into_owned()).collect();
    let found = |desk: &Desk, name: &str| {
        let account = desk.broker.account(desk.account).unwrap();
        account.order_by_client_order_id(name).map(|order| order.id)
    };
    for (id, name) in ids.iter().zip(&names) {
        assert_eq!(found(&desk, name), Some(*id));
    }
    assert_eq!(found(&desk, &names[0].to_uppercase()), None);
    // One that comes after the first look is found as well.
    let later = desk.place(order()).unwrap().id;
    let name = desk.order(later).client_order_id().into_owned();
    assert_eq!(found(&desk, &name), Some(later));
    // A client cannot give such a name again.
    let again = OrderRequest { client_order_id: Some(name), ..order() };
    assert_eq!(desk.refused(again), "client_order_id must be unique");
}

#[test]
fn a_name_that_the_broker_would_give_may_be_taken_before() {
    let mut desk = Desk::at(OPEN);
    let (account, next) = (desk.account, Uuid::from_u128(77));
    let name = own_name(next).to_string();
    let taken = OrderRequest { client_order_id: Some(name), ..limit(buy("AAPL", "1"), dec("1")) };
    desk.place(taken).unwrap();
    let request = Box::new(limit(buy("AAPL", "1"), dec("1")));
    let place = Command::PlaceOrder { account, order: next, request, intent: None };
    assert_eq!(desk.apply(&place).unwrap_err().message, "client_order_id must be unique");
}

#[rstest]
#[case(Standing { status: "INACTIVE".to_owned(), ..Standing::active() })]
#[case(Standing { trading_blocked: true, ..Standing::active() })]
#[case(Standing { account_blocked: true, ..Standing::active() })]
fn an_account_that_may_not_trade_does_not(#[case] standing: Standing) {
    let mut desk = Desk::at(OPEN);
    let account = desk.account;
    desk.apply(&Command::SetStanding { account, standing }).unwrap();
    assert_eq!(desk.refused(buy("AAPL", "1")), "account is not authorized to trade");
}

#[test]
fn an_account_that_is_restricted_to_liquidation_only_closes() {
    let mut desk = Desk::at(OPEN);
    let account = desk.account;
    desk.place(buy("AAPL", "10")).unwrap();
    let standing = Standing { liquidation_only: true, ..Standing::active() };
    desk.apply(&Command::SetStanding { account, standing }).unwrap();
    for request in [buy("AAPL", "1"), buy("MSFT", "1"), sell("MSFT", "1")] {
        assert_eq!(desk.refused(request), "account is restricted to liquidation only");
    }
    desk.place(sell("AAPL", "10")).unwrap();
    assert!(desk.account().positions.is_empty());
}

#[test]
fn its_user_may_stop_trading_or_fractions_and_set_the_multiplier() {
    let mut desk = Desk::at(OPEN);
    configure(&mut desk, |configuration| configuration.fractional_trading = false);
    assert_eq!(desk.refused(buy("AAPL", "0.5")), "fractional trading is disabled for this account");
    configure(&mut desk, |configuration| configuration.max_margin_multiplier = "1".to_owned());
    assert_eq!(desk.power().buying_power, dec("100000"));
    configure(&mut desk, |configuration| configuration.suspend_trade = true);
    assert!(desk.refused(buy("AAPL", "1")).contains("suspended"));
}

#[test]
fn a_refusal_changes_nothing() {
    let mut desk = Desk::at(OPEN);
    let before = format!("{:?}", desk.account());
    desk.refused(buy("AAPL", "100000000"));
    assert_eq!(format!("{:?}", desk.account()), before);
}
