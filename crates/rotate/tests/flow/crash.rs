//! The process dies before, in the midst of and after every effect of every state. It must never matter.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use paddock_core::Environment;
use paddock_core::rotation::RotationState;
use paddock_rotate::{Deaths, Moment, Rest, RotateError};
use paddock_store::{PairOf, Target};
use rstest::rstest;

use crate::database::{on_postgres, on_sqlite};
use crate::place::Sight;
use crate::world::{World, halves, owner};

/// Twelve consumers.
const SIGHTS: [Sight; 12] = [
    Sight::Values,
    Sight::Values,
    Sight::Values,
    Sight::Values,
    Sight::Values,
    Sight::Values,
    Sight::Values,
    Sight::Values,
    Sight::Values,
    Sight::Nothing,
    Sight::Nothing,
    Sight::Values,
];

/// A part of the matrix is every so manieth death, so that no test takes long.
const PARTS: usize = 4;

#[rstest]
fn a_rotation_survives_every_death_on_sqlite(
    #[values(Environment::Paper, Environment::Live)] environment: Environment,
    #[values(0, 1, 2, 3)] part: usize,
) {
    on_sqlite(|target| matrix(target, environment, part));
}

#[rstest]
fn a_rotation_survives_every_death_on_postgres(
    #[values(Environment::Paper, Environment::Live)] environment: Environment,
    #[values(0, 1, 2, 3)] part: usize,
) {
    on_postgres(|target| matrix(target, environment, part));
}

async fn matrix(target: Target, environment: Environment, part: usize) {
    let name = if matches!(target, Target::Sqlite(_)) { "SQLite" } else { "PostgreSQL" };
    let world = World::on(target).await;
    let reached = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reached);
    let none = Deaths::at(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        false
    });
    one_life(&world, environment, &none).await;
    let moments = reached.load(Ordering::SeqCst);
    let victims = (part..moments).step_by(PARTS);
    for victim in victims.clone() {
        let seen = AtomicUsize::new(0);
        let deaths = Deaths::at(move |_| seen.fetch_add(1, Ordering::SeqCst) == victim);
        one_life(&world, environment, &deaths).await;
    }
    // And one that dies at every one of them.
    let seen: Mutex<HashSet<Moment>> = Mutex::default();
    one_life(&world, environment, &Deaths::at(move |moment| seen.lock().unwrap().insert(moment))).await;
    let survived = victims.len();
    eprintln!(
        "{environment} on {name}, part {part}: {survived} of {survived} deaths survived ({moments} in all parts), and all {moments} in one life"
    );
    world.store.verify_audit().await.unwrap();
}

/// What a person said was taken, or nobody knows because the process died.
fn heard<T>(said: Result<T, RotateError>) {
    match said {
        Ok(_) | Err(RotateError::Died) => {}
        Err(error) => panic!("{error}"),
    }
}

/// A rotation from plan to report, whose processes die where they are told to.
async fn one_life(world: &World, environment: Environment, deaths: &Deaths) {
    let site = world.site(environment, &SIGHTS).await;
    let id = world.planned(&site).await;
    // Who got no answer looks, and says it again if it was not heard.
    while world.store.rotation(id).await.unwrap().unwrap().rotation.state == RotationState::Planned {
        heard(world.process(deaths).start(id, &owner(), world.now()).await);
    }
    assert_eq!(world.run(id, deaths).await, Rest::Person);
    let status = world.process(deaths).status(id).await.unwrap();
    assert_eq!(
        (status.row.rotation.state, status.asks[0].code.as_str()),
        (RotationState::AwaitingMint, "mint")
    );
    assert!(site.consumers.iter().all(|(_, place)| place.writes().is_empty()));

    // The person clicks.
    let minted = world.broker.broker.regenerate_key(site.account.account_id).await.unwrap();
    let (key_id, secret_key) = halves(&minted);
    while world.store.rotation_pair(id, PairOf::Candidate).await.unwrap().is_none() {
        heard(world.process(deaths).paste(id, &key_id, &secret_key, &owner(), world.now()).await);
    }
    assert_eq!(world.run(id, deaths).await, Rest::Over);

    let rotation = world.store.rotation(id).await.unwrap().unwrap().rotation;
    assert_eq!(rotation.state, RotationState::Closed);
    assert!(world.vault_has(&site, &minted).await, "the new pair was lost");
    for (consumer, place) in &site.consumers {
        assert!(place.holds(&key_id, &secret_key), "{} has another pair", consumer.name);
        let sight = place.0.lock().unwrap().sight;
        match sight {
            Sight::Values => assert_eq!(place.writes().len(), 1, "{} was written twice", consumer.name),
            // Its receiver knows a second one by its token.
            Sight::Names | Sight::Nothing => assert_eq!(place.different_writes(), 1),
        }
    }
    for what in [PairOf::Candidate, PairOf::Retiring] {
        assert_eq!(world.store.rotation_pair(id, what).await.unwrap(), None);
    }
    let told = world.gate.told.lock().unwrap().clone();
    let told: Vec<_> = told.iter().filter(|one| one.0 == site.connection.id).map(|one| one.1).collect();
    assert_eq!(told.first(), Some(&"hold"));
    assert!(told.contains(&"swap") && told.contains(&"release"));
    let events = world.store.rotation_events(id).await.unwrap();
    assert!(events.iter().zip(1..).all(|(event, number)| event.version == number));
}
