//! That nothing is told before it has happened.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn bars_contain_what_has_happened_by_now_and_nothing_else(
        hold_open: bool, crypto: bool, second in 0_i64..200_000, micros in 0_i64..1_000_000,
        timeframe in prop_oneof![Just("1Min"), Just("5Min"), Just("1Hour"), Just("1Day"), Just("1Week")],
    ) {
        let market = market_with(7, hold_open);
        let text = if crypto { "ETH/USD" } else { "AAPL" };
        let now = at("2026-11-19T13:00:00Z") + jiff::SignedDuration::from_micros(second * 1_000_000 + micros);
        let whole = window("2026-11-16T00:00:00Z", "2026-11-27T00:00:00Z");
        let known = bars(&market, text, timeframe, Window { now, ..whole });
        let later = bars(&market, text, timeframe, whole);

        prop_assert!(known.iter().all(|bar| bar.at <= now));
        // All but the running bar are final.
        let finished = known.len() - 1;
        prop_assert_eq!(&known[..finished], &later[..finished]);
        // The running bar is within what it becomes, ends on the last trade, and no more is in it than was traded.
        let (running, whole_bar) = (&known[finished], &later[finished]);
        prop_assert!(running.at == whole_bar.at && running.open == whole_bar.open);
        prop_assert!(whole_bar.low <= running.low && running.high <= whole_bar.high);
        prop_assert!(running.volume <= whole_bar.volume && running.trade_count <= whole_bar.trade_count);
        if timeframe.ends_with("Min") || timeframe.ends_with("Hour") {
            let trades: Vec<Trade> = market
                .trades(&symbol(text), Window { from: running.at, to: whole.to, now }, Sort::Ascending)
                .collect();
            if *running != *whole_bar {
                prop_assert_eq!(trades.len() as u64, running.trade_count);
                prop_assert_eq!(trades.iter().map(|trade| trade.size).sum::<Decimal>(), running.volume);
                prop_assert_eq!(trades.iter().map(|trade| trade.price).max(), Some(running.high));
                prop_assert_eq!(trades.iter().map(|trade| trade.price).min(), Some(running.low));
                prop_assert_eq!(trades.last().map(|trade| trade.price), Some(running.close));
            }
        }
    }

    #[test]
    fn trades_and_quotes_are_never_from_the_future(
        hold_open: bool, crypto: bool, second in 0_i64..400_000, micros in 0_i64..1_000_000,
    ) {
        let market = market_with(7, hold_open);
        let symbol = symbol(if crypto { "ETH/USD" } else { "AAPL" });
        let now = at("2026-11-19T13:00:00Z") + jiff::SignedDuration::from_micros(second * 1_000_000 + micros);
        let (trade, quote) = (market.last_trade(&symbol, now).unwrap(), market.quote(&symbol, now).unwrap());
        prop_assert!(trade.at <= now && quote.at == trade.at);
        prop_assert!(quote.bid < quote.ask && quote.bid <= trade.price && trade.price <= quote.ask);
        let everything = Window { from: Timestamp::MIN, to: Timestamp::MAX, now };
        prop_assert_eq!(market.trades(&symbol, everything, Sort::Descending).next(), Some(trade));
        prop_assert_eq!(market.quotes(&symbol, everything, Sort::Descending).next(), Some(quote));
        let latest = market.latest_bar(&symbol, now).unwrap();
        prop_assert!(latest.at + jiff::SignedDuration::from_mins(1) <= now);
    }
}

#[test]
fn the_opening_trade_is_made_the_instant_the_session_opens() {
    let market = market();
    let (open, aapl) = (at("2026-11-20T14:30:00Z"), symbol("AAPL"));
    let trade = market.last_trade(&aapl, open).unwrap();
    let day = bars(&market, "AAPL", "1Day", window("2026-11-20T05:00:00Z", "2026-11-20T05:00:00Z")).remove(0);
    assert_eq!((trade.at, trade.price), (open, day.open));
    let before = market.last_trade(&aapl, open - jiff::SignedDuration::from_micros(1)).unwrap();
    assert!(before.at < at("2026-11-19T21:00:00Z") && before.at > at("2026-11-19T20:59:00Z"));
    let at_open = Window { from: day.at, to: open, now: open };
    assert_eq!(bars(&market, "AAPL", "1Day", at_open)[0].trade_count, 1);
}
