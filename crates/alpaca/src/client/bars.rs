//! Past bars, page by page.

use jiff::Timestamp;
use paddock_core::{AssetClass, Symbol};

use super::{AccountClient, ClientError, read_json};
use crate::operation::{Api, Method};
use crate::wire::Bar;
use crate::wire::bars::BarsBySymbol;

/// The most bars that one answer has.
const PAGE: &str = "10000";

/// Which bars are asked for: raw ones, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BarsQuery {
    /// Whose bars: a stock's or a crypto pair's.
    pub symbol: Symbol,
    /// How long each is, as Alpaca spells it: `1Min`, `1Day`.
    pub timeframe: String,
    /// The first instant at which a bar may begin.
    pub from: Timestamp,
    /// The last one.
    pub to: Timestamp,
    /// The feed of stocks (`sip`, `iex`); the best that the account has, if absent.
    pub feed: Option<String>,
}

/// A part of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BarsPage {
    /// The bars.
    pub bars: Vec<Bar>,
    /// What to ask the next page with, if there is one.
    pub next: Option<String>,
}

impl AccountClient<'_> {
    /// One page of past bars; `page` is what the page before told.
    ///
    /// # Errors
    /// [`ClientError`]; options have no bars of this kind, so that they are refused as unknown.
    pub async fn bars(&self, query: &BarsQuery, page: Option<&str>) -> Result<BarsPage, ClientError> {
        let stock = query.symbol.class() == AssetClass::UsEquity;
        let path = if stock { "/v2/stocks/bars" } else { "/v1beta3/crypto/us/bars" };
        let (from, to) = (query.from.to_string(), query.to.to_string());
        let mut parameters = vec![
            ("symbols", query.symbol.as_str()),
            ("timeframe", query.timeframe.as_str()),
            ("start", from.as_str()),
            ("end", to.as_str()),
            ("limit", PAGE),
            ("sort", "asc"),
        ];
        if stock {
            parameters.push(("adjustment", "raw"));
            parameters.extend(query.feed.as_deref().map(|feed| ("feed", feed)));
        }
        parameters.extend(page.map(|token| ("page_token", token)));
        let body = self.send(Api::Data, Method::Get, path, &parameters, None).await?;
        let mut answer: BarsBySymbol = read_json(&body)?;
        let bars = answer.bars.remove(query.symbol.as_str()).unwrap_or_default();
        Ok(BarsPage { bars, next: answer.next_page_token.filter(|token| !token.is_empty()) })
    }
}
