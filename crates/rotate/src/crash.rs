//! Points at which a test can have the process die. Release builds have none.

use std::fmt;
use std::sync::Arc;

use paddock_core::rotation::Effect;

use crate::RotateError;

/// Where the process may die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// Nothing was done about the effect.
    Before(Effect),
    /// The attempt is noted, and nothing was sent to the consumer.
    Noted(Effect),
    /// The consumer has answered, and that is not noted.
    Sent(Effect),
    /// The effect was done, and the transition is not kept.
    Done(Effect),
    /// The transition is kept.
    Kept(Effect),
}

/// Tells where to die. Only tests have one.
#[derive(Clone, Default)]
pub struct Deaths(Option<Arc<dyn Fn(Moment) -> bool + Send + Sync>>);

impl Deaths {
    /// Dies where this says so.
    #[must_use]
    pub fn at(here: impl Fn(Moment) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(here)))
    }

    pub(crate) fn reached(&self, moment: Moment) -> Result<(), RotateError> {
        if cfg!(debug_assertions) && self.0.as_ref().is_some_and(|here| here(moment)) {
            return Err(RotateError::Died);
        }
        Ok(())
    }
}

impl fmt::Debug for Deaths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deaths")
    }
}
