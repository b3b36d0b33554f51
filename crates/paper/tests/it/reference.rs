//! Auctions, the screener, and what codes mean.

use std::collections::BTreeSet;

use paddock_alpaca::wire;
use paddock_alpaca::wire::auctions::{AuctionsBySymbol, AuctionsOfOne};
use paddock_alpaca::wire::screener::{MostActives, Movers};
use reqwest::header::HeaderValue;
use rstest::rstest;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::harness::{Desk, OPEN};

/// After the close of the session of [`OPEN`].
const EVENING: &str = "2026-06-24T21:00:00Z";

#[tokio::test]
async fn auctions_have_the_prices_that_orders_for_them_get() {
    // The evening before.
    let desk = Desk::at("2026-06-24T02:00:00Z").await;
    let order = |time_in_force: &str| json!({"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": time_in_force});
    let orders = [desk.place(order("opg")).await, desk.place(order("cls")).await];
    desk.advance(19 * 3600);
    let auctions = desk.get("/v2/stocks/AAPL/auctions?start=2026-06-24").await.body;
    let page: AuctionsOfOne = serde_json::from_value(auctions.clone()).unwrap();
    let [day] = &page.auctions[..] else { panic!("{auctions}") };
    assert_eq!((day.d.to_string(), page.symbol.as_str()), ("2026-06-24".to_owned(), "AAPL"));
    for (id, prints, codes, at) in [
        (&orders[0], &day.o, ["O", "Q"], "2026-06-24T13:30:00Z"),
        (&orders[1], &day.c, ["6", "M"], "2026-06-24T20:00:00Z"),
    ] {
        let filled: Decimal = desk.get(&format!("/v2/orders/{id}")).await.body["filled_avg_price"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(prints.iter().map(|print| &print.c).collect::<Vec<_>>(), codes);
        assert!(
            prints.iter().all(|print| print.p == filled && print.t == at.parse().unwrap() && print.x == "Q")
        );
    }
}

#[tokio::test]
async fn auctions_page_across_symbols_and_know_nothing_of_the_future() {
    let desk = Desk::at(OPEN).await;
    let base = "/v2/stocks/auctions?symbols=IBM,AAPL&start=2026-06-22&end=2026-06-26";
    for sort in ["asc", "desc"] {
        let whole: AuctionsBySymbol =
            serde_json::from_value(desk.get(&format!("{base}&sort={sort}")).await.body).unwrap();
        assert_eq!(whole.auctions.keys().collect::<Vec<_>>(), ["AAPL", "IBM"]);
        for days in whole.auctions.values() {
            // Three openings; the third day has not closed.
            assert_eq!((days.len(), days.iter().filter(|day| day.c.is_empty()).count()), (3, 1));
        }
        let mut pages = Vec::new();
        let mut token = String::new();
        loop {
            let page = desk.get(&format!("{base}&sort={sort}&limit=2{token}")).await.body;
            let page: AuctionsBySymbol = serde_json::from_value(page).unwrap();
            pages.extend(
                page.auctions
                    .into_iter()
                    .flat_map(|(symbol, days)| days.into_iter().map(move |day| (symbol.clone(), day))),
            );
            match page.next_page_token {
                Some(next) => token = format!("&page_token={}", next.replace('=', "%3D")),
                None => break,
            }
        }
        let expected: Vec<_> = whole
            .auctions
            .into_iter()
            .flat_map(|(symbol, days)| days.into_iter().map(move |day| (symbol.clone(), day)))
            .collect();
        assert_eq!(pages, expected);
    }
}

#[tokio::test]
async fn the_most_active_are_those_with_the_largest_bars() {
    let desk = Desk::at(EVENING).await;
    for (by, member) in [("volume", "v"), ("trades", "n")] {
        let actives = desk.get(&format!("/v1beta1/screener/stocks/most-actives?by={by}&top=5")).await.body;
        let parsed: MostActives = serde_json::from_value(actives.clone()).unwrap();
        assert_eq!(parsed.most_actives.len(), 5);
        let ranked = parsed.most_actives.iter().map(|active| match by {
            "volume" => active.volume,
            _ => Decimal::from(active.trade_count),
        });
        assert!(ranked.collect::<Vec<_>>().windows(2).all(|pair| pair[0] >= pair[1]), "{actives}");
        let symbol = &parsed.most_actives[0].symbol;
        let bars = desk.get(&format!("/v2/stocks/{symbol}/bars?timeframe=1Day&start=2026-06-24")).await.body;
        let name = if by == "volume" { "volume" } else { "trade_count" };
        assert_eq!(bars["bars"][0][member], actives["most_actives"][0][name]);
    }
    let usual = desk.get("/v1beta1/screener/stocks/most-actives").await.body;
    assert_eq!(usual["most_actives"].as_array().unwrap().len(), 10);
}

#[rstest]
// In a session, after one, before one, and on a Sunday.
#[case("stocks", OPEN, "2026-06-24", "2026-06-23")]
#[case("stocks", EVENING, "2026-06-24", "2026-06-23")]
#[case("stocks", "2026-06-25T12:00:00Z", "2026-06-24", "2026-06-23")]
#[case("stocks", "2026-06-28T12:00:00Z", "2026-06-26", "2026-06-25")]
#[case("crypto", "2026-06-28T12:00:00Z", "2026-06-28", "2026-06-27")]
#[tokio::test]
async fn movers_move_from_one_days_close_to_the_other(
    #[case] market: &str,
    #[case] now: &str,
    #[case] day: &str,
    #[case] before: &str,
) {
    let desk = Desk::at(now).await;
    let body = desk.get(&format!("/v1beta1/screener/{market}/movers?top=3")).await.body;
    let movers: Movers = serde_json::from_value(body.clone()).unwrap();
    assert!((1..=3).contains(&movers.gainers.len()) && (1..=3).contains(&movers.losers.len()), "{body}");
    assert!(movers.gainers.iter().all(|mover| mover.change > Decimal::ZERO));
    assert!(movers.gainers.windows(2).all(|pair| pair[0].percent_change >= pair[1].percent_change));
    assert!(movers.losers.iter().all(|mover| mover.change < Decimal::ZERO));
    assert!(movers.losers.windows(2).all(|pair| pair[0].percent_change <= pair[1].percent_change));
    let base = if market == "crypto" { "/v1beta3/crypto/us" } else { "/v2/stocks" };
    for mover in movers.gainers.iter().chain(&movers.losers) {
        let target = format!("{base}/bars?symbols={}&timeframe=1Day&start={before}", mover.symbol);
        let bars: wire::bars::BarsBySymbol = serde_json::from_value(desk.get(&target).await.body).unwrap();
        let [first, second] = &bars.bars[&mover.symbol][..] else { panic!("{bars:?}") };
        assert_eq!([first, second].map(|bar| bar.t.to_string()[..10].to_owned()), [before, day]);
        assert_eq!((mover.price, mover.change), (second.c, second.c - first.c));
        let percent = mover.change * Decimal::ONE_HUNDRED / first.c;
        assert!((percent - mover.percent_change).abs() <= Decimal::new(5, 3));
    }
}

#[rstest]
#[case("/v1beta1/screener/stocks/most-actives?by=size", "invalid by: size")]
#[case(
    "/v1beta1/screener/stocks/most-actives?top=101",
    "invalid top: larger than the allowed maximum of 100"
)]
#[case("/v1beta1/screener/stocks/most-actives?top=0", "invalid top: 0")]
#[case("/v1beta1/screener/stocks/movers?top=51", "invalid top: larger than the allowed maximum of 50")]
#[case("/v1beta1/screener/bonds/movers", "invalid market type: bonds")]
#[case("/v2/stocks/auctions", "symbols is required")]
#[case("/v2/stocks/auctions?symbols=AAPL&feed=iex", "invalid feed: iex")]
#[case("/v2/stocks/meta/conditions/bar?tape=A", "invalid ticktype: bar")]
#[case("/v2/stocks/meta/conditions/trade", "tape is required")]
#[case("/v2/stocks/meta/conditions/trade?tape=D", "invalid tape: D")]
#[case("/v1beta1/options/meta/conditions/bar", "invalid ticktype: bar")]
#[case("/v2/stocks/trades?symbols=AAPL&asof=yesterday", "invalid asof: yesterday")]
#[case("/v2/stocks/trades?symbols=AAPL&currency=EUR", "invalid currency: EUR")]
#[case("/v2/stocks/trades?symbols=AAPL&feed=sip,iex", "invalid feed: sip,iex")]
#[tokio::test]
async fn bad_questions_get_400_without_a_code(#[case] target: &str, #[case] message: &str) {
    let refused = Desk::at(OPEN).await.get(target).await;
    assert_eq!((refused.status, refused.body), (400, json!({"message": message})));
}

#[tokio::test]
async fn a_logo_is_a_placeholder_or_nothing() {
    let desk = Desk::at(OPEN).await;
    let placeholder = desk.request("GET", "/v1beta1/logos/AAPL").send().await.unwrap();
    assert_eq!(
        (placeholder.status().as_u16(), &placeholder.headers()["content-type"]),
        (200, &HeaderValue::from_static("image/png"))
    );
    let image = placeholder.bytes().await.unwrap();
    assert!(image.starts_with(b"\x89PNG\r\n\x1a\n") && image.ends_with(b"IEND\xae\x42\x60\x82"));
    assert_eq!(desk.get("/v1beta1/logos/AAPL?placeholder=false").await.status, 404);
}

#[tokio::test]
async fn every_code_in_prices_has_a_meaning() {
    let desk = Desk::at(EVENING).await;
    let exchanges = desk.get("/v2/stocks/meta/exchanges").await.body;
    let assets = desk.get("/v2/assets").await.body;
    let mut tapes = BTreeSet::new();
    for asset in assets.as_array().unwrap() {
        let symbol = asset["symbol"].as_str().unwrap();
        if symbol == "FB" {
            // Its recorded prices begin later.
            continue;
        }
        for (kind, ticks, venues) in [("trades", "trade", vec!["x"]), ("quotes", "quote", vec!["ax", "bx"])] {
            let tick = desk.get(&format!("/v2/stocks/{symbol}/{kind}?start=2026-06-24&limit=1")).await.body
                [kind][0]
                .take();
            let tape = tick["z"].as_str().unwrap();
            tapes.insert(tape.to_owned());
            let conditions = desk.get(&format!("/v2/stocks/meta/conditions/{ticks}?tape={tape}")).await.body;
            for code in tick["c"].as_array().unwrap() {
                assert!(conditions[code.as_str().unwrap()].is_string(), "{tick}");
            }
            assert!(
                venues.iter().all(|venue| exchanges[tick[venue].as_str().unwrap()].is_string()),
                "{tick}"
            );
        }
    }
    assert_eq!(tapes.into_iter().collect::<Vec<_>>(), ["A", "B", "C"]);
    for print in ["O", "Q", "6", "M"] {
        for tape in ["A", "B", "C"] {
            let conditions = desk.get(&format!("/v2/stocks/meta/conditions/trade?tape={tape}")).await.body;
            assert!(conditions[print].is_string());
        }
    }
    for target in ["conditions/trade", "conditions/quote", "exchanges"] {
        let table = desk.get(&format!("/v1beta1/options/meta/{target}")).await.body;
        let Value::Object(table) = table else { panic!("{table}") };
        assert!(table.len() >= 10 && table.iter().all(|(code, name)| code.len() == 1 && name.is_string()));
    }
}
