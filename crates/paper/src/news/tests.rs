use rstest::rstest;

use super::*;
use crate::market::{DateLaying, MarketOptions};

fn world() -> Market {
    Market::new(MarketOptions { seed: 1, laying: DateLaying::OntoToday, hold_open: false })
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const ANY: Wanted<'static> = Wanted { symbols: None, headline_only: true };

fn day(market: &Market, sort: Sort) -> Vec<NewsArticle> {
    let (from, to) = (at("2026-06-24T04:00:00Z"), at("2026-06-25T03:59:59Z"));
    articles(market, ANY, Window { from, to, now: to }, sort).collect()
}

#[test]
fn a_days_articles_are_in_order_and_have_ids_of_their_own() {
    let market = world();
    let articles = day(&market, Sort::Ascending);
    assert!(articles.windows(2).all(|pair| pair[0].id < pair[1].id));
    assert!(articles.is_sorted_by_key(|article| article.created_at));
    let mut backwards = day(&market, Sort::Descending);
    backwards.reverse();
    assert_eq!(backwards, articles);
    // Every stock opens and closes.
    for word in [" opens at ", " closes at "] {
        let reports = articles.iter().filter(|article| article.headline.contains(word));
        assert!(reports.count() >= 70, "{word}");
    }
}

#[test]
fn nothing_is_told_before_it_has_happened() {
    let market = world();
    for article in day(&market, Sort::Ascending) {
        let at = article.created_at;
        let window = Window { from: at, to: Timestamp::MAX, now: at };
        let told: Vec<NewsArticle> = articles(&market, ANY, window, Sort::Ascending).collect();
        assert!(told.contains(&article) && told.iter().all(|other| other.created_at == at), "{article:?}");
    }
}

#[test]
fn a_stream_that_looks_often_tells_the_same() {
    let market = world();
    let (mut from, end) = (at("2026-06-24T13:00:00Z"), at("2026-06-24T21:00:00Z"));
    let asked =
        articles(&market, ANY, Window { from, to: end, now: end }, Sort::Ascending).collect::<Vec<_>>();
    let mut told = Vec::new();
    for seconds in (1..30).cycle() {
        let to = from.saturating_add(jiff::SignedDuration::from_secs(seconds)).unwrap().min(end);
        told.extend(between(&market, from, to));
        from = to;
        if from == end {
            break;
        }
    }
    assert_eq!(told, asked);
}

#[rstest]
#[case("AAPL", "opens")]
#[case("AAPL", "closes")]
#[case("BTCUSD", "closes")]
fn golden_headlines(#[case] symbol: &str, #[case] verb: &str) {
    let market = world();
    let article = day(&market, Sort::Ascending)
        .into_iter()
        .find(|article| article.symbols[0] == symbol && article.headline.contains(verb))
        .unwrap();
    insta::assert_json_snapshot!(format!("{symbol}_{verb}"), article);
}
