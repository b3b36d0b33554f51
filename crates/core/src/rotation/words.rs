//! The words of a rotation.

use crate::words;

words! {
    /// Where a rotation is.
    RotationState {
        /// Written down; nothing was done.
        Planned = "planned",
        /// The account and every consumer are looked at. Nothing is changed.
        Preflight = "preflight",
        /// New orders wait or are refused; what is open is dealt with as planned.
        Quiesced = "quiesced",
        /// A person makes the new pair at Alpaca and pastes it. From here on there is no way back.
        AwaitingMint = "awaiting_mint",
        /// The pasted pair is kept, sealed, and being checked.
        Candidate = "candidate",
        /// The pasted pair opens the same account.
        Verified = "verified",
        /// The vault has the new pair.
        Committed = "committed",
        /// The new pair is taken to the consumers.
        FanningOut = "fanning_out",
        /// The consumers are asked to prove that they have it.
        VerifyingConsumers = "verifying_consumers",
        /// Alpaca refuses the old pair.
        OldProvenDead = "old_proven_dead",
        /// Done.
        Closed = "closed",
        /// The new pair is in use here, and something else needs a person.
        Degraded = "degraded",
        /// Called off before a new pair was asked for.
        Aborted = "aborted",
    }
}

impl RotationState {
    /// Whether it can still be called off: the old pair is alive as far as we did anything.
    #[must_use]
    pub const fn can_abort(self) -> bool {
        matches!(self, Self::Planned | Self::Preflight | Self::Quiesced)
    }

    /// Whether the vault has the new pair.
    #[must_use]
    pub const fn has_committed(self) -> bool {
        matches!(
            self,
            Self::Committed
                | Self::FanningOut
                | Self::VerifyingConsumers
                | Self::OldProvenDead
                | Self::Closed
                | Self::Degraded
        )
    }
}

words! {
    /// Why a pair is replaced.
    Cause {
        /// Its time has come.
        Scheduled = "scheduled",
        /// A person wants it.
        ByHand = "by_hand",
        /// Somebody may have it who should not.
        Compromise = "compromise",
        /// Somebody who had it has left.
        Offboarding = "offboarding",
        /// The paper account was reset, which kills its pair.
        AccountReset = "account_reset",
        /// Alpaca refuses the pair although it worked: probably the account was reset or the pair regenerated.
        PairRefused = "pair_refused",
    }
}

words! {
    /// What to do about orders that are open when trading is paused.
    OpenOrders {
        /// Wait until there are none.
        Wait = "wait",
        /// Cancel them.
        Cancel = "cancel",
        /// Leave them open and go on, knowingly.
        GoOn = "go_on",
    }
}

words! {
    /// When new orders pass again.
    ResumeWhen {
        /// As soon as the gateway sends with the new, verified pair.
        Swapped = "swapped",
        /// When every consumer has proven the new pair and the old one is dead.
        Proven = "proven",
    }
}

words! {
    /// Whether a rotation holds back new orders. What is stored decides; the gateway is told afterwards and confirms.
    TradingHold {
        /// It never did.
        Running = "running",
        /// It does, and the gateway has not confirmed.
        Pausing = "pausing",
        /// It does.
        Paused = "paused",
        /// It does no more, and the gateway has not confirmed.
        Resuming = "resuming",
        /// It does no more.
        Resumed = "resumed",
    }
}

impl TradingHold {
    /// Whether new orders are held back.
    #[must_use]
    pub const fn holds(self) -> bool {
        matches!(self, Self::Pausing | Self::Paused)
    }
}

words! {
    /// How far one consumer is.
    ConsumerStage {
        /// It was not looked at, or did not pass.
        Due = "due",
        /// It was looked at and can take the pair.
        Ready = "ready",
        /// The pair was put there.
        Delivered = "delivered",
        /// The pair is proven there.
        Proven = "proven",
        /// A person has left it out by name.
        LeftOut = "left_out",
    }
}
