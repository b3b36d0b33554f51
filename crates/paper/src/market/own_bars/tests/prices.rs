//! What the market makes of the bars.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::market::{Crossing, Timeframe, Watch};

/// Random bars for some minutes of two sessions, prices on the cent.
fn any_minutes() -> impl Strategy<Value = String> {
    let bar = (
        0_u32..780,
        100_i64..20_000,
        0_i64..300,
        0_i64..=10,
        0_i64..=10,
        0_i64..50_000,
        0_u32..500,
        any::<bool>(),
    );
    prop::collection::vec(bar, 1..60).prop_map(|mut rows| {
        rows.sort_by_key(|row| row.0);
        rows.dedup_by_key(|row| row.0);
        let mut text = HEADER.to_owned();
        for (minute, low, range, a, b, volume, trades, told) in rows {
            let opening = if minute < 390 { at("2024-01-02T14:30:00Z") } else { at("2024-01-03T14:30:00Z") };
            let at = opening + jiff::SignedDuration::from_mins(i64::from(minute % 390));
            let cents = |cents: i64| Decimal::new(cents, 2).normalize();
            let within = |part: i64| cents(low + range * part / 10);
            let (high, low) = (cents(low + range), cents(low));
            let more =
                if told && volume > 0 { format!("{},{}", trades.max(1), within(5)) } else { ",".to_owned() };
            text.push_str(&format!("{at},{},{high},{low},{},{volume},{more}\n", within(a), within(b)));
        }
        text
    })
}

/// Open, high, low, close, volume and trades of several bars together.
fn together(bars: &[&Bar]) -> (Decimal, Decimal, Decimal, Decimal, Decimal, u64) {
    (
        bars[0].open,
        bars.iter().map(|bar| bar.high).max().unwrap(),
        bars.iter().map(|bar| bar.low).min().unwrap(),
        bars[bars.len() - 1].close,
        bars.iter().map(|bar| bar.volume).sum(),
        bars.iter().map(|bar| bar.trade_count).sum(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn minutes_are_the_files_and_longer_bars_are_theirs_together(text in any_minutes()) {
        let market = market(&[("ZZZ.1Min.csv", &text)]);
        // Not the days that are made up after the last bar.
        let end = if text.contains("2024-01-03") { "2024-01-03T23:00:00Z" } else { "2024-01-02T23:00:00Z" };
        let whole = window("2024-01-01T00:00:00Z", end);
        let minutes = bars(&market, "ZZZ", "1Min", whole);
        for (bar, row) in minutes.iter().zip(text.lines().skip(1)) {
            let shown = line(bar);
            // What the file does not tell is made; what it tells stays.
            let told = row.trim_end_matches(',');
            prop_assert!(shown.starts_with(told), "{} for {}", shown, row);
        }
        prop_assert_eq!(minutes.len(), text.lines().count() - 1);
        for (timeframe, hours) in [("1Hour", 1), ("4Hour", 4), ("1Day", 24), ("1Week", 24 * 7)] {
            let longer = bars(&market, "ZZZ", timeframe, Window { now: at(end), ..window("2023-12-20T00:00:00Z", end) });
            let mut left = minutes.len();
            for bar in &longer {
                let end = bar.at + jiff::SignedDuration::from_hours(hours);
                let parts: Vec<&Bar> = minutes.iter().filter(|minute| bar.at <= minute.at && minute.at < end).collect();
                prop_assert_eq!(together(&parts), together(&[bar]));
                left -= parts.len();
            }
            prop_assert_eq!(left, 0);
        }
        for minute in &minutes {
            let end = minute.at + jiff::SignedDuration::from_secs(60) - jiff::SignedDuration::from_micros(1);
            let during = Window { from: minute.at, to: end, now: Timestamp::MAX };
            let trades: Vec<_> = market.trades(&symbol("ZZZ"), during, Sort::Ascending).collect();
            prop_assert_eq!(trades.iter().map(|trade| trade.size).sum::<Decimal>(), minute.volume);
            let quotes = market.quotes(&symbol("ZZZ"), during, Sort::Ascending).count();
            prop_assert!(quotes >= 4 && quotes >= trades.len());
            if minute.volume >= dec("500") {
                prop_assert_eq!(trades[0].price, minute.open);
                prop_assert_eq!(trades[trades.len() - 1].price, minute.close);
                prop_assert_eq!(trades.iter().map(|trade| trade.price).max(), Some(minute.high));
                prop_assert_eq!(trades.iter().map(|trade| trade.price).min(), Some(minute.low));
            }
            prop_assert!(trades.windows(2).all(|pair| pair[0].id < pair[1].id && pair[0].at < pair[1].at));
        }
    }

    #[test]
    fn crossings_agree_with_a_naive_scan(
        text in any_minutes(), limit in 100_i64..20_300, start in 0_i64..200_000, length in 1_i64..200_000, hold_open: bool,
        watch in prop_oneof![Just(Watch::AskAtOrBelow), Just(Watch::BidAtOrAbove),
                             Just(Watch::TradeAtOrBelow), Just(Watch::TradeAtOrAbove)],
    ) {
        let market = market_of(load(&[("ZZZ.1Min.csv", &text)]).unwrap(), hold_open);
        let (symbol, limit) = (symbol("ZZZ"), Decimal::new(limit, 2));
        let from = at("2024-01-02T12:00:00Z") + jiff::SignedDuration::from_secs(start);
        let to = from + jiff::SignedDuration::from_secs(length);
        let window = Window { from: from + jiff::SignedDuration::from_micros(1), to, now: to };
        let quotes = market.quotes(&symbol, window, Sort::Ascending).filter_map(|quote| match watch {
            Watch::AskAtOrBelow => (quote.ask <= limit).then_some(Crossing { at: quote.at, price: quote.ask }),
            Watch::BidAtOrAbove => (quote.bid >= limit).then_some(Crossing { at: quote.at, price: quote.bid }),
            _ => None,
        });
        let trades = market.trades(&symbol, window, Sort::Ascending).filter_map(|trade| match watch {
            Watch::TradeAtOrBelow => (trade.price <= limit).then_some(Crossing { at: trade.at, price: trade.price }),
            Watch::TradeAtOrAbove => (trade.price >= limit).then_some(Crossing { at: trade.at, price: trade.price }),
            _ => None,
        });
        let expected = quotes.chain(trades).next();
        prop_assert_eq!(market.first_crossing(&symbol, watch, limit, from, to), expected);
        // Reading backwards gives the same.
        let mut backwards: Vec<_> = market.quotes(&symbol, window, Sort::Descending).collect();
        backwards.reverse();
        prop_assert_eq!(backwards, market.quotes(&symbol, window, Sort::Ascending).collect::<Vec<_>>());
    }

    #[test]
    fn days_alone_keep_their_figures_however_thin_they_are(
        low in 50_i64..5_000_000, range in 0_i64..40_000, a in 0_i64..=10, b in 0_i64..=10,
        volume in prop_oneof![0_i64..4000, 0_i64..200_000_000], crypto: bool,
    ) {
        let figure = |units: i64| Decimal::new(units, 4).normalize();
        let within = |part: i64| figure(low + range * part / 10);
        let figures = format!("{},{},{},{},{volume}", within(a), figure(low + range), figure(low), within(b));
        let (name, text) = if crypto { ("ZZZ-USD.1Day.csv", "ZZZ/USD") } else { ("ZZZ.1Day.csv", "ZZZ") };
        let market = market(&[(name, &format!("date,o,h,l,c,v,n,vw\n2024-01-03,{figures},77,{}\n", within(5)))]);
        let whole = window("2024-01-03T00:00:00Z", if crypto { "2024-01-04T05:59:59Z" } else { "2024-01-03T23:00:00Z" });
        let days = bars(&market, text, "1Day", whole);
        prop_assert_eq!(days.len(), 1);
        prop_assert!(line(&days[0]).ends_with(&format!("{figures},77,{}", within(5))), "{}", line(&days[0]));
        let minutes = bars(&market, text, "1Min", whole);
        let minutes: Vec<&Bar> = minutes.iter().collect();
        let made = together(&minutes);
        let told = together(&[&days[0]]);
        prop_assert_eq!((made.0, made.1, made.2, made.3, made.4), (told.0, told.1, told.2, told.3, told.4));
    }
}

const TWO_DAYS: &str =
    "t,o,h,l,c,v\n2024-01-02T14:31:00Z,10,10.5,9.9,10.2,4000\n2024-01-05T15:00:00Z,12,12.5,11.9,12.2,5000\n";

#[test]
fn before_the_first_bar_there_are_no_prices_and_after_the_last_they_go_on() {
    let market = market(&[("ZZZ.1Min.csv", TWO_DAYS)]);
    let zzz = symbol("ZZZ");
    let quote = |instant: &str| market.quote(&zzz, at(instant));
    assert_eq!(quote("2024-01-02T14:30:59Z"), None);
    assert_eq!(market.last_trade(&zzz, at("2024-01-02T14:30:59Z")), None);
    // The quote stands over two sessions without bars.
    let standing = quote("2024-01-02T20:00:00Z").unwrap();
    assert_eq!(quote("2024-01-05T14:59:59Z"), Some(standing));
    assert_eq!(market.last_trade(&zzz, at("2024-01-04T18:00:00Z")).unwrap().price, dec("10.2"));
    assert_eq!(market.previous_close(&zzz, at("2024-01-04T18:00:00Z")), Some(dec("10.2")));
    assert_eq!(market.previous_close(&zzz, at("2024-01-08T18:00:00Z")), Some(dec("12.2")));
    let days = bars(&market, "ZZZ", "1Day", window("2023-12-01T00:00:00Z", "2024-01-09T23:00:00Z"));
    assert_eq!(
        days.iter().map(|day| day.at.to_string()).collect::<Vec<_>>(),
        ["2024-01-02T05:00:00Z", "2024-01-05T05:00:00Z", "2024-01-08T05:00:00Z", "2024-01-09T05:00:00Z"]
    );
    let gap = (days[2].open - dec("12.2")).abs() / dec("12.2");
    assert!(gap < dec("0.06"), "{gap}");
    // The generated days have all their minutes.
    let minutes = bars(&market, "ZZZ", "1Min", window("2024-01-08T00:00:00Z", "2024-01-08T23:00:00Z"));
    assert_eq!(minutes.len(), 390);
}

#[test]
fn a_market_held_open_plays_the_last_session_until_the_next_one() {
    let market = market_of(load(&[("ZZZ.1Min.csv", TWO_DAYS)]).unwrap(), true);
    let zzz = symbol("ZZZ");
    let whole = window("2024-01-02T00:00:00Z", "2024-01-05T23:00:00Z");
    let trades: Vec<_> = market.trades(&zzz, whole, Sort::Ascending).collect();
    assert!(trades.windows(2).all(|pair| pair[0].at < pair[1].at && pair[0].id < pair[1].id));
    let between = trades
        .iter()
        .filter(|trade| trade.at > at("2024-01-03T00:00:00Z") && trade.at < at("2024-01-05T14:00:00Z"));
    let prices: Vec<Decimal> = between.map(|trade| trade.price).collect();
    assert!(prices.len() > 20 && prices.iter().all(|price| *price < dec("11")), "{prices:?}");
    assert!(market.quote(&zzz, at("2024-01-04T03:00:00Z")).is_some());
}

#[test]
fn crypto_bars_without_volume_move_the_quote_and_are_no_trades() {
    let text = "t,o,h,l,c,v,n,vw\n2024-01-02T14:30:00Z,100,101,99,100.5,0.000000001,1,100.5\n\
                2024-01-02T14:31:00Z,200,201,199,200.5,0,0,0\n2024-01-02T14:32:00Z,201,202,201,201.5,0,0,201.25\n";
    let market = market(&[("ABC-USD.1Min.csv", text)]);
    let abc = symbol("ABC/USD");
    let minutes = bars(&market, "ABC/USD", "1Min", window("2024-01-02T14:30:00Z", "2024-01-02T14:33:00Z"));
    let shown: Vec<String> = minutes.iter().map(line).collect();
    assert_eq!(shown, text.lines().skip(1).collect::<Vec<_>>());
    let late = at("2024-01-02T14:33:00Z");
    let last = market.last_trade(&abc, late).unwrap();
    assert_eq!((last.price, last.size), (dec("100.5"), dec("0.000000001")));
    let quote = market.quote(&abc, late).unwrap();
    assert!(quote.bid <= dec("201.5") && quote.ask >= dec("201.5") && quote.bid_size > Decimal::ZERO);
    assert_eq!(
        market.trades(&abc, window("2024-01-02T14:31:00Z", "2024-01-02T14:33:00Z"), Sort::Ascending).count(),
        0
    );
    assert_eq!(
        market.first_crossing(&abc, Watch::TradeAtOrAbove, dec("150"), at("2024-01-02T14:30:00Z"), late),
        None
    );
    assert!(
        market
            .first_crossing(&abc, Watch::BidAtOrAbove, dec("150"), at("2024-01-02T14:30:00Z"), late)
            .is_some()
    );
}

#[test]
fn own_bars_replace_recorded_and_generated_prices_on_their_own_dates() {
    let day = "date,o,h,l,c,v\n2024-01-05,12.01,12.5,11.5,12.25,1000000\n";
    let market = market(&[("AAPL.1Day.csv", day), ("BTC-USD.1Day.csv", day), ("TSLA.1Day.csv", day)]);
    for (text, from) in [
        ("AAPL", "2024-01-05T05:00:00Z"),
        ("BTC/USD", "2024-01-05T06:00:00Z"),
        ("TSLA", "2024-01-05T05:00:00Z"),
    ] {
        let days = bars(&market, text, "1Day", window("2020-01-01T00:00:00Z", from));
        assert_eq!(days.len(), 1, "{text}");
        assert_eq!((days[0].at, days[0].close), (at(from), dec("12.25")));
    }
    // Others are as they were, also a pair whose legs have bars.
    let plain = Market::new(*market.options());
    for text in ["MSFT", "ETH/BTC"] {
        let whole = window("2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z");
        assert_eq!(bars(&market, text, "1Day", whole), bars(&plain, text, "1Day", whole));
    }
}

#[test]
fn where_a_day_has_minutes_these_decide() {
    let minutes = "t,o,h,l,c,v\n2024-01-05T15:00:00Z,12,12.5,11.9,12.2,5000\n";
    let days = "date,o,h,l,c,v\n2024-01-04,10,10,10,10,5000\n2024-01-05,11,13,11,13,9000\n";
    let market = market(&[("ZZZ.1Min.csv", minutes), ("ZZZ.1Day.csv", days)]);
    let days = bars(&market, "ZZZ", "1Day", window("2024-01-01T00:00:00Z", "2024-01-05T23:00:00Z"));
    assert_eq!(days.iter().map(|day| day.close).collect::<Vec<_>>(), [dec("10"), dec("12.2")]);
}

#[rstest]
#[case("QQQX", "NASDAQ", true)]
#[case("PEPE/USD", "CRYPTO", false)]
fn what_the_broker_does_not_list_becomes_an_asset(
    #[case] text: &str,
    #[case] exchange: &str,
    #[case] stock: bool,
) {
    let name = format!("{}.1Day.csv", text.replace('/', "-"));
    let market = market(&[(&name, "date,o,h,l,c,v\n2024-01-05,0.0003,0.0004,0.0002,0.0003,90000000\n")]);
    let info = market.asset(&symbol(text)).unwrap();
    assert_eq!((info.exchange, info.shortable, info.tradable), (exchange, stock, true));
    assert_eq!(info.min_order_size.is_some(), !stock);
    let quote = market.quote(&symbol(text), at("2024-01-05T18:00:00Z")).unwrap();
    assert!(quote.bid < quote.ask && quote.ask < dec("0.001"), "{quote:?}");
    // Stocks come first, and each symbol once.
    let classes: Vec<_> = market.assets().iter().map(|info| info.symbol.class()).collect();
    assert!(classes.is_sorted_by_key(|class| *class != paddock_core::AssetClass::UsEquity));
    assert!(market.latest_bar(&symbol(text), at("2026-11-20T18:00:00Z")).is_some());
    assert_eq!(
        market
            .bars(
                &symbol(text),
                Timeframe::MONTH,
                window("2024-01-01T00:00:00Z", "2024-01-31T00:00:00Z"),
                Sort::Ascending
            )
            .count(),
        1
    );
}
