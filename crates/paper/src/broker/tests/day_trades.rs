//! How day trades are counted.

use super::*;

#[test]
fn a_day_trade_is_opened_and_closed_on_one_day() {
    let mut desk = Desk::at(OPEN);
    let count = |desk: &Desk| crate::broker::day_trades::count(desk.account(), desk.broker.now());
    desk.place(buy("AAPL", "10")).unwrap();
    assert_eq!(count(&desk), 0);
    desk.place(sell("AAPL", "4")).unwrap();
    assert_eq!(count(&desk), 1);
    // The rest of the same purchase makes no second one.
    desk.place(sell("AAPL", "6")).unwrap();
    assert_eq!(count(&desk), 1);
    desk.place(sell("MSFT", "1")).unwrap();
    desk.place(buy("MSFT", "1")).unwrap();
    assert_eq!(count(&desk), 2);
    // Held overnight, and coins, do not count.
    desk.place(buy("IBM", "1")).unwrap();
    desk.place(buy("BTC/USD", "0.1")).unwrap();
    desk.place(sell("BTC/USD", "0.05")).unwrap();
    desk.advance("2026-06-25T14:00:00Z");
    desk.place(sell("IBM", "1")).unwrap();
    assert_eq!(count(&desk), 2);
    // Five sessions: Wednesday to Tuesday.
    desk.advance("2026-06-30T14:00:00Z");
    assert_eq!(count(&desk), 2);
    desk.advance("2026-07-01T14:00:00Z");
    assert_eq!(count(&desk), 0);
}
