//! What live accounts pay and paper accounts do not.

use rstest::rstest;

use super::*;
use crate::broker::activity::ActivityEvent;
use crate::broker::fees::Regulatory;

#[rstest]
#[case(Environment::Live, 2)]
#[case(Environment::Paper, 0)]
fn regulatory_fees_are_taken_when_the_day_ends(#[case] environment: Environment, #[case] expected: usize) {
    let mut desk = Desk::of(market(), OPEN, environment);
    desk.place(buy("AAPL", "100")).unwrap();
    desk.place(sell("AAPL", "100")).unwrap();
    let due = Regulatory::ALL.map(|fee| desk.account().day_fees.due(fee));
    let in_the_day = desk.account().cash;
    desk.advance("2026-06-25T03:59:59Z");
    assert_eq!(desk.account().cash, in_the_day);
    desk.advance("2026-06-25T04:00:00Z");
    let posted: Vec<Decimal> = desk
        .account()
        .activities
        .iter()
        .filter_map(|activity| match &activity.event {
            ActivityEvent::RegulatoryFee { dollars, date, .. } => {
                assert_eq!((date.to_string().as_str(), activity.activity_type()), ("2026-06-24", "FEE"));
                assert_eq!(activity.cash, -*dollars);
                Some(*dollars)
            }
            _ => None,
        })
        .collect();
    let total: Decimal = posted.iter().sum();
    assert_eq!(posted.len(), expected);
    if environment == Environment::Live {
        // 100 shares sold, 200 traded, each rounded up; nothing for the SEC in June 2026.
        assert_eq!(posted, [dec("0.02"), dec("0.01")]);
        assert_eq!(due, [dec("0"), dec("0.02"), dec("0.01")]);
    }
    assert_eq!(desk.account().cash, in_the_day - total);
    assert_eq!(desk.account().marks.last().unwrap().equity, in_the_day - total);
    assert_eq!(desk.account().day_fees.total(), Decimal::ZERO);
}

#[rstest]
#[case(Environment::Live, 2)]
#[case(Environment::Paper, 1)]
fn crypto_gets_cheaper_for_live_accounts_that_trade_much(#[case] environment: Environment, #[case] tier: u8) {
    let mut desk = Desk::of(market(), OPEN, environment);
    for _ in 0..2 {
        desk.place(notional(buy("BTC/USD", "1"), "60000")).unwrap();
        let account = desk.account;
        let order = desk.id();
        let portion = command::Portion::Whole;
        desk.apply(&Command::ClosePosition { account, symbol: symbol("BTC/USD"), portion, order }).unwrap();
    }
    assert_eq!(desk.account().crypto_tier, 1);
    desk.advance("2026-06-26T14:00:00Z");
    assert_eq!(desk.account().crypto_tier, tier);
    // A month later it counts no more.
    desk.advance("2026-07-26T14:00:00Z");
    assert_eq!(desk.account().crypto_tier, 1);
}

/// The fee of the one fill, and what was bought.
fn crypto_fee(desk: &Desk) -> (Decimal, Decimal) {
    let fee = &desk.account().accrued[0];
    let fill = desk.account().activities.iter().find_map(|activity| match &activity.event {
        ActivityEvent::Fill(fill) => Some(fill.quantity),
        _ => None,
    });
    (fee.quantity, fill.unwrap())
}

#[rstest]
#[case::live(Environment::Live, Rules::CURRENT, "0.0015")]
#[case::live_before_that_rule(Environment::Live, Rules::FIRST, "0.0025")]
#[case::paper(Environment::Paper, Rules::CURRENT, "0.0025")]
fn crypto_is_cheaper_for_orders_that_rested(
    #[case] environment: Environment,
    #[case] rules: Rules,
    #[case] rate: &str,
) {
    let mut desk = Desk::of(market(), OPEN, environment);
    desk.broker = desk.broker.with_rules(rules);
    // A little below the market: the tape comes there within days.
    let limit = (desk.quote("BTC/USD").bid * dec("0.999")).trunc_with_scale(2);
    let mut resting = buy("BTC/USD", "0.01");
    resting.order_type = OrderType::Limit;
    resting.limit_price = Some(limit);
    resting.time_in_force = TimeInForce::Gtc;
    let order = desk.place(resting).unwrap();
    assert!(desk.account().accrued.is_empty(), "it rests");
    for day in 24..=30 {
        // Fees are posted at midnight; what is looked for has not been.
        for hour in (15..24).chain(0..4) {
            let day = if hour < 4 { day + 1 } else { day };
            let (month, day) = if day == 31 { (7, 1) } else { (6, day) };
            desk.advance(&format!("2026-{month:02}-{day:02}T{hour:02}:00:00Z"));
            if !desk.account().accrued.is_empty() {
                let (fee, quantity) = crypto_fee(&desk);
                assert_eq!(fee, quantity * dec(rate), "{:?}", desk.order(order.id));
                return;
            }
        }
    }
    panic!("the market never came to {limit}");
}

#[test]
fn crypto_that_is_taken_at_once_costs_what_takers_pay() {
    let mut desk = Desk::of(market(), OPEN, Environment::Live);
    let mut taking = buy("BTC/USD", "0.01");
    taking.order_type = OrderType::Limit;
    taking.limit_price = Some((desk.quote("BTC/USD").ask * dec("1.01")).trunc_with_scale(2));
    taking.time_in_force = TimeInForce::Gtc;
    desk.place(taking).unwrap();
    let (fee, quantity) = crypto_fee(&desk);
    assert_eq!(fee, quantity * dec("0.0025"));
}
