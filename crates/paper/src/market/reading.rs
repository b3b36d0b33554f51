//! Reading the tape: the last trade, the standing quote, and what came before.

use std::sync::Arc;

use jiff::Timestamp;
use paddock_core::Symbol;
use paddock_core::order::Side;
use rust_decimal::Decimal;

use super::minutes::Minute;
use super::seed::mix;
use super::tape::{self, MINUTE, Print, Quoting};
use super::timeline::{Pass, instant, micros, micros_up};
use super::units::Scale;
use super::{Expanded, Market, Sort, Window};

/// One trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Increasing and unique per symbol, below 2^53.
    pub id: u64,
    /// When it was made, to the microsecond.
    pub at: Timestamp,
    /// In dollars, or in the pair's quote currency.
    pub price: Decimal,
    /// In shares, or in coins.
    pub size: Decimal,
    /// Who crossed the spread: a buyer paid the ask, or a seller took the bid.
    pub taker: Side,
}

/// The best bid and ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Since when it stands, to the microsecond.
    pub at: Timestamp,
    /// What can be had for selling now.
    pub bid: Decimal,
    /// What must be paid for buying now. Above the bid.
    pub ask: Decimal,
    /// How much is bid for, in shares (multiples of 100) or coins.
    pub bid_size: Decimal,
    /// How much is offered, in shares (multiples of 100) or coins.
    pub ask_size: Decimal,
}

/// A pass with the minutes of its day, to be read by the minutes and trades of the pass.
#[derive(Clone, Debug)]
pub(super) struct Tape {
    pub pass: Pass,
    expanded: Arc<Expanded>,
    quoting: Quoting,
    pub scale: Scale,
}

/// The place of one trade on a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Which minute of the pass.
    pub played: usize,
    /// Which trade of that minute, in the order in which they are played.
    pub trade: u32,
}

impl Tape {
    pub fn minute(&self, played: usize) -> &Minute {
        &self.expanded.minutes[self.pass.minute_played(played)]
    }

    /// The instant at which minute `played` of the pass starts.
    pub fn minute_start(&self, played: usize) -> i64 {
        self.pass.start + played as i64 * MINUTE
    }

    fn position(&self, place: Place) -> u32 {
        if self.pass.backwards() { self.minute(place.played).trades - 1 - place.trade } else { place.trade }
    }

    pub fn at(&self, place: Place) -> i64 {
        let start = self.minute_start(place.played);
        let offset = tape::offset(self.minute(place.played), self.position(place));
        if self.pass.backwards() {
            start + MINUTE - offset
        } else if place == (Place { played: 0, trade: 0 }) {
            // The opening trade is made the instant the day opens.
            start
        } else {
            start + offset
        }
    }

    /// The last instant that is certain to have no other trade after `place`.
    pub fn stands_until(&self, place: Place) -> i64 {
        let next = Place { trade: place.trade + 1, ..place };
        let following = Place { played: place.played + 1, trade: 0 };
        let after = if next.trade < self.minute(place.played).trades {
            self.at(next)
        } else if following.played < self.pass.played_minutes() && self.minute(following.played).trades > 0 {
            self.at(following)
        } else {
            self.minute_start(following.played)
        };
        after - 1
    }

    pub fn print(&self, place: Place) -> Print {
        tape::print(self.minute(place.played), self.position(place), self.quoting)
    }

    /// How many trades of minute `played` were made at or before `at`.
    pub fn trades_until(&self, played: usize, at: i64) -> u32 {
        let (mut low, mut high) = (0, self.minute(played).trades);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.at(Place { played, trade: middle }) <= at {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The last trade of the pass at or before `at`.
    fn latest(&self, at: i64) -> Option<Place> {
        let played = usize::try_from((at - self.pass.start).div_euclid(MINUTE)).ok()?;
        let last = self.pass.played_minutes().checked_sub(1)?;
        let (played, until) = if played > last {
            (last, self.minute(last).trades)
        } else {
            (played, self.trades_until(played, at))
        };
        if let Some(trade) = until.checked_sub(1) {
            return Some(Place { played, trade });
        }
        (0..played)
            .rev()
            .find_map(|played| Some(Place { played, trade: self.minute(played).trades.checked_sub(1)? }))
    }

    /// The last place with a size at or before `place`: what is without one is a change of the quote alone.
    fn last_with_size(&self, place: Place) -> Option<Place> {
        (0..=place.played).rev().filter(|played| self.minute(*played).volume > 0).find_map(|played| {
            let trades = if played == place.played { place.trade + 1 } else { self.minute(played).trades };
            (0..trades).rev().map(|trade| Place { played, trade }).find(|place| self.print(*place).size > 0)
        })
    }

    /// The minutes of the pass that have a part in `from..=to`.
    pub fn minutes_within(&self, from: i64, to: i64) -> std::ops::Range<usize> {
        let count = self.pass.played_minutes() as i64;
        let minute = |at: i64| (at - self.pass.start).div_euclid(MINUTE);
        let first = minute(from).clamp(0, count);
        let end = if to < self.pass.start { 0 } else { (minute(to) + 1).clamp(0, count) };
        first as usize..end.max(first) as usize
    }

    fn trade(&self, place: Place) -> Trade {
        let print = self.print(place);
        let day = self.pass.index.unsigned_abs() * 10_000_000 + self.pass.number.unsigned_abs() * 100_000;
        let minute = self.minute(place.played);
        let ordinal = if self.pass.backwards() {
            // Counted from the day's end, so that ids increase along the pass.
            self.expanded.prints - u64::from(minute.trades_before) - u64::from(self.position(place)) - 1
        } else {
            u64::from(minute.trades_before + place.trade)
        };
        Trade {
            id: day + ordinal,
            at: instant(self.at(place)),
            price: self.scale.price(print.price),
            size: self.scale.volume(i128::from(print.size)),
            taker: if print.bought { Side::Buy } else { Side::Sell },
        }
    }

    fn quote(&self, place: Place) -> Quote {
        let print = self.print(place);
        let minute = self.minute(place.played);
        let size = |salt: u64| {
            let bits = mix(print.bits, salt);
            let lots = (1 + bits % 8) as i64;
            if self.scale == Scale::STOCK {
                100 * lots
            } else {
                // A small multiple of what trades at a time.
                (minute.volume / i64::from(minute.trades)).max(1).saturating_mul(lots)
            }
        };
        Quote {
            at: instant(self.at(place)),
            bid: self.scale.price(print.bid),
            ask: self.scale.price(print.ask),
            bid_size: self.scale.volume(i128::from(size(0))),
            ask_size: self.scale.volume(i128::from(size(1))),
        }
    }
}

impl Market {
    /// The last trade at or before `at`, from whenever it is. `None` for what is not traded here, or before its first day.
    #[must_use]
    pub fn last_trade(&self, symbol: &Symbol, at: Timestamp) -> Option<Trade> {
        let (asset, mut at) = (self.number(symbol)?, micros(at));
        loop {
            let (tape, place) = self.last_with_size(asset, at)?;
            let (traded, open) = (tape.at(place), self.halts.open_until(asset, tape.at(place)));
            if open == traded {
                return Some(self.recent.trade(&tape, place, || tape.trade(place)));
            }
            at = open;
        }
    }

    /// The last place at or before `at` at which something was traded.
    fn last_with_size(&self, asset: usize, at: i64) -> Option<(Tape, Place)> {
        let (mut tape, place) = self.latest(asset, at)?;
        let mut place = tape.last_with_size(place);
        while place.is_none() {
            // Whole days without a trade are rare, and found in the user's own bars only.
            tape = self.tape(self.pass_before(&tape.pass)?)?;
            place = tape.latest(tape.pass.end).and_then(|last| tape.last_with_size(last));
        }
        Some((tape, place?))
    }

    /// The quote that stands at `at`, or stood when trading last ended. `None` for what is not traded here, or before
    /// its first day.
    #[must_use]
    pub fn quote(&self, symbol: &Symbol, at: Timestamp) -> Option<Quote> {
        let (tape, place) = self.latest(self.number(symbol)?, micros(at))?;
        Some(self.recent.quote(&tape, place, || tape.quote(place)))
    }

    /// The trades within a window, computed as they are taken: nothing is paid for what is not read.
    pub fn trades(
        &self,
        symbol: &Symbol,
        window: Window,
        sort: Sort,
    ) -> impl Iterator<Item = Trade> + use<'_> {
        let with_size = |(tape, place): (Arc<Tape>, Place)| {
            let trade = tape.trade(place);
            (!trade.size.is_zero()).then_some(trade)
        };
        self.places(symbol, window, sort).filter_map(with_size)
    }

    /// The quotes that came up within a window, one with each trade, computed as they are taken.
    pub fn quotes(
        &self,
        symbol: &Symbol,
        window: Window,
        sort: Sort,
    ) -> impl Iterator<Item = Quote> + use<'_> {
        self.places(symbol, window, sort).map(|(tape, place)| tape.quote(place))
    }

    pub(super) fn tape(&self, pass: Pass) -> Option<Tape> {
        let listed = self.listed(pass.asset);
        let expanded = self.expanded(&pass)?;
        Some(Tape { pass, expanded, quoting: Quoting::new(listed.grid, listed.scale), scale: listed.scale })
    }

    /// The last trade at or before `at` that was not in a halt.
    fn latest(&self, asset: usize, at: i64) -> Option<(Tape, Place)> {
        let mut at = self.halts.open_until(asset, at);
        loop {
            let (tape, place) = self.latest_on_tape(asset, at)?;
            let (traded, open) = (tape.at(place), self.halts.open_until(asset, tape.at(place)));
            if open == traded {
                return Some((tape, place));
            }
            at = open;
        }
    }

    /// When the last trade on the tape at or before `at` is, in a halt or not.
    pub(super) fn tape_time(&self, asset: usize, at: i64) -> Option<i64> {
        let (tape, place) = self.latest_on_tape(asset, at)?;
        Some(tape.at(place))
    }

    fn latest_on_tape(&self, asset: usize, at: i64) -> Option<(Tape, Place)> {
        self.recent.latest(asset, at, || self.find_latest(asset, at))
    }

    fn find_latest(&self, asset: usize, at: i64) -> Option<(Tape, Place)> {
        let mut tape = self.tape(self.pass_at(asset, at)?)?;
        loop {
            if let Some(place) = tape.latest(at) {
                return Some((tape, place));
            }
            // A pass read backwards begins with a moment of silence, and the user's own days may begin with many.
            tape = self.tape(self.pass_before(&tape.pass)?)?;
        }
    }

    fn places(
        &self,
        symbol: &Symbol,
        window: Window,
        sort: Sort,
    ) -> impl Iterator<Item = (Arc<Tape>, Place)> + use<'_> {
        let (from, to) = (micros_up(window.from), micros(window.to.min(window.now)));
        self.number(symbol)
            .into_iter()
            .flat_map(move |asset| self.passes(asset, from, to, sort))
            .filter_map(|pass| self.tape(pass).map(Arc::new))
            .flat_map(move |tape| {
                listed_in(sort, tape.minutes_within(from, to)).flat_map(move |played| {
                    let until = |at: i64| tape.trades_until(played, at);
                    let trades = until(from - 1)..until(to);
                    let tape = Arc::clone(&tape);
                    listed_in(sort, trades.start as usize..trades.end as usize)
                        .map(move |trade| (Arc::clone(&tape), Place { played, trade: trade as u32 }))
                })
            })
            .filter(|(tape, place)| {
                let traded = tape.at(*place);
                self.halts.open_until(tape.pass.asset, traded) == traded
            })
    }

    /// The passes that have a part in `from..=to`.
    pub(super) fn passes(
        &self,
        asset: usize,
        from: i64,
        to: i64,
        sort: Sort,
    ) -> impl Iterator<Item = Pass> + '_ {
        let first = match sort {
            Sort::Ascending => {
                let known = self.recent.pass(asset, from).or_else(|| self.pass_at(asset, from));
                known.or_else(|| self.first_pass(asset))
            }
            Sort::Descending => self.pass_at(asset, to),
        };
        std::iter::successors(first, move |pass| match sort {
            // The next is not looked for if nothing is asked of it.
            Sort::Ascending if pass.end > to => None,
            Sort::Descending if pass.start <= from => None,
            Sort::Ascending => self.pass_after(pass),
            Sort::Descending => self.pass_before(pass),
        })
        .skip_while(move |pass| sort == Sort::Ascending && pass.end <= from)
        .take_while(move |pass| pass.start <= to && pass.end > from)
    }
}

/// The numbers of a range, in the asked order.
fn listed_in(sort: Sort, range: std::ops::Range<usize>) -> impl Iterator<Item = usize> {
    let (start, end) = (range.start, range.end);
    (start..end).map(move |number| match sort {
        Sort::Ascending => number,
        Sort::Descending => start + (end - 1 - number),
    })
}
