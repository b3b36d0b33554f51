//! That prices go on where they should, and are sensible everywhere.

use super::*;

#[test]
fn after_the_recording_prices_go_on_from_its_last_close() {
    for seed in 0..50 {
        let market = market_with(seed, false);
        for text in ["AAPL", "FB", "GOOG", "IBM", "MSFT"] {
            let days = bars(&market, text, "1Day", window("2027-06-30T00:00:00Z", "2027-07-01T23:00:00Z"));
            let (last, next) = (&days[0], &days[1]);
            let gap = (next.open - last.close).abs() / last.close;
            assert!(gap < dec("0.06"), "{text} with seed {seed}: {} to {}", last.close, next.open);
        }
    }
}

#[test]
fn crypto_days_open_where_the_day_before_closed() {
    let market = market();
    for text in ["BTC/USD", "SHIB/USD", "USDT/USD", "ETH/BTC"] {
        let days = bars(&market, text, "1Day", window("2025-01-01T00:00:00Z", "2028-01-01T00:00:00Z"));
        assert!(days.len() > 1000);
        for pair in days.windows(2) {
            assert_eq!(pair[1].open, pair[0].close, "{text} on {}", pair[1].at);
        }
    }
}

#[test]
fn stocks_gap_overnight() {
    let days = bars(&market(), "TSLA", "1Day", window("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"));
    let gaps = days.windows(2).filter(|pair| pair[1].open != pair[0].close).count();
    assert!(gaps > 240, "{gaps}");
}

#[test]
fn generated_prices_stay_sensible_for_decades() {
    for seed in [0, 1, 42] {
        let market = market_with(seed, false);
        for info in market.assets().iter().filter(|info| !info.recorded) {
            let mut closes = Vec::new();
            let asset = market.number(&info.symbol).unwrap();
            let first = market.days.first_index(asset);
            for index in first..first + 9_000 {
                let day = market.days.day(asset, index).unwrap();
                assert!(
                    0 < day.low && day.low <= day.open.min(day.close) && day.open.max(day.close) <= day.high
                );
                assert!(
                    day.volume > 6_000 && day.volume < 4_000_000_000_000_000_000,
                    "{} {day:?}",
                    info.symbol
                );
                closes.push(day.close);
            }
            let (low, high) = (*closes.iter().min().unwrap(), *closes.iter().max().unwrap());
            assert!(high / low < 40, "{} between {low} and {high}", info.symbol);
            if info.price_increment.is_none() {
                assert!(low > 10_000, "{} fell under a dollar", info.symbol);
            }
        }
    }
}

#[test]
fn pairs_agree_with_their_cross_pair() {
    let market = market();
    let close = |text: &str| {
        bars(&market, text, "1Day", window("2026-11-19T00:00:00Z", "2026-11-19T23:00:00Z"))[0].close
    };
    let (quotient, cross) = (close("ETH/USD") / close("BTC/USD"), close("ETH/BTC"));
    assert!((quotient - cross).abs() < dec("0.0000002"), "{quotient} and {cross}");
}

#[test]
fn held_open_the_tape_turns_back_at_the_close_without_a_jump() {
    let market = market_with(42, true);
    let aapl = symbol("AAPL");
    let price = |instant: Timestamp| market.last_trade(&aapl, instant).unwrap().price;
    let (close, length) = (at("2026-11-20T21:00:00Z"), jiff::SignedDuration::from_mins(390));
    let around = |instant: Timestamp| (price(instant - SECOND), price(instant + SECOND));
    for turn in 0..9 {
        let (before, after) = around(close + length * turn);
        assert!((before - after).abs() <= before * dec("0.002"), "turn {turn}: {before} to {after}");
    }
    // As long after the close as before it, the price is the same, give or take a trade.
    let hour = jiff::SignedDuration::from_hours(1);
    let (before, after) = (price(close - hour), price(close + hour));
    assert!((before - after).abs() <= before * dec("0.002"), "{before} and {after}");
}

const SECOND: jiff::SignedDuration = jiff::SignedDuration::from_secs(1);

#[test]
fn held_open_regular_sessions_are_as_usual() {
    let session = window("2026-11-20T14:30:00Z", "2026-11-20T20:59:59.999Z");
    for timeframe in ["1Min", "1Hour", "1Day", "1Week"] {
        let whole = window("2026-11-16T05:00:00Z", "2026-11-20T20:59:59Z");
        let span = if timeframe.ends_with("Day") || timeframe.ends_with("Week") { whole } else { session };
        assert_eq!(
            bars(&market_with(42, true), "AAPL", timeframe, span),
            bars(&market(), "AAPL", timeframe, span),
            "{timeframe}"
        );
    }
}

#[test]
fn held_open_minutes_follow_on_each_other_all_weekend() {
    let market = market_with(42, true);
    let minutes = bars(&market, "AAPL", "1Min", window("2026-11-20T14:30:00Z", "2026-11-23T14:29:59Z"));
    assert_eq!(minutes.len(), 3 * 24 * 60);
    for pair in minutes.windows(2) {
        assert_eq!(pair[0].close, pair[1].open, "{}", pair[1].at);
        assert_eq!(pair[1].at.duration_since(pair[0].at), jiff::SignedDuration::from_mins(1));
    }
}

#[test]
fn trade_ids_increase() {
    for hold_open in [false, true] {
        let market = market_with(42, hold_open);
        let span = window("2026-11-20T20:50:00Z", "2026-11-23T14:40:00Z");
        for text in ["AAPL", "BTC/USD"] {
            let trades: Vec<Trade> = market.trades(&symbol(text), span, Sort::Ascending).collect();
            assert!(trades.len() > 500);
            assert!(
                trades.windows(2).all(|pair| pair[0].id < pair[1].id && pair[0].at <= pair[1].at),
                "{text}"
            );
        }
    }
}
