//! The table against the recordings, and the dates on which it is laid.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::GzDecoder;
use jiff::civil::date;
use rstest::rstest;

use super::*;
use crate::market::{Adjustment, Bar, MarketOptions, Sort, Timeframe, Window};

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn market(laying: DateLaying) -> Market {
    Market::new(MarketOptions { seed: 42, laying, hold_open: false })
}

fn symbol(text: &str) -> Symbol {
    Symbol::parse(text).unwrap()
}

/// What the publisher's adjusted close says: on which days a split or a dividend was, and how large.
fn published(file: &str) -> BTreeMap<Date, Decimal> {
    let packed = std::fs::read(format!("{}/data/{file}.1Day.csv.gz", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let mut text = String::new();
    GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    let rows: Vec<(Date, Decimal, Decimal)> = text
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let adjusted = dec(fields[6]).round_dp(12);
            (fields[0].parse().unwrap(), dec(fields[4]), adjusted)
        })
        .collect();
    rows.windows(2)
        .filter_map(|pair| {
            let ((_, before, before_adjusted), (date, close, adjusted)) = (pair[0], pair[1]);
            // What one share had to bring on this day for the holder to have lost nothing.
            let worth = adjusted * before / before_adjusted;
            let paid = (worth - close).round_dp(4);
            (!paid.is_zero()).then_some((date, paid))
        })
        .collect()
}

#[rstest]
#[case::apple("AAPL")]
#[case::facebook("FB")]
#[case::google("GOOG")]
#[case::ibm("IBM")]
#[case::microsoft("MSFT")]
fn the_table_is_what_the_recordings_show(#[case] text: &str) {
    let market = market(DateLaying::AsRecorded);
    let (symbol, mut table) = (symbol(text), BTreeMap::<Date, Decimal>::new());
    for action in market.actions_of(&symbol) {
        let worth = match action.kind {
            ActionKind::Dividend { rate, .. } => rate,
            ActionKind::Split { new, .. } => {
                let day = Window {
                    from: action.ex_open - jiff::SignedDuration::from_hours(12),
                    to: action.ex_open,
                    now: Timestamp::MAX,
                };
                let bar = market.bars(&symbol, Timeframe::DAY, day, Sort::Ascending).next().unwrap();
                bar.close * (new - Decimal::ONE)
            }
        };
        *table.entry(action.ex_date).or_default() += worth;
    }
    assert_eq!(table, published(text));
}

#[rstest]
#[case("AAPL", "2000-06-21", "101.25", "50.5")]
#[case("AAPL", "2005-02-28", "88.99", "44.68")]
#[case("MSFT", "2003-02-18", "48.3", "24.62")]
fn a_split_halves_the_price_overnight(
    #[case] text: &str,
    #[case] ex_date: &str,
    #[case] close: &str,
    #[case] open: &str,
) {
    let (market, symbol) = (market(DateLaying::AsRecorded), symbol(text));
    let ex_date: Date = ex_date.parse().unwrap();
    let split = market.actions_of(&symbol).find(|action| action.ex_date == ex_date).unwrap();
    assert_eq!(split.kind, ActionKind::Split { new: Decimal::TWO, old: Decimal::ONE });
    let before = split.ex_open - jiff::SignedDuration::from_micros(1);
    assert_eq!(market.last_trade(&symbol, before).unwrap().price, dec(close));
    assert_eq!(market.last_trade(&symbol, split.ex_open).unwrap().price, dec(open));
    let ratio = dec(close) / dec(open);
    assert!((ratio - Decimal::TWO).abs() < dec("0.05"), "{ratio}");
    assert_eq!(market.previous_close(&symbol, before), Some(dec(close)));
    assert_eq!(market.previous_close(&symbol, split.ex_open), Some(dec(close) / Decimal::TWO));
}

#[test]
fn dates_are_in_order_and_have_sessions() {
    for laying in [DateLaying::AsRecorded, DateLaying::OntoToday] {
        let market = market(laying);
        assert_eq!(market.corporate_actions().len(), FACTS.len());
        for action in market.corporate_actions() {
            assert_eq!(
                calendar::session_on(action.ex_date).map(|session| session.open),
                Some(action.ex_open)
            );
            assert!(calendar::session_on(action.payable_date).is_some(), "{action:?}");
            assert!(action.payable_date > action.record_date, "{action:?}");
            let days = action.ex_date.until(action.payable_date).unwrap().get_days();
            match action.kind {
                ActionKind::Dividend { .. } => {
                    assert!(action.ex_date < action.record_date && (7..=42).contains(&days), "{action:?}");
                }
                ActionKind::Split { .. } => assert!(action.record_date < action.ex_date, "{action:?}"),
            }
        }
        let ids: std::collections::BTreeSet<Uuid> =
            market.corporate_actions().iter().map(|action| action.id).collect();
        assert_eq!(ids.len(), FACTS.len());
    }
}

#[test]
fn actions_are_laid_with_the_days() {
    let market = market(DateLaying::OntoToday);
    for action in market.corporate_actions() {
        let recorded = market.recorded_on(&action.symbol, action.ex_date).unwrap();
        assert!(
            FACTS
                .iter()
                .any(|fact| fact.company.symbol == action.symbol.as_str() && fact.ex_date == recorded)
        );
    }
    let apple = symbol("AAPL");
    let coming: Vec<Date> = market
        .actions_of(&apple)
        .map(|action| action.ex_date)
        .filter(|day| *day > date(2026, 1, 1))
        .collect();
    assert_eq!(coming.len(), 3, "{coming:?}");
}

/// One day's bar.
fn day(market: &Market, text: &str, on: &str, now: &str, adjustment: &str) -> Bar {
    let from: Timestamp = format!("{on}T04:00:00Z").parse().unwrap();
    let window = Window { from, to: from + jiff::SignedDuration::from_hours(12), now: now.parse().unwrap() };
    let adjustment: Adjustment = adjustment.parse().unwrap();
    market.adjusted_bars(&symbol(text), Timeframe::DAY, window, Sort::Ascending, adjustment).next().unwrap()
}

#[rstest]
// The day before the split of 2005, seen after it and on the evening before it.
#[case("AAPL", "2005-02-25", "2005-02-28T15:00:00Z", "raw", "88.99", 1)]
#[case("AAPL", "2005-02-25", "2005-02-28T15:00:00Z", "split", "44.495", 2)]
#[case("AAPL", "2005-02-25", "2005-02-28T15:00:00Z", "dividend", "88.99", 1)]
#[case("AAPL", "2005-02-25", "2005-02-28T02:00:00Z", "split", "88.99", 1)]
#[case("AAPL", "2005-02-28", "2005-03-10T15:00:00Z", "all", "44.86", 1)]
// Both splits.
#[case("AAPL", "2000-06-20", "2012-01-10T15:00:00Z", "split,spin-off", "25.3125", 4)]
// 2.65 of 619.86 dollars.
#[case("AAPL", "2012-08-08", "2012-08-10T15:00:00Z", "dividend", "617.21", 1)]
#[case("AAPL", "2012-08-08", "2012-08-10T15:00:00Z", "split", "619.86", 1)]
// 3.08 of 29.97 dollars: two dividends of one day.
#[case("MSFT", "2004-11-12", "2004-11-16T15:00:00Z", "all", "26.89", 1)]
#[case("MSFT", "2004-11-12", "2004-11-16T15:00:00Z", "spin-off", "29.97", 1)]
fn bars_before_an_action_are_adjusted(
    #[case] text: &str,
    #[case] on: &str,
    #[case] now: &str,
    #[case] adjustment: &str,
    #[case] close: &str,
    #[case] volume: i64,
) {
    let market = market(DateLaying::AsRecorded);
    let (raw, bar) = (day(&market, text, on, now, "raw"), day(&market, text, on, now, adjustment));
    assert_eq!((bar.close, bar.volume), (dec(close), raw.volume * Decimal::from(volume)));
    let factor = dec(close) / raw.close;
    for (adjusted, raw) in
        [(bar.open, raw.open), (bar.high, raw.high), (bar.low, raw.low), (bar.vwap, raw.vwap)]
    {
        assert!((adjusted - raw * factor).abs() < dec("0.0002"), "{adjusted} {raw}");
    }
    assert_eq!((bar.at, bar.trade_count), (raw.at, raw.trade_count));
}

#[test]
fn minutes_weeks_and_months_agree_with_days() {
    let (market, apple) = (market(DateLaying::AsRecorded), symbol("AAPL"));
    let list = |timeframe: &str, from: &str, to: &str| -> Vec<Bar> {
        let window = Window {
            from: format!("{from}T05:00:00Z").parse().unwrap(),
            to: format!("{to}T21:00:00Z").parse().unwrap(),
            now: "2005-12-30T21:00:00Z".parse().unwrap(),
        };
        let all = "all".parse().unwrap();
        market.adjusted_bars(&apple, timeframe.parse().unwrap(), window, Sort::Ascending, all).collect()
    };
    let split_month = list("1Day", "2005-02-01", "2005-02-28");
    for whole in [list("1Month", "2005-02-01", "2005-02-28"), list("1Min", "2005-02-01", "2005-02-28")] {
        let high = |bars: &[Bar]| bars.iter().map(|bar| bar.high).max().unwrap();
        let volume = |bars: &[Bar]| bars.iter().map(|bar| bar.volume).sum::<Decimal>();
        assert_eq!(high(&whole), high(&split_month));
        assert_eq!(volume(&whole), volume(&split_month));
        assert_eq!(whole[0].open, split_month[0].open);
        assert_eq!(whole[whole.len() - 1].close, dec("44.86"));
    }
    let month = &list("1Month", "2005-02-01", "2005-02-28")[0];
    assert!(month.low < month.vwap && month.vwap < month.high, "{month:?}");
    // The split was on a Monday: no week has both prices.
    let weeks = list("1Week", "2005-02-21", "2005-02-28");
    assert!(weeks.iter().all(|week| week.low > dec("40") && week.high < dec("50")), "{weeks:?}");
}

#[rstest]
#[case("")]
#[case("splits")]
#[case("split,")]
#[case("RAW")]
fn other_words_are_no_adjustment(#[case] text: &str) {
    assert!(text.parse::<Adjustment>().is_err());
}
