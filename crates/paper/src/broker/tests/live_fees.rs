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
