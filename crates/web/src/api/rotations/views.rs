//! Rotations as they are shown. No secret and no fingerprint is in them.

use jiff::Timestamp;
use paddock_core::Environment;
use paddock_core::audit::Actor;
use paddock_core::id::RotationId;
use paddock_core::rotation::{
    Cause, Due, Effect, OldPair, OpenOrders, ResumeWhen, Rotation, RotationConsumer, RotationState, TestOrder,
};
use paddock_rotate::Status;
use paddock_store::RotationEvent;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::document::words;

/// A rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Rotation)]
pub struct RotationView {
    /// Its identifier.
    #[schema(value_type = words::Id)]
    pub id: RotationId,
    /// The connection's name when it was planned.
    pub connection: String,
    /// Alpaca's world.
    #[schema(value_type = words::EnvironmentWord)]
    pub environment: Environment,
    /// The account that the new pair must open.
    pub account_number: String,
    /// Why.
    #[schema(value_type = words::CauseWord)]
    pub cause: Cause,
    /// Whether it is a rehearsal against the paper broker: nothing is written to consumers, and the connection keeps its pair.
    pub rehearsal: bool,
    /// The failures of consumers that were chosen for a rehearsal.
    pub chosen_failures: Vec<ChosenFailureView>,
    /// Where it is.
    #[schema(value_type = words::RotationStateWord)]
    pub state: RotationState,
    /// Where it goes on when it is degraded.
    #[schema(required, value_type = Option<words::RotationStateWord>)]
    pub degraded_from: Option<RotationState>,
    /// Whether it is over.
    pub over: bool,
    /// Whether it can still be called off. Once a new pair was asked for, nothing brings the old one back.
    pub can_abort: bool,
    /// Whether it holds back new orders.
    pub holds_orders: bool,
    /// How many transitions it has had.
    pub version: u64,
    /// How it is done.
    pub plan: PlanView,
    /// The account as it was before.
    #[schema(required)]
    pub account: Option<AccountBefore>,
    /// The pair that was pasted last. It is never shown.
    #[schema(required)]
    pub pasted: Option<PastedPair>,
    /// The version under which the vault has the new pair.
    #[schema(required)]
    pub credential_version: Option<u32>,
    /// What Alpaca says of the old pair: `unasked`, `dead` or `alive`.
    pub old_pair: String,
    /// Alpaca's status for the old pair, once it refuses it.
    #[schema(required)]
    pub old_pair_status: Option<u16>,
    /// The test order in one line, once it was placed and canceled; `due` while it is waited for.
    #[schema(required)]
    pub test_order: Option<String>,
    /// The consumers.
    pub consumers: Vec<RotationConsumerView>,
    /// What a person is asked to do.
    pub asks: Vec<AskView>,
    /// What is being done, or will be.
    pub dues: Vec<DueView>,
    /// Where exactly to click, while a new pair is waited for.
    pub where_to_click: Vec<String>,
    /// When it was planned, and by whom.
    pub planned_at: Timestamp,
    /// By whom.
    pub planned_by: String,
    /// When it was started.
    #[schema(required)]
    pub started_at: Option<Timestamp>,
    /// By whom.
    #[schema(required)]
    pub started_by: Option<String>,
    /// From when on new orders were held back.
    #[schema(required)]
    pub paused_at: Option<Timestamp>,
    /// From when on a new pair was waited for.
    #[schema(required)]
    pub awaited_at: Option<Timestamp>,
    /// When the gateway sent with the new pair.
    #[schema(required)]
    pub swapped_at: Option<Timestamp>,
    /// When new orders passed again.
    #[schema(required)]
    pub resumed_at: Option<Timestamp>,
    /// When it was over.
    #[schema(required)]
    pub ended_at: Option<Timestamp>,
    /// Why it was called off.
    #[schema(required)]
    pub aborted_because: Option<String>,
    /// Its transitions, oldest first; none in a list.
    pub steps: Vec<StepView>,
}

/// A failure that was chosen for a rehearsal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChosenFailure)]
pub struct ChosenFailureView {
    /// The consumer's name.
    pub consumer: String,
    /// What goes wrong there: `refused`, `drift`, `too_many`, `lost_answer`, `permission_lost` or `approval_pending`.
    pub fault: String,
    /// Whether it was met.
    pub met: bool,
}

/// How a rotation is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RotationPlan)]
pub struct PlanView {
    /// When it may be started.
    #[schema(required)]
    pub window: Option<WindowView>,
    /// The ticket under which it was agreed.
    #[schema(required)]
    pub ticket: Option<String>,
    /// What is done about open orders.
    #[schema(value_type = words::OpenOrdersWord)]
    pub open_orders: OpenOrders,
    /// When new orders pass again.
    #[schema(value_type = words::ResumeWhenWord)]
    pub resume: ResumeWhen,
    /// Whether one share is ordered far from the market and canceled.
    pub test_order: bool,
}

/// When a rotation may be started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RotationWindow)]
pub struct WindowView {
    /// From this instant on.
    pub from: Timestamp,
    /// Before this instant.
    pub until: Timestamp,
}

/// An account as it was before a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountBefore {
    /// When it was read.
    pub at: Timestamp,
    /// Alpaca's word for its status.
    pub status: String,
    /// What it was worth in dollars.
    #[schema(required, value_type = Option<words::Exact>)]
    pub equity: Option<Decimal>,
    /// Its cash in dollars.
    #[schema(required, value_type = Option<words::Exact>)]
    pub cash: Option<Decimal>,
    /// The open orders, each in one line.
    pub open_orders: Vec<String>,
    /// The positions, each in one line.
    pub positions: Vec<String>,
}

/// A pair that was pasted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PastedPair {
    /// The how-manieth that was pasted.
    pub number: u32,
    /// Who pasted it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Whether it was proven to open the account.
    pub verified: bool,
}

/// A consumer in a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RotationConsumer)]
pub struct RotationConsumerView {
    /// Its name.
    pub name: String,
    /// What kind of place it is.
    pub kind: String,
    /// How far it is: `due`, `ready`, `delivered`, `proven` or `left_out`.
    pub stage: String,
    /// As whom Paddock is logged in there.
    #[schema(required)]
    pub login: Option<String>,
    /// The version that was there before.
    #[schema(required)]
    pub version_before: Option<String>,
    /// The version that came of it.
    #[schema(required)]
    pub version_after: Option<String>,
    /// How the pair was put there.
    #[schema(required)]
    pub delivered: Option<String>,
    /// How it is proven.
    #[schema(required)]
    pub proof: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// What stands in the way.
    #[schema(required)]
    pub trouble: Option<String>,
    /// When it is tried again by itself; a person is asked when there is trouble and no such time.
    #[schema(required)]
    pub retry_at: Option<Timestamp>,
    /// When it was seen that somebody else wrote there after the pair was put; a person takes it over, which puts the pair there again, or leaves it
    /// out.
    #[schema(required)]
    pub overwritten_at: Option<Timestamp>,
    /// Why what is there may be overwritten, in the words of whoever said so.
    #[schema(required)]
    pub taken_over: Option<String>,
    /// Why it was left out, likewise.
    #[schema(required)]
    pub left_out: Option<String>,
}

/// What a person is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RotationAsk)]
pub struct AskView {
    /// Its stable code.
    pub code: String,
    /// The consumer that it is about.
    #[schema(required)]
    pub consumer: Option<String>,
    /// What happened or is waited for.
    pub message: String,
    /// What to do.
    pub next_step: String,
}

/// What is being done, or will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RotationDue)]
pub struct DueView {
    /// What, in words.
    pub what: String,
    /// The consumer that it is about.
    #[schema(required)]
    pub consumer: Option<String>,
    /// Not before this instant.
    #[schema(required)]
    pub not_before: Option<Timestamp>,
}

/// One transition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RotationStep)]
pub struct StepView {
    /// Its number.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What happened, by name.
    pub step: String,
    /// The same in words.
    pub what: String,
    /// Where the rotation was from then on.
    #[schema(value_type = words::RotationStateWord)]
    pub state: RotationState,
    /// The consumer that it was about.
    #[schema(required)]
    pub consumer: Option<String>,
    /// What there is to say about it.
    #[schema(required)]
    pub detail: Option<String>,
}

/// The rotation as it is shown.
pub(crate) fn view(status: Status, steps: Vec<RotationEvent>) -> RotationView {
    let rotation = status.row.rotation;
    let name = |id| rotation.consumer(id).map(|one| one.name.clone());
    let steps = steps.into_iter().map(|event| StepView {
        number: event.version,
        at: event.at,
        by: who(&event.actor),
        what: what(&event.step).to_owned(),
        step: event.step,
        state: event.after,
        consumer: event.consumer.and_then(name),
        detail: event.detail,
    });
    let steps = steps.collect();
    let asks = status.asks.into_iter().map(|ask| AskView {
        code: ask.code,
        consumer: ask.consumer.map(|(_, name)| name),
        message: ask.message,
        next_step: ask.next_step,
    });
    let asks = asks.collect();
    let dues = status.dues.iter().map(|due| due_view(&rotation, due)).collect();
    let where_to_click = status.where_to_click.iter().map(|line| (*line).to_owned()).collect();
    let (old_pair, old_pair_status) = match rotation.old_pair {
        OldPair::Unasked => ("unasked", None),
        OldPair::Dead { status, .. } => ("dead", Some(status)),
        OldPair::Alive { .. } => ("alive", None),
    };
    let test_order = match &rotation.test_order {
        TestOrder::NotWanted => None,
        TestOrder::Due => Some("due".to_owned()),
        TestOrder::Done { order, .. } => Some(order.clone()),
    };
    let window = rotation.plan.window.map(|window| WindowView { from: window.from, until: window.until });
    let plan = PlanView {
        window,
        ticket: rotation.plan.ticket.clone(),
        open_orders: rotation.plan.open_orders,
        resume: rotation.plan.resume,
        test_order: rotation.plan.test_order,
    };
    let chosen_failures = rotation.faults.iter().map(|chosen| ChosenFailureView {
        consumer: rotation.consumer(chosen.consumer).map(|one| one.name.clone()).unwrap_or_default(),
        fault: chosen.fault.to_string(),
        met: chosen.met,
    });
    let chosen_failures = chosen_failures.collect();
    let (over, can_abort) = (rotation.is_over(), rotation.can_abort());
    let consumers = rotation.consumers.iter().map(consumer).collect();
    let marks = rotation.marks;
    RotationView {
        id: rotation.id,
        connection: rotation.connection_name,
        environment: rotation.environment,
        account_number: rotation.account_number,
        cause: rotation.cause,
        rehearsal: rotation.rehearsal,
        chosen_failures,
        state: rotation.state,
        degraded_from: rotation.degraded_from,
        over,
        can_abort,
        holds_orders: rotation.trading.holds() && !rotation.rehearsal,
        version: status.row.version,
        plan,
        account: rotation.snapshot.map(|account| AccountBefore {
            at: account.at,
            status: account.status,
            equity: account.equity,
            cash: account.cash,
            open_orders: account.open_orders,
            positions: account.positions,
        }),
        pasted: rotation.candidate.map(|candidate| PastedPair {
            number: candidate.number,
            by: who(&candidate.by),
            at: candidate.at,
            verified: candidate.verified,
        }),
        credential_version: rotation.committed_version,
        old_pair: old_pair.to_owned(),
        old_pair_status,
        test_order,
        consumers,
        asks,
        dues,
        where_to_click,
        planned_at: marks.planned_at,
        planned_by: who(&marks.planned_by),
        started_at: marks.started_at,
        started_by: marks.started_by.as_ref().map(who),
        paused_at: marks.paused_at,
        awaited_at: marks.awaited_at,
        swapped_at: marks.swapped_at,
        resumed_at: marks.resumed_at,
        ended_at: marks.ended_at,
        aborted_because: marks.aborted.map(|aborted| aborted.why),
        steps,
    }
}

fn consumer(consumer: &RotationConsumer) -> RotationConsumerView {
    let trouble = consumer.trouble.as_ref();
    RotationConsumerView {
        name: consumer.name.clone(),
        kind: consumer.kind.clone(),
        stage: consumer.stage.to_string(),
        login: consumer.login.clone(),
        version_before: consumer.version_before.clone(),
        version_after: consumer.version_after.clone(),
        delivered: consumer.delivered.clone(),
        proof: consumer.proof.clone(),
        attempts: consumer.attempts,
        trouble: trouble.map(|trouble| trouble.message.clone()),
        retry_at: trouble.and_then(|trouble| trouble.retry_at),
        overwritten_at: consumer.overwritten_at,
        taken_over: consumer.taken_over.as_ref().map(|said| said.why.clone()),
        left_out: consumer.left_out.as_ref().map(|said| said.why.clone()),
    }
}

fn due_view(rotation: &Rotation, due: &Due) -> DueView {
    let (what, consumer) = match due.effect {
        Effect::LookAtAccount => ("the account, its orders and positions are read", None),
        Effect::LookAt(id) => ("the consumer is looked at", Some(id)),
        Effect::ConfirmPause => ("new orders are held back", None),
        Effect::CancelOrders => ("open orders are canceled", None),
        Effect::CheckCandidate => ("the pasted pair is checked at Alpaca", None),
        Effect::Commit => ("the new pair is put into the vault", None),
        Effect::Swap => ("the gateway takes the new pair", None),
        Effect::ConfirmResume => ("new orders are let pass again", None),
        Effect::Deliver(id) => ("the new pair is put there", Some(id)),
        Effect::Prove(id) => ("the new pair is proven there", Some(id)),
        Effect::ProveOldPairDead => ("Alpaca is asked about the old pair", None),
        Effect::PlaceTestOrder => ("a test order is placed and canceled", None),
    };
    let consumer = consumer.and_then(|id| rotation.consumer(id)).map(|one| one.name.clone());
    DueView { what: what.to_owned(), consumer, not_before: due.not_before }
}

/// Who did something, by name.
fn who(actor: &Actor) -> String {
    match actor {
        Actor::Person { name, .. } | Actor::AccessKey { name, .. } => name.clone(),
        Actor::Operator => "operator".to_owned(),
        Actor::System => "Paddock".to_owned(),
    }
}

/// What a step says, in words.
fn what(step: &str) -> &'static str {
    match step {
        "opened" => "planned",
        "start" => "started",
        "resume" => "went on",
        "go_on_with_open_orders" => "went on with open orders, knowingly",
        "abort" => "called off",
        "leave_out" => "left out",
        "take_over" => "taken over: what is there may be overwritten",
        "consumers" => "the connection's consumers changed",
        "pasted" => "a pair was pasted",
        "skip_test_order" => "the test order was skipped",
        "account_seen" => "the account was read",
        "account_unseen" => "the account could not be read",
        "pair_refused" => "Alpaca refuses the present pair",
        "looked" => "can take the pair",
        "look_failed" => "cannot take the pair",
        "pause_confirmed" => "new orders are held back",
        "gate_failed" => "the gateway did not take part",
        "orders_canceled" => "open orders were canceled",
        "candidate_opens" => "the new pair opens the same account",
        "candidate_failed" => "the pasted pair is not good",
        "committed" => "the vault has the new pair",
        "commit_failed" => "the vault does not have the new pair",
        "swapped" => "the gateway sends with the new pair",
        "delivered" => "the pair was put there",
        "delivery_failed" => "the pair could not be put there",
        "proven" => "the pair is proven there",
        "proof_failed" => "the pair is not proven there",
        "overwritten" => "somebody else wrote there after Paddock",
        "old_pair_dead" => "Alpaca refuses the old pair",
        "old_pair_alive" => "Alpaca still takes the old pair",
        "old_pair_unheard" => "Alpaca was not heard about the old pair",
        "test_order_done" => "the test order was placed and canceled",
        "test_order_failed" => "the test order failed",
        "resume_confirmed" => "new orders pass again",
        _ => "something happened",
    }
}
