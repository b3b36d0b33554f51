//! Infisical: by its API of version 4, and of version 3 where a server has no other.

use paddock_fakes::infisical::Infisical;
use paddock_rotate::{Consumer, FaultKind, Held, Outcome, Stored, Writable};
use rstest::rstest;
use serde_json::{Value, json};

use super::common::faults::{deliver, documented, every_trouble};
use super::common::{KEY_ID, SECRET_KEY, connect, delivery, start};

pub(crate) fn consumer(url: &str) -> Box<dyn Consumer> {
    let settings = json!({
        "kind": "infisical", "address": url, "project_id": "project-1", "environment": "prod", "path": "/bots",
        "client_id": "client-1",
    });
    connect(settings, Some("client-secret-1"))
}

fn writes(heard: &[paddock_fakes::Heard]) -> Vec<(String, Value)> {
    let changes = heard.iter().filter(|heard| heard.method != "GET" && !heard.path.ends_with("/login"));
    let told = |heard: &paddock_fakes::Heard| {
        let body = serde_json::from_slice(&heard.body).unwrap();
        (format!("{} {}", heard.method, heard.path), body)
    };
    changes.map(told).collect()
}

#[tokio::test]
async fn both_halves_are_written_in_one_request() {
    let fake = start(Infisical::default()).await;
    let (looked, put, proof) = deliver(&*consumer(&fake.url), &delivery(0)).await.unwrap();
    assert!(matches!(looked.writable, Writable::Likely(_)));
    assert_eq!((looked.version, looked.held), (None, Held::Values { key_id: None, secret_key: None }));
    assert_eq!((put.version.as_deref(), put.outcome), (Some("1/1"), Outcome::Written));
    assert_eq!(proof.stored, Stored::ReadBack);
    let body = json!({
        "projectId": "project-1", "environment": "prod", "secretPath": "/bots", "mode": "upsert",
        "secrets": [
            {"secretKey": "APCA_API_KEY_ID", "secretValue": KEY_ID},
            {"secretKey": "APCA_API_SECRET_KEY", "secretValue": SECRET_KEY},
        ],
    });
    assert_eq!(writes(&fake.heard()), [("PATCH /api/v4/secrets/batch".to_owned(), body)]);
    fake.with(|fake| assert_eq!(fake.folders["/bots"]["OTHER"], ("untouched".to_owned(), 1)));
}

#[tokio::test]
async fn an_older_server_gets_them_one_after_the_other_secret_first() {
    let fake = start(Infisical { has_version_4: false, ..Infisical::default() }).await;
    fake.with(|fake| {
        let old = ("old".to_owned(), 7);
        fake.folders.get_mut("/bots").unwrap().insert("APCA_API_KEY_ID".to_owned(), old);
    });
    let (looked, put, proof) = deliver(&*consumer(&fake.url), &delivery(0)).await.unwrap();
    assert_eq!((looked.version.as_deref(), put.version.as_deref()), (Some("7/-"), Some("8/1")));
    assert_eq!(proof.stored, Stored::ReadBack);
    let body = |value: &str| {
        json!({
            "workspaceId": "project-1", "environment": "prod", "secretPath": "/bots", "secretValue": value,
            "type": "shared",
        })
    };
    let expected = [
        ("POST /api/v3/secrets/raw/APCA_API_SECRET_KEY".to_owned(), body(SECRET_KEY)),
        ("PATCH /api/v3/secrets/raw/APCA_API_KEY_ID".to_owned(), body(KEY_ID)),
    ];
    assert_eq!(writes(&fake.heard()), expected);
}

#[rstest]
#[case(true)]
#[case(false)]
#[tokio::test]
async fn a_protected_folder_waits_for_its_approval(#[case] has_version_4: bool) {
    let fake = start(Infisical { protected: true, has_version_4, ..Infisical::default() }).await;
    let consumer = consumer(&fake.url);
    let put = consumer.put(&delivery(0), None).await.unwrap();
    let Outcome::Pending(what) = &put.outcome else { panic!("{put:?}") };
    assert!(what.contains("change-1"), "{what}");
    // Version 3 has a request for each half, and the pair is there when both are approved.
    assert_eq!(what.contains("change requests change-1 and change-2"), !has_version_4, "{what}");
    let fault = consumer.prove(&delivery(0), &put).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotYet);
    fake.with(Infisical::approve);
    assert_eq!(consumer.prove(&delivery(0), &put).await.unwrap().stored, Stored::ReadBack);
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let fake = start(Infisical::default()).await;
    let consumer = consumer(&fake.url);
    fake.with(|fake| fake.shows_values = false);
    consumer.look().await.unwrap();
    fake.with(|fake| {
        _ = fake.folders.get_mut("/bots").unwrap().insert("APCA_API_KEY_ID".into(), ("x".into(), 1))
    });
    assert_eq!(consumer.look().await.unwrap_err().kind, FaultKind::Forbidden);
    fake.with(|fake| (fake.shows_values, fake.may_write) = (true, false));
    assert_eq!(consumer.put(&delivery(0), Some("1/-")).await.unwrap_err().kind, FaultKind::Forbidden);
    fake.with(|fake| fake.folders.clear());
    assert_eq!(consumer.look().await.unwrap_err().kind, FaultKind::NotFound);
    fake.with(|fake| fake.identity.1 = "another".to_owned());
    assert_eq!(consumer.look().await.unwrap_err().kind, FaultKind::Login);
}

#[tokio::test]
async fn what_somebody_else_wrote_is_not_overwritten() {
    let fake = start(Infisical::default()).await;
    let consumer = consumer(&fake.url);
    let looked = consumer.look().await.unwrap();
    consumer.put(&delivery(1), looked.version.as_deref()).await.unwrap();
    let fault = consumer.put(&delivery(0), looked.version.as_deref()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Conflict);
}

#[rstest]
#[case(true)]
#[case(false)]
#[tokio::test]
async fn a_pair_is_written_once_whatever_fails(#[case] has_version_4: bool) {
    let make = async || {
        let fake = start(Infisical { has_version_4, ..Infisical::default() }).await;
        let consumer = consumer(&fake.url);
        (fake, consumer)
    };
    let seen = every_trouble(make, |fake| {
        let secrets = &fake.folders["/bots"];
        assert_eq!(secrets["APCA_API_KEY_ID"], (KEY_ID.to_owned(), 1));
        assert_eq!(secrets["APCA_API_SECRET_KEY"], (SECRET_KEY.to_owned(), 1));
        assert_eq!(secrets["OTHER"], ("untouched".to_owned(), 1));
    })
    .await;
    documented("Infisical", &seen);
    assert!(seen.len() > 50, "{}", seen.len());
}
