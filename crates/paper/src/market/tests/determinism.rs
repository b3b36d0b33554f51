//! That the same questions get the same answers, on every machine and in every order.

use super::*;

/// These literals are the promise: if one of them changes, the price world of every user changes with it.
#[test]
fn golden_values() {
    let market = market();
    let span = window("2026-11-20T00:00:00Z", "2026-11-20T14:31:00Z");
    let mut lines = Vec::new();
    for text in ["AAPL", "TSLA", "BTC/USD", "ETH/BTC"] {
        let now = at("2026-11-20T15:30:00Z");
        let day = bars(&market, text, "1Day", window("2026-11-20T00:00:00Z", "2026-11-20T12:00:00Z"));
        let minutes = bars(&market, text, "1Min", span);
        let quote = market.quote(&symbol(text), now).unwrap();
        let trade = market.last_trade(&symbol(text), now).unwrap();
        lines.push(text.to_owned());
        lines.push(line(&day[0]));
        lines.push(line(&minutes[minutes.len() - 1]));
        lines.push(format!(
            "{} {} x {} / {} x {}",
            quote.at, quote.bid, quote.bid_size, quote.ask, quote.ask_size
        ));
        lines.push(format!("{} {} {} x {} {}", trade.at, trade.id, trade.price, trade.size, trade.taker));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn another_seed_is_another_world_but_recorded_days_stay() {
    let span = window("2026-11-20T05:00:00Z", "2026-11-20T06:00:00Z");
    let day = |seed, text: &str| {
        let bar = bars(&market_with(seed, false), text, "1Day", span).remove(0);
        (bar.open, bar.high, bar.low, bar.close, bar.volume)
    };
    assert_eq!(day(1, "AAPL"), day(2, "AAPL"));
    assert_ne!(day(1, "TSLA"), day(2, "TSLA"));
    assert_ne!(day(1, "BTC/USD"), day(2, "BTC/USD"));
    let minutes = |seed| {
        bars(
            &market_with(seed, false),
            "AAPL",
            "1Min",
            window("2026-11-20T14:30:00Z", "2026-11-20T15:00:00Z"),
        )
    };
    assert_ne!(minutes(1), minutes(2));
}

#[test]
fn the_order_of_questions_does_not_matter() {
    let days =
        ["2026-11-20T15:00:00Z", "2024-02-29T16:00:00Z", "2031-07-01T17:30:00Z", "2019-01-02T18:00:00Z"];
    let ask = |market: &Market, day: &str| {
        ["MSFT", "SPY", "DOGE/USD", "BTC/USDT"].map(|text| market.quote(&symbol(text), at(day)))
    };
    let one = market();
    let forwards: Vec<_> = days.iter().map(|day| ask(&one, day)).collect();
    let other = market();
    let mut backwards: Vec<_> = days.iter().rev().map(|day| ask(&other, day)).collect();
    backwards.reverse();
    assert_eq!(forwards, backwards);
}

#[rstest]
#[case("AAPL", false)]
#[case("AAPL", true)]
#[case("LTC/USD", false)]
fn newest_first_is_oldest_first_reversed(#[case] text: &str, #[case] hold_open: bool) {
    let market = market_with(42, hold_open);
    let span = window("2026-11-18T17:00:00Z", "2026-11-23T15:00:00Z");
    for timeframe in ["1Min", "13Min", "1Hour", "1Day", "1Week", "1Month"] {
        let mut descending: Vec<Bar> =
            market.bars(&symbol(text), timeframe.parse().unwrap(), span, Sort::Descending).collect();
        descending.reverse();
        assert_eq!(descending, bars(&market, text, timeframe, span), "{timeframe}");
    }
    let span = window("2026-11-20T20:00:00Z", "2026-11-23T14:31:00Z");
    let mut descending: Vec<Trade> = market.trades(&symbol(text), span, Sort::Descending).collect();
    descending.reverse();
    assert_eq!(descending, market.trades(&symbol(text), span, Sort::Ascending).collect::<Vec<_>>());
}
