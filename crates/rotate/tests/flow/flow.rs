//! What a person meets on the way.

use paddock_core::rotation::{Cause, ConsumerStage, Plan, RotationState, TestOrder, TradingHold};
use paddock_core::{Environment, SecretText};
use paddock_rotate::{Deaths, FaultKind, PlanRequest, Point, RehearsalPair, Rest, RotateError, Suspicion};
use paddock_store::{DeliveryOutcome, StoreError, Target};
use rstest::rstest;
use tokio_util::sync::CancellationToken;

use crate::database::{on_postgres, on_sqlite};
use crate::place::{Sight, Wrong};
use crate::world::{Site, World, halves, owner};

/// A rotation of a new paper account that waits for the new pair.
pub async fn waiting(world: &World, sights: &[Sight]) -> (Site, paddock_core::id::RotationId) {
    let site = world.site(Environment::Paper, sights).await;
    let id = world.planned(&site).await;
    let deaths = Deaths::default();
    world.process(&deaths).start(id, &owner(), world.now()).await.unwrap();
    assert_eq!(world.run(id, &deaths).await, Rest::Person);
    (site, id)
}

pub async fn state(world: &World, id: paddock_core::id::RotationId) -> paddock_core::rotation::Rotation {
    world.store.rotation(id).await.unwrap().unwrap().rotation
}

/// The code of what a person is asked first.
pub async fn asked(world: &World, id: paddock_core::id::RotationId) -> String {
    let status = world.process(&Deaths::default()).status(id).await.unwrap();
    status.asks.iter().map(|ask| ask.code.clone()).find(|code| code != "mint").unwrap_or("mint".to_owned())
}

pub fn secret(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

#[rstest]
#[case::swapped("swapped", "fields_swapped")]
#[case::nonsense("nonsense", "key_id_malformed")]
#[case::longer_than_any("longer", "key_id_malformed")]
#[case::longer_and_torn("longer and torn", "torn_pair")]
#[case::torn("torn", "torn_pair")]
#[case::the_same("same", "same_pair")]
#[case::of_nobody("nobody", "invalid_credentials")]
#[case::of_live("live", "live_key_in_paper")]
#[case::of_another_account("another", "account_mismatch")]
fn a_wrong_pair_is_told_and_the_right_one_still_goes(#[case] what: &'static str, #[case] code: &'static str) {
    on_sqlite(async |target: Target| {
        let world = World::on(target).await;
        let (site, id) = waiting(&world, &[Sight::Values]).await;
        let old = halves(&site.account);
        // The same pair is not minted: the click comes later.
        let minted = match what {
            "same" => None,
            _ => Some(world.broker.broker.regenerate_key(site.account.account_id).await.unwrap()),
        };
        let new = minted.as_ref().map(halves).unwrap_or(old.clone());
        let of = async |environment| {
            let account = world.broker.broker.create_account(environment, 1000.into()).await.unwrap();
            halves(&account)
        };
        let pasted = match what {
            "swapped" => (new.1.clone(), new.0.clone()),
            "nonsense" => (secret("hello"), secret("world")),
            "longer" => (secret("PKAAAABBBBCCCCDDDDEEEE2345678901"), new.1.clone()),
            "longer and torn" => (secret("PKAAAABBBBCCCCDDDDEEEE2345678901"), old.1.clone()),
            "torn" => (new.0.clone(), old.1.clone()),
            "nobody" => {
                (secret("PKAAAABBBBCCCCDDDDEEEE2345"), secret("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP12"))
            }
            "live" => of(Environment::Live).await,
            "another" => of(Environment::Paper).await,
            _ => old.clone(),
        };
        let deaths = Deaths::default();
        let rotations = world.process(&deaths);
        rotations.paste(id, &pasted.0, &pasted.1, &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(id, &deaths).await, Rest::Person);
        assert_eq!(asked(&world, id).await, code);
        let stopped = state(&world, id).await;
        assert_eq!((stopped.state, stopped.trading), (RotationState::Candidate, TradingHold::Paused));
        assert!(world.vault_has(&site, &site.account).await);
        assert!(site.consumers[0].1.writes().is_empty());

        let minted = match minted {
            Some(minted) => minted,
            None => world.broker.broker.regenerate_key(site.account.account_id).await.unwrap(),
        };
        let (key_id, secret_key) = halves(&minted);
        // As people paste.
        let (id_text, secret_text) =
            (format!(" {}\n", key_id.expose()), format!("\"{}\"", secret_key.expose()));
        let pasted = rotations
            .paste(id, &secret(&id_text), &secret(&secret_text), &owner(), world.now())
            .await
            .unwrap();
        assert!(!pasted.key_id_repairs.is_empty() && !pasted.secret_key_repairs.is_empty());
        assert_eq!(world.run(id, &deaths).await, Rest::Over);
        assert!(world.vault_has(&site, &minted).await);
    });
}

#[rstest]
#[case::look_passes(Wrong::Look(FaultKind::Server), true)]
#[case::look_limited(Wrong::Look(FaultKind::Limited(None)), true)]
#[case::permission_lost(Wrong::Look(FaultKind::Forbidden), false)]
#[case::refused(Wrong::Put(FaultKind::Forbidden), false)]
#[case::limited(Wrong::Put(FaultKind::Limited(Some(std::time::Duration::from_secs(30)))), true)]
#[case::changed_meanwhile(Wrong::Put(FaultKind::Conflict), true)]
#[case::failed_after_applying(Wrong::PutAfterApplying(FaultKind::Server), true)]
#[case::cut_off_after_applying(Wrong::PutAfterApplying(FaultKind::Timeout), true)]
#[case::odd_after_applying(Wrong::PutAfterApplying(FaultKind::Unexpected), false)]
#[case::approval(Wrong::Approval, false)]
#[case::stale_read(Wrong::Prove(FaultKind::NotYet), true)]
#[case::not_proven(Wrong::Prove(FaultKind::Unexpected), false)]
fn what_goes_wrong_at_a_consumer_passes_or_needs_a_person(#[case] wrong: Wrong, #[case] passes: bool) {
    on_sqlite(async |target: Target| {
        let world = World::on(target).await;
        let (site, id) = waiting(&world, &[Sight::Values, Sight::Values]).await;
        let (minted, deaths) =
            (world.broker.broker.regenerate_key(site.account.account_id).await.unwrap(), Deaths::default());
        site.consumers[0].1.0.lock().unwrap().wrong = Some(wrong);
        let (key_id, secret_key) = halves(&minted);
        let rotations = world.process(&deaths);
        rotations.paste(id, &key_id, &secret_key, &owner(), world.now()).await.unwrap();
        let rest = world.run(id, &deaths).await;
        if !passes {
            assert_eq!(rest, Rest::Person);
            let degraded = state(&world, id).await;
            assert_eq!(degraded.state, RotationState::Degraded);
            // The other consumer was served all the same.
            assert!(matches!(degraded.consumers[1].stage, ConsumerStage::Delivered | ConsumerStage::Proven));
            site.consumers[0].1.approve();
            rotations.resume(id, &owner(), world.now()).await.unwrap();
            assert_eq!(world.run(id, &deaths).await, Rest::Over);
        } else {
            assert_eq!(rest, Rest::Over);
        }
        for (_, place) in &site.consumers {
            assert!(place.holds(&key_id, &secret_key));
            assert_eq!(place.writes().len(), 1);
        }
        assert_eq!(state(&world, id).await.state, RotationState::Closed);
    });
}

#[rstest]
fn at_a_stop_what_is_under_way_ends_and_another_process_goes_on_at_once(
    #[values("sqlite", "postgres")] database: &str,
) {
    let body = async |target: Target| {
        let world = World::on(target).await;
        let (site, id) = waiting(&world, &[Sight::Values, Sight::Values]).await;
        let minted = world.broker.broker.regenerate_key(site.account.account_id).await.unwrap();
        let (key_id, secret_key) = halves(&minted);
        // It is told to stop while the first consumer is given the pair.
        let stop = CancellationToken::new();
        let stopper = stop.clone();
        let stopped = world.process(&Deaths::at(move |moment| {
            if moment.point == Point::Noted {
                stopper.cancel();
            }
            false
        }));
        stopped.paste(id, &key_id, &secret_key, &owner(), world.now()).await.unwrap();
        stopped.serve(stop).await;
        let written: Vec<usize> = site.consumers.iter().map(|(_, place)| place.writes().len()).collect();
        assert_eq!(written, [1, 0]);
        // No time has passed in which a lease could lapse.
        let other = world.process(&Deaths::default());
        let mut rest = other.run(id).await.unwrap();
        while let Rest::Until(at) = rest {
            world.clock.set(at);
            rest = other.run(id).await.unwrap();
        }
        assert_eq!(rest, Rest::Over);
        assert!(site.consumers.iter().all(|(_, place)| place.writes().len() == 1));
        assert!(site.consumers.iter().all(|(_, place)| place.holds(&key_id, &secret_key)));
    };
    match database {
        "sqlite" => on_sqlite(body),
        _ => on_postgres(body),
    }
}

#[test]
fn what_is_not_ours_is_not_overwritten_unless_a_person_says_so() {
    on_sqlite(async |target: Target| {
        let world = World::on(target).await;
        let sights = [Sight::Values, Sight::Values, Sight::Names];
        let site = world.site(Environment::Paper, &sights).await;
        let foreign = (secret("SOMEBODY"), secret("ELSE"));
        site.consumers[0].1.0.lock().unwrap().pair = Some(foreign.clone());
        site.consumers[1].1.0.lock().unwrap().pair = None;
        let (id, deaths) = (world.planned(&site).await, Deaths::default());
        let rotations = world.process(&deaths);
        rotations.start(id, &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(id, &deaths).await, Rest::Person);
        let status = rotations.status(id).await.unwrap();
        let codes: Vec<_> = status.asks.iter().map(|ask| ask.code.as_str()).collect();
        assert_eq!(codes, ["drift", "names_missing", "not_ours"]);
        // Nothing was asked of the person at Alpaca, and nothing was paused.
        assert_eq!(
            (status.row.rotation.state, status.row.rotation.trading),
            (RotationState::Preflight, TradingHold::Running)
        );
        rotations.leave_out(id, "place-0", "it is theirs", &owner(), world.now()).await.unwrap();
        for name in ["place-1", "place-2"] {
            rotations.take_over(id, name, "it is ours", &owner(), world.now()).await.unwrap();
        }
        assert_eq!(world.run(id, &deaths).await, Rest::Person);
        let minted = world.broker.broker.regenerate_key(site.account.account_id).await.unwrap();
        let (key_id, secret_key) = halves(&minted);
        rotations.paste(id, &key_id, &secret_key, &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(id, &deaths).await, Rest::Over);
        assert!(site.consumers[0].1.holds(&foreign.0, &foreign.1));
        assert!(site.consumers[1..].iter().all(|(_, place)| place.holds(&key_id, &secret_key)));

        // The next time they are known to be ours; what drifts between looking and writing is still not overwritten.
        let again = world.planned(&site).await;
        rotations.start(again, &owner(), world.now()).await.unwrap();
        rotations.leave_out(again, "place-0", "it is theirs", &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(again, &deaths).await, Rest::Person);
        assert_eq!(asked(&world, again).await, "mint");
        site.consumers[1].1.0.lock().unwrap().pair = Some(foreign.clone());
        let minted = world.broker.broker.regenerate_key(site.account.account_id).await.unwrap();
        let (key_id, secret_key) = halves(&minted);
        rotations.paste(again, &key_id, &secret_key, &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(again, &deaths).await, Rest::Person);
        assert_eq!(asked(&world, again).await, "drift");
        assert!(site.consumers[1].1.holds(&foreign.0, &foreign.1));
        rotations.take_over(again, "place-1", "that was a test", &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(again, &deaths).await, Rest::Over);
        assert!(site.consumers[1].1.holds(&key_id, &secret_key));
    });
}

#[test]
fn a_reset_account_is_found_out_and_rotated_by_force() {
    on_sqlite(async |target: Target| {
        let world = World::on(target).await;
        let site = world.site(Environment::Paper, &[Sight::Values]).await;
        let (id, deaths) = (world.planned(&site).await, Deaths::default());
        let minted = world.broker.broker.reset_account(site.account.account_id, 5000.into()).await.unwrap();
        let rotations = world.process(&deaths);
        rotations.start(id, &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(id, &deaths).await, Rest::Person);
        let forced = state(&world, id).await;
        assert_eq!((forced.state, forced.cause), (RotationState::AwaitingMint, Cause::PairRefused));
        assert_eq!(forced.trading, TradingHold::Paused);
        let late = rotations.abort(id, "no", &owner(), world.now()).await;
        assert!(matches!(late, Err(RotateError::Refused(refusal)) if refusal.code == "no_way_back"));
        let (key_id, secret_key) = halves(&minted);
        rotations.paste(id, &key_id, &secret_key, &owner(), world.now()).await.unwrap();
        world.run(id, &deaths).await;
        // A reset makes another account in some worlds and the same one in others; either way nothing is lost.
        let end = state(&world, id).await;
        match asked(&world, id).await.as_str() {
            "account_mismatch" => assert_eq!(end.state, RotationState::Candidate),
            _ => assert_eq!(end.state, RotationState::Closed),
        }
    });
}

#[test]
fn a_rotation_that_is_called_off_leaves_everything_as_it_was() {
    on_sqlite(async |target: Target| {
        let world = World::on(target).await;
        let site = world.site(Environment::Live, &[Sight::Values]).await;
        site.consumers[0].1.0.lock().unwrap().wrong = Some(Wrong::Look(FaultKind::Forbidden));
        let (id, deaths) = (world.planned(&site).await, Deaths::default());
        let rotations = world.process(&deaths);
        let second = rotations.plan(world.user, world.plan(&site), &owner(), world.now()).await;
        assert!(matches!(second, Err(RotateError::Store(StoreError::RotationIsOpen))));
        rotations.start(id, &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(id, &deaths).await, Rest::Person);
        rotations.abort(id, "the place is broken", &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(id, &deaths).await, Rest::Over);
        assert!(world.vault_has(&site, &site.account).await);
        assert!(site.consumers[0].1.writes().is_empty());
        world.planned(&site).await;
    });
}

#[test]
fn a_rehearsal_goes_all_the_way_and_changes_nothing() {
    on_sqlite(async |target: Target| {
        let world = World::on(target).await;
        let site = world.site(Environment::Paper, &[Sight::Values, Sight::Nothing]).await;
        let played = world.broker.broker.create_account(Environment::Paper, 1000.into()).await.unwrap();
        let (key_id, secret_key) = halves(&played);
        let account_id = played.account_id.to_string();
        let account_number = played.account_number.clone();
        let rehearsal = RehearsalPair { key_id, secret_key, account_id, account_number };
        let deaths = Deaths::default();
        let rotations = world.process(&deaths);
        let request = PlanRequest {
            connection: site.connection.id,
            cause: Cause::ByHand,
            plan: Plan { test_order: true, ..Plan::of(Environment::Paper) },
            rehearsal: Some(rehearsal),
        };
        let id = rotations.plan(world.user, request, &owner(), world.now()).await.unwrap().rotation.id;
        rotations.start(id, &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(id, &deaths).await, Rest::Person);
        let minted = world.broker.broker.regenerate_key(played.account_id).await.unwrap();
        let (key_id, secret_key) = halves(&minted);
        rotations.paste(id, &key_id, &secret_key, &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(id, &deaths).await, Rest::Over);
        let closed = state(&world, id).await;
        assert_eq!((closed.state, closed.committed_version), (RotationState::Closed, None));
        assert!(matches!(closed.test_order, TestOrder::Done { .. }));
        assert!(world.vault_has(&site, &site.account).await);
        assert!(world.gate.told.lock().unwrap().is_empty());
        for (_, place) in &site.consumers {
            assert!(place.writes().is_empty());
        }
        assert!(world.store.deliveries(id).await.unwrap().is_empty());
    });
}

#[test]
fn the_report_tells_everything_and_no_secret() {
    on_sqlite(async |target: Target| {
        let world = World::on(target).await;
        let (site, id) = waiting(&world, &[Sight::Values, Sight::Values]).await;
        let minted = world.broker.broker.regenerate_key(site.account.account_id).await.unwrap();
        let (key_id, secret_key) = halves(&minted);
        let deaths = Deaths::default();
        let rotations = world.process(&deaths);
        world.clock.advance(std::time::Duration::from_secs(90));
        rotations.leave_out(id, "place-1", "gone | away", &owner(), world.now()).await.unwrap();
        rotations.paste(id, &key_id, &secret_key, &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(id, &deaths).await, Rest::Over);
        let report = rotations.report(id).await.unwrap();
        assert_eq!(report.held_back_seconds, Some(90.0));
        assert_eq!(report.deliveries.iter().map(|one| one.outcome.as_str()).collect::<Vec<_>>(), ["written"]);
        let (markdown, json) = (report.to_markdown(), serde_json::to_string(&report).unwrap());
        for said in [
            "opens the same account",
            "Alpaca answered 401",
            "read back and equal",
            "gone \\| away",
            "held back for 90.0 seconds",
        ] {
            assert!(markdown.contains(said), "{said} is missing in {markdown}");
        }
        for secret in [&secret_key, &site.account.secret_key, &key_id] {
            assert!(!markdown.contains(secret.expose()) && !json.contains(secret.expose()));
        }
        let ledger = world.store.deliveries(id).await.unwrap();
        assert_eq!((ledger[0].outcome, ledger[0].attempt), (DeliveryOutcome::Written, 1));
    });
}

#[test]
fn serving_does_the_work_until_it_is_stopped() {
    on_sqlite(async |target: Target| {
        let world = World::on(target).await;
        let site = world.site(Environment::Paper, &[Sight::Values]).await;
        let id = world.planned(&site).await;
        let rotations = world.process(&Deaths::default());
        let stop = tokio_util::sync::CancellationToken::new();
        let serving = tokio::spawn({
            let (rotations, stop) = (rotations.clone(), stop.clone());
            async move { rotations.serve(stop).await }
        });
        rotations.start(id, &owner(), world.now()).await.unwrap();
        let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
        while state(&world, id).await.state != RotationState::AwaitingMint {
            looks.tick().await;
        }
        let minted = world.broker.broker.regenerate_key(site.account.account_id).await.unwrap();
        let (key_id, secret_key) = halves(&minted);
        rotations.paste(id, &key_id, &secret_key, &owner(), world.now()).await.unwrap();
        while !state(&world, id).await.is_over() {
            looks.tick().await;
        }
        stop.cancel();
        serving.await.unwrap();
        assert!(world.vault_has(&site, &minted).await);
    });
}

#[test]
fn a_pair_that_dies_before_its_planned_rotation_hurries_it() {
    on_sqlite(async |target: Target| {
        let world = World::on(target).await;
        let site = world.site(Environment::Paper, &[]).await;
        let id = world.planned(&site).await;
        world.broker.broker.regenerate_key(site.account.account_id).await.unwrap();
        let rotations = world.process(&Deaths::default());
        assert!(matches!(rotations.suspect(site.connection.id).await.unwrap(), Suspicion::OpenAlready));
        let hurried = state(&world, id).await;
        assert_eq!((hurried.state, hurried.trading), (RotationState::AwaitingMint, TradingHold::Pausing));
    });
}

#[test]
fn a_pair_that_dies_by_surprise_pauses_trading_and_asks_for_another() {
    on_sqlite(async |target: Target| {
        let world = World::on(target).await;
        let site = world.site(Environment::Paper, &[Sight::Values]).await;
        let deaths = Deaths::default();
        let rotations = world.process(&deaths);
        assert!(matches!(rotations.suspect(site.connection.id).await.unwrap(), Suspicion::Healthy));

        // Regenerated elsewhere, and noticed by a request that was refused.
        let minted = world.broker.broker.regenerate_key(site.account.account_id).await.unwrap();
        let (tell, told) = tokio::sync::broadcast::channel(4);
        let stop = tokio_util::sync::CancellationToken::new();
        let hour = std::time::Duration::from_secs(3600);
        let watching = tokio::spawn({
            let (rotations, stop) = (rotations.clone(), stop.clone());
            async move { rotations.watch(told, hour, stop).await }
        });
        tell.send(site.connection.id).unwrap();
        let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
        while world.store.snapshot().await.unwrap().held_by_rotation.is_empty() {
            looks.tick().await;
        }
        stop.cancel();
        watching.await.unwrap();
        assert!(matches!(rotations.suspect(site.connection.id).await.unwrap(), Suspicion::OpenAlready));
        let open = world.store.open_rotations().await.unwrap();
        assert_eq!(open.len(), 1);
        let id = open[0].rotation.id;
        assert_eq!(
            (open[0].rotation.state, open[0].rotation.cause),
            (RotationState::AwaitingMint, Cause::PairRefused)
        );
        let faults = async || world.store.connection_faults(site.connection.user).await.unwrap();
        assert_eq!(faults().await[&site.connection.id].code, "invalid_credentials");
        assert_eq!(world.run(id, &deaths).await, Rest::Person);
        let (key_id, secret_key) = halves(&minted);
        rotations.paste(id, &key_id, &secret_key, &owner(), world.now()).await.unwrap();
        assert_eq!(world.run(id, &deaths).await, Rest::Over);
        assert!(faults().await.is_empty(), "another pair is there");
        assert!(matches!(rotations.suspect(site.connection.id).await.unwrap(), Suspicion::Healthy));
        assert!(site.consumers[0].1.holds(&key_id, &secret_key));
    });
}

#[test]
fn a_look_at_a_pair_takes_its_turn_and_one_that_waits_holds_up_no_other() {
    on_sqlite(async |target: Target| {
        let world = World::on(target).await;
        let waits = world.site(Environment::Paper, &[]).await;
        let dies = world.site(Environment::Paper, &[]).await;
        let rotations = world.process(&Deaths::default());
        rotations.look_at_all().await.unwrap();
        let (mut asked, mut all) =
            (world.gate.turns.lock().unwrap().split_off(0), vec![waits.connection.id, dies.connection.id]);
        asked.sort();
        all.sort();
        assert_eq!(asked, all, "each is asked once");

        world.broker.broker.regenerate_key(dies.account.account_id).await.unwrap();
        *world.gate.out_of_turns.lock().unwrap() = Some(waits.connection.id);
        let (_tell, told) = tokio::sync::broadcast::channel(4);
        let stop = CancellationToken::new();
        let hour = std::time::Duration::from_secs(3600);
        let watching = tokio::spawn({
            let (rotations, stop) = (rotations.clone(), stop.clone());
            async move { rotations.watch(told, hour, stop).await }
        });
        let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
        while world.store.snapshot().await.unwrap().held_by_rotation != [dies.connection.id] {
            looks.tick().await;
        }
        let asked = world.gate.turns.lock().unwrap().clone();
        assert_eq!(asked.iter().filter(|id| **id == waits.connection.id).count(), 1);
        assert_eq!(asked.iter().filter(|id| **id == dies.connection.id).count(), 2);
        stop.cancel();
        watching.await.unwrap();
    });
}
