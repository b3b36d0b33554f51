//! `/v1beta1/news`.

use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::wire::NewsArticle;
use paddock_alpaca::wire::news::News;
use paddock_core::{Symbol, calendar};

use super::data;
use crate::http::{Call, respond};
use crate::market::{Sort, Window};
use crate::news::{Wanted, articles};

const LIMIT: usize = 10;
const MAX_LIMIT: usize = 50;
const SYMBOL: &str = "^[A-Z]+(\\.[A-Z]+)?$";

/// The articles, newest first unless asked otherwise. Without a beginning they go back to the first there is.
pub(in crate::http) fn list(call: &Call) -> Result<Response, AlpacaError> {
    let limit = data::limit(call, "limit", LIMIT, MAX_LIMIT)?;
    let sort = data::sort(call, Sort::Descending)?;
    let with_content = data::boolean(call, "include_content")?;
    let symbols =
        call.list("symbols").map(|names| names.into_iter().map(symbol).collect::<Result<Vec<_>, _>>());
    let symbols = symbols.transpose()?;
    let wanted =
        Wanted { symbols: symbols.as_deref(), headline_only: !data::boolean(call, "exclude_contentless")? };
    let token = call
        .text("page_token")
        .map(|text| Token::decode(text).ok_or_else(|| data::invalid("page_token", text)))
        .transpose()?;
    let window = continued(window(call)?, token.as_ref(), sort);
    let mut found =
        articles(call.broker.market(), wanted, window, sort).skip_while(|article| match (&token, sort) {
            (None, _) => false,
            (Some(token), Sort::Ascending) => article.id < token.id,
            (Some(token), Sort::Descending) => article.id > token.id,
        });
    let mut news: Vec<NewsArticle> = found.by_ref().take(limit).collect();
    let next_page_token = found.next().map(|article| Token::of(&article).encode());
    if !with_content {
        news.iter_mut().for_each(|article| article.content.clear());
    }
    respond::ok(&News { news, next_page_token })
}

/// A symbol as articles spell it.
fn symbol(text: &str) -> Result<String, AlpacaError> {
    Symbol::parse(text).map(|symbol| symbol.without_slash()).map_err(|_| {
        let shown: String = text.chars().take(32).collect();
        AlpacaError::data_invalid_symbol(&shown, SYMBOL)
    })
}

fn window(call: &Call) -> Result<Window, AlpacaError> {
    let now = call.data_now();
    let zone = calendar::new_york();
    let from = data::instant(call, "start", &zone)?.unwrap_or(Timestamp::MIN);
    let to = data::instant(call, "end", &zone)?.unwrap_or(now);
    if to < from {
        return Err(AlpacaError::data_bad_request("end should not be before start".to_owned()));
    }
    Ok(Window { from, to, now })
}

/// The part of a window that begins with the token's article.
fn continued(window: Window, token: Option<&Token>, sort: Sort) -> Window {
    match (token, sort) {
        (None, _) => window,
        (Some(token), Sort::Ascending) => Window { from: window.from.max(token.at), ..window },
        (Some(token), Sort::Descending) => Window { to: window.to.min(token.at), ..window },
    }
}

/// With which article a page begins.
struct Token {
    at: Timestamp,
    id: u64,
}

impl Token {
    fn of(article: &NewsArticle) -> Self {
        Self { at: article.updated_at, id: article.id }
    }

    fn encode(&self) -> String {
        STANDARD.encode(format!("{}|{}", self.at.as_nanosecond(), self.id))
    }

    fn decode(text: &str) -> Option<Self> {
        let plain = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
        let (at, id) = plain.split_once('|')?;
        Some(Self { at: Timestamp::from_nanosecond(at.parse().ok()?).ok()?, id: id.parse().ok()? })
    }
}
