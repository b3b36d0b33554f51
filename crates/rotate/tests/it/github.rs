//! GitHub Actions: sealed boxes, three places, one secret or two, and a workflow as proof.

use paddock_fakes::github::{Github, Place};
use paddock_rotate::{Consumer, Fault, FaultKind, Held, Means, Memory, Proof, Put, Stored};
use rstest::rstest;
use serde_json::{Value, json};

use crate::common::faults::{deliver, documented, every_trouble};
use crate::common::{KEY_ID, SECRET_KEY, connect_by, delivery, start, ticking};

pub(crate) fn consumer(url: &str, more: &Value) -> Box<dyn Consumer> {
    consumer_by(&ticking(), url, more)
}

fn consumer_by(means: &Means, url: &str, more: &Value) -> Box<dyn Consumer> {
    let mut settings = json!({
        "kind": "github_actions",
        "api": url,
        "place": {"of": "repository", "owner": "o", "repository": "r"},
    });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    connect_by(means, settings, Some("github_pat_fake"))
}

async fn proven(consumer: &dyn Consumer, put: &Put) -> Result<Proof, Fault> {
    loop {
        match consumer.prove(&delivery(0), put).await {
            Err(fault) if fault.kind == FaultKind::NotYet => {}
            other => return other,
        }
    }
}

#[tokio::test]
async fn two_secrets_arrive_in_sealed_boxes() {
    let fake = start(Github::default()).await;
    let consumer = consumer(&fake.url, &json!({}));
    let (looked, put, proof) = deliver(&*consumer, &delivery(0)).await.unwrap();
    assert_eq!(looked.login, "octo at 127.0.0.1");
    assert_eq!(looked.held, Held::Names { key_id: None, secret_key: None });
    assert_eq!(Stored::Moved(put.version.unwrap()), proof.stored);
    fake.with(|fake| {
        assert_eq!(fake.value(Place::Repository, "APCA_API_KEY_ID"), Some(KEY_ID));
        assert_eq!(fake.value(Place::Repository, "APCA_API_SECRET_KEY"), Some(SECRET_KEY));
        assert_eq!(fake.secrets.len(), 2);
    });
    let sent: Vec<u8> = fake.heard().into_iter().flat_map(|heard| heard.body).collect();
    let sent = String::from_utf8_lossy(&sent);
    assert!(!sent.contains(KEY_ID) && !sent.contains(SECRET_KEY), "{sent}");
    let Held::Names { key_id: Some(_), secret_key: Some(_) } = consumer.look().await.unwrap().held else {
        panic!("both are listed")
    };
}

#[tokio::test]
async fn one_secret_holds_both_halves() {
    let fake = start(Github::default()).await;
    let consumer = consumer(&fake.url, &json!({"json_secret": "ALPACA"}));
    deliver(&*consumer, &delivery(0)).await.unwrap();
    let value: Value =
        fake.with(|fake| serde_json::from_str(fake.value(Place::Repository, "ALPACA").unwrap()).unwrap());
    assert_eq!(value, json!({"APCA_API_KEY_ID": KEY_ID, "APCA_API_SECRET_KEY": SECRET_KEY}));
    fake.with(|fake| assert_eq!(fake.secrets.len(), 1));
}

#[tokio::test]
async fn an_environment_has_its_own() {
    let fake = start(Github::default()).await;
    let place = json!({"of": "environment", "owner": "o", "repository": "r", "environment": "production"});
    deliver(&*consumer(&fake.url, &json!({"place": place})), &delivery(0)).await.unwrap();
    fake.with(|fake| assert_eq!(fake.value(Place::Environment, "APCA_API_KEY_ID"), Some(KEY_ID)));
    let place = json!({"of": "environment", "owner": "o", "repository": "r", "environment": "staging"});
    let fault = consumer(&fake.url, &json!({"place": place})).look().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
}

#[tokio::test]
async fn an_organisation_goes_on_sharing_with_whom_it_did() {
    let fake = start(Github::default()).await;
    let place = json!({"of": "organization", "organization": "o"});
    let consumer = consumer(&fake.url, &json!({"place": place, "json_secret": "ALPACA"}));
    deliver(&*consumer, &delivery(0)).await.unwrap();
    let of = |fake: &mut Github| fake.secrets[&(Place::Organization, "ALPACA".to_owned())].clone();
    assert_eq!(fake.with(of).visibility.as_deref(), Some("private"));
    fake.with(|fake| {
        let stored = fake.secrets.get_mut(&(Place::Organization, "ALPACA".to_owned())).unwrap();
        (stored.visibility, stored.selected) = (Some("selected".to_owned()), vec![7, 9]);
    });
    deliver(&*consumer, &delivery(1)).await.unwrap();
    let stored = fake.with(of);
    assert_eq!((stored.visibility.as_deref(), stored.selected), (Some("selected"), vec![7, 9]));
    assert!(stored.value.contains(&format!("{KEY_ID}1")));
}

#[tokio::test]
async fn a_workflow_is_run_once_and_believed_when_it_succeeds() {
    let fake = start(Github::default()).await;
    let settings = json!({"workflow": {"file": "paddock.yml", "ref": "main"}});
    let consumer = consumer(&fake.url, &settings);
    let looked = consumer.look().await.unwrap();
    let put = consumer.put(&delivery(0), looked.version.as_deref()).await.unwrap();
    let proof = proven(&*consumer, &put).await.unwrap();
    assert_eq!(proof.in_use.unwrap().0, "run #1 of paddock.yml succeeded");
    // Another process asks again: the run is found by its name.
    let other = self::consumer(&fake.url, &settings);
    assert!(proven(&*other, &put).await.is_ok());
    fake.with(|fake| assert_eq!(fake.runs.started.len(), 1));
    fake.with(|fake| fake.runs.fails = true);
    assert_eq!(proven(&*other, &put).await.unwrap_err().kind, FaultKind::Unexpected);
    fake.with(|fake| fake.runs.disabled = true);
    assert_eq!(other.look().await.unwrap_err().kind, FaultKind::Forbidden);
}

/// The workflow asks for a consumer anew for each question; a process that has died has forgotten what it did.
#[rstest]
#[case::by_this_process(false)]
#[case::by_one_that_died(true)]
#[tokio::test]
async fn a_run_that_is_not_listed_yet_is_not_started_again(#[case] dies: bool) {
    let fake = start(Github::default()).await;
    fake.with(|fake| fake.runs.unlisted = 3);
    let settings = json!({"workflow": {"file": "paddock.yml", "ref": "main"}});
    let mut means = ticking();
    let put = consumer_by(&means, &fake.url, &settings).put(&delivery(0), None).await.unwrap();
    let fault = consumer_by(&means, &fake.url, &settings).prove(&delivery(0), &put).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotYet);
    fake.with(|fake| assert_eq!(fake.runs.started.len(), 1));
    if dies {
        means = Means { memory: Memory::default(), ..means };
    }
    loop {
        match consumer_by(&means, &fake.url, &settings).prove(&delivery(0), &put).await {
            Err(fault) if fault.kind == FaultKind::NotYet => {}
            proof => break assert!(proof.unwrap().in_use.is_some()),
        }
    }
    fake.with(|fake| assert_eq!(fake.runs.started.len(), 1));
}

#[tokio::test]
async fn what_somebody_else_wrote_is_noticed() {
    let fake = start(Github::default()).await;
    let (ours, theirs) = (consumer(&fake.url, &json!({})), consumer(&fake.url, &json!({})));
    let looked = ours.look().await.unwrap();
    deliver(&*theirs, &delivery(1)).await.unwrap();
    let fault = ours.put(&delivery(0), looked.version.as_deref()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Conflict);
    let looked = ours.look().await.unwrap();
    let put = ours.put(&delivery(0), looked.version.as_deref()).await.unwrap();
    deliver(&*theirs, &delivery(2)).await.unwrap();
    assert_eq!(ours.prove(&delivery(0), &put).await.unwrap_err().kind, FaultKind::Overwritten);
}

/// Reads that are behind show somebody else's change as if it had come after the write.
#[tokio::test]
async fn a_time_that_was_only_not_seen_before_proves_nothing() {
    let fake = start(Github::default()).await;
    let consumer = consumer(&fake.url, &json!({}));
    deliver(&*consumer, &delivery(1)).await.unwrap();
    let old = Some("2026-11-27T12:00:00Z".parse().unwrap());
    fake.with(|fake| (fake.unlisted, fake.listed_at) = (true, old));
    let put = consumer.put(&delivery(0), None).await.unwrap();
    assert_eq!(consumer.prove(&delivery(0), &put).await.unwrap_err().kind, FaultKind::NotYet);
    fake.with(|fake| fake.listed_at = None);
    assert!(matches!(consumer.prove(&delivery(0), &put).await.unwrap().stored, Stored::Moved(_)));
    // A Paddock of before did not tell which change it was.
    let untold = Put { version: None, ..put };
    assert_eq!(consumer.prove(&delivery(0), &untold).await.unwrap_err().kind, FaultKind::Unexpected);
}

#[tokio::test]
async fn what_cannot_be_written_is_found_out_first() {
    let fake = start(Github::default()).await;
    let consumer = consumer(&fake.url, &json!({}));
    fake.with(|fake| fake.may_write = false);
    assert_eq!(consumer.look().await.unwrap_err().kind, FaultKind::Forbidden);
    fake.with(|fake| (fake.may_write, fake.archived) = (true, true));
    assert_eq!(consumer.look().await.unwrap_err().kind, FaultKind::Forbidden);
    fake.with(|fake| (fake.archived, fake.token) = (false, "other".to_owned()));
    assert_eq!(consumer.look().await.unwrap_err().kind, FaultKind::Login);
}

#[tokio::test]
async fn github_has_the_pair_whatever_fails() {
    let make = async || {
        let fake = start(Github::default()).await;
        let settings = json!({"workflow": {"file": "paddock.yml", "ref": "main"}});
        let consumer = consumer(&fake.url, &settings);
        (fake, consumer)
    };
    let seen = every_trouble(make, |fake| {
        assert_eq!(fake.value(Place::Repository, "APCA_API_KEY_ID"), Some(KEY_ID));
        assert_eq!(fake.value(Place::Repository, "APCA_API_SECRET_KEY"), Some(SECRET_KEY));
        assert_eq!(fake.secrets.len(), 2);
    })
    .await;
    documented("GitHub Actions", &seen);
}
