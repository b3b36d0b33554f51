//! Consumers that come and go, that somebody else writes to, and whose secret does not open.

use std::time::Duration;

use paddock_core::Environment;
use paddock_core::audit::Actor;
use paddock_core::id::RotationId;
use paddock_core::rotation::{ConsumerStage, Effect, RotationState};
use paddock_rotate::{Deaths, Doing, Point, Rest, RotateError};
use paddock_store::{PairChange, PairOf, SealedPair, SealedSecret, Target, Transition};
use rstest::rstest;
use serde_json::json;

use crate::database::on_sqlite;
use crate::flow::{asked, secret, state, waiting};
use crate::place::{Place, Sight, Wrong};
use crate::world::{Site, World, halves, owner};

/// Pastes the pair that is made now.
async fn paste(
    world: &World,
    site: &Site,
    id: RotationId,
) -> (paddock_core::SecretText, paddock_core::SecretText) {
    let minted = world.broker.broker.regenerate_key(site.account.account_id).await.unwrap();
    let (key_id, secret_key) = halves(&minted);
    let rotations = world.process(&Deaths::default());
    rotations.paste(id, &key_id, &secret_key, &owner(), world.now()).await.unwrap();
    (key_id, secret_key)
}

/// Somebody else writes to a place as soon as the pair was put there. Nobody dies.
fn overwriting(place: &Place) -> Deaths {
    let (place, seen) = (place.clone(), std::sync::atomic::AtomicBool::new(false));
    Deaths::at(move |moment| {
        let delivered = matches!(moment.doing, Doing::Effect(Effect::Deliver(_)));
        if delivered && moment.point == Point::Kept && !seen.swap(true, std::sync::atomic::Ordering::SeqCst) {
            place.overwrite((secret("SOMEBODY"), secret("ELSE")));
        }
        false
    })
}

#[rstest]
#[case::taken_over(true, false)]
#[case::left_out(false, false)]
#[case::taken_over_though_it_was_once_before(true, true)]
fn what_somebody_else_writes_after_us_waits_for_a_persons_word(
    #[case] take_over: bool,
    #[case] before: bool,
) {
    on_sqlite(async move |target: Target| {
        let world = World::on(target).await;
        let site = world.site(Environment::Paper, &[Sight::Values, Sight::Values]).await;
        let place = &site.consumers[0].1;
        if before {
            place.0.lock().unwrap().pair = Some((secret("OLD"), secret("VALUES")));
        }
        let (id, quiet) = (world.planned(&site).await, Deaths::default());
        let rotations = world.process(&quiet);
        rotations.start(id, &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(id, &quiet).await, Rest::Person);
        if before {
            rotations.take_over(id, "place-0", "it is ours", &owner(), world.now()).await.unwrap();
            assert_eq!(world.run(id, &quiet).await, Rest::Person);
        }
        world.clock.advance(Duration::from_secs(60));
        let (key_id, secret_key) = paste(&world, &site, id).await;
        assert_eq!(world.run(id, &overwriting(place)).await, Rest::Person);
        let degraded = state(&world, id).await;
        assert_eq!(
            (degraded.state, asked(&world, id).await.as_str()),
            (RotationState::Degraded, "overwritten")
        );
        assert!(degraded.consumers[0].overwritten_at.is_some());
        assert_eq!(degraded.consumers[1].stage, ConsumerStage::Proven);

        // To go on looks once more and writes nothing, whatever was said before the pair was put there.
        rotations.resume(id, &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(id, &quiet).await, Rest::Person);
        assert_eq!(asked(&world, id).await, "overwritten");
        assert!(place.holds(&secret("SOMEBODY"), &secret("ELSE")));
        world.clock.advance(Duration::from_secs(60));
        if take_over {
            rotations.take_over(id, "place-0", "the deploy is off", &owner(), world.now()).await.unwrap();
        } else {
            rotations.leave_out(id, "place-0", "it is theirs", &owner(), world.now()).await.unwrap();
        }
        assert_eq!(world.run(id, &quiet).await, Rest::Over);
        assert_eq!(place.holds(&key_id, &secret_key), take_over);
        assert_eq!(place.writes().len(), if take_over { 2 } else { 1 });
        assert_eq!(state(&world, id).await.state, RotationState::Closed);
    });
}

#[test]
fn a_consumer_whose_secret_does_not_open_holds_back_no_other() {
    on_sqlite(async |target: Target| {
        let world = World::on(target).await;
        let (site, id) = waiting(&world, &[Sight::Values, Sight::Values]).await;
        let whole = site.consumers[0].0.clone();
        let dek = world.store.current_dek(world.user).await.unwrap().unwrap().id;
        let damaged = SealedSecret { version: 1, dek, sealed: vec![7; 60] };
        let row = paddock_store::ConsumerRow { secret: Some(damaged), ..whole.clone() };
        world.store.change_consumer(&row, &Actor::Operator, world.now()).await.unwrap();
        let (key_id, secret_key) = paste(&world, &site, id).await;
        assert_eq!(world.run(id, &Deaths::default()).await, Rest::Person);
        let rotations = world.process(&Deaths::default());
        let status = rotations.status(id).await.unwrap();
        let ask = &status.asks[0];
        assert_eq!(
            (ask.code.as_str(), ask.consumer.as_ref().unwrap().1.as_str()),
            ("secret_unreadable", "place-0")
        );
        assert!(ask.next_step.contains("give the consumer its secret again"), "{ask:?}");
        assert!(site.consumers[1].1.holds(&key_id, &secret_key));
        // A look outside a rotation says the same.
        let look = rotations.look_at_consumer(row.id).await.unwrap().unwrap_err();
        assert_eq!(look.code, "secret_unreadable");

        world.store.change_consumer(&whole, &Actor::Operator, world.now()).await.unwrap();
        rotations.resume(id, &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(id, &Deaths::default()).await, Rest::Over);
        assert!(site.consumers[0].1.holds(&key_id, &secret_key));
    });
}

#[test]
fn a_pasted_pair_that_does_not_open_any_more_is_asked_for_again() {
    on_sqlite(async |target: Target| {
        let world = World::on(target).await;
        let (site, id) = waiting(&world, &[Sight::Values]).await;
        paste(&world, &site, id).await;
        let committing = |moment: paddock_rotate::Moment| {
            moment.doing == Doing::Effect(Effect::Commit) && moment.point == Point::Before
        };
        let died = world.process(&Deaths::at(committing)).run(id).await;
        assert!(matches!(died, Err(RotateError::Died)));
        // Somebody damages what the database keeps of it.
        let before = world.store.rotation(id).await.unwrap().unwrap();
        let kept = world.store.rotation_pair(id, PairOf::Candidate).await.unwrap().unwrap();
        let damaged = SealedPair { version: kept.version + 1, secret_key: kept.key_id.clone(), ..kept };
        let transition = Transition {
            before: &before,
            after: &before.rotation,
            step: "pasted",
            consumer: None,
            detail: None,
            pairs: PairChange::Pasted(&damaged),
            actor: &Actor::Operator,
            node: None,
            at: world.now(),
        };
        world.store.step_rotation(&transition).await.unwrap();
        assert_eq!(world.run(id, &Deaths::default()).await, Rest::Person);
        assert_eq!(
            (state(&world, id).await.state, asked(&world, id).await.as_str()),
            (RotationState::Candidate, "secret_unreadable")
        );
        let (key_id, secret_key) = paste(&world, &site, id).await;
        assert_eq!(world.run(id, &Deaths::default()).await, Rest::Over);
        assert!(site.consumers[0].1.holds(&key_id, &secret_key));
    });
}

#[test]
fn an_approval_is_asked_for_once_and_again_only_by_who_says_so() {
    on_sqlite(async |target: Target| {
        let world = World::on(target).await;
        let (site, id) = waiting(&world, &[Sight::Values]).await;
        let place = &site.consumers[0].1;
        place.0.lock().unwrap().wrong = Some(Wrong::Approval);
        let (key_id, secret_key) = paste(&world, &site, id).await;
        let (rotations, quiet) = (world.process(&Deaths::default()), Deaths::default());
        assert_eq!(world.run(id, &quiet).await, Rest::Person);
        let waits = || place.0.lock().unwrap().waiting.len();
        for _ in 0..2 {
            rotations.resume(id, &owner(), world.now()).await.unwrap();
            assert_eq!(world.run(id, &quiet).await, Rest::Person);
            assert_eq!((asked(&world, id).await.as_str(), waits()), ("approval_pending", 1));
        }
        // It was refused there.
        world.clock.advance(Duration::from_secs(60));
        place.0.lock().unwrap().wrong = Some(Wrong::Approval);
        rotations.take_over(id, "place-0", "it was refused by mistake", &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(id, &quiet).await, Rest::Person);
        assert_eq!((asked(&world, id).await.as_str(), waits()), ("approval_pending", 2));
        place.approve();
        rotations.resume(id, &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(id, &quiet).await, Rest::Over);
        assert!(place.holds(&key_id, &secret_key));
    });
}

/// Those that were added while it was planned are looked at before anything is minted; one that comes while the pair is waited for gets it, too.
#[test]
fn consumers_that_come_and_go_before_the_pair_is_taken_to_them_are_no_surprise() {
    on_sqlite(async |target: Target| {
        let world = World::on(target).await;
        let site = world.site(Environment::Paper, &[Sight::Values, Sight::Values]).await;
        let (id, quiet) = (world.planned(&site).await, Deaths::default());
        let rotations = world.process(&quiet);
        world.store.remove_consumer(site.consumers[0].0.id, &Actor::Operator, world.now()).await.unwrap();
        let (_, added) = world.consumer(site.connection.id, &site.account, 2, Sight::Values).await;
        added.0.lock().unwrap().wrong = Some(Wrong::Look(paddock_rotate::FaultKind::Forbidden));
        rotations.start(id, &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(id, &quiet).await, Rest::Person);
        let names = |rotation: &paddock_core::rotation::Rotation| -> Vec<String> {
            rotation.consumers.iter().map(|one| one.name.clone()).collect()
        };
        let looked_at = state(&world, id).await;
        assert_eq!(
            (looked_at.state, names(&looked_at)),
            (RotationState::Preflight, vec!["place-1".into(), "place-2".into()])
        );
        assert_eq!(asked(&world, id).await, "forbidden");
        let events = world.store.rotation_events(id).await.unwrap();
        let told = events.iter().find(|event| event.step == "consumers").unwrap();
        assert_eq!(told.detail.as_deref(), Some("taken in: place-2; removed meanwhile: place-0"));
        rotations.resume(id, &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(id, &quiet).await, Rest::Person);
        assert_eq!(asked(&world, id).await, "mint");

        let (_, late) = world.consumer(site.connection.id, &site.account, 3, Sight::Values).await;
        let (key_id, secret_key) = paste(&world, &site, id).await;
        assert_eq!(world.run(id, &quiet).await, Rest::Over);
        assert_eq!(names(&state(&world, id).await), ["place-1", "place-2", "place-3"]);
        for place in [&site.consumers[1].1, &added, &late] {
            assert!(place.holds(&key_id, &secret_key));
        }
        assert!(site.consumers[0].1.writes().is_empty());
    });
}

/// What was written elsewhere is no claim to what is here.
#[rstest]
#[case::names(Sight::Names, true, "not_ours")]
#[case::names_that_are_not_there(Sight::Names, false, "names_missing")]
#[case::values(Sight::Values, true, "drift")]
#[case::values_that_are_not_there(Sight::Values, false, "names_missing")]
fn a_consumer_that_leads_elsewhere_is_taken_over_anew(
    #[case] sight: Sight,
    #[case] holds: bool,
    #[case] code: &'static str,
    // Whether what was written to the former place was lost sight of.
    #[values(false, true)] cut_off: bool,
) {
    on_sqlite(async move |target: Target| {
        let world = World::on(target).await;
        let (site, id) = waiting(&world, &[Sight::Values]).await;
        let (row, place) = &site.consumers[0];
        place.0.lock().unwrap().sight = sight;
        let quiet = Deaths::default();
        let rotations = world.process(&quiet);
        if cut_off {
            let lost = Wrong::PutAfterApplying(paddock_rotate::FaultKind::Unexpected);
            place.0.lock().unwrap().wrong = Some(lost);
        }
        rotations
            .take_over(id, "place-0", "it is ours", &owner(), world.now())
            .await
            .unwrap_or_else(|_| panic!("whose names they are nobody can see"));
        paste(&world, &site, id).await;
        let rest = world.run(id, &quiet).await;
        if cut_off {
            assert_eq!(rest, Rest::Person);
            rotations.leave_out(id, "place-0", "it is moved", &owner(), world.now()).await.unwrap();
            assert_eq!(world.run(id, &quiet).await, Rest::Over);
        } else {
            assert_eq!(rest, Rest::Over);
        }

        let elsewhere = paddock_store::ConsumerRow { settings: json!({"number": 99}), ..row.clone() };
        world.store.change_consumer(&elsewhere, &Actor::Operator, world.now()).await.unwrap();
        place.0.lock().unwrap().pair = holds.then(|| (secret("SOMEBODY"), secret("ELSE")));
        let again = world.planned(&site).await;
        rotations.start(again, &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(again, &quiet).await, Rest::Person);
        assert_eq!(
            (state(&world, again).await.state, asked(&world, again).await.as_str()),
            (RotationState::Preflight, code)
        );
        rotations
            .take_over(again, "place-0", "this is where it is now", &owner(), world.now())
            .await
            .unwrap();
        assert_eq!(world.run(again, &quiet).await, Rest::Person);
        assert_eq!(asked(&world, again).await, "mint");
    });
}
