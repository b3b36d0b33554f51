//! Option contracts on the large stocks and funds. They can be looked at and not traded.
//!
//! Nothing is stored: which contracts there are follows from the calendar ([`expiries`]) and from the underlying's price when
//! the expiry was listed ([`strikes`]), and what they cost from the underlying's close ([`worth`]).

mod expiries;
mod id;
mod strikes;
mod worth;

use jiff::civil::{Date, Time};
use jiff::{Span, Timestamp};
use paddock_core::{Symbol, calendar};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use uuid::Uuid;

use crate::market::{AssetInfo, Market};
use expiries::Expiry;
pub(crate) use worth::DayEnd;

/// On what there are contracts, in the order of symbols.
pub(crate) const UNDERLYINGS: [&str; 25] = [
    "AAPL", "AMD", "AMZN", "AVGO", "BAC", "COIN", "DIA", "FB", "GLD", "GOOG", "GOOGL", "IBM", "INTC", "IWM",
    "JPM", "META", "MSFT", "NFLX", "NVDA", "PLTR", "QQQ", "SPY", "TLT", "TSLA", "XLF",
];

/// Which way an option goes. Calls come before puts, as in the order of symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Right {
    Call,
    Put,
}

/// A contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contract<'a> {
    pub underlying: &'a AssetInfo,
    expiry: Expiry,
    pub right: Right,
    /// Dollars for a share.
    pub strike: Decimal,
}

impl Right {
    pub const BOTH: [Self; 2] = [Self::Call, Self::Put];

    const fn letter(self) -> char {
        match self {
            Self::Call => 'C',
            Self::Put => 'P',
        }
    }
}

impl Contract<'_> {
    /// The last day on which it can be exercised.
    pub fn expires(&self) -> Date {
        self.expiry.date
    }

    /// Whether it has not expired at that instant. It does at the close of its last session.
    pub fn is_active(&self, at: Timestamp) -> bool {
        calendar::session_on(self.expires()).is_some_and(|session| at < session.close)
    }

    /// Its OCC symbol.
    pub fn symbol(&self) -> String {
        let thousandths = (self.strike * Decimal::ONE_THOUSAND).to_u32().unwrap_or_default();
        let date = self.expires().strftime("%y%m%d");
        format!("{}{date}{}{thousandths:08}", self.underlying.symbol, self.right.letter())
    }

    /// Its id, from which it can be found again.
    pub fn id(&self) -> Uuid {
        id::of(self)
    }

    /// What it cost at the end of the last session, and how many of it were held; nothing on its first day.
    pub fn day_end(&self, market: &Market, now: Timestamp) -> Option<DayEnd> {
        worth::day_end(self, market, now)
    }
}

/// The underlyings that the market has, in the order of symbols.
pub(crate) fn underlyings(market: &Market) -> impl Iterator<Item = &AssetInfo> {
    UNDERLYINGS.into_iter().filter_map(|symbol| market.asset(&Symbol::parse(symbol).ok()?))
}

/// The contracts on an underlying that have been listed by `now` and expire from one date to another, both included, in the
/// order of their symbols.
pub(crate) fn contracts<'a>(
    market: &'a Market,
    underlying: &'a AssetInfo,
    (first, last): (Date, Date),
    now: Timestamp,
) -> impl Iterator<Item = Contract<'a>> + 'a {
    let today = calendar::trading_date(now);
    // Nothing has expired earlier, and nothing is listed that long before.
    let (first, last) =
        (first.max(calendar::FIRST_DATE), last.min(today.saturating_add(Span::new().years(2))));
    expiries::between(first, last).filter(move |expiry| expiry.listed <= today).flat_map(move |expiry| {
        let strikes = strikes_of(market, underlying, &expiry);
        Right::BOTH.into_iter().flat_map(move |right| {
            let contract = move |strike| Contract { underlying, expiry, right, strike };
            strikes.clone().into_iter().map(contract)
        })
    })
}

/// The contract of an OCC symbol or of a contract's id, if there is one by `now`.
pub(crate) fn find<'a>(market: &'a Market, symbol_or_id: &str, now: Timestamp) -> Option<Contract<'a>> {
    let symbol = match symbol_or_id.parse::<Uuid>() {
        Ok(id) => id::symbol(id)?,
        Err(_) => symbol_or_id.to_owned(),
    };
    // The root is what the date, the letter and the strike leave.
    let root = symbol.get(..symbol.len().checked_sub(15)?)?;
    let underlying = underlyings(market).find(|asset| asset.symbol.as_str() == root)?;
    let date = Date::strptime("%y%m%d", symbol.get(root.len()..root.len() + 6)?).ok()?;
    contracts(market, underlying, (date, date), now).find(|contract| contract.symbol() == symbol)
}

/// The strikes of an expiry: around the close before it was listed; none if the underlying had no price then.
fn strikes_of(market: &Market, underlying: &AssetInfo, expiry: &Expiry) -> Vec<Decimal> {
    let midnight = calendar::new_york().to_timestamp(expiry.listed.to_datetime(Time::midnight()));
    let price = midnight.ok().and_then(|listed| market.previous_close(&underlying.symbol, listed));
    price.map_or_else(Vec::new, |price| strikes::around(price, expiry.reach))
}

/// The Sunday that ends the week of a date: contracts are listed up to there unless it is said otherwise.
pub(crate) fn next_weekend(date: Date) -> Date {
    let days = 7 - i64::from(date.weekday().to_monday_one_offset());
    date.saturating_add(Span::new().days(days))
}

#[cfg(test)]
mod tests;
