//! Points at which a test can kill the process, as a power cut would. Release builds have none.

/// Where on an order's way the process may die.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CrashPoint {
    /// Held for a person, but the program does not know yet.
    Held,
    /// Decided, but nothing is reserved.
    Decided,
    /// Caps are reserved and the audit record is durable, but nothing was sent.
    Reserved,
    /// The broker has answered, but nothing is confirmed.
    Forwarded,
    /// All is written, but the program has no answer.
    Settled,
    /// A step of what a freeze does is recorded, but not sent.
    StepRecorded,
    /// The broker has answered to it, and that is not written.
    StepSent,
}

impl CrashPoint {
    #[cfg(debug_assertions)]
    const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Decided => "decided",
            Self::Reserved => "reserved",
            Self::Forwarded => "forwarded",
            Self::Settled => "settled",
            Self::StepRecorded => "step_recorded",
            Self::StepSent => "step_sent",
        }
    }

    /// Aborts if the environment variable `PADDOCK_CRASH_AT` names this point. Nothing is flushed and no destructor runs.
    pub(crate) fn reached(self) {
        #[cfg(debug_assertions)]
        if std::env::var("PADDOCK_CRASH_AT").is_ok_and(|point| point == self.name()) {
            std::process::abort();
        }
    }
}
