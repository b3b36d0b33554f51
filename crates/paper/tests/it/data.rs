//! Market data.

use std::collections::BTreeMap;

use paddock_alpaca::wire;
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Desk, OPEN, answer};

const BARS: &str = "/v2/stocks/bars?symbols=MSFT,AAPL&timeframe=1Min&start=2026-06-24&limit=20";

#[tokio::test]
async fn pages_go_on_across_symbols() {
    let desk = Desk::at(OPEN).await;
    let mut bars: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let (mut token, mut sizes) = (None, Vec::new());
    loop {
        let target = token.map_or(BARS.to_owned(), |token: String| format!("{BARS}&page_token={token}"));
        let page = desk.get(&target).await.body;
        let mut size = 0;
        for (symbol, items) in page["bars"].as_object().unwrap() {
            size += items.as_array().unwrap().len();
            bars.entry(symbol.clone()).or_default().extend(items.as_array().unwrap().iter().cloned());
        }
        sizes.push(size);
        match page["next_page_token"].as_str() {
            Some(next) => token = Some(next.replace('=', "%3D")),
            None => break,
        }
    }
    // Thirty whole minutes and the one that has just begun with a trade, if it has.
    assert!(sizes[..sizes.len() - 1].iter().all(|size| *size == 20), "{sizes:?}");
    for symbol in ["AAPL", "MSFT"] {
        let single =
            desk.get(&format!("/v2/stocks/{symbol}/bars?timeframe=1Min&start=2026-06-24")).await.body;
        assert_eq!((single["bars"].as_array(), &single["symbol"]), (bars.get(symbol), &json!(symbol)));
        let mut backwards = desk
            .get(&format!("/v2/stocks/{symbol}/bars?timeframe=1Min&start=2026-06-24&sort=desc"))
            .await
            .body;
        backwards["bars"].as_array_mut().unwrap().reverse();
        assert_eq!(backwards["bars"], single["bars"]);
    }
}

#[rstest]
#[case("/v2/stocks", "symbols=AAPL", "quotes")]
#[case("/v2/stocks", "symbols=AAPL", "trades")]
#[case("/v1beta3/crypto/us", "symbols=BTC/USD", "quotes")]
#[case("/v1beta3/crypto/us", "symbols=BTC/USD", "trades")]
#[tokio::test]
async fn ticks_page_both_ways(#[case] base: &str, #[case] symbols: &str, #[case] kind: &str) {
    let desk = Desk::at(OPEN).await;
    for sort in ["asc", "desc"] {
        let target = format!(
            "{base}/{kind}?{symbols}&sort={sort}&start=2026-06-24T13:50:00Z&end=2026-06-24T13:56:00Z"
        );
        let items = |page: &Value| {
            page[kind].as_object().unwrap().values().next().unwrap().as_array().unwrap().clone()
        };
        let whole = items(&desk.get(&format!("{target}&limit=10000")).await.body);
        let first = desk.get(&format!("{target}&limit=7")).await.body;
        let token = first["next_page_token"].as_str().unwrap().replace('=', "%3D");
        let second = desk.get(&format!("{target}&limit=7&page_token={token}")).await.body;
        assert_eq!([items(&first), items(&second)].concat(), whole[..14]);
    }
}

#[tokio::test]
async fn the_latest_of_everything_agrees() {
    let desk = Desk::at(OPEN).await;
    let snapshots = desk.get("/v2/stocks/snapshots?symbols=AAPL,MSFT").await.body;
    let single = desk.get("/v2/stocks/AAPL/snapshot").await.body;
    assert_eq!(
        (&single["symbol"], &single["latestQuote"]),
        (&json!("AAPL"), &snapshots["AAPL"]["latestQuote"])
    );
    for (path, member, kind) in [
        ("quotes/latest", "latestQuote", "quotes"),
        ("trades/latest", "latestTrade", "trades"),
        ("bars/latest", "minuteBar", "bars"),
    ] {
        let many = desk.get(&format!("/v2/stocks/{path}?symbols=AAPL&feed=iex")).await.body;
        let one = desk.get(&format!("/v2/stocks/AAPL/{path}")).await.body;
        assert_eq!(many[kind]["AAPL"], snapshots["AAPL"][member], "{path}");
        assert_eq!(one[kind.trim_end_matches('s')], snapshots["AAPL"][member], "{path}");
    }
    let snapshot: wire::snapshots::StockSnapshot = serde_json::from_value(snapshots["MSFT"].clone()).unwrap();
    assert_eq!(snapshot.daily_bar.unwrap().t, "2026-06-24T04:00:00Z".parse().unwrap());
    assert_eq!(snapshot.prev_daily_bar.unwrap().t, "2026-06-23T04:00:00Z".parse().unwrap());

    let crypto = desk.get("/v1beta3/crypto/us/snapshots?symbols=BTC/USD").await.body;
    let quote = desk.get("/v1beta3/crypto/us/latest/quotes?symbols=BTC%2FUSD").await.body;
    assert_eq!(crypto["snapshots"]["BTC/USD"]["latestQuote"], quote["quotes"]["BTC/USD"]);
    let book = desk.get("/v1beta3/crypto/us/latest/orderbooks?symbols=BTC/USD").await.body;
    assert_eq!(book["orderbooks"]["BTC/USD"]["a"][0]["p"], quote["quotes"]["BTC/USD"]["ap"]);
}

#[tokio::test]
async fn nothing_is_known_of_the_future() {
    let desk = Desk::at(OPEN).await;
    let bars = desk
        .get("/v2/stocks/AAPL/bars?timeframe=1Min&start=2026-06-24&end=2027-01-01&sort=desc&limit=1")
        .await;
    assert!(bars.body["bars"][0]["t"].as_str().unwrap() <= OPEN, "{bars:?}");
}

#[rstest]
#[case("/v2/stocks/bars?timeframe=1Day", "symbols is required")]
#[case("/v2/stocks/bars?symbols=AAPL", "timeframe is required")]
#[case("/v2/stocks/bars?symbols=AAPL&timeframe=2Day", "invalid timeframe: 2Day")]
#[case(
    "/v2/stocks/bars?symbols=aapl&timeframe=1Day",
    "invalid symbol: aapl does not match ^[A-Z]+(\\.[A-Z]+)?$"
)]
#[case(
    "/v1beta3/crypto/us/bars?symbols=BTCUSD&timeframe=1Day",
    "invalid symbol: BTCUSD does not match ^[A-Z]+x?/[A-Z]+$"
)]
#[case("/v1beta3/crypto/mars/bars?symbols=BTC/USD&timeframe=1Day", "invalid location: mars")]
#[case(
    "/v2/stocks/bars?symbols=AAPL&timeframe=1Day&limit=10001",
    "invalid limit: larger than the allowed maximum of 10000"
)]
#[case("/v2/stocks/bars?symbols=AAPL&timeframe=1Day&limit=x", "invalid limit: x")]
#[case("/v2/stocks/bars?symbols=AAPL&timeframe=1Day&feed=reuters", "invalid feed: reuters")]
#[case("/v2/stocks/bars?symbols=AAPL&timeframe=1Day&start=x", "invalid start: x")]
#[case(
    "/v2/stocks/bars?symbols=AAPL&timeframe=1Day&start=2026-02-02&end=2026-02-01",
    "end should not be before start"
)]
#[case("/v2/stocks/bars?symbols=AAPL&timeframe=1Day&page_token=x", "invalid page_token: x")]
#[tokio::test]
async fn bad_questions_get_400_without_a_code(#[case] target: &str, #[case] message: &str) {
    let refused = Desk::at(OPEN).await.get(target).await;
    assert_eq!((refused.status, refused.body), (400, json!({"message": message})));
}

#[tokio::test]
async fn what_is_not_traded_has_no_data() {
    let desk = Desk::at(OPEN).await;
    let none = answer(desk.request("GET", "/v2/stocks/bars?symbols=ZZZZZ&timeframe=1Day")).await;
    assert_eq!((none.status, none.body), (200, json!({"bars": {}, "next_page_token": null})));
    assert_eq!(desk.get("/v2/stocks/ZZZZZ/bars?timeframe=1Day").await.status, 404);
}
