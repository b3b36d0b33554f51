//! What is known of one rotation. No secret has a place here.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::rehearse::ChosenFault;
use super::words::{Cause, ConsumerStage, OpenOrders, ResumeWhen, RotationState, TradingHold};
use crate::audit::Actor;
use crate::connection::Environment;
use crate::id::{ConnectionId, ConsumerId, RotationId, UserId};

/// One rotation of one connection's key pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Its identifier.
    pub id: RotationId,
    /// Whose it is.
    pub team: UserId,
    /// The connection.
    pub connection: ConnectionId,
    /// The connection's name when it was planned.
    pub connection_name: String,
    /// Alpaca's world.
    pub environment: Environment,
    /// Alpaca's identifier of the account: the new pair must open this one.
    pub account_id: String,
    /// Alpaca's number of the account, likewise.
    pub account_number: String,
    /// Why.
    pub cause: Cause,
    /// Whether it is a rehearsal: consumers are looked at and never written to, the vault's credential stays, and the broker is the paper
    /// broker.
    #[serde(default)]
    pub rehearsal: bool,
    /// What goes wrong in a rehearsal, as it was chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<ChosenFault>,
    /// How it is to be done.
    pub plan: Plan,
    /// Where it is.
    pub state: RotationState,
    /// Where it goes on when it is degraded.
    #[serde(default)]
    pub degraded_from: Option<RotationState>,
    /// Whether it holds back new orders.
    pub trading: TradingHold,
    /// The account as it was before.
    #[serde(default)]
    pub snapshot: Option<AccountSnapshot>,
    /// Whether the open orders were dealt with while trading was paused.
    #[serde(default)]
    pub orders_settled: bool,
    /// Orders that were asked to be canceled, once that was done.
    #[serde(default)]
    pub orders_canceled: Option<u32>,
    /// The pasted pair.
    #[serde(default)]
    pub candidate: Option<CandidateMark>,
    /// The version of the credential under which the vault has the new pair; absent in a rehearsal.
    #[serde(default)]
    pub committed_version: Option<u32>,
    /// What Alpaca says of the old pair.
    #[serde(default)]
    pub old_pair: OldPair,
    /// The order that shows that the new pair trades.
    #[serde(default)]
    pub test_order: TestOrder,
    /// The consumers, in the order in which they are served.
    pub consumers: Vec<RotationConsumer>,
    /// What stands in the way, if it is not one consumer's.
    #[serde(default)]
    pub trouble: Option<Trouble>,
    /// Why the gateway could not be told to hold back new orders, to let them pass, or to send with the new pair.
    #[serde(default)]
    pub gate_trouble: Option<Trouble>,
    /// Who did what when.
    pub marks: Marks,
}

/// What a rotation begins with.
#[derive(Clone, Debug)]
pub struct NewRotation {
    /// Its identifier.
    pub id: RotationId,
    /// Whose it is.
    pub team: UserId,
    /// The connection.
    pub connection: ConnectionId,
    /// The connection's name.
    pub connection_name: String,
    /// Alpaca's world.
    pub environment: Environment,
    /// Alpaca's identifier of the account.
    pub account_id: String,
    /// Alpaca's number of the account.
    pub account_number: String,
    /// Why.
    pub cause: Cause,
    /// Whether it is a rehearsal.
    pub rehearsal: bool,
    /// How it is to be done.
    pub plan: Plan,
    /// The connection's consumers.
    pub consumers: Vec<RotationConsumer>,
}

impl Rotation {
    /// One that is planned and waits to be started.
    #[must_use]
    pub fn planned(new: NewRotation, by: Actor, at: Timestamp) -> Self {
        let test_order = if new.plan.test_order { TestOrder::Due } else { TestOrder::NotWanted };
        Self {
            id: new.id,
            team: new.team,
            connection: new.connection,
            connection_name: new.connection_name,
            environment: new.environment,
            account_id: new.account_id,
            account_number: new.account_number,
            cause: new.cause,
            rehearsal: new.rehearsal,
            faults: Vec::new(),
            plan: new.plan,
            state: RotationState::Planned,
            degraded_from: None,
            trading: TradingHold::Running,
            snapshot: None,
            orders_settled: false,
            orders_canceled: None,
            candidate: None,
            committed_version: None,
            old_pair: OldPair::Unasked,
            test_order,
            consumers: new.consumers,
            trouble: None,
            gate_trouble: None,
            marks: Marks::planned(by, at),
        }
    }

    /// One that nobody planned: the pair is dead. It holds back new orders from the first moment and waits for another pair.
    #[must_use]
    pub fn forced(new: NewRotation, by: Actor, at: Timestamp) -> Self {
        let mut rotation = Self::planned(new, by, at);
        rotation.state = RotationState::AwaitingMint;
        rotation.trading = TradingHold::Pausing;
        rotation.marks.paused_at = Some(at);
        rotation.marks.awaited_at = Some(at);
        rotation
    }

    /// Whether there is nothing more to do.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        match self.state {
            RotationState::Closed => true,
            RotationState::Aborted => matches!(self.trading, TradingHold::Running | TradingHold::Resumed),
            _ => false,
        }
    }

    /// Whether it can still be called off. A rehearsal can be until it is over: it ends no pair but the one that it plays with.
    #[must_use]
    pub const fn can_abort(&self) -> bool {
        match self.state {
            RotationState::Closed | RotationState::Aborted => false,
            state => self.rehearsal || state.can_abort(),
        }
    }

    /// One of its consumers.
    #[must_use]
    pub fn consumer(&self, id: ConsumerId) -> Option<&RotationConsumer> {
        self.consumers.iter().find(|consumer| consumer.id == id)
    }

    pub(super) fn consumer_mut(&mut self, id: ConsumerId) -> Option<&mut RotationConsumer> {
        self.consumers.iter_mut().find(|consumer| consumer.id == id)
    }

    /// For how long new orders were held back, as far as that is over.
    #[must_use]
    pub fn gap(&self) -> Option<jiff::SignedDuration> {
        Some(self.marks.resumed_at?.duration_since(self.marks.paused_at?))
    }
}

/// How a rotation is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// When it may be started. Needed for live.
    #[serde(default)]
    pub window: Option<Window>,
    /// The ticket under which it was agreed. Needed for live.
    #[serde(default)]
    pub ticket: Option<String>,
    /// What to do about open orders.
    pub open_orders: OpenOrders,
    /// When new orders pass again.
    pub resume: ResumeWhen,
    /// Whether one share is ordered far from the market and canceled, to show that the new pair trades. Paper only.
    #[serde(default)]
    pub test_order: bool,
}

/// When a rotation may be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// From this instant on.
    pub from: Timestamp,
    /// Before this instant.
    pub until: Timestamp,
}

/// A plan that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct PlanFault {
    /// Which part of it.
    pub field: &'static str,
    /// What is wrong and what would be right.
    pub problem: &'static str,
}

impl Plan {
    /// What is right for an environment unless somebody says otherwise: a paper rotation leaves open orders alone and resumes as soon as
    /// the gateway has the new pair; a live one waits for open orders and resumes when everything is proven.
    #[must_use]
    pub const fn of(environment: Environment) -> Self {
        let (open_orders, resume) = match environment {
            Environment::Paper => (OpenOrders::GoOn, ResumeWhen::Swapped),
            Environment::Live => (OpenOrders::Wait, ResumeWhen::Proven),
        };
        Self { window: None, ticket: None, open_orders, resume, test_order: false }
    }

    /// Looks whether it can be.
    ///
    /// # Errors
    /// [`PlanFault`] that names the part.
    pub fn check(&self, environment: Environment) -> Result<(), PlanFault> {
        let fault = |field, problem| Err(PlanFault { field, problem });
        if self.window.is_some_and(|window| window.from >= window.until) {
            return fault("window", "it ends before it begins: give the earlier instant first");
        }
        if self.ticket.as_deref().is_some_and(|ticket| ticket.is_empty() || ticket.chars().count() > 200) {
            return fault("ticket", "a ticket has from 1 to 200 characters");
        }
        if environment == Environment::Live {
            if self.window.is_none() {
                return fault(
                    "window",
                    "a live pair is replaced in a planned window: give its begin and end",
                );
            }
            if self.ticket.is_none() {
                return fault("ticket", "a live pair is replaced under a ticket: name it");
            }
            if self.test_order {
                return fault("test_order", "a test order is placed on paper only");
            }
        }
        Ok(())
    }
}

/// An account as it was at an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSnapshot {
    /// When.
    pub at: Timestamp,
    /// Alpaca's identifier of the account.
    pub account_id: String,
    /// Alpaca's number of the account.
    pub account_number: String,
    /// Alpaca's word for its status.
    pub status: String,
    /// What it was worth in dollars.
    #[serde(default)]
    pub equity: Option<Decimal>,
    /// Its cash in dollars.
    #[serde(default)]
    pub cash: Option<Decimal>,
    /// The open orders, each in one line.
    pub open_orders: Vec<String>,
    /// The positions, each in one line.
    pub positions: Vec<String>,
}

/// A pair that was pasted. Its halves are kept sealed elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateMark {
    /// The how-manieth that was pasted, from 1.
    pub number: u32,
    /// Who pasted it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Whether it was proven to open the account.
    pub verified: bool,
    /// What the other environment's host said: `refused`, or `not heard`.
    #[serde(default)]
    pub other_host: Option<String>,
}

/// What Alpaca says of the pair that was replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum OldPair {
    /// It was not asked.
    #[default]
    Unasked,
    /// It refuses it.
    Dead {
        /// The HTTP status, 401 or 403.
        status: u16,
        /// When.
        at: Timestamp,
    },
    /// It still takes it.
    Alive {
        /// When.
        at: Timestamp,
    },
}

/// The order that shows that the new pair trades.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum TestOrder {
    /// Not wanted.
    #[default]
    NotWanted,
    /// Wanted, and not placed yet.
    Due,
    /// Placed, seen and canceled.
    Done {
        /// The order in one line.
        order: String,
        /// When.
        at: Timestamp,
    },
}

/// One consumer in a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationConsumer {
    /// The consumer.
    pub id: ConsumerId,
    /// Its name when the rotation was planned.
    pub name: String,
    /// What kind of place it is.
    pub kind: String,
    /// How far it is.
    pub stage: ConsumerStage,
    /// As whom we were logged in there, and with what software.
    #[serde(default)]
    pub login: Option<String>,
    /// The version that was there before.
    #[serde(default)]
    pub version_before: Option<String>,
    /// The version that came of it.
    #[serde(default)]
    pub version_after: Option<String>,
    /// How the pair was put, in words.
    #[serde(default)]
    pub delivered: Option<String>,
    /// How it is proven, in words.
    #[serde(default)]
    pub proof: Option<String>,
    /// How often it was tried to put the pair there.
    #[serde(default)]
    pub attempts: u32,
    /// What stands in the way.
    #[serde(default)]
    pub trouble: Option<Trouble>,
    /// When it was seen that somebody else wrote there after the pair was put. A person then takes it over, which puts the pair there again,
    /// or leaves it out; it is over when the pair is seen there again.
    #[serde(default)]
    pub overwritten_at: Option<Timestamp>,
    /// Who said that what is there may be overwritten.
    #[serde(default)]
    pub taken_over: Option<TakenOver>,
    /// Who left it out.
    #[serde(default)]
    pub left_out: Option<TakenOver>,
}

impl RotationConsumer {
    /// A consumer that nothing was done about yet.
    #[must_use]
    pub const fn new(id: ConsumerId, name: String, kind: String) -> Self {
        Self {
            id,
            name,
            kind,
            stage: ConsumerStage::Due,
            login: None,
            version_before: None,
            version_after: None,
            delivered: None,
            proof: None,
            attempts: 0,
            trouble: None,
            overwritten_at: None,
            taken_over: None,
            left_out: None,
        }
    }

    /// Whether only a person can help it on.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        self.trouble.as_ref().is_some_and(Trouble::needs_a_person)
    }
}

/// A person's word about one consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenOver {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Why, in their words.
    pub why: String,
}

/// What stands in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Its stable code.
    pub code: String,
    /// What happened, in one sentence.
    pub message: String,
    /// What a person should do about it, in one sentence.
    pub next_step: String,
    /// When it was seen last.
    pub at: Timestamp,
    /// How often in a row.
    pub times: u32,
    /// How often of these nothing had failed, and something was only under way.
    #[serde(default)]
    pub waits: u32,
    /// When it is tried again by itself; never, when absent.
    pub retry_at: Option<Timestamp>,
}

impl Trouble {
    /// Whether only a person can help.
    #[must_use]
    pub const fn needs_a_person(&self) -> bool {
        self.retry_at.is_none()
    }
}

/// Who did what when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Who planned or opened it.
    pub planned_by: Actor,
    /// When.
    pub planned_at: Timestamp,
    /// Who started it; nobody when it was forced.
    #[serde(default)]
    pub started_by: Option<Actor>,
    /// When.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// From when on new orders were held back.
    #[serde(default)]
    pub paused_at: Option<Timestamp>,
    /// From when on a new pair was waited for.
    #[serde(default)]
    pub awaited_at: Option<Timestamp>,
    /// When the vault had the new pair.
    #[serde(default)]
    pub committed_at: Option<Timestamp>,
    /// When the gateway sent with it.
    #[serde(default)]
    pub swapped_at: Option<Timestamp>,
    /// When new orders passed again.
    #[serde(default)]
    pub resumed_at: Option<Timestamp>,
    /// When it was over.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// Who called it off and why.
    #[serde(default)]
    pub aborted: Option<TakenOver>,
}

impl Marks {
    /// Only planned.
    #[must_use]
    pub const fn planned(by: Actor, at: Timestamp) -> Self {
        Self {
            planned_by: by,
            planned_at: at,
            started_by: None,
            started_at: None,
            paused_at: None,
            awaited_at: None,
            committed_at: None,
            swapped_at: None,
            resumed_at: None,
            ended_at: None,
            aborted: None,
        }
    }
}
