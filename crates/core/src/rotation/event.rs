//! What can happen to a rotation.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::record::{AccountSnapshot, RotationConsumer};
use crate::audit::Actor;
use crate::id::ConsumerId;
use crate::role::Role;

/// A person, with what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub actor: Actor,
    /// What they may do.
    pub authority: Authority,
}

/// What a person may do, as it was found when they asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Their role.
    pub role: Role,
    /// Whether they have just proven who they are once more.
    pub stepped_up: bool,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A person starts what was planned.
    Start(By),
    /// A person has done what was asked, and it goes on.
    Resume(By),
    /// A person goes on although orders are open.
    GoOnWithOpenOrders(By),
    /// A person calls it off.
    Abort {
        /// Who.
        by: By,
        /// Why.
        why: String,
    },
    /// A person leaves a consumer out.
    LeaveOut {
        /// Who.
        by: By,
        /// Which.
        consumer: ConsumerId,
        /// Why.
        why: String,
    },
    /// A person says that what is at a consumer may be overwritten.
    TakeOver {
        /// Who.
        by: By,
        /// Which.
        consumer: ConsumerId,
        /// Why.
        why: String,
    },
    /// The connection has other consumers than this rotation knows: those that came are taken in, those that were removed drop out.
    Consumers {
        /// Who said it, when it was a person: by starting the rotation.
        by: Option<By>,
        /// All that there are now, in the order in which they are served.
        now: Vec<RotationConsumer>,
        /// What changed, in words.
        what: String,
    },
    /// A person pasted a pair. It is kept, sealed, in the same transaction.
    Pasted(By),
    /// A person goes without the test order.
    SkipTestOrder(By),
    /// The account was read with the present pair.
    AccountSeen(AccountSnapshot),
    /// The account could not be read.
    AccountUnseen(Failure),
    /// Alpaca refuses the present pair.
    PairRefused,
    /// A consumer was looked at and can take the pair.
    Looked {
        /// Which.
        consumer: ConsumerId,
        /// What was seen.
        seen: Seen,
    },
    /// A consumer cannot take the pair.
    LookFailed {
        /// Which.
        consumer: ConsumerId,
        /// What was seen of it, if anything.
        seen: Option<Seen>,
        /// Why.
        failure: Failure,
    },
    /// The gateway holds back new orders, and what was being sent is answered.
    PauseConfirmed,
    /// The gateway could not be told to hold back or to let pass new orders.
    GateFailed(Failure),
    /// The open orders were asked to be canceled.
    OrdersCanceled(u32),
    /// The pasted pair opens an account.
    CandidateOpens {
        /// Alpaca's identifier of the account.
        account_id: String,
        /// Its number.
        account_number: String,
        /// What the other environment's host said.
        other_host: String,
    },
    /// The pasted pair is none, or could not be checked.
    CandidateFailed(Failure),
    /// The vault has the new pair, as this version; none in a rehearsal.
    Committed(Option<u32>),
    /// The vault does not have it.
    CommitFailed(Failure),
    /// The gateway sends with the new pair.
    Swapped,
    /// The pair was put at a consumer.
    Delivered {
        /// Which.
        consumer: ConsumerId,
        /// What came of it.
        delivered: Delivered,
    },
    /// The pair may not be at a consumer.
    DeliveryFailed {
        /// Which.
        consumer: ConsumerId,
        /// Why.
        failure: Failure,
    },
    /// A consumer has proven the pair.
    Proven {
        /// Which.
        consumer: ConsumerId,
        /// How.
        proven: Proven,
    },
    /// A consumer has not proven the pair.
    ProofFailed {
        /// Which.
        consumer: ConsumerId,
        /// Why.
        failure: Failure,
    },
    /// A consumer holds something else than what was put there: somebody else wrote there since.
    Overwritten {
        /// Which.
        consumer: ConsumerId,
        /// What was seen.
        failure: Failure,
    },
    /// Alpaca refuses the old pair, with this status.
    OldPairDead(u16),
    /// Alpaca still takes the old pair.
    OldPairAlive,
    /// What Alpaca says of the old pair could not be heard.
    OldPairUnheard(Failure),
    /// The test order was placed, seen and canceled.
    TestOrderDone(String),
    /// The test order failed.
    TestOrderFailed(Failure),
    /// The gateway lets new orders pass.
    ResumeConfirmed,
}

impl Event {
    /// Its stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Start(_) => "start",
            Self::Resume(_) => "resume",
            Self::GoOnWithOpenOrders(_) => "go_on_with_open_orders",
            Self::Abort { .. } => "abort",
            Self::LeaveOut { .. } => "leave_out",
            Self::TakeOver { .. } => "take_over",
            Self::Consumers { .. } => "consumers",
            Self::Pasted(_) => "pasted",
            Self::SkipTestOrder(_) => "skip_test_order",
            Self::AccountSeen(_) => "account_seen",
            Self::AccountUnseen(_) => "account_unseen",
            Self::PairRefused => "pair_refused",
            Self::Looked { .. } => "looked",
            Self::LookFailed { .. } => "look_failed",
            Self::PauseConfirmed => "pause_confirmed",
            Self::GateFailed(_) => "gate_failed",
            Self::OrdersCanceled(_) => "orders_canceled",
            Self::CandidateOpens { .. } => "candidate_opens",
            Self::CandidateFailed(_) => "candidate_failed",
            Self::Committed(_) => "committed",
            Self::CommitFailed(_) => "commit_failed",
            Self::Swapped => "swapped",
            Self::Delivered { .. } => "delivered",
            Self::DeliveryFailed { .. } => "delivery_failed",
            Self::Proven { .. } => "proven",
            Self::ProofFailed { .. } => "proof_failed",
            Self::Overwritten { .. } => "overwritten",
            Self::OldPairDead(_) => "old_pair_dead",
            Self::OldPairAlive => "old_pair_alive",
            Self::OldPairUnheard(_) => "old_pair_unheard",
            Self::TestOrderDone(_) => "test_order_done",
            Self::TestOrderFailed(_) => "test_order_failed",
            Self::ResumeConfirmed => "resume_confirmed",
        }
    }

    /// The person behind it.
    #[must_use]
    pub const fn by(&self) -> Option<&By> {
        match self {
            Self::Start(by)
            | Self::Resume(by)
            | Self::GoOnWithOpenOrders(by)
            | Self::Pasted(by)
            | Self::SkipTestOrder(by)
            | Self::Consumers { by: Some(by), .. }
            | Self::Abort { by, .. }
            | Self::LeaveOut { by, .. }
            | Self::TakeOver { by, .. } => Some(by),
            _ => None,
        }
    }

    /// The consumer that it is about.
    #[must_use]
    pub const fn consumer(&self) -> Option<ConsumerId> {
        match self {
            Self::LeaveOut { consumer, .. }
            | Self::TakeOver { consumer, .. }
            | Self::Looked { consumer, .. }
            | Self::LookFailed { consumer, .. }
            | Self::Delivered { consumer, .. }
            | Self::DeliveryFailed { consumer, .. }
            | Self::Proven { consumer, .. }
            | Self::ProofFailed { consumer, .. }
            | Self::Overwritten { consumer, .. } => Some(*consumer),
            _ => None,
        }
    }

    /// What there is to say about it: a failure, a proof, a person's reason.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Abort { why, .. } | Self::LeaveOut { why, .. } | Self::TakeOver { why, .. } => {
                Some(why.clone())
            }
            Self::AccountUnseen(failure)
            | Self::GateFailed(failure)
            | Self::CandidateFailed(failure)
            | Self::CommitFailed(failure)
            | Self::OldPairUnheard(failure)
            | Self::TestOrderFailed(failure)
            | Self::LookFailed { failure, .. }
            | Self::DeliveryFailed { failure, .. }
            | Self::ProofFailed { failure, .. }
            | Self::Overwritten { failure, .. } => Some(format!("{}: {}", failure.code, failure.message)),
            Self::AccountSeen(account) => Some(format!(
                "account {} is {}, {} open orders, {} positions",
                account.account_number,
                account.status,
                account.open_orders.len(),
                account.positions.len()
            )),
            Self::Consumers { what, .. } => Some(what.clone()),
            Self::Looked { seen, .. } => Some(seen.login.clone()),
            Self::OrdersCanceled(count) => Some(format!("{count} orders")),
            Self::CandidateOpens { account_number, other_host, .. } => {
                Some(format!("account {account_number}; the other host: {other_host}"))
            }
            Self::Committed(Some(version)) => Some(format!("version {version}")),
            Self::Delivered { delivered, .. } => Some(delivered.how.clone()),
            Self::Proven { proven, .. } => Some(proven.0.clone()),
            Self::OldPairDead(status) => Some(format!("Alpaca answers {status}")),
            Self::TestOrderDone(order) => Some(order.clone()),
            _ => None,
        }
    }
}

/// What was seen at a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// As whom we are logged in there, and with what software.
    pub login: String,
    /// The version of what is there.
    pub version: Option<String>,
}

/// What came of putting a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// How, in words: `written`, `was there already`, `not written: rehearsal`.
    pub how: String,
    /// The version that came of it.
    pub version: Option<String>,
}

/// How a pair is proven at a consumer, in words for the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven(pub String);

/// Why something did not work. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its stable code.
    pub code: String,
    /// What happened, in one sentence.
    pub message: String,
    /// What a person should do about it, in one sentence.
    pub next_step: String,
    /// Whether trying again later, with nothing changed by a person, can help.
    pub may_pass: bool,
    /// Whether nothing has failed: what was asked for is under way there, and takes its time.
    #[serde(default)]
    pub under_way: bool,
    /// How long to wait at least, if that was said.
    #[serde(default)]
    pub wait: Option<Duration>,
}

impl Failure {
    /// One that only a person can help.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>, next_step: impl Into<String>) -> Self {
        let (message, next_step) = (message.into(), next_step.into());
        Self { code: code.to_owned(), message, next_step, may_pass: false, under_way: false, wait: None }
    }

    /// The same, but it may pass by itself.
    #[must_use]
    pub fn passing(self) -> Self {
        Self { may_pass: true, ..self }
    }

    /// The same, but it is under way, and is waited for.
    #[must_use]
    pub fn under_way(self) -> Self {
        Self { may_pass: true, under_way: true, ..self }
    }
}

/// Why something cannot happen to a rotation now. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}: {next_step}")]
pub struct StepRefusal {
    /// Its stable code.
    pub code: &'static str,
    /// Why.
    pub message: String,
    /// What to do instead.
    pub next_step: String,
}
