//! The news as a stream tells it: the articles that can be asked for, each once, when it appears.

use jiff::Timestamp;
use paddock_alpaca::stream::{Channel, Selection};
use paddock_alpaca::wire::NewsArticle;
use paddock_core::Symbol;

use super::portion::Portion;
use crate::market::Market;
use crate::news;
use crate::stream::encode::Value;

impl Portion {
    /// What appeared after `from` and up to `to`.
    pub(super) fn news(&mut self, market: &Market, selection: &Selection, from: Timestamp, to: Timestamp) {
        for article in news::between(market, from, to) {
            if article.symbols.iter().any(|symbol| wants(selection, symbol)) {
                self.article(&article);
            }
        }
    }

    fn article(&mut self, article: &NewsArticle) {
        let symbols: Vec<&str> = article.symbols.iter().map(String::as_str).collect();
        let fields = [
            ("T", Value::Text("n")),
            ("id", Value::Count(article.id)),
            ("headline", Value::Text(&article.headline)),
            ("summary", Value::Text(&article.summary)),
            ("author", Value::Text(&article.author)),
            ("created_at", Value::Time(article.created_at)),
            ("updated_at", Value::Time(article.updated_at)),
            ("url", article.url.as_deref().map_or(Value::Nothing, Value::Text)),
            ("content", Value::Text(&article.content)),
            ("symbols", Value::Texts(&symbols)),
            ("source", Value::Text(&article.source)),
        ];
        self.put(article.created_at, &fields);
    }
}

/// Whether a symbol is subscribed to, in either spelling of a crypto pair.
fn wants(selection: &Selection, symbol: &str) -> bool {
    selection.has(Channel::News, symbol)
        || Symbol::parse(symbol).is_ok_and(|symbol| selection.has(Channel::News, symbol.as_str()))
}
