//! The operating system's clock.

use jiff::Timestamp;
use paddock_core::Clock;

/// The wall clock of this machine: the one place that reads it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
