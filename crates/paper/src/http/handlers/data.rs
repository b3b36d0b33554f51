//! What stocks and crypto have in common: which symbols, which stretch of time, and paging across symbols.

use std::collections::BTreeMap;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::AlpacaError;
use paddock_alpaca::wire::Bar;
use paddock_core::calendar::{self, Session};
use paddock_core::{AssetClass, Symbol};

use crate::http::call::parse_instant;
use crate::http::{Call, views};
use crate::market::{AssetInfo, Market, Sort, Timeframe, Window};

const LIMIT: usize = 1000;
const MAX_LIMIT: usize = 10_000;

/// Which of the two data services is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Stocks,
    Crypto,
}

impl Service {
    fn class(self) -> AssetClass {
        match self {
            Self::Stocks => AssetClass::UsEquity,
            Self::Crypto => AssetClass::Crypto,
        }
    }

    /// The form of its symbols, as its error answer shows it.
    fn pattern(self) -> &'static str {
        match self {
            Self::Stocks => "^[A-Z]+(\\.[A-Z]+)?$",
            Self::Crypto => "^[A-Z]+x?/[A-Z]+$",
        }
    }

    /// Whose midnight a bare date stands for.
    fn zone(self) -> TimeZone {
        match self {
            Self::Stocks => calendar::new_york(),
            Self::Crypto => TimeZone::UTC,
        }
    }

    fn parse(self, text: &str) -> Result<Symbol, AlpacaError> {
        let slash_as_it_should_be = text.contains('/') == (self == Self::Crypto);
        Symbol::parse(text)
            .ok()
            .filter(|symbol| symbol.class() == self.class() && slash_as_it_should_be)
            .ok_or_else(|| {
                let shown: String = text.chars().take(32).collect();
                AlpacaError::data_invalid_symbol(&shown, self.pattern())
            })
    }
}

/// The assets that the call names in `symbols`, in order and each once. What is not traded here has no data, and is left
/// out.
pub(super) fn assets(call: &Call, service: Service) -> Result<Vec<&AssetInfo>, AlpacaError> {
    let names = call
        .list("symbols")
        .ok_or_else(|| AlpacaError::data_bad_request("symbols is required".to_owned()))?;
    let mut symbols = names.into_iter().map(|name| service.parse(name)).collect::<Result<Vec<_>, _>>()?;
    symbols.sort();
    symbols.dedup();
    Ok(symbols.iter().filter_map(|symbol| call.broker.market().asset(symbol)).collect())
}

/// The asset that the call names in its path.
pub(super) fn asset(call: &Call, service: Service) -> Result<&AssetInfo, AlpacaError> {
    let symbol = service.parse(call.param())?;
    call.broker
        .market()
        .asset(&symbol)
        .ok_or_else(|| AlpacaError::without_code(404, format!("no data for {symbol}: it is not traded here")))
}

/// A parameter of another type, with the data host's answer when it cannot be read.
pub(super) fn read<T: FromStr>(call: &Call, name: &str) -> Result<Option<T>, AlpacaError> {
    call.text(name).map(|text| text.parse().map_err(|_| invalid(name, text))).transpose()
}

/// The length of the bars.
pub(super) fn timeframe(call: &Call) -> Result<Timeframe, AlpacaError> {
    read(call, "timeframe")?.ok_or_else(|| AlpacaError::data_bad_request("timeframe is required".to_owned()))
}

/// Refuses a value that is none of the words.
pub(super) fn check_words(call: &Call, name: &str, words: &[&str]) -> Result<(), AlpacaError> {
    let Some(text) = call.text(name) else { return Ok(()) };
    if text.split(',').all(|word| words.contains(&word)) { Ok(()) } else { Err(invalid(name, text)) }
}

/// Refuses a value that is not one of the words.
pub(super) fn check_word(call: &Call, name: &str, words: &[&str]) -> Result<(), AlpacaError> {
    match call.text(name) {
        Some(text) if !words.contains(&text) => Err(invalid(name, text)),
        _ => Ok(()),
    }
}

/// Looks at the parameters of stock data that make no difference here. Names of companies do not change in this market, so
/// that `asof` has only to be a date, or the `-` that stands for none.
pub(super) fn check_stock_words(call: &Call, feeds: &[&str]) -> Result<(), AlpacaError> {
    check_word(call, "feed", feeds)?;
    check_word(call, "currency", &["USD"])?;
    match call.text("asof") {
        Some(text) if text != "-" && (text.len() != 10 || text.parse::<Date>().is_err()) => {
            Err(invalid("asof", text))
        }
        _ => Ok(()),
    }
}

/// A parameter that is true or false, in any case; false if it is absent.
pub(super) fn boolean(call: &Call, name: &str) -> Result<bool, AlpacaError> {
    call.boolean(name)
        .map(Option::unwrap_or_default)
        .map_err(|_| invalid(name, call.text(name).unwrap_or_default()))
}

/// An instant, or a date for its midnight in `zone`.
pub(super) fn instant(call: &Call, name: &str, zone: &TimeZone) -> Result<Option<Timestamp>, AlpacaError> {
    call.text(name).map(|text| parse_instant(text, zone).ok_or_else(|| invalid(name, text))).transpose()
}

/// How many items are asked for, from 1 to `most`.
pub(super) fn limit(call: &Call, name: &str, usual: usize, most: usize) -> Result<usize, AlpacaError> {
    let limit = read::<usize>(call, name)?.unwrap_or(usual);
    if limit > most {
        return Err(AlpacaError::data_too_large(name, most));
    }
    if limit == 0 { Err(invalid(name, "0")) } else { Ok(limit) }
}

/// The order that is asked for, or the usual one.
pub(super) fn sort(call: &Call, usual: Sort) -> Result<Sort, AlpacaError> {
    check_word(call, "sort", &["asc", "desc"])?;
    Ok(match call.text("sort") {
        Some("asc") => Sort::Ascending,
        Some(_) => Sort::Descending,
        None => usual,
    })
}

/// The sessions from one date to another, both included, in the asked order.
pub(super) fn sessions(first: Date, last: Date, sort: Sort) -> impl Iterator<Item = Session> {
    let (from, step) = match sort {
        Sort::Ascending => (first, 1),
        Sort::Descending => (last, -1),
    };
    let further = move |date: &Date| date.checked_add(jiff::Span::new().days(step)).ok();
    std::iter::successors(Some(from), further)
        .take_while(move |date| (first..=last).contains(date))
        .filter_map(calendar::session_on)
}

pub(super) fn invalid(name: &str, text: &str) -> AlpacaError {
    let shown: String = text.chars().take(64).collect();
    AlpacaError::data_bad_request(format!("invalid {name}: {shown}"))
}

/// One page of items by symbol.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<T> {
    pub by_symbol: BTreeMap<String, Vec<T>>,
    pub next_page_token: Option<String>,
}

impl<T> Page<T> {
    /// The items of the only symbol that was asked for.
    pub fn only(mut self) -> Vec<T> {
        self.by_symbol.pop_first().map(|(_, items)| items).unwrap_or_default()
    }
}

/// Where a page begins: the symbol and instant of its first item.
struct Token {
    symbol: String,
    at: Timestamp,
}

impl Token {
    fn encode(&self) -> String {
        STANDARD.encode(format!("{}|{}", self.symbol, self.at))
    }

    fn decode(text: &str) -> Option<Self> {
        let plain = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
        let (symbol, at) = plain.split_once('|')?;
        Some(Self { symbol: symbol.to_owned(), at: at.parse().ok()? })
    }
}

/// The page that the call asks for. The limit counts the items of all symbols together; symbols come one after the other,
/// and each one's items by time. `items` lists those of one symbol within a window, and `at` tells the instant of one.
pub(super) fn page<'a, T, I: Iterator<Item = T> + 'a>(
    call: &Call,
    service: Service,
    assets: &[&'a AssetInfo],
    items: impl Fn(&'a AssetInfo, Window, Sort) -> I,
    at: impl Fn(&T) -> Timestamp,
) -> Result<Page<T>, AlpacaError> {
    let limit = limit(call, "limit", LIMIT, MAX_LIMIT)?;
    let sort = sort(call, Sort::Ascending)?;
    let window = window(call, service)?;
    let token = call
        .text("page_token")
        .map(|text| Token::decode(text).ok_or_else(|| invalid("page_token", text)))
        .transpose()?;

    let mut page = Page { by_symbol: BTreeMap::new(), next_page_token: None };
    let mut left = limit;
    for asset in assets {
        let symbol = asset.symbol.as_str();
        let window = match &token {
            Some(token) if symbol < token.symbol.as_str() => continue,
            Some(token) if symbol == token.symbol => match sort {
                Sort::Ascending => Window { from: token.at, ..window },
                Sort::Descending => Window { to: token.at, ..window },
            },
            _ => window,
        };
        for item in items(asset, window, sort) {
            if left == 0 {
                let token = Token { symbol: symbol.to_owned(), at: at(&item) };
                page.next_page_token = Some(token.encode());
                return Ok(page);
            }
            left -= 1;
            page.by_symbol.entry(symbol.to_owned()).or_default().push(item);
        }
    }
    Ok(page)
}

/// From `start` (the beginning of the day, if absent) to `end` (now, if absent).
fn window(call: &Call, service: Service) -> Result<Window, AlpacaError> {
    let zone = service.zone();
    let now = call.data_now();
    let today = zone.to_datetime(now).date().to_datetime(Time::midnight());
    let from = instant(call, "start", &zone)?.or_else(|| zone.to_timestamp(today).ok()).unwrap_or(now);
    let to = instant(call, "end", &zone)?.unwrap_or(now);
    if to < from {
        return Err(AlpacaError::data_bad_request("end should not be before start".to_owned()));
    }
    Ok(Window { from, to, now })
}

/// The bars of the latest day with trades and of the one before.
pub(super) fn last_days(market: &Market, asset: &AssetInfo, now: Timestamp) -> [Option<Bar>; 2] {
    // The longest stretch without a session was a week.
    let from = now.saturating_sub(SignedDuration::from_hours(24 * 14)).unwrap_or(now);
    let window = Window { from, to: now, now };
    let mut days = market.bars(&asset.symbol, Timeframe::DAY, window, Sort::Descending).map(views::bar);
    [days.next(), days.next()]
}
