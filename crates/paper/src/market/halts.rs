//! Trading halts: stretches of time in which nothing was traded, whatever the tape has in them.
//!
//! The price world itself goes on behind a halt, so that trading resumes at another price. Trades and quotes of the stretch
//! never happened, for anybody and for ever; bars are those of the whole tape.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use jiff::Timestamp;
use paddock_core::Symbol;

use super::Market;
use super::timeline::{instant, micros};

/// What is halted, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halted {
    /// Which symbol; all that there are, if none is named.
    pub symbol: Option<Symbol>,
    /// When trading stopped: what happened at that instant is the last that did.
    pub since: Timestamp,
}

/// All halts that there were. Those of `None` are of everything.
#[derive(Debug, Default)]
pub(super) struct Halts {
    /// Whether there ever was one: without, nothing is looked up.
    any: AtomicBool,
    stretches: RwLock<BTreeMap<Option<usize>, Vec<Stretch>>>,
}

/// Microseconds since 1970, after the first and up to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    after: i64,
    /// The greatest there is, while it lasts.
    until: i64,
}

impl Halts {
    fn read<T>(&self, look: impl FnOnce(&BTreeMap<Option<usize>, Vec<Stretch>>) -> T) -> Option<T> {
        let any = self.any.load(Ordering::Acquire);
        any.then(|| look(&self.stretches.read().unwrap_or_else(PoisonError::into_inner)))
    }

    fn of(&self, asset: usize) -> Vec<Stretch> {
        self.read(|all| {
            [None, Some(asset)].iter().filter_map(|key| all.get(key)).flatten().copied().collect()
        })
        .unwrap_or_default()
    }

    /// Begins a halt; it makes no difference if there is one.
    fn begin(&self, asset: Option<usize>, at: i64) {
        let mut all = self.stretches.write().unwrap_or_else(PoisonError::into_inner);
        let stretches = all.entry(asset).or_default();
        if stretches.last().is_none_or(|last| last.until != i64::MAX) {
            stretches.push(Stretch { after: at, until: i64::MAX });
        }
        self.any.store(true, Ordering::Release);
    }

    fn end(&self, asset: Option<usize>, at: i64) {
        let mut all = self.stretches.write().unwrap_or_else(PoisonError::into_inner);
        for (key, stretches) in all.iter_mut() {
            if (asset.is_none() || *key == asset)
                && let Some(last) = stretches.last_mut().filter(|last| last.until == i64::MAX)
            {
                last.until = at;
            }
        }
    }

    /// The last instant up to `at` at which the asset could be traded.
    pub fn open_until(&self, asset: usize, mut at: i64) -> i64 {
        let stretches = self.of(asset);
        while let Some(stretch) = stretches.iter().find(|stretch| stretch.after < at && at <= stretch.until) {
            at = stretch.after;
        }
        at
    }

    /// The parts of `from..=to` in which the asset could be traded, in order.
    pub fn open_parts(&self, asset: usize, from: i64, to: i64) -> Vec<(i64, i64)> {
        let mut stretches = self.of(asset);
        stretches.sort_unstable_by_key(|stretch| stretch.after);
        let (mut parts, mut begin) = (Vec::with_capacity(stretches.len() + 1), from);
        for stretch in stretches {
            let end = stretch.after.min(to);
            if begin <= end {
                parts.push((begin, end));
            }
            begin = begin.max(stretch.until.saturating_add(1));
        }
        if begin <= to {
            parts.push((begin, to));
        }
        parts
    }
}

impl Market {
    /// Halts trading in a symbol, or in everything, after `at`. Nothing happens if it is halted, or not traded here.
    pub fn halt(&self, symbol: Option<&Symbol>, at: Timestamp) {
        match symbol.map(|symbol| self.number(symbol)) {
            Some(None) => {}
            asset => self.halts.begin(asset.flatten(), micros(at)),
        }
    }

    /// Lets trading go on in a symbol, or in everything, after `at`: with the next trade on the tape.
    pub fn resume(&self, symbol: Option<&Symbol>, at: Timestamp) {
        match symbol.map(|symbol| self.number(symbol)) {
            Some(None) => {}
            asset => self.halts.end(asset.flatten(), micros(at)),
        }
    }

    /// What is halted now, everything before the symbols.
    #[must_use]
    pub fn halted(&self) -> Vec<Halted> {
        let halted = self.halts.read(|all| {
            let lasting = all.iter().filter_map(|(asset, stretches)| {
                let last = stretches.last().filter(|last| last.until == i64::MAX)?;
                let symbol = asset.map(|asset| self.assets[asset].symbol.clone());
                Some(Halted { symbol, since: instant(last.after) })
            });
            lasting.collect()
        });
        halted.unwrap_or_default()
    }

    /// Whether nothing can be traded at the standing quote: there is a halt, or trading has not begun again after one.
    #[must_use]
    pub fn is_halted(&self, symbol: &Symbol, at: Timestamp) -> bool {
        let Some(asset) = self.number(symbol) else { return false };
        let stretches = self.halts.of(asset);
        if stretches.is_empty() {
            return false;
        }
        let at = micros(at);
        let cut_out = |instant: i64| {
            stretches.iter().any(|stretch| stretch.after < instant && instant <= stretch.until)
        };
        // What comes at the very instant of the halt comes after it.
        let begins = stretches.iter().any(|stretch| stretch.after == at && at < stretch.until);
        begins || cut_out(at) || self.tape_time(asset, at).is_some_and(cut_out)
    }

    /// Whether a whole stretch, ends included, was in halts.
    #[must_use]
    pub fn was_halted(&self, symbol: &Symbol, from: Timestamp, to: Timestamp) -> bool {
        let Some(asset) = self.number(symbol) else { return false };
        self.halts.read(|_| ()).is_some() && self.halts.open_parts(asset, micros(from), micros(to)).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_halt_cuts_its_stretch_out() {
        let halts = Halts::default();
        assert_eq!(halts.open_parts(1, 0, 100), [(0, 100)]);
        halts.begin(Some(1), 10);
        halts.begin(Some(1), 15);
        assert_eq!((halts.open_until(1, 10), halts.open_until(1, 50)), (10, 10));
        assert_eq!(halts.open_parts(1, 0, 100), [(0, 10)]);
        halts.end(Some(1), 20);
        assert_eq!(halts.open_parts(1, 0, 100), [(0, 10), (21, 100)]);
        assert_eq!(halts.open_parts(2, 0, 100), [(0, 100)]);
        halts.begin(None, 30);
        assert_eq!(halts.open_parts(2, 0, 100), [(0, 30)]);
        halts.end(None, 40);
        assert_eq!(halts.open_parts(1, 0, 100), [(0, 10), (21, 30), (41, 100)]);
    }

    proptest! {
        #[test]
        fn parts_and_instants_agree(acts in prop::collection::vec((0_usize..3, any::<bool>()), 0..12), at in 0_i64..160) {
            let halts = Halts::default();
            for (number, (asset, begins)) in (1_i64..).zip(acts) {
                let asset = asset.checked_sub(1);
                if begins { halts.begin(asset, number * 10) } else { halts.end(asset, number * 10) }
            }
            let parts = halts.open_parts(0, 0, 200);
            let open = parts.iter().any(|(from, to)| (*from..=*to).contains(&at));
            prop_assert_eq!(halts.open_until(0, at) == at, open);
            prop_assert!(parts.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}
