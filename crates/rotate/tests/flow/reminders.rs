//! Pairs that are due are told of once for each nearness, to those that take messages, whatever is started anew.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use jiff::{SignedDuration, Timestamp};
use paddock_core::Environment;
use paddock_core::audit::AuditEvent;
use paddock_core::id::ConsumerId;
use paddock_core::rotation::Nearness;
use paddock_rotate::{
    Consumer, Deaths, Delivery, Fault, FaultKind, Looked, PairDue, Proof, Put, Registry, RehearsalBroker,
    Rotations, RotationsOptions,
};
use paddock_store::{AuditQuery, Target};
use paddock_vault::OsEntropy;
use rstest::rstest;

use crate::database::{on_postgres, on_sqlite};
use crate::place::Sight;
use crate::world::{Site, World, halves, owner};

/// What one consumer was told, and whether it takes it.
#[derive(Clone, Debug, Default)]
struct Channel(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    messages: Vec<PairDue>,
    /// What the next messages meet.
    faults: Vec<FaultKind>,
}

impl Channel {
    fn told(&self) -> Vec<PairDue> {
        self.0.lock().unwrap().messages.clone()
    }

    fn fails(&self, kinds: &[FaultKind]) {
        self.0.lock().unwrap().faults = kinds.to_vec();
    }
}

/// A consumer that takes messages, or none.
#[derive(Debug)]
struct Listener(Option<Channel>);

impl Consumer for Listener {
    fn look(&self) -> BoxFuture<'_, Result<Looked, Fault>> {
        ready(Err(fault(FaultKind::Unexpected))).boxed()
    }

    fn put<'a>(&'a self, _: &'a Delivery, _: Option<&'a str>) -> BoxFuture<'a, Result<Put, Fault>> {
        ready(Err(fault(FaultKind::Unexpected))).boxed()
    }

    fn prove<'a>(&'a self, _: &'a Delivery, _: &'a Put) -> BoxFuture<'a, Result<Proof, Fault>> {
        ready(Err(fault(FaultKind::Unexpected))).boxed()
    }

    fn remind<'a>(&'a self, pair: &'a PairDue) -> Option<BoxFuture<'a, Result<(), Fault>>> {
        let channel = self.0.clone()?;
        Some(
            async move {
                let mut told = channel.0.lock().unwrap();
                match told.faults.pop() {
                    Some(kind) => Err(fault(kind)),
                    None => {
                        told.messages.push(pair.clone());
                        Ok(())
                    }
                }
            }
            .boxed(),
        )
    }
}

fn fault(kind: FaultKind) -> Fault {
    Fault::new(kind, "it was not taken", "mend it")
}

/// A process that has just started. One consumer takes messages, the others none.
fn process(world: &World, listens: ConsumerId, channel: &Channel) -> Rotations {
    let channel = channel.clone();
    let registry: Registry = Arc::new(move |row, _| {
        Ok(Box::new(Listener((row.id == listens).then(|| channel.clone()))) as Box<dyn Consumer>)
    });
    Rotations::new(RotationsOptions {
        store: world.store.clone(),
        sealer: world.vault.sealer(),
        opener: world.vault.opener(),
        client: world.client(),
        rehearsal: RehearsalBroker::default(),
        gate: world.gate.clone(),
        registry,
        clock: world.clock.clone(),
        entropy: Arc::new(OsEntropy),
        node: "reminding".to_owned(),
    })
}

/// What the audit chain says of it, oldest first.
async fn recorded(world: &World) -> Vec<Nearness> {
    let query = AuditQuery { limit: 1000, ..AuditQuery::default() };
    let mut records = world.store.audit_page(&query).await.unwrap();
    records.reverse();
    let near = |event| match event {
        AuditEvent::RotationDue { nearness, .. } => Some(nearness),
        _ => None,
    };
    records.iter().filter_map(|record| near(record.event().unwrap())).collect()
}

async fn due(world: &World, site: &Site) -> Timestamp {
    let dues = world.store.rotations_due(world.user).await.unwrap();
    dues.into_iter().find(|due| due.connection == site.connection.id).unwrap().due_at
}

const DAY: i64 = 24;

#[rstest]
fn a_pair_that_is_due_is_told_once_for_each_nearness(#[values("sqlite", "postgres")] database: &str) {
    let body = async |target: Target| {
        let world = World::on(target).await;
        let site = world.site(Environment::Live, &[Sight::Nothing, Sight::Nothing]).await;
        let (listens, channel) = (site.consumers[1].0.id, Channel::default());
        let due_at = due(&world, &site).await;
        assert_eq!(due_at, world.now() + SignedDuration::from_hours(90 * DAY));
        let mut expected = Vec::new();
        // Each instant is looked at by two processes, the second of which has just started.
        for (hours, told) in [
            (-15 * DAY, None),
            (-14 * DAY, Some(Nearness::Fortnight)),
            (-8 * DAY, None),
            (-7 * DAY, Some(Nearness::Week)),
            (-3 * DAY, None),
            (-DAY, Some(Nearness::Day)),
            (-1, None),
            (0, Some(Nearness::Overdue)),
            (30 * DAY, None),
        ] {
            world.clock.set(due_at + SignedDuration::from_hours(hours));
            for _ in 0..2 {
                process(&world, listens, &channel).remind().await.unwrap();
            }
            expected.extend(told);
            assert_eq!(recorded(&world).await, expected, "at {hours} hours");
            assert_eq!(channel.told().len(), expected.len(), "at {hours} hours");
        }
        let days: Vec<i64> = channel.told().iter().map(|message| message.days_left).collect();
        assert_eq!(days, [14, 7, 1, 0]);
        let first = &channel.told()[0];
        assert_eq!((&first.connection, first.environment), (&site.connection.name, Environment::Live));
        world.store.verify_audit().await.unwrap();
    };
    match database {
        "sqlite" => on_sqlite(body),
        _ => on_postgres(body),
    }
}

#[test]
fn another_cadence_is_another_day_and_a_rotation_under_way_needs_no_reminder() {
    on_sqlite(async |target: Target| {
        let world = World::on(target).await;
        let site = world.site(Environment::Paper, &[Sight::Nothing]).await;
        let (listens, channel) = (site.consumers[0].0.id, Channel::default());
        let rotations = process(&world, listens, &channel);
        world.store.set_rotation_days(site.connection.id, 10, &owner().actor, world.now()).await.unwrap();
        rotations.remind().await.unwrap();
        assert_eq!(channel.told(), [], "a new pair is not due, however short its time is");
        world.clock.advance(std::time::Duration::from_secs(4 * 86_400));
        rotations.remind().await.unwrap();
        assert_eq!(recorded(&world).await, [Nearness::Week]);
        let id = world.planned(&site).await;
        world.clock.advance(std::time::Duration::from_secs(6 * 86_400));
        rotations.remind().await.unwrap();
        assert_eq!(recorded(&world).await, [Nearness::Week], "somebody is at it");
        let all = world.process(&Deaths::default());
        all.abort(id, "not today", &owner(), world.now()).await.unwrap();
        rotations.remind().await.unwrap();
        assert_eq!(recorded(&world).await, [Nearness::Week, Nearness::Overdue]);
        world.store.set_rotation_days(site.connection.id, 12, &owner().actor, world.now()).await.unwrap();
        rotations.remind().await.unwrap();
        assert_eq!(recorded(&world).await, [Nearness::Week, Nearness::Overdue, Nearness::Week]);
        assert_eq!(channel.told().len(), 3);
    });
}

#[test]
fn a_message_is_tried_until_it_is_taken_and_not_when_it_is_no_news_any_more() {
    on_sqlite(async |target: Target| {
        let world = World::on(target).await;
        let site = world.site(Environment::Paper, &[Sight::Nothing]).await;
        let (listens, channel) = (site.consumers[0].0.id, Channel::default());
        let due_at = due(&world, &site).await;
        world.clock.set(due_at - SignedDuration::from_hours(10 * DAY));
        channel.fails(&[FaultKind::Unreachable, FaultKind::Unreachable]);
        let ten_minutes = std::time::Duration::from_secs(600);
        for told in [0, 0, 1, 1] {
            process(&world, listens, &channel).remind().await.unwrap();
            // Too early for another try.
            process(&world, listens, &channel).remind().await.unwrap();
            assert_eq!(channel.told().len(), told);
            world.clock.advance(ten_minutes);
        }
        // What cannot pass is given up.
        world.clock.set(due_at - SignedDuration::from_hours(6 * DAY));
        channel.fails(&[FaultKind::Forbidden]);
        for _ in 0..3 {
            process(&world, listens, &channel).remind().await.unwrap();
            world.clock.advance(ten_minutes);
        }
        assert_eq!(channel.told().len(), 1);
        // A pair that was replaced before the message was taken is not told of.
        world.clock.set(due_at - SignedDuration::from_hours(DAY));
        channel.fails(&[FaultKind::Unreachable]);
        process(&world, listens, &channel).remind().await.unwrap();
        let deaths = Deaths::default();
        let id = world.planned(&site).await;
        let rotations = world.process(&deaths);
        rotations.start(id, &owner(), world.now()).await.unwrap();
        world.run(id, &deaths).await;
        let minted = world.broker.broker.regenerate_key(site.account.account_id).await.unwrap();
        let (key_id, secret_key) = halves(&minted);
        rotations.paste(id, &key_id, &secret_key, &owner(), world.now()).await.unwrap();
        world.run(id, &deaths).await;
        world.clock.advance(ten_minutes);
        process(&world, listens, &channel).remind().await.unwrap();
        assert_eq!(channel.told().len(), 1);
        assert_eq!(recorded(&world).await, [Nearness::Fortnight, Nearness::Week, Nearness::Day]);
    });
}
