//! What a user of the whole price world cares about.

use proptest::prelude::*;
use rstest::rstest;
use rust_decimal::Decimal;

use super::*;

mod continuity;
mod determinism;
mod known_by_now;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn symbol(text: &str) -> Symbol {
    Symbol::parse(text).unwrap()
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn market_with(seed: u64, hold_open: bool) -> Market {
    Market::new(MarketOptions { seed, laying: DateLaying::OntoToday, hold_open })
}

fn market() -> Market {
    market_with(42, false)
}

fn window(from: &str, to: &str) -> Window {
    Window { from: at(from), to: at(to), now: Timestamp::MAX }
}

fn bars(market: &Market, text: &str, timeframe: &str, window: Window) -> Vec<Bar> {
    market.bars(&symbol(text), timeframe.parse().unwrap(), window, Sort::Ascending).collect()
}

/// One bar as text, for comparisons that a reader can check.
fn line(bar: &Bar) -> String {
    let Bar { at, open, high, low, close, volume, trade_count, vwap } = bar;
    format!("{at} o={open} h={high} l={low} c={close} v={volume} n={trade_count} vw={vwap}")
}

/// Several bars as one, without the volume-weighted price.
fn together(bars: &[Bar]) -> (Decimal, Decimal, Decimal, Decimal, Decimal, u64) {
    (
        bars[0].open,
        bars.iter().map(|bar| bar.high).max().unwrap(),
        bars.iter().map(|bar| bar.low).min().unwrap(),
        bars[bars.len() - 1].close,
        bars.iter().map(|bar| bar.volume).sum(),
        bars.iter().map(|bar| bar.trade_count).sum(),
    )
}

#[rstest]
#[case("2026-11-20", "AAPL", Some("2012-07-24"))]
#[case("2026-11-20", "FB", Some("2012-07-24"))]
#[case("2027-06-30", "AAPL", Some("2013-03-01"))]
#[case("2027-07-01", "AAPL", None)]
#[case("2026-11-21", "AAPL", None)]
#[case("2026-11-20", "TSLA", None)]
fn the_recording_is_laid_onto_todays_sessions(
    #[case] date: &str,
    #[case] text: &str,
    #[case] recorded: Option<&str>,
) {
    let recorded = recorded.map(|date| date.parse().unwrap());
    assert_eq!(market().recorded_on(&symbol(text), date.parse().unwrap()), recorded);
}

#[test]
fn a_laid_day_has_the_recorded_prices_to_the_last_digit() {
    let bars = bars(&market(), "AAPL", "1Day", window("2027-06-30T04:00:00Z", "2027-06-30T04:00:00Z"));
    assert_eq!(bars.len(), 1);
    let Bar { open, high, low, close, volume, .. } = bars[0].clone();
    assert_eq!(
        (open, high, low, close, volume),
        (dec("438"), dec("438.1799"), dec("429.98"), dec("430.47"), dec("19730300"))
    );
}

#[test]
fn as_recorded_keeps_the_dates() {
    let market = Market::new(MarketOptions { seed: 1, laying: DateLaying::AsRecorded, hold_open: false });
    let window = window("2012-05-01T00:00:00Z", "2012-05-21T12:00:00Z");
    let bars = bars(&market, "FB", "1Day", window);
    assert_eq!(
        bars.iter().map(|bar| bar.at).collect::<Vec<_>>(),
        [at("2012-05-18T04:00:00Z"), at("2012-05-21T04:00:00Z")]
    );
    assert_eq!(bars[0].close, dec("38.2318"));
    assert_eq!(market.quote(&symbol("FB"), at("2012-05-18T13:29:59Z")), None);
    assert!(market.quote(&symbol("FB"), at("2012-05-18T13:30:00Z")).is_some());
}

#[test]
fn bars_of_all_lengths_agree() {
    let market = market();
    for (text, from, to) in [
        ("AAPL", "2026-11-01T00:00:00Z", "2026-11-30T23:59:59Z"),
        ("TSLA", "2026-10-28T00:00:00Z", "2026-12-30T23:59:59Z"),
        // Two days of 23 and 25 hours are among these.
        ("BTC/USD", "2026-03-01T06:00:00Z", "2026-04-01T04:59:59Z"),
        ("ETH/BTC", "2026-11-01T05:00:00Z", "2026-12-01T05:59:59Z"),
    ] {
        let whole = window(from, to);
        let days = bars(&market, text, "1Day", whole);
        let crypto = text.contains('/');
        // These crypto bars are aligned to UTC and so do not end with the day in Chicago.
        for timeframe in ["1Min", "30Min", "1Hour", "7Min", "5Hour"].iter().take(if crypto { 3 } else { 5 }) {
            let parts = bars(&market, text, timeframe, whole);
            assert_eq!(together(&parts), together(&days), "{text} {timeframe}");
            assert!(parts.windows(2).all(|pair| pair[0].at < pair[1].at));
            for bar in parts {
                assert!(bar.low <= bar.vwap && bar.vwap <= bar.high, "{bar:?}");
                assert!(bar.low <= bar.open.min(bar.close) && bar.open.max(bar.close) <= bar.high, "{bar:?}");
            }
        }
    }
}

#[test]
fn each_day_is_exactly_its_minutes() {
    let market = market();
    let days = bars(&market, "GOOG", "1Day", window("2026-11-01T00:00:00Z", "2026-12-31T23:59:59Z"));
    assert_eq!(days.len(), 42);
    for day in days {
        let end = day.at + jiff::SignedDuration::from_hours(23);
        let minutes = market
            .bars(
                &symbol("GOOG"),
                Timeframe::MINUTE,
                Window { from: day.at, to: end, now: Timestamp::MAX },
                Sort::Ascending,
            )
            .collect::<Vec<_>>();
        assert_eq!(together(&minutes), together(std::slice::from_ref(&day)));
        // The day after Thanksgiving and Christmas Eve close at 13:00.
        let half = [at("2026-11-27T05:00:00Z"), at("2026-12-24T05:00:00Z")].contains(&day.at);
        assert_eq!(minutes.len(), if half { 210 } else { 390 }, "{}", day.at);
    }
}

#[rstest]
#[case("AAPL", "1Week", "2026-11-16T05:00:00Z", 5)]
#[case("AAPL", "1Month", "2026-11-01T04:00:00Z", 2)]
#[case("AAPL", "3Month", "2026-10-01T04:00:00Z", 1)]
#[case("AAPL", "12Month", "2026-01-01T05:00:00Z", 1)]
#[case("BTC/USD", "1Day", "2026-11-16T06:00:00Z", 31)]
#[case("BTC/USD", "1Week", "2026-11-16T06:00:00Z", 5)]
#[case("AAPL", "1Hour", "2026-11-16T14:00:00Z", 22 * 7 - 3)]
#[case("AAPL", "4Hour", "2026-11-16T13:00:00Z", 22 * 2)]
#[case("BTC/USD", "4Hour", "2026-11-16T08:00:00Z", 31 * 6)]
fn bars_are_stamped_where_their_period_starts(
    #[case] text: &str,
    #[case] timeframe: &str,
    #[case] first: &str,
    #[case] count: usize,
) {
    let from = first.parse::<Timestamp>().unwrap();
    let month_later = from + jiff::SignedDuration::from_hours(31 * 24) - jiff::SignedDuration::from_secs(1);
    let window = Window { from, to: month_later, now: Timestamp::MAX };
    let bars = bars(&market(), text, timeframe, window);
    assert_eq!((bars[0].at, bars.len()), (from, count));
    // A microsecond later the first one is out.
    let window = Window { from: from + jiff::SignedDuration::from_nanos(1), ..window };
    let bars = market().bars(&symbol(text), timeframe.parse().unwrap(), window, Sort::Ascending).count();
    assert_eq!(bars, count - 1);
}

#[test]
fn previous_close_is_that_of_the_day_before_the_current_one() {
    let market = market();
    let aapl = symbol("AAPL");
    let close = |date: &str| {
        let stamp = format!("{date}T05:00:00Z");
        bars(&market, "AAPL", "1Day", window(&stamp, &stamp))[0].close
    };
    let previous = |instant: &str| market.previous_close(&aapl, at(instant)).unwrap();
    // Friday, in the session and after; then the weekend; then Monday before the opening.
    assert_eq!(previous("2026-11-20T15:00:00Z"), close("2026-11-19"));
    assert_eq!(previous("2026-11-21T02:00:00Z"), close("2026-11-19"));
    assert_eq!(previous("2026-11-22T12:00:00Z"), close("2026-11-19"));
    assert_eq!(previous("2026-11-23T06:00:00Z"), close("2026-11-20"));
    assert_eq!(market.previous_close(&symbol("ZZZZ"), at("2026-11-20T15:00:00Z")), None);
}

#[test]
fn what_is_not_traded_has_no_answers() {
    let market = market();
    let (unknown, now) = (symbol("ZZZZ"), at("2026-11-20T15:00:00Z"));
    assert!(market.asset(&unknown).is_none() && !market.is_open(&unknown, now));
    assert!(market.quote(&unknown, now).is_none() && market.last_trade(&unknown, now).is_none());
    assert!(bars(&market, "ZZZZ", "1Day", window("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")).is_empty());
    assert!(market.quote(&symbol("AAPL"), at("1999-01-01T00:00:00Z")).is_none());
    assert!(market.quote(&symbol("BTC/USD"), at("1960-01-01T00:00:00Z")).is_none());
}

#[test]
fn trading_hours() {
    let (saturday, friday) = (at("2026-11-21T15:00:00Z"), at("2026-11-20T15:00:00Z"));
    let market = market();
    assert!(market.is_open(&symbol("AAPL"), friday) && !market.is_open(&symbol("AAPL"), saturday));
    assert!(market.is_open(&symbol("BTC/USD"), saturday));
    assert!(market_with(42, true).is_open(&symbol("AAPL"), saturday));
}

/// The crossing that a scan over every quote finds.
fn naive(market: &Market, symbol: &Symbol, watch: Watch, limit: Decimal, window: Window) -> Option<Crossing> {
    let quotes = market.quotes(symbol, window, Sort::Ascending);
    let trades = market.trades(symbol, window, Sort::Ascending);
    quotes.zip(trades).find_map(|(quote, trade)| {
        let (price, met) = match watch {
            Watch::AskAtOrBelow => (quote.ask, quote.ask <= limit),
            Watch::BidAtOrAbove => (quote.bid, quote.bid >= limit),
            Watch::TradeAtOrBelow => (trade.price, trade.price <= limit),
            Watch::TradeAtOrAbove => (trade.price, trade.price >= limit),
        };
        met.then_some(Crossing { at: quote.at, price })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn crossings_agree_with_a_naive_scan(
        seed: u64, hold_open: bool, crypto: bool, start in 0_i64..400_000, length in 1_i64..200_000, permille in -40_i64..40,
        watch in prop_oneof![Just(Watch::AskAtOrBelow), Just(Watch::BidAtOrAbove),
                             Just(Watch::TradeAtOrBelow), Just(Watch::TradeAtOrAbove)],
    ) {
        let market = market_with(seed, hold_open);
        let symbol = symbol(if crypto { "SOL/USD" } else { "AAPL" });
        let from = at("2026-11-19T00:00:00Z") + jiff::SignedDuration::from_millis(start * 1_001);
        let to = from + jiff::SignedDuration::from_millis(length * 997);
        let now = market.last_trade(&symbol, from).unwrap().price;
        let limit = now + now * Decimal::new(permille, 3);
        let after = from + jiff::SignedDuration::from_micros(1);
        prop_assert_eq!(
            market.first_crossing(&symbol, watch, limit, from, to),
            naive(&market, &symbol, watch, limit, Window { from: after, to, now: to })
        );
    }
}
