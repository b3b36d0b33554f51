//! The news of the price world: reports that the broker writes from its own tape, and says so.
//!
//! Everything is computed when it is asked for. Each day has a fixed timetable of what may be reported about which asset and
//! when ([`Moment`]); an article is written from what the tape has had by the instant that it is about, which is before the
//! article appears. So the same world always has the same articles, and none knows of the future.

mod article;
mod timetable;

use jiff::Timestamp;
use jiff::civil::Date;
use paddock_alpaca::wire::NewsArticle;
use paddock_core::calendar;

use crate::market::{AssetInfo, Market, Sort, Window};
use timetable::Moment;

/// Which articles are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted<'a> {
    /// Those about any of these symbols, spelled as articles spell them; about anything, if absent.
    pub symbols: Option<&'a [String]>,
    /// Whether an article that is no more than its headline will do.
    pub headline_only: bool,
}

impl Wanted<'_> {
    fn is_about(&self, asset: &AssetInfo) -> bool {
        self.symbols.is_none_or(|symbols| symbols.contains(&asset.symbol.without_slash()))
    }

    fn wants(&self, article: &NewsArticle) -> bool {
        let about = |symbols: &[String]| {
            article.symbols.iter().any(|symbol| symbols.iter().any(|wanted| wanted == symbol))
        };
        (self.headline_only || !article.content.is_empty()) && self.symbols.is_none_or(about)
    }
}

/// The articles that appeared within a window, written as they are taken.
pub(crate) fn articles<'a>(
    market: &'a Market,
    wanted: Wanted<'a>,
    window: Window,
    sort: Sort,
) -> impl Iterator<Item = NewsArticle> + 'a {
    let to = window.to.min(window.now);
    // Nothing was traded earlier.
    let first = calendar::trading_date(window.from).max(calendar::FIRST_DATE);
    dates(first, calendar::trading_date(to), sort)
        .flat_map(move |date| {
            let mut moments = timetable::of(market, date, window.from..=to, |asset| wanted.is_about(asset));
            moments.sort_unstable_by_key(Moment::id);
            if sort == Sort::Descending {
                moments.reverse();
            }
            moments
        })
        .filter_map(|moment| article::write(market, &moment))
        .filter(move |article| wanted.wants(article))
}

/// The articles that appeared after `from` and up to `to`, oldest first: what a stream tells. Costs next to nothing when no
/// report is due in between.
pub(crate) fn between(market: &Market, from: Timestamp, to: Timestamp) -> Vec<NewsArticle> {
    if !timetable::may_be_due(from, to) {
        return Vec::new();
    }
    let wanted = Wanted { symbols: None, headline_only: true };
    let window = Window { from, to, now: to };
    articles(market, wanted, window, Sort::Ascending).filter(|article| article.created_at > from).collect()
}

fn dates(first: Date, last: Date, sort: Sort) -> impl Iterator<Item = Date> {
    let (from, step) = match sort {
        Sort::Ascending => (first, 1),
        Sort::Descending => (last, -1),
    };
    let further = move |date: &Date| date.checked_add(jiff::Span::new().days(step)).ok();
    std::iter::successors(Some(from), further).take_while(move |date| (first..=last).contains(date))
}

#[cfg(test)]
mod tests;
