//! An effect that takes longer than the lease of its rotation. SQLite has one process, which has every rotation.

use std::time::Duration;

use jiff::Timestamp;
use paddock_core::Environment;
use paddock_core::id::RotationId;
use paddock_core::rotation::TradingHold;
use paddock_rotate::{Deaths, Rest, RotateError};
use paddock_store::Target;
use sqlx::Connection as _;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

use crate::database::on_postgres;
use crate::place::Sight;
use crate::world::{World, owner};

/// Far longer than a look at the lease, which comes every second.
const PATIENCE: Duration = Duration::from_secs(60);

/// A rotation whose first effect is being done by a process, and is not about to end.
async fn held_up(world: &World) -> (RotationId, JoinHandle<Result<Rest, RotateError>>) {
    world.gate.is_slow.send_replace(true);
    let site = world.site(Environment::Live, &[Sight::Values]).await;
    let (id, process) = (world.planned(&site).await, world.process(&Deaths::default()));
    process.start(id, &owner(), world.now()).await.unwrap();
    let running = tokio::spawn(async move { process.run(id).await });
    let mut looks = interval(Duration::from_millis(5));
    while world.gate.told.lock().unwrap().is_empty() {
        looks.tick().await;
    }
    (id, running)
}

/// Until when a rotation is taken, once that is later than an instant.
async fn taken_beyond(target: &Target, id: RotationId, instant: Timestamp) {
    let Target::Postgres(address) = target else { unreachable!("there is no lease") };
    let mut connection = sqlx::PgConnection::connect(address.expose()).await.unwrap();
    let mut looks = interval(Duration::from_millis(20));
    loop {
        looks.tick().await;
        let lease = sqlx::query_as("SELECT lease_until FROM rotations WHERE id = $1").bind(id.to_string());
        let (until,): (Option<i64>,) = lease.fetch_one(&mut connection).await.unwrap();
        if until.unwrap() > instant.as_microsecond() {
            break;
        }
    }
    connection.close().await.unwrap();
}

#[test]
fn an_effect_that_takes_longer_than_the_lease_keeps_it() {
    on_postgres(async |target: Target| {
        let world = World::on(target.clone()).await;
        let (id, running) = held_up(&world).await;
        let begun = world.now();
        for minute in 1..=4 {
            world.clock.advance(Duration::from_secs(60));
            let kept = taken_beyond(&target, id, begun + Duration::from_secs(60 * minute + 179));
            timeout(PATIENCE, kept).await.unwrap();
            let other = world.process(&Deaths::default());
            assert_eq!(other.run(id).await.unwrap(), Rest::Elsewhere);
        }
        world.gate.is_slow.send_replace(false);
        assert_eq!(running.await.unwrap().unwrap(), Rest::Person);
        assert_eq!(world.gate.told.lock().unwrap().len(), 1, "it was done once");
    });
}

#[test]
fn whoever_has_lost_the_lease_stops_in_the_midst_of_an_effect_and_keeps_nothing() {
    on_postgres(async |target: Target| {
        let world = World::on(target).await;
        let (id, running) = held_up(&world).await;
        // As if this process had been stopped for longer than its lease, and another one had gone on.
        let late = world.now() + Duration::from_secs(200);
        let taken = world.store.claim_rotation(id, "another", late, late + Duration::from_secs(180)).await;
        assert!(taken.unwrap().is_some());
        world.clock.set(late);
        let rest = timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
        assert_eq!(rest, Rest::Elsewhere);
        let row = world.store.rotation(id).await.unwrap().unwrap();
        assert_eq!(row.rotation.trading, TradingHold::Pausing);
    });
}
