use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;
use uuid::Uuid;

use super::*;
use crate::audit::Actor;
use crate::connection::Environment;
use crate::id::{ConnectionId, ConsumerId, RotationId, UserId};
use crate::role::Role;

const ACCOUNT: (&str, &str) = ("11111111-2222-3333-4444-555555555555", "PA1");

fn now() -> Timestamp {
    "2026-11-27T15:00:00Z".parse().unwrap()
}

fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn consumer(number: u128) -> ConsumerId {
    ConsumerId::from_uuid(uuid(number))
}

fn plan(environment: Environment) -> Plan {
    let mut plan = Plan::of(environment);
    if environment == Environment::Live {
        let (from, until) = (now(), now() + Duration::from_secs(3600));
        plan.window = Some(Window { from, until });
        plan.ticket = Some("OPS-1".to_owned());
    }
    plan
}

fn new(environment: Environment, plan: Plan) -> NewRotation {
    let named =
        |number: u128| RotationConsumer::new(consumer(number), format!("c{number}"), "dotenv".to_owned());
    NewRotation {
        id: RotationId::from_uuid(uuid(1)),
        team: UserId::from_uuid(uuid(2)),
        connection: ConnectionId::from_uuid(uuid(3)),
        connection_name: "main".to_owned(),
        environment,
        account_id: ACCOUNT.0.to_owned(),
        account_number: ACCOUNT.1.to_owned(),
        cause: Cause::ByHand,
        rehearsal: false,
        plan,
        consumers: vec![named(1), named(2)],
    }
}

fn planned(environment: Environment) -> Rotation {
    Rotation::planned(new(environment, plan(environment)), Actor::Operator, now())
}

fn by(role: Role) -> By {
    By { actor: Actor::Operator, authority: Authority { role, stepped_up: true } }
}

fn owner() -> By {
    by(Role::Owner)
}

fn account(open_orders: usize) -> AccountSnapshot {
    AccountSnapshot {
        at: now(),
        account_id: ACCOUNT.0.to_owned(),
        account_number: ACCOUNT.1.to_owned(),
        status: "ACTIVE".to_owned(),
        equity: None,
        cash: None,
        open_orders: vec!["buy 1 AAPL".to_owned(); open_orders],
        positions: vec![],
    }
}

fn failure(may_pass: bool) -> Failure {
    let failure = Failure::new("trouble", "it did not work", "mend it");
    if may_pass { failure.passing() } else { failure }
}

/// What comes of an effect when all goes well.
fn good(effect: Effect) -> Event {
    match effect {
        Effect::LookAtAccount => Event::AccountSeen(account(0)),
        Effect::LookAt(consumer) => {
            Event::Looked { consumer, seen: Seen { login: "bot".to_owned(), version: None } }
        }
        Effect::ConfirmPause => Event::PauseConfirmed,
        Effect::CancelOrders => Event::OrdersCanceled(1),
        Effect::CheckCandidate => Event::CandidateOpens {
            account_id: ACCOUNT.0.to_owned(),
            account_number: ACCOUNT.1.to_owned(),
            other_host: "refused".to_owned(),
        },
        Effect::Commit => Event::Committed(Some(2)),
        Effect::Swap => Event::Swapped,
        Effect::ConfirmResume => Event::ResumeConfirmed,
        Effect::Deliver(consumer) => {
            let delivered = Delivered { how: "written".to_owned(), version: Some("2".to_owned()) };
            Event::Delivered { consumer, delivered }
        }
        Effect::Prove(consumer) => Event::Proven { consumer, proven: Proven("read back".to_owned()) },
        Effect::ProveOldPairDead => Event::OldPairDead(401),
        Effect::PlaceTestOrder => Event::TestOrderDone("buy 1 AAPL".to_owned()),
    }
}

/// What comes of it when it goes wrong.
fn bad(effect: Effect, may_pass: bool) -> Event {
    let failure = failure(may_pass);
    match effect {
        Effect::LookAtAccount if may_pass => Event::AccountUnseen(failure),
        Effect::LookAtAccount => Event::AccountSeen(account(2)),
        Effect::LookAt(consumer) => Event::LookFailed { consumer, seen: None, failure },
        Effect::ConfirmPause | Effect::Swap | Effect::ConfirmResume => Event::GateFailed(failure),
        Effect::CancelOrders => Event::AccountUnseen(failure),
        Effect::CheckCandidate if may_pass => Event::CandidateFailed(failure),
        Effect::CheckCandidate => Event::CandidateOpens {
            account_id: "another".to_owned(),
            account_number: "PA2".to_owned(),
            other_host: "refused".to_owned(),
        },
        Effect::Commit => Event::CommitFailed(failure),
        Effect::Deliver(consumer) => Event::DeliveryFailed { consumer, failure },
        Effect::Prove(consumer) => Event::ProofFailed { consumer, failure },
        Effect::ProveOldPairDead if may_pass => Event::OldPairUnheard(failure),
        Effect::ProveOldPairDead => Event::OldPairAlive,
        Effect::PlaceTestOrder => Event::TestOrderFailed(failure),
    }
}

/// Does all that is due, well, until nothing is.
fn work(mut rotation: Rotation) -> Rotation {
    for _ in 0..100 {
        let Some(first) = due(&rotation).first().copied() else { return rotation };
        rotation = step(&rotation, good(first.effect), now()).unwrap().0;
    }
    panic!("it never comes to rest: {rotation:?}");
}

fn did(rotation: &Rotation, event: Event) -> Rotation {
    step(rotation, event, now()).unwrap().0
}

#[rstest]
#[case(Environment::Paper)]
#[case(Environment::Live)]
fn the_straight_way_ends_closed(#[case] environment: Environment) {
    let started = did(&planned(environment), Event::Start(owner()));
    let waits = work(started);
    assert_eq!((waits.state, waits.trading), (RotationState::AwaitingMint, TradingHold::Paused));
    assert_eq!(asks(&waits)[0].code, "mint");
    let closed = work(did(&waits, Event::Pasted(owner())));
    assert_eq!((closed.state, closed.trading), (RotationState::Closed, TradingHold::Resumed));
    assert!(closed.is_over() && closed.gap().is_some());
    assert!(closed.consumers.iter().all(|consumer| consumer.stage == ConsumerStage::Proven));
    assert_eq!(step(&closed, Event::Resume(owner()), now()).unwrap_err().code, "over");
}

#[rstest]
#[case::paper(Environment::Paper, false)]
#[case::live(Environment::Live, true)]
fn trading_goes_on_when_the_plan_says(#[case] environment: Environment, #[case] still_held: bool) {
    let mut rotation = work(did(&planned(environment), Event::Start(owner())));
    rotation = did(&rotation, Event::Pasted(owner()));
    while rotation.state != RotationState::FanningOut {
        assert!(rotation.trading.holds());
        rotation = did(&rotation, good(due(&rotation)[0].effect));
    }
    assert_eq!(rotation.trading.holds(), still_held);
}

#[rstest]
#[case::viewer(Environment::Paper, By { actor: Actor::Operator, authority: Authority { role: Role::Viewer, stepped_up: true } }, "role")]
#[case::operator_for_live(Environment::Live, by(Role::Operator), "role")]
#[case::no_step_up(Environment::Live, By { actor: Actor::Operator, authority: Authority { role: Role::Owner, stepped_up: false } }, "step_up")]
fn who_may_start(#[case] environment: Environment, #[case] by: By, #[case] code: &str) {
    assert_eq!(step(&planned(environment), Event::Start(by), now()).unwrap_err().code, code);
}

#[test]
fn a_live_rotation_starts_in_its_window_only() {
    let rotation = planned(Environment::Live);
    let hour = Duration::from_secs(3600);
    for at in [now() - Duration::from_secs(1), now() + hour] {
        assert_eq!(step(&rotation, Event::Start(owner()), at).unwrap_err().code, "window");
    }
    let mut without = rotation;
    without.plan.ticket = None;
    assert_eq!(step(&without, Event::Start(owner()), now()).unwrap_err().code, "plan");
}

#[test]
fn nothing_is_minted_until_every_consumer_has_passed_or_is_left_out_by_name() {
    let mut rotation = did(&planned(Environment::Paper), Event::Start(owner()));
    rotation = did(&rotation, Event::AccountSeen(account(0)));
    rotation = did(&rotation, good(Effect::LookAt(consumer(1))));
    let failed = Event::LookFailed { consumer: consumer(2), seen: None, failure: failure(false) };
    rotation = did(&rotation, failed);
    assert_eq!(rotation.state, RotationState::Preflight);
    assert!(due(&rotation).is_empty());
    assert_eq!(asks(&rotation)[0].consumer, Some((consumer(2), "c2".to_owned())));
    let why = "that app is gone".to_owned();
    let gone = did(&rotation, Event::LeaveOut { by: owner(), consumer: consumer(2), why });
    assert_eq!(work(gone).state, RotationState::AwaitingMint);
    let again = did(&rotation, Event::Resume(owner()));
    assert_eq!(due(&again)[0].effect, Effect::LookAt(consumer(2)));
}

#[rstest]
#[case(OpenOrders::Wait)]
#[case(OpenOrders::Cancel)]
#[case(OpenOrders::GoOn)]
fn open_orders_are_dealt_with_as_planned(#[case] policy: OpenOrders) {
    let mut rotation = planned(Environment::Live);
    rotation.plan.open_orders = policy;
    rotation.consumers.clear();
    rotation = did(&rotation, Event::Start(owner()));
    rotation = did(&rotation, Event::AccountSeen(account(2)));
    rotation = did(&rotation, Event::PauseConfirmed);
    match policy {
        OpenOrders::Cancel => {
            assert_eq!(due(&rotation)[0].effect, Effect::CancelOrders);
            rotation = did(&rotation, Event::OrdersCanceled(2));
            assert_eq!(work(rotation).state, RotationState::AwaitingMint);
        }
        OpenOrders::GoOn => {
            assert_eq!(did(&rotation, Event::AccountSeen(account(2))).state, RotationState::AwaitingMint);
        }
        OpenOrders::Wait => {
            rotation = did(&rotation, Event::AccountSeen(account(2)));
            assert_eq!(
                (rotation.state, asks(&rotation)[0].code.as_str()),
                (RotationState::Quiesced, "open_orders")
            );
            assert!(due(&rotation)[0].not_before.is_some());
            let knowingly = did(&rotation, Event::GoOnWithOpenOrders(owner()));
            assert_eq!(did(&knowingly, Event::AccountSeen(account(2))).state, RotationState::AwaitingMint);
            assert_eq!(work(rotation).state, RotationState::AwaitingMint);
        }
    }
}

#[test]
fn another_account_stops_everything_until_another_pair_is_pasted() {
    let waits = work(did(&planned(Environment::Live), Event::Start(owner())));
    let pasted = did(&waits, Event::Pasted(owner()));
    let stopped = did(&pasted, bad(Effect::CheckCandidate, false));
    assert_eq!((stopped.state, due(&stopped).len()), (RotationState::Candidate, 0));
    assert_eq!(asks(&stopped)[0].code, "account_mismatch");
    let again = did(&stopped, Event::Pasted(owner()));
    assert_eq!(again.candidate.as_ref().unwrap().number, 2);
    assert_eq!(work(again).state, RotationState::Closed);
}

/// It may be the only copy of what is shown once, and the old pair may be dead for it.
#[test]
fn a_pair_that_comes_when_none_is_waited_for_is_to_be_kept() {
    let started = did(&planned(Environment::Paper), Event::Start(owner()));
    let waits = work(started.clone());
    let mut taken = did(&waits, Event::Pasted(owner()));
    let closed = work(taken.clone());
    while taken.state == RotationState::Candidate {
        taken = did(&taken, good(due(&taken)[0].effect));
    }
    let aborted = did(&started, Event::Abort { by: owner(), why: "no".to_owned() });
    for (rotation, says) in [
        (planned(Environment::Paper), "start the rotation"),
        (started, "paste it when it is asked for"),
        (taken, "bring this rotation to its end"),
        (closed, "plan another rotation"),
        (aborted, "plan another rotation"),
    ] {
        let refused = step(&rotation, Event::Pasted(owner()), now()).unwrap_err();
        assert_eq!(refused.code, "keep_the_pair");
        assert!(refused.message.contains("shows it only once"), "{refused}");
        assert!(
            refused.next_step.starts_with("keep the pair") || refused.next_step.contains("keep it"),
            "{refused}"
        );
        assert!(refused.next_step.contains(says), "{refused}");
    }
}

#[test]
fn a_dead_pair_leads_to_a_forced_rotation() {
    let started = did(&planned(Environment::Paper), Event::Start(owner()));
    let found = did(&started, Event::PairRefused);
    assert_eq!((found.state, found.cause), (RotationState::AwaitingMint, Cause::PairRefused));
    let forced = Rotation::forced(new(Environment::Paper, plan(Environment::Paper)), Actor::System, now());
    for rotation in [found, forced] {
        let held = work(rotation);
        assert_eq!((held.state, held.trading), (RotationState::AwaitingMint, TradingHold::Paused));
        assert_eq!(work(did(&held, Event::Pasted(owner()))).state, RotationState::Closed);
    }
}

#[test]
fn an_old_pair_that_is_alive_needs_a_person() {
    let waits = work(did(&planned(Environment::Live), Event::Start(owner())));
    let mut rotation = did(&waits, Event::Pasted(owner()));
    while due(&rotation)[0].effect != Effect::ProveOldPairDead {
        rotation = did(&rotation, good(due(&rotation)[0].effect));
    }
    rotation = did(&rotation, Event::OldPairAlive);
    assert_eq!(rotation.state, RotationState::Degraded);
    assert!(rotation.trading.holds());
    assert_eq!(asks(&rotation)[0].code, "old_pair_alive");
    assert_eq!(work(did(&rotation, Event::Resume(owner()))).state, RotationState::Closed);
}

/// A rotation that has come to an effect.
fn up_to(effect: Effect) -> Rotation {
    let mut rotation =
        did(&work(did(&planned(Environment::Paper), Event::Start(owner()))), Event::Pasted(owner()));
    while due(&rotation)[0].effect != effect {
        rotation = did(&rotation, good(due(&rotation)[0].effect));
    }
    rotation
}

#[rstest]
#[case::what_fails(failure(true), 12, 8)]
#[case::what_is_under_way(failure(true).under_way(), 65, 60)]
fn what_may_pass_is_tried_again_and_not_for_ever(
    #[case] failure: Failure,
    #[case] tries: u32,
    #[case] minutes: i64,
) {
    let mut rotation = up_to(Effect::Prove(consumer(1)));
    rotation = did(&rotation, good(Effect::Prove(consumer(2))));
    let mut at = now();
    while rotation.state == RotationState::VerifyingConsumers {
        at = due(&rotation)[0].not_before.unwrap_or(at);
        let failed = Event::ProofFailed { consumer: consumer(1), failure: failure.clone() };
        rotation = step(&rotation, failed, at).unwrap().0;
    }
    assert_eq!(rotation.state, RotationState::Degraded);
    let stuck = rotation.consumer(consumer(1)).unwrap().trouble.clone().unwrap();
    assert_eq!(stuck.times, tries);
    let minutes_passed = at.duration_since(now()).as_mins();
    assert!((minutes - 2..=minutes + 1).contains(&minutes_passed), "{minutes_passed} minutes");
    // Nothing says that the pair is not there: it is asked for again, and not put there again.
    let resumed = did(&rotation, Event::Resume(owner()));
    assert_eq!(due(&resumed)[0].effect, Effect::Prove(consumer(1)));
    assert_eq!(work(resumed).state, RotationState::Closed);
}

/// An hour of waiting leaves patience for a server that then fails once.
#[test]
fn what_fails_is_not_counted_with_what_was_waited_for() {
    let mut rotation = up_to(Effect::Prove(consumer(1)));
    for _ in 0..40 {
        let waits = Event::ProofFailed { consumer: consumer(1), failure: failure(true).under_way() };
        rotation = did(&rotation, waits);
    }
    rotation = did(&rotation, bad(Effect::Prove(consumer(1)), true));
    assert!(!rotation.consumer(consumer(1)).unwrap().needs_a_person());
}

#[rstest]
#[case::passes(true, RotationState::Verified)]
#[case::for_good(false, RotationState::Candidate)]
fn a_pair_that_cannot_be_put_into_the_vault_is_checked_or_pasted_again(
    #[case] passes: bool,
    #[case] state: RotationState,
) {
    let failed = did(&up_to(Effect::Commit), bad(Effect::Commit, passes));
    assert_eq!((failed.state, failed.trading), (state, TradingHold::Paused));
    assert_eq!(asks(&failed)[0].code, "trouble");
    assert_eq!(due(&failed).len(), usize::from(passes));
    let again = if passes { failed } else { did(&failed, Event::Pasted(owner())) };
    assert_eq!(work(again).state, RotationState::Closed);
}

fn overwritten(number: u128) -> Event {
    Event::Overwritten { consumer: consumer(number), failure: failure(false) }
}

fn take_over(number: u128) -> Event {
    Event::TakeOver { by: owner(), consumer: consumer(number), why: "the other writer is off".to_owned() }
}

#[test]
fn what_somebody_else_wrote_after_us_is_a_persons_to_decide() {
    let rotation = up_to(Effect::Prove(consumer(1)));
    // A word too early changes nothing: it has the pair, as far as anybody knows.
    assert_eq!(step(&rotation, take_over(1), now()).unwrap_err().code, "not_now");
    let mut rotation = did(&rotation, overwritten(1));
    assert_eq!(rotation.state, RotationState::VerifyingConsumers, "the other consumer is still proven");
    rotation = did(&rotation, good(Effect::Prove(consumer(2))));
    assert_eq!(rotation.state, RotationState::Degraded);
    let theirs = rotation.consumer(consumer(1)).unwrap();
    assert_eq!((theirs.stage, theirs.overwritten_at), (ConsumerStage::Delivered, Some(now())));
    assert_eq!(asks(&rotation)[0].consumer, Some((consumer(1), "c1".to_owned())));

    // Going on looks at it again, and never writes.
    let looks = did(&rotation, Event::Resume(owner()));
    assert_eq!(due(&looks).iter().map(|due| due.effect).collect::<Vec<_>>(), [Effect::Prove(consumer(1))]);
    assert_eq!(did(&looks, overwritten(1)).state, RotationState::Degraded);
    let restored = did(&looks, good(Effect::Prove(consumer(1))));
    assert_eq!(restored.consumer(consumer(1)).unwrap().overwritten_at, None);
    assert_eq!(work(restored).state, RotationState::Closed);

    // Taking it over puts the pair there again.
    let taken = did(&rotation, take_over(1));
    assert_eq!(taken.state, RotationState::FanningOut);
    assert_eq!(due(&taken)[0].effect, Effect::Deliver(consumer(1)));
    assert_eq!(work(taken).state, RotationState::Closed);

    let why = "it is theirs".to_owned();
    let left = did(&rotation, Event::LeaveOut { by: owner(), consumer: consumer(1), why });
    assert_eq!(work(left).state, RotationState::Closed);
}

#[test]
fn consumers_that_came_and_went_are_taken_in_before_the_pair_is_given_to_anybody() {
    let named =
        |number: u128| RotationConsumer::new(consumer(number), format!("c{number}"), "dotenv".to_owned());
    let changed =
        || Event::Consumers { by: None, now: vec![named(2), named(3)], what: "c3 came, c1 went".to_owned() };
    let mut rotation = did(&planned(Environment::Paper), Event::Start(owner()));
    rotation = did(&rotation, good(Effect::LookAt(consumer(2))));
    rotation = did(&rotation, changed());
    let stages: Vec<_> = rotation.consumers.iter().map(|one| (one.id, one.stage)).collect();
    assert_eq!(stages, [(consumer(2), ConsumerStage::Ready), (consumer(3), ConsumerStage::Due)]);
    assert!(due(&rotation).iter().any(|due| due.effect == Effect::LookAt(consumer(3))));
    assert_eq!(work(rotation).state, RotationState::AwaitingMint);
    for late in [up_to(Effect::Deliver(consumer(1))), up_to(Effect::Prove(consumer(1)))] {
        assert_eq!(step(&late, changed(), now()).unwrap_err().code, "not_now");
    }
}

#[test]
fn a_rehearsal_can_be_called_off_until_it_is_over() {
    let start = || {
        let new = NewRotation { rehearsal: true, ..new(Environment::Paper, plan(Environment::Paper)) };
        did(&Rotation::planned(new, Actor::Operator, now()), Event::Start(owner()))
    };
    let waits = work(start());
    let pasted = did(&waits, Event::Pasted(owner()));
    for rotation in [start(), waits, pasted] {
        assert!(rotation.can_abort());
        let off = did(&rotation, Event::Abort { by: owner(), why: "the broker is gone".to_owned() });
        assert!(work(off).is_over());
    }
}

#[test]
fn calling_it_off_lets_new_orders_pass_and_is_over_then() {
    let mut rotation = did(&planned(Environment::Live), Event::Start(owner()));
    while rotation.state != RotationState::Quiesced {
        rotation = did(&rotation, good(due(&rotation)[0].effect));
    }
    let aborted = did(&rotation, Event::Abort { by: owner(), why: "not today".to_owned() });
    assert_eq!((aborted.state, aborted.trading), (RotationState::Aborted, TradingHold::Resuming));
    assert!(!aborted.is_over());
    assert!(work(aborted).is_over());
}

/// Whoever has a pair that leaked must not trade on while account and consumers are looked at, or one of them is mended.
#[rstest]
#[case(Cause::Compromise, TradingHold::Pausing)]
#[case(Cause::Offboarding, TradingHold::Running)]
#[case(Cause::Scheduled, TradingHold::Running)]
fn a_pair_that_leaked_holds_new_orders_back_from_the_start(#[case] cause: Cause, #[case] hold: TradingHold) {
    let started = did(&Rotation { cause, ..planned(Environment::Live) }, Event::Start(owner()));
    assert_eq!((started.state, started.trading), (RotationState::Preflight, hold));
    let aborted = did(&started, Event::Abort { by: owner(), why: "a false alarm".to_owned() });
    assert!(!aborted.trading.holds());
    assert!(work(aborted).is_over());
    let waits = work(started);
    assert_eq!((waits.state, waits.trading), (RotationState::AwaitingMint, TradingHold::Paused));
    assert!(waits.marks.paused_at.is_some());
}

#[derive(Clone, Debug)]
enum Move {
    Good(usize),
    Bad(usize, bool),
    Person(usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        5 => (0..8_usize).prop_map(Move::Good),
        2 => (0..8_usize, any::<bool>()).prop_map(|(at, passing)| Move::Bad(at, passing)),
        2 => (0..13_usize).prop_map(Move::Person),
    ];
    proptest::collection::vec(one, 0..60)
}

fn person(number: usize) -> Event {
    let (by, why) = (owner(), "because".to_owned());
    match number {
        0 => Event::Start(by),
        1 => Event::Resume(by),
        2 => Event::GoOnWithOpenOrders(by),
        3 => Event::Abort { by, why },
        4 => Event::LeaveOut { by, consumer: consumer(1), why },
        5 => Event::TakeOver { by, consumer: consumer(2), why },
        6 | 7 => Event::Pasted(by),
        8 => Event::SkipTestOrder(by),
        9 => Event::Overwritten { consumer: consumer(1), failure: failure(false) },
        10 => Event::TakeOver { by, consumer: consumer(1), why },
        11 => {
            let now = vec![RotationConsumer::new(consumer(2), "c2".to_owned(), "dotenv".to_owned())];
            Event::Consumers { by: None, now, what: why }
        }
        _ => Event::PairRefused,
    }
}

proptest! {
    /// Whatever comes in whatever order: trading never goes on with a pair that is not verified, nothing is called off after a new pair
    /// was asked for, and a rotation that is not over is worked on or tells a person what to do. What was written is read again.
    #[test]
    fn whatever_happens_nobody_is_stranded(live in any::<bool>(), forced in any::<bool>(), moves in moves()) {
        let environment = if live { Environment::Live } else { Environment::Paper };
        let mut plan = plan(environment);
        plan.test_order = !live;
        let new = new(environment, plan);
        let mut rotation = if forced {
            Rotation::forced(new, Actor::System, now())
        } else {
            Rotation::planned(new, Actor::Operator, now())
        };
        let mut asked_for_pair = forced;
        for one in moves {
            let dues = due(&rotation);
            let pick = |at: usize| dues.get(at % dues.len().max(1)).map(|due| due.effect);
            let event = match one {
                Move::Good(at) => pick(at).map(good),
                Move::Bad(at, passing) => pick(at).map(|effect| bad(effect, passing)),
                Move::Person(number) => Some(person(number)),
            };
            let Some(event) = event else { continue };
            let Ok((next, dues)) = step(&rotation, event, now()) else { continue };
            prop_assert_eq!(&dues, &due(&next));
            // Only the old pair, while it is alive, or a verified one.
            if rotation.trading.holds() && !next.trading.holds() {
                let verified = next.candidate.as_ref().is_some_and(|candidate| candidate.verified);
                prop_assert!(next.state == RotationState::Aborted || (verified && next.state.has_committed()));
            }
            if next.state.has_committed() {
                prop_assert!(next.candidate.as_ref().is_some_and(|candidate| candidate.verified));
            }
            asked_for_pair |= next.state == RotationState::AwaitingMint;
            prop_assert!(!(asked_for_pair && next.state == RotationState::Aborted));
            prop_assert!(!(asked_for_pair && next.state.can_abort()));
            if !next.is_over() {
                prop_assert!(!dues.is_empty() || !asks(&next).is_empty());
                prop_assert!(asks(&next).iter().all(|ask| !ask.message.is_empty() && !ask.next_step.is_empty()));
            }
            if next.state == RotationState::Closed {
                let dead = matches!(next.old_pair, OldPair::Dead { .. });
                prop_assert!(dead, "closed while the old pair is {:?}", next.old_pair);
                let done = |one: &RotationConsumer| matches!(one.stage, ConsumerStage::Proven | ConsumerStage::LeftOut);
                prop_assert!(next.consumers.iter().all(done));
            }
            let text = serde_json::to_string(&next).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Rotation>(&text).unwrap(), &next);
            rotation = next;
        }
    }
}
