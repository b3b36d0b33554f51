//! Where the tape of each asset was last looked at. Most questions are about now, and the tape stands still for microseconds to
//! seconds: one look answers them all.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::reading::{Place, Quote, Tape, Trade};
use super::timeline::Pass;

/// The last place that was found, by asset. What is remembered can be computed at any time, so that it changes no answer.
#[derive(Debug)]
pub(super) struct Recent(Vec<Mutex<Option<Found>>>);

#[derive(Debug)]
struct Found {
    tape: Tape,
    place: Place,
    /// The first and the last instant at which it is the latest.
    from: i64,
    until: i64,
    trade: Option<Trade>,
    quote: Option<Quote>,
}

impl Found {
    fn is_latest(&self, at: i64) -> bool {
        self.from <= at && at <= self.until
    }
}

impl Recent {
    pub fn new(assets: usize) -> Self {
        Self((0..assets).map(|_| Mutex::default()).collect())
    }

    /// The latest place at `at`, or what `find` finds.
    pub fn latest(
        &self,
        asset: usize,
        at: i64,
        find: impl FnOnce() -> Option<(Tape, Place)>,
    ) -> Option<(Tape, Place)> {
        if let Some(found) = self.lock(asset)?.as_ref().filter(|found| found.is_latest(at)) {
            return Some((found.tape.clone(), found.place));
        }
        let (tape, place) = find()?;
        let (from, until) = (tape.at(place), tape.stands_until(place));
        *self.lock(asset)? = Some(Found { tape: tape.clone(), place, from, until, trade: None, quote: None });
        Some((tape, place))
    }

    /// The trade at a place, as it was made before or is made now.
    pub fn trade(&self, tape: &Tape, place: Place, make: impl FnOnce() -> Trade) -> Trade {
        self.remembered(tape, place, |found| &mut found.trade, make)
    }

    /// The quote at a place, as it was made before or is made now.
    pub fn quote(&self, tape: &Tape, place: Place, make: impl FnOnce() -> Quote) -> Quote {
        self.remembered(tape, place, |found| &mut found.quote, make)
    }

    /// The pass that `at` lies in, if that is the one of the last look.
    pub fn pass(&self, asset: usize, at: i64) -> Option<Pass> {
        let found = self.lock(asset)?;
        found.as_ref().map(|found| found.tape.pass).filter(|pass| pass.start <= at && at < pass.end)
    }

    fn remembered<T: Clone>(
        &self,
        tape: &Tape,
        place: Place,
        of: impl Fn(&mut Found) -> &mut Option<T>,
        make: impl FnOnce() -> T,
    ) -> T {
        let mut kept = self.lock(tape.pass.asset);
        let found = kept.as_mut().and_then(|kept| kept.as_mut());
        match found.filter(|found| found.place == place && found.tape.pass == tape.pass) {
            Some(found) => of(found).get_or_insert_with(make).clone(),
            None => make(),
        }
    }

    /// A panic elsewhere leaves nothing half-done in it.
    fn lock(&self, asset: usize) -> Option<MutexGuard<'_, Option<Found>>> {
        Some(self.0.get(asset)?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
