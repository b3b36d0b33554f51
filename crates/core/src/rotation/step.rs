//! The one way in which a rotation changes.

use jiff::{SignedDuration, Timestamp};

use super::due::{Due, due, of_stage};
use super::event::{By, Event, Failure, StepRefusal};
use super::record::{OldPair, Rotation, RotationConsumer, TakenOver, TestOrder, Trouble};
use super::words::{Cause, ConsumerStage, OpenOrders, ResumeWhen, RotationState, TradingHold};
use crate::connection::Environment;
use crate::id::ConsumerId;
use crate::role::Role;

/// After so many failures in a row a person is asked. With the growing pauses between them it is about eight minutes.
const MOST_TRIES: u32 = 12;

/// So often something is waited for that is under way and has not failed: a release, a rollout, a workflow's run. With the pauses it is an hour.
const MOST_WAITS: u32 = 65;

/// The longest pause between two tries, in seconds, unless the other side asked for more.
const LONGEST_PAUSE: i64 = 60;

/// How soon open orders are looked at again, in seconds.
const LOOK_AT_ORDERS: i64 = 15;

/// The next state after something happened, and what is to be done in it.
///
/// # Errors
/// [`StepRefusal`] when it cannot happen in this state, or a person may not do it; the rotation stays as it is.
pub fn step(rotation: &Rotation, event: Event, at: Timestamp) -> Result<(Rotation, Vec<Due>), StepRefusal> {
    if let Event::Pasted(_) = &event
        && !matches!(rotation.state, RotationState::AwaitingMint | RotationState::Candidate)
    {
        return Err(keep_that_pair(rotation));
    }
    if rotation.is_over() {
        let message = format!("this rotation is {}", rotation.state);
        return Err(refusal("over", message, "plan another one"));
    }
    if let Some(by) = event.by() {
        may(rotation, by)?;
    }
    let mut next = rotation.clone();
    apply(&mut next, event, at)?;
    go_on(&mut next, at);
    let dues = due(&next);
    Ok((next, dues))
}

fn refusal(code: &'static str, message: impl Into<String>, next_step: &str) -> StepRefusal {
    StepRefusal { code, message: message.into(), next_step: next_step.to_owned() }
}

/// A pair that comes when none is waited for. It may be the only copy of what is shown once, and may have ended the one that is in use.
fn keep_that_pair(rotation: &Rotation) -> StepRefusal {
    let message = format!(
        "the pair was not taken: this rotation is {}, and none is waited for; keep it, since Alpaca shows it only once",
        rotation.state
    );
    let next_step = match rotation.state {
        RotationState::Planned => {
            "keep the pair, start the rotation, and paste it when it is asked for: if the pair in use is dead already, the \
             rotation finds that out and asks at once"
        }
        RotationState::Preflight | RotationState::Quiesced => {
            "keep the pair, see what this rotation waits for, and paste it when it is asked for"
        }
        _ if rotation.is_over() || rotation.state == RotationState::Aborted => {
            "keep the pair and plan another rotation; if the pair in use is dead, Paddock opens one by itself: paste it there"
        }
        _ => {
            "a pair was taken before: if this one is newer, keep it and bring this rotation to its end; Paddock then finds \
             that the pair in use is dead and asks for this one"
        }
    };
    refusal("keep_the_pair", message, next_step)
}

fn misplaced(rotation: &Rotation, event: &Event) -> StepRefusal {
    let message = format!("{} cannot happen while the rotation is {}", event.name(), rotation.state);
    refusal("not_now", message, "look at its state and at what it waits for")
}

/// A paper pair is an operator's to replace, a live one an owner's.
fn may(rotation: &Rotation, by: &By) -> Result<(), StepRefusal> {
    let needed = match rotation.environment {
        Environment::Paper => Role::Operator,
        Environment::Live => Role::Owner,
    };
    if by.authority.role < needed {
        let message = format!("the pair of a {} account is replaced by an {needed}", rotation.environment);
        return Err(refusal("role", message, "ask somebody who is one"));
    }
    Ok(())
}

fn may_start(rotation: &Rotation, by: &By, at: Timestamp) -> Result<(), StepRefusal> {
    rotation.plan.check(rotation.environment).map_err(|fault| StepRefusal {
        code: "plan",
        message: fault.to_string(),
        next_step: "plan another one".to_owned(),
    })?;
    if rotation.environment == Environment::Live && !by.authority.stepped_up {
        let message = "a live pair is replaced by somebody who has just proven who they are";
        return Err(refusal("step_up", message, "prove it with your second factor, then start again"));
    }
    if let Some(window) = rotation.plan.window {
        if at < window.from {
            let message = format!("its window begins at {}", window.from);
            return Err(refusal("window", message, "start it then"));
        }
        if at >= window.until {
            let message = format!("its window ended at {}", window.until);
            return Err(refusal("window", message, "call it off and plan another one"));
        }
    }
    Ok(())
}

fn apply(rotation: &mut Rotation, event: Event, at: Timestamp) -> Result<(), StepRefusal> {
    use RotationState as S;
    let no = misplaced(rotation, &event);
    match (rotation.state, event) {
        (S::Planned, Event::Start(by)) => {
            may_start(rotation, &by, at)?;
            rotation.state = S::Preflight;
            rotation.marks.started_by = Some(by.actor);
            rotation.marks.started_at = Some(at);
            // Whoever has the pair must not be helped by what takes time: preflight, and consumers that cannot take another one.
            if rotation.cause == Cause::Compromise {
                hold_trading(rotation, at);
            }
        }
        (_, Event::Abort { by, why }) => {
            if !rotation.can_abort() {
                let message = "the old pair may be dead already, and nothing brings it back";
                let next_step =
                    "make a new pair and paste it, or leave out the consumer that stands in the way";
                return Err(refusal("no_way_back", message, next_step));
            }
            rotation.state = S::Aborted;
            rotation.trouble = None;
            rotation.marks.aborted = Some(TakenOver { by: by.actor, at, why });
            if rotation.trading.holds() {
                rotation.trading = TradingHold::Resuming;
            }
        }
        (_, Event::Resume(_)) => resume(rotation)?,
        (S::Quiesced, Event::GoOnWithOpenOrders(_)) => {
            rotation.plan.open_orders = OpenOrders::GoOn;
            rotation.trouble = None;
        }
        (_, Event::LeaveOut { by, consumer, why }) => {
            let said = TakenOver { by: by.actor, at, why };
            let consumer = open_consumer(rotation, consumer)?;
            consumer.stage = ConsumerStage::LeftOut;
            consumer.trouble = None;
            consumer.overwritten_at = None;
            consumer.left_out = Some(said);
            leave_degraded(rotation);
        }
        (_, Event::TakeOver { by, consumer, why }) => {
            let said = TakenOver { by: by.actor, at, why };
            let consumer = open_consumer(rotation, consumer)?;
            let again = consumer.stage == ConsumerStage::Delivered;
            if again && !consumer.needs_a_person() {
                let message = format!("{} has the pair already", consumer.name);
                return Err(refusal("not_now", message, "nothing is to be taken over"));
            }
            if again {
                consumer.stage = ConsumerStage::Ready;
            }
            consumer.trouble = None;
            consumer.overwritten_at = None;
            consumer.taken_over = Some(said);
            leave_degraded(rotation);
            if again && rotation.state == S::VerifyingConsumers {
                rotation.state = S::FanningOut;
            }
        }
        (state, Event::Consumers { now, .. }) => {
            // Whoever has been given the pair, or could have, stays.
            if !matches!(state, S::Planned | S::Preflight | S::Committed) {
                return Err(no);
            }
            rotation.consumers = merged(&rotation.consumers, now);
        }
        (S::AwaitingMint | S::Candidate, Event::Pasted(by)) => {
            let number = rotation.candidate.as_ref().map_or(1, |before| before.number.saturating_add(1));
            let (by, verified, other_host) = (by.actor, false, None);
            rotation.candidate = Some(super::CandidateMark { number, by, at, verified, other_host });
            rotation.trouble = None;
            rotation.state = S::Candidate;
        }
        (S::OldProvenDead | S::Degraded, Event::SkipTestOrder(_)) => {
            if rotation.test_order != TestOrder::Due {
                return Err(no);
            }
            rotation.test_order = TestOrder::NotWanted;
            rotation.trouble = None;
            leave_degraded(rotation);
        }
        (S::Preflight | S::Quiesced, Event::AccountSeen(seen)) => account_seen(rotation, seen, at),
        (S::Preflight | S::Quiesced, Event::AccountUnseen(failure)) => fail(rotation, failure, at),
        (S::Planned | S::Preflight | S::Quiesced, Event::PairRefused) => {
            rotation.cause = Cause::PairRefused;
            rotation.trouble = None;
            await_mint(rotation, at);
        }
        (S::Preflight, Event::Looked { consumer, seen }) => {
            let consumer = known(rotation, consumer)?;
            if consumer.stage == ConsumerStage::Due {
                consumer.stage = ConsumerStage::Ready;
            }
            consumer.login = Some(seen.login);
            consumer.version_before = seen.version;
            consumer.trouble = None;
        }
        (S::Preflight | S::FanningOut, Event::LookFailed { consumer, seen, failure }) => {
            rotation.meet_fault(consumer, &failure.code);
            let consumer = known(rotation, consumer)?;
            if let Some(seen) = seen {
                consumer.login = Some(seen.login);
                consumer.version_before = seen.version;
            }
            consumer_failed(consumer, failure, at);
        }
        (_, Event::PauseConfirmed) if rotation.trading == TradingHold::Pausing => {
            rotation.trading = TradingHold::Paused;
            rotation.gate_trouble = None;
        }
        (_, Event::ResumeConfirmed) if rotation.trading == TradingHold::Resuming => {
            rotation.trading = TradingHold::Resumed;
            rotation.gate_trouble = None;
            rotation.marks.resumed_at = Some(at);
        }
        (S::Quiesced, Event::OrdersCanceled(count)) => {
            rotation.orders_canceled = Some(count);
            rotation.trouble = None;
        }
        (S::Candidate, Event::CandidateOpens { account_id, account_number, other_host }) => {
            candidate_opens(rotation, &account_id, &account_number, other_host, at);
        }
        (S::Verified, Event::Committed(version)) => {
            rotation.committed_version = version;
            rotation.marks.committed_at = Some(at);
            rotation.trouble = None;
            rotation.state = S::Committed;
        }
        (S::Committed, Event::Swapped) => {
            rotation.marks.swapped_at = Some(at);
            rotation.gate_trouble = None;
            rotation.state = S::FanningOut;
            if rotation.plan.resume == ResumeWhen::Swapped && rotation.trading.holds() {
                rotation.trading = TradingHold::Resuming;
            }
        }
        (S::FanningOut, Event::Delivered { consumer, delivered }) => {
            let consumer = known(rotation, consumer)?;
            if consumer.stage == ConsumerStage::LeftOut {
                return Err(no);
            }
            consumer.stage = ConsumerStage::Delivered;
            consumer.attempts = consumer.attempts.saturating_add(1);
            consumer.delivered = Some(delivered.how);
            consumer.version_after = delivered.version;
            consumer.trouble = None;
            consumer.overwritten_at = None;
        }
        (S::FanningOut, Event::DeliveryFailed { consumer, failure }) => {
            rotation.meet_fault(consumer, &failure.code);
            let consumer = known(rotation, consumer)?;
            consumer.attempts = consumer.attempts.saturating_add(1);
            consumer_failed(consumer, failure, at);
        }
        (S::VerifyingConsumers, Event::Proven { consumer, proven }) => {
            let consumer = known(rotation, consumer)?;
            if consumer.stage != ConsumerStage::Delivered {
                return Err(no);
            }
            consumer.stage = ConsumerStage::Proven;
            consumer.proof = Some(proven.0);
            consumer.trouble = None;
            consumer.overwritten_at = None;
        }
        (S::VerifyingConsumers, Event::ProofFailed { consumer, failure }) => {
            consumer_failed(known(rotation, consumer)?, failure, at);
        }
        (S::VerifyingConsumers, Event::Overwritten { consumer, failure }) => {
            let consumer = known(rotation, consumer)?;
            if consumer.stage != ConsumerStage::Delivered {
                return Err(no);
            }
            consumer.overwritten_at.get_or_insert(at);
            consumer_failed(consumer, failure, at);
        }
        (S::VerifyingConsumers, Event::OldPairDead(status)) => {
            rotation.old_pair = OldPair::Dead { status, at };
            rotation.trouble = None;
        }
        (S::VerifyingConsumers, Event::OldPairAlive) => {
            rotation.old_pair = OldPair::Alive { at };
            let message = "Alpaca still accepts the old pair, so whoever has it can trade";
            let next_step = "revoke or regenerate the old pair in Alpaca's dashboard, then resume";
            fail(rotation, Failure::new("old_pair_alive", message, next_step), at);
        }
        (S::Verified, Event::CommitFailed(failure)) => {
            // What was kept of the pair is of no use: it is checked again, or pasted again.
            if !failure.may_pass
                && let Some(candidate) = rotation.candidate.as_mut()
            {
                candidate.verified = false;
                rotation.state = S::Candidate;
            }
            fail(rotation, failure, at);
        }
        (S::Candidate, Event::CandidateFailed(failure))
        | (S::VerifyingConsumers, Event::OldPairUnheard(failure))
        | (S::OldProvenDead, Event::TestOrderFailed(failure)) => fail(rotation, failure, at),
        (_, Event::GateFailed(failure)) => {
            rotation.gate_trouble = Some(trouble(rotation.gate_trouble.as_ref(), failure, at));
        }
        (S::OldProvenDead, Event::TestOrderDone(order)) => {
            rotation.test_order = TestOrder::Done { order, at };
            rotation.trouble = None;
        }
        _ => return Err(no),
    }
    Ok(())
}

/// Reads the account before anything is changed, and again when trading is paused, when open orders count.
fn account_seen(rotation: &mut Rotation, seen: super::AccountSnapshot, at: Timestamp) {
    rotation.trouble = None;
    if (&seen.account_id, &seen.account_number) != (&rotation.account_id, &rotation.account_number) {
        let message = format!(
            "the present pair opens account {}, and the connection is account {}",
            seen.account_number, rotation.account_number
        );
        fail(
            rotation,
            Failure::new("account_mismatch", message, "call the rotation off and find out why"),
            at,
        );
        return;
    }
    let open = seen.open_orders.len();
    rotation.snapshot = Some(seen);
    if rotation.state == RotationState::Quiesced {
        if open == 0 || rotation.plan.open_orders == OpenOrders::GoOn {
            rotation.orders_settled = true;
            return;
        }
        let message = format!("{open} orders are open");
        let next_step = "wait for them to end, cancel them, go on knowingly, or call the rotation off";
        rotation.trouble = Some(Trouble {
            code: "open_orders".to_owned(),
            message,
            next_step: next_step.to_owned(),
            at,
            times: 1,
            waits: 0,
            retry_at: Some(later(at, LOOK_AT_ORDERS)),
        });
    }
}

/// Another account's pair stops everything: it is never used, and nothing goes on until another pair is pasted.
fn candidate_opens(rotation: &mut Rotation, id: &str, number: &str, other_host: String, at: Timestamp) {
    let known = rotation.snapshot.as_ref();
    let expected = known.map_or((&rotation.account_id, &rotation.account_number), |snapshot| {
        (&snapshot.account_id, &snapshot.account_number)
    });
    if (id, number) != (expected.0.as_str(), expected.1.as_str()) {
        let message = format!("the pasted pair opens account {number}, not account {}", expected.1);
        let next_step = "make a pair for the right account and paste that one; trading stays paused";
        fail(rotation, Failure::new("account_mismatch", message, next_step), at);
        return;
    }
    if let Some(candidate) = rotation.candidate.as_mut() {
        candidate.verified = true;
        candidate.other_host = Some(other_host);
        rotation.trouble = None;
        rotation.state = RotationState::Verified;
    }
}

/// Goes on where a person was waited for.
fn resume(rotation: &mut Rotation) -> Result<(), StepRefusal> {
    let waits = |consumer: &&mut RotationConsumer| consumer.needs_a_person();
    let mut any = rotation.trouble.take().is_some() | rotation.gate_trouble.take().is_some();
    let mut again = false;
    for consumer in rotation.consumers.iter_mut().filter(waits) {
        // What a consumer could not prove may not be there any more: it is put there again, unless it only took too long. What somebody else
        // wrote is looked at again, and overwritten only by who takes it over.
        let took_too_long = consumer.trouble.take().is_some_and(|trouble| trouble.times >= MOST_TRIES);
        if consumer.stage == ConsumerStage::Delivered && !took_too_long && consumer.overwritten_at.is_none() {
            consumer.stage = ConsumerStage::Ready;
            again = true;
        }
        any = true;
    }
    if rotation.state == RotationState::Degraded {
        leave_degraded(rotation);
        any = true;
    }
    if again && rotation.state == RotationState::VerifyingConsumers {
        rotation.state = RotationState::FanningOut;
    }
    if any {
        return Ok(());
    }
    let message = format!("nothing stands in the way of this rotation, which is {}", rotation.state);
    Err(refusal("not_now", message, "look at what it waits for"))
}

fn leave_degraded(rotation: &mut Rotation) {
    if rotation.state == RotationState::Degraded {
        rotation.state = rotation.degraded_from.take().unwrap_or(RotationState::FanningOut);
    }
}

fn await_mint(rotation: &mut Rotation, at: Timestamp) {
    rotation.state = RotationState::AwaitingMint;
    rotation.marks.awaited_at = Some(at);
    hold_trading(rotation, at);
}

fn hold_trading(rotation: &mut Rotation, at: Timestamp) {
    if rotation.trading == TradingHold::Running {
        rotation.trading = TradingHold::Pausing;
        rotation.marks.paused_at = Some(at);
    }
}

/// Goes on as far as what is known allows.
fn go_on(rotation: &mut Rotation, at: Timestamp) {
    use RotationState as S;
    let through = |rotation: &Rotation, stages: &[ConsumerStage]| {
        rotation
            .consumers
            .iter()
            .all(|consumer| stages.contains(&consumer.stage) || consumer.stage == ConsumerStage::LeftOut)
    };
    if rotation.state == S::Preflight
        && rotation.snapshot.is_some()
        && rotation.trouble.is_none()
        && through(rotation, &[ConsumerStage::Ready])
    {
        rotation.state = S::Quiesced;
        hold_trading(rotation, at);
    }
    if rotation.state == S::Quiesced && rotation.trading == TradingHold::Paused && rotation.orders_settled {
        await_mint(rotation, at);
    }
    if rotation.state == S::FanningOut
        && through(rotation, &[ConsumerStage::Delivered, ConsumerStage::Proven])
    {
        rotation.state = S::VerifyingConsumers;
    }
    if rotation.state == S::VerifyingConsumers
        && through(rotation, &[ConsumerStage::Proven])
        && matches!(rotation.old_pair, OldPair::Dead { .. })
    {
        rotation.state = S::OldProvenDead;
    }
    degrade(rotation);
    if rotation.state == S::OldProvenDead && rotation.test_order != TestOrder::Due {
        match rotation.trading {
            TradingHold::Pausing | TradingHold::Paused => rotation.trading = TradingHold::Resuming,
            TradingHold::Running | TradingHold::Resumed => rotation.state = S::Closed,
            TradingHold::Resuming => {}
        }
    }
    if rotation.is_over() && rotation.marks.ended_at.is_none() {
        rotation.marks.ended_at = Some(at);
    }
}

/// After the commit a state in which nothing can be done without a person is called by its name.
fn degrade(rotation: &mut Rotation) {
    use RotationState as S;
    let stages: &[ConsumerStage] = match rotation.state {
        S::FanningOut => &[ConsumerStage::Due, ConsumerStage::Ready],
        S::VerifyingConsumers => &[ConsumerStage::Delivered],
        S::OldProvenDead => &[],
        _ => return,
    };
    let waits = |trouble: Option<&Trouble>| trouble.is_some_and(Trouble::needs_a_person);
    let open: Vec<&RotationConsumer> = of_stage(rotation, stages).collect();
    let stuck = if open.is_empty() {
        waits(rotation.trouble.as_ref())
    } else {
        open.iter().all(|consumer| waits(consumer.trouble.as_ref()))
    };
    if stuck {
        rotation.degraded_from = Some(rotation.state);
        rotation.state = S::Degraded;
    }
}

fn known(rotation: &mut Rotation, id: ConsumerId) -> Result<&mut RotationConsumer, StepRefusal> {
    let missing =
        || refusal("no_such_consumer", "the rotation has no such consumer", "look at its list of consumers");
    rotation.consumer_mut(id).ok_or_else(missing)
}

/// A consumer about which there is still something to decide.
fn open_consumer(rotation: &mut Rotation, id: ConsumerId) -> Result<&mut RotationConsumer, StepRefusal> {
    let consumer = known(rotation, id)?;
    match consumer.stage {
        ConsumerStage::Due | ConsumerStage::Ready | ConsumerStage::Delivered => Ok(consumer),
        ConsumerStage::Proven | ConsumerStage::LeftOut => {
            let message = format!("{} is {} already", consumer.name, consumer.stage);
            Err(refusal("not_now", message, "look at its list of consumers"))
        }
    }
}

fn fail(rotation: &mut Rotation, failure: Failure, at: Timestamp) {
    rotation.trouble = Some(trouble(rotation.trouble.as_ref(), failure, at));
}

fn consumer_failed(consumer: &mut RotationConsumer, failure: Failure, at: Timestamp) {
    if consumer.stage != ConsumerStage::LeftOut {
        consumer.trouble = Some(trouble(consumer.trouble.as_ref(), failure, at));
    }
}

/// The consumers that there are now, with what is known of each.
fn merged(before: &[RotationConsumer], now: Vec<RotationConsumer>) -> Vec<RotationConsumer> {
    let known = |one: &RotationConsumer| before.iter().find(|known| known.id == one.id).cloned();
    now.into_iter().map(|one| known(&one).unwrap_or(one)).collect()
}

/// What may pass is tried again after pauses that grow, and not for ever. What is under way is waited for longer than what fails.
fn trouble(before: Option<&Trouble>, failure: Failure, at: Timestamp) -> Trouble {
    let (times, waits) = before.map_or((0, 0), |before| (before.times, before.waits));
    let (times, waits) = (times.saturating_add(1), waits.saturating_add(u32::from(failure.under_way)));
    let failures = times.saturating_sub(waits);
    let (tries, most) = if failure.under_way { (waits, MOST_WAITS) } else { (failures, MOST_TRIES) };
    let retry_at = (failure.may_pass && tries < most).then(|| {
        let pause = 1_i64.checked_shl(tries.min(16)).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE);
        let asked = failure.wait.and_then(|wait| i64::try_from(wait.as_secs()).ok()).unwrap_or(0);
        later(at, pause.max(asked.min(3600)))
    });
    let Failure { code, message, next_step, .. } = failure;
    Trouble { code, message, next_step, at, times, waits, retry_at }
}

fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
