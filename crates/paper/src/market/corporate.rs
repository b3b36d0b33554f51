//! Splits and cash dividends of the recorded stocks, on the days onto which the recordings are laid.
//!
//! Generated prices have none. Nothing is known of an action of the future: who asks says which day it is.

mod facts;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::civil::Date;
use paddock_core::{Symbol, calendar};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::listing::Model;
use super::recorded::Recording;
use super::{DateLaying, Market, Quote};
use facts::{FACTS, Fact, What};

/// One split or dividend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorporateAction {
    /// A UUID version 5 of the symbol, the ex-date and the kind: the same on every machine.
    pub id: Uuid,
    /// Whose shares.
    pub symbol: Symbol,
    /// Their number.
    pub cusip: &'static str,
    /// What is done.
    pub kind: ActionKind,
    /// The first session whose prices are without it.
    pub ex_date: Date,
    /// When that session opens.
    pub ex_open: Timestamp,
    /// Who owns shares at its end takes part.
    pub record_date: Date,
    /// When it is paid, a session.
    pub payable_date: Date,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionKind {
    /// Every `old` shares become `new` ones.
    Split {
        /// So many after it.
        new: Decimal,
        /// For so many before it.
        old: Decimal,
    },
    /// Dollars for every share.
    Dividend {
        /// So many.
        rate: Decimal,
        /// Whether it was beyond the usual ones.
        special: bool,
    },
}

impl CorporateAction {
    /// Puts the action where the days of the recording are.
    fn laid(fact: &Fact, laying: DateLaying) -> Option<Self> {
        let symbol = Symbol::parse(fact.company.symbol).ok()?;
        let moved = Recording::last_index(laying) - Recording::last_index(DateLaying::AsRecorded);
        // A day of payment that had no session is the next one that has.
        let session = |date: Date, later: i64| {
            let recorded = match calendar::session_on(date) {
                Some(session) => session.date,
                None => calendar::next_session_after(date).date,
            };
            let index = calendar::session_index(recorded) + moved + later;
            calendar::add_sessions(calendar::FIRST_DATE, i32::try_from(index).unwrap_or(i32::MAX))
        };
        let (kind, word) = match fact.what {
            What::Split(new) => {
                (ActionKind::Split { new: Decimal::from(new), old: Decimal::ONE }, "split".to_owned())
            }
            What::Dividend { cents, special } => (
                ActionKind::Dividend { rate: Decimal::new(cents, 2), special },
                format!("dividend {special}"),
            ),
        };
        let ex = session(fact.ex_date, 0);
        let name = format!("paddock {symbol} {word} {}", ex.date);
        Some(Self {
            id: Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()),
            cusip: fact.company.cusip,
            kind,
            ex_date: ex.date,
            ex_open: ex.open,
            record_date: fact
                .record_date
                .map_or_else(|| session(fact.ex_date, 2), |date| session(date, 0))
                .date,
            payable_date: session(fact.payable_date, 0).date,
            symbol,
        })
    }
}

impl Market {
    /// All splits and dividends, by ex-date, then by symbol.
    #[must_use]
    pub fn corporate_actions(&self) -> &[CorporateAction] {
        &self.actions
    }

    /// Those of one symbol.
    pub fn actions_of<'a>(
        &'a self,
        symbol: &'a Symbol,
    ) -> impl DoubleEndedIterator<Item = &'a CorporateAction> {
        self.actions.iter().filter(move |action| action.symbol == *symbol)
    }

    /// What one unit is worth at `at`: the price of the last trade, in shares as they are then. A stock that is halted when it is
    /// split has no trade at the new price until the halt is over; the price of before is divided by the split's ratio so long.
    #[must_use]
    pub fn standing_price(&self, symbol: &Symbol, at: Timestamp) -> Option<Decimal> {
        let trade = self.last_trade(symbol, at)?;
        Some(match self.split_between(symbol, trade.at, at) {
            Some(ratio) => trade.price.checked_div(ratio).unwrap_or(trade.price),
            None => trade.price,
        })
    }

    /// The quote that stands at `at`, in shares as they are then, like [`Market::standing_price`].
    #[must_use]
    pub fn standing_quote(&self, symbol: &Symbol, at: Timestamp) -> Option<Quote> {
        let quote = self.quote(symbol, at)?;
        let Some(ratio) = self.split_between(symbol, quote.at, at) else { return Some(quote) };
        let price = |price: Decimal| price.checked_div(ratio).unwrap_or(price);
        Some(Quote {
            bid: price(quote.bid),
            ask: price(quote.ask),
            bid_size: quote.bid_size * ratio,
            ask_size: quote.ask_size * ratio,
            ..quote
        })
    }

    /// How many shares at `to` each share at `from` has become, if there was a split in between.
    fn split_between(&self, symbol: &Symbol, from: Timestamp, to: Timestamp) -> Option<Decimal> {
        let first = self.actions.partition_point(|action| action.ex_open <= from);
        self.actions[first..]
            .iter()
            .take_while(|action| action.ex_open <= to)
            .filter(|action| action.symbol == *symbol)
            .filter_map(|action| match action.kind {
                ActionKind::Split { new, old } => new.checked_div(old),
                ActionKind::Dividend { .. } => None,
            })
            .reduce(|one, other| one * other)
    }

    /// How many new shares each old one became at the opening of a session, if that is a split's.
    pub(super) fn split_on(&self, symbol: &Symbol, date: Date) -> Option<Decimal> {
        self.actions_of(symbol).find_map(|action| match action.kind {
            ActionKind::Split { new, old } if action.ex_date == date => new.checked_div(old),
            _ => None,
        })
    }
}

/// The actions of a market: those of the stocks whose prices are the recorded ones, and not the user's own.
pub(super) fn actions(laying: DateLaying, listed: &[super::asset::Listed]) -> Vec<CorporateAction> {
    let is_recorded = |symbol: &Symbol| {
        listed.iter().any(|listed| {
            listed.info.symbol == *symbol
                && matches!(listed.model, Model::Recorded(_))
                && listed.own.is_none()
        })
    };
    let mut actions: Vec<CorporateAction> = FACTS
        .iter()
        .filter_map(|fact| CorporateAction::laid(fact, laying))
        .filter(|action| is_recorded(&action.symbol))
        .collect();
    actions.sort_by(|one, other| (one.ex_date, &one.symbol).cmp(&(other.ex_date, &other.symbol)));
    actions
}
