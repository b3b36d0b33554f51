//! What the reports say.

use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::wire::NewsArticle;
use paddock_core::{AssetClass, calendar};
use rust_decimal::{Decimal, RoundingStrategy};

use super::timetable::{Kind, Moment, every};
use crate::market::{AssetInfo, Bar, Market, Sort, Timeframe, Window};

const AUTHOR: &str = "Paddock paper broker";
const SOURCE: &str = "paddock";
/// Ends every summary, so that nobody takes a report for news of the real world.
const NOTE: &str = "Written by the paper broker from its own prices.";

/// From which change on a price is reported to move, percent.
const FAR_FOR_A_STOCK: Decimal = Decimal::from_parts(3, 0, 0, false, 0);
const FAR_FOR_CRYPTO: Decimal = Decimal::from_parts(5, 0, 0, false, 0);

/// The article that appears at a moment, if there is something to report.
pub(super) fn write(market: &Market, moment: &Moment) -> Option<NewsArticle> {
    let asset = moment.asset.and_then(|number| market.assets().get(number));
    let report = match (moment.kind, asset) {
        (Kind::Opening { opened }, Some(asset)) => opening(market, asset, opened),
        (Kind::Move { began, looked, step }, Some(asset)) => moved(market, asset, began, looked, step),
        (Kind::Close { began, ended }, Some(asset)) => close(market, asset, began, ended),
        (Kind::Summary { opened }, _) => summary(market, opened),
        (_, None) => None,
    }?;
    Some(NewsArticle {
        id: moment.id(),
        headline: report.headline,
        author: AUTHOR.to_owned(),
        created_at: moment.at,
        updated_at: moment.at,
        summary: format!("{} {NOTE}", report.summary),
        content: if report.content.is_empty() { String::new() } else { format!("<p>{}</p>", report.content) },
        url: None,
        images: Vec::new(),
        symbols: report.symbols,
        source: SOURCE.to_owned(),
    })
}

struct Report {
    headline: String,
    summary: String,
    /// Empty for a report that is no more than its headline.
    content: String,
    symbols: Vec<String>,
}

fn opening(market: &Market, asset: &AssetInfo, opened: Timestamp) -> Option<Report> {
    let (name, symbol) = (&asset.name, asset.symbol.without_slash());
    let before = market.previous_close(&asset.symbol, opened)?;
    // What the first minute has had: the opening is reported after that.
    let now = opened.saturating_add(SignedDuration::from_secs(30)).ok()?;
    let price = day_so_far(market, asset, opened, now)?.open;
    let change = Change::new(before, price)?;
    let (price, before) = (dollars(price), dollars(before));
    Some(Report {
        headline: format!("{symbol} opens at {price}, {change} from the last close"),
        summary: format!("{name} opened at {price}; it closed at {before} before."),
        content: format!(
            "{name} ({symbol}) opened the session of {} at {price}, {change} from the close of {before} before.",
            calendar::trading_date(opened)
        ),
        symbols: vec![symbol],
    })
}

fn moved(
    market: &Market,
    asset: &AssetInfo,
    began: Timestamp,
    looked: Timestamp,
    step: SignedDuration,
) -> Option<Report> {
    let far = if asset.symbol.class() == AssetClass::Crypto { FAR_FOR_CRYPTO } else { FAR_FOR_A_STOCK };
    let before = market.previous_close(&asset.symbol, began)?;
    let price_at = |at: Timestamp| {
        market.last_trade(&asset.symbol, at).filter(|trade| trade.at >= began).map(|trade| trade.price)
    };
    let change_at = |at: Timestamp| Change::new(before, price_at(at)?);
    let price = price_at(looked)?;
    let change = Change::new(before, price)?;
    let is_far = |change: &Change| change.percent.abs() >= far;
    if !is_far(&change)
        || every(began, looked, step).any(|at| change_at(at).is_some_and(|change| is_far(&change)))
    {
        return None;
    }
    let (name, symbol, price) = (&asset.name, asset.symbol.without_slash(), dollars(price));
    let verb = if change.percent.is_sign_negative() { "falls" } else { "rises" };
    Some(Report {
        headline: format!("{symbol} {verb} to {price}, {change} on the day"),
        summary: format!("{name} was at {price} when it was looked at, {change} from the last close."),
        content: String::new(),
        symbols: vec![symbol],
    })
}

fn close(market: &Market, asset: &AssetInfo, began: Timestamp, ended: Timestamp) -> Option<Report> {
    let (name, symbol) = (&asset.name, asset.symbol.without_slash());
    let before = market.previous_close(&asset.symbol, began)?;
    let day = day_so_far(market, asset, began, ended)?;
    let change = Change::new(before, day.close)?;
    let (open, high, low, price) =
        (dollars(day.open), dollars(day.high), dollars(day.low), dollars(day.close));
    let units = if asset.symbol.class() == AssetClass::Crypto { "coins" } else { "shares" };
    Some(Report {
        headline: format!("{symbol} closes at {price}, {change}"),
        summary: format!("{name} traded between {low} and {high} and closed at {price}."),
        content: format!(
            "{name} ({symbol}) opened at {open}, traded between {low} and {high}, and closed at {price}, {change}. \
             {} {units} changed hands in {} trades.",
            day.volume.normalize(),
            day.trade_count
        ),
        symbols: vec![symbol],
    })
}

/// The strongest and the weakest stock of a session, and how many rose and fell.
fn summary(market: &Market, opened: Timestamp) -> Option<Report> {
    let next = calendar::next_session_after(calendar::trading_date(opened)).open;
    let stocks = market.assets().iter().filter(|asset| asset.symbol.class() == AssetClass::UsEquity);
    let mut changes: Vec<(&AssetInfo, Change)> = stocks
        .filter_map(|asset| {
            let before = market.previous_close(&asset.symbol, opened)?;
            // The close as the next session sees it, for which no minute of the day has to be computed.
            Some((asset, Change::new(before, market.previous_close(&asset.symbol, next)?)?))
        })
        .collect();
    changes.sort_by_key(|(_, change)| std::cmp::Reverse(change.percent));
    let (best, worst) = (changes.first()?, changes.last()?);
    let rose = changes.iter().filter(|(_, change)| change.percent > Decimal::ZERO).count();
    let fell = changes.iter().filter(|(_, change)| change.percent < Decimal::ZERO).count();
    let (up, down) = (best.0.symbol.without_slash(), worst.0.symbol.without_slash());
    Some(Report {
        headline: format!("{rose} stocks rise and {fell} fall; {up} leads, {down} trails"),
        summary: format!("{up} was {}, {down} was {}.", best.1, worst.1),
        content: format!(
            "Of {} stocks, {rose} closed higher on {} and {fell} lower. {} ({up}) was {}, {} ({down}) was {}.",
            changes.len(),
            calendar::trading_date(opened),
            best.0.name,
            best.1,
            worst.0.name,
            worst.1
        ),
        symbols: vec![up, down],
    })
}

/// The bar of the day that began at `began`, as it was at `now`.
fn day_so_far(market: &Market, asset: &AssetInfo, began: Timestamp, now: Timestamp) -> Option<Bar> {
    // The bar is stamped at midnight, at most a day before the day's first trade.
    let from = began.saturating_sub(SignedDuration::from_hours(24)).ok()?;
    let window = Window { from, to: began, now };
    market.bars(&asset.symbol, Timeframe::DAY, window, Sort::Descending).next()
}

/// How far a price is from another.
struct Change {
    percent: Decimal,
}

impl Change {
    fn new(before: Decimal, price: Decimal) -> Option<Self> {
        let percent = ((price - before) * Decimal::ONE_HUNDRED).checked_div(before)?;
        Some(Self { percent: percent.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero) })
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let size = self.percent.abs();
        match self.percent {
            percent if percent.is_zero() => f.write_str("unchanged"),
            percent if percent.is_sign_negative() => write!(f, "down {size:.2}%"),
            _ => write!(f, "up {size:.2}%"),
        }
    }
}

/// A price as it is written: two decimals at least.
fn dollars(price: Decimal) -> String {
    let price = price.normalize();
    if price.scale() < 2 { format!("${price:.2}") } else { format!("${price}") }
}
