//! Points at which a test can have the process die. Release builds have none.

use std::fmt;
use std::sync::Arc;

use paddock_core::rotation::{Effect, RotationState};

use crate::RotateError;

/// Where the process may die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    /// The state in which the rotation is when that begins.
    pub state: RotationState,
    /// What is being done.
    pub doing: Doing,
    /// How far that is.
    pub point: Point,
}

/// What a rotation does, or has done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Doing {
    /// What is due.
    Effect(Effect),
    /// What a person says, by the name of the step.
    Word(&'static str),
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// Nothing was done about it.
    Before,
    /// The attempt is noted, and nothing was sent to the consumer.
    Noted,
    /// The consumer has answered, and that is not noted.
    Sent,
    /// It was done, and the transition is not kept.
    Done,
    /// The transition is kept.
    Kept,
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

    pub(crate) fn reached(
        &self,
        state: RotationState,
        doing: Doing,
        point: Point,
    ) -> Result<(), RotateError> {
        let moment = Moment { state, doing, point };
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
