//! Processes that are killed (SIGKILL) before, in the midst of and after every effect of every state, every word of a person's and every request that changes
//! something, with the real twelve consumers; the next process takes the rotation on. It must never matter.
//!
//! The list of deaths comes from a life without any, so that a new effect is covered by itself.

mod life;
mod places;
mod process;
mod victim;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use paddock_core::SecretText;
use paddock_store::Target;
use rstest::rstest;

use self::life::{Killing, Lived, Procedure, live};
use crate::database::{on_postgres, on_sqlite};
use crate::world::World;

/// All deaths of a procedure, each as one life's killing.
fn deaths(calm: &Lived) -> Vec<Killing> {
    assert!(calm.deaths.is_empty());
    let one = |name: &String| BTreeSet::from([name.clone()]);
    let moments = calm.moments.iter().map(|name| Killing { moments: one(name), ..Killing::default() });
    let requests = calm.requests.iter().map(|name| Killing { requests: one(name), ..Killing::default() });
    let program = [false, true].map(|after| Killing { program: [after].into(), ..Killing::default() });
    moments.chain(requests).chain(program).collect()
}

/// The effects of a procedure by the words in which moments have them, so that none is left out because nothing brought it about.
fn effects(procedure: Procedure) -> BTreeSet<&'static str> {
    let all = [
        "ConfirmPause",
        "CheckCandidate",
        "Commit",
        "Swap",
        "ConfirmResume",
        "Deliver",
        "Prove",
        "ProveOldPairDead",
    ];
    let of_its_own: &[&str] = match procedure {
        Procedure::Paper => &["LookAtAccount", "LookAt", "PlaceTestOrder"],
        Procedure::Live => &["LookAtAccount", "LookAt", "CancelOrders"],
        Procedure::Forced => &[],
    };
    all.iter().chain(of_its_own).copied().collect()
}

/// The effects among moments.
fn effects_of(moments: &[String]) -> BTreeSet<&str> {
    let doing = moments.iter().filter_map(|name| name.split(", ").nth(1));
    doing
        .filter(|doing| !doing.starts_with("a person's"))
        .filter_map(|doing| doing.split(' ').next())
        .collect()
}

/// Every death of every procedure once. Each life is one of many deaths, so that the next one often strikes what is done about the one before.
#[rstest]
fn no_death_matters_on_sqlite(
    #[values(Procedure::Paper, Procedure::Live, Procedure::Forced)] procedure: Procedure,
    #[values(0, 1)] part: usize,
) {
    on_sqlite(|target| every_death_once(target, procedure, part));
}

#[rstest]
fn no_death_matters_on_postgres(
    #[values(Procedure::Paper, Procedure::Live, Procedure::Forced)] procedure: Procedure,
    #[values(0, 1)] part: usize,
) {
    on_postgres(|target| every_death_once(target, procedure, part));
}

async fn every_death_once(target: Target, procedure: Procedure, part: usize) {
    /// Each death is in one of so many lives.
    const LIVES: usize = 2;
    let world = World::on(target.clone()).await;
    let calm = live(&world, &target, procedure, &Killing::default()).await;
    assert_eq!(effects_of(&calm.moments), effects(procedure));
    let mut killing = Killing::default();
    for death in deaths(&calm).into_iter().skip(part).step_by(LIVES) {
        killing.moments.extend(death.moments);
        killing.requests.extend(death.requests);
        killing.program.extend(death.program);
    }
    let lived = live(&world, &target, procedure, &killing).await;
    // A person who is asked earlier, because a process has begun anew, answers in another state.
    let spoken = |name: &&String| !name.contains("a person's take_over");
    let missed = calm.moments.iter().filter(|name| !lived.moments.contains(name)).filter(spoken);
    assert_eq!(missed.collect::<Vec<_>>(), Vec::<&String>::new(), "never reached");
    let reached = lived.moments.iter().filter(|name| killing.moments.contains(*name)).count();
    let wanted = reached + killing.requests.len() + killing.program.len();
    assert_eq!(lived.deaths.len(), wanted, "{:?}", lived.deaths);
    world.store.verify_audit().await.unwrap();
    if let Target::Sqlite(path) = &target {
        nothing_of_a_pair_is_left(path, &lived.secrets);
    }
    eprintln!("{procedure}: {wanted} deaths by kill -9 in one life");
}

/// Looks into the files where the processes died.
fn nothing_of_a_pair_is_left(database: &Path, secrets: &[SecretText]) {
    for file in ["paddock.db", "paddock.db-wal"] {
        let bytes = std::fs::read(database.with_file_name(file)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!secrets.iter().any(|secret| text.contains(secret.expose())), "a pair is in {file}");
    }
}

/// The whole matrix: each death has a life of its own. `cargo xtask bench rotation` runs it and reads what it prints; `PADDOCK_TEST_EVERY` takes every so manieth
/// death only.
#[rstest]
#[ignore = "takes minutes: cargo xtask bench rotation"]
fn the_whole_matrix(#[values(Procedure::Paper, Procedure::Live, Procedure::Forced)] procedure: Procedure) {
    /// So many rotations share a database.
    const TOGETHER: usize = 20;
    let every = std::env::var("PADDOCK_TEST_EVERY").map_or(1, |every| every.parse().unwrap());
    on_sqlite(async |target| {
        let Target::Sqlite(database) = &target else { return };
        let world = World::on(target.clone()).await;
        let calm = live(&world, &target, procedure, &Killing::default()).await;
        let chosen: Vec<Killing> = deaths(&calm).into_iter().step_by(every).collect();
        let mut survived = 0;
        for (number, together) in chosen.chunks(TOGETHER).enumerate() {
            let target = Target::Sqlite(database.with_file_name(format!("paddock-{number}.db")));
            let world = Arc::new(World::on(target.clone()).await);
            for death in together {
                let (world, target, death) = (Arc::clone(&world), target.clone(), death.clone());
                let life = tokio::spawn(async move { live(&world, &target, procedure, &death).await });
                match life.await {
                    Ok(lived) if lived.deaths.len() == 1 => survived += 1,
                    Ok(lived) => eprintln!("{procedure}: no death, {:?}", lived.moments.last()),
                    Err(error) => eprintln!("{procedure}: not survived: {error}"),
                }
            }
            world.store.verify_audit().await.unwrap();
        }
        let (all, moments, requests) = (chosen.len(), calm.moments.len(), calm.requests.len());
        println!("kill -9, {procedure}: {survived} of {all} deaths, {moments} moments, {requests} requests");
        assert_eq!(survived, all);
    });
}
