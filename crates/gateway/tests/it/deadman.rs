//! The dead-man switch, with time by hand.

use std::time::Duration;

use jiff::SignedDuration;
use paddock_core::Clock as _;
use paddock_core::audit::Actor;
use paddock_core::decide::Passing;
use paddock_gateway::{Deadman, DeadmanOptions};
use paddock_store::Subject;

use crate::rig::{Rig, trader};

fn options() -> DeadmanOptions {
    DeadmanOptions {
        subject: Subject::Everything,
        passing: Passing::default(),
        wind_down: None,
        check_in: Some(SignedDuration::from_hours(24)),
        grace: SignedDuration::from_mins(15),
        heartbeats: vec![("cron".to_owned(), 3)],
    }
}

async fn started(rig: &Rig) -> Deadman {
    rig.control.deadman(options()).await.unwrap()
}

fn pass(rig: &Rig, minutes: u64) {
    rig.clock.advance(Duration::from_secs(minutes * 60));
}

async fn unfreeze(rig: &Rig) {
    rig.store.unfreeze(Subject::Everything, &Actor::Operator, rig.clock.now()).await.unwrap();
    rig.control.reload().await.unwrap();
}

async fn is_frozen(rig: &Rig) -> bool {
    let pair = rig.key(trader()).await;
    rig.send("GET", "/v2/account", &pair, None).await.0 == 403
}

#[tokio::test]
async fn it_freezes_once_when_nobody_checks_in() {
    let rig = Rig::start().await;
    let mut switch = started(&rig).await;
    pass(&rig, 23 * 60);
    rig.store.check_in(&Actor::Operator, rig.clock.now()).await.unwrap();
    pass(&rig, 24 * 60 - 1);
    assert!(!switch.look().await.unwrap());
    assert!(!is_frozen(&rig).await);
    pass(&rig, 1);
    assert!(switch.look().await.unwrap());
    assert!(is_frozen(&rig).await);
    let freeze = rig.store.freezes().await.unwrap().remove(0);
    assert_eq!(freeze.actor, Actor::System);
    assert!(freeze.reason.unwrap().starts_with("nobody checked in since 2026-11-21T14:00"));
    // To check in lifts nothing: a person unfreezes, and has a whole period from then on.
    rig.store.check_in(&Actor::Operator, rig.clock.now()).await.unwrap();
    assert!(!switch.look().await.unwrap());
    assert!(is_frozen(&rig).await);
    unfreeze(&rig).await;
    pass(&rig, 24 * 60 - 1);
    assert!(!switch.look().await.unwrap());
    assert!(!is_frozen(&rig).await);
    pass(&rig, 1);
    assert!(switch.look().await.unwrap());
}

#[tokio::test]
async fn a_restart_neither_starts_the_clock_anew_nor_freezes_without_a_grace() {
    let rig = Rig::start().await;
    drop(started(&rig).await);
    // Down for two days.
    pass(&rig, 48 * 60);
    let mut switch = started(&rig).await;
    pass(&rig, 10);
    assert!(!switch.look().await.unwrap());
    // Another restart gives no other grace.
    let mut switch = started(&rig).await;
    assert!(!switch.look().await.unwrap());
    pass(&rig, 5);
    assert!(switch.look().await.unwrap());
    unfreeze(&rig).await;
    // Down for an hour only: the clock went on.
    pass(&rig, 60);
    let mut switch = started(&rig).await;
    pass(&rig, 23 * 60 - 1);
    assert!(!switch.look().await.unwrap());
    pass(&rig, 1);
    assert!(switch.look().await.unwrap());
}

#[tokio::test]
async fn a_heartbeat_that_stops_freezes_and_does_not_flap() {
    let rig = Rig::start().await;
    let mut switch = started(&rig).await;
    let missed = || Err("it cannot be reached".to_owned());
    // A miss now and then is none.
    for answer in [Ok(()), missed(), missed(), Ok(()), missed(), missed()] {
        assert!(!switch.heard(0, answer).await.unwrap());
    }
    assert!(switch.heard(0, missed()).await.unwrap());
    assert!(is_frozen(&rig).await);
    assert!(!switch.heard(0, missed()).await.unwrap());
    // Whoever unfreezes while it is still down knows that it is.
    unfreeze(&rig).await;
    for _ in 0..5 {
        assert!(!switch.heard(0, missed()).await.unwrap());
    }
    assert!(!is_frozen(&rig).await);
    // It is armed again as soon as it beats.
    assert!(!switch.heard(0, Ok(())).await.unwrap());
    for expected in [false, false, true] {
        assert_eq!(switch.heard(0, missed()).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn without_a_database_it_holds_in_memory() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let mut switch = started(&rig).await;
    rig.store.close().await;
    pass(&rig, 25 * 60);
    switch.look().await.unwrap_err();
    let (status, body) = rig.send("DELETE", "/v2/positions", &pair, None).await;
    // That it is refused cannot be recorded either, which is said.
    assert!(status == 403 || body["reason"] == "audit_unavailable", "{status} {body}");
    assert!(rig.broker.changes().is_empty());
}
