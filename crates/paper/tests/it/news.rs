//! News, by REST and by stream.

use std::collections::BTreeSet;

use paddock_alpaca::wire::news::News;
use rstest::rstest;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Desk, OPEN, at};
use crate::socket::{MSGPACK, Socket};
use crate::stream_data::{auth, connected, success};

const NEWS: &str = "/v1beta1/news";
/// Before the opening reports of the day.
const BEFORE: &str = "2026-06-24T13:25:00Z";

async fn news(desk: &Desk, query: &str) -> News {
    let answer = desk.get(&format!("{NEWS}?{query}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_value(answer.body).unwrap()
}

#[tokio::test]
async fn the_latest_ten_come_first_without_content() {
    let desk = Desk::at(OPEN).await;
    let page = news(&desk, "").await;
    assert_eq!(page.news.len(), 10);
    assert!(
        page.news.windows(2).all(|pair| pair[0].updated_at >= pair[1].updated_at && pair[0].id > pair[1].id)
    );
    for article in &page.news {
        assert!(article.created_at <= at(OPEN) && article.content.is_empty() && !article.symbols.is_empty());
        assert_eq!((article.source.as_str(), article.author.as_str()), ("paddock", "Paddock paper broker"));
    }
}

#[tokio::test]
async fn an_opening_report_states_the_opening() {
    let desk = Desk::at(OPEN).await;
    let page = news(&desk, "symbols=AAPL&include_content=true&limit=50&start=2026-06-24").await;
    let report = page.news.iter().find(|article| article.headline.contains("opens")).unwrap();
    let bar = desk.get("/v2/stocks/AAPL/bars?timeframe=1Day&start=2026-06-24").await.body["bars"][0].take();
    let open: rust_decimal::Decimal = bar["o"].to_string().parse().unwrap();
    assert!(report.headline.starts_with(&format!("AAPL opens at ${open:.2}, ")), "{report:?} {bar}");
    assert!(report.content.starts_with("<p>Apple Inc."), "{report:?}");
}

#[tokio::test]
async fn pages_go_on_both_ways() {
    let desk = Desk::at("2026-06-24T21:00:00Z").await;
    let range = "start=2026-06-23T19:00:00Z&end=2026-06-24T14:30:00Z&symbols=AAPL,MSFT,TSLA,BTCUSD,ETH/USD";
    let mut read = Vec::new();
    for sort in ["desc", "asc"] {
        let (mut articles, mut token) = (Vec::new(), String::new());
        loop {
            let page = news(&desk, &format!("{range}&sort={sort}&limit=3{token}")).await;
            articles.extend(page.news);
            match page.next_page_token {
                Some(next) => token = format!("&page_token={}", next.replace('=', "%3D")),
                None => break,
            }
        }
        let whole = news(&desk, &format!("{range}&sort={sort}&limit=50")).await;
        assert_eq!((&articles, whole.next_page_token), (&whole.news, None));
        read.push(articles);
    }
    read[1].reverse();
    assert_eq!(read[0], read[1]);
    assert!(read[0].len() > 7);
    let symbols: BTreeSet<&str> =
        read[0].iter().flat_map(|article| &article.symbols).map(String::as_str).collect();
    assert!(["AAPL", "BTCUSD", "ETHUSD"].iter().all(|symbol| symbols.contains(symbol)), "{symbols:?}");
}

#[tokio::test]
async fn headlines_alone_can_be_left_out() {
    let desk = Desk::at("2026-06-24T21:00:00Z").await;
    let range = "start=2026-06-24&limit=50&include_content=true&sort=asc&symbols=NVDA,TSLA,COIN,GME,AMC,SOXL,NIO,PLTR";
    let all = news(&desk, range).await.news;
    let whole = news(&desk, &format!("{range}&exclude_contentless=true")).await.news;
    assert!(all.iter().any(|article| article.content.is_empty()), "{all:?}");
    let expected: Vec<_> = all.into_iter().filter(|article| !article.content.is_empty()).collect();
    assert_eq!(whole, expected);
}

#[rstest]
#[case("limit=51", "invalid limit: larger than the allowed maximum of 50")]
#[case("limit=0", "invalid limit: 0")]
#[case("sort=up", "invalid sort: up")]
#[case("symbols=aapl", "invalid symbol: aapl does not match ^[A-Z]+(\\.[A-Z]+)?$")]
#[case("start=x", "invalid start: x")]
#[case("start=2026-02-02&end=2026-02-01", "end should not be before start")]
#[case("include_content=maybe", "invalid include_content: maybe")]
#[case("page_token=x", "invalid page_token: x")]
#[tokio::test]
async fn bad_questions_get_400_without_a_code(#[case] query: &str, #[case] message: &str) {
    let refused = Desk::at(OPEN).await.get(&format!("{NEWS}?{query}")).await;
    assert_eq!((refused.status, refused.body), (400, json!({"message": message})));
}

#[tokio::test]
async fn what_is_not_traded_has_no_news() {
    let answer = Desk::at(OPEN).await.get(&format!("{NEWS}?symbols=ZZZZZ")).await;
    assert_eq!((answer.status, answer.body), (200, json!({"news": [], "next_page_token": null})));
}

/// The articles as a stream tells them.
async fn asked_for(desk: &Desk, query: &str) -> Vec<Value> {
    let target = format!("{NEWS}?start={BEFORE}&sort=asc&limit=50&include_content=true{query}");
    let mut articles = desk.get(&target).await.body["news"].as_array().unwrap().clone();
    for article in &mut articles {
        let fields = article.as_object_mut().unwrap();
        fields.remove("images");
        fields.insert("T".to_owned(), json!("n"));
    }
    articles
}

async fn told(socket: &mut Socket, count: usize) -> Vec<Value> {
    let mut articles = Vec::new();
    while articles.len() < count {
        articles.extend(socket.next().await.as_array().unwrap().iter().cloned());
    }
    articles
}

#[rstest]
#[case::everything(&["*"], "", 8)]
#[case::some(&["AAPL", "IBM"], "&symbols=AAPL,IBM", 20)]
#[tokio::test]
async fn a_stream_tells_what_can_be_asked_for(
    #[case] symbols: &[&str],
    #[case] query: &str,
    #[case] minutes: u64,
) {
    let desk = Desk::at(BEFORE).await;
    let mut socket = connected(&desk, NEWS, &[]).await;
    socket.send(json!({"action": "subscribe", "news": symbols})).await;
    assert_eq!(socket.next().await, json!([{"T": "subscription", "news": symbols}]));
    desk.advance(minutes * 60);
    let asked = asked_for(&desk, query).await;
    assert!(!asked.is_empty());
    let told = told(&mut socket, asked.len()).await;
    assert_eq!(told, asked);
}

#[tokio::test]
async fn a_crypto_pair_may_have_its_slash() {
    // The day of crypto pairs ends at midnight in Chicago.
    let desk = Desk::at("2026-06-24T04:59:00Z").await;
    let mut socket = connected(&desk, NEWS, &[]).await;
    socket.send(json!({"action": "subscribe", "news": ["BTC/USD"]})).await;
    assert_eq!(socket.next().await[0]["T"], "subscription");
    desk.advance(15 * 60);
    let first = socket.next().await[0].take();
    assert_eq!(first["symbols"], json!(["BTCUSD"]));
    assert!(first["headline"].as_str().unwrap().starts_with("BTCUSD closes at $"), "{first}");
}

#[tokio::test]
async fn message_pack_has_its_own_timestamps() {
    let desk = Desk::at(BEFORE).await;
    let mut socket = Socket::open(&desk, NEWS, &[MSGPACK]).await;
    assert_eq!(socket.next().await, success("connected"));
    for request in [auth(&desk), json!({"action": "subscribe", "news": ["AAPL"]})] {
        socket.send_raw(Message::binary(rmp_serde::to_vec_named(&request).unwrap())).await;
        let Message::Binary(_) = socket.frame().await else { panic!("not binary") };
    }
    desk.advance(20 * 60);
    let Message::Binary(frame) = socket.frame().await else { panic!("not binary") };
    let contains = |part: &[u8]| frame.windows(part.len()).any(|window| window == part);
    // An array of one map of eleven; whole seconds in four bytes; no address.
    assert!(frame.starts_with(b"\x91\x8b\xa1T\xa1n\xa2id\xcf"), "{frame:?}");
    assert!(contains(b"\xaacreated_at\xd6\xff") && contains(b"\xaaupdated_at\xd6\xff"));
    assert!(contains(b"\xa3url\xc0") && contains(b"\xa7symbols\x91\xa4AAPL"));
}
